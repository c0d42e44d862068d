//! Attention over keys and values stored as 8-bit integers, by integer dot products.
//!
//! A key has a scale per 32 dimensions, a value one per head; both are symmetric in ±127 and stored with 128
//! added, so that they are the unsigned side of the products of [`super::int8`]. Queries are quantised once, per
//! 32 dimensions; a page's softmax weights, multiplied with the values' scales, per query and page.
//!
//! A head's lines, with B blocks of 32 dimensions: for each half page of 16 positions and each block 8 lines of
//! keys; for each block two lines of 16 scales; for each 16 dimensions 8 lines of values; two lines of scales.

use std::ops::Range;

use super::activations::{ActBlock, BLOCK, largest_magnitude, quantise, quantise_to};
use super::attention::{KvFormat, PAGE, Pass, by_blocks, dim_blocks};
use super::int8::Int8;
use super::matrix::Line;
use super::simd::{LANES, Lanes};

/// Eight bits per number.
#[derive(Clone, Copy)]
pub(crate) struct EightBit;

/// The parts of a head's lines.
struct Parts<T> {
    keys: T,
    key_scales: T,
    values: T,
    value_scales: T,
}

impl<'a> Parts<&'a [Line]> {
    #[inline(always)]
    fn of(page: &'a [Line], blocks: usize) -> Self {
        let (keys, rest) = page.split_at(16 * blocks);
        let (key_scales, rest) = rest.split_at(2 * blocks);
        let (values, value_scales) = rest.split_at(16 * blocks);
        Parts {
            keys,
            key_scales,
            values,
            value_scales,
        }
    }
}

impl<'a> Parts<&'a mut [Line]> {
    fn of_mut(page: &'a mut [Line], blocks: usize) -> Self {
        let (keys, rest) = page.split_at_mut(16 * blocks);
        let (key_scales, rest) = rest.split_at_mut(2 * blocks);
        let (values, value_scales) = rest.split_at_mut(16 * blocks);
        Parts {
            keys,
            key_scales,
            values,
            value_scales,
        }
    }
}

/// A line as 16 floats.
#[inline(always)]
fn floats(line: &Line) -> Lanes {
    let words = line.0.as_chunks::<4>().0;
    std::array::from_fn(|i| f32::from_le_bytes(words[i]))
}

/// Sets float `lane` of a line; only finite numbers, since a page's next owner multiplies them with 0.
#[inline(always)]
fn set_float(line: &mut Line, lane: usize, x: f32) {
    let x = if x.is_finite() { x } else { 0.0 };
    line.0.as_chunks_mut::<4>().0[lane] = x.to_le_bytes();
}

/// 32 numbers of `x` from `32 · block` on; zeros follow.
#[inline(always)]
fn padded(x: &[f32], block: usize) -> [f32; BLOCK] {
    let mut out = [0.0; BLOCK];
    let x = &x[block * BLOCK..x.len().min((block + 1) * BLOCK)];
    out[..x.len()].copy_from_slice(x);
    out
}

impl KvFormat for EightBit {
    type Unit = Line;

    fn units(head_dim: usize) -> usize {
        34 * dim_blocks(head_dim) + 2
    }

    #[inline(always)]
    fn store<S: Int8>(s: S, page: &mut [Line], position: usize, key: &[f32], value: &[f32]) {
        let blocks = dim_blocks(key.len());
        let parts = Parts::of_mut(page, blocks);
        let (half, lane) = (position / LANES, position % LANES);
        for b in 0..blocks {
            let block = quantise(s, &padded(key, b));
            let lines = &mut parts.keys[(half * blocks + b) * 8..][..8];
            for (line, q) in lines.iter_mut().zip(block.q.as_chunks::<4>().0) {
                line.0.as_chunks_mut::<4>().0[lane] = q.map(|q| q.cast_unsigned() ^ 0x80);
            }
            set_float(&mut parts.key_scales[2 * b + half], lane, block.scale);
        }
        let mut largest = 0.0;
        for b in 0..blocks {
            largest = f32::max(largest, largest_magnitude(s, &padded(value, b)));
        }
        for b in 0..blocks {
            let block = quantise_to(s, &padded(value, b), largest);
            let lines = parts.values[2 * b * 8..].iter_mut().skip(position / 4).step_by(8);
            for (line, q) in lines.take(2).zip(block.q.as_chunks::<LANES>().0) {
                for (codes, q) in line.0.as_chunks_mut::<4>().0.iter_mut().zip(q) {
                    codes[position % 4] = q.cast_unsigned() ^ 0x80;
                }
            }
        }
        set_float(&mut parts.value_scales[half], lane, largest / 127.0);
    }

    #[inline(always)]
    fn begin<S: Int8>(s: S, pass: &mut Pass<'_>) {
        let scratch = &mut *pass.scratch;
        scratch.blocks.clear();
        let queries = scratch.q.as_chunks::<BLOCK>().0;
        scratch.blocks.extend(queries.iter().map(|q| quantise(s, q)));
    }

    #[inline(always)]
    fn visit<S: Int8>(s: S, pass: &mut Pass<'_>, page: &[Line], p: usize, queries: Range<usize>) {
        by_blocks!(queries, first, N => block::<S, N>(s, pass, page, p, first));
    }
}

/// `N` queries from `first` on over the page at page position `p`.
#[inline(always)]
fn block<S: Int8, const N: usize>(s: S, pass: &mut Pass<'_>, page: &[Line], p: usize, first: usize) {
    let width = pass.width;
    let blocks = width / BLOCK;
    let parts = Parts::of(page, blocks);
    let mut scores = [[s.splat(0.0); 2]; N];
    let q: [&[ActBlock]; N] = std::array::from_fn(|i| &pass.scratch.blocks[(first + i) * blocks..][..blocks]);
    let key_lines = parts.keys.as_chunks::<8>().0;
    for half in 0..2 {
        for b in 0..blocks {
            let codes = s.bytes(&key_lines[half * blocks + b]);
            let scales = s.load(&floats(&parts.key_scales[2 * b + half]));
            for i in 0..N {
                let q = &q[i][b];
                let dot = s.dot::<false>(&codes, &q.q, q.neg128);
                scores[i][half] = s.fma(dot, s.mul(scales, s.splat(q.scale)), scores[i][half]);
            }
        }
    }
    let soft = pass.soften::<S, N>(s, scores, p, first);
    let value_scales = [0, 1].map(|half| s.load(&floats(&parts.value_scales[half])));
    let mut weights = [ActBlock::default(); N];
    for i in 0..N {
        let mut scaled = [0.0; PAGE];
        let from = soft.weights[i].as_chunks::<LANES>().0;
        let to = scaled.as_chunks_mut::<LANES>().0;
        for half in 0..2 {
            s.store(s.mul(s.load(&from[half]), value_scales[half]), &mut to[half]);
        }
        weights[i] = quantise(s, &scaled);
    }
    for (tile, lines) in parts.values.as_chunks::<8>().0.iter().enumerate() {
        let codes = s.bytes(lines);
        for i in 0..N {
            let sums = &mut pass.scratch.sums[(first + i) * width..]
                .as_chunks_mut::<LANES>()
                .0[tile];
            let dot = s.dot::<false>(&codes, &weights[i].q, weights[i].neg128);
            let before = s.mul(s.load(sums), s.splat(soft.corrections[i]));
            s.store(s.fma(dot, s.splat(weights[i].scale), before), sums);
        }
    }
}
