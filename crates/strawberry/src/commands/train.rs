//! `train`: fine-tuning on verified data, and exporting what was trained.

mod learn;
mod measuring;
mod scorer;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use strawberry_engine::quant::DType;
use strawberry_engine::source::ModelSource;
use strawberry_hub::Hub;
use strawberry_train::checkpoint;
use strawberry_train::data::{Example, Steps, read_examples};
use strawberry_train::export::{adapter, folder, gguf};
use strawberry_train::network::{Network, Scope};
use strawberry_train::run::{Finished, Metrics, Place, Settings};
use strawberry_train::sft::{self, Rows};
use strawberry_train::{TrainError, report};

use crate::cli::train::{ExportArgs, FitArgs, SftArgs, TrainCommand};
use crate::error::CliError;
use crate::{open, out};

/// Runs a kind of training.
pub async fn run(command: TrainCommand) -> Result<(), CliError> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    let watch = open::on_signal(move || {
        flag.store(true, Ordering::Relaxed);
        eprintln!("stopping after this step; the same command goes on from there");
    });
    let work = tokio::task::spawn_blocking(move || match command {
        TrainCommand::Sft(args) => sft(args, &stop),
        TrainCommand::Star(args) => learn::star(args, &stop),
        TrainCommand::Dpo(args) => learn::dpo(args, &stop),
        TrainCommand::Grpo(args) => learn::grpo(args, &stop),
        TrainCommand::Distill(args) => learn::distill(args, &stop),
        TrainCommand::Verifier(args) => scorer::verifier(args, &stop),
        TrainCommand::Score(args) => scorer::score(args),
        TrainCommand::Measure(args) => measuring::measure(&args),
        TrainCommand::Export(args) => export(args),
    });
    let result = work.await.map_err(CliError::failure)?;
    watch.abort();
    result
}

/// A training error as the command line's.
pub fn failed(error: TrainError) -> CliError {
    match error {
        TrainError::Option(message) => CliError::Usage(message),
        TrainError::Stopped { .. } => CliError::Interrupted,
        other => CliError::failure(other),
    }
}

/// Opens the start model.
pub fn source(model: &str) -> Result<ModelSource, CliError> {
    if model.starts_with("http://") || model.starts_with("https://") {
        return Err(CliError::usage(
            "a model behind a server can't be trained: give a .gguf file or a folder",
        ));
    }
    let path = Hub::open()
        .and_then(|hub| hub.resolve(model))
        .map_err(CliError::failure)?;
    ModelSource::open(&path).map_err(CliError::failure)
}

/// The settings that the arguments give.
pub fn settings(args: &FitArgs) -> Settings {
    let defaults = Settings::default();
    Settings {
        rate: args.rate.unwrap_or(if args.full { 1e-4 } else { defaults.rate }),
        step_tokens: args.step_tokens,
        pack_tokens: args.pack_tokens,
        max_length: args.max_length,
        epochs: args.epochs,
        recompute: args.recompute,
        seed: args.seed,
        ..defaults
    }
}

/// The start model's network, with fresh adapters or those of `--adapter`.
pub fn network(source: &ModelSource, args: &FitArgs) -> Result<Network, CliError> {
    let scope = if args.full {
        Scope::Full
    } else {
        Scope::Lora {
            rank: args.rank,
            alpha: args.alpha.unwrap_or(2.0 * args.rank as f32),
        }
    };
    let Some(path) = &args.adapter else {
        return Network::load(source, scope, args.seed).map_err(failed);
    };
    let mut network = Network::load(source, Scope::Full, args.seed).map_err(failed)?;
    adapter::read(path, &mut network).map_err(failed)?;
    if args.full {
        network.merge();
    }
    Ok(network)
}

/// Threads of the whole process's pool.
pub fn use_threads(threads: Option<u16>) {
    if let Some(threads) = threads {
        // Only the first call can set it; a second one finds it as wanted.
        let _ = rayon::ThreadPoolBuilder::new()
            .num_threads(usize::from(threads))
            .build_global();
    }
}

/// Prints a line per step to standard error, and stops when asked.
pub fn watcher(stop: &AtomicBool) -> impl FnMut(&Metrics) -> bool + '_ {
    move |m: &Metrics| {
        let left = (m.steps - m.step) as f64 * m.seconds / m.step.max(1) as f64;
        let dev = m.dev_loss.map_or_else(String::new, |l| format!(" · dev {l:.4}"));
        eprintln!(
            "step {}/{} · loss {:.4}{dev} · {:.0} tok/s · {:.0} min left",
            m.step,
            m.steps,
            m.loss,
            m.tokens_per_second,
            left / 60.0
        );
        !stop.load(Ordering::Relaxed)
    }
}

/// The rows of data files, as tokens.
fn rows(source: &ModelSource, files: &[PathBuf], equations: bool, longest: usize) -> Result<Rows, CliError> {
    let examples = examples(files, equations)?;
    let rows = Rows::new(source, &examples, longest).map_err(failed)?;
    eprintln!(
        "{} rows to learn, {} held out, {} too long",
        rows.train.len(),
        rows.dev.len(),
        rows.too_long
    );
    Ok(rows)
}

fn examples(files: &[PathBuf], equations: bool) -> Result<Vec<Example>, CliError> {
    let steps = if equations { Steps::Equations } else { Steps::Whole };
    let mut all = Vec::new();
    for path in files {
        all.extend(read_examples(path, steps).map_err(failed)?);
    }
    Ok(all)
}

/// Where the arguments put a run.
fn place<'a>(args: &'a FitArgs, watch: &'a mut dyn FnMut(&Metrics) -> bool) -> Place<'a> {
    Place {
        folder: &args.out,
        checkpoint_seconds: args.checkpoint_seconds,
        dev_steps: args.dev_steps,
        watch,
    }
}

fn sft(args: SftArgs, stop: &AtomicBool) -> Result<(), CliError> {
    use_threads(args.fit.threads);
    let source = source(&args.fit.model)?;
    let settings = settings(&args.fit);
    let rows = rows(&source, &args.data, args.equations, settings.max_length)?;
    let mut network = network(&source, &args.fit)?;
    let mut watch = watcher(stop);
    let place = place(&args.fit, &mut watch);
    let finished = sft::train(&source, &mut network, &rows, &settings, place).map_err(failed)?;
    finish(&network, &source, &args.fit, &finished)
}

/// Writes what was trained, and the report.
pub fn finish(
    network: &Network,
    source: &ModelSource,
    args: &FitArgs,
    finished: &Finished,
) -> Result<(), CliError> {
    let written: PathBuf = match network.scope() {
        Scope::Lora { .. } => {
            let path = args.out.join("adapter");
            adapter::write(&path, network, &source.config().name).map_err(failed)?;
            path
        }
        Scope::Full => {
            let path = args.out.join("model");
            folder::write(&path, network, source).map_err(failed)?;
            path
        }
    };
    let page = args.out.join("report.html");
    report::write(&args.out.join("metrics.jsonl"), &page).map_err(failed)?;
    if args.json {
        return out::json(&serde_json::json!({
            "checkpoint": finished.checkpoint,
            "written": written,
            "report": page,
            "last": finished.last,
        }));
    }
    out::line(format!(
        "trained: {}; curves: {}",
        written.display(),
        page.display()
    ))
}

fn export(args: ExportArgs) -> Result<(), CliError> {
    let source = source(&args.model)?;
    let mut network = Network::load(&source, Scope::Full, 0).map_err(failed)?;
    match &args.trained {
        Some(path) if path.join("adapter_config.json").is_file() => {
            adapter::read(path, &mut network).map_err(failed)?;
        }
        Some(path) => load_checkpoint(path, &mut network)?,
        None => {}
    }
    let to = &args.out;
    match args.format.as_str() {
        "folder" => folder::write(to, &network, &source).map_err(failed)?,
        "adapter" => adapter::write(to, &network, &source.config().name).map_err(failed)?,
        name => {
            let dtype = DType::from_name(name).ok_or_else(|| {
                CliError::usage(format!(
                    "unknown format '{name}': use adapter, folder, F32, F16, Q8_0, Q4_0 or Q4_K"
                ))
            })?;
            gguf::write(to, &network, &source, dtype).map_err(failed)?;
        }
    }
    out::line(to.display().to_string())
}

/// Full weights of a run's newest checkpoint.
fn load_checkpoint(run: &Path, network: &mut Network) -> Result<(), CliError> {
    let latest = checkpoint::latest(run).map_err(failed)?.ok_or_else(|| {
        CliError::usage(format!(
            "{}: neither an adapter's folder nor a run's with a checkpoint",
            run.display()
        ))
    })?;
    // A student with fewer layers than the start model.
    if let Some(layers) = checkpoint::layers(&latest).filter(|n| *n < network.config().layers) {
        network.keep_layers(&(0..layers).collect::<Vec<_>>());
    }
    checkpoint::load_weights(&latest, network).map_err(failed)
}
