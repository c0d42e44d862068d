//! The event log of a run, and the trait a store implements.

use std::fmt;

use futures::future::BoxFuture;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::attempt::Attempt;
use crate::budget::{Budget, Effort, Usage};
use crate::model::ModelInfo;
use crate::problem::Problem;
use crate::strategy::{Selection, Trial, TrialId};
use crate::verdict::Judgement;

/// Names a run; unique, sortable by time of creation.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct RunId(pub String);

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// Still running, or killed before it could say otherwise.
    Running,
    /// It came to its end.
    Completed,
    /// The user stopped it; the answer is the best so far.
    Interrupted,
    /// It failed.
    Failed,
}

impl RunStatus {
    /// The snake-case name used in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            RunStatus::Running => "running",
            RunStatus::Completed => "completed",
            RunStatus::Interrupted => "interrupted",
            RunStatus::Failed => "failed",
        }
    }
}

/// One event of a run. A run's events, in order, are enough to replay it, audit it, show it and train on it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum TraceEvent {
    /// The run began. Always the first event.
    Started {
        /// Milliseconds since the Unix epoch.
        time_ms: u64,
        /// Version of the program.
        version: String,
        /// What is asked.
        problem: Box<Problem>,
        /// The effort chosen; `None` when the budget was given directly.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        effort: Option<Effort>,
        /// What may be spent.
        budget: Budget,
        /// The strategy's name.
        strategy: String,
        /// The scorer the strategy goes by, if one was chosen.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        scorer: Option<String>,
        /// The model.
        model: Box<ModelInfo>,
        /// The verifier's name.
        verifier: String,
        /// The seed of the run.
        seed: u64,
    },
    /// A trial was handed to the model.
    Asked {
        /// The trial, enough to repeat it.
        trial: Box<Trial>,
    },
    /// A trial was sampled.
    Sampled {
        /// The attempt.
        attempt: Box<Attempt>,
        /// Milliseconds from the start of the run to the end of the attempt.
        at_ms: u64,
    },
    /// A trial failed.
    TrialFailed {
        /// Which.
        trial: TrialId,
        /// Why.
        error: String,
    },
    /// The run ended. Always the last event; absent when the process was killed.
    Finished {
        /// How.
        status: RunStatus,
        /// What was chosen, if anything.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        selection: Option<Box<Selection>>,
        /// The verdict on the chosen attempt, where the problem has a reference.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        judgement: Option<Judgement>,
        /// What it cost in all.
        usage: Usage,
        /// Wall time in milliseconds.
        wall_ms: u64,
        /// The error, for a failed run.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<String>,
    },
}

/// One line of a list of runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunSummary {
    /// Which run.
    pub id: RunId,
    /// When it began, in milliseconds since the Unix epoch.
    pub time_ms: u64,
    /// The model's name.
    pub model: String,
    /// The strategy's name.
    pub strategy: String,
    /// The effort, if one was chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effort: Option<Effort>,
    /// The beginning of the question.
    pub question: String,
    /// The answer, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// How it ended.
    pub status: RunStatus,
    /// Attempts recorded.
    pub attempts: u64,
    /// Sampled tokens.
    pub tokens: u64,
}

/// Why a store could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No run has this id (or id prefix).
    #[error("no run '{0}': `strawberry trace list` shows the runs there are")]
    NoSuchRun(String),
    /// An id prefix matches several runs.
    #[error("'{0}' matches several runs: give more of the id")]
    Ambiguous(String),
    /// The store was written by a newer version of the program.
    #[error("{0}")]
    NewerVersion(String),
    /// Reading or writing failed; the message says what and where.
    #[error("{0}")]
    Io(String),
}

/// An append-only store of traces. What `append` has returned for survives `kill -9`.
pub trait TraceStore: Send + Sync {
    /// Appends an event to a run; the first event of a run must be [`TraceEvent::Started`].
    fn append<'a>(&'a self, run: &'a RunId, event: &'a TraceEvent) -> BoxFuture<'a, Result<(), StoreError>>;

    /// The events of the run whose id is, or begins with, `id`.
    fn load<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<(RunId, Vec<TraceEvent>), StoreError>>;

    /// The newest `limit` runs, newest first.
    fn list(&self, limit: u32) -> BoxFuture<'_, Result<Vec<RunSummary>, StoreError>>;

    /// Removes the run whose id is, or begins with, `id`.
    fn remove<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<RunId, StoreError>>;
}
