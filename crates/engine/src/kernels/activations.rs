//! The right-hand side of a matrix product: one vector per token, as int8 blocks and/or as f32.

use super::int8::Int8;
use super::pool::{Pool, SharedMut};
use super::simd::{Kernel, LANES, Simd};

/// Columns (tokens) that a product handles together; activations are stored in panels of this many.
pub(crate) const PANEL: usize = 8;
/// Elements that share one activation scale.
pub(crate) const BLOCK: usize = 32;

/// 32 consecutive activations of one token: x ≈ scale · q. One cache line.
#[derive(Clone, Copy, Default)]
#[repr(C, align(64))]
pub(crate) struct ActBlock {
    /// Integers in ±127.
    pub q: [i8; BLOCK],
    /// Largest magnitude ÷ 127.
    pub scale: f32,
    /// scale · Σq: what a weight format's minimum is multiplied with.
    pub weighted: f32,
    /// -128 · Σq: corrects for codes stored with 128 added.
    pub neg128: i32,
    /// -8 · Σq: the same for nibbles around 8.
    pub neg8: i32,
    /// -128 · Σq over the first 16.
    pub neg128_first: i32,
}

/// Vectors of `cols` elements for a number of tokens.
///
/// Panels of [`PANEL`] tokens follow one another. In a panel the token index runs fastest: block `b` of the
/// panel's token `t` is at `b * PANEL + t`, and so is element `k` of the f32 form.
#[derive(Default)]
pub(crate) struct Activations {
    tokens: usize,
    cols: usize,
    blocks: Vec<ActBlock>,
    floats: Vec<f32>,
}

impl Activations {
    /// Makes room for `tokens` vectors of `cols` elements, in the forms that the matrices ask for.
    ///
    /// Contents are unspecified until each panel is written by [`write`].
    pub fn resize(&mut self, tokens: usize, cols: usize, forms: Forms) {
        let panels = tokens.div_ceil(PANEL);
        self.tokens = tokens;
        self.cols = cols;
        let blocks = if forms.int8 {
            panels * PANEL * (cols / BLOCK)
        } else {
            0
        };
        let floats = if forms.float { panels * PANEL * cols } else { 0 };
        self.blocks.resize(blocks, ActBlock::default());
        self.floats.resize(floats, 0.0);
    }

    pub fn tokens(&self) -> usize {
        self.tokens
    }

    pub fn cols(&self) -> usize {
        self.cols
    }

    /// The blocks of one panel.
    pub fn blocks(&self, panel: usize) -> &[ActBlock] {
        let len = self.cols / BLOCK * PANEL;
        &self.blocks[panel * len..(panel + 1) * len]
    }

    /// The floats of one panel.
    pub fn floats(&self, panel: usize) -> &[f32] {
        let len = self.cols * PANEL;
        &self.floats[panel * len..(panel + 1) * len]
    }

    /// Stores a token's vector in the f32 form.
    ///
    /// # Panics
    /// If there is no such token, or no such form.
    pub fn set_floats(&mut self, token: usize, x: impl Iterator<Item = f32>) {
        let start = token / PANEL * self.cols * PANEL + token % PANEL;
        for (to, x) in self.floats[start..].iter_mut().step_by(PANEL).zip(x) {
            *to = x;
        }
    }

    /// Becomes the f32 form of some of `from`'s tokens.
    pub fn gather(&mut self, from: &Activations, tokens: &[usize]) {
        let float = Forms {
            int8: false,
            float: true,
        };
        self.resize(tokens.len(), from.cols, float);
        for (token, &source) in tokens.iter().enumerate() {
            let panel = from.floats(source / PANEL);
            self.set_floats(token, panel[source % PANEL..].iter().step_by(PANEL).copied());
        }
    }

    /// Calls `write` for every panel, in parallel; a form that was not asked for is empty.
    pub fn write_panels(&mut self, pool: &mut Pool, write: &(dyn Fn(usize, PanelMut<'_>) + Sync)) {
        let panels = self.tokens.div_ceil(PANEL);
        let block_len = if self.blocks.is_empty() {
            0
        } else {
            self.cols / BLOCK * PANEL
        };
        let float_len = if self.floats.is_empty() {
            0
        } else {
            self.cols * PANEL
        };
        let blocks = SharedMut::new(&mut self.blocks);
        let floats = SharedMut::new(&mut self.floats);
        pool.run(panels, &|panel, _| {
            // SAFETY: each panel has one task, and different panels are different ranges.
            let blocks = unsafe { blocks.slice(panel * block_len, block_len) };
            // SAFETY: as above.
            let floats = unsafe { floats.slice(panel * float_len, float_len) };
            write(panel, PanelMut { blocks, floats });
        });
    }
}

/// Which forms of the activations a set of matrices needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Forms {
    pub int8: bool,
    pub float: bool,
}

impl Forms {
    pub fn or(self, other: Forms) -> Forms {
        Forms {
            int8: self.int8 || other.int8,
            float: self.float || other.float,
        }
    }
}

/// Eight tokens' worth of storage.
pub(crate) struct PanelMut<'a> {
    pub blocks: &'a mut [ActBlock],
    pub floats: &'a mut [f32],
}

impl PanelMut<'_> {
    /// Stores `x` as the panel's token `t` in the panel's forms.
    #[inline(always)]
    pub fn write<S: Simd>(&mut self, s: S, t: usize, x: &[f32]) {
        if !self.blocks.is_empty() {
            for (x, blocks) in x
                .as_chunks::<BLOCK>()
                .0
                .iter()
                .zip(self.blocks.as_chunks_mut::<PANEL>().0)
            {
                blocks[t] = quantise(s, x);
            }
        }
        if !self.floats.is_empty() {
            for (&x, panel) in x.iter().zip(self.floats.as_chunks_mut::<PANEL>().0) {
                panel[t] = x;
            }
        }
    }
}

/// Quantises to ±127, with the largest magnitude at the end of the range.
#[inline(always)]
pub(crate) fn quantise<S: Simd>(s: S, x: &[f32; BLOCK]) -> ActBlock {
    quantise_to(s, x, largest_magnitude(s, x))
}

/// The largest magnitude.
#[inline(always)]
pub(crate) fn largest_magnitude<S: Simd>(s: S, x: &[f32; BLOCK]) -> f32 {
    let (lower, upper) = halves(x);
    s.largest(s.max(s.abs(s.load(lower)), s.abs(s.load(upper))))
}

/// Quantises to ±127 at ±`largest`, which no magnitude may exceed.
#[inline(always)]
pub(crate) fn quantise_to<S: Simd>(s: S, x: &[f32; BLOCK], largest: f32) -> ActBlock {
    let (lower, upper) = halves(x);
    let inverse = s.splat(if largest > 0.0 { 127.0 / largest } else { 0.0 });
    let (qa, sum_a) = s.to_i8(s.mul(s.load(lower), inverse));
    let (qb, sum_b) = s.to_i8(s.mul(s.load(upper), inverse));
    let mut q = [0; BLOCK];
    q[..LANES].copy_from_slice(&qa);
    q[LANES..].copy_from_slice(&qb);
    let scale = largest / 127.0;
    let sum = sum_a + sum_b;
    #[allow(clippy::cast_precision_loss, reason = "|sum| ≤ 4064")]
    let weighted = scale * sum as f32;
    ActBlock {
        q,
        scale,
        weighted,
        neg128: -128 * sum,
        neg8: -8 * sum,
        neg128_first: -128 * sum_a,
    }
}

#[inline(always)]
fn halves(x: &[f32; BLOCK]) -> (&[f32; LANES], &[f32; LANES]) {
    let (halves, _) = x.as_chunks::<LANES>();
    (&halves[0], &halves[1])
}

/// Writes rows of `x` (`cols` each) as the tokens of one panel.
pub(crate) struct WritePanel<'a, 'b> {
    pub x: &'a [f32],
    pub cols: usize,
    pub panel: PanelMut<'b>,
}

impl Kernel for WritePanel<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Int8>(mut self, s: S) {
        for (t, x) in self.x.chunks_exact(self.cols).enumerate() {
            self.panel.write(s, t, x);
        }
    }
}
