//! Recursive self-aggregation: each attempt of a population is made from several of the last.

use std::collections::BTreeMap;
use std::sync::Arc;

use strawberry_core::{Attempt, Message, Outcome, Selection, Strategy, Trial, TrialId};

use super::{AttemptSpec, trial_seed};
use crate::vote::Tally;

/// Populations, the first one included.
const STEPS: u32 = 3;
/// Attempts that a new one is made from.
const SUBSET: usize = 4;

/// A sampled attempt with its answer's equivalence class.
type Sampled = (Arc<Attempt>, Option<usize>);

/// Recursive self-aggregation (Venkatraman et al. 2025, arXiv 2509.26626, algorithm 1): a population of
/// attempts at the question, then populations whose attempts each see a random subset of the last one and
/// are asked for a better solution. The last whole population votes.
pub struct Rsa {
    spec: AttemptSpec,
    population: u32,
    steps: u32,
    asked: u32,
    told: BTreeMap<TrialId, Option<Sampled>>,
}

impl Rsa {
    /// `samples` attempts in all, spread over populations of equal size.
    pub fn new(spec: AttemptSpec, samples: u32) -> Self {
        let steps = STEPS.min(samples.max(1));
        Rsa {
            spec,
            population: (samples / steps).max(1),
            steps,
            asked: 0,
            told: BTreeMap::new(),
        }
    }

    /// The attempts of population `step` that were sampled.
    fn sampled(&self, step: u32) -> Vec<(TrialId, Arc<Attempt>, Option<usize>)> {
        let from = u64::from(step * self.population);
        self.told
            .range(from..from + u64::from(self.population))
            .filter_map(|(&id, told)| {
                told.as_ref()
                    .map(|(attempt, class)| (id, attempt.clone(), *class))
            })
            .collect()
    }

    /// The question with a random subset of `last` to build upon.
    fn aggregation(&self, id: TrialId, last: &[(TrialId, Arc<Attempt>, Option<usize>)]) -> Vec<Message> {
        let mut pool: Vec<usize> = (0..last.len()).collect();
        let mut text = String::from("\n\nHere are attempts at this problem; they may be wrong.\n");
        for n in 1..=SUBSET.min(last.len()) {
            let pick = trial_seed(self.spec.sampling.seed ^ id, n as u64) as usize % pool.len();
            let attempt = &last[pool.swap_remove(pick)].1.text;
            let shown = super::excerpt(attempt);
            text.push_str(&format!("\nAttempt {n}:\n{shown}\n"));
        }
        text.push_str("\nUse what is right in them, mend what is wrong, and write one complete solution.");
        self.spec.with_note(&text)
    }
}

impl Strategy for Rsa {
    fn name(&self) -> &'static str {
        "rsa"
    }

    fn ask(&mut self) -> Vec<Trial> {
        if self.told.len() < self.asked as usize || self.asked >= self.population * self.steps {
            return Vec::new();
        }
        let step = self.asked / self.population;
        let last = if step == 0 {
            Vec::new()
        } else {
            self.sampled(step - 1)
        };
        if step > 0 && last.is_empty() {
            return Vec::new();
        }
        let from = u64::from(self.asked);
        self.asked += self.population;
        (from..u64::from(self.asked))
            .map(|id| {
                let trial = self.spec.trial(id);
                if last.is_empty() {
                    trial
                } else {
                    Trial {
                        messages: self.aggregation(id, &last),
                        ..trial
                    }
                }
            })
            .collect()
    }

    fn tell(&mut self, trial: TrialId, outcome: Outcome) {
        let told = match outcome {
            Outcome::Sampled { attempt, class } => Some((attempt, class)),
            Outcome::Failed => None,
        };
        self.told.entry(trial).or_insert(told);
    }

    fn best(&self) -> Option<Selection> {
        // The newest population that was told as a whole; before there is one, whatever there is.
        let whole = (0..self.steps).rev().find(|step| {
            let from = u64::from(step * self.population);
            self.told.range(from..from + u64::from(self.population)).count() == self.population as usize
                && !self.sampled(*step).is_empty()
        });
        let mut tally = Tally::new();
        for (id, attempt, class) in self.sampled(whole.unwrap_or(0)) {
            tally.add(id, attempt, class);
        }
        tally.select(|_| 1.0)
    }
}
