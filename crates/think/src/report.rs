//! All about a finished run, and the JSON object made of it.

use std::sync::Arc;

use strawberry_core::schema::{AskAttempt, AskResult};
use strawberry_core::trace::RunStatus;
use strawberry_core::{Attempt, Effort, Judgement, Problem, RunId, Selection, Usage};

use crate::prompt;
use crate::scorer::ScoredBy;

/// What is answered where the confidence is too low.
pub const ABSTENTION: &str = "I don't know";

/// All about a finished run.
#[derive(Clone, Debug)]
pub struct RunReport {
    /// What was asked.
    pub problem: Problem,
    /// The effort, if the budget is an effort's.
    pub effort: Option<Effort>,
    /// The strategy's name.
    pub strategy: String,
    /// Why this strategy.
    pub why: String,
    /// What attempts were scored by.
    pub scored_by: ScoredBy,
    /// How sure the system is, from 0 to 1: the strategy's confidence, calibrated where that was measured.
    pub confidence: Option<f64>,
    /// Whether the confidence was too low to answer.
    pub abstained: bool,
    /// Every attempt, by trial.
    pub attempts: Vec<Arc<Attempt>>,
    /// What was chosen.
    pub selection: Selection,
    /// The verdict on the chosen attempt, where the problem has a reference.
    pub judgement: Option<Judgement>,
    /// What it cost.
    pub usage: Usage,
    /// Completed or interrupted.
    pub status: RunStatus,
    /// The model's name.
    pub model: String,
    /// The seed.
    pub seed: u64,
    /// The run in the store, if it was recorded.
    pub run: Option<RunId>,
    /// Wall time in milliseconds.
    pub wall_ms: u64,
}

impl RunReport {
    /// The chosen attempt.
    pub fn chosen(&self) -> &Attempt {
        // The driver only reports selections of trials it has told.
        self.attempts
            .iter()
            .find(|a| a.trial == self.selection.trial)
            .expect("the chosen attempt is in the report")
    }

    /// The answer in words: [`ABSTENTION`] where the confidence is too low, the extracted one where the question asks for one or the response marks it,
    /// otherwise the whole response.
    pub fn answer(&self) -> Option<String> {
        if self.abstained {
            return Some(ABSTENTION.to_owned());
        }
        let extracted = self
            .selection
            .answer
            .as_ref()
            .filter(|a| a.marked || prompt::is_closed(&self.problem));
        let text = extracted.map_or_else(|| self.chosen().text.trim(), |a| a.text.as_str());
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// What `ask --json` prints.
    pub fn to_result(&self) -> AskResult {
        AskResult {
            answer: self.answer(),
            confidence: self.confidence,
            verdict: self.judgement.as_ref().map(|j| j.verdict),
            evidence: self.judgement.as_ref().map(|j| j.evidence.clone()),
            abstained: self.abstained,
            effort: self.effort,
            strategy: self.strategy.clone(),
            attempts: self
                .attempts
                .iter()
                .map(|a| AskAttempt {
                    answer: a.answer.as_ref().map(|answer| answer.text.clone()),
                    text: a.text.clone(),
                    thinking: a.thinking.clone(),
                    logprob: a.logprob,
                    tokens: a.usage.completion_tokens,
                    score: self.scored_by.of(a),
                    verdict: a.judgement.as_ref().map(|j| j.verdict),
                })
                .collect(),
            votes: self.selection.votes.clone(),
            usage: self.usage,
            model: self.model.clone(),
            seed: self.seed,
            trace_id: self.run.as_ref().map(|run| run.0.clone()),
            wall_ms: self.wall_ms,
        }
    }
}
