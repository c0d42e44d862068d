//! SwiGLU (Shazeer 2020, arXiv 2002.05202): `a = silu(g) · u` with `silu(g) = g / (1 + e^−g)`.

use rayon::prelude::*;

use super::exp::exp;

const BLOCK: usize = 4096;

/// `silu(g) · u`, element by element.
pub fn forward(g: &[f32], u: &[f32]) -> Vec<f32> {
    let mut a = vec![0.0; g.len()];
    a.par_chunks_mut(BLOCK)
        .zip(g.par_chunks(BLOCK))
        .zip(u.par_chunks(BLOCK))
        .for_each(|((a, g), u)| {
            for ((a, g), u) in a.iter_mut().zip(g).zip(u) {
                *a = g / (1.0 + exp(-g)) * u;
            }
        });
    a
}

/// The gradients by `g` and `u`, written over `dg` and over `da` (in this order).
pub fn backward(da: &mut [f32], g: &[f32], u: &[f32], dg: &mut [f32]) {
    da.par_chunks_mut(BLOCK)
        .zip(g.par_chunks(BLOCK))
        .zip(u.par_chunks(BLOCK))
        .zip(dg.par_chunks_mut(BLOCK))
        .for_each(|(((da, g), u), dg)| {
            for (((da, g), u), dg) in da.iter_mut().zip(g).zip(u).zip(dg) {
                let sigmoid = 1.0 / (1.0 + exp(-g));
                let silu = g * sigmoid;
                *dg = *da * u * (sigmoid + silu * (1.0 - sigmoid));
                *da *= silu;
            }
        });
}
