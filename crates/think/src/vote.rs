//! Equivalence classes of answers, and their tally.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use strawberry_core::{Answer, Attempt, Problem, Selection, TrialId, Verifier, Vote};

/// Numbers the distinct answers of a run in the order they are first seen.
///
/// Answers with equal keys share a class without further work, so classing n answers costs O(n) where the
/// verifier has normal forms; otherwise an answer is compared with each class once.
#[derive(Default)]
pub struct Classes {
    first: Vec<Answer>,
    by_key: HashMap<String, usize>,
}

impl Classes {
    /// No answers yet.
    pub fn new() -> Self {
        Classes::default()
    }

    /// The class of `answer`, a new one if it equals none so far.
    pub fn class_of(&mut self, verifier: &dyn Verifier, problem: &Problem, answer: &Answer) -> usize {
        if let Some(&class) = answer.key.as_ref().and_then(|key| self.by_key.get(key)) {
            return class;
        }
        let class = self
            .first
            .iter()
            .position(|first| verifier.equivalent(problem, first, answer));
        let class = class.unwrap_or_else(|| {
            self.first.push(answer.clone());
            self.first.len() - 1
        });
        if let Some(key) = &answer.key {
            self.by_key.insert(key.clone(), class);
        }
        class
    }
}

/// The outcomes told so far, in trial order: what every aggregation starts from.
#[derive(Default, Clone)]
pub struct Tally {
    sampled: BTreeMap<TrialId, (Arc<Attempt>, Option<usize>)>,
}

impl Tally {
    /// Nothing told yet.
    pub fn new() -> Self {
        Tally::default()
    }

    /// Adds an attempt; telling the same trial again changes nothing.
    pub fn add(&mut self, trial: TrialId, attempt: Arc<Attempt>, class: Option<usize>) {
        self.sampled.entry(trial).or_insert((attempt, class));
    }

    /// Whether this trial's attempt is here.
    pub fn contains(&self, trial: TrialId) -> bool {
        self.sampled.contains_key(&trial)
    }

    /// The attempts, in trial order.
    pub fn attempts(&self) -> impl Iterator<Item = (TrialId, Arc<Attempt>)> + '_ {
        self.sampled
            .iter()
            .map(|(&trial, (attempt, _))| (trial, attempt.clone()))
    }

    /// Attempts sampled.
    pub fn len(&self) -> usize {
        self.sampled.len()
    }

    /// Whether nothing was sampled yet.
    pub fn is_empty(&self) -> bool {
        self.sampled.is_empty()
    }

    /// The candidates, each attempt with an answer weighing `weight(attempt)`; best first, ties to the
    /// answer seen first.
    pub fn votes(&self, weight: impl Fn(&Attempt) -> f64) -> Vec<Vote> {
        let mut candidates: Vec<(usize, f64, Vote)> = Vec::new();
        let mut total = 0.0;
        for (&trial, (attempt, class)) in &self.sampled {
            let (Some(class), Some(answer)) = (class, &attempt.answer) else {
                continue;
            };
            let w = weight(attempt);
            total += w;
            match candidates.iter_mut().find(|(c, ..)| c == class) {
                Some((_, sum, vote)) => {
                    *sum += w;
                    vote.votes += 1;
                    vote.trials.push(trial);
                }
                None => {
                    let vote = Vote {
                        answer: answer.clone(),
                        votes: 1,
                        share: 0.0,
                        trials: vec![trial],
                    };
                    candidates.push((*class, w, vote));
                }
            }
        }
        candidates.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.2.trials[0].cmp(&b.2.trials[0])));
        candidates
            .into_iter()
            .map(|(_, sum, vote)| Vote {
                share: if total > 0.0 { sum / total } else { 0.0 },
                ..vote
            })
            .collect()
    }

    /// Votes of the two strongest candidates, one vote per attempt.
    pub fn top_two(&self) -> (u32, u32) {
        let votes = self.votes(|_| 1.0);
        (
            votes.first().map_or(0, |v| v.votes),
            votes.get(1).map_or(0, |v| v.votes),
        )
    }

    /// The selection of the strongest candidate under `weight`: its likeliest attempt stands for it.
    /// Without any answer, the likeliest attempt of all.
    pub fn select(&self, weight: impl Fn(&Attempt) -> f64) -> Option<Selection> {
        let votes = self.votes(weight);
        let Some(leader) = votes.first() else {
            let trial = self.likeliest(self.sampled.keys().copied())?;
            return Some(Selection {
                trial,
                answer: None,
                confidence: None,
                votes,
            });
        };
        let trial = self.likeliest(leader.trials.iter().copied())?;
        let confidence = (self.len() > 1).then(|| f64::from(leader.votes) / self.len() as f64);
        Some(Selection {
            trial,
            answer: Some(leader.answer.clone()),
            confidence,
            votes,
        })
    }

    /// The trial with the highest mean log-probability; complete responses before cut-off ones, ties to the first.
    pub fn likeliest(&self, trials: impl Iterator<Item = TrialId>) -> Option<TrialId> {
        let rank = |trial: &TrialId| {
            let attempt = &self.sampled[trial].0;
            let whole = attempt.finish == strawberry_core::Finish::Stop;
            (whole, attempt.mean_logprob().unwrap_or(f64::NEG_INFINITY))
        };
        trials.reduce(|best, trial| {
            let (a, b) = (rank(&best), rank(&trial));
            if (b.0, a.0) == (true, false) || (a.0 == b.0 && b.1 > a.1) {
                trial
            } else {
                best
            }
        })
    }
}
