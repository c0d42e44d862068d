//! The server without the rest of the command line, for tests and measurements that shall build quickly:
//! `server serve --port 0 --model tiny|FILE.gguf [--effort E]`, with its store in `STRAWBERRY_HOME`.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use strawberry_core::Model;
use strawberry_engine::config::Architecture;
use strawberry_engine::engine::{Engine, EngineOptions};
use strawberry_engine::testing::TinyModel;
use strawberry_serve::{AppState, ModelEntry, Server, Settings, log};
use strawberry_store::Store;
use strawberry_verify::MathVerifier;
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1).filter(|a| a != "serve");
    let home = PathBuf::from(std::env::var_os("STRAWBERRY_HOME").ok_or("STRAWBERRY_HOME is not set")?);
    let (mut port, mut model, mut settings) = (0, "tiny".to_owned(), Settings::default());
    while let Some(argument) = arguments.next() {
        let value = arguments.next().ok_or("an argument has no value")?;
        match argument.as_str() {
            "--port" => port = value.parse()?,
            "--model" => model = value,
            "--effort" => settings.effort = value.parse()?,
            other => return Err(format!("unknown argument {other}").into()),
        }
    }
    log::init(false);
    let path = if model == "tiny" {
        let path = home.join("tiny.gguf");
        let mut tiny = TinyModel::new(Architecture::Qwen2);
        tiny.config.context_length = 4096;
        std::fs::write(&path, tiny.gguf())?;
        path
    } else {
        Path::new(&model).to_owned()
    };
    let engine = Engine::load(&path, &EngineOptions::default())?;
    let entry = ModelEntry {
        id: engine.info().name.replace(' ', "-"),
        native_tools: engine.source().template().is_some_and(|t| t.knows_tools()),
        model: Arc::new(engine),
    };
    let store = Arc::new(Store::open(home.join("traces.db")).await?);
    let verifier = Arc::new(MathVerifier::default());
    let state = AppState::new(vec![entry], verifier, store, settings).map_err(|e| e.error.message)?;
    let server = Server::bind(([127, 0, 0, 1], port).into(), state).await?;
    println!("listening on http://{}", server.address()?);
    let mut terminate = signal(SignalKind::terminate())?;
    server
        .run(async {
            terminate.recv().await;
        })
        .await;
    Ok(())
}
