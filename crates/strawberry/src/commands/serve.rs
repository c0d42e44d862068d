//! `serve`: the HTTP API and the web app, and their keys.

use std::net::SocketAddr;
use std::sync::Arc;

use serde_json::json;
use strawberry_engine::runner::KvPrecision;
use strawberry_remote::{RemoteModel, RemoteOptions};
use strawberry_serve::{AppState, Limits, ModelEntry, Server, Settings, auth, log};
use tokio::sync::oneshot;

use crate::cli::ModelArgs;
use crate::cli::serve::{KeyCommand, ServeArgs, ServeCommand};
use crate::error::CliError;
use crate::{open, out};

/// Serves until Ctrl-C, or does what the subcommand says.
pub async fn run(args: ServeArgs) -> Result<(), CliError> {
    match &args.command {
        Some(ServeCommand::Key(command)) => key(command).await,
        None => serve(args).await,
    }
}

async fn serve(args: ServeArgs) -> Result<(), CliError> {
    log::init(args.log_json);
    let mut models: Vec<ModelEntry> = Vec::new();
    for spec in &args.model {
        let entry = model(spec, args.threads).await?;
        if models.iter().any(|m| m.id == entry.id) {
            return Err(CliError::usage(format!(
                "--model '{spec}': '{}' is there already",
                entry.id
            )));
        }
        models.push(entry);
    }
    let settings = Settings {
        effort: args.effort,
        require_key: args.require_key,
        traces: !args.no_trace,
        local_only: args.host.is_loopback(),
        cors_origins: args.cors_origin,
        limits: Limits {
            running: usize::from(args.concurrency),
            waiting: usize::from(args.queue),
            ..Limits::default()
        },
    };
    let state = AppState::new(models, open::verifier(), open::store().await?, settings)
        .map_err(|e| CliError::failure(e.error.message))?;
    let server = Server::bind(SocketAddr::new(args.host, args.port), state)
        .await
        .map_err(CliError::failure)?;
    let address = server.address()?;
    out::line(format!(
        "listening on http://{address} (API: http://{address}/v1); Ctrl-C stops"
    ))?;
    let (stop, stopped) = oneshot::channel::<()>();
    let watch = open::on_signal(move || {
        let _ = stop.send(());
    });
    server
        .run(async {
            let _ = stopped.await;
        })
        .await;
    watch.abort();
    Ok(())
}

async fn model(spec: &str, threads: Option<u16>) -> Result<ModelEntry, CliError> {
    if spec.starts_with("http://") || spec.starts_with("https://") {
        let remote = RemoteModel::connect(spec, RemoteOptions::from_env())
            .await
            .map_err(CliError::failure)?;
        let name = strawberry_core::Model::info(&remote).name;
        return Ok(ModelEntry {
            id: name.rsplit('#').next().unwrap_or(&name).to_owned(),
            model: Arc::new(remote),
            native_tools: true,
        });
    }
    let args = ModelArgs {
        model: spec.to_owned(),
        adapter: None,
        kv: KvPrecision::Auto,
        threads,
    };
    let engine = open::local(&args).await?;
    let template = engine.source().template();
    let native_tools = template.is_some_and(|t| t.knows_tools());
    let name = strawberry_core::Model::info(&engine).name;
    Ok(ModelEntry {
        id: name.split_whitespace().collect::<Vec<_>>().join("-"),
        model: Arc::new(engine),
        native_tools,
    })
}

async fn key(command: &KeyCommand) -> Result<(), CliError> {
    let store = open::store().await?;
    match command {
        KeyCommand::Add {
            name,
            requests_per_minute,
            tokens_per_day,
            json,
        } => {
            let (key, secret) =
                auth::new_key(name, *requests_per_minute, *tokens_per_day).map_err(CliError::failure)?;
            store
                .add_api_key(&key, &secret)
                .await
                .map_err(CliError::failure)?;
            if *json {
                return out::json(&json!({"id": key.id, "name": key.name, "key": secret}));
            }
            out::line(format!(
                "{secret}\nkey {} ({name}): keep it, it is not shown again",
                key.id
            ))
        }
        KeyCommand::List { json } => {
            let keys = store.list_api_keys().await.map_err(CliError::failure)?;
            let mut rows = vec![
                ["id", "name", "requests/min", "tokens/day", "tokens today"]
                    .map(str::to_owned)
                    .to_vec(),
            ];
            let mut all = Vec::new();
            for key in keys {
                let today = store
                    .api_tokens_of_day(&format!("key:{}", key.id), open::now_ms())
                    .await
                    .map_err(CliError::failure)?;
                let limit = |n: Option<u64>| n.map_or_else(|| "any".to_owned(), |n| n.to_string());
                rows.push(vec![
                    key.id.clone(),
                    key.name.clone(),
                    limit(key.requests_per_minute.map(u64::from)),
                    limit(key.tokens_per_day),
                    today.to_string(),
                ]);
                all.push(json!({"key": key, "tokens_today": today}));
            }
            if *json { out::json(&all) } else { out::table(&rows) }
        }
        KeyCommand::Rm { id } => {
            if store.remove_api_key(id).await.map_err(CliError::failure)? {
                out::line(format!("removed {id}"))
            } else {
                Err(CliError::failure(format!(
                    "there is no key '{id}': `strawberry serve key list` shows them"
                )))
            }
        }
    }
}
