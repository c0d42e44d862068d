//! AdamW, gradient clipping, and the learning rate's schedule.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::network::{Gradients, Network};

const BLOCK: usize = 1 << 14;

/// Settings of AdamW (Loshchilov and Hutter 2017, arXiv 1711.05101).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct AdamW {
    /// Decay of the mean gradient.
    pub beta1: f32,
    /// Decay of the mean square.
    pub beta2: f32,
    /// Added to the root of the mean square.
    pub eps: f32,
    /// Decoupled weight decay, for matrices only.
    pub decay: f32,
}

impl Default for AdamW {
    fn default() -> Self {
        AdamW {
            beta1: 0.9,
            beta2: 0.95,
            eps: 1e-8,
            decay: 0.01,
        }
    }
}

/// The running means of the gradient and of its square, for each trainable tensor.
#[derive(Clone, Debug, Default)]
pub struct Moments {
    /// Updates so far.
    pub updates: u64,
    /// Means of the gradients, in the order of [`Network::trainable`].
    pub mean: Vec<Vec<f32>>,
    /// Means of their squares.
    pub square: Vec<Vec<f32>>,
}

impl Moments {
    /// Zeros.
    pub fn new(network: &Network) -> Moments {
        let zeros: Vec<Vec<f32>> = network
            .trainable()
            .iter()
            .map(|t| vec![0.0; t.data.len()])
            .collect();
        Moments {
            updates: 0,
            mean: zeros.clone(),
            square: zeros,
        }
    }
}

impl AdamW {
    /// Changes the weights by one step at `rate`.
    pub fn update(&self, network: &mut Network, gradients: &Gradients, moments: &mut Moments, rate: f32) {
        moments.updates += 1;
        let power = moments.updates.min(i32::MAX as u64) as i32;
        let (c1, c2) = (1.0 - self.beta1.powi(power), 1.0 - self.beta2.powi(power));
        let tensors = network.trainable_mut().into_iter().zip(gradients.parts());
        for (i, (tensor, gradient)) in tensors.enumerate() {
            let decay = if tensor.rows > 1 { self.decay * rate } else { 0.0 };
            tensor
                .data
                .par_chunks_mut(BLOCK)
                .zip(gradient.par_chunks(BLOCK))
                .zip(moments.mean[i].par_chunks_mut(BLOCK))
                .zip(moments.square[i].par_chunks_mut(BLOCK))
                .for_each(|(((w, g), m), v)| {
                    for (((w, g), m), v) in w.iter_mut().zip(g).zip(m).zip(v) {
                        *m += (1.0 - self.beta1) * (g - *m);
                        *v += (1.0 - self.beta2) * (g * g - *v);
                        let step = (*m / c1) / ((*v / c2).sqrt() + self.eps);
                        *w -= rate * step + decay * *w;
                    }
                });
        }
    }
}

/// The length of all gradients as one vector, or the place in [`Network::trainable`] of one that is not finite.
///
/// # Errors
/// When some gradient is infinite or not a number.
pub fn length(gradients: &Gradients) -> Result<f32, usize> {
    let mut sum = 0.0f64;
    for (i, g) in gradients.parts().enumerate() {
        // Blocks are summed in order, whatever the threads.
        let parts: Vec<f64> = g
            .par_chunks(BLOCK)
            .map(|b| b.iter().map(|x| f64::from(*x) * f64::from(*x)).sum())
            .collect();
        let square: f64 = parts.iter().sum();
        if !square.is_finite() {
            return Err(i);
        }
        sum += square;
    }
    Ok(sum.sqrt() as f32)
}

/// Shortens gradients of length `length` to at most `limit` (Pascanu et al. 2012, arXiv 1211.5063).
pub fn clip(gradients: &mut Gradients, length: f32, limit: f32) {
    if length > limit {
        let scale = limit / length;
        for g in gradients.parts_mut() {
            g.par_iter_mut().for_each(|x| *x *= scale);
        }
    }
}

/// The rate at `step` (from 0) of `steps`: linear warm-up, then half a cosine down to a tenth of `peak`
/// (Loshchilov and Hutter 2016, arXiv 1608.03983).
pub fn rate(peak: f32, warmup: usize, step: usize, steps: usize) -> f32 {
    if step < warmup {
        return peak * (step + 1) as f32 / warmup as f32;
    }
    let done = (step - warmup) as f32 / (steps.saturating_sub(warmup)).max(1) as f32;
    let cosine = 0.5 * (1.0 + (std::f32::consts::PI * done.min(1.0)).cos());
    peak * (0.1 + 0.9 * cosine)
}

#[cfg(test)]
mod tests {
    use super::rate;

    #[test]
    fn the_rate_rises_then_falls_to_a_tenth() {
        let all: Vec<f32> = (0..100).map(|s| rate(1.0, 10, s, 100)).collect();
        assert!(all[..10].windows(2).all(|w| w[0] < w[1]));
        assert!(all[10..].windows(2).all(|w| w[0] > w[1]));
        assert_eq!(all[9], 1.0);
        assert!((all[99] - 0.1).abs() < 1e-2);
        assert_eq!(rate(1.0, 0, 0, 1), 1.0);
    }
}
