//! What happens between the matrix products: RMSNorm, SwiGLU, rotary embedding. All work on one panel of
//! tokens and leave the next product's activations behind.

use super::activations::PanelMut;
use super::int8::Int8;
use super::simd::{Kernel, LANES, Simd};

/// Root-mean-square normalisation (Zhang & Sennrich, 2019, arXiv:1910.07467) of `x` to `out`, scaled by
/// `weight`.
#[inline(always)]
fn rms_norm<S: Simd>(s: S, x: &[f32], weight: &[f32], eps: f32, out: &mut [f32]) {
    let mut squares = s.splat(0.0);
    let (vectors, rest) = x.as_chunks::<LANES>();
    for x in vectors {
        let x = s.load(x);
        squares = s.fma(x, x, squares);
    }
    let mut sum = s.sum(squares);
    for &x in rest {
        sum = x.mul_add(x, sum);
    }
    #[allow(clippy::cast_precision_loss, reason = "a vector's length")]
    let factor = 1.0 / (sum / x.len() as f32 + eps).sqrt();
    for ((out, x), weight) in out.iter_mut().zip(x).zip(weight) {
        *out = x * factor * weight;
    }
}

/// Normalises one vector to `out`; all three slices have one length.
pub(crate) struct Norm<'a> {
    pub x: &'a [f32],
    pub weight: &'a [f32],
    pub eps: f32,
    pub out: &'a mut [f32],
}

impl Kernel for Norm<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Int8>(self, s: S) {
        rms_norm(s, self.x, self.weight, self.eps, self.out);
    }
}

/// Normalises rows of `x` (`weight.len()` each), as the tokens of one panel.
pub(crate) struct NormPanel<'a, 'b> {
    pub x: &'a [f32],
    pub weight: &'a [f32],
    pub eps: f32,
    pub panel: PanelMut<'b>,
}

impl Kernel for NormPanel<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Int8>(mut self, s: S) {
        let cols = self.weight.len();
        let mut row = vec![0.0; cols];
        for (t, x) in self.x.chunks_exact(cols).enumerate() {
            rms_norm(s, x, self.weight, self.eps, &mut row);
            self.panel.write(s, t, &row);
        }
    }
}

/// SwiGLU (Shazeer, 2020, arXiv:2002.05202): silu(gate) · up, for rows of `x` which hold `cols` gates and
/// then `cols` ups, as the tokens of one panel.
pub(crate) struct SwigluPanel<'a, 'b> {
    pub x: &'a [f32],
    pub cols: usize,
    pub panel: PanelMut<'b>,
}

impl Kernel for SwigluPanel<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Int8>(mut self, s: S) {
        let mut row = vec![0.0; self.cols];
        for (t, x) in self.x.chunks_exact(2 * self.cols).enumerate() {
            let (gate, up) = x.split_at(self.cols);
            swiglu(s, gate, up, &mut row);
            self.panel.write(s, t, &row);
        }
    }
}

#[inline(always)]
fn swiglu<S: Simd>(s: S, gate: &[f32], up: &[f32], out: &mut [f32]) {
    let (gates, gate_rest) = gate.as_chunks();
    let (ups, up_rest) = up.as_chunks();
    let (outs, out_rest) = out.as_chunks_mut();
    for ((gate, up), out) in gates.iter().zip(ups).zip(outs) {
        swiglu_vector(s, gate, up, out);
    }
    if !out_rest.is_empty() {
        let (mut gate, mut up, mut out) = ([0.0; LANES], [0.0; LANES], [0.0; LANES]);
        let len = out_rest.len();
        gate[..len].copy_from_slice(gate_rest);
        up[..len].copy_from_slice(up_rest);
        swiglu_vector(s, &gate, &up, &mut out);
        out_rest.copy_from_slice(&out[..len]);
    }
}

#[inline(always)]
fn swiglu_vector<S: Simd>(s: S, gate: &[f32; LANES], up: &[f32; LANES], out: &mut [f32; LANES]) {
    let gate = s.load(gate);
    let denominator = s.add(s.splat(1.0), s.exp(s.sub(s.splat(0.0), gate)));
    s.store(s.mul(s.div(gate, denominator), s.load(up)), out);
}

/// Normalises (where there are weights for it) and rotates the heads of one token.
///
/// Rotation (RoFormer, arXiv:2104.09864): dimensions i and i + `cos.len()` of each head turn by the angle
/// whose cosine and sine are `cos[i]`, `sin[i]`; dimensions beyond `2 · cos.len()` stay.
pub(crate) struct RotateHeads<'a> {
    /// The heads, one after the other.
    pub heads: &'a mut [f32],
    pub head_dim: usize,
    pub norm: Option<(&'a [f32], f32)>,
    pub cos: &'a [f32],
    pub sin: &'a [f32],
}

impl Kernel for RotateHeads<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Int8>(self, s: S) {
        let half = self.cos.len();
        let mut normed = vec![0.0; if self.norm.is_some() { self.head_dim } else { 0 }];
        for head in self.heads.chunks_exact_mut(self.head_dim) {
            if let Some((weight, eps)) = self.norm {
                rms_norm(s, head, weight, eps, &mut normed);
                head.copy_from_slice(&normed);
            }
            let (first, second) = head[..2 * half].split_at_mut(half);
            for (((a, b), cos), sin) in first.iter_mut().zip(second).zip(self.cos).zip(self.sin) {
                (*a, *b) = (*a * cos - *b * sin, *a * sin + *b * cos);
            }
        }
    }
}
