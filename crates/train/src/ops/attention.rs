//! Causal grouped-query attention over packed sequences.
//!
//! The mask is block-diagonal: a sequence sees itself and the batch's shared prefix, never its neighbours. So
//! only the blocks on the diagonal are computed, one small dense problem per sequence and key head.

use std::ops::Range;

use rayon::prelude::*;

use super::exp::exp;
use super::matmul::{Into, mat, product_here};

/// Sizes of the heads.
#[derive(Clone, Copy, Debug)]
pub struct Heads {
    /// Query heads.
    pub queries: usize,
    /// Key and value heads; divides `queries`.
    pub keys: usize,
    /// Width of a head.
    pub dim: usize,
}

/// One dense problem: the queries of `rows` in one group of heads, over the keys of `prefix` and of `rows`.
#[derive(Clone, Debug)]
struct Block {
    rows: Range<usize>,
    prefix: usize,
    key_head: usize,
}

impl Block {
    fn sources(&self) -> impl Iterator<Item = usize> + use<> {
        (0..self.prefix).chain(self.rows.clone())
    }

    fn keys(&self) -> usize {
        self.prefix + self.rows.len()
    }
}

/// All problems of a batch: the first `prefix` tokens by themselves, then each sequence.
fn blocks(prefix: usize, sequences: &[Range<usize>], heads: Heads) -> Vec<Block> {
    let shared = (prefix > 0).then_some((0..prefix, 0));
    let all = shared
        .into_iter()
        .chain(sequences.iter().map(|rows| (rows.clone(), prefix)));
    all.flat_map(|(rows, prefix)| {
        (0..heads.keys).map(move |key_head| Block {
            rows: rows.clone(),
            prefix,
            key_head,
        })
    })
    .collect()
}

/// Rows of head `head` out of `x` (`[tokens, width]`).
fn gather(x: &[f32], width: usize, rows: impl Iterator<Item = usize>, head: usize, dim: usize) -> Vec<f32> {
    let mut out = Vec::new();
    for row in rows {
        out.extend_from_slice(&x[row * width + head * dim..][..dim]);
    }
    out
}

/// The group's queries, head after head: `[group · rows, dim]`.
fn gather_group(x: &[f32], heads: Heads, block: &Block) -> Vec<f32> {
    let group = heads.queries / heads.keys;
    let width = heads.queries * heads.dim;
    (0..group)
        .flat_map(|g| {
            gather(
                x,
                width,
                block.rows.clone(),
                block.key_head * group + g,
                heads.dim,
            )
        })
        .collect()
}

fn scatter_group(out: &mut [f32], heads: Heads, block: &Block, values: &[f32]) {
    let group = heads.queries / heads.keys;
    let width = heads.queries * heads.dim;
    let mut values = values.chunks(heads.dim);
    for g in 0..group {
        let head = block.key_head * group + g;
        for (row, from) in block.rows.clone().zip(&mut values) {
            out[row * width + head * heads.dim..][..heads.dim].copy_from_slice(from);
        }
    }
}

fn scatter_keys(out: &mut [f32], heads: Heads, block: &Block, values: &[f32]) {
    let width = heads.keys * heads.dim;
    for (row, from) in block.sources().zip(values.chunks(heads.dim)) {
        let to = &mut out[row * width + block.key_head * heads.dim..][..heads.dim];
        for (to, from) in to.iter_mut().zip(from) {
            *to += from;
        }
    }
}

/// What a block computes with.
struct Inputs {
    q: Vec<f32>,
    k: Vec<f32>,
    v: Vec<f32>,
    /// Attention weights, `[group · rows, keys]`.
    weights: Vec<f32>,
}

fn inputs(q: &[f32], k: &[f32], v: &[f32], heads: Heads, block: &Block) -> Inputs {
    let dim = heads.dim;
    let width = heads.keys * dim;
    let (rows, keys) = (block.rows.len(), block.keys());
    let q = gather_group(q, heads, block);
    let k = gather(k, width, block.sources(), block.key_head, dim);
    let v = gather(v, width, block.sources(), block.key_head, dim);
    let queries = q.len() / dim;
    let mut weights = vec![0.0; queries * keys];
    product_here(
        &mut weights,
        mat(&q, queries, dim),
        mat(&k, keys, dim).t(),
        scale(dim),
        Into::Set,
    );
    for (i, row) in weights.chunks_mut(keys).enumerate() {
        let (seen, hidden) = row.split_at_mut(block.prefix + i % rows + 1);
        let top = seen.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let mut sum = 0.0;
        for w in seen.iter_mut() {
            *w = exp(*w - top);
            sum += *w;
        }
        for w in seen {
            *w /= sum;
        }
        hidden.fill(0.0);
    }
    Inputs { q, k, v, weights }
}

fn scale(dim: usize) -> f32 {
    1.0 / (dim as f32).sqrt()
}

/// Attention of queries `q` (`[tokens, queries · dim]`) over keys `k` and values `v` (`[tokens, keys · dim]`),
/// already rotated. The first `prefix` tokens are shared by all `sequences`.
pub fn forward(
    q: &[f32],
    k: &[f32],
    v: &[f32],
    heads: Heads,
    prefix: usize,
    sequences: &[Range<usize>],
) -> Vec<f32> {
    let blocks = blocks(prefix, sequences, heads);
    let outputs: Vec<Vec<f32>> = blocks
        .par_iter()
        .map(|block| {
            let x = inputs(q, k, v, heads, block);
            let (queries, keys) = (x.q.len() / heads.dim, block.keys());
            let mut out = vec![0.0; x.q.len()];
            product_here(
                &mut out,
                mat(&x.weights, queries, keys),
                mat(&x.v, keys, heads.dim),
                1.0,
                Into::Set,
            );
            out
        })
        .collect();
    let mut out = vec![0.0; q.len()];
    for (block, values) in blocks.iter().zip(&outputs) {
        scatter_group(&mut out, heads, block, values);
    }
    out
}

/// The gradients by `q`, `k` and `v`, given that by the output. Attention weights are computed again instead
/// of kept. Sums over blocks are made in one order, so the result is reproducible.
pub fn backward(
    dout: &[f32],
    q: &[f32],
    k: &[f32],
    v: &[f32],
    heads: Heads,
    prefix: usize,
    sequences: &[Range<usize>],
) -> [Vec<f32>; 3] {
    let blocks = blocks(prefix, sequences, heads);
    let dim = heads.dim;
    let outputs: Vec<[Vec<f32>; 3]> = blocks
        .par_iter()
        .map(|block| {
            let x = inputs(q, k, v, heads, block);
            let dout = gather_group(dout, heads, block);
            let (queries, keys) = (x.q.len() / dim, block.keys());
            let (weights, dout) = (mat(&x.weights, queries, keys), mat(&dout, queries, dim));
            let mut dv = vec![0.0; keys * dim];
            product_here(&mut dv, weights.t(), dout, 1.0, Into::Set);
            let mut scores = vec![0.0; queries * keys];
            product_here(&mut scores, dout, mat(&x.v, keys, dim).t(), 1.0, Into::Set);
            for (ds, w) in scores.chunks_mut(keys).zip(x.weights.chunks(keys)) {
                let dot: f32 = ds.iter().zip(w).map(|(ds, w)| ds * w).sum();
                for (ds, w) in ds.iter_mut().zip(w) {
                    *ds = w * (*ds - dot);
                }
            }
            let scores = mat(&scores, queries, keys);
            let (mut dq, mut dk) = (vec![0.0; queries * dim], vec![0.0; keys * dim]);
            product_here(&mut dq, scores, mat(&x.k, keys, dim), scale(dim), Into::Set);
            product_here(
                &mut dk,
                scores.t(),
                mat(&x.q, queries, dim),
                scale(dim),
                Into::Set,
            );
            [dq, dk, dv]
        })
        .collect();
    let (mut dq, mut dk, mut dv) = (vec![0.0; q.len()], vec![0.0; k.len()], vec![0.0; v.len()]);
    for (block, values) in blocks.iter().zip(&outputs) {
        scatter_group(&mut dq, heads, block, &values[0]);
        scatter_keys(&mut dk, heads, block, &values[1]);
        scatter_keys(&mut dv, heads, block, &values[2]);
    }
    [dq, dk, dv]
}
