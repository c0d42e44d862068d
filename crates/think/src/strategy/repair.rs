//! Generate, test, repair: for code whose question shows tests.

use std::collections::BTreeMap;
use std::sync::Arc;

use strawberry_core::{Attempt, Outcome, Selection, Strategy, Trial, TrialId};

use super::{AttemptSpec, best_scored, improvement};
use crate::scorer::ScoredBy;
use crate::vote::Tally;

/// Programs in a wave.
const WAVE: u32 = 4;

/// Self-repair with feedback from the question's own tests (Chen et al. 2023, arXiv 2304.05128). Half of the
/// budget goes to fresh programs, since different beginnings are worth more than long repairs (Olausson et
/// al. 2023, arXiv 2306.09896, section 4.1); the rest mends the best ones, each with what its first failing
/// test said. It ends as soon as a program passes all of the question's tests.
pub struct Repair {
    spec: AttemptSpec,
    samples: u32,
    by: ScoredBy,
    asked: u32,
    told: BTreeMap<TrialId, Option<Arc<Attempt>>>,
    tally: Tally,
}

impl Repair {
    /// At most `samples` programs as `spec` says, scored by `by`.
    pub fn new(spec: AttemptSpec, samples: u32, by: ScoredBy) -> Self {
        Repair {
            spec,
            samples,
            by,
            asked: 0,
            told: BTreeMap::new(),
            tally: Tally::new(),
        }
    }

    fn score(&self, attempt: &Attempt) -> f64 {
        self.by.of(attempt).unwrap_or(0.0)
    }

    /// The best different programs so far, best first.
    fn parents(&self) -> Vec<Arc<Attempt>> {
        let mut all: Vec<Arc<Attempt>> = self.told.values().flatten().cloned().collect();
        all.sort_by(|a, b| self.score(b).total_cmp(&self.score(a)));
        let mut seen: Vec<Arc<Attempt>> = Vec::new();
        for attempt in all {
            if seen.iter().all(|s| s.text.trim() != attempt.text.trim()) {
                seen.push(attempt);
            }
        }
        seen.truncate(WAVE as usize);
        seen
    }
}

impl Strategy for Repair {
    fn name(&self) -> &'static str {
        "repair"
    }

    fn ask(&mut self) -> Vec<Trial> {
        let passed = self.told.values().flatten().any(|a| self.score(a) >= 1.0);
        if self.told.len() < self.asked as usize || self.asked >= self.samples || passed {
            return Vec::new();
        }
        let fresh = self.samples.div_ceil(2);
        let (from, parents) = (self.asked, self.parents());
        let until = if from < fresh { fresh } else { self.samples };
        self.asked += WAVE.min(until - from);
        (from..self.asked)
            .map(|id| {
                let trial = self.spec.trial(u64::from(id));
                if id < fresh || parents.is_empty() {
                    return trial;
                }
                let parent = &parents[(id - from) as usize % parents.len()];
                Trial {
                    messages: self.spec.with_note(&improvement(parent)),
                    ..trial
                }
            })
            .collect()
    }

    fn tell(&mut self, trial: TrialId, outcome: Outcome) {
        let told = match outcome {
            Outcome::Sampled { attempt, class } => {
                self.tally.add(trial, attempt.clone(), class);
                Some(attempt)
            }
            Outcome::Failed => None,
        };
        self.told.entry(trial).or_insert(told);
    }

    fn best(&self) -> Option<Selection> {
        best_scored(&self.tally, false, |a| self.by.of(a))
    }
}
