//! Votes of confident attempts only; attempts that lose confidence are given up.

use std::collections::BTreeSet;

use strawberry_core::{Finish, Outcome, Selection, Strategy, Trial, TrialId};

use super::AttemptSpec;
use crate::confidence::LOWEST_GROUP;
use crate::vote::Tally;

/// Attempts that run to their end and set the threshold (section 3.3 of the paper), at most.
const WARM_UP: u32 = 16;
/// The share of attempts that is kept: the paper's "DeepConf-high".
const KEPT: f64 = 0.9;
/// The share of the weight at which a vote counts as decided (section 3.3).
const CONSENSUS: f64 = 0.95;
/// Attempts in a wave after the warm-up.
const WAVE: u32 = 8;

/// DeepConf, online (Fu et al. 2025, arXiv 2508.15260, algorithm 2): the lowest group confidences of some
/// attempts that run to their end set a threshold; later attempts are given up as soon as a group of tokens
/// falls below it. The attempts that stay vote, each with its lowest group confidence as weight. It ends when
/// the leader has nearly all of the weight.
pub struct Deepconf {
    spec: AttemptSpec,
    samples: u32,
    warm_up: u32,
    asked: u32,
    told: BTreeSet<TrialId>,
    /// Attempts that ran to their end.
    whole: Tally,
    /// All of them.
    all: Tally,
    confidences: Vec<f64>,
    threshold: Option<f64>,
}

impl Deepconf {
    /// At most `samples` attempts as `spec` says, half of them (16 at most) as warm-up.
    pub fn new(spec: AttemptSpec, samples: u32) -> Self {
        Deepconf {
            spec,
            samples,
            warm_up: (samples / 2).clamp(1, WARM_UP),
            asked: 0,
            told: BTreeSet::new(),
            whole: Tally::new(),
            all: Tally::new(),
            confidences: Vec::new(),
            threshold: None,
        }
    }

    fn decided(&self) -> bool {
        self.vote().is_some_and(|s| {
            let leader = s.votes.first().map_or(0.0, |v| v.share);
            s.votes.iter().map(|v| v.votes).sum::<u32>() > 1 && leader >= CONSENSUS
        })
    }

    fn vote(&self) -> Option<Selection> {
        let threshold = self.threshold.unwrap_or(f64::NEG_INFINITY);
        // A model without log-probabilities has no confidences; then this is a plain vote.
        self.whole.select(|a| match a.scores.get(LOWEST_GROUP) {
            Some(&c) if c < threshold => 0.0,
            // Log-probabilities are negative; their exponentials order attempts the same way.
            Some(&c) if c < 0.0 => c.exp(),
            Some(&c) => c,
            None => 1.0,
        })
    }
}

/// The value below which a share of `1 - kept` of the values lies (the lower one, between two).
pub fn threshold(values: &[f64], kept: f64) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    // A hair more, since 1 - 0.9 is a hair less than a tenth.
    let below = ((1.0 - kept) * sorted.len() as f64 + 1e-9).floor() as usize;
    sorted.get(below.min(sorted.len().saturating_sub(1))).copied()
}

impl Strategy for Deepconf {
    fn name(&self) -> &'static str {
        "deepconf"
    }

    fn ask(&mut self) -> Vec<Trial> {
        if self.told.len() < self.asked as usize || self.asked >= self.samples {
            return Vec::new();
        }
        let wave = if self.asked == 0 {
            self.warm_up
        } else {
            self.threshold = self.threshold.or_else(|| threshold(&self.confidences, KEPT));
            if self.decided() {
                return Vec::new();
            }
            WAVE.min(self.samples - self.asked)
        };
        let from = self.asked;
        self.asked += wave;
        (from..self.asked)
            .map(|id| Trial {
                least_confidence: self.threshold,
                ..self.spec.trial(u64::from(id))
            })
            .collect()
    }

    fn tell(&mut self, trial: TrialId, outcome: Outcome) {
        if !self.told.insert(trial) {
            return;
        }
        let Outcome::Sampled { attempt, class } = outcome else {
            return;
        };
        if attempt.finish != Finish::Cancelled {
            if trial < u64::from(self.warm_up) {
                self.confidences.extend(attempt.scores.get(LOWEST_GROUP));
            }
            self.whole.add(trial, attempt.clone(), class);
        }
        self.all.add(trial, attempt, class);
    }

    fn best(&self) -> Option<Selection> {
        self.vote().or_else(|| self.all.select(|_| 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::threshold;

    #[test]
    fn the_threshold_keeps_the_share_asked_for() {
        let values: Vec<f64> = (1..=10).map(f64::from).collect();
        let t = threshold(&values, 0.9).unwrap();
        assert_eq!(values.iter().filter(|&&v| v >= t).count(), 9);
        assert_eq!(threshold(&[3.0], 0.1), Some(3.0));
        assert_eq!(threshold(&[], 0.9), None);
    }
}
