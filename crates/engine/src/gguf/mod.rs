//! The GGUF container, versions 2 and 3: typed key–value metadata followed by aligned tensors.
//!
//! `reader.rs` parses a header out of bytes that may be hostile, step by step in `cursor.rs`; `writer.rs`
//! writes files. The format is
//! specified in ggml's `docs/gguf.md`. What the keys mean for a model is `source/gguf_model.rs`'s concern.

mod cursor;
mod reader;
#[cfg(test)]
mod tests;
mod writer;

pub use reader::{Gguf, Value, ValueType};
pub use writer::Writer;

use crate::quant::DType;

/// `GGUF` in ASCII.
const MAGIC: [u8; 4] = *b"GGUF";
/// Where tensors start unless `general.alignment` says otherwise, bytes.
const DEFAULT_ALIGNMENT: usize = 32;

/// Numbers of the tensor formats in the file, with their names; those this engine reads have a [`DType`].
const TENSOR_TYPES: &[(u32, &str)] = &[
    (0, "F32"),
    (1, "F16"),
    (2, "Q4_0"),
    (3, "Q4_1"),
    (6, "Q5_0"),
    (7, "Q5_1"),
    (8, "Q8_0"),
    (9, "Q8_1"),
    (10, "Q2_K"),
    (11, "Q3_K"),
    (12, "Q4_K"),
    (13, "Q5_K"),
    (14, "Q6_K"),
    (15, "Q8_K"),
    (16, "IQ2_XXS"),
    (17, "IQ2_XS"),
    (18, "IQ3_XXS"),
    (19, "IQ1_S"),
    (20, "IQ4_NL"),
    (21, "IQ3_S"),
    (22, "IQ2_S"),
    (23, "IQ4_XS"),
    (24, "I8"),
    (25, "I16"),
    (26, "I32"),
    (27, "I64"),
    (28, "F64"),
    (29, "IQ1_M"),
    (30, "BF16"),
    (34, "TQ1_0"),
    (35, "TQ2_0"),
    (39, "MXFP4"),
];

fn type_name(number: u32) -> Option<&'static str> {
    TENSOR_TYPES
        .iter()
        .find(|(n, _)| *n == number)
        .map(|(_, name)| *name)
}

fn type_number(dtype: DType) -> u32 {
    TENSOR_TYPES
        .iter()
        .find(|(_, name)| *name == dtype.name())
        .map_or(u32::MAX, |(n, _)| *n)
}
