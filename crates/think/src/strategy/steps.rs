//! What searches over steps have in common: a path is a response so far, and a trial adds one line to it.

use std::collections::BTreeMap;
use std::sync::Arc;

use strawberry_core::{Attempt, Finish, Outcome, Selection, Thinking, Trial, TrialId};

use super::AttemptSpec;
use crate::scorer::{LIKELIHOOD, ScoredBy};
use crate::vote::Tally;

/// Steps of one path at most; the last one gives the answer.
pub const MOST_STEPS: u32 = 12;
/// Sampled tokens of one step at most.
const STEP_TOKENS: u32 = 128;
/// Lines without text in a row after which a path has ended: the model has nothing to add.
const EMPTY: u32 = 2;

/// A response so far.
#[derive(Clone, Debug)]
pub struct Path {
    /// The attempt that added the last step; its text is the whole response so far.
    pub attempt: Arc<Attempt>,
    /// The equivalence class of its answer.
    pub class: Option<usize>,
    /// How good it is: the score of the whole text, or the likelihood per token over all steps.
    pub score: f64,
    /// Whether it has come to its end.
    pub ended: bool,
    steps: u32,
    empty: u32,
    logprob: f64,
    tokens: u64,
}

/// The trials of a search over steps.
pub struct Steps {
    spec: AttemptSpec,
    by: ScoredBy,
    asked: u64,
    parents: BTreeMap<TrialId, Option<Arc<Path>>>,
    /// Every trial told, with the path it made.
    told: BTreeMap<TrialId, Option<Arc<Path>>>,
}

impl Steps {
    /// Steps of attempts as `spec` says, scored by `by`.
    pub fn new(spec: AttemptSpec, by: ScoredBy) -> Self {
        Steps {
            spec,
            by,
            asked: 0,
            parents: BTreeMap::new(),
            told: BTreeMap::new(),
        }
    }

    /// The trial that adds a step to `path`, or begins a new one.
    pub fn trial(&mut self, path: Option<&Arc<Path>>) -> Trial {
        let id = self.asked;
        self.asked += 1;
        self.parents.insert(id, path.cloned());
        let mut trial = self.spec.trial(id);
        let last = path.is_some_and(|p| p.steps + 1 >= MOST_STEPS);
        let close = trial.thinking.close_text.clone();
        trial.prefix = path.map(|p| {
            let end = close.filter(|_| last).unwrap_or_else(|| "\n".to_owned());
            format!("{}{end}", p.attempt.text)
        });
        trial.max_tokens = trial.max_tokens.min(STEP_TOKENS);
        trial.sampling.stop = vec!["\n".to_owned()];
        trial.thinking = Thinking {
            budget: None,
            close_text: None,
            ..trial.thinking
        };
        trial
    }

    /// Takes the outcome of a trial; a second one for the same trial changes nothing.
    pub fn tell(&mut self, trial: TrialId, outcome: Outcome) {
        let Some(parent) = self.parents.get(&trial).cloned() else {
            return;
        };
        let path = match outcome {
            Outcome::Failed => None,
            Outcome::Sampled { attempt, class } => Some(self.extended(parent.as_deref(), attempt, class)),
        };
        self.told.entry(trial).or_insert(path.map(Arc::new));
    }

    fn extended(&self, parent: Option<&Path>, attempt: Arc<Attempt>, class: Option<usize>) -> Path {
        let before = parent.map_or("", |p| p.attempt.text.as_str());
        let added = attempt.text.get(before.len()..).unwrap_or_default();
        let empty = if added.trim().is_empty() {
            parent.map_or(0, |p| p.empty) + 1
        } else {
            0
        };
        let steps = parent.map_or(0, |p| p.steps) + 1;
        let logprob = parent.map_or(0.0, |p| p.logprob) + attempt.logprob.unwrap_or(0.0);
        let tokens = parent.map_or(0, |p| p.tokens) + attempt.usage.completion_tokens;
        let score = if self.by.name() == LIKELIHOOD {
            if tokens == 0 {
                0.0
            } else {
                (logprob / tokens as f64).exp()
            }
        } else {
            self.by.of(&attempt).unwrap_or(0.0)
        };
        let answered = attempt.answer.as_ref().is_some_and(|a| a.marked);
        let cut = matches!(attempt.finish, Finish::Cancelled | Finish::Failed);
        Path {
            ended: answered || cut || empty >= EMPTY || steps >= MOST_STEPS,
            attempt,
            class,
            score,
            steps,
            empty,
            logprob,
            tokens,
        }
    }

    /// Whether a trial was asked whose outcome has not come.
    pub fn waiting(&self) -> bool {
        (self.told.len() as u64) < self.asked
    }

    /// Trials asked.
    pub fn asked(&self) -> u64 {
        self.asked
    }

    /// The paths of these trials that did not fail, in order.
    pub fn paths(&self, trials: impl IntoIterator<Item = TrialId>) -> Vec<Arc<Path>> {
        trials
            .into_iter()
            .filter_map(|t| self.told.get(&t)?.clone())
            .collect()
    }

    /// What ended paths vote for, each with its score as weight; before any has ended, all paths vote.
    pub fn select(&self, ended: &[Arc<Path>]) -> Option<Selection> {
        let mut all: Vec<Arc<Path>> = ended.to_vec();
        if all.is_empty() {
            all = self.paths(self.told.keys().copied());
        }
        let scores: BTreeMap<TrialId, f64> = all.iter().map(|p| (p.attempt.trial, p.score)).collect();
        let mut tally = Tally::new();
        for path in &all {
            tally.add(path.attempt.trial, path.attempt.clone(), path.class);
        }
        let mut selection = tally.select(|a| scores[&a.trial].max(0.0))?;
        // The best path of the winning answer stands for it.
        let winners = selection.votes.first().map(|v| v.trials.as_slice());
        let best = all
            .iter()
            .filter(|p| winners.is_none_or(|w| w.contains(&p.attempt.trial)))
            .reduce(|a, b| if b.score > a.score { b } else { a })?;
        selection.trial = best.attempt.trial;
        Some(selection)
    }
}

/// The best `count` of `paths` by score; ties to the first.
pub fn best(mut paths: Vec<Arc<Path>>, count: usize) -> Vec<Arc<Path>> {
    paths.sort_by(|a, b| b.score.total_cmp(&a.score));
    paths.truncate(count);
    paths
}
