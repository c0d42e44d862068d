//! Sixteen f32 lanes as one value, so that each float kernel is written once and compiled for every level.
//!
//! All levels do the same operations in the same order on the same 16 lanes, and every operation here is
//! exactly rounded, so they give the same bits. (The portable level's `mul_add` is a library call where the
//! target has no fused multiply-add.)

use half::{bf16, f16};

use super::cpu::{Cpu, CpuLevel};
use super::int8::Int8;

/// Lanes of a vector.
pub(crate) const LANES: usize = 16;
/// A vector's lanes in memory.
pub(crate) type Lanes = [f32; LANES];

/// The operations; `self` is a token which exists only where the CPU has the instructions.
pub(crate) trait Simd: Copy {
    /// Sixteen f32.
    type V: Copy;
    fn splat(self, x: f32) -> Self::V;
    fn load(self, from: &Lanes) -> Self::V;
    fn store(self, v: Self::V, to: &mut Lanes);
    /// Half precision; only finite values.
    fn load_f16(self, from: &[f16; LANES]) -> Self::V;
    fn load_bf16(self, from: &[bf16; LANES]) -> Self::V;
    /// Rounds to half precision, ties to even; magnitudes must be at most 65504.
    fn to_f16(self, v: Self::V) -> [f16; LANES];
    fn add(self, a: Self::V, b: Self::V) -> Self::V;
    fn sub(self, a: Self::V, b: Self::V) -> Self::V;
    fn mul(self, a: Self::V, b: Self::V) -> Self::V;
    fn div(self, a: Self::V, b: Self::V) -> Self::V;
    /// The larger; no operand may be NaN.
    fn max(self, a: Self::V, b: Self::V) -> Self::V;
    fn abs(self, a: Self::V) -> Self::V;
    /// a·b + c with one rounding.
    fn fma(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// `v` where `x >= limit`, else 0.
    fn zero_below(self, x: Self::V, limit: f32, v: Self::V) -> Self::V;
    /// 2ⁿ, where `n` is an integer in -126..=127 to which 1.5·2²³ was added.
    fn exp2_biased(self, n: Self::V) -> Self::V;
    /// Nearest integers (ties to even) of values within ±127, and their sum.
    fn to_i8(self, v: Self::V) -> ([i8; LANES], i32);

    /// Sum of the lanes: the upper half is added to the lower until one is left.
    #[inline(always)]
    fn sum(self, v: Self::V) -> f32 {
        let mut lanes = [0.0; LANES];
        self.store(v, &mut lanes);
        fold(lanes, |a, b| a + b)
    }

    /// Largest lane.
    #[inline(always)]
    fn largest(self, v: Self::V) -> f32 {
        let mut lanes = [0.0; LANES];
        self.store(v, &mut lanes);
        fold(lanes, |a, b| if a > b { a } else { b })
    }

    /// eˣ to about 2 units in the last place for x ≤ 88; 0 below -87.
    ///
    /// Range reduction by n = round(x·log₂e) with ln 2 in two parts and a polynomial of degree 6 on
    /// [-ln2/2, ln2/2], as in the Cephes library (Moshier, `expf`).
    #[inline(always)]
    fn exp(self, x: Self::V) -> Self::V {
        const BIAS: f32 = 12_582_912.0; // 1.5 · 2^23: adding it rounds to an integer
        let top = self.splat(-88.0);
        let y = self.sub(self.splat(0.0), self.max(self.sub(self.splat(0.0), x), top)); // min(x, 88)
        let y = self.max(y, self.splat(-87.0));
        let biased = self.fma(y, self.splat(std::f32::consts::LOG2_E), self.splat(BIAS));
        let n = self.sub(biased, self.splat(BIAS));
        let r = self.fma(n, self.splat(-0.693_359_4), y);
        let r = self.fma(n, self.splat(2.121_944_4e-4), r);
        let mut p = self.splat(1.987_569_1e-4);
        for c in [1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 0.166_666_66, 0.5] {
            p = self.fma(p, r, self.splat(c));
        }
        let p = self.fma(self.mul(p, r), r, self.add(r, self.splat(1.0)));
        self.zero_below(x, -87.0, self.mul(p, self.exp2_biased(biased)))
    }
}

/// A stored number that loads as f32.
pub(crate) trait Element: Copy + Default + Send + Sync + 'static {
    fn load<S: Simd>(s: S, from: &[Self; LANES]) -> S::V;
    fn to_f32(self) -> f32;
    /// Rounded to nearest, ties to even; too large values become the largest finite one.
    fn store<S: Simd>(s: S, v: S::V) -> [Self; LANES];
    /// The same for one value.
    fn from_f32(x: f32) -> Self;
}

impl Element for f32 {
    #[inline(always)]
    fn load<S: Simd>(s: S, from: &[f32; LANES]) -> S::V {
        s.load(from)
    }
    fn to_f32(self) -> f32 {
        self
    }
    #[inline(always)]
    fn store<S: Simd>(s: S, v: S::V) -> Lanes {
        let mut lanes = [0.0; LANES];
        s.store(v, &mut lanes);
        lanes
    }
    fn from_f32(x: f32) -> f32 {
        x
    }
}

impl Element for f16 {
    #[inline(always)]
    fn load<S: Simd>(s: S, from: &[f16; LANES]) -> S::V {
        s.load_f16(from)
    }
    fn to_f32(self) -> f32 {
        f16::to_f32(self)
    }
    #[inline(always)]
    fn store<S: Simd>(s: S, v: S::V) -> [f16; LANES] {
        let (zero, limit) = (s.splat(0.0), s.splat(-65504.0));
        let v = s.max(v, limit);
        s.to_f16(s.sub(zero, s.max(s.sub(zero, v), limit)))
    }
    fn from_f32(x: f32) -> f16 {
        f16::from_f32(x.clamp(-65504.0, 65504.0))
    }
}

impl Element for bf16 {
    #[inline(always)]
    fn load<S: Simd>(s: S, from: &[bf16; LANES]) -> S::V {
        s.load_bf16(from)
    }
    fn to_f32(self) -> f32 {
        bf16::to_f32(self)
    }
    #[inline(always)]
    fn store<S: Simd>(s: S, v: S::V) -> [bf16; LANES] {
        f32::store(s, v).map(bf16::from_f32)
    }
    fn from_f32(x: f32) -> bf16 {
        bf16::from_f32(x)
    }
}

#[inline(always)]
fn fold(mut lanes: Lanes, f: impl Fn(f32, f32) -> f32) -> f32 {
    for half in [8, 4, 2, 1] {
        for i in 0..half {
            lanes[i] = f(lanes[i], lanes[i + half]);
        }
    }
    lanes[0]
}

/// A kernel: written once over [`Simd`], run at any level by [`run`].
pub(crate) trait Kernel {
    /// What it returns.
    type Output;
    /// The body; implementations are `#[inline(always)]`.
    fn run<S: Int8>(self, simd: S) -> Self::Output;
}

/// Runs a kernel compiled for `cpu`'s level.
pub(crate) fn run<K: Kernel>(cpu: Cpu, kernel: K) -> K::Output {
    match cpu.level() {
        // SAFETY: a `Cpu` of a level exists only where the CPU has the level's features.
        #[cfg(target_arch = "x86_64")]
        CpuLevel::Avx512Vnni => unsafe { super::x86::run_avx512(kernel) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        CpuLevel::Avx2 => unsafe { super::x86::run_avx2(kernel) },
        // SAFETY: as above.
        #[cfg(target_arch = "aarch64")]
        CpuLevel::Neon => unsafe { run_neon(kernel) },
        _ => kernel.run(Portable),
    }
}

#[cfg(target_arch = "aarch64")]
#[target_feature(enable = "neon,dotprod")]
fn run_neon<K: Kernel>(kernel: K) -> K::Output {
    kernel.run(Portable)
}

/// Plain Rust.
#[derive(Clone, Copy)]
pub(crate) struct Portable;

#[inline(always)]
fn map(a: Lanes, f: impl Fn(f32) -> f32) -> Lanes {
    std::array::from_fn(|i| f(a[i]))
}

#[inline(always)]
fn zip(a: Lanes, b: Lanes, f: impl Fn(f32, f32) -> f32) -> Lanes {
    std::array::from_fn(|i| f(a[i], b[i]))
}

impl Simd for Portable {
    type V = Lanes;

    #[inline(always)]
    fn splat(self, x: f32) -> Lanes {
        [x; LANES]
    }
    #[inline(always)]
    fn load(self, from: &Lanes) -> Lanes {
        *from
    }
    #[inline(always)]
    fn store(self, v: Lanes, to: &mut Lanes) {
        *to = v;
    }
    #[inline(always)]
    fn load_f16(self, from: &[f16; LANES]) -> Lanes {
        // The exponent is rebiased by a multiplication with 2^112, which is exact for subnormals too.
        std::array::from_fn(|i| {
            let bits = u32::from(from[i].to_bits());
            let magnitude = f32::from_bits((bits & 0x7fff) << 13) * f32::from_bits(0x7780_0000);
            f32::from_bits(magnitude.to_bits() | ((bits & 0x8000) << 16))
        })
    }
    #[inline(always)]
    fn to_f16(self, v: Lanes) -> [f16; LANES] {
        v.map(f16::from_f32)
    }
    #[inline(always)]
    fn load_bf16(self, from: &[bf16; LANES]) -> Lanes {
        std::array::from_fn(|i| f32::from_bits(u32::from(from[i].to_bits()) << 16))
    }
    #[inline(always)]
    fn add(self, a: Lanes, b: Lanes) -> Lanes {
        zip(a, b, |a, b| a + b)
    }
    #[inline(always)]
    fn sub(self, a: Lanes, b: Lanes) -> Lanes {
        zip(a, b, |a, b| a - b)
    }
    #[inline(always)]
    fn mul(self, a: Lanes, b: Lanes) -> Lanes {
        zip(a, b, |a, b| a * b)
    }
    #[inline(always)]
    fn div(self, a: Lanes, b: Lanes) -> Lanes {
        zip(a, b, |a, b| a / b)
    }
    #[inline(always)]
    fn max(self, a: Lanes, b: Lanes) -> Lanes {
        zip(a, b, |a, b| if a > b { a } else { b })
    }
    #[inline(always)]
    fn abs(self, a: Lanes) -> Lanes {
        map(a, f32::abs)
    }
    #[inline(always)]
    fn fma(self, a: Lanes, b: Lanes, c: Lanes) -> Lanes {
        std::array::from_fn(|i| a[i].mul_add(b[i], c[i]))
    }
    #[inline(always)]
    fn zero_below(self, x: Lanes, limit: f32, v: Lanes) -> Lanes {
        zip(x, v, |x, v| if x >= limit { v } else { 0.0 })
    }
    #[inline(always)]
    fn exp2_biased(self, n: Lanes) -> Lanes {
        map(n, |n| {
            f32::from_bits((n.to_bits() << 23).wrapping_add(0x3f80_0000))
        })
    }
    #[inline(always)]
    fn to_i8(self, v: Lanes) -> ([i8; LANES], i32) {
        #[allow(clippy::cast_possible_truncation, reason = "values are within ±127")]
        let q = v.map(|x| x.round_ties_even() as i8);
        (q, q.iter().map(|&q| i32::from(q)).sum())
    }
}
