//! Search over steps in several independent trees.

use std::sync::Arc;

use strawberry_core::{Outcome, Selection, Strategy, Trial, TrialId};

use super::AttemptSpec;
use super::steps::{Path, Steps, best};
use crate::scorer::ScoredBy;

/// Continuations tried at each node.
const WIDTH: usize = 4;

/// Diverse verifier tree search (Beeching, Tunstall and Rush 2024, "Scaling test-time compute with open models"): N/4
/// trees that know nothing of one another, so that one well-scored beginning cannot take over the search. Each
/// goes on with the best of four continuations. The ends of the trees vote with their scores as weights.
pub struct Dvts {
    steps: Steps,
    width: usize,
    trees: Vec<Tree>,
}

#[derive(Default)]
struct Tree {
    round: Vec<TrialId>,
    at: Option<Arc<Path>>,
    dead: bool,
}

impl Dvts {
    /// `samples`/4 trees of attempts as `spec` says, with steps scored by `by`.
    pub fn new(spec: AttemptSpec, samples: u32, by: ScoredBy) -> Self {
        let samples = samples.max(1) as usize;
        Dvts {
            steps: Steps::new(spec, by),
            width: WIDTH.min(samples),
            trees: (0..samples.div_ceil(WIDTH)).map(|_| Tree::default()).collect(),
        }
    }

    /// Where a tree has got to, its round in flight included.
    fn front(&self, tree: &Tree) -> Option<Arc<Path>> {
        let round = self.steps.paths(tree.round.iter().copied());
        best(round, 1).pop().or_else(|| tree.at.clone())
    }
}

impl Strategy for Dvts {
    fn name(&self) -> &'static str {
        "dvts"
    }

    fn ask(&mut self) -> Vec<Trial> {
        if self.steps.waiting() {
            return Vec::new();
        }
        let mut trials = Vec::new();
        for i in 0..self.trees.len() {
            let tree = &self.trees[i];
            let begun = tree.at.is_some() || !tree.round.is_empty();
            let front = self.front(tree);
            let tree = &mut self.trees[i];
            // A tree all of whose continuations failed has nowhere to go.
            tree.dead |= begun && (front.is_none() || front.as_ref().is_some_and(|p| p.ended));
            tree.at = front;
            tree.round.clear();
            if tree.dead {
                continue;
            }
            for _ in 0..self.width {
                let trial = self.steps.trial(tree.at.as_ref());
                tree.round.push(trial.id);
                trials.push(trial);
            }
        }
        trials
    }

    fn tell(&mut self, trial: TrialId, outcome: Outcome) {
        self.steps.tell(trial, outcome);
    }

    fn best(&self) -> Option<Selection> {
        let fronts: Vec<_> = self.trees.iter().filter_map(|t| self.front(t)).collect();
        let ended: Vec<_> = fronts.iter().filter(|p| p.ended).cloned().collect();
        self.steps.select(if ended.is_empty() { &fronts } else { &ended })
    }
}
