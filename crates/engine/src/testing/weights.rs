//! Random weights of a plausible size in every format.

use half::{bf16, f16};

use crate::quant::DType;

/// SplitMix64 (Steele, Lea & Flood, OOPSLA 2014), seeded by a number and a name.
pub(super) struct Random(u64);

impl Random {
    pub fn new(seed: u64, name: &str) -> Self {
        // FNV-1a of the name.
        let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, b| {
            (hash ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3)
        });
        Random(seed ^ hash)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// As a source of 64-bit numbers.
    pub fn source(mut self) -> impl FnMut() -> u64 {
        move || self.next()
    }
}

/// About standard normal: the sum of twelve uniform numbers, less six.
fn normal(source: &mut impl FnMut() -> u64) -> f32 {
    let uniform = |bits: u64| (bits >> 40) as f32 / (1u64 << 24) as f32;
    (0..12).map(|_| uniform(source())).sum::<f32>() - 6.0
}

/// `len` F32 values near `around`.
pub(super) fn vector(random: &mut Random, len: usize, around: f32) -> Vec<u8> {
    let mut source = || random.next();
    (0..len)
        .flat_map(|_| (around + 0.1 * normal(&mut source)).to_le_bytes())
        .collect()
}

/// Blocks of `weights` random values with a standard deviation of about `scale`. `source` gives random
/// 64-bit numbers.
///
/// # Panics
/// When `weights` is not whole blocks of `dtype`.
pub fn random_blocks(dtype: DType, weights: usize, scale: f32, source: &mut impl FnMut() -> u64) -> Vec<u8> {
    let len = dtype.bytes(weights);
    let len = len.unwrap_or_else(|| panic!("{weights} weights are not whole blocks of {dtype}"));
    match dtype {
        DType::F32 => {
            return (0..weights)
                .flat_map(|_| (scale * normal(source)).to_le_bytes())
                .collect();
        }
        DType::F16 => {
            let value = |_| f16::from_f32(scale * normal(source)).to_le_bytes();
            return (0..weights).flat_map(value).collect();
        }
        DType::BF16 => {
            let value = |_| bf16::from_f32(scale * normal(source)).to_le_bytes();
            return (0..weights).flat_map(value).collect();
        }
        _ => {}
    }
    let mut data: Vec<u8> = (0..len.div_ceil(8))
        .flat_map(|_| source().to_le_bytes())
        .collect();
    data.truncate(len);
    // The bytes are uniform; the f16 scales, at these places of each block, bring them to size and, for
    // formats with a minimum, centre them.
    let (unit, scale_at, minimum): (f32, usize, Option<(usize, f32)>) = match dtype {
        DType::Q8_0 => (73.9, 0, None),
        DType::Q4_0 => (4.6, 0, None),
        DType::Q4_1 => (4.6, 0, Some((2, -7.5))),
        DType::Q5_0 => (9.2, 0, None),
        DType::Q5_1 => (9.2, 0, Some((2, -15.5))),
        DType::Q4K => (36.0 * 4.6, 0, Some((2, 7.5))),
        DType::Q5K => (36.0 * 9.2, 0, Some((2, 15.5))),
        DType::Q6K => (73.9 * 18.5, 208, None),
        DType::F32 | DType::F16 | DType::BF16 => return data,
    };
    for block in data.chunks_exact_mut(dtype.block_bytes()) {
        let jitter = 0.75 + 0.5 * (source() >> 40) as f32 / (1u64 << 24) as f32;
        let d = scale / unit * jitter;
        block[scale_at..scale_at + 2].copy_from_slice(&f16::from_f32(d).to_le_bytes());
        if let Some((at, factor)) = minimum {
            block[at..at + 2].copy_from_slice(&f16::from_f32(d * factor).to_le_bytes());
        }
    }
    data
}
