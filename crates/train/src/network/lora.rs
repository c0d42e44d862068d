//! Low-rank adapters (Hu et al. 2021, arXiv 2106.09685): `y = W x + (alpha / rank) · B A x`.

use strawberry_synth::rng::Rng;

use super::{Network, Tensor};
use crate::ops::matmul::{Into, mat, product};

/// Adapters on projections.
#[derive(Clone, Debug)]
pub struct Lora {
    /// Inner dimension.
    pub rank: usize,
    /// The product of the factors is scaled by `alpha / rank`.
    pub alpha: f32,
    /// For each of the network's tensors: A (`[rank, in]`) and B (`[out, rank]`), or nothing.
    pub(super) factors: Vec<Option<[Tensor; 2]>>,
}

impl Lora {
    /// Adapters on all projections of the layers: A uniform in ±1/√in (the default of `peft`), B zero.
    pub(super) fn new(tensors: &[Tensor], rank: usize, alpha: f32, seed: u64) -> Lora {
        let factors = tensors.iter().enumerate().map(|(i, t)| {
            let linear = t.name.starts_with("blk.") && t.rows > 1;
            linear.then(|| {
                let mut rng = Rng::new(Rng::derive(seed, &[i as u64]));
                let bound = 1.0 / (t.cols as f32).sqrt();
                let mut draw = || ((rng.draw() >> 40) as f32 / (1u64 << 23) as f32 - 1.0) * bound;
                let stem = t.name.trim_end_matches(".weight");
                [
                    Tensor {
                        name: format!("{stem}.lora_a"),
                        rows: rank,
                        cols: t.cols,
                        data: (0..rank * t.cols).map(|_| draw()).collect(),
                    },
                    Tensor {
                        name: format!("{stem}.lora_b"),
                        rows: t.rows,
                        cols: rank,
                        data: vec![0.0; t.rows * rank],
                    },
                ]
            })
        });
        Lora {
            rank,
            alpha,
            factors: factors.collect(),
        }
    }

    /// What the product of the factors is multiplied by.
    pub fn scale(&self) -> f32 {
        self.alpha / self.rank as f32
    }

    /// The pairs of factors A, B in the order of the network's tensors.
    pub fn pairs(&self) -> impl Iterator<Item = &[Tensor; 2]> {
        self.factors.iter().flatten()
    }

    pub(super) fn pairs_mut(&mut self) -> impl Iterator<Item = &mut [Tensor; 2]> {
        self.factors.iter_mut().flatten()
    }
}

impl Network {
    /// Adds the adapters to the weights and takes them away.
    pub fn merge(&mut self) {
        let Some(lora) = self.lora.take() else { return };
        let scale = lora.scale();
        for (tensor, pair) in self.tensors.iter_mut().zip(lora.factors) {
            if let Some([a, b]) = pair {
                product(
                    &mut tensor.data,
                    mat(&b.data, b.rows, b.cols),
                    mat(&a.data, a.rows, a.cols),
                    scale,
                    Into::Add,
                );
            }
        }
    }
}
