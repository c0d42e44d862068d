//! One attempt, answered at once: effort `none`.

use strawberry_core::{Outcome, Selection, Strategy, Trial, TrialId};

use super::AttemptSpec;
use crate::vote::Tally;

/// Asks once and takes what comes.
pub struct Direct {
    spec: AttemptSpec,
    asked: bool,
    tally: Tally,
}

impl Direct {
    /// One attempt as `spec` says.
    pub fn new(spec: AttemptSpec) -> Self {
        Direct {
            spec,
            asked: false,
            tally: Tally::new(),
        }
    }
}

impl Strategy for Direct {
    fn name(&self) -> &'static str {
        "direct"
    }

    fn ask(&mut self) -> Vec<Trial> {
        if std::mem::replace(&mut self.asked, true) {
            Vec::new()
        } else {
            vec![self.spec.trial(0)]
        }
    }

    fn tell(&mut self, trial: TrialId, outcome: Outcome) {
        if let Outcome::Sampled { attempt, class } = outcome {
            self.tally.add(trial, attempt, class);
        }
    }

    fn best(&self) -> Option<Selection> {
        self.tally.select(|_| 1.0)
    }
}
