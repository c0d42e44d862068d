//! Integer dot products of packed codes with int8 activations, for every level.
//!
//! Codes are unsigned (the offset of symmetric formats is taken off by the accumulator's start value), the
//! activations signed, as `vpdpbusd` has it. The sums are exact, so all levels agree.

use super::activations::BLOCK;
use super::matrix::Line;
use super::simd::{LANES, Lanes, Portable, Simd};

/// Dot products of 16 rows' codes with one token's activations.
pub(crate) trait Int8: Simd {
    /// The codes of 16 rows × 32 columns, unpacked.
    type Codes: Copy;
    /// From nibbles: line `c` has columns 4c..4c+4 in its low and 16+4c.. in its high nibbles.
    fn nibbles(self, lines: &[Line; 4]) -> Self::Codes;
    /// From bytes: line `c` has columns 4c..4c+4; row `r` at bytes 4r..4r+4.
    fn bytes(self, lines: &[Line; 8]) -> Self::Codes;
    /// start + Σ code·q over the 32 columns, for each row. `FOUR`: all codes are below 16.
    fn dot<const FOUR: bool>(self, codes: &Self::Codes, q: &[i8; BLOCK], start: i32) -> Self::V;
    /// The same over the first and the last 16 columns.
    fn dot_halves(self, codes: &Self::Codes, q: &[i8; BLOCK], start: [i32; 2]) -> [Self::V; 2];
}

impl Int8 for Portable {
    type Codes = [[u8; 64]; 8];

    #[inline(always)]
    fn nibbles(self, lines: &[Line; 4]) -> [[u8; 64]; 8] {
        let mut codes = [[0; 64]; 8];
        for (c, line) in lines.iter().enumerate() {
            codes[c] = line.0.map(|byte| byte & 15);
            codes[c + 4] = line.0.map(|byte| byte >> 4);
        }
        codes
    }

    #[inline(always)]
    fn bytes(self, lines: &[Line; 8]) -> [[u8; 64]; 8] {
        lines.map(|line| line.0)
    }

    #[inline(always)]
    fn dot<const FOUR: bool>(self, codes: &[[u8; 64]; 8], q: &[i8; BLOCK], start: i32) -> Lanes {
        portable_dot(codes, q, start)
    }

    #[inline(always)]
    fn dot_halves(self, codes: &[[u8; 64]; 8], q: &[i8; BLOCK], start: [i32; 2]) -> [Lanes; 2] {
        [
            portable_dot(&codes[..4], &q[..LANES], start[0]),
            portable_dot(&codes[4..], &q[LANES..], start[1]),
        ]
    }
}

#[inline(always)]
fn portable_dot(codes: &[[u8; 64]], q: &[i8], start: i32) -> Lanes {
    let mut sums = [start; LANES];
    for (line, q) in codes.iter().zip(q.as_chunks::<4>().0) {
        for (sum, code) in sums.iter_mut().zip(line.as_chunks::<4>().0) {
            for (&code, &q) in code.iter().zip(q) {
                *sum += i32::from(code) * i32::from(q);
            }
        }
    }
    #[allow(clippy::cast_precision_loss, reason = "|sum| < 2^24: 32 · 255 · 127")]
    sums.map(|sum| sum as f32)
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::super::x86::{Avx2, Avx512, with_features};
    use super::{BLOCK, Int8, Line};

    /// Four consecutive activations, as the 32 bits that are broadcast.
    #[inline(always)]
    fn four(q: &[i8; BLOCK], c: usize) -> i32 {
        let quads = q.as_chunks::<4>().0;
        i32::from_le_bytes(quads[c].map(i8::cast_unsigned))
    }

    impl Int8 for Avx512 {
        type Codes = [__m512i; 8];

        #[inline(always)]
        fn nibbles(self, lines: &[Line; 4]) -> [__m512i; 8] {
            with_features!({
                let low = _mm512_set1_epi8(15);
                let mut codes = [_mm512_setzero_si512(); 8];
                for c in 0..4 {
                    let line = _mm512_load_si512(lines[c].0.as_ptr().cast());
                    codes[c] = _mm512_and_si512(line, low);
                    codes[c + 4] = _mm512_and_si512(_mm512_srli_epi16::<4>(line), low);
                }
                codes
            })
        }

        #[inline(always)]
        fn bytes(self, lines: &[Line; 8]) -> [__m512i; 8] {
            with_features!({
                let mut codes = [_mm512_setzero_si512(); 8];
                for c in 0..8 {
                    codes[c] = _mm512_load_si512(lines[c].0.as_ptr().cast());
                }
                codes
            })
        }

        #[inline(always)]
        fn dot<const FOUR: bool>(self, codes: &[__m512i; 8], q: &[i8; BLOCK], start: i32) -> __m512 {
            with_features!({
                let mut sum = _mm512_set1_epi32(start);
                for c in 0..8 {
                    sum = _mm512_dpbusd_epi32(sum, codes[c], _mm512_set1_epi32(four(q, c)));
                }
                _mm512_cvtepi32_ps(sum)
            })
        }

        #[inline(always)]
        fn dot_halves(self, codes: &[__m512i; 8], q: &[i8; BLOCK], start: [i32; 2]) -> [__m512; 2] {
            with_features!({
                let mut first = _mm512_set1_epi32(start[0]);
                let mut last = _mm512_set1_epi32(start[1]);
                for c in 0..4 {
                    first = _mm512_dpbusd_epi32(first, codes[c], _mm512_set1_epi32(four(q, c)));
                    last = _mm512_dpbusd_epi32(last, codes[c + 4], _mm512_set1_epi32(four(q, c + 4)));
                }
                [_mm512_cvtepi32_ps(first), _mm512_cvtepi32_ps(last)]
            })
        }
    }

    /// Adds code·q over four columns to `sum`. `vpmaddubsw` saturates at 16 bits, so the codes' top bits go
    /// apart: 2·127·127 and 2·128·127 both fit.
    #[inline(always)]
    fn add_bytes(sum: __m256i, codes: __m256i, q: __m256i) -> __m256i {
        with_features!({
            let low = _mm256_and_si256(codes, _mm256_set1_epi8(0x7f));
            let top = _mm256_andnot_si256(_mm256_set1_epi8(0x7f), codes);
            let ones = _mm256_set1_epi16(1);
            let low = _mm256_madd_epi16(_mm256_maddubs_epi16(low, q), ones);
            let top = _mm256_madd_epi16(_mm256_maddubs_epi16(top, q), ones);
            _mm256_add_epi32(sum, _mm256_add_epi32(low, top))
        })
    }

    #[inline(always)]
    fn add_lines(codes: &[[__m256i; 2]], at: usize, q: &[i8; BLOCK], start: i32) -> [__m256; 2] {
        with_features!({
            let mut sums = [_mm256_set1_epi32(start); 2];
            for (c, line) in codes.iter().enumerate() {
                let q = _mm256_set1_epi32(four(q, at + c));
                sums[0] = add_bytes(sums[0], line[0], q);
                sums[1] = add_bytes(sums[1], line[1], q);
            }
            [_mm256_cvtepi32_ps(sums[0]), _mm256_cvtepi32_ps(sums[1])]
        })
    }

    impl Int8 for Avx2 {
        type Codes = [[__m256i; 2]; 8];

        #[inline(always)]
        fn nibbles(self, lines: &[Line; 4]) -> [[__m256i; 2]; 8] {
            with_features!({
                let low = _mm256_set1_epi8(15);
                let mut codes = [[_mm256_setzero_si256(); 2]; 8];
                for c in 0..4 {
                    for half in 0..2 {
                        let line = _mm256_load_si256(lines[c].0[32 * half..].as_ptr().cast());
                        codes[c][half] = _mm256_and_si256(line, low);
                        codes[c + 4][half] = _mm256_and_si256(_mm256_srli_epi16::<4>(line), low);
                    }
                }
                codes
            })
        }

        #[inline(always)]
        fn bytes(self, lines: &[Line; 8]) -> [[__m256i; 2]; 8] {
            with_features!({
                let mut codes = [[_mm256_setzero_si256(); 2]; 8];
                for c in 0..8 {
                    for half in 0..2 {
                        codes[c][half] = _mm256_load_si256(lines[c].0[32 * half..].as_ptr().cast());
                    }
                }
                codes
            })
        }

        #[inline(always)]
        fn dot<const FOUR: bool>(
            self,
            codes: &[[__m256i; 2]; 8],
            q: &[i8; BLOCK],
            start: i32,
        ) -> [__m256; 2] {
            if !FOUR {
                return add_lines(codes, 0, q, start);
            }
            with_features!({
                // 8 sums of 2·15·127 fit 16 bits.
                let mut sums = [_mm256_setzero_si256(); 2];
                for c in 0..8 {
                    let q = _mm256_set1_epi32(four(q, c));
                    sums[0] = _mm256_add_epi16(sums[0], _mm256_maddubs_epi16(codes[c][0], q));
                    sums[1] = _mm256_add_epi16(sums[1], _mm256_maddubs_epi16(codes[c][1], q));
                }
                let (ones, start) = (_mm256_set1_epi16(1), _mm256_set1_epi32(start));
                let lower = _mm256_add_epi32(_mm256_madd_epi16(sums[0], ones), start);
                let upper = _mm256_add_epi32(_mm256_madd_epi16(sums[1], ones), start);
                [_mm256_cvtepi32_ps(lower), _mm256_cvtepi32_ps(upper)]
            })
        }

        #[inline(always)]
        fn dot_halves(self, codes: &[[__m256i; 2]; 8], q: &[i8; BLOCK], start: [i32; 2]) -> [[__m256; 2]; 2] {
            [
                add_lines(&codes[..4], 0, q, start[0]),
                add_lines(&codes[4..], 4, q, start[1]),
            ]
        }
    }
}
