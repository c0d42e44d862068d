//! The JSON Lines filter: one line out for every line in that is not empty, each of them JSON with a verdict.
#![no_main]

use libfuzzer_sys::fuzz_target;
use strawberry_verify::{Options, filter_jsonl};

fuzz_target!(|data: &[u8]| {
    let mut out = Vec::new();
    let summary = filter_jsonl(data, &mut out, &Options::default()).expect("memory does not fail");
    let text = String::from_utf8(out).expect("the output is UTF-8");
    assert_eq!(text.lines().count() as u64, summary.lines);
    for line in text.lines() {
        let value: serde_json::Value = serde_json::from_str(line).expect("the output is JSON");
        assert!(value["verdict"].is_string());
    }
});
