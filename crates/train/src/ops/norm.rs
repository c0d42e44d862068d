//! RMSNorm (Zhang and Sennrich 2019, arXiv 1910.07467): `y = w · x / sqrt(mean(x²) + eps)`.

use rayon::prelude::*;

fn inverse(x: &[f32], eps: f32) -> f32 {
    let square: f32 = x.iter().map(|v| v * v).sum();
    1.0 / (square / x.len() as f32 + eps).sqrt()
}

/// Norms each row of `x` (`[rows, w.len()]`).
pub fn forward(x: &[f32], w: &[f32], eps: f32) -> Vec<f32> {
    let mut y = vec![0.0; x.len()];
    let d = w.len();
    y.par_chunks_mut(d).zip(x.par_chunks(d)).for_each(|(y, x)| {
        let scale = inverse(x, eps);
        for ((y, x), w) in y.iter_mut().zip(x).zip(w) {
            *y = x * scale * w;
        }
    });
    y
}

/// Adds the gradient by `x` to `dx`, and that by `w` to `dw` where it is wanted.
pub fn backward(dy: &[f32], x: &[f32], w: &[f32], eps: f32, dx: &mut [f32], dw: Option<&mut [f32]>) {
    let d = w.len();
    dx.par_chunks_mut(d)
        .zip(dy.par_chunks(d))
        .zip(x.par_chunks(d))
        .for_each(|((dx, dy), x)| {
            let scale = inverse(x, eps);
            let dot: f32 = dy.iter().zip(x).zip(w).map(|((dy, x), w)| dy * x * w).sum();
            let back = dot * scale * scale * scale / d as f32;
            for (((dx, dy), x), w) in dx.iter_mut().zip(dy).zip(x).zip(w) {
                *dx += dy * w * scale - x * back;
            }
        });
    if let Some(dw) = dw {
        for (dy, x) in dy.chunks(d).zip(x.chunks(d)) {
            let scale = inverse(x, eps);
            for ((dw, dy), x) in dw.iter_mut().zip(dy).zip(x) {
                *dw += dy * x * scale;
            }
        }
    }
}
