//! Intervals and tests.

use serde::{Deserialize, Serialize};

/// Resamples of bootstraps and permutation tests.
const RESAMPLES: usize = 4000;

/// The two-sided 95 % quantile of the normal distribution.
const Z: f64 = 1.959_963_984_540_054;

/// The 95 % interval of a share of `n` (Wilson 1927, JASA 22, equation 4).
pub fn wilson(share: f64, n: usize) -> (f64, f64) {
    if n == 0 {
        return (0.0, 1.0);
    }
    let n = n as f64;
    let centre = share + Z * Z / (2.0 * n);
    let spread = Z * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + Z * Z / n;
    (
        ((centre - spread) / scale).max(0.0),
        ((centre + spread) / scale).min(1.0),
    )
}

/// The probability that at least one of `k` attempts is right, estimated without bias from `c` right ones of `n`
/// (Chen et al. 2021, arXiv 2107.03374, equation 1).
pub fn pass_at_k(n: u32, c: u32, k: u32) -> f64 {
    if k > n || n - c < k {
        return if c > 0 { 1.0 } else { 0.0 };
    }
    1.0 - (n - c + 1..=n).fold(1.0, |p, i| p * (1.0 - f64::from(k) / f64::from(i)))
}

/// The exact two-sided test of McNemar: `b` pairs in which only the first is right, `c` in which only the second is.
pub fn mcnemar(b: u64, c: u64) -> f64 {
    let n = b + c;
    if n == 0 {
        return 1.0;
    }
    // Twice the lower tail of Binomial(n, 1/2), summed in logarithms.
    let mut log = -(n as f64) * std::f64::consts::LN_2;
    let mut sum = 0.0;
    for k in 0..=b.min(c) {
        sum += log.exp();
        log += ((n - k) as f64).ln() - ((k + 1) as f64).ln();
    }
    (2.0 * sum).min(1.0)
}

/// A comparison of two methods on the same problems.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Paired {
    /// Problems in common.
    pub problems: usize,
    /// Mean difference (first minus second), in shares.
    pub difference: f64,
    /// Its 95 % interval, by bootstrap over problems.
    pub low: f64,
    /// The interval's other end.
    pub high: f64,
    /// Two-sided p: McNemar's exact test with one seed, a sign-flip permutation test over problems with several.
    pub p: f64,
}

/// Compares two methods: for each problem the mean score of each over the seeds.
pub fn paired(pairs: &[(f64, f64)]) -> Paired {
    let differences: Vec<f64> = pairs.iter().map(|(a, b)| a - b).collect();
    let n = differences.len();
    if n == 0 {
        return Paired {
            p: 1.0,
            ..Paired::default()
        };
    }
    let mean = differences.iter().sum::<f64>() / n as f64;
    let mut rng = Rng(0x0b00_7574_7261_7000 ^ n as u64);
    let mut means: Vec<f64> = (0..RESAMPLES)
        .map(|_| (0..n).map(|_| differences[rng.below(n)]).sum::<f64>() / n as f64)
        .collect();
    means.sort_by(f64::total_cmp);
    let single = pairs
        .iter()
        .all(|(a, b)| [0.0, 1.0].contains(a) && [0.0, 1.0].contains(b));
    let p = if single {
        let b = differences.iter().filter(|d| **d > 0.0).count() as u64;
        let c = differences.iter().filter(|d| **d < 0.0).count() as u64;
        mcnemar(b, c)
    } else {
        let extreme = (0..RESAMPLES)
            .filter(|_| {
                let flipped: f64 = differences
                    .iter()
                    .map(|d| if rng.below(2) == 0 { *d } else { -d })
                    .sum();
                flipped.abs() >= (mean * n as f64).abs() - 1e-12
            })
            .count();
        (extreme + 1) as f64 / (RESAMPLES + 1) as f64
    };
    Paired {
        problems: n,
        difference: mean,
        low: means[RESAMPLES / 40],
        high: means[RESAMPLES - 1 - RESAMPLES / 40],
        p,
    }
}

/// SplitMix64, so that intervals are the same on every machine.
struct Rng(u64);

impl Rng {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((u128::from(z ^ (z >> 31)) * n as u128) >> 64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_match_published_values() {
        // Newcombe 1998, table I: 81 of 263, Wilson without continuity correction: 0.2553 to 0.3662.
        let (low, high) = wilson(81.0 / 263.0, 263);
        assert!(
            (low - 0.2553).abs() < 5e-5 && (high - 0.3662).abs() < 5e-5,
            "{low} {high}"
        );
        assert_eq!(wilson(0.0, 10).0, 0.0);
    }

    #[test]
    fn pass_at_k_matches_counting_subsets() {
        // Of 5 attempts 2 are right: of the 10 pairs, 3 hold none.
        assert!((pass_at_k(5, 2, 2) - 0.7).abs() < 1e-12);
        assert_eq!(pass_at_k(4, 0, 2), 0.0);
        assert_eq!(pass_at_k(4, 3, 2), 1.0);
        assert!((pass_at_k(16, 4, 1) - 0.25).abs() < 1e-12);
    }

    #[test]
    fn mcnemar_is_the_binomial_test() {
        assert!((mcnemar(0, 5) - 2.0 / 32.0).abs() < 1e-12);
        assert_eq!(mcnemar(4, 4), 1.0);
        assert!((mcnemar(1, 9) - 2.0 * 11.0 / 1024.0).abs() < 1e-12);
        assert_eq!(mcnemar(0, 0), 1.0);
    }

    #[test]
    fn a_real_difference_is_found_and_none_is_not() {
        let better: Vec<(f64, f64)> = (0..300)
            .map(|i| (f64::from(i % 2), f64::from(u8::from(i % 5 == 1))))
            .collect();
        let paired_better = paired(&better);
        assert!((paired_better.difference - 0.3).abs() < 0.011 && paired_better.p < 1e-6);
        assert!(paired_better.low > 0.2 && paired_better.high < 0.4);
        let half: Vec<(f64, f64)> = (0..100)
            .map(|i| (0.5 + 0.5 * f64::from(i % 2), 1.0 - 0.5 * f64::from(i % 2)))
            .collect();
        assert!(paired(&half).p > 0.5);
        assert_eq!(paired(&[]).p, 1.0);
    }
}
