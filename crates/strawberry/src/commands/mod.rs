//! The commands, one file each.

mod ask;
mod ask_file;
mod bench;
mod chat;
mod doctor;
mod eval;
mod flywheel;
mod geometry;
mod model;
mod problem_rows;
mod research;
mod search;
mod serve;
mod synth;
mod tables;
mod trace;
mod train;
mod verify;

use std::future::Future;

use clap::CommandFactory;

use crate::cli::{Cli, Command};
use crate::error::CliError;

/// Runs the command that was given.
pub fn run(cli: Cli) -> Result<(), CliError> {
    match cli.command {
        Command::Ask(args) if args.file.is_some() => wait(ask_file::run(args)),
        Command::Ask(args) => wait(ask::run(args)),
        Command::Chat(args) => wait(chat::run(args)),
        Command::Serve(args) => wait(serve::run(args)),
        Command::Research(args) => wait(research::run(args)),
        Command::Search(args) => wait(search::run(args)),
        Command::Model(command) => wait(model::run(command)),
        Command::Trace(command) => wait(trace::run(command)),
        Command::Verify(command) => verify::run(command),
        Command::Geometry(command) => wait(geometry::run(command)),
        Command::Synth(args) => wait(synth::run(args)),
        Command::Train(command) => wait(train::run(command)),
        Command::Flywheel(command) => wait(flywheel::run(command)),
        Command::Eval(args) => wait(eval::run(args)),
        Command::Bench(command) => wait(bench::run(command)),
        Command::Efforts(flag) => tables::efforts(flag),
        Command::Schema => tables::schema(),
        Command::Doctor(flag) => doctor::run(flag),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "strawberry", &mut std::io::stdout());
            Ok(())
        }
    }
}

/// Runs asynchronous work to its end.
fn wait(work: impl Future<Output = Result<(), CliError>>) -> Result<(), CliError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let result = runtime.block_on(work);
    // Attempts that were given up may still wait for a server; they are not worth waiting for.
    runtime.shutdown_background();
    result
}
