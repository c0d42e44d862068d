//! Walking through a GGUF header: each step checks what it takes against the bytes that are there.

use std::ops::Range;

use super::reader::{Value, ValueType};
use super::type_name;
use crate::error::LoadError;
use crate::quant::DType;

/// More metadata entries or tensors than any model has; a bound on the header's tables.
const MAX_ENTRIES: u64 = 1 << 16;
/// Longest metadata key or tensor name, bytes.
const MAX_NAME: usize = 1 << 10;

/// The scalar in `b`, whose length is the type's size.
pub(super) fn number(element: ValueType, b: &[u8]) -> f64 {
    match scalar(element, b) {
        Value::Int(n) => n as f64,
        Value::Float(x) => x,
        Value::Bool(b) => f64::from(u8::from(b)),
        Value::String(_) | Value::Array { .. } => 0.0,
    }
}

fn scalar(element: ValueType, b: &[u8]) -> Value {
    let mut wide = [0; 8];
    wide[..b.len()].copy_from_slice(b);
    let bits = u64::from_le_bytes(wide);
    match element {
        ValueType::I8 => Value::Int((bits as u8).cast_signed().into()),
        ValueType::I16 => Value::Int((bits as u16).cast_signed().into()),
        ValueType::I32 => Value::Int((bits as u32).cast_signed().into()),
        ValueType::I64 => Value::Int(bits.cast_signed().into()),
        ValueType::F32 => Value::Float(f32::from_bits(bits as u32).into()),
        ValueType::F64 => Value::Float(f64::from_bits(bits)),
        ValueType::Bool => Value::Bool(bits != 0),
        _ => Value::Int(bits.into()),
    }
}

/// A position in the header.
pub(super) struct Cursor<'a> {
    pub file: &'a [u8],
    pub at: usize,
    pub place: &'a str,
}

impl<'a> Cursor<'a> {
    pub fn bad(&self, what: impl Into<String>) -> LoadError {
        LoadError::malformed(self.place, what)
    }

    fn take(&mut self, len: usize, what: &str) -> Result<&'a [u8], LoadError> {
        let rest = &self.file[self.at..];
        if len > rest.len() {
            return Err(self.bad(format!(
                "it ends inside the header: {what} needs {len} bytes at byte {}, the file has {}",
                self.at,
                self.file.len()
            )));
        }
        self.at += len;
        Ok(&rest[..len])
    }

    pub fn u32(&mut self, what: &str) -> Result<u32, LoadError> {
        let b = self.take(4, what)?;
        Ok(u32::from_le_bytes([b[0], b[1], b[2], b[3]]))
    }

    fn u64(&mut self, what: &str) -> Result<u64, LoadError> {
        let low = self.u32(what)?;
        Ok(u64::from(low) | u64::from(self.u32(what)?) << 32)
    }

    /// A number of header entries, each of at least `min_bytes`.
    pub fn count(&mut self, what: &str, min_bytes: u64) -> Result<u64, LoadError> {
        let n = self.u64(what)?;
        let room = (self.file.len() - self.at) as u64 / min_bytes;
        if n > room.min(MAX_ENTRIES) {
            return Err(self.bad(format!(
                "it claims {n} {what}; the file has room for {room} and the limit is {MAX_ENTRIES}"
            )));
        }
        Ok(n)
    }

    fn text(&mut self, what: &str) -> Result<&'a [u8], LoadError> {
        let len = self.u64(what)?;
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        self.take(len, what)
    }

    pub fn name(&mut self, what: &str) -> Result<String, LoadError> {
        let bytes = self.text(what)?;
        if bytes.len() > MAX_NAME {
            return Err(self.bad(format!("a {what} is {} bytes long", bytes.len())));
        }
        match std::str::from_utf8(bytes) {
            Ok(name) => Ok(name.to_owned()),
            Err(_) => Err(self.bad(format!("a {what} before byte {} is not UTF-8", self.at))),
        }
    }

    fn value_type(&mut self, key: &str) -> Result<ValueType, LoadError> {
        let n = self.u32(key)?;
        ValueType::from_number(n)
            .ok_or_else(|| self.bad(format!("the metadata key `{key}` has the unknown type {n}")))
    }

    pub fn value(&mut self, key: &str) -> Result<Value, LoadError> {
        let ty = self.value_type(key)?;
        match ty {
            ValueType::String => {
                let text = self.text(key)?;
                let text = std::str::from_utf8(text)
                    .map_err(|_| self.bad(format!("the metadata key `{key}` is not UTF-8")))?;
                Ok(Value::String(text.to_owned()))
            }
            ValueType::Array => {
                let element = self.value_type(key)?;
                let len = self.u64(key)?;
                let len = usize::try_from(len).unwrap_or(usize::MAX);
                let start = self.at;
                match element {
                    ValueType::Array => {
                        return Err(self.bad(format!("the metadata key `{key}` is an array of arrays")));
                    }
                    ValueType::String => {
                        for _ in 0..len {
                            self.text(key)?;
                        }
                    }
                    _ => {
                        let size = element.size().unwrap_or(1);
                        self.take(len.saturating_mul(size), key)?;
                    }
                }
                Ok(Value::Array {
                    element,
                    len,
                    bytes: start..self.at,
                })
            }
            scalar_type => {
                let b = self.take(scalar_type.size().unwrap_or(1), key)?;
                Ok(scalar(scalar_type, b))
            }
        }
    }

    pub fn tensor(&mut self) -> Result<(String, DType, Vec<usize>, u64), LoadError> {
        let name = self.name("tensor name")?;
        let rank = self.u32(&name)?;
        if !(1..=4).contains(&rank) {
            return Err(self.bad(format!("the tensor `{name}` has {rank} dimensions")));
        }
        let mut dims = Vec::with_capacity(4);
        for _ in 0..rank {
            let n = self.u64(&name)?;
            match usize::try_from(n) {
                Ok(n) if n > 0 => dims.push(n),
                _ => return Err(self.bad(format!("the tensor `{name}` has a dimension of {n}"))),
            }
        }
        let number = self.u32(&name)?;
        let offset = self.u64(&name)?;
        let Some(format) = type_name(number) else {
            return Err(self.bad(format!("the tensor `{name}` has the unknown format {number}")));
        };
        let Some(dtype) = DType::from_name(format) else {
            return Err(LoadError::unsupported(
                self.place,
                format!("the quantisation {format} (tensor `{name}`)"),
                format!("use a file in one of {}", DType::ALL.map(DType::name).join(", ")),
            ));
        };
        Ok((name, dtype, dims, offset))
    }

    /// Where a tensor lies in the file.
    pub fn extent(
        &self,
        name: &str,
        dtype: DType,
        dims: &[usize],
        offset: u64,
        alignment: usize,
        data: usize,
    ) -> Result<Range<usize>, LoadError> {
        let weights = dims.iter().try_fold(1usize, |n, d| n.checked_mul(*d));
        let whole = dims[0].is_multiple_of(dtype.block_size());
        let Some(len) = weights.filter(|_| whole).and_then(|n| dtype.bytes(n)) else {
            return Err(self.bad(format!(
                "the tensor `{name}` of {dims:?} weights is not whole {dtype} blocks"
            )));
        };
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        if !offset.is_multiple_of(alignment) {
            return Err(self.bad(format!(
                "the tensor `{name}` at offset {offset} is not aligned to {alignment}"
            )));
        }
        match data
            .checked_add(offset)
            .and_then(|start| Some(start..start.checked_add(len)?))
        {
            Some(bytes) if bytes.end <= self.file.len() => Ok(bytes),
            _ => Err(self.bad(format!(
                "the tensor `{name}` ({len} bytes at offset {offset}) ends past the end of the file \
                 ({} bytes): the download is incomplete",
                self.file.len()
            ))),
        }
    }
}
