//! The kinds of training beside `sft`.

use std::sync::atomic::AtomicBool;

use strawberry_synth::record::Record;
use strawberry_synth::sink::read_records;
use strawberry_train::data::read_preferences;
use strawberry_train::export::adapter;
use strawberry_train::grpo::Groups;
use strawberry_train::network::{Network, Scope};
use strawberry_train::ops::loss::Divergence;
use strawberry_train::rollout::Drawing;
use strawberry_train::star::Round;
use strawberry_train::{distill as distilling, dpo as preferring, grpo as reinforcing, star as reasoning};

use super::{examples, failed, finish, network, place, rows, settings, source, use_threads, watcher};
use crate::cli::train::{DistillArgs, DpoArgs, DrawArgs, FitArgs, GrpoArgs, StarArgs};
use crate::error::CliError;
use crate::out;

fn problems(files: &[std::path::PathBuf]) -> Result<Vec<Record>, CliError> {
    let mut all = Vec::new();
    for path in files {
        all.extend(read_records(path).map_err(CliError::failure)?);
    }
    all.retain(|r| r.split == "train" && r.reward == 1);
    if all.is_empty() {
        return Err(CliError::usage(
            "there is no problem to train on: give records of `synth` whose split is train",
        ));
    }
    Ok(all)
}

fn drawing(args: &DrawArgs, fit: &FitArgs) -> Drawing {
    Drawing {
        samples: args.samples,
        temperature: args.temperature,
        max_tokens: args.max_tokens,
        seed: fit.seed,
        calculator: Some(strawberry_think::calculator::calculator()),
        threads: fit.threads.map(usize::from),
    }
}

/// Rounds of sampling, checking and training.
pub fn star(args: StarArgs, stop: &AtomicBool) -> Result<(), CliError> {
    use_threads(args.fit.threads);
    let problems = problems(&args.problems)?;
    let source = source(&args.fit.model)?;
    let always = examples(&args.also, false)?;
    let settings = settings(&args.fit);
    let mut policy = network(&source, &args.fit)?;
    let scope = policy.scope();
    let mut watch = watcher(stop);
    let mut earlier: Vec<Record> = Vec::new();
    let mut outcomes = Vec::new();
    for number in 1..=args.rounds.max(1) {
        let draw = Drawing {
            seed: args.fit.seed.wrapping_add(number as u64),
            ..drawing(&args.draw, &args.fit)
        };
        let folder = args.fit.out.join(format!("round-{number}"));
        eprintln!(
            "round {number}: {} problems, {} responses each",
            problems.len(),
            draw.samples
        );
        let round = Round {
            folder: &folder,
            problems: &problems,
            always: &always,
            earlier: &earlier,
            drawing: &draw,
            paths: args.paths,
            settings: &settings,
            checkpoint_seconds: args.fit.checkpoint_seconds,
        };
        let (trained, outcome, kept) =
            reasoning::round(&policy, &source, scope, &round, &mut watch).map_err(failed)?;
        eprintln!(
            "round {number}: {:.1} % of responses right, {} of {} problems solved, {} records kept",
            100.0 * outcome.right as f64 / outcome.samples.max(1) as f64,
            outcome.solved,
            outcome.problems,
            outcome.kept
        );
        outcomes.push(outcome);
        earlier.extend(kept);
        policy = trained;
    }
    if args.fit.json {
        return out::json(&serde_json::json!({"out": args.fit.out, "rounds": outcomes}));
    }
    out::line(format!(
        "trained: {}",
        args.fit
            .out
            .join(format!("round-{}", args.rounds.max(1)))
            .display()
    ))
}

/// Preferences.
pub fn dpo(args: DpoArgs, stop: &AtomicBool) -> Result<(), CliError> {
    use_threads(args.fit.threads);
    let preferences = read_preferences(&args.data).map_err(failed)?;
    let source = source(&args.fit.model)?;
    let mut network = network(&source, &args.fit)?;
    let settings = settings(&args.fit);
    let mut watch = watcher(stop);
    let place = place(&args.fit, &mut watch);
    let finished = preferring::train(&source, &mut network, &preferences, args.beta, &settings, place)
        .map_err(failed)?;
    finish(&network, &source, &args.fit, &finished)
}

/// Reinforcement learning.
pub fn grpo(args: GrpoArgs, stop: &AtomicBool) -> Result<(), CliError> {
    use_threads(args.fit.threads);
    let problems = problems(&args.problems)?;
    let source = source(&args.fit.model)?;
    let mut network = network(&source, &args.fit)?;
    let settings = settings(&args.fit);
    let groups = Groups {
        prompts: args.prompts,
        tries: args.tries,
        steps: args.steps,
    };
    let drawing = drawing(&args.draw, &args.fit);
    let mut watch = watcher(stop);
    let place = place(&args.fit, &mut watch);
    let finished = reinforcing::train(
        &source,
        &mut network,
        &problems,
        &groups,
        &drawing,
        &settings,
        place,
    )
    .map_err(failed)?;
    finish(&network, &source, &args.fit, &finished)
}

/// Distillation by logits.
pub fn distill(args: DistillArgs, stop: &AtomicBool) -> Result<(), CliError> {
    use_threads(args.fit.threads);
    let divergence = match args.divergence.as_str() {
        "forward" => Divergence::Forward,
        "reverse" => Divergence::Reverse,
        other => {
            return Err(CliError::usage(format!(
                "unknown divergence '{other}': use forward or reverse"
            )));
        }
    };
    let start = source(&args.fit.model)?;
    let settings = settings(&args.fit);
    let rows = rows(&start, &args.data, args.equations, settings.max_length)?;
    let path = std::path::Path::new(&args.teacher);
    let teacher = if path.join("adapter_config.json").is_file() {
        let mut teacher = Network::load(&start, Scope::Full, 0).map_err(failed)?;
        adapter::read(path, &mut teacher).map_err(failed)?;
        teacher.merge();
        teacher
    } else {
        Network::load(&source(&args.teacher)?, Scope::Full, 0).map_err(failed)?
    };
    let mut student = network(&start, &args.fit)?;
    if !args.layers.is_empty() {
        let layers = student.config().layers;
        if !args.fit.full {
            return Err(CliError::usage(
                "a student with fewer layers has no adapter: add --full",
            ));
        }
        if let Some(wrong) = args.layers.iter().find(|l| **l >= layers) {
            return Err(CliError::usage(format!(
                "there is no layer {wrong}: the start model has layers 0 to {}",
                layers - 1
            )));
        }
        student.keep_layers(&args.layers);
    }
    let mut watch = watcher(stop);
    let place = place(&args.fit, &mut watch);
    let finished = distilling::train(
        &start,
        &mut student,
        &teacher,
        &rows,
        divergence,
        &settings,
        place,
    )
    .map_err(failed)?;
    finish(&student, &start, &args.fit, &finished)
}
