use proptest::prelude::*;
use sha2::{Digest, Sha256};

use super::*;

/// First value (bits) and SHA-256 of all values (little-endian f32) of four blocks whose byte `i` is
/// `(i * 167 + 13) % 256`, with the upper bytes of scales set to 0x2e. Printed by
/// `scripts/parity_dequant.py --golden` from the `gguf` package.
const GOLDEN: [(DType, u32, &str); 11] = [
    (
        DType::F32,
        0x2e5bb40d,
        "5cb7592de428045b350e2b640404dc9f1e60fe1313d118329095f464389fd5dc",
    ),
    (
        DType::F16,
        0x3dc1a000,
        "aab88d2a2f0e751c0d97ae8773cd43091311efc63b9d01515ab8d7fb17e92015",
    ),
    (
        DType::BF16,
        0x2e0d0000,
        "94c5edaf34ac70ad8d99560d1a58b26cd17cc8e712d5752a18a27bef845f3fa3",
    ),
    (
        DType::Q8_0,
        0x4109a7c0,
        "bdff8b4155c9998d4d7b72e6c6ba616792eaafbfc6a8b3e9d2284d89d6cc74d2",
    ),
    (
        DType::Q4_0,
        0x3e913800,
        "05eb8e95ab471adb637218375b8770e5ed7a4e121e870f31ba2f7eeeebc54eb4",
    ),
    (
        DType::Q4_1,
        0x3f734000,
        "eb29e03beffab2b0a6d82b9993c7b5069aab895ab271d66d0ca9318c95920376",
    ),
    (
        DType::Q5_0,
        0x3f296c00,
        "c56847e5a99bad74e92e0fbf300b0e197172a020413948bf44967b94138642cc",
    ),
    (
        DType::Q5_1,
        0x40056c00,
        "e124ea0f1fefafd3156f366cd0623f22dd55132adae8738982fe5e8c6d1ce35b",
    ),
    (
        DType::Q4K,
        0x424794a0,
        "02a9475dbfb1082cfdddfca97c9dd60047e89d5fb5940d4160d3844787b4a3f0",
    ),
    (
        DType::Q5K,
        0x42dfd4d0,
        "6abec7507e5086aee8a312989318209c45184247f11b3c066b43f75d0a88e359",
    ),
    (
        DType::Q6K,
        0xc1c29160,
        "7215ebf2202afdaf1ce07384e3e09ff4bcbc97a9df58a77faf51841eaae28f48",
    ),
];

fn scale_bytes(dtype: DType) -> &'static [usize] {
    match dtype {
        DType::F32 => &[3],
        DType::F16 | DType::BF16 | DType::Q8_0 | DType::Q4_0 | DType::Q5_0 => &[1],
        DType::Q4_1 | DType::Q5_1 | DType::Q4K | DType::Q5K => &[1, 3],
        DType::Q6K => &[209],
    }
}

#[test]
fn values_equal_the_reference_to_the_bit() {
    for (dtype, first, digest) in GOLDEN {
        let size = dtype.block_bytes();
        let mut blocks: Vec<u8> = (0..4 * size).map(|i| ((i * 167 + 13) % 256) as u8).collect();
        for block in blocks.chunks_exact_mut(size) {
            for at in scale_bytes(dtype) {
                block[*at] = 0x2e;
            }
        }
        let mut out = vec![0.0; 4 * dtype.block_size()];
        dequantize(dtype, &blocks, &mut out).unwrap();
        assert_eq!(out[0].to_bits(), first, "{dtype}");
        let bytes: Vec<u8> = out.iter().flat_map(|v| v.to_le_bytes()).collect();
        let hex: String = Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(hex, digest, "{dtype}");
    }
}

#[test]
fn names_and_sizes_are_consistent() {
    for dtype in DType::ALL {
        assert_eq!(DType::from_name(dtype.name()), Some(dtype));
        assert_eq!(dtype.bytes(dtype.block_size() * 3), Some(dtype.block_bytes() * 3));
        assert_eq!(
            dtype.bytes(usize::MAX - usize::MAX % 256).is_some(),
            dtype.block_bytes() <= dtype.block_size()
        );
    }
    assert_eq!(DType::Q8_0.bytes(33), None);
}

proptest! {
    #[test]
    fn wrong_lengths_are_refused(len in 0usize..600, weights in 0usize..600, which in 0usize..11) {
        let dtype = DType::ALL[which];
        let mut out = vec![0.0; weights];
        let fits = dtype.bytes(weights) == Some(len);
        prop_assert_eq!(dequantize(dtype, &vec![0; len], &mut out).is_ok(), fits);
    }

    #[test]
    fn blocks_do_not_depend_on_their_neighbours(bytes in proptest::collection::vec(any::<u8>(), 420)) {
        for dtype in DType::ALL {
            let (size, len) = (dtype.block_size(), dtype.block_bytes());
            let mut both = vec![0.0; 2 * size];
            dequantize(dtype, &bytes[..2 * len], &mut both).unwrap();
            let mut second = vec![0.0; size];
            dequantize(dtype, &bytes[len..2 * len], &mut second).unwrap();
            let bits = |values: &[f32]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
            prop_assert_eq!(bits(&both[size..]), bits(&second));
        }
    }
}
