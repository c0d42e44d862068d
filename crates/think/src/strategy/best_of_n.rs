//! N attempts; the one the model itself finds likeliest wins.

use strawberry_core::{Outcome, Selection, Strategy, Trial, TrialId};

use super::AttemptSpec;
use crate::vote::Tally;

/// Best of N by mean log-probability per token (length-normalised, as in Cobbe et al. 2021, arXiv
/// 2110.14168, where a learned verifier takes this place).
pub struct BestOfN {
    spec: AttemptSpec,
    samples: u32,
    asked: bool,
    tally: Tally,
}

impl BestOfN {
    /// `samples` attempts as `spec` says.
    pub fn new(spec: AttemptSpec, samples: u32) -> Self {
        BestOfN {
            spec,
            samples,
            asked: false,
            tally: Tally::new(),
        }
    }
}

impl Strategy for BestOfN {
    fn name(&self) -> &'static str {
        "best-of-n"
    }

    fn ask(&mut self) -> Vec<Trial> {
        if std::mem::replace(&mut self.asked, true) {
            return Vec::new();
        }
        (0..u64::from(self.samples))
            .map(|id| self.spec.trial(id))
            .collect()
    }

    fn tell(&mut self, trial: TrialId, outcome: Outcome) {
        if let Outcome::Sampled { attempt, class } = outcome {
            self.tally.add(trial, attempt, class);
        }
    }

    fn best(&self) -> Option<Selection> {
        let voted = self.tally.select(|_| 1.0)?;
        // An attempt without an answer wins only where no attempt has one.
        let answered: Vec<TrialId> = voted
            .votes
            .iter()
            .flat_map(|v| v.trials.iter().copied())
            .collect();
        let trial = if answered.is_empty() {
            voted.trial
        } else {
            self.tally.likeliest(answered.into_iter())?
        };
        let chosen = voted.votes.iter().find(|v| v.trials.contains(&trial));
        Some(Selection {
            trial,
            answer: chosen.map(|v| v.answer.clone()),
            confidence: chosen
                .filter(|_| self.tally.len() > 1)
                .map(|v| f64::from(v.votes) / self.tally.len() as f64),
            votes: voted.votes,
        })
    }
}
