//! `model`: fetching, listing and removing models.

use std::time::Duration;

use console::Term;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Value, json};
use strawberry_engine::source::ModelSource;
use strawberry_engine::template::Thinks;
use strawberry_hub::{Hub, Progress};

use crate::cli::ModelCommand;
use crate::error::CliError;
use crate::out;

/// Fetches, lists, describes or removes.
pub async fn run(command: ModelCommand) -> Result<(), CliError> {
    let hub = Hub::open().map_err(CliError::failure)?;
    match command {
        ModelCommand::Pull { model, json } => pull(&hub, &model, json).await,
        ModelCommand::List(flag) => list(&hub, flag.json),
        ModelCommand::Info { model, json } => info(&hub, &model, json),
        ModelCommand::Rm { model, json } => {
            let path = hub.rm(&model).map_err(CliError::failure)?;
            if json {
                out::json(&json!({"removed": path}))
            } else {
                out::line(format!("removed {}", path.display()))
            }
        }
    }
}

async fn pull(hub: &Hub, model: &str, json: bool) -> Result<(), CliError> {
    let bar = bar();
    let show = bar.clone();
    let result = hub
        .pull(model, &mut move |progress| match progress {
            Progress::Step(step) => show.set_message(step),
            Progress::Bytes { file, done, total } => {
                show.set_message(file);
                show.set_length(total.unwrap_or(done));
                show.set_position(done);
            }
        })
        .await;
    bar.finish_and_clear();
    let path = result.map_err(CliError::failure)?;
    if json {
        out::json(&json!({"model": model, "path": path}))
    } else {
        out::line(format!("{model}: {}", path.display()))
    }
}

fn bar() -> ProgressBar {
    let target = if Term::stderr().is_term() {
        ProgressDrawTarget::stderr()
    } else {
        ProgressDrawTarget::hidden()
    };
    let style = ProgressStyle::with_template("{spinner} {msg} {bytes}/{total_bytes} {eta}")
        .unwrap_or_else(|_| ProgressStyle::default_spinner());
    let bar = ProgressBar::with_draw_target(None, target).with_style(style);
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}

fn list(hub: &Hub, json: bool) -> Result<(), CliError> {
    let models = hub.list().map_err(CliError::failure)?;
    if json {
        return out::json(&models);
    }
    if models.is_empty() {
        return out::line("no models yet: strawberry model pull");
    }
    let mut rows = vec![["name", "size", "path"].map(str::to_owned).to_vec()];
    for model in models {
        rows.push(vec![
            model.name,
            format!("{:.0} MB", model.bytes as f64 / 1e6),
            model.path.display().to_string(),
        ]);
    }
    out::table(&rows)
}

fn info(hub: &Hub, model: &str, json: bool) -> Result<(), CliError> {
    let path = hub.resolve(model).map_err(CliError::failure)?;
    let source = ModelSource::open(&path).map_err(CliError::failure)?;
    let config = source.config();
    let report = json!({
        "name": config.name, "path": path, "hash": source.hash(), "architecture": config.architecture.name(),
        "parameters": config.parameters, "quantisation": config.quantisation, "context_length": config.context_length,
        "layers": config.layers, "hidden": config.hidden, "heads": config.heads, "kv_heads": config.kv_heads,
        "vocabulary": config.vocab_size,
        "reasoning": source.template().is_some_and(|t| t.thinks() != Thinks::Never),
    });
    if json {
        return out::json(&report);
    }
    let object = report.as_object().into_iter().flatten();
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    for (key, value) in object {
        out::line(format!("{key:<15} {}", text(value)))?;
    }
    Ok(())
}
