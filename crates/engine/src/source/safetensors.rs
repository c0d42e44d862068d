//! The header of a safetensors file: eight bytes of length, a JSON object of tensors, then their bytes back
//! to back (format described in the safetensors project's README).
//!
//! Parsed here and not by the project's own crate because that one buffers the whole header as a tree
//! before it looks at it, which lets a small hostile file claim sixteen times its size in memory.

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::error::LoadError;
use crate::quant::DType;

/// Longest header the format allows, bytes.
const MAX_HEADER: u64 = 100_000_000;
/// More tensors than any model has.
const MAX_TENSORS: usize = 1 << 16;

/// A tensor's entry, checked against the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorInfo {
    /// How the weights are stored.
    pub dtype: DType,
    /// Sizes, the contiguous one last; at most four, none zero.
    pub shape: Vec<usize>,
    /// Where the tensor's bytes lie in the file.
    pub bytes: Range<usize>,
}

/// The tensors of `file`, by the names in it. `wanted` says which names matter; others may be of any type.
/// `place` names the file in errors.
///
/// # Errors
/// [`LoadError::Malformed`] for bytes that are not safetensors or contradict themselves,
/// [`LoadError::Unsupported`] for wanted tensors of a type the engine does not read.
pub fn parse(
    file: &[u8],
    place: &str,
    wanted: impl Fn(&str) -> bool,
) -> Result<HashMap<String, TensorInfo>, LoadError> {
    let bad = |what: String| LoadError::malformed(place, what);
    let len = match file.first_chunk::<8>() {
        Some(len) => u64::from_le_bytes(*len),
        None => return Err(bad("it is shorter than a safetensors header".to_owned())),
    };
    let data = match usize::try_from(len).ok().and_then(|n| n.checked_add(8)) {
        Some(end) if len <= MAX_HEADER && end <= file.len() => end,
        _ => {
            return Err(bad(format!(
                "its header claims {len} bytes, but the file has {} and the format allows {MAX_HEADER}",
                file.len()
            )));
        }
    };
    let header: Header =
        serde_json::from_slice(&file[8..data]).map_err(|e| bad(format!("its header is wrong: {e}")))?;

    let mut tensors = HashMap::new();
    let mut extents = Vec::new();
    for (name, entry) in header.0 {
        let bytes = match entry.bytes(data, file.len()) {
            Some(bytes) => bytes,
            None => {
                return Err(bad(format!(
                    "the tensor `{name}` at {:?} does not lie inside the file ({} bytes): the download \
                     is incomplete",
                    entry.data_offsets,
                    file.len()
                )));
            }
        };
        extents.push((bytes.clone(), name.clone()));
        if !wanted(&name) {
            continue;
        }
        let dtype = match entry.dtype.0 {
            "F32" => DType::F32,
            "F16" => DType::F16,
            "BF16" => DType::BF16,
            other => {
                return Err(LoadError::unsupported(
                    place,
                    format!("the type {other} (tensor `{name}`)"),
                    "use a model stored as F32, F16 or BF16",
                ));
            }
        };
        let weights = entry.shape.0.iter().try_fold(1usize, |n, d| n.checked_mul(*d));
        if weights.and_then(|n| dtype.bytes(n)) != Some(bytes.len()) || bytes.is_empty() {
            return Err(bad(format!(
                "the tensor `{name}` of shape {:?} does not fill its {} bytes",
                entry.shape.0,
                bytes.len()
            )));
        }
        tensors.insert(
            name,
            TensorInfo {
                dtype,
                shape: entry.shape.0,
                bytes,
            },
        );
    }
    extents.sort_by_key(|(bytes, _)| bytes.start);
    for pair in extents.windows(2) {
        if pair[0].0.end > pair[1].0.start {
            return Err(bad(format!(
                "the tensors `{}` and `{}` overlap",
                pair[0].1, pair[1].1
            )));
        }
    }
    Ok(tensors)
}

struct Header(HashMap<String, Entry>);

#[derive(Deserialize)]
struct Entry {
    dtype: TypeName,
    shape: Shape,
    data_offsets: (usize, usize),
}

impl Entry {
    fn bytes(&self, data: usize, file_len: usize) -> Option<Range<usize>> {
        let (start, end) = self.data_offsets;
        let bytes = data.checked_add(start)?..data.checked_add(end)?;
        (bytes.start <= bytes.end && bytes.end <= file_len).then_some(bytes)
    }
}

/// A type name of the format, without keeping arbitrary text.
struct TypeName(&'static str);

impl<'de> Deserialize<'de> for TypeName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        const KNOWN: [&str; 17] = [
            "F32", "F16", "BF16", "F64", "I64", "I32", "I16", "I8", "U64", "U32", "U16", "U8", "BOOL",
            "F8_E4M3", "F8_E5M2", "F8_E8M0", "F4",
        ];
        struct Text;
        impl Visitor<'_> for Text {
            type Value = TypeName;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a number type")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<TypeName, E> {
                Ok(TypeName(
                    KNOWN
                        .into_iter()
                        .find(|k| *k == text)
                        .unwrap_or("of an unknown name"),
                ))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

/// At most four sizes.
struct Shape(Vec<usize>);

impl<'de> Deserialize<'de> for Shape {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Sizes;
        impl<'de> Visitor<'de> for Sizes {
            type Value = Shape;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("at most four sizes")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Shape, A::Error> {
                let mut sizes = Vec::new();
                while let Some(size) = seq.next_element()? {
                    if sizes.len() == 4 {
                        return Err(A::Error::custom("a tensor has more than four dimensions"));
                    }
                    sizes.push(size);
                }
                Ok(Shape(sizes))
            }
        }
        deserializer.deserialize_seq(Sizes)
    }
}

impl<'de> Deserialize<'de> for Header {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Header;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of tensors")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Header, A::Error> {
                let mut entries = HashMap::new();
                while let Some(name) = map.next_key::<String>()? {
                    if name == "__metadata__" {
                        map.next_value::<IgnoredAny>()?;
                        continue;
                    }
                    if entries.len() == MAX_TENSORS {
                        return Err(A::Error::custom(format!(
                            "it has more than {MAX_TENSORS} tensors"
                        )));
                    }
                    let entry = map.next_value()?;
                    if let Some((name, _)) = entries.insert(name.clone(), entry).map(|e| (name, e)) {
                        return Err(A::Error::custom(format!("the tensor `{name}` appears twice")));
                    }
                }
                Ok(Header(entries))
            }
        }
        deserializer.deserialize_map(Entries)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn file(header: &str, data: usize) -> Vec<u8> {
        let mut file = (header.len() as u64).to_le_bytes().to_vec();
        file.extend(header.as_bytes());
        file.extend(vec![0; data]);
        file
    }

    fn error(file: &[u8]) -> String {
        parse(file, "m.safetensors", |_| true).unwrap_err().to_string()
    }

    const SOUND: &str = r#"{"__metadata__":{"a":"b"},"t":{"dtype":"BF16","shape":[2,3],"data_offsets":[0,12]},
        "u":{"dtype":"F32","shape":[1],"data_offsets":[12,16]}}"#;

    #[test]
    fn tensors_are_found() {
        let tensors = parse(&file(SOUND, 16), "m", |name| name == "t").unwrap();
        assert_eq!(tensors.len(), 1);
        let t = &tensors["t"];
        assert_eq!(
            (t.dtype, &t.shape[..], t.bytes.len()),
            (DType::BF16, &[2, 3][..], 12)
        );
    }

    #[test]
    fn damage_is_named() {
        for (header, data, wanted) in [
            (
                r#"{"t":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#,
                7,
                "does not lie inside",
            ),
            (
                r#"{"t":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}"#,
                8,
                "does not lie inside",
            ),
            (
                r#"{"t":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}"#,
                8,
                "does not fill",
            ),
            (
                r#"{"t":{"dtype":"F32","shape":[9223372036854775807,4],"data_offsets":[0,8]}}"#,
                8,
                "does not fill",
            ),
            (
                r#"{"t":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}"#,
                8,
                "does not fill",
            ),
            (
                r#"{"t":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}}"#,
                8,
                "the type I64 (tensor `t`)",
            ),
            (
                r#"{"t":{"dtype":"F32","shape":[1,1,1,1,1],"data_offsets":[0,4]}}"#,
                8,
                "more than four",
            ),
            (
                r#"{"t":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},
                 "t":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#,
                8,
                "`t` appears twice",
            ),
            (
                r#"{"t":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},
                 "u":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}"#,
                12,
                "overlap",
            ),
            (r#"{"t":"#, 8, "its header is wrong"),
        ] {
            let message = error(&file(header, data));
            assert!(
                message.contains(wanted) && message.contains("m.safetensors"),
                "{message}"
            );
        }
        assert!(error(b"short").contains("shorter than"));
        assert!(error(&u64::MAX.to_le_bytes()).contains("its header claims 18446744073709551615 bytes"));
    }

    proptest! {
        #[test]
        fn damaged_headers_never_panic(
            edits in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        ) {
            let mut bytes = file(SOUND, 16);
            for (at, byte) in edits {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            if let Ok(tensors) = parse(&bytes, "m", |_| true) {
                for t in tensors.values() {
                    prop_assert!(bytes.get(t.bytes.clone()).is_some());
                }
            }
        }
    }
}
