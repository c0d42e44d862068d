//! Turns arguments into the parts that do the work: models, stores, plans.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use strawberry_core::{Budget, Model, ModelInfo, Problem, RunId, TraceStore, Verifier};
use strawberry_engine::engine::{Engine, EngineOptions};
use strawberry_hub::Hub;
use strawberry_remote::{RemoteModel, RemoteOptions};
use strawberry_store::Store;
use strawberry_think::{Calibration, PlanOptions, Recorder, Thinker, prompt};
use strawberry_verify::MathVerifier;
use tokio::task::JoinHandle;

use crate::adapter;
use crate::cli::{ModelArgs, ThinkArgs};
use crate::error::CliError;

/// The folder of everything that is kept: `STRAWBERRY_HOME`, or `strawberry` under the XDG data folder.
pub fn data_dir() -> Result<PathBuf, CliError> {
    strawberry_hub::data_dir().map_err(CliError::failure)
}

/// The verifier of answers.
pub fn verifier() -> Arc<dyn Verifier> {
    Arc::new(MathVerifier::default())
}

/// The model that `--model` names.
pub async fn model(args: &ModelArgs) -> Result<Arc<dyn Model>, CliError> {
    if args.model.starts_with("http://") || args.model.starts_with("https://") {
        if args.adapter().is_some() {
            return Err(CliError::usage(
                "--adapter is for local models: let the server load it instead",
            ));
        }
        let remote = RemoteModel::connect(&args.model, RemoteOptions::from_env())
            .await
            .map_err(CliError::failure)?;
        return Ok(Arc::new(remote));
    }
    Ok(Arc::new(local(args).await?))
}

/// The local model that `--model` names.
pub async fn local(args: &ModelArgs) -> Result<Engine, CliError> {
    let spec = args.model.clone();
    let threads = args.threads.map(usize::from);
    let adapter = args.adapter().map(Path::to_owned);
    let kv_precision = args.kv;
    // Reading and repacking weights takes a while; it never blocks the runtime's own threads.
    let engine = tokio::task::spawn_blocking(move || {
        let path = Hub::open()
            .and_then(|hub| hub.resolve(&spec))
            .map_err(CliError::failure)?;
        Engine::load(
            &path,
            &EngineOptions {
                threads,
                adapter,
                kv_precision,
                ..EngineOptions::default()
            },
        )
        .map_err(CliError::failure)
    });
    engine.await.map_err(CliError::failure)?
}

/// The model and the verifier, ready to think about `problems`. The default model takes its adapter for short
/// calculations where most of them are that.
pub async fn thinker(args: &ModelArgs, problems: &[Problem]) -> Result<Thinker, CliError> {
    let mut args = args.clone();
    let calculations = problems.iter().filter(|p| prompt::is_calculation(p)).count();
    if args.model == "default" && args.adapter.is_none() && calculations * 2 > problems.len() {
        args.adapter = Some(adapter::steps(&data_dir()?).map_err(CliError::failure)?);
    }
    Ok(Thinker {
        model: model(&args).await?,
        verifier: verifier(),
    })
}

/// The store of traces, jobs and conversations.
pub async fn store() -> Result<Arc<Store>, CliError> {
    let path = data_dir()?.join("traces.db");
    Ok(Arc::new(Store::open(path).await.map_err(CliError::failure)?))
}

/// Milliseconds since the Unix epoch.
pub fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// A new id: unique, sortable by time.
pub fn new_id() -> String {
    uuid::Uuid::now_v7().simple().to_string()
}

/// A recorder of a new run.
pub fn recorder(store: Arc<dyn TraceStore>) -> Recorder {
    Recorder {
        store,
        run: RunId(new_id()),
        time_ms: now_ms(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

/// What the arguments ask of thinking.
pub fn plan_options(args: &ThinkArgs) -> PlanOptions {
    PlanOptions {
        effort: args.effort,
        budget: Budget {
            samples: args.samples,
            tokens: args.tokens,
            wall_ms: args.think,
            ..Budget::default()
        },
        strategy: args.strategy,
        scorer: args.scorer.clone(),
        temperature: args.temperature,
        seed: args.seed,
        min_confidence: args.min_confidence,
        calibration: None,
    }
}

/// Where it is kept what a model's confidence is worth.
pub fn calibration_path(info: &ModelInfo) -> Result<PathBuf, CliError> {
    let name = info.hash.clone().unwrap_or_else(|| info.name.clone());
    let name: String = name
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '.' {
                c
            } else {
                '-'
            }
        })
        .collect();
    Ok(data_dir()?.join("calibration").join(format!("{name}.json")))
}

/// What this model's confidence is worth, if `eval calibrate` has measured it.
pub fn calibration(info: &ModelInfo) -> Result<Option<Calibration>, CliError> {
    let path = calibration_path(info)?;
    match std::fs::read_to_string(&path) {
        Ok(text) => Calibration::from_json(&text).map(Some).map_err(|e| {
            CliError::failure(format!(
                "{}: {e}: remove it, or run `eval calibrate` again",
                path.display()
            ))
        }),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(CliError::failure(format!("can't read {}: {e}", path.display()))),
    }
}

/// Ctrl-C (or a polite kill) once: `stop`; twice: out at once. Aborting the handle ends the watch.
pub fn on_signal(stop: impl FnOnce() + Send + 'static) -> JoinHandle<()> {
    tokio::spawn(async move {
        signal().await;
        stop();
        signal().await;
        std::process::exit(130);
    })
}

/// The next SIGINT or SIGTERM.
async fn signal() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    // Without signals the process is simply stopped by the system.
    let _ = tokio::signal::ctrl_c().await;
}
