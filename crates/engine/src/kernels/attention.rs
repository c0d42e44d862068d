//! Attention of a block of queries over the pages of a key/value cache.
//!
//! A page holds 32 positions; a [`KvFormat`] says how it stores them and how queries go over them
//! (`attention_float.rs`, `attention_int8.rs`). A sequence's pages are visited in order of position with the
//! online softmax (Milakov & Gimelshein, 2018, arXiv:1805.02867), whatever sequences share them, so a result
//! depends only on the tokens before it. Queries that share a page go over it together, so a shared prefix is
//! read once for many attempts (the idea of Hydragen, arXiv:2402.05099).

use std::marker::PhantomData;
use std::ops::Range;

use super::activations::ActBlock;
use super::attention_float::Chunk;
use super::int8::Int8;
use super::simd::{Kernel, LANES, Simd};

/// Positions of a page.
pub(crate) const PAGE: usize = 32;
/// Scores of masked positions; its exponential is 0.
const MASKED: f32 = f32::NEG_INFINITY;
/// Queries that one pass over a page handles.
pub(super) const BLOCK: usize = 6;
/// Where running maxima start: finite, so that differences are never NaN.
const LOWEST: f32 = -1e30;

/// How the keys and values of a page are stored, and read.
pub(crate) trait KvFormat: Copy + Send + Sync + 'static {
    /// What storage is made of; all zeros must be a value of it.
    type Unit: Copy + Send + Sync;

    /// Units of a head's keys and values.
    fn units(head_dim: usize) -> usize;

    /// Stores one position's key and value, `head_dim` floats each.
    fn store<S: Int8>(s: S, page: &mut [Self::Unit], position: usize, key: &[f32], value: &[f32]);

    /// Prepares the queries in `scratch.q`.
    fn begin<S: Int8>(s: S, pass: &mut Pass<'_>);

    /// Takes a range of queries over the page at page position `p`.
    fn visit<S: Int8>(s: S, pass: &mut Pass<'_>, page: &[Self::Unit], p: usize, queries: Range<usize>);
}

/// Blocks of 32 that hold a head's dimensions.
pub(crate) fn dim_blocks(head_dim: usize) -> usize {
    head_dim.div_ceil(PAGE)
}

/// Stores one position's key and value in its head's part of a page.
pub(crate) struct StoreHead<'a, F: KvFormat> {
    pub page: &'a mut [F::Unit],
    /// Place in the page.
    pub position: usize,
    /// `head_dim` floats each.
    pub key: &'a [f32],
    pub value: &'a [f32],
}

impl<F: KvFormat> Kernel for StoreHead<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run<S: Int8>(self, s: S) {
        F::store(s, self.page, self.position, self.key, self.value);
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
    pub(super) q: Vec<f32>,
    /// The same as integers, `width / 32` blocks each; only for formats that multiply integers.
    pub(super) blocks: Vec<ActBlock>,
    /// Weighted sums of values, `width` floats each.
    pub(super) sums: Vec<f32>,
    /// Running maximum per query.
    max: Vec<f32>,
    /// Sum of the exponentials per query, by lane.
    total: Vec<[f32; LANES]>,
    /// A page in f32.
    pub(super) wide: Vec<Chunk<f32>>,
}

/// Attends the heads of several rows to one key/value head.
pub(crate) struct Attend<'a, F, Q, P, O> {
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
    pub format: PhantomData<F>,
}

impl<'a, F, Q, P, O> Kernel for Attend<'a, F, Q, P, O>
where
    F: KvFormat,
    Q: Fn(usize, usize) -> &'a [f32],
    P: Fn(u32) -> &'a [F::Unit],
    O: FnMut(usize, usize, &[f32]),
{
    type Output = ();

    #[inline(always)]
    fn run<S: Int8>(mut self, s: S) {
        let width = dim_blocks(self.head_dim) * PAGE;
        let queries = self.rows.len() * self.group;
        self.scratch.start(queries, width, self.head_dim, |query| {
            (self.query)(query / self.group, query % self.group)
        });
        let mut pass = Pass {
            rows: self.rows,
            group: self.group,
            head_dim: self.head_dim,
            width,
            scratch: self.scratch,
        };
        F::begin(s, &mut pass);
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
                F::visit(
                    s,
                    &mut pass,
                    (self.page)(id),
                    p,
                    row * self.group..end * self.group,
                );
                row = end;
            }
        }
        for query in 0..queries {
            let total = s.sum(s.load(&pass.scratch.total[query]));
            let inverse = 1.0 / total;
            let sums = &mut pass.scratch.sums[query * width..][..self.head_dim];
            for sum in &mut *sums {
                *sum *= inverse;
            }
            (self.output)(query / self.group, query % self.group, sums);
        }
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

impl Scratch {
    /// Takes the queries in and forgets what was before.
    #[inline(always)]
    fn start<'a>(
        &mut self,
        queries: usize,
        width: usize,
        head_dim: usize,
        query: impl Fn(usize) -> &'a [f32],
    ) {
        #[allow(clippy::cast_precision_loss, reason = "a head's dimension")]
        let scale = 1.0 / (head_dim as f32).sqrt();
        self.q.clear();
        self.q.resize(queries * width, 0.0);
        self.sums.clear();
        self.sums.resize(queries * width, 0.0);
        self.max.clear();
        self.max.resize(queries, LOWEST);
        self.total.clear();
        self.total.resize(queries, [0.0; LANES]);
        for (i, to) in self.q.chunks_exact_mut(width).enumerate() {
            for (to, from) in to.iter_mut().zip(query(i)) {
                *to = from * scale;
            }
        }
    }
}

/// A pass of queries over the pages.
pub(crate) struct Pass<'a> {
    rows: &'a [QueryRow<'a>],
    group: usize,
    pub head_dim: usize,
    /// Floats per query: `head_dim` in whole blocks of 32.
    pub width: usize,
    pub scratch: &'a mut Scratch,
}

/// What the online softmax makes of `N` queries' scores of a page.
pub(crate) struct Softened<const N: usize> {
    /// The positions that any of the queries sees.
    pub seen: Range<usize>,
    /// e^(score - running maximum); 0 where a query sees nothing.
    pub weights: [[f32; PAGE]; N],
    /// What the sums so far are to be multiplied with.
    pub corrections: [f32; N],
}

/// Calls a method once for every up to [`BLOCK`] queries of a range, with their number as a constant.
macro_rules! by_blocks {
    ($queries:expr, $first:ident, $n:ident => $call:expr) => {{
        let mut $first = $queries.start;
        while $first < $queries.end {
            let count = ($queries.end - $first).min($crate::kernels::attention::BLOCK);
            macro_rules! with {
                ($value:literal) => {{
                    const $n: usize = $value;
                    $call
                }};
            }
            match count {
                6 => with!(6),
                5 => with!(5),
                4 => with!(4),
                3 => with!(3),
                2 => with!(2),
                _ => with!(1),
            }
            $first += count;
        }
    }};
}
pub(super) use by_blocks;

impl Pass<'_> {
    /// The online softmax's step of `N` queries from `first` on, over their scores at page position `p`.
    #[inline(always)]
    pub fn soften<S: Simd, const N: usize>(
        &mut self,
        s: S,
        mut scores: [[S::V; 2]; N],
        p: usize,
        first: usize,
    ) -> Softened<N> {
        let (mut low, mut high) = (PAGE, 0);
        let mut weights = [[0.0; PAGE]; N];
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
            let before = self.scratch.max[first + i];
            let total = &mut self.scratch.total[first + i];
            let mut sum = s.load(total);
            let max = if max > before {
                self.scratch.max[first + i] = max;
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
            let halves = weights[i].as_chunks_mut::<LANES>().0;
            s.store(exps[0], &mut halves[0]);
            s.store(exps[1], &mut halves[1]);
        }
        Softened {
            seen: low..high,
            weights,
            corrections,
        }
    }
}
