use predicates::prelude::*;
use predicates::str::contains;

use crate::support::Home;

/// Every case ends with this exit code and one clear line, and never with a panic.
fn refused(home: &Home, args: &[&str], code: i32, message: &str) {
    home.strawberry()
        .args(args)
        .assert()
        .code(code)
        .stderr(contains(message).and(contains("panicked").not()));
}

#[test]
fn wrong_use_exits_with_2() {
    let home = Home::new();
    refused(&home, &["ask", ""], 2, "the question is empty");
    refused(&home, &["ask", "  \n"], 2, "the question is empty");
    refused(&home, &["ask", "x", "--effort", "huge"], 2, "none, minimal, low");
    refused(&home, &["ask", "x", "--samples", "0"], 2, "0 samples");
    refused(&home, &["ask", "x", "--samples", "99999999"], 2, "beyond any use");
    refused(&home, &["ask", "x", "--tokens", "0"], 2, "0 tokens");
    refused(&home, &["ask", "x", "--think", "0s"], 2, "0 milliseconds");
    refused(&home, &["ask", "x", "--think", "soon"], 2, "write 30s");
    refused(&home, &["ask", "x", "--strategy", "magic"], 2, "unknown strategy");
    refused(&home, &["ask", "x", "--temperature", "nan"], 2, "temperature");
}

#[test]
fn bad_bytes_and_files_are_named() {
    let home = Home::new();
    home.strawberry()
        .args(["ask", "-"])
        .write_stdin(b"a\xff".to_vec())
        .assert()
        .code(2)
        .stderr(contains("byte 1"));
    let file = home.write("bad.jsonl", "{\"question\": \"x\"}\nnonsense\n");
    refused(&home, &["ask", "--file", file.to_str().unwrap()], 2, "line 2");
    refused(&home, &["ask", "--file", "/nowhere.jsonl"], 1, "/nowhere.jsonl");
}

#[test]
fn models_that_are_no_models_are_refused() {
    let home = Home::new();
    let model = |content: &[u8]| home.write("bad.gguf", content).to_str().unwrap().to_owned();
    refused(&home, &["ask", "x", "-m", "/nowhere.gguf"], 1, "/nowhere.gguf");
    refused(&home, &["ask", "x", "-m", &model(b"")], 1, "bad.gguf");
    refused(
        &home,
        &["ask", "x", "-m", &model(b"not a model at all, just text")],
        1,
        "bad.gguf",
    );
    let whole = std::fs::read(&home.model).unwrap();
    refused(
        &home,
        &["ask", "x", "-m", &model(&whole[..whole.len() / 2])],
        1,
        "bad.gguf",
    );
    // A header that claims 2^60 tensors.
    let mut lies = b"GGUF\x03\0\0\0".to_vec();
    lies.extend((1u64 << 60).to_le_bytes());
    lies.extend((1u64 << 60).to_le_bytes());
    refused(&home, &["ask", "x", "-m", &model(&lies)], 1, "bad.gguf");
}

#[test]
fn a_prompt_longer_than_the_context_names_both_lengths() {
    let home = Home::new();
    let long = "word ".repeat(400);
    home.strawberry()
        .args(["ask", &long])
        .assert()
        .code(1)
        .stderr(contains("context holds 512"));
}

#[test]
fn an_unreachable_server_is_named() {
    let home = Home::new();
    refused(
        &home,
        &["ask", "x", "-m", "http://127.0.0.1:9/v1#m"],
        1,
        "127.0.0.1:9",
    );
}

#[test]
fn a_store_of_a_newer_version_is_left_alone() {
    let home = Home::new();
    home.strawberry()
        .args(["ask", "1+1?", "--samples", "1", "--tokens", "20"])
        .assert()
        .success();
    let path = home.dir.path().join("traces.db");
    let mut bytes = std::fs::read(&path).unwrap();
    // SQLite's user version: big-endian, at byte 60 of the file (file format, section 1.3).
    bytes[60..64].copy_from_slice(&9_999u32.to_be_bytes());
    std::fs::write(&path, &bytes).unwrap();
    refused(&home, &["trace", "list"], 1, "newer version");
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
}
