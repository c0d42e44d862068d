//! A tree of attempts, grown wider (a new attempt) or deeper (a better one), whichever promises more.

use std::collections::BTreeMap;
use std::sync::Arc;

use strawberry_core::{Attempt, Outcome, Selection, Strategy, Trial, TrialId};

use super::{AttemptSpec, best_scored, improvement, trial_seed};
use crate::scorer::{ScoredBy, TESTS};
use crate::vote::Tally;

/// Expansions in flight at once.
const WAVE: u32 = 4;

/// AB-MCTS-A with a Beta prior (Inoue et al. 2025, arXiv 2503.04412, section 3): at each node Thompson sampling
/// decides between generating a new child (wider) and going on with one of the children there are (deeper).
/// A score r from 0 to 1 counts as r successes and 1 - r failures, for the generator that made the attempt and
/// for every choice on the way to it. It ends at a perfect score.
pub struct AbMcts {
    spec: AttemptSpec,
    samples: u32,
    by: ScoredBy,
    asked: u32,
    /// Node 0 is the question itself; the others are attempts.
    nodes: Vec<Node>,
    /// The node each trial in flight was asked at.
    at: BTreeMap<TrialId, usize>,
    waiting: BTreeMap<TrialId, Option<Classed>>,
    tally: Tally,
    draws: u64,
}

/// An attempt with its answer's class.
type Classed = (Arc<Attempt>, Option<usize>);

#[derive(Default)]
struct Node {
    parent: Option<usize>,
    attempt: Option<Arc<Attempt>>,
    children: Vec<usize>,
    /// Scores of attempts generated here.
    generated: Evidence,
    /// Scores of attempts further down, reached through the children.
    deeper: Evidence,
    /// This attempt's own score and those below it.
    own: Evidence,
}

/// Successes and failures, in fractions.
#[derive(Clone, Copy, Default)]
struct Evidence(f64, f64);

impl Evidence {
    fn add(&mut self, score: f64) {
        self.0 += score;
        self.1 += 1.0 - score;
    }
}

impl AbMcts {
    /// At most `samples` attempts as `spec` says, scored by `by`.
    pub fn new(spec: AttemptSpec, samples: u32, by: ScoredBy) -> Self {
        AbMcts {
            spec,
            samples,
            by,
            asked: 0,
            nodes: vec![Node::default()],
            at: BTreeMap::new(),
            waiting: BTreeMap::new(),
            tally: Tally::new(),
            draws: 0,
        }
    }

    /// Goes down from the question until a node wants a new child.
    fn choose(&mut self) -> usize {
        let mut at = 0;
        while !self.nodes[at].children.is_empty() {
            let (generated, deeper) = (self.nodes[at].generated, self.nodes[at].deeper);
            if self.draw(generated) >= self.draw(deeper) {
                break;
            }
            let children = self.nodes[at].children.clone();
            let mut best = (f64::NEG_INFINITY, at);
            for child in children {
                let value = self.draw(self.nodes[child].own);
                if value > best.0 {
                    best = (value, child);
                }
            }
            at = best.1;
        }
        at
    }

    /// Draws from the posterior Beta(1 + successes, 1 + failures).
    fn draw(&mut self, evidence: Evidence) -> f64 {
        let a = self.gamma(1.0 + evidence.0);
        let b = self.gamma(1.0 + evidence.1);
        a / (a + b)
    }

    /// A draw from Gamma(shape, 1) for shapes of 1 and more (Marsaglia and Tsang 2000, section 2).
    fn gamma(&mut self, shape: f64) -> f64 {
        let d = shape - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let (u1, u2) = (self.uniform(), self.uniform());
            let normal = (-2.0 * u1.ln()).sqrt() * (std::f64::consts::TAU * u2).cos();
            let v = (1.0 + c * normal).powi(3);
            if v > 0.0 && self.uniform().ln() < 0.5 * normal * normal + d - d * v + d * v.ln() {
                return d * v;
            }
        }
    }

    /// Uniform in (0, 1), from the run's seed.
    fn uniform(&mut self) -> f64 {
        self.draws += 1;
        let bits = trial_seed(self.spec.sampling.seed ^ 0x5eed_ab3c_75a0_11ce, self.draws);
        (bits as f64 + 0.5) / (1u64 << 53) as f64
    }

    /// Puts a told attempt into the tree.
    fn grow(&mut self, trial: TrialId, attempt: Arc<Attempt>) {
        let Some(&parent) = self.at.get(&trial) else {
            return;
        };
        let score = self.by.of(&attempt).unwrap_or(0.0).clamp(0.0, 1.0);
        let mut node = Node {
            parent: Some(parent),
            attempt: Some(attempt),
            ..Node::default()
        };
        node.own.add(score);
        self.nodes.push(node);
        let index = self.nodes.len() - 1;
        self.nodes[parent].children.push(index);
        self.nodes[parent].generated.add(score);
        let mut at = parent;
        loop {
            self.nodes[at].own.add(score);
            let Some(up) = self.nodes[at].parent else { break };
            self.nodes[up].deeper.add(score);
            at = up;
        }
    }

    fn perfect(&self) -> bool {
        self.nodes
            .iter()
            .filter_map(|n| n.attempt.as_ref())
            .any(|a| self.by.of(a).is_some_and(|s| s >= 1.0))
    }
}

impl Strategy for AbMcts {
    fn name(&self) -> &'static str {
        "ab-mcts"
    }

    fn ask(&mut self) -> Vec<Trial> {
        if self.waiting.len() < self.asked as usize || self.asked >= self.samples || self.perfect() {
            return Vec::new();
        }
        let wave = WAVE.min(self.samples - self.asked);
        (0..wave)
            .map(|_| {
                let node = self.choose();
                let id = u64::from(self.asked);
                self.asked += 1;
                self.at.insert(id, node);
                let trial = self.spec.trial(id);
                match self.nodes[node].attempt.clone() {
                    Some(attempt) => Trial {
                        messages: self.spec.with_note(&improvement(&attempt)),
                        ..trial
                    },
                    None => trial,
                }
            })
            .collect()
    }

    fn tell(&mut self, trial: TrialId, outcome: Outcome) {
        if self.waiting.contains_key(&trial) {
            return;
        }
        let told = match outcome {
            Outcome::Sampled { attempt, class } => Some((attempt, class)),
            Outcome::Failed => None,
        };
        self.waiting.insert(trial, told);
        // The tree grows by whole waves and in trial order, so that the order of outcomes does not matter.
        if self.waiting.len() == self.asked as usize {
            let ready: Vec<_> = self.waiting.iter().map(|(t, o)| (*t, o.clone())).collect();
            for (trial, told) in ready {
                if let Some((attempt, class)) = told
                    && !self.tally.contains(trial)
                {
                    self.tally.add(trial, attempt.clone(), class);
                    self.grow(trial, attempt);
                }
            }
        }
    }

    fn best(&self) -> Option<Selection> {
        let mut tally = self.tally.clone();
        for (trial, told) in &self.waiting {
            if let Some((attempt, class)) = told {
                tally.add(*trial, attempt.clone(), *class);
            }
        }
        best_scored(&tally, self.by.name() != TESTS, |a| self.by.of(a))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_have_the_moments_of_their_distributions() {
        let spec = AttemptSpec::plain(Vec::new(), 16);
        let mut tree = AbMcts::new(spec, 4, ScoredBy::default());
        let n = 20_000;
        let draws: Vec<f64> = (0..n).map(|_| tree.draw(Evidence(3.0, 1.0))).collect();
        let mean = draws.iter().sum::<f64>() / f64::from(n);
        let variance = draws.iter().map(|d| (d - mean).powi(2)).sum::<f64>() / f64::from(n);
        // Beta(4, 2): mean 2/3, variance 8 / (36 * 7).
        assert!((mean - 2.0 / 3.0).abs() < 0.006, "{mean}");
        assert!((variance - 8.0 / 252.0).abs() < 0.002, "{variance}");
    }
}
