//! Attention of a block of queries over the pages of a key/value cache.
//!
//! A page holds 32 positions: keys transposed (one vector of 32 positions per dimension), values by position.
//! A sequence's pages are visited in order of position with the online softmax (Milakov & Gimelshein, 2018,
//! arXiv:1805.02867), whatever sequences share them, so a result depends only on the tokens before it.
//! Queries that share a page go over it together, so a shared prefix is read once for many attempts
//! (the idea of Hydragen, arXiv:2402.05099).

use std::ops::Range;

use super::int8::Int8;
use super::simd::{Element, Kernel, LANES, Simd};

/// Positions of a page.
pub(crate) const PAGE: usize = 32;
/// Scores of masked positions; its exponential is 0.
const MASKED: f32 = f32::NEG_INFINITY;
/// Queries that one pass over a page handles: their 12 sums and a page's two vectors fill the registers.
const BLOCK: usize = 6;
/// Where running maxima start: finite, so that differences are never NaN.
const LOWEST: f32 = -1e30;

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

/// Chunks that hold a head's dimensions.
pub(crate) fn dim_chunks(head_dim: usize) -> usize {
    head_dim.div_ceil(PAGE)
}

/// A key/value head of one page in one layer.
#[derive(Clone, Copy)]
pub(crate) struct HeadPage<'a, E> {
    /// One chunk per dimension (those past `head_dim` unused).
    pub keys: &'a [Chunk<E>],
    /// For each position, `dim_chunks(head_dim)` chunks.
    pub values: &'a [Chunk<E>],
}

/// The same, to be written.
pub(crate) struct HeadPageMut<'a, E> {
    pub keys: &'a mut [Chunk<E>],
    pub values: &'a mut [Chunk<E>],
}

/// Stores one position's key and value.
pub(crate) struct StoreHead<'a, E> {
    pub page: HeadPageMut<'a, E>,
    /// Place in the page.
    pub position: usize,
    /// `head_dim` floats each.
    pub key: &'a [f32],
    pub value: &'a [f32],
}

impl<E: Element> Kernel for StoreHead<'_, E> {
    type Output = ();

    #[inline(always)]
    fn run<S: Int8>(self, s: S) {
        for (chunks, key) in self.page.keys.chunks_mut(LANES).zip(self.key.chunks(LANES)) {
            for (chunk, key) in chunks.iter_mut().zip(stored::<S, E>(s, key)) {
                chunk.0[self.position] = key;
            }
        }
        let dims = dim_chunks(self.value.len());
        let values = &mut self.page.values[self.position * dims..][..dims];
        for (i, value) in self.value.chunks(LANES).enumerate() {
            values[i / 2].0.as_chunks_mut::<LANES>().0[i % 2] = stored(s, value);
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

/// One query row: all the query heads of one token that read the same key/value head.
#[derive(Clone, Copy)]
pub(crate) struct QueryRow<'a> {
    /// The sequence's pages by position.
    pub pages: &'a [u32],
    /// First position that it may see.
    pub from: usize,
    /// One past the last: its own position + 1.
    pub to: usize,
}

/// The state of the online softmax of a number of queries; reused from call to call.
#[derive(Default)]
pub(crate) struct Scratch {
    /// Queries, scaled, `width` floats each.
    q: Vec<f32>,
    /// Weighted sums of values, `width` floats each.
    sums: Vec<f32>,
    /// Running maximum per query.
    max: Vec<f32>,
    /// Sum of the exponentials per query, by lane.
    total: Vec<[f32; LANES]>,
    /// A page's keys and values in f32.
    wide: [Vec<Chunk<f32>>; 2],
}

/// Attends the heads of several rows to one key/value head.
pub(crate) struct Attend<'a, E, Q, P, O> {
    pub rows: &'a [QueryRow<'a>],
    /// Query heads per row.
    pub group: usize,
    pub head_dim: usize,
    /// The query of (row, head of the group), `head_dim` floats.
    pub query: Q,
    /// The key/value head's part of a page.
    pub page: P,
    /// Takes (row, head of the group, result of `head_dim` floats).
    pub output: O,
    pub scratch: &'a mut Scratch,
    pub element: std::marker::PhantomData<E>,
}

impl<'a, E, Q, P, O> Kernel for Attend<'a, E, Q, P, O>
where
    E: Element,
    Q: Fn(usize, usize) -> &'a [f32],
    P: Fn(u32) -> HeadPage<'a, E>,
    O: FnMut(usize, usize, &[f32]),
{
    type Output = ();

    #[inline(always)]
    fn run<S: Int8>(mut self, s: S) {
        let width = dim_chunks(self.head_dim) * PAGE;
        let queries = self.rows.len() * self.group;
        self.load_queries(width);
        let pages = self
            .rows
            .iter()
            .map(|row| row.to.div_ceil(PAGE))
            .max()
            .unwrap_or(0);
        for p in 0..pages {
            let mut row = 0;
            while row < self.rows.len() {
                // Rows from `row` to `end` that have the same page at this place.
                let Some(&id) = page_at(&self.rows[row], p) else {
                    row += 1;
                    continue;
                };
                let same = |other: &QueryRow<'_>| page_at(other, p) == Some(&id);
                let end = row + self.rows[row..].iter().take_while(|other| same(other)).count();
                let page = (self.page)(id);
                let queries = row * self.group..end * self.group;
                if size_of::<E>() < size_of::<f32>() && queries.len() > BLOCK {
                    // Several blocks of queries: widen the page once for all of them.
                    let [mut keys, mut values] = std::mem::take(&mut self.scratch.wide);
                    widen(s, page.keys, &mut keys);
                    widen(s, page.values, &mut values);
                    let wide = HeadPage {
                        keys: &keys[..],
                        values: &values[..],
                    };
                    self.blocks(s, wide, p, queries, width);
                    self.scratch.wide = [keys, values];
                } else {
                    self.blocks(s, page, p, queries, width);
                }
                row = end;
            }
        }
        for query in 0..queries {
            let total = s.sum(s.load(&self.scratch.total[query]));
            let inverse = 1.0 / total;
            let sums = &mut self.scratch.sums[query * width..][..self.head_dim];
            for sum in &mut *sums {
                *sum *= inverse;
            }
            (self.output)(query / self.group, query % self.group, sums);
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

/// The page of a row at page position `p`, if it may see any of it.
#[inline(always)]
fn page_at<'a>(row: &QueryRow<'a>, p: usize) -> Option<&'a u32> {
    if p * PAGE < row.to && (p + 1) * PAGE > row.from {
        row.pages.get(p)
    } else {
        None
    }
}

impl<'a, E, Q, P, O> Attend<'a, E, Q, P, O>
where
    E: Element,
    Q: Fn(usize, usize) -> &'a [f32],
{
    #[inline(always)]
    fn load_queries(&mut self, width: usize) {
        let queries = self.rows.len() * self.group;
        #[allow(clippy::cast_precision_loss, reason = "a head's dimension")]
        let scale = 1.0 / (self.head_dim as f32).sqrt();
        let scratch = &mut *self.scratch;
        scratch.q.resize(queries * width, 0.0);
        scratch.sums.clear();
        scratch.sums.resize(queries * width, 0.0);
        scratch.max.clear();
        scratch.max.resize(queries, LOWEST);
        scratch.total.clear();
        scratch.total.resize(queries, [0.0; LANES]);
        for query in 0..queries {
            let from = (self.query)(query / self.group, query % self.group);
            let to = &mut scratch.q[query * width..];
            for (to, from) in to.iter_mut().zip(from) {
                *to = from * scale;
            }
        }
    }

    /// All queries of a range over the page at page position `p`.
    #[inline(always)]
    fn blocks<S: Simd, F: Element>(
        &mut self,
        s: S,
        page: HeadPage<'_, F>,
        p: usize,
        queries: Range<usize>,
        width: usize,
    ) {
        let mut first = queries.start;
        while first < queries.end {
            let n = (queries.end - first).min(BLOCK);
            match n {
                6 => self.block::<S, F, 6>(s, page, p, first, width),
                5 => self.block::<S, F, 5>(s, page, p, first, width),
                4 => self.block::<S, F, 4>(s, page, p, first, width),
                3 => self.block::<S, F, 3>(s, page, p, first, width),
                2 => self.block::<S, F, 2>(s, page, p, first, width),
                _ => self.block::<S, F, 1>(s, page, p, first, width),
            }
            first += n;
        }
    }

    /// `N` queries from `first` on over the page at page position `p`.
    #[inline(always)]
    fn block<S: Simd, F: Element, const N: usize>(
        &mut self,
        s: S,
        page: HeadPage<'_, F>,
        p: usize,
        first: usize,
        width: usize,
    ) {
        let scratch = &mut *self.scratch;
        let head_dim = self.head_dim;
        let q: [&[f32]; N] = std::array::from_fn(|i| &scratch.q[(first + i) * width..][..head_dim]);
        let keys = &page.keys[..head_dim];
        let mut scores = [[s.splat(0.0); 2]; N];
        for d in 0..head_dim {
            let keys = keys[d].load(s);
            for i in 0..N {
                let q = s.splat(q[i][d]);
                scores[i][0] = s.fma(q, keys[0], scores[i][0]);
                scores[i][1] = s.fma(q, keys[1], scores[i][1]);
            }
        }
        // The positions that any of the queries sees.
        let (mut low, mut high) = (PAGE, 0);
        let mut probabilities = [[0.0; PAGE]; N];
        let mut corrections = [1.0; N];
        for i in 0..N {
            let row = &self.rows[(first + i) / self.group];
            let from = row.from.saturating_sub(p * PAGE);
            let to = (row.to - p * PAGE).min(PAGE);
            (low, high) = (low.min(from), high.max(to));
            if from > 0 || to < PAGE {
                let mut lanes = [[0.0; LANES]; 2];
                s.store(scores[i][0], &mut lanes[0]);
                s.store(scores[i][1], &mut lanes[1]);
                let lanes = lanes.as_flattened_mut();
                lanes[..from].fill(MASKED);
                lanes[to..].fill(MASKED);
                let lanes = lanes.as_chunks::<LANES>().0;
                scores[i] = [s.load(&lanes[0]), s.load(&lanes[1])];
            }
            let max = s.largest(s.max(scores[i][0], scores[i][1]));
            let before = scratch.max[first + i];
            let total = &mut scratch.total[first + i];
            let mut sum = s.load(total);
            let max = if max > before {
                scratch.max[first + i] = max;
                let mut lanes = [0.0; LANES];
                let correction = s.exp(s.splat(before - max));
                s.store(correction, &mut lanes);
                corrections[i] = lanes[0];
                sum = s.mul(sum, correction);
                max
            } else {
                before
            };
            let max = s.splat(max);
            let exps = [s.exp(s.sub(scores[i][0], max)), s.exp(s.sub(scores[i][1], max))];
            s.store(s.add(s.add(sum, exps[0]), exps[1]), total);
            let halves = probabilities[i].as_chunks_mut::<LANES>().0;
            s.store(exps[0], &mut halves[0]);
            s.store(exps[1], &mut halves[1]);
        }
        let dims = width / PAGE;
        for c in 0..dims {
            let mut sums = [[s.splat(0.0); 2]; N];
            for i in 0..N {
                let at = &scratch.sums[(first + i) * width + c * PAGE..]
                    .as_chunks::<LANES>()
                    .0;
                let correction = s.splat(corrections[i]);
                sums[i] = [
                    s.mul(s.load(&at[0]), correction),
                    s.mul(s.load(&at[1]), correction),
                ];
            }
            for t in low..high {
                let values = page.values[t * dims + c].load(s);
                for i in 0..N {
                    let probability = s.splat(probabilities[i][t]);
                    sums[i][0] = s.fma(probability, values[0], sums[i][0]);
                    sums[i][1] = s.fma(probability, values[1], sums[i][1]);
                }
            }
            for i in 0..N {
                let at = scratch.sums[(first + i) * width + c * PAGE..]
                    .as_chunks_mut::<LANES>()
                    .0;
                s.store(sums[i][0], &mut at[0]);
                s.store(sums[i][1], &mut at[1]);
            }
        }
    }
}
