//! The table of pairs in `pairs.txt`, in all three modes, in both directions.

use strawberry_verify::{MathVerifier, Mode, Options};

struct Row {
    line: usize,
    same: [bool; 3],
    reference: &'static str,
    response: &'static str,
}

fn rows() -> Vec<Row> {
    include_str!("pairs.txt")
        .lines()
        .enumerate()
        .filter(|(_, l)| l.starts_with(['=', '!']))
        .map(|(i, l)| {
            let (signs, pair) = l.split_once(' ').expect("three signs, a space");
            let (reference, response) = pair.split_once(" ~~ ").expect("reference ~~ response");
            let same: Vec<bool> = signs.chars().map(|c| c == '=').collect();
            Row {
                line: i + 1,
                same: same.try_into().expect("three signs"),
                reference,
                response,
            }
        })
        .collect()
}

#[test]
fn the_table_is_large_enough() {
    let rows = rows();
    assert!(rows.len() >= 600, "{} pairs", rows.len());
    assert!(rows.iter().filter(|r| !r.same[1]).count() >= 250);
}

#[test]
fn every_pair_gets_its_verdict_in_every_mode() {
    let mut wrong = Vec::new();
    for (k, mode) in [Mode::Strict, Mode::Standard, Mode::Lenient]
        .into_iter()
        .enumerate()
    {
        let verifier = MathVerifier::new(Options {
            mode,
            ..Options::default()
        });
        for row in rows() {
            for (a, b) in [(row.reference, row.response), (row.response, row.reference)] {
                if verifier.same(a, b) != row.same[k] {
                    let j = verifier.check(a, &format!("\\boxed{{{b}}}")).judgement;
                    wrong.push(format!("line {}, {mode:?}: {a} against {b}: {j:?}", row.line));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_answer_equals_itself() {
    for mode in [Mode::Strict, Mode::Standard, Mode::Lenient] {
        let verifier = MathVerifier::new(Options {
            mode,
            ..Options::default()
        });
        for row in rows() {
            for text in [row.reference, row.response] {
                // "2 + 3 = 6" contradicts itself.
                if text != "2+3=6" {
                    assert!(verifier.same(text, text), "line {}: {text}", row.line);
                }
            }
        }
    }
}

#[test]
fn equal_keys_mean_equal_answers() {
    let verifier = MathVerifier::new(Options::default());
    let answers: Vec<_> = rows()
        .iter()
        .flat_map(|r| [r.reference, r.response])
        .filter_map(|t| verifier.find(&format!("\\boxed{{{t}}}")))
        .filter(|a| a.key.is_some())
        .collect();
    assert!(answers.len() > 700);
    for (i, a) in answers.iter().enumerate() {
        for b in &answers[..i] {
            if a.key == b.key {
                assert!(
                    verifier.same(&a.text, &b.text),
                    "{} and {} share {:?}",
                    a.text,
                    b.text,
                    a.key
                );
            }
        }
    }
}
