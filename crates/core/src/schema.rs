//! The published JSON Schema of the vocabulary.

use schemars::{JsonSchema, Schema, SchemaGenerator, generate::SchemaSettings};
use serde::{Deserialize, Serialize};

use crate::{
    Attempt, Budget, EffortRow, Judgement, ModelInfo, Problem, RunSummary, Selection, TraceEvent, Usage,
    Verdict,
};

/// What `ask --json` prints: one object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AskResult {
    /// The answer, or the whole response where no answer could be extracted; `None` when nothing came.
    pub answer: Option<String>,
    /// How sure the strategy is, from 0 to 1, where it has grounds to say.
    pub confidence: Option<f64>,
    /// The verdict against the problem's reference, where it has one.
    pub verdict: Option<Verdict>,
    /// Why that verdict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<String>,
    /// Whether the system declined to answer.
    pub abstained: bool,
    /// The effort, if one was chosen (or stands as default).
    pub effort: Option<crate::Effort>,
    /// The strategy that ran.
    pub strategy: String,
    /// Every attempt, in order of trial.
    pub attempts: Vec<AskAttempt>,
    /// The candidate answers with their votes, best first.
    pub votes: Vec<crate::Vote>,
    /// What it cost.
    pub usage: Usage,
    /// The model's name.
    pub model: String,
    /// The seed of the run.
    pub seed: u64,
    /// The run in the trace store; `None` when it could not be, or was not to be, recorded.
    pub trace_id: Option<String>,
    /// Wall time in milliseconds.
    pub wall_ms: u64,
}

/// One attempt as `ask --json` shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AskAttempt {
    /// The extracted answer.
    pub answer: Option<String>,
    /// The response.
    pub text: String,
    /// The thinking before the response, where the model separates the two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thinking: Option<String>,
    /// Sum of the natural log-probabilities of the sampled tokens.
    pub logprob: Option<f64>,
    /// Sampled tokens.
    pub tokens: u64,
    /// The score by which the strategy weighed it, where it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
    /// The verdict against the problem's reference, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
}

/// All published types under one roof.
#[derive(JsonSchema)]
#[allow(dead_code, reason = "exists for its schema only")]
struct Published {
    problem: Problem,
    attempt: Attempt,
    judgement: Judgement,
    budget: Budget,
    usage: Usage,
    effort: EffortRow,
    selection: Selection,
    trace_event: TraceEvent,
    run_summary: RunSummary,
    model: ModelInfo,
    ask_result: AskResult,
}

/// The JSON Schema (draft 2020-12) of every published type, under `$defs`.
pub fn published() -> Schema {
    SchemaGenerator::new(SchemaSettings::draft2020_12()).into_root_schema_for::<Published>()
}

#[cfg(test)]
mod tests {
    #[test]
    fn names_every_published_type() {
        let schema = serde_json::to_value(super::published()).unwrap();
        for name in [
            "Problem",
            "Attempt",
            "Judgement",
            "Budget",
            "Usage",
            "TraceEvent",
            "AskResult",
            "Vote",
        ] {
            assert!(schema["$defs"].get(name).is_some(), "{name} is missing");
        }
    }
}
