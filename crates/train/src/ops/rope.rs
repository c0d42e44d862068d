//! Rotary position embedding (Su et al. 2021, arXiv 2104.09864) over the two halves of a head.

use rayon::prelude::*;

/// Sines and cosines of every position of a batch.
#[derive(Clone, Debug)]
pub struct Angles {
    /// Rotated pairs per head.
    pairs: usize,
    /// `[positions, pairs]` of (cosine, sine).
    table: Vec<(f32, f32)>,
}

impl Angles {
    /// For tokens at `positions`; `frequencies` are radians per position of each pair.
    pub fn new(positions: &[u32], frequencies: &[f32]) -> Angles {
        let table = positions
            .iter()
            .flat_map(|&p| {
                frequencies.iter().map(move |f| {
                    let (sin, cos) = (f64::from(p) * f64::from(*f)).sin_cos();
                    (cos as f32, sin as f32)
                })
            })
            .collect();
        Angles {
            pairs: frequencies.len(),
            table,
        }
    }

    /// Rotates every head of `x` (`[positions, width]`), forwards or, for gradients, `back`.
    pub fn rotate(&self, x: &mut [f32], width: usize, head_dim: usize, back: bool) {
        let n = self.pairs;
        x.par_chunks_mut(width)
            .zip(self.table.par_chunks(n))
            .for_each(|(row, angles)| {
                for head in row.chunks_mut(head_dim) {
                    let (left, right) = head.split_at_mut(n);
                    for ((a, b), &(cos, sin)) in left.iter_mut().zip(right).zip(angles) {
                        let sin = if back { -sin } else { sin };
                        (*a, *b) = (*a * cos - *b * sin, *b * cos + *a * sin);
                    }
                }
            });
    }
}
