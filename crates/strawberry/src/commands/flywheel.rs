//! `flywheel`: data, training and measurement as one durable job.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use strawberry_train::flywheel::{self, Job};

use super::train::{failed, source, use_threads, watcher};
use crate::cli::train::{FlywheelCommand, FlywheelRunArgs};
use crate::error::CliError;
use crate::{open, out};

/// Runs a recipe.
pub async fn run(command: FlywheelCommand) -> Result<(), CliError> {
    let FlywheelCommand::Run(args) = command;
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    let signals = open::on_signal(move || flag.store(true, Ordering::Relaxed));
    let work = tokio::task::spawn_blocking(move || turn(&args, &stop));
    let result = work.await.map_err(CliError::failure)?;
    signals.abort();
    result
}

fn turn(args: &FlywheelRunArgs, stop: &AtomicBool) -> Result<(), CliError> {
    use_threads(args.threads);
    let recipe = flywheel::read(&args.recipe).map_err(failed)?;
    let text = std::fs::read_to_string(&args.recipe)?;
    let source = source(&recipe.model)?;
    let mut watch = watcher(stop);
    let mut say = |what: &str| eprintln!("{what}");
    let job = Job {
        recipe: &recipe,
        source: &source,
        folder: &args.out,
        calculator: strawberry_think::calculator::calculator(),
        threads: args.threads.map(usize::from),
        say: &mut say,
        watch: &mut watch,
    };
    let report = flywheel::run(job, &text).map_err(failed)?;
    if args.json {
        return out::json(&serde_json::json!({"report": report}));
    }
    out::line(std::fs::read_to_string(report)?)
}
