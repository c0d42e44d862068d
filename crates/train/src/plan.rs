//! Which rows are learned in which step: the whole order of a run, from its seed alone.

use strawberry_synth::rng::Rng;

use crate::run::Settings;

/// A run's order. Because it depends on nothing but the seed and the lengths, a resumed run needs only the
/// number of steps done.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// For each step, the rows of each forward pass.
    pub steps: Vec<Vec<Vec<usize>>>,
}

impl Plan {
    /// The plan for rows of these lengths that `settings` ask for.
    pub fn of(lengths: &[usize], settings: &Settings) -> Plan {
        Plan::new(
            lengths,
            settings.epochs,
            settings.step_tokens,
            settings.pack_tokens,
            settings.seed,
        )
    }

    /// The rows of a step, pack by pack.
    pub fn packs<'r, T>(&self, step: usize, rows: &'r [T]) -> Vec<Vec<&'r T>> {
        self.steps[step]
            .iter()
            .map(|pack| pack.iter().map(|row| &rows[*row]).collect())
            .collect()
    }

    /// Shuffles the rows anew for each epoch and packs them: a forward pass takes at most `pack` tokens (or one
    /// row), a step at least `step` tokens, except for the last of an epoch.
    pub fn new(lengths: &[usize], epochs: f32, step: usize, pack: usize, seed: u64) -> Plan {
        let mut steps = Vec::new();
        let rows = (lengths.len() as f64 * f64::from(epochs.max(0.0))).round() as usize;
        let mut left = rows;
        let mut epoch = 0;
        while left > 0 && !lengths.is_empty() {
            let mut order: Vec<usize> = (0..lengths.len()).collect();
            Rng::new(Rng::derive(seed, &[epoch])).shuffle(&mut order);
            order.truncate(left);
            left -= order.len();
            epoch += 1;
            let (mut packs, mut current): (Vec<Vec<usize>>, Vec<usize>) = (Vec::new(), Vec::new());
            let (mut tokens, mut total) = (0, 0);
            for row in order {
                if !current.is_empty() && tokens + lengths[row] > pack {
                    packs.push(std::mem::take(&mut current));
                    tokens = 0;
                }
                current.push(row);
                tokens += lengths[row];
                total += lengths[row];
                if total >= step {
                    packs.push(std::mem::take(&mut current));
                    steps.push(std::mem::take(&mut packs));
                    (tokens, total) = (0, 0);
                }
            }
            if !current.is_empty() {
                packs.push(current);
            }
            if !packs.is_empty() {
                steps.push(packs);
            }
        }
        Plan { steps }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_epoch_has_each_row_once_and_packs_are_bounded() {
        let lengths: Vec<usize> = (0..100).map(|i| 5 + i % 17).collect();
        let plan = Plan::new(&lengths, 2.0, 200, 64, 7);
        let mut seen = vec![0; 100];
        for pack in plan.steps.iter().flatten() {
            assert!(pack.iter().map(|r| lengths[*r]).sum::<usize>() <= 64);
            pack.iter().for_each(|r| seen[*r] += 1);
        }
        assert!(seen.iter().all(|n| *n == 2));
        assert_eq!(plan, Plan::new(&lengths, 2.0, 200, 64, 7));
        assert_ne!(plan, Plan::new(&lengths, 2.0, 200, 64, 8));
        let half = Plan::new(&lengths, 0.5, 200, 64, 7);
        assert_eq!(half.steps.iter().flatten().flatten().count(), 50);
        assert!(Plan::new(&[], 1.0, 10, 10, 0).steps.is_empty());
    }
}
