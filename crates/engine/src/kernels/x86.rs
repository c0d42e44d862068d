//! The vectors of x86-64: AVX-512, and AVX2 with two registers per vector.

use std::arch::x86_64::*;

use half::{bf16, f16};

use super::simd::{Kernel, LANES, Lanes, Simd};

/// Runs intrinsics of the features that the token `self` stands for.
macro_rules! with_features {
    ($e:expr) => {
        // SAFETY: tokens are made only in `run_avx512` and `run_avx2`, which demand the features; loads and
        // stores go through references to arrays of the vector's size.
        unsafe { $e }
    };
}
pub(crate) use with_features;

/// Folds eight lanes by halves, as the portable [`Simd::sum`] does.
macro_rules! fold_halves {
    ($v:expr, $fold:ident) => {{
        let v = $v;
        let four = $fold(_mm256_castps256_ps128(v), _mm256_extractf128_ps::<1>(v));
        let two = $fold(four, _mm_movehl_ps(four, four));
        _mm_cvtss_f32($fold(two, _mm_shuffle_ps::<1>(two, two)))
    }};
}

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,f16c")]
pub(super) fn run_avx512<K: Kernel>(kernel: K) -> K::Output {
    kernel.run(Avx512(()))
}

#[target_feature(enable = "avx2,fma,f16c")]
pub(super) fn run_avx2<K: Kernel>(kernel: K) -> K::Output {
    kernel.run(Avx2(()))
}

#[derive(Clone, Copy)]
pub(crate) struct Avx512(());

impl Simd for Avx512 {
    type V = __m512;

    #[inline(always)]
    fn splat(self, x: f32) -> __m512 {
        with_features!(_mm512_set1_ps(x))
    }
    #[inline(always)]
    fn load(self, from: &Lanes) -> __m512 {
        with_features!(_mm512_loadu_ps(from.as_ptr()))
    }
    #[inline(always)]
    fn store(self, v: __m512, to: &mut Lanes) {
        with_features!(_mm512_storeu_ps(to.as_mut_ptr(), v));
    }
    #[inline(always)]
    fn load_f16(self, from: &[f16; LANES]) -> __m512 {
        with_features!(_mm512_cvtph_ps(_mm256_loadu_si256(from.as_ptr().cast())))
    }
    #[inline(always)]
    fn to_f16(self, v: __m512) -> [f16; LANES] {
        let mut half = [f16::ZERO; LANES];
        with_features!({
            let bits = _mm512_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(v);
            _mm256_storeu_si256(half.as_mut_ptr().cast(), bits);
        });
        half
    }
    #[inline(always)]
    fn load_bf16(self, from: &[bf16; LANES]) -> __m512 {
        with_features!(_mm512_castsi512_ps(_mm512_slli_epi32::<16>(
            _mm512_cvtepu16_epi32(_mm256_loadu_si256(from.as_ptr().cast()))
        )))
    }
    #[inline(always)]
    fn add(self, a: __m512, b: __m512) -> __m512 {
        with_features!(_mm512_add_ps(a, b))
    }
    #[inline(always)]
    fn sub(self, a: __m512, b: __m512) -> __m512 {
        with_features!(_mm512_sub_ps(a, b))
    }
    #[inline(always)]
    fn mul(self, a: __m512, b: __m512) -> __m512 {
        with_features!(_mm512_mul_ps(a, b))
    }
    #[inline(always)]
    fn div(self, a: __m512, b: __m512) -> __m512 {
        with_features!(_mm512_div_ps(a, b))
    }
    #[inline(always)]
    fn max(self, a: __m512, b: __m512) -> __m512 {
        with_features!(_mm512_max_ps(a, b))
    }
    #[inline(always)]
    fn abs(self, a: __m512) -> __m512 {
        with_features!(_mm512_abs_ps(a))
    }
    #[inline(always)]
    fn fma(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        with_features!(_mm512_fmadd_ps(a, b, c))
    }
    #[inline(always)]
    fn zero_below(self, x: __m512, limit: f32, v: __m512) -> __m512 {
        with_features!(_mm512_maskz_mov_ps(
            _mm512_cmp_ps_mask::<_CMP_GE_OQ>(x, _mm512_set1_ps(limit)),
            v
        ))
    }
    #[inline(always)]
    fn exp2_biased(self, n: __m512) -> __m512 {
        with_features!(_mm512_castsi512_ps(_mm512_add_epi32(
            _mm512_slli_epi32::<23>(_mm512_castps_si512(n)),
            _mm512_set1_epi32(0x3f80_0000)
        )))
    }
    #[inline(always)]
    fn to_i8(self, v: __m512) -> ([i8; LANES], i32) {
        let mut q = [0i8; LANES];
        let sum = with_features!({
            let integers = _mm512_cvtps_epi32(v);
            _mm_storeu_si128(q.as_mut_ptr().cast(), _mm512_cvtepi32_epi8(integers));
            _mm512_reduce_add_epi32(integers)
        });
        (q, sum)
    }
    #[inline(always)]
    fn sum(self, v: __m512) -> f32 {
        with_features!(fold_halves!(
            _mm256_add_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps::<1>(v)),
            _mm_add_ps
        ))
    }
    #[inline(always)]
    fn largest(self, v: __m512) -> f32 {
        with_features!(fold_halves!(
            _mm256_max_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps::<1>(v)),
            _mm_max_ps
        ))
    }
}

#[derive(Clone, Copy)]
pub(crate) struct Avx2(());

impl Simd for Avx2 {
    type V = [__m256; 2];

    #[inline(always)]
    fn splat(self, x: f32) -> [__m256; 2] {
        with_features!([_mm256_set1_ps(x); 2])
    }
    #[inline(always)]
    fn load(self, from: &Lanes) -> [__m256; 2] {
        with_features!([
            _mm256_loadu_ps(from.as_ptr()),
            _mm256_loadu_ps(from[8..].as_ptr())
        ])
    }
    #[inline(always)]
    fn store(self, v: [__m256; 2], to: &mut Lanes) {
        with_features!({
            _mm256_storeu_ps(to.as_mut_ptr(), v[0]);
            _mm256_storeu_ps(to[8..].as_mut_ptr(), v[1]);
        });
    }
    #[inline(always)]
    fn load_f16(self, from: &[f16; LANES]) -> [__m256; 2] {
        with_features!([
            _mm256_cvtph_ps(_mm_loadu_si128(from.as_ptr().cast())),
            _mm256_cvtph_ps(_mm_loadu_si128(from[8..].as_ptr().cast())),
        ])
    }
    #[inline(always)]
    fn to_f16(self, v: [__m256; 2]) -> [f16; LANES] {
        let mut half = [f16::ZERO; LANES];
        with_features!({
            let lower = _mm256_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(v[0]);
            let upper = _mm256_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(v[1]);
            _mm_storeu_si128(half.as_mut_ptr().cast(), lower);
            _mm_storeu_si128(half[8..].as_mut_ptr().cast(), upper);
        });
        half
    }
    #[inline(always)]
    fn load_bf16(self, from: &[bf16; LANES]) -> [__m256; 2] {
        with_features!({
            let lower = _mm256_cvtepu16_epi32(_mm_loadu_si128(from.as_ptr().cast()));
            let upper = _mm256_cvtepu16_epi32(_mm_loadu_si128(from[8..].as_ptr().cast()));
            [
                _mm256_castsi256_ps(_mm256_slli_epi32::<16>(lower)),
                _mm256_castsi256_ps(_mm256_slli_epi32::<16>(upper)),
            ]
        })
    }
    #[inline(always)]
    fn add(self, a: [__m256; 2], b: [__m256; 2]) -> [__m256; 2] {
        with_features!([_mm256_add_ps(a[0], b[0]), _mm256_add_ps(a[1], b[1])])
    }
    #[inline(always)]
    fn sub(self, a: [__m256; 2], b: [__m256; 2]) -> [__m256; 2] {
        with_features!([_mm256_sub_ps(a[0], b[0]), _mm256_sub_ps(a[1], b[1])])
    }
    #[inline(always)]
    fn mul(self, a: [__m256; 2], b: [__m256; 2]) -> [__m256; 2] {
        with_features!([_mm256_mul_ps(a[0], b[0]), _mm256_mul_ps(a[1], b[1])])
    }
    #[inline(always)]
    fn div(self, a: [__m256; 2], b: [__m256; 2]) -> [__m256; 2] {
        with_features!([_mm256_div_ps(a[0], b[0]), _mm256_div_ps(a[1], b[1])])
    }
    #[inline(always)]
    fn max(self, a: [__m256; 2], b: [__m256; 2]) -> [__m256; 2] {
        with_features!([_mm256_max_ps(a[0], b[0]), _mm256_max_ps(a[1], b[1])])
    }
    #[inline(always)]
    fn abs(self, a: [__m256; 2]) -> [__m256; 2] {
        with_features!({
            let sign = _mm256_set1_ps(-0.0);
            [_mm256_andnot_ps(sign, a[0]), _mm256_andnot_ps(sign, a[1])]
        })
    }
    #[inline(always)]
    fn fma(self, a: [__m256; 2], b: [__m256; 2], c: [__m256; 2]) -> [__m256; 2] {
        with_features!([
            _mm256_fmadd_ps(a[0], b[0], c[0]),
            _mm256_fmadd_ps(a[1], b[1], c[1])
        ])
    }
    #[inline(always)]
    fn zero_below(self, x: [__m256; 2], limit: f32, v: [__m256; 2]) -> [__m256; 2] {
        with_features!({
            let limit = _mm256_set1_ps(limit);
            [
                _mm256_and_ps(v[0], _mm256_cmp_ps::<_CMP_GE_OQ>(x[0], limit)),
                _mm256_and_ps(v[1], _mm256_cmp_ps::<_CMP_GE_OQ>(x[1], limit)),
            ]
        })
    }
    #[inline(always)]
    fn exp2_biased(self, n: [__m256; 2]) -> [__m256; 2] {
        with_features!({
            let one = _mm256_set1_epi32(0x3f80_0000);
            let lower = _mm256_slli_epi32::<23>(_mm256_castps_si256(n[0]));
            let upper = _mm256_slli_epi32::<23>(_mm256_castps_si256(n[1]));
            [
                _mm256_castsi256_ps(_mm256_add_epi32(lower, one)),
                _mm256_castsi256_ps(_mm256_add_epi32(upper, one)),
            ]
        })
    }
    #[inline(always)]
    fn to_i8(self, v: [__m256; 2]) -> ([i8; LANES], i32) {
        let mut integers = [0i32; LANES];
        with_features!({
            _mm256_storeu_si256(integers.as_mut_ptr().cast(), _mm256_cvtps_epi32(v[0]));
            _mm256_storeu_si256(integers[8..].as_mut_ptr().cast(), _mm256_cvtps_epi32(v[1]));
        });
        #[allow(clippy::cast_possible_truncation, reason = "values are within ±127")]
        (integers.map(|q| q as i8), integers.iter().sum())
    }
    #[inline(always)]
    fn sum(self, v: [__m256; 2]) -> f32 {
        with_features!(fold_halves!(_mm256_add_ps(v[0], v[1]), _mm_add_ps))
    }
    #[inline(always)]
    fn largest(self, v: [__m256; 2]) -> f32 {
        with_features!(fold_halves!(_mm256_max_ps(v[0], v[1]), _mm_max_ps))
    }
}
