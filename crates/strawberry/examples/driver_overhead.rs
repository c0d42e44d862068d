//! What the driver costs: tokens per second of N attempts through strategy, ledger, verifier and trace store, against
//! the same requests handed to the engine directly. Rounds alternate; the median ratio is printed.
//!
//! `cargo run --release -p strawberry --example driver_overhead -- MODEL.gguf [attempts] [rounds]`

use std::sync::Arc;
use std::time::Instant;

use futures::StreamExt;
use strawberry_core::{Budget, Model, ModelEvent, Problem, RunId, SampleRequest, Trial};
use strawberry_engine::engine::{Engine, EngineOptions};
use strawberry_store::Store;
use strawberry_think::{Plan, PlanOptions, Recorder, RunControl, StrategyKind, Thinker};
use strawberry_verify::MathVerifier;

const QUESTION: &str = "A baker makes 12 trays of 15 rolls, sells 97 rolls in the morning and 41 in the afternoon, and gives \
                        the rest in equal parts to 6 neighbours. How many rolls does each neighbour get?";

fn request(trial: &Trial) -> SampleRequest {
    SampleRequest {
        messages: trial.messages.clone(),
        sampling: trial.sampling.clone(),
        max_tokens: trial.max_tokens,
        thinking: trial.thinking.clone(),
        ..SampleRequest::default()
    }
}

fn plan(
    problem: &Problem,
    model: &dyn Model,
    attempts: u32,
    seed: u64,
) -> Result<Plan, Box<dyn std::error::Error>> {
    let options = PlanOptions {
        strategy: Some(StrategyKind::BestOfN),
        budget: Budget {
            samples: Some(attempts),
            attempt_tokens: Some(96),
            ..Budget::default()
        },
        seed,
        ..PlanOptions::default()
    };
    Ok(Plan::new(problem, &model.info(), &options)?)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let path = args
        .next()
        .ok_or("usage: driver_overhead MODEL.gguf [attempts] [rounds]")?;
    let attempts: u32 = args.next().map_or(Ok(64), |a| a.parse())?;
    let rounds: u64 = args.next().map_or(Ok(7), |a| a.parse())?;
    let model: Arc<dyn Model> = Arc::new(Engine::load(
        std::path::Path::new(&path),
        &EngineOptions::default(),
    )?);
    let thinker = Thinker {
        model: model.clone(),
        verifier: Arc::new(MathVerifier::default()),
    };
    let dir = std::env::temp_dir().join(format!("driver-overhead-{}", std::process::id()));
    std::fs::create_dir_all(&dir)?;
    let store = Arc::new(Store::open(dir.join("traces.db")).await?);
    let problem = Problem::question(QUESTION);
    let mut ratios = Vec::new();
    for round in 0..=rounds {
        let start = Instant::now();
        let trials = plan(&problem, &*model, attempts, round)?.strategy.ask();
        let streams = trials.iter().map(|t| model.sample(request(t)));
        let mut all = futures::stream::select_all(streams);
        let mut bare = 0;
        while let Some(event) = all.next().await {
            if let ModelEvent::Done { usage, .. } = event? {
                bare += usage.completion_tokens;
            }
        }
        let bare = bare as f64 / start.elapsed().as_secs_f64();

        let start = Instant::now();
        let recorder = Recorder {
            store: store.clone(),
            run: RunId(format!("round-{round}")),
            time_ms: round,
            version: "bench".into(),
        };
        let plan = plan(&problem, &*model, attempts, round)?;
        let report = thinker
            .run(&problem, plan, &RunControl::new(), Some(&recorder), None)
            .await?;
        let driven = report.usage.completion_tokens as f64 / start.elapsed().as_secs_f64();
        // The first round warms caches and pages.
        if round > 0 {
            println!(
                "bare {bare:.0} tok/s, driven {driven:.0} tok/s, ratio {:.3}",
                driven / bare
            );
            ratios.push(driven / bare);
        }
    }
    store.close().await;
    std::fs::remove_dir_all(&dir)?;
    ratios.sort_by(f64::total_cmp);
    println!(
        "median ratio {:.3} ({attempts} attempts, {rounds} rounds)",
        ratios[ratios.len() / 2]
    );
    Ok(())
}
