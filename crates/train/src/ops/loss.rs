//! What is done with logits: log-probabilities, cross-entropy, divergences; each writes the gradient over them.

use rayon::prelude::*;

use super::exp::exp;

/// Turns a row of logits into probabilities; the logarithm of the sum of their exponentials is given back.
fn softmax(row: &mut [f32]) -> f32 {
    let top = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0f64;
    for part in row.chunks_mut(1024) {
        let mut partial = 0.0f32;
        for x in part {
            *x = exp(*x - top);
            partial += *x;
        }
        sum += f64::from(partial);
    }
    let inverse = (1.0 / sum) as f32;
    for x in row {
        *x *= inverse;
    }
    top + sum.ln() as f32
}

/// Replaces each row of `logits` by the gradient of `−weight · log p(target)`, and gives each target's
/// log-probability.
pub fn weighted_nll(logits: &mut [f32], vocab: usize, targets: &[u32], weights: &[f32]) -> Vec<f32> {
    logits
        .par_chunks_mut(vocab)
        .zip(targets)
        .zip(weights)
        .map(|((row, &target), &weight)| {
            let logit = row[target as usize];
            let log_sum = softmax(row);
            for x in row.iter_mut() {
                *x *= weight;
            }
            row[target as usize] -= weight;
            logit - log_sum
        })
        .collect()
}

/// Each target's log-probability; `logits` are spent.
pub fn log_probabilities(logits: &mut [f32], vocab: usize, targets: &[u32]) -> Vec<f32> {
    logits
        .par_chunks_mut(vocab)
        .zip(targets)
        .map(|(row, &target)| {
            let logit = row[target as usize];
            logit - softmax(row)
        })
        .collect()
}

/// Which way a divergence between teacher `t` and student `s` is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Divergence {
    /// `KL(t ‖ s)`: the student covers all the teacher does (Hinton et al. 2015, arXiv 1503.02531).
    Forward,
    /// `KL(s ‖ t)`: the student keeps to what the teacher likes best (Gu et al. 2023, arXiv 2306.08543).
    Reverse,
}

/// Replaces each row of the student's logits by the gradient of `weight · divergence` from the teacher's, at
/// temperature 1; gives the divergence of each row in nats. The teacher's logits are spent.
pub fn divergence(
    student: &mut [f32],
    teacher: &mut [f32],
    vocab: usize,
    weights: &[f32],
    kind: Divergence,
) -> Vec<f32> {
    student
        .par_chunks_mut(vocab)
        .zip(teacher.par_chunks_mut(vocab))
        .zip(weights)
        .map(|((s, t), &weight)| {
            let gap: Vec<f32> = s.iter().zip(t.iter()).map(|(s, t)| s - t).collect();
            let log_ratio = softmax(t) - softmax(s);
            // gap + log_ratio = log s − log t, for each token.
            let sum = |p: &[f32]| -> f64 {
                p.iter()
                    .zip(&gap)
                    .map(|(p, g)| f64::from(*p) * f64::from(g + log_ratio))
                    .sum()
            };
            match kind {
                Divergence::Forward => {
                    let value = -sum(t);
                    for (s, t) in s.iter_mut().zip(t.iter()) {
                        *s = weight * (*s - t);
                    }
                    value as f32
                }
                Divergence::Reverse => {
                    let value = sum(s) as f32;
                    for (s, g) in s.iter_mut().zip(&gap) {
                        *s *= weight * (g + log_ratio - value);
                    }
                    value
                }
            }
        })
        .collect()
}
