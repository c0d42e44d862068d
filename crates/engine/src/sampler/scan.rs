//! The passes over a whole row of logits, written so that the compiler turns them into vector code.
//!
//! A row is cut in blocks of [`BLOCK`] logits. A pass leaves one number per block, and what comes after
//! looks only into the blocks that matter. All arithmetic has a fixed order, and no level fuses a
//! multiplication with an addition, so every CPU level gives the same bits.

/// Logits in a block.
pub const BLOCK: usize = 64;
/// Independent accumulators in a block: one AVX-512 register of f32.
const LANES: usize = 16;

/// Declares a pass, compiled once per CPU level and chosen at run time.
macro_rules! dispatched {
    ($(#[$doc:meta])* $name:ident => $body:ident ( $($arg:ident : $ty:ty),* )) => {
        $(#[$doc])*
        pub fn $name($($arg: $ty),*) {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f")]
                fn avx512($($arg: $ty),*) {
                    $body($($arg),*)
                }
                #[target_feature(enable = "avx2")]
                fn avx2($($arg: $ty),*) {
                    $body($($arg),*)
                }
                if is_x86_feature_detected!("avx512f") {
                    // SAFETY: the CPU has AVX-512F, as was just checked; the function is otherwise safe code.
                    return unsafe { avx512($($arg),*) };
                }
                if is_x86_feature_detected!("avx2") {
                    // SAFETY: the CPU has AVX2, as was just checked; the function is otherwise safe code.
                    return unsafe { avx2($($arg),*) };
                }
            }
            $body($($arg),*)
        }
    };
}

dispatched! {
    /// Writes the largest logit of each block of `logits` to `maxima` (one per block, NaN ignored).
    block_maxima => maxima_body(logits: &[f32], maxima: &mut [f32])
}

dispatched! {
    /// Writes the sum of [`weight`] over each block of `logits` to `sums` (one per block).
    block_weights => weights_body(logits: &[f32], max: f32, inverse_temperature: f32, sums: &mut [f32])
}

#[inline(always)]
fn maxima_body(logits: &[f32], maxima: &mut [f32]) {
    for (block, out) in logits.chunks(BLOCK).zip(maxima) {
        let mut lanes = [f32::NEG_INFINITY; LANES];
        let (chunks, tail) = block.as_chunks::<LANES>();
        for chunk in chunks {
            for (lane, &x) in lanes.iter_mut().zip(chunk) {
                *lane = if x > *lane { x } else { *lane };
            }
        }
        for (lane, &x) in lanes.iter_mut().zip(tail) {
            *lane = if x > *lane { x } else { *lane };
        }
        *out = lanes
            .iter()
            .fold(f32::NEG_INFINITY, |a, &b| if b > a { b } else { a });
    }
}

#[inline(always)]
fn weights_body(logits: &[f32], max: f32, inverse_temperature: f32, sums: &mut [f32]) {
    for (block, out) in logits.chunks(BLOCK).zip(sums) {
        let mut lanes = [0f32; LANES];
        let (chunks, tail) = block.as_chunks::<LANES>();
        for chunk in chunks {
            for (lane, &x) in lanes.iter_mut().zip(chunk) {
                *lane += weight(x, max, inverse_temperature);
            }
        }
        for (lane, &x) in lanes.iter_mut().zip(tail) {
            *lane += weight(x, max, inverse_temperature);
        }
        let mut width = LANES / 2;
        while width > 0 {
            for i in 0..width {
                lanes[i] += lanes[i + width];
            }
            width /= 2;
        }
        *out = lanes[0];
    }
}

/// exp((x − max)·inverse_temperature) for x ≤ max, relative error below 3e-7; 0 below e^-87, and for NaN.
///
/// Range reduction by ln 2 in two parts and a degree-6 Taylor polynomial on |r| ≤ ln 2 / 2 (Cody and
/// Waite, "Software manual for the elementary functions", 1980, chapter 6). No branch, no table.
#[inline(always)]
pub fn weight(x: f32, max: f32, inverse_temperature: f32) -> f32 {
    // Adding 1.5·2^23 rounds to an integer, which then stands in the low bits of the sum.
    const ROUND: f32 = 12_582_912.0;
    let y = (x - max) * inverse_temperature;
    let shifted = y * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    // ln 2 = 355/512 − 2.121_944_4e-4; the first part is exact in few bits.
    let r = (y - n * 0.693_359_4) + n * 2.121_944_4e-4;
    let p = 1.0 / 720.0;
    let p = p * r + 1.0 / 120.0;
    let p = p * r + 1.0 / 24.0;
    let p = p * r + 1.0 / 6.0;
    let p = p * r + 0.5;
    let p = p * r + 1.0;
    let p = p * r + 1.0;
    let scale = f32::from_bits((shifted.to_bits() << 23).wrapping_add(0x3f80_0000));
    if y >= -87.0 { p * scale } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_weight_is_the_exponential() {
        for i in 0..87_000 {
            let x = -(i as f32) / 1000.0;
            let (got, want) = (f64::from(weight(x, 0.0, 1.0)), f64::from(x).exp());
            assert!(
                ((got - want) / want).abs() < 3e-7,
                "exp({x}): {got} against {want}"
            );
        }
        assert_eq!(weight(3.0, 3.0, 2.0), 1.0);
        assert_eq!(weight(f32::NEG_INFINITY, 0.0, 1.0), 0.0);
        assert_eq!(weight(f32::NAN, 0.0, 1.0), 0.0);
        assert_eq!(weight(-1e30, 1e30, 1e30), 0.0);
    }

    proptest! {
        /// The vector levels give the bits of the plain code, for any length.
        #[test]
        fn levels_agree(logits in proptest::collection::vec(-50f32..50.0, 1..400), t in 0.1f32..3.0) {
            let blocks = logits.len().div_ceil(BLOCK);
            let (mut maxima, mut plain) = (vec![0.0; blocks], vec![0.0; blocks]);
            block_maxima(&logits, &mut maxima);
            maxima_body(&logits, &mut plain);
            prop_assert_eq!(&maxima, &plain);
            let max = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            prop_assert_eq!(max, maxima.iter().copied().fold(f32::NEG_INFINITY, f32::max));
            let mut sums = vec![0.0; blocks];
            block_weights(&logits, max, t, &mut sums);
            weights_body(&logits, max, t, &mut plain);
            prop_assert_eq!(&sums, &plain);
            let total: f64 = sums.iter().map(|&s| f64::from(s)).sum();
            let exact: f64 = logits.iter().map(|&x| (f64::from(x - max) * f64::from(t)).exp()).sum();
            prop_assert!(((total - exact) / exact).abs() < 1e-5, "{} against {}", total, exact);
        }
    }
}
