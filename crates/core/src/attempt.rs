//! One sampled line of thought.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::answer::Answer;
use crate::budget::Usage;
use crate::model::Finish;
use crate::strategy::TrialId;
use crate::verdict::Judgement;

/// One sampled line of thought with its answer, tokens and log-probabilities.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Attempt {
    /// The trial this attempt carries out; unique within a run.
    pub trial: TrialId,
    /// The seed it was sampled with.
    pub seed: u64,
    /// The sampling temperature.
    pub temperature: f32,
    /// What the model thought before its response, where it separates the two (`<think>`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thinking: Option<String>,
    /// The response.
    pub text: String,
    /// The answer found in the response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Answer>,
    /// Why sampling ended.
    pub finish: Finish,
    /// What the attempt cost.
    pub usage: Usage,
    /// Sum of the natural log-probabilities of the sampled tokens, where the model reports them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logprob: Option<f64>,
    /// Scores by scorer name, kept so that any aggregation can be recomputed without sampling.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub scores: BTreeMap<String, f64>,
    /// What a scorer or a program's run said about it, from which a next attempt can learn (a failing test,
    /// for example).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feedback: Option<String>,
    /// The verdict against the reference, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judgement: Option<Judgement>,
}

impl Attempt {
    /// Mean natural log-probability per sampled token; `None` without log-probabilities or tokens.
    pub fn mean_logprob(&self) -> Option<f64> {
        let n = self.usage.completion_tokens;
        self.logprob.filter(|_| n > 0).map(|sum| sum / n as f64)
    }
}
