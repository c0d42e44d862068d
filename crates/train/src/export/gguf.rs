//! A model as a GGUF file. Vocabulary, template and all other metadata are those of the start model's file.

use std::fs;
use std::path::Path;

use rayon::prelude::*;
use strawberry_engine::config::{ModelConfig, RopeLayout};
use strawberry_engine::gguf::{Gguf, Value, ValueType, Writer};
use strawberry_engine::quant::DType;
use strawberry_engine::source::ModelSource;

use super::quantise::quantise;
use crate::checkpoint::write_file;
use crate::error::TrainError;
use crate::network::{Network, Tensor, rotated_heads, stored_row};

/// What a matrix is stored as when `wanted` is: formats whose blocks don't divide its rows give way to Q8_0,
/// as does a 4-bit embedding, which is the output matrix as well.
fn storage(tensor: &Tensor, wanted: DType) -> DType {
    let four_bits = matches!(wanted, DType::Q4_0 | DType::Q4K);
    if tensor.rows == 1 || !tensor.cols.is_multiple_of(32) {
        DType::F32
    } else if !tensor.cols.is_multiple_of(wanted.block_size())
        || (four_bits && !tensor.name.starts_with("blk."))
    {
        DType::Q8_0
    } else {
        wanted
    }
}

/// llama.cpp's number for files that are mostly of one format.
fn file_type(dtype: DType) -> Option<u32> {
    match dtype {
        DType::F32 => Some(0),
        DType::F16 => Some(1),
        DType::Q4_0 => Some(2),
        DType::Q8_0 => Some(7),
        DType::Q4K => Some(14),
        _ => None,
    }
}

/// The network, its adapters merged, as the bytes of a GGUF file.
///
/// # Errors
/// When the start model is not a GGUF file (its tokenizer could not be written down), or `dtype` is none of F32,
/// F16, Q8_0, Q4_0 and Q4_K.
pub fn bytes(network: &Network, source: &ModelSource, dtype: DType) -> Result<Vec<u8>, TrainError> {
    let Some(file_type) = file_type(dtype) else {
        return Err(TrainError::Option(format!(
            "{dtype} can't be written: use F32, F16, Q8_0, Q4_0 or Q4_K"
        )));
    };
    let path = source.path();
    if path.is_dir() {
        return Err(TrainError::Unsupported(format!(
            "{}: GGUF is written from a GGUF start model only; export a folder, which llama.cpp converts",
            path.display()
        )));
    }
    let file = fs::read(path).map_err(TrainError::io(path))?;
    let header = Gguf::parse(&file, &path.display().to_string())?;
    let mut merged = network.clone();
    merged.merge();
    let config = merged.config();
    let mut writer = Writer::new();
    let layers = format!("{}.block_count", config.architecture.name());
    copy_metadata(&mut writer, &header, &file, |key| match key {
        "general.file_type" => Some(file_type),
        _ if key == layers => Some(config.layers as u32),
        _ => None,
    });
    if let Ok(factors) = source.tensor("rope_freqs.weight") {
        let data = factors.to_f32().iter().flat_map(|v| v.to_le_bytes()).collect();
        writer.tensor("rope_freqs.weight", &[factors.cols], DType::F32, data);
    }
    let stored: Vec<(DType, Vec<u8>)> = merged
        .tensors()
        .par_iter()
        .map(|t| {
            let dtype = storage(t, dtype);
            (dtype, quantise(dtype, &in_file_order(config, t)))
        })
        .collect();
    for (t, (dtype, data)) in merged.tensors().iter().zip(stored) {
        let dims = if t.rows == 1 {
            vec![t.cols]
        } else {
            vec![t.cols, t.rows]
        };
        writer.tensor(&t.name, &dims, dtype, data);
    }
    Ok(writer.to_vec())
}

/// Writes the network as a GGUF file, whole or not at all.
///
/// # Errors
/// Those of [`bytes`], and of the disk.
pub fn write(path: &Path, network: &Network, source: &ModelSource, dtype: DType) -> Result<(), TrainError> {
    write_file(path, &bytes(network, source, dtype)?)
}

/// A tensor's values with the rows of q and k where GGUF has them.
fn in_file_order(config: &ModelConfig, t: &Tensor) -> Vec<f32> {
    if config.rope.layout == RopeLayout::Half || rotated_heads(config, &t.name).is_none() {
        return t.data.clone();
    }
    let mut out = vec![0.0; t.data.len()];
    for (row, values) in t.data.chunks(t.cols).enumerate() {
        out[stored_row(config, row) * t.cols..][..t.cols].copy_from_slice(values);
    }
    out
}

fn copy_metadata(writer: &mut Writer, header: &Gguf, file: &[u8], instead: impl Fn(&str) -> Option<u32>) {
    for (key, value) in &header.metadata {
        if let Some(number) = instead(key) {
            writer.u32(key, number);
            continue;
        }
        match value {
            // The keys a model needs are 32-bit; a longer number belongs to nobody's.
            Value::Int(n) => {
                if let Ok(n) = u32::try_from(*n) {
                    writer.u32(key, n);
                }
            }
            Value::Float(x) => writer.f32(key, *x as f32),
            Value::Bool(b) => writer.bool(key, *b),
            Value::String(text) => writer.string(key, text),
            Value::Array {
                element: ValueType::String,
                ..
            } => {
                if let Ok(Some(texts)) = header.strings(file, key) {
                    let texts: Vec<_> = texts.map(String::from_utf8_lossy).collect();
                    writer.strings(key, &texts);
                }
            }
            Value::Array { element, .. } => {
                if let Ok(Some(numbers)) = header.numbers(file, key) {
                    if matches!(element, ValueType::F32 | ValueType::F64) {
                        writer.f32s(key, &numbers.map(|x| x as f32).collect::<Vec<_>>());
                    } else {
                        writer.i32s(key, &numbers.map(|x| x as i32).collect::<Vec<_>>());
                    }
                }
            }
        }
    }
}
