//! Chain of thought with a vote, stopped as soon as the vote is decided.

use std::collections::BTreeSet;

use strawberry_core::{Attempt, Outcome, Selection, Strategy, Trial, TrialId};

use super::AttemptSpec;
use crate::scorer::ScoredBy;
use crate::vote::Tally;

/// The first wave, and the least any wave holds.
const FIRST_WAVE: u32 = 4;
/// No wave holds more: beyond this, a bigger batch costs more in late stops than it gains in speed.
const LARGEST_WAVE: u32 = 32;

/// How much an attempt's vote weighs.
#[derive(Clone, Debug)]
pub enum Weighing {
    /// All the same: strategies `majority` and `program`.
    Equal,
    /// By a score (confidence-informed self-consistency, Taubenfeld et al. 2025, arXiv 2502.06233; by default with
    /// the geometric mean of the tokens' probabilities as confidence). An attempt without the score weighs
    /// nothing, unless no attempt has it.
    Score(ScoredBy),
}

impl Weighing {
    /// The weight of an attempt, never negative.
    pub fn weight(&self, attempt: &Attempt) -> f64 {
        match self {
            Weighing::Equal => 1.0,
            Weighing::Score(by) => by.weight(attempt).unwrap_or(1e-9),
        }
    }
}

/// Self-consistency (Wang et al. 2023, arXiv 2203.11171) with the stopping rule of Adaptive-Consistency
/// (Aggarwal et al. 2023, arXiv 2305.11860, section 3, Beta criterion).
///
/// Attempts are asked in waves that double (4, 4, 8, 16, 32, 32, …). After each whole wave it stops when
/// the leader can't be caught with the attempts left, or when the probability that the leader is the true
/// majority against the runner-up exceeds the threshold. With weights, the leader by weight must also lead
/// by number before the vote counts as decided.
pub struct Majority {
    name: &'static str,
    spec: AttemptSpec,
    samples: u32,
    threshold: f64,
    weighing: Weighing,
    asked: u32,
    told: BTreeSet<TrialId>,
    tally: Tally,
}

impl Majority {
    /// At most `samples` attempts as `spec` says; `threshold` is the probability at which the vote counts as
    /// decided (above 1 never stops early). `name` is what users select this use of it by.
    pub fn new(
        name: &'static str,
        spec: AttemptSpec,
        samples: u32,
        threshold: f64,
        weighing: Weighing,
    ) -> Self {
        Majority {
            name,
            spec,
            samples,
            threshold,
            weighing,
            asked: 0,
            told: BTreeSet::new(),
            tally: Tally::new(),
        }
    }

    fn decided(&self) -> bool {
        let (first, second) = self.tally.top_two();
        let by_number = self.tally.votes(|_| 1.0);
        let by_weight = self.tally.votes(|a| self.weighing.weight(a));
        if by_number.first().map(|v| &v.trials) != by_weight.first().map(|v| &v.trials) {
            return false;
        }
        let left = self.samples - self.asked;
        if first > second + left {
            return true;
        }
        first > 0 && leader_probability(first, second) > self.threshold
    }
}

/// Probability that the leader with `first` votes is ahead of the runner-up with `second` in the limit, under
/// a uniform prior: P(p > 1/2) for p ~ Beta(first + 1, second + 1).
///
/// For whole parameters this is a binomial sum: P = Σ_{j=0}^{first} C(n, j) / 2^n with n = first + second + 1.
pub fn leader_probability(first: u32, second: u32) -> f64 {
    let n = first + second + 1;
    let mut term = 0.5f64.powi(n.min(1000) as i32);
    let mut sum = 0.0;
    for j in 0..=first {
        sum += term;
        term *= f64::from(n - j) / f64::from(j + 1);
    }
    sum
}

impl Strategy for Majority {
    fn name(&self) -> &'static str {
        self.name
    }

    fn ask(&mut self) -> Vec<Trial> {
        if self.told.len() < self.asked as usize
            || self.asked >= self.samples
            || (self.asked > 0 && self.decided())
        {
            return Vec::new();
        }
        let wave = self
            .asked
            .clamp(FIRST_WAVE, LARGEST_WAVE)
            .min(self.samples - self.asked);
        let from = self.asked;
        self.asked += wave;
        (from..self.asked)
            .map(|id| self.spec.trial(u64::from(id)))
            .collect()
    }

    fn tell(&mut self, trial: TrialId, outcome: Outcome) {
        self.told.insert(trial);
        if let Outcome::Sampled { attempt, class } = outcome {
            self.tally.add(trial, attempt, class);
        }
    }

    fn best(&self) -> Option<Selection> {
        self.tally.select(|a| self.weighing.weight(a))
    }
}

#[cfg(test)]
mod tests {
    use super::leader_probability;

    #[test]
    fn the_beta_criterion_matches_closed_forms() {
        // Beta(k + 1, 1): P(p > 1/2) = 1 - 2^-(k+1).
        for k in 0..20 {
            assert!((leader_probability(k, 0) - (1.0 - 0.5f64.powi(k as i32 + 1))).abs() < 1e-12);
        }
        // Symmetric: exactly one half.
        assert!((leader_probability(7, 7) - 0.5).abs() < 1e-12);
        // Beta(3, 2): 1 - I_{1/2}(3, 2) = 11/16.
        assert!((leader_probability(2, 1) - 11.0 / 16.0).abs() < 1e-12);
    }
}
