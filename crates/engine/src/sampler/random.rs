//! Counter-based random numbers: number `i` of a stream depends on the seed and on `i`, on nothing else.

/// A uniform number in [0, 1) with 53 random bits: number `index` of the stream named by `seed`.
///
/// Philox4x32-10 (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011),
/// keyed with the seed and counting with the index.
pub fn uniform(seed: u64, index: u64) -> f64 {
    let [a, b, ..] = philox(
        [index as u32, (index >> 32) as u32, 0, 0],
        [seed as u32, (seed >> 32) as u32],
    );
    let bits = (u64::from(a) << 32 | u64::from(b)) >> 11;
    bits as f64 / (1u64 << 53) as f64
}

/// One Philox4x32-10 block.
fn philox(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    for _ in 0..10 {
        let low = u64::from(counter[0]) * 0xD251_1F53;
        let high = u64::from(counter[2]) * 0xCD9E_8D57;
        counter = [
            (high >> 32) as u32 ^ counter[1] ^ key[0],
            high as u32,
            (low >> 32) as u32 ^ counter[3] ^ key[1],
            low as u32,
        ];
        key = [key[0].wrapping_add(0x9E37_79B9), key[1].wrapping_add(0xBB67_AE85)];
    }
    counter
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The known-answer vectors published with the algorithm (Random123, `kat_vectors`).
    #[test]
    fn philox_matches_its_published_vectors() {
        assert_eq!(
            philox([0; 4], [0; 2]),
            [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]
        );
        assert_eq!(
            philox([u32::MAX; 4], [u32::MAX; 2]),
            [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
        );
        assert_eq!(
            philox(
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
                [0xa409_3822, 0x299f_31d0]
            ),
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
        );
    }

    #[test]
    fn neighbouring_streams_are_uniform_and_unlike() {
        let (mut sum, mut product) = (0.0, 0.0);
        for i in 0..10_000u64 {
            let (a, b) = (uniform(11, i), uniform(12, i));
            assert!((0.0..1.0).contains(&a));
            sum += a;
            product += (a - 0.5) * (b - 0.5);
        }
        assert!((sum / 1e4 - 0.5).abs() < 0.01, "mean {}", sum / 1e4);
        assert!((product / 1e4).abs() < 0.003, "covariance {}", product / 1e4);
    }
}
