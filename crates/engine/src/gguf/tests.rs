use proptest::prelude::*;

use super::*;
use crate::error::LoadError;

fn sample() -> Vec<u8> {
    let mut w = Writer::new();
    w.string("general.architecture", "llama");
    w.u32("a.size", 7);
    w.f32("a.real", 0.5);
    w.bool("a.flag", true);
    w.strings("a.words", &["", "two", "drei"]);
    w.i32s("a.ints", &[-1, 5]);
    w.f32s("a.reals", &[1.5]);
    w.tensor("one", &[4, 2], DType::F32, (0..32).collect());
    w.tensor("two", &[32], DType::Q8_0, vec![9; 34]);
    w.to_vec()
}

fn error(file: &[u8]) -> String {
    Gguf::parse(file, "test.gguf").unwrap_err().to_string()
}

#[test]
fn what_is_written_is_read() {
    let file = sample();
    let gguf = Gguf::parse(&file, "test.gguf").unwrap();
    assert_eq!(gguf.version, 3);
    assert_eq!(gguf.require_usize("a.size").unwrap(), 7);
    assert_eq!(gguf.f32("a.real").unwrap(), Some(0.5));
    assert_eq!(gguf.bool("a.flag").unwrap(), Some(true));
    assert_eq!(gguf.str("general.architecture").unwrap(), Some("llama"));
    assert_eq!(gguf.str("none").unwrap(), None);
    let words: Vec<&[u8]> = gguf.strings(&file, "a.words").unwrap().unwrap().collect();
    assert_eq!(words, [&b""[..], b"two", b"drei"]);
    assert_eq!(
        gguf.numbers(&file, "a.ints")
            .unwrap()
            .unwrap()
            .collect::<Vec<_>>(),
        [-1.0, 5.0]
    );
    assert_eq!(
        gguf.numbers(&file, "a.reals")
            .unwrap()
            .unwrap()
            .collect::<Vec<_>>(),
        [1.5]
    );
    let one = &gguf.tensors["one"];
    assert_eq!((one.dtype, &one.dims[..]), (DType::F32, &[4, 2][..]));
    assert_eq!(file[one.bytes.clone()], (0..32).collect::<Vec<u8>>());
    assert_eq!(file[gguf.tensors["two"].bytes.clone()], [9; 34]);
    assert!(one.bytes.start.is_multiple_of(32));
}

#[test]
fn wrong_types_are_named() {
    let file = sample();
    let gguf = Gguf::parse(&file, "test.gguf").unwrap();
    for message in [
        gguf.usize("a.real").unwrap_err().to_string(),
        gguf.str("a.real").unwrap_err().to_string(),
        gguf.bool("a.real").unwrap_err().to_string(),
        gguf.strings(&file, "a.real").err().unwrap().to_string(),
        gguf.numbers(&file, "a.real").err().unwrap().to_string(),
    ] {
        assert!(
            message.contains("test.gguf") && message.contains("`a.real`"),
            "{message}"
        );
    }
    let message = gguf.require_usize("a.none").unwrap_err().to_string();
    assert!(message.contains("`a.none` is missing"), "{message}");
}

#[test]
fn version_2_is_read_and_others_are_named() {
    let mut file = sample();
    file[4] = 2;
    assert_eq!(Gguf::parse(&file, "t").unwrap().version, 2);
    file[4] = 1;
    assert!(error(&file).contains("GGUF version 1 is not supported"));
    file[4] = 9;
    assert!(error(&file).contains("GGUF version 9 is not supported"));
    file[4..8].copy_from_slice(&3u32.to_be_bytes());
    assert!(error(&file).contains("big-endian"));
    assert!(error(b"PK\x03\x04").contains("does not start with the letters GGUF"));
}

#[test]
fn every_truncation_is_an_error() {
    let file = sample();
    let end = Gguf::parse(&file, "t").unwrap().tensors["two"].bytes.end;
    for len in 0..end {
        assert!(Gguf::parse(&file[..len], "t").is_err(), "{len} of {end} bytes");
    }
    assert!(error(&file[..end - 1]).contains("the download is incomplete"));
}

#[test]
fn absurd_counts_are_refused_before_anything_is_allocated() {
    for at in [8, 16] {
        for count in [u64::MAX, 1 << 40, 70_000] {
            let mut file = sample();
            file[at..at + 8].copy_from_slice(&count.to_le_bytes());
            assert!(
                error(&file).contains(&format!("it claims {count}")),
                "{}",
                error(&file)
            );
        }
    }
    // A string that claims more than the file.
    let mut file = sample();
    file[24..32].copy_from_slice(&u64::MAX.to_le_bytes());
    assert!(
        error(&file).contains("ends inside the header"),
        "{}",
        error(&file)
    );
}

/// A file with one tensor entry written by hand.
fn with_tensors(entries: &[(&str, &[u64], u32, u64)], data: usize) -> Vec<u8> {
    let mut file = b"GGUF\x03\0\0\0".to_vec();
    file.extend((entries.len() as u64).to_le_bytes());
    file.extend(0u64.to_le_bytes());
    for (name, dims, kind, offset) in entries {
        file.extend((name.len() as u64).to_le_bytes());
        file.extend(name.as_bytes());
        file.extend((dims.len() as u32).to_le_bytes());
        file.extend(dims.iter().flat_map(|d| d.to_le_bytes()));
        file.extend(kind.to_le_bytes());
        file.extend(offset.to_le_bytes());
    }
    file.resize(file.len().next_multiple_of(32) + data, 0);
    file
}

#[test]
fn bad_tensors_are_named() {
    for (entries, wanted) in [
        (
            vec![("t", &[32u64][..], 2, 0), ("u", &[32], 2, 0)],
            "`t` and `u` overlap",
        ),
        (vec![("t", &[32], 2, 8)], "not aligned"),
        (vec![("t", &[32], 2, 1 << 40)], "ends past the end"),
        (vec![("t", &[32], 2, u64::MAX - 31)], "ends past the end"),
        (vec![("t", &[33], 2, 0)], "not whole Q4_0 blocks"),
        (vec![("t", &[16, 2], 2, 0)], "not whole Q4_0 blocks"),
        (vec![("t", &[1 << 40, 1 << 40], 0, 0)], "not whole F32 blocks"),
        (vec![("t", &[0], 0, 0)], "a dimension of 0"),
        (vec![("t", &[], 0, 0)], "0 dimensions"),
        (vec![("t", &[1, 1, 1, 1, 1], 0, 0)], "5 dimensions"),
        (vec![("t", &[32], 99, 0)], "unknown format 99"),
        (
            vec![("t", &[256], 16, 0)],
            "quantisation IQ2_XXS (tensor `t`) is not supported",
        ),
        (vec![("t", &[8], 0, 0), ("t", &[8], 0, 32)], "`t` appears twice"),
    ] {
        let message = error(&with_tensors(&entries, 64));
        assert!(message.contains(wanted), "{message}");
    }
    assert!(Gguf::parse(&with_tensors(&[("t", &[32], 2, 0)], 64), "t").is_ok());
}

#[test]
fn odd_alignments_are_refused() {
    for (alignment, ok) in [(64, true), (48, false), (0, false), (1 << 21, false)] {
        let mut w = Writer::new();
        w.u32("general.alignment", alignment);
        assert_eq!(Gguf::parse(&w.to_vec(), "t").is_ok(), ok, "{alignment}");
    }
}

proptest! {
    #[test]
    fn damaged_files_never_panic(
        edits in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut file = sample();
        for (at, byte) in edits {
            let at = at.index(file.len());
            file[at] = byte;
        }
        if let Ok(gguf) = Gguf::parse(&file, "t") {
            for key in gguf.metadata.keys() {
                if let Ok(Some(words)) = gguf.strings(&file, key) {
                    words.for_each(drop);
                }
                if let Ok(Some(numbers)) = gguf.numbers(&file, key) {
                    numbers.for_each(drop);
                }
            }
            for tensor in gguf.tensors.values() {
                prop_assert!(file.get(tensor.bytes.clone()).is_some());
            }
        }
    }
}

#[test]
fn errors_say_which_file() {
    assert!(
        matches!(Gguf::parse(b"", "x.gguf"), Err(LoadError::Malformed { place, .. }) if place == "x.gguf")
    );
}
