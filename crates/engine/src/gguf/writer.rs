//! Writing of GGUF version 3 files.

use std::io::{self, Write};

use super::{DEFAULT_ALIGNMENT, MAGIC, ValueType, type_number};
use crate::quant::DType;

/// Collects metadata and tensors, then writes the file in one pass.
///
/// ```
/// use strawberry_engine::gguf::{Gguf, Writer};
/// use strawberry_engine::quant::DType;
///
/// let mut writer = Writer::new();
/// writer.string("general.architecture", "llama");
/// writer.u32("llama.block_count", 2);
/// writer.tensor("output_norm.weight", &[4], DType::F32, vec![0; 16]);
/// let file = writer.to_vec();
/// assert_eq!(Gguf::parse(&file, "example").unwrap().require_usize("llama.block_count").unwrap(), 2);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Writer {
    entries: u64,
    metadata: Vec<u8>,
    tensors: Vec<(String, Vec<usize>, DType, Vec<u8>)>,
}

impl Writer {
    /// An empty file.
    pub fn new() -> Self {
        Writer::default()
    }

    fn key(&mut self, key: &str, ty: ValueType) -> &mut Vec<u8> {
        self.entries += 1;
        text(&mut self.metadata, key.as_bytes());
        self.metadata.extend((ty as u32).to_le_bytes());
        &mut self.metadata
    }

    fn array(&mut self, key: &str, element: ValueType, len: usize) -> &mut Vec<u8> {
        let out = self.key(key, ValueType::Array);
        out.extend((element as u32).to_le_bytes());
        out.extend((len as u64).to_le_bytes());
        out
    }

    /// Adds text.
    pub fn string(&mut self, key: &str, value: &str) {
        text(self.key(key, ValueType::String), value.as_bytes());
    }

    /// Adds a size.
    pub fn u32(&mut self, key: &str, value: u32) {
        self.key(key, ValueType::U32).extend(value.to_le_bytes());
    }

    /// Adds a real number.
    pub fn f32(&mut self, key: &str, value: f32) {
        self.key(key, ValueType::F32).extend(value.to_le_bytes());
    }

    /// Adds a truth value.
    pub fn bool(&mut self, key: &str, value: bool) {
        self.key(key, ValueType::Bool).push(value.into());
    }

    /// Adds a list of texts.
    pub fn strings<S: AsRef<str>>(&mut self, key: &str, values: &[S]) {
        let out = self.array(key, ValueType::String, values.len());
        for value in values {
            text(out, value.as_ref().as_bytes());
        }
    }

    /// Adds a list of 32-bit integers.
    pub fn i32s(&mut self, key: &str, values: &[i32]) {
        let out = self.array(key, ValueType::I32, values.len());
        out.extend(values.iter().flat_map(|v| v.to_le_bytes()));
    }

    /// Adds a list of real numbers.
    pub fn f32s(&mut self, key: &str, values: &[f32]) {
        let out = self.array(key, ValueType::F32, values.len());
        out.extend(values.iter().flat_map(|v| v.to_le_bytes()));
    }

    /// Adds a tensor. `dims` has the contiguous dimension first: a matrix of `rows × cols` is
    /// `[cols, rows]`. `data` are its blocks.
    ///
    /// # Panics
    /// When `data` is not exactly the blocks of that many weights.
    pub fn tensor(&mut self, name: &str, dims: &[usize], dtype: DType, data: Vec<u8>) {
        let weights = dims.iter().product();
        assert_eq!(
            dtype.bytes(weights),
            Some(data.len()),
            "{name}: {dims:?} weights of {dtype}"
        );
        self.tensors.push((name.to_owned(), dims.to_vec(), dtype, data));
    }

    /// Writes the file.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let mut header = MAGIC.to_vec();
        header.extend(3u32.to_le_bytes());
        header.extend((self.tensors.len() as u64).to_le_bytes());
        header.extend(self.entries.to_le_bytes());
        header.extend(&self.metadata);
        let mut offset = 0;
        for (name, dims, dtype, data) in &self.tensors {
            text(&mut header, name.as_bytes());
            header.extend((dims.len() as u32).to_le_bytes());
            header.extend(dims.iter().flat_map(|d| (*d as u64).to_le_bytes()));
            header.extend(type_number(*dtype).to_le_bytes());
            header.extend((offset as u64).to_le_bytes());
            offset += data.len().next_multiple_of(DEFAULT_ALIGNMENT);
        }
        padded(out, &header)?;
        for (.., data) in &self.tensors {
            padded(out, data)?;
        }
        out.flush()
    }

    /// The file's bytes.
    pub fn to_vec(&self) -> Vec<u8> {
        let mut out = Vec::new();
        // Writing to memory does not fail.
        let _ = self.write(&mut out);
        out
    }
}

fn text(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend((bytes.len() as u64).to_le_bytes());
    out.extend(bytes);
}

fn padded(out: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    out.write_all(bytes)?;
    let padding = bytes.len().next_multiple_of(DEFAULT_ALIGNMENT) - bytes.len();
    out.write_all(&[0; DEFAULT_ALIGNMENT][..padding])
}
