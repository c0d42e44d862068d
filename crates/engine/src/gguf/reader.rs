//! Parsing of a GGUF header. Every length, count and offset is checked against the bytes at hand before
//! anything is allocated for it; arrays stay in the file and are read in place.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use super::cursor::{Cursor, number};
use super::{DEFAULT_ALIGNMENT, MAGIC};
use crate::error::LoadError;
use crate::quant::DType;

/// The element type of a metadata value, numbered as in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum ValueType {
    /// Unsigned byte.
    U8 = 0,
    /// Signed byte.
    I8 = 1,
    /// Unsigned 16-bit integer.
    U16 = 2,
    /// Signed 16-bit integer.
    I16 = 3,
    /// Unsigned 32-bit integer.
    U32 = 4,
    /// Signed 32-bit integer.
    I32 = 5,
    /// 32-bit float.
    F32 = 6,
    /// One byte, 0 or 1.
    Bool = 7,
    /// UTF-8 text with a 64-bit length before it.
    String = 8,
    /// Elements of one type.
    Array = 9,
    /// Unsigned 64-bit integer.
    U64 = 10,
    /// Signed 64-bit integer.
    I64 = 11,
    /// 64-bit float.
    F64 = 12,
}

impl ValueType {
    pub(super) fn from_number(number: u32) -> Option<Self> {
        use ValueType::*;
        [
            U8, I8, U16, I16, U32, I32, F32, Bool, String, Array, U64, I64, F64,
        ]
        .into_iter()
        .find(|t| *t as u32 == number)
    }

    /// Bytes of one element; `None` for strings and arrays.
    pub(super) fn size(self) -> Option<usize> {
        use ValueType::*;
        match self {
            U8 | I8 | Bool => Some(1),
            U16 | I16 => Some(2),
            U32 | I32 | F32 => Some(4),
            U64 | I64 | F64 => Some(8),
            String | Array => None,
        }
    }
}

/// A metadata value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Any integer type.
    Int(i128),
    /// Either float type.
    Float(f64),
    /// A truth value.
    Bool(bool),
    /// Text.
    String(String),
    /// An array, left in the file.
    Array {
        /// Type of the elements; never an array.
        element: ValueType,
        /// Number of elements.
        len: usize,
        /// Where the elements' bytes lie in the file.
        bytes: Range<usize>,
    },
}

/// A tensor's entry in the header, checked against the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TensorInfo {
    pub dtype: DType,
    /// One to four sizes, the contiguous one first, none zero.
    pub dims: Vec<usize>,
    /// Where the tensor's bytes lie in the file.
    pub bytes: Range<usize>,
}

impl TensorInfo {
    pub fn weights(&self) -> usize {
        self.dims.iter().product()
    }
}

/// A parsed header. The accessors that read arrays take the same bytes again, so that the header can live
/// beside a memory map.
#[derive(Clone, Debug)]
pub struct Gguf {
    place: String,
    /// Format version, 2 or 3.
    pub version: u32,
    /// Metadata by key.
    pub metadata: BTreeMap<String, Value>,
    pub(crate) tensors: HashMap<String, TensorInfo>,
}

impl Gguf {
    /// Parses the header of `file`. `place` names the file in errors.
    ///
    /// # Errors
    /// [`LoadError::Malformed`] for bytes that are not GGUF or contradict themselves,
    /// [`LoadError::Unsupported`] for versions, tensor formats and layouts outside this engine.
    pub fn parse(file: &[u8], place: &str) -> Result<Self, LoadError> {
        let mut cursor = Cursor { file, at: 0, place };
        if file.get(..4) != Some(&MAGIC[..]) {
            return Err(cursor.bad("it does not start with the letters GGUF"));
        }
        cursor.at = 4;
        let version = cursor.u32("version")?;
        match version {
            2 | 3 => {}
            1 => {
                return Err(LoadError::unsupported(
                    place,
                    "GGUF version 1",
                    "convert the model again with a current tool",
                ));
            }
            _ if matches!(version.swap_bytes(), 1..=3) => {
                return Err(LoadError::unsupported(
                    place,
                    "big-endian GGUF",
                    "use the little-endian file",
                ));
            }
            _ => {
                return Err(LoadError::unsupported(
                    place,
                    format!("GGUF version {version}"),
                    "this engine reads versions 2 and 3",
                ));
            }
        }
        let tensor_count = cursor.count("tensors", 24)?;
        let entry_count = cursor.count("metadata entries", 13)?;

        let mut metadata = BTreeMap::new();
        for _ in 0..entry_count {
            let key = cursor.name("metadata key")?;
            let value = cursor.value(&key)?;
            if metadata.insert(key.clone(), value).is_some() {
                return Err(cursor.bad(format!("the key `{key}` appears twice")));
            }
        }
        let alignment = match metadata.get("general.alignment") {
            None => DEFAULT_ALIGNMENT,
            Some(Value::Int(n)) if (1..=1 << 20).contains(n) && (*n as usize).is_power_of_two() => {
                *n as usize
            }
            Some(other) => {
                return Err(cursor.bad(format!(
                    "general.alignment is {other:?}; it must be a power of two of at most 1 MiB"
                )));
            }
        };

        let mut listed = Vec::new();
        for _ in 0..tensor_count {
            listed.push(cursor.tensor()?);
        }
        let data = cursor.at.next_multiple_of(alignment);
        let mut tensors = HashMap::new();
        for (name, dtype, dims, offset) in listed {
            let bytes = cursor.extent(&name, dtype, &dims, offset, alignment, data)?;
            if tensors
                .insert(name.clone(), TensorInfo { dtype, dims, bytes })
                .is_some()
            {
                return Err(cursor.bad(format!("the tensor `{name}` appears twice")));
            }
        }
        let mut extents: Vec<(&Range<usize>, &str)> = tensors
            .iter()
            .map(|(name, t)| (&t.bytes, name.as_str()))
            .collect();
        extents.sort_by_key(|(bytes, name)| (bytes.start, *name));
        for pair in extents.windows(2) {
            if pair[0].0.end > pair[1].0.start {
                return Err(cursor.bad(format!("the tensors `{}` and `{}` overlap", pair[0].1, pair[1].1)));
            }
        }
        Ok(Gguf {
            place: place.to_owned(),
            version,
            metadata,
            tensors,
        })
    }

    /// The name that errors about this file use.
    pub fn place(&self) -> &str {
        &self.place
    }

    fn wrong(&self, key: &str, wanted: &str) -> LoadError {
        LoadError::malformed(&self.place, format!("the metadata key `{key}` is not {wanted}"))
    }

    fn required(&self, key: &str) -> LoadError {
        LoadError::malformed(&self.place, format!("the metadata key `{key}` is missing"))
    }

    /// A non-negative integer that fits `usize`, if the key is there.
    ///
    /// # Errors
    /// When the value is something else.
    pub fn usize(&self, key: &str) -> Result<Option<usize>, LoadError> {
        match self.metadata.get(key) {
            None => Ok(None),
            Some(Value::Int(n)) => usize::try_from(*n)
                .map(Some)
                .map_err(|_| self.wrong(key, "a size")),
            Some(_) => Err(self.wrong(key, "an integer")),
        }
    }

    /// Like [`Gguf::usize`], for a key that must be there.
    ///
    /// # Errors
    /// When it is not, or is not a size.
    pub fn require_usize(&self, key: &str) -> Result<usize, LoadError> {
        self.usize(key)?.ok_or_else(|| self.required(key))
    }

    /// A number, if the key is there.
    ///
    /// # Errors
    /// When the value is something else.
    pub fn f32(&self, key: &str) -> Result<Option<f32>, LoadError> {
        match self.metadata.get(key) {
            None => Ok(None),
            Some(Value::Float(x)) => Ok(Some(*x as f32)),
            Some(Value::Int(n)) => Ok(Some(*n as f32)),
            Some(_) => Err(self.wrong(key, "a number")),
        }
    }

    /// Text, if the key is there.
    ///
    /// # Errors
    /// When the value is something else.
    pub fn str(&self, key: &str) -> Result<Option<&str>, LoadError> {
        match self.metadata.get(key) {
            None => Ok(None),
            Some(Value::String(s)) => Ok(Some(s)),
            Some(_) => Err(self.wrong(key, "text")),
        }
    }

    /// A truth value, if the key is there.
    ///
    /// # Errors
    /// When the value is something else.
    pub fn bool(&self, key: &str) -> Result<Option<bool>, LoadError> {
        match self.metadata.get(key) {
            None => Ok(None),
            Some(Value::Bool(b)) => Ok(Some(*b)),
            Some(_) => Err(self.wrong(key, "true or false")),
        }
    }

    /// An array of text in place, if the key is there.
    ///
    /// # Errors
    /// When the value is something else.
    pub fn strings<'a>(
        &self,
        file: &'a [u8],
        key: &str,
    ) -> Result<Option<impl ExactSizeIterator<Item = &'a [u8]> + use<'a>>, LoadError> {
        match self.metadata.get(key) {
            None => Ok(None),
            Some(Value::Array {
                element: ValueType::String,
                len,
                bytes,
            }) => {
                let mut rest = file.get(bytes.clone()).unwrap_or_default();
                // The parser walked these lengths already.
                Ok(Some((0..*len).map(move |_| {
                    let (head, tail) = rest.split_at_checked(8).unwrap_or_default();
                    let len = head.try_into().map_or(0, u64::from_le_bytes) as usize;
                    let (text, tail) = tail.split_at_checked(len).unwrap_or_default();
                    rest = tail;
                    text
                })))
            }
            Some(_) => Err(self.wrong(key, "an array of text")),
        }
    }

    /// An array of integers or floats as f64, if the key is there.
    ///
    /// # Errors
    /// When the value is something else.
    pub fn numbers<'a>(
        &self,
        file: &'a [u8],
        key: &str,
    ) -> Result<Option<impl ExactSizeIterator<Item = f64> + use<'a>>, LoadError> {
        match self.metadata.get(key) {
            None => Ok(None),
            Some(Value::Array { element, bytes, .. }) if element.size().is_some() => {
                let (element, size) = (*element, element.size().unwrap_or(1));
                let bytes = file.get(bytes.clone()).unwrap_or_default();
                Ok(Some(bytes.chunks_exact(size).map(move |b| number(element, b))))
            }
            Some(_) => Err(self.wrong(key, "an array of numbers")),
        }
    }
}
