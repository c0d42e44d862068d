//! Attention over keys and values stored as f32 or f16, computed in f32.
//!
//! Keys are transposed (one vector of 32 positions per dimension), values lie by position.

use std::ops::Range;

use super::attention::{KvFormat, PAGE, Pass, by_blocks, dim_blocks};
use super::int8::Int8;
use super::simd::{Element, LANES, Simd};

/// Queries for which a page is read as it is; for more, it is widened to f32 once.
const FEW: usize = 6;

/// 32 stored numbers: a key dimension's values at a page's positions, or 32 dimensions of one value.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(crate) struct Chunk<E>(pub [E; PAGE]);

impl<E: Element> Default for Chunk<E> {
    fn default() -> Self {
        Chunk([E::default(); PAGE])
    }
}

impl<E: Element> Chunk<E> {
    #[inline(always)]
    fn load<S: Simd>(&self, s: S) -> [S::V; 2] {
        let halves = self.0.as_chunks::<LANES>().0;
        [E::load(s, &halves[0]), E::load(s, &halves[1])]
    }
}

impl<E: Element> KvFormat for E {
    type Unit = Chunk<E>;

    /// One chunk per dimension for the keys, then as many for the values.
    fn units(head_dim: usize) -> usize {
        2 * dim_blocks(head_dim) * PAGE
    }

    #[inline(always)]
    fn store<S: Int8>(s: S, page: &mut [Chunk<E>], position: usize, key: &[f32], value: &[f32]) {
        let (keys, values) = page.split_at_mut(page.len() / 2);
        for (chunks, key) in keys.chunks_mut(LANES).zip(key.chunks(LANES)) {
            for (chunk, key) in chunks.iter_mut().zip(stored::<S, E>(s, key)) {
                chunk.0[position] = key;
            }
        }
        let blocks = dim_blocks(value.len());
        let values = &mut values[position * blocks..][..blocks];
        for (i, value) in value.chunks(LANES).enumerate() {
            values[i / 2].0.as_chunks_mut::<LANES>().0[i % 2] = stored(s, value);
        }
    }

    fn begin<S: Int8>(_: S, _: &mut Pass<'_>) {}

    #[inline(always)]
    fn visit<S: Int8>(s: S, pass: &mut Pass<'_>, page: &[Chunk<E>], p: usize, queries: Range<usize>) {
        if size_of::<E>() < size_of::<f32>() && queries.len() > FEW {
            let mut wide = std::mem::take(&mut pass.scratch.wide);
            widen(s, page, &mut wide);
            by_blocks!(queries, first, N => block::<S, f32, N>(s, pass, &wide, p, first));
            pass.scratch.wide = wide;
        } else {
            by_blocks!(queries, first, N => block::<S, E, N>(s, pass, page, p, first));
        }
    }
}

/// Up to 16 numbers as they are stored; zeros follow.
#[inline(always)]
fn stored<S: Simd, E: Element>(s: S, x: &[f32]) -> [E; LANES] {
    match x.try_into() {
        Ok(x) => E::store(s, s.load(x)),
        Err(_) => {
            let mut padded = [0.0; LANES];
            padded[..x.len()].copy_from_slice(x);
            E::store(s, s.load(&padded))
        }
    }
}

/// Converts stored numbers to f32.
#[inline(always)]
fn widen<S: Simd, E: Element>(s: S, from: &[Chunk<E>], to: &mut Vec<Chunk<f32>>) {
    to.resize(from.len(), Chunk::default());
    for (from, to) in from.iter().zip(to) {
        let [lower, upper] = from.load(s);
        let halves = to.0.as_chunks_mut::<LANES>().0;
        s.store(lower, &mut halves[0]);
        s.store(upper, &mut halves[1]);
    }
}

/// `N` queries from `first` on over the page at page position `p`: their 12 sums and a page's two vectors fill
/// the registers.
#[inline(always)]
fn block<S: Simd, E: Element, const N: usize>(
    s: S,
    pass: &mut Pass<'_>,
    page: &[Chunk<E>],
    p: usize,
    first: usize,
) {
    let (width, head_dim) = (pass.width, pass.head_dim);
    let (keys, values) = page.split_at(page.len() / 2);
    let mut scores = [[s.splat(0.0); 2]; N];
    let q: [&[f32]; N] = std::array::from_fn(|i| &pass.scratch.q[(first + i) * width..][..head_dim]);
    for (d, keys) in keys[..head_dim].iter().enumerate() {
        let keys = keys.load(s);
        for i in 0..N {
            let q = s.splat(q[i][d]);
            scores[i][0] = s.fma(q, keys[0], scores[i][0]);
            scores[i][1] = s.fma(q, keys[1], scores[i][1]);
        }
    }
    let soft = pass.soften::<S, N>(s, scores, p, first);
    let blocks = width / PAGE;
    for c in 0..blocks {
        let mut sums = [[s.splat(0.0); 2]; N];
        for i in 0..N {
            let at = pass.scratch.sums[(first + i) * width + c * PAGE..]
                .as_chunks::<LANES>()
                .0;
            let correction = s.splat(soft.corrections[i]);
            sums[i] = [
                s.mul(s.load(&at[0]), correction),
                s.mul(s.load(&at[1]), correction),
            ];
        }
        for t in soft.seen.clone() {
            let values = values[t * blocks + c].load(s);
            for i in 0..N {
                let weight = s.splat(soft.weights[i][t]);
                sums[i][0] = s.fma(weight, values[0], sums[i][0]);
                sums[i][1] = s.fma(weight, values[1], sums[i][1]);
            }
        }
        for i in 0..N {
            let at = pass.scratch.sums[(first + i) * width + c * PAGE..]
                .as_chunks_mut::<LANES>()
                .0;
            s.store(sums[i][0], &mut at[0]);
            s.store(sums[i][1], &mut at[1]);
        }
    }
}
