//! Search over steps: the best prefixes go on.

use std::sync::Arc;

use strawberry_core::{Outcome, Selection, Strategy, Trial, TrialId};

use super::AttemptSpec;
use super::steps::{Path, Steps, best};
use crate::scorer::ScoredBy;

/// Continuations of each kept path.
const WIDTH: usize = 4;

/// Beam search with a step scorer (Snell et al. 2024, arXiv 2408.03314, section 5.1): N paths; after each step
/// the best N/4 go on, each with four continuations. Paths that have ended are set aside; in the end they vote
/// with their scores as weights.
pub struct Beam {
    steps: Steps,
    beams: usize,
    /// The trials of the round in flight.
    round: Vec<TrialId>,
    ended: Vec<Arc<Path>>,
}

impl Beam {
    /// `beams` paths of attempts as `spec` says, with steps scored by `by`.
    pub fn new(spec: AttemptSpec, beams: u32, by: ScoredBy) -> Self {
        Beam {
            steps: Steps::new(spec, by),
            beams: beams.max(1) as usize,
            round: Vec::new(),
            ended: Vec::new(),
        }
    }
}

impl Strategy for Beam {
    fn name(&self) -> &'static str {
        "beam"
    }

    fn ask(&mut self) -> Vec<Trial> {
        if self.steps.waiting() {
            return Vec::new();
        }
        let trials: Vec<Trial> = if self.steps.asked() == 0 {
            (0..self.beams).map(|_| self.steps.trial(None)).collect()
        } else {
            let paths = self.steps.paths(self.round.drain(..));
            let (ended, open): (Vec<_>, Vec<_>) = paths.into_iter().partition(|p| p.ended);
            self.ended.extend(ended);
            let room = self.beams.saturating_sub(self.ended.len());
            let kept = best(open, room.div_ceil(WIDTH));
            if kept.is_empty() {
                return Vec::new();
            }
            (0..room)
                .map(|i| self.steps.trial(Some(&kept[i % kept.len()])))
                .collect()
        };
        self.round = trials.iter().map(|t| t.id).collect();
        trials
    }

    fn tell(&mut self, trial: TrialId, outcome: Outcome) {
        self.steps.tell(trial, outcome);
    }

    fn best(&self) -> Option<Selection> {
        let mut ended = self.ended.clone();
        let round = self.steps.paths(self.round.iter().copied());
        ended.extend(round.into_iter().filter(|p| p.ended));
        self.steps.select(&ended)
    }
}
