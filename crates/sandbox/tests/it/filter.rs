//! JSONL in, JSONL out.

use std::io::{self, Write};

use strawberry_sandbox::{FilterSummary, filter_jsonl};

use crate::support::sandbox;

fn filter(input: &[u8], json: bool) -> (Vec<String>, FilterSummary) {
    let mut out = Vec::new();
    let summary = filter_jsonl(input, &mut out, sandbox(), json).unwrap();
    (
        String::from_utf8(out)
            .unwrap()
            .lines()
            .map(str::to_owned)
            .collect(),
        summary,
    )
}

#[test]
fn each_line_gets_one_verdict_in_order() {
    let mut input = Vec::new();
    for i in 0..12 {
        // The first lines take longest, so order needs keeping.
        let sleep = if i < 2 {
            "import time\\ntime.sleep(0.5)\\n"
        } else {
            ""
        };
        writeln!(
            input,
            "{{\"code\": \"{sleep}def f(): return {i}\", \"tests\": [\"assert f() == {}\"]}}",
            i / 2 * 2
        )
        .unwrap();
    }
    let (lines, summary) = filter(&input, true);
    let verdicts: Vec<String> = lines
        .iter()
        .map(|l| {
            serde_json::from_str::<serde_json::Value>(l).unwrap()["verdict"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    assert_eq!(verdicts, ["correct", "incorrect"].repeat(6));
    assert_eq!(
        summary,
        FilterSummary {
            lines: 12,
            passed: 6,
            unscored: 0
        }
    );
}

#[test]
fn bad_lines_are_told_and_do_not_stop_the_rest() {
    let input = b"{\n\xff\xfe\n\n[1]\n{\"code\": 3, \"tests\": []}\n{\"response\": \"```python\\nprint(input())\\n```\", \"cases\": [{\"stdin\": \"a\", \"stdout\": \"a\"}]}\n{\"response\": \"```json\\n1\\n```\", \"tests\": [\"assert f()\"]}\n\0\0\n{\"code\": \"print(1)\", \"checker\": \"pass\", \"id\": 7}";
    let (lines, summary) = filter(input, true);
    let verdicts: Vec<serde_json::Value> = lines
        .iter()
        .map(|l| serde_json::from_str::<serde_json::Value>(l).unwrap()["verdict"].clone())
        .collect();
    assert_eq!(
        verdicts,
        [
            "bad_reference",
            "bad_reference",
            "bad_reference",
            "bad_reference",
            "correct",
            "no_answer",
            "bad_reference",
            "correct"
        ]
    );
    assert_eq!(
        summary,
        FilterSummary {
            lines: 8,
            passed: 2,
            unscored: 5
        }
    );
    let (lines, _) = filter(input, false);
    assert!(
        lines[1].starts_with("bad_reference\t") && lines[1].contains("line 2") && lines[1].contains("UTF-8"),
        "{lines:?}"
    );
    assert_eq!(filter(b"", true).1, FilterSummary::default());
}

#[test]
fn a_writer_that_fails_ends_the_filter() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::Error::other("full"))
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let line = b"{\"code\": \"def f(): return 1\", \"tests\": [\"assert f() == 1\"]}\n".repeat(100);
    assert_eq!(
        filter_jsonl(&line[..], &mut Full, sandbox(), true)
            .unwrap_err()
            .to_string(),
        "full"
    );
}
