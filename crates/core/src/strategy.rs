//! The ask/tell trait a search implements.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::answer::Answer;
use crate::attempt::Attempt;
use crate::message::Message;
use crate::model::{Sampling, Thinking};

/// Numbers the trials of one run, from 0 upward.
pub type TrialId = u64;

/// Something a strategy wants tried: one attempt to be sampled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Trial {
    /// Its number.
    pub id: TrialId,
    /// The conversation to be continued.
    pub messages: Vec<Message>,
    /// Text with which the response already begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// How to draw; `sampling.seed` is the seed of this very attempt.
    pub sampling: Sampling,
    /// Sampled tokens at most.
    pub max_tokens: u32,
    /// What happens to thinking.
    pub thinking: Thinking,
    /// Whether calculations in the response are completed exactly (after `<<3*12=` follows `36>>`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub calculator: bool,
    /// Whether the program in the response is run, and what it prints is taken as the answer.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub program: bool,
    /// The attempt is given up as soon as its confidence over a group of tokens falls below this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub least_confidence: Option<f64>,
}

/// What became of a trial.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// It was sampled. `class` numbers the answer's equivalence class within the run (equal numbers mean
    /// equal answers under the verifier); `None` when the attempt holds no answer.
    Sampled {
        /// The attempt.
        attempt: Arc<Attempt>,
        /// The answer's equivalence class.
        class: Option<usize>,
    },
    /// It failed; the reason is in the trace.
    Failed,
}

/// One candidate answer with its support.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Vote {
    /// The answer, as the first attempt that gave it wrote it.
    pub answer: Answer,
    /// How many attempts gave it.
    pub votes: u32,
    /// Its share of the total weight, from 0 to 1 (with equal weights: votes / attempts with an answer).
    pub share: f64,
    /// The attempts that gave it, in order.
    pub trials: Vec<TrialId>,
}

/// What a strategy would answer now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Selection {
    /// The chosen attempt.
    pub trial: TrialId,
    /// The chosen answer; `None` when the chosen attempt is a free text without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Answer>,
    /// How sure the strategy is, from 0 to 1; not calibrated. `None` when it has no grounds to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
    /// All candidates, best first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub votes: Vec<Vote>,
}

/// A search over attempts, as a pure state machine: no I/O, no clock, no randomness but the seed it was
/// made with. So it can be tested with a scripted model, resumed and replayed.
///
/// The driver calls [`Strategy::ask`] until it returns nothing, runs what was asked, and tells each
/// outcome. The run is over when nothing is in flight and `ask` returns nothing.
pub trait Strategy: Send + Sync {
    /// The name users select it by.
    fn name(&self) -> &'static str;

    /// The trials to be started now; empty when the strategy is done or waits for outcomes.
    fn ask(&mut self) -> Vec<Trial>;

    /// Takes the outcome of a trial. The order of calls does not matter; telling the same trial twice
    /// changes nothing.
    fn tell(&mut self, trial: TrialId, outcome: Outcome);

    /// What the strategy would answer now; `None` before the first useful outcome.
    fn best(&self) -> Option<Selection>;
}
