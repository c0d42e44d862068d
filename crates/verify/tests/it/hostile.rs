//! Bad input gets an honest verdict: never a panic, an overflow of the stack, or a claim.

use strawberry_core::Verdict;
use strawberry_verify::{MathVerifier, Options, filter_jsonl};

fn verdict(reference: &str, response: &str) -> Verdict {
    MathVerifier::new(Options::default())
        .check(reference, response)
        .judgement
        .verdict
}

#[test]
fn oversized_and_deep_input_is_too_complex() {
    let braces = "{".repeat(10_000_000);
    assert_eq!(verdict("1", &format!("\\boxed{{{braces}")), Verdict::TooComplex);
    assert_eq!(verdict("1", &braces), Verdict::TooComplex);
    for unit in [
        "{", "(", "\\frac{", "\\sqrt{", "[", "|", "-(", "x^{", "\\{", "\\left(", "f(", "\\text{", "\\sin(",
    ] {
        let deep = unit.repeat(500);
        assert_ne!(
            verdict("1", &format!("\\boxed{{{deep}}}")),
            Verdict::Correct,
            "{unit}"
        );
        assert_ne!(verdict(&deep, "1"), Verdict::Correct, "{unit}");
    }
    let nested = format!("{}1{}", "(".repeat(300), ")".repeat(300));
    assert_eq!(verdict("1", &format!("\\boxed{{{nested}}}")), Verdict::TooComplex);
}

#[test]
fn huge_numbers_are_too_complex() {
    for bomb in [
        "10^{10^{10}}",
        "9^{9^{9^{9}}}",
        "9^9^9^9^9",
        "2^{2^{100}}",
        "1000000!",
        "(10^9)!",
        "((5!)!)!",
        "\\binom{10^9}{5\\cdot 10^8}",
        "1e1000000000",
        "\\sum_{k=1}^{10^{12}} k",
        "\\sum_{k=1}^{10^{12}} \\frac{1}{k^2}",
        "\\prod_{k=1}^{10^{9}} k",
        "\\sum_{i=1}^{20000}\\sum_{j=1}^{20000} i j",
        "e^{e^{e^{e^{e}}}}",
        "(a+b+c+d+e+f)^{1000} + \\sqrt{x}",
    ] {
        let v = verdict("1", &format!("\\boxed{{{bomb}}}"));
        assert!(
            matches!(v, Verdict::TooComplex | Verdict::Incorrect),
            "{bomb}: {v:?}"
        );
        let v = verdict(bomb, "1");
        assert!(
            matches!(v, Verdict::TooComplex | Verdict::Incorrect),
            "{bomb}: {v:?}"
        );
    }
    assert_eq!(
        verdict("1", &format!("\\boxed{{{}}}", "9".repeat(1_000_000))),
        Verdict::TooComplex
    );
    assert_eq!(verdict("1", &"9".repeat(1_000_000)), Verdict::TooComplex);
}

#[test]
fn broken_mathematics_is_unparsed() {
    for broken in [
        "\\frac",
        "\\frac{1}",
        "\\frac{}{}",
        "\\sqrt",
        "\\sqrt[",
        "1+",
        "x^",
        "x_",
        "\\begin{pmatrix} 1",
        "\\binom{1}",
        "\\left(",
        "(1,2",
        "1/",
        "\\sum_{k=1}",
    ] {
        let v = verdict("1", &format!("\\boxed{{{broken}}}"));
        assert!(
            matches!(v, Verdict::Unparsed | Verdict::NoAnswer),
            "{broken}: {v:?}"
        );
        assert_eq!(verdict(broken, "1"), Verdict::BadReference, "{broken}");
    }
}

#[test]
fn strange_characters_are_not_mistaken() {
    // Cyrillic х and а, a NUL, a replacement character, a zero-width space inside a number.
    assert_ne!(verdict("x", "\\boxed{х}"), Verdict::Correct);
    assert_ne!(verdict("a+b", "\\boxed{а+b}"), Verdict::Correct);
    assert_ne!(verdict("12", "\\boxed{1\u{0}2}"), Verdict::Correct);
    assert_ne!(verdict("12", "\\boxed{1\u{fffd}2}"), Verdict::Correct);
    assert_ne!(verdict("12", "\\boxed{1\u{200b}3}"), Verdict::Correct);
    assert_eq!(verdict("π", "\\boxed{\\pi}"), Verdict::Correct);
}

#[test]
fn every_line_gets_a_line_and_bad_lines_name_themselves() {
    let mut input = Vec::new();
    input.extend_from_slice(b"{\"reference\": \"1/2\", \"response\": \"0.5\"}\n");
    input.extend_from_slice(b"not json\n\n");
    input.extend_from_slice(b"{\"reference\": \"1\"}\n");
    input.extend_from_slice(b"{\"reference\": \"1\", \"response\": \"\xff\xfe\"}\n");
    input.extend_from_slice(b"{\"reference\": \"1\", \"response\": \"1\\u0000\"}\n");
    input.extend_from_slice(b"{\"id\": 7, \"reference\": 42, \"response\": \"the answer is 42\"}");
    let mut out = Vec::new();
    let summary = filter_jsonl(&input[..], &mut out, &Options::default()).unwrap();
    let lines: Vec<serde_json::Value> = String::from_utf8(out)
        .unwrap()
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    let verdicts: Vec<&str> = lines.iter().map(|l| l["verdict"].as_str().unwrap()).collect();
    assert_eq!(verdicts[..3], ["correct", "bad_reference", "bad_reference"]);
    assert_eq!(verdicts[5], "correct");
    assert_ne!(verdicts[3], "correct");
    assert_ne!(verdicts[4], "correct");
    assert!(lines[1]["error"].as_str().unwrap().starts_with("line 2: "));
    assert!(lines[2]["error"].as_str().unwrap().starts_with("line 4: "));
    assert_eq!(lines[5]["id"], 7);
    assert_eq!((summary.lines, summary.malformed, summary.correct), (6, 2, 2));
}
