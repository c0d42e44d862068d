//! Weight formats and their exact dequantisation.
//!
//! A tensor's row is a whole number of *blocks*; a block holds [`DType::block_size`] weights in
//! [`DType::block_bytes`] bytes, with one or two f16 scales. The layouts and formulas are those of the GGUF
//! format (ggml's `block_q*` structs). Multiplication and addition are rounded separately in f32, in the
//! order of the reference, so that values agree with it to the bit.
//!
//! `blocks.rs` has one function per format.

mod blocks;
#[cfg(test)]
mod tests;

use std::fmt;

/// How the weights of a tensor are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DType {
    /// 32-bit float.
    F32,
    /// IEEE 16-bit float.
    F16,
    /// The upper half of a 32-bit float.
    BF16,
    /// 32 signed bytes and one scale.
    Q8_0,
    /// 32 four-bit values around 8 and one scale.
    Q4_0,
    /// 32 four-bit values, a scale and a minimum.
    Q4_1,
    /// 32 five-bit values around 16 and one scale.
    Q5_0,
    /// 32 five-bit values, a scale and a minimum.
    Q5_1,
    /// 256 four-bit values in 8 sub-blocks with six-bit scales and minima.
    Q4K,
    /// 256 five-bit values in 8 sub-blocks with six-bit scales and minima.
    Q5K,
    /// 256 six-bit values in 16 sub-blocks with eight-bit scales.
    Q6K,
}

impl DType {
    /// Every format, in no particular order.
    pub const ALL: [DType; 11] = [
        DType::F32,
        DType::F16,
        DType::BF16,
        DType::Q8_0,
        DType::Q4_0,
        DType::Q4_1,
        DType::Q5_0,
        DType::Q5_1,
        DType::Q4K,
        DType::Q5K,
        DType::Q6K,
    ];

    /// Weights per block (1 for the float formats).
    pub const fn block_size(self) -> usize {
        match self {
            DType::F32 | DType::F16 | DType::BF16 => 1,
            DType::Q8_0 | DType::Q4_0 | DType::Q4_1 | DType::Q5_0 | DType::Q5_1 => 32,
            DType::Q4K | DType::Q5K | DType::Q6K => 256,
        }
    }

    /// Bytes per block.
    pub const fn block_bytes(self) -> usize {
        match self {
            DType::F32 => 4,
            DType::F16 | DType::BF16 => 2,
            DType::Q8_0 => 34,
            DType::Q4_0 => 18,
            DType::Q4_1 => 20,
            DType::Q5_0 => 22,
            DType::Q5_1 => 24,
            DType::Q4K => 144,
            DType::Q5K => 176,
            DType::Q6K => 210,
        }
    }

    /// The name used in GGUF files' tables (`Q4_K`, `F16`…).
    pub const fn name(self) -> &'static str {
        match self {
            DType::F32 => "F32",
            DType::F16 => "F16",
            DType::BF16 => "BF16",
            DType::Q8_0 => "Q8_0",
            DType::Q4_0 => "Q4_0",
            DType::Q4_1 => "Q4_1",
            DType::Q5_0 => "Q5_0",
            DType::Q5_1 => "Q5_1",
            DType::Q4K => "Q4_K",
            DType::Q5K => "Q5_K",
            DType::Q6K => "Q6_K",
        }
    }

    /// The format called `name`, as [`DType::name`] writes it.
    pub fn from_name(name: &str) -> Option<DType> {
        DType::ALL.into_iter().find(|dtype| dtype.name() == name)
    }

    /// Bytes of `weights` values, or `None` when they are not whole blocks or the product overflows.
    pub fn bytes(self, weights: usize) -> Option<usize> {
        if !weights.is_multiple_of(self.block_size()) {
            return None;
        }
        (weights / self.block_size()).checked_mul(self.block_bytes())
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The input of [`dequantize`] does not fit its output.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{bytes} bytes of {dtype} do not hold {weights} weights (a block is {} weights in {} bytes)",
    .dtype.block_size(), .dtype.block_bytes())]
pub struct SizeMismatch {
    /// The format.
    pub dtype: DType,
    /// Length of the input, bytes.
    pub bytes: usize,
    /// Length of the output, weights.
    pub weights: usize,
}

/// Writes the weights in `data` to `out` as f32.
///
/// # Errors
/// [`SizeMismatch`] unless `data` is exactly the blocks that hold `out.len()` weights.
pub fn dequantize(dtype: DType, data: &[u8], out: &mut [f32]) -> Result<(), SizeMismatch> {
    if dtype.bytes(out.len()) != Some(data.len()) {
        return Err(SizeMismatch {
            dtype,
            bytes: data.len(),
            weights: out.len(),
        });
    }
    let block: fn(&[u8], &mut [f32]) = match dtype {
        DType::F32 => blocks::f32,
        DType::F16 => blocks::f16,
        DType::BF16 => blocks::bf16,
        DType::Q8_0 => blocks::q8_0,
        DType::Q4_0 => blocks::q4_0,
        DType::Q4_1 => blocks::q4_1,
        DType::Q5_0 => blocks::q5_0,
        DType::Q5_1 => blocks::q5_1,
        DType::Q4K => blocks::q4_k,
        DType::Q5K => blocks::q5_k,
        DType::Q6K => blocks::q6_k,
    };
    for (bytes, weights) in data
        .chunks_exact(dtype.block_bytes())
        .zip(out.chunks_exact_mut(dtype.block_size()))
    {
        block(bytes, weights);
    }
    Ok(())
}
