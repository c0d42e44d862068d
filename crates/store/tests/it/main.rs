//! The store on real files.

mod api;
mod chats;
mod crash;
mod files;
mod jobs;
mod traces;
mod users;

use strawberry_core::trace::RunStatus;
use strawberry_core::{
    Answer, Attempt, Budget, Effort, Finish, ModelInfo, Problem, RunId, Selection, TraceEvent, Usage,
};
use strawberry_store::Store;
use tempfile::TempDir;

async fn store() -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("new/traces.db")).await.unwrap();
    (folder, store)
}

fn run(id: &str) -> RunId {
    RunId(id.into())
}

fn started(time_ms: u64, question: &str) -> TraceEvent {
    TraceEvent::Started {
        time_ms,
        version: "0".into(),
        problem: Box::new(Problem::question(question)),
        effort: Some(Effort::High),
        budget: Budget::default(),
        strategy: "majority".into(),
        scorer: None,
        model: Box::new(ModelInfo {
            name: "tiny".into(),
            ..ModelInfo::default()
        }),
        verifier: "math".into(),
        seed: u64::MAX,
    }
}

fn sampled(trial: u64) -> TraceEvent {
    TraceEvent::Sampled {
        attempt: Box::new(Attempt {
            trial,
            seed: 7,
            temperature: 0.7,
            thinking: Some("hm\u{0}…".into()),
            text: "It is 42.".into(),
            answer: Some(Answer::text("42")),
            finish: Finish::Stop,
            usage: Usage {
                completion_tokens: 10,
                ..Usage::default()
            },
            logprob: Some(-0.1),
            scores: [("mean".into(), 0.3)].into(),
            feedback: None,
            judgement: None,
        }),
        at_ms: 5,
    }
}

fn finished() -> TraceEvent {
    TraceEvent::Finished {
        status: RunStatus::Completed,
        selection: Some(Box::new(Selection {
            trial: 0,
            answer: Some(Answer::text("42")),
            confidence: Some(0.5),
            votes: Vec::new(),
        })),
        judgement: None,
        usage: Usage {
            completion_tokens: 25,
            ..Usage::default()
        },
        wall_ms: 9,
        error: None,
    }
}

/// The events of a whole run.
fn events() -> Vec<TraceEvent> {
    vec![started(1, "What is 6*7?"), sampled(0), sampled(1), finished()]
}
