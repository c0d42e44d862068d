//! Integration tests of the mathematics verifier.

use strawberry_core::Verdict;
use strawberry_verify::{MathVerifier, Options};

#[test]
fn simple_answers() {
    let v = MathVerifier::new(Options::default());
    for (reference, response, rule) in [
        ("42", "the answer is 42.", "the answer is"),
        ("42", "So it is = $42", "final line"),
        ("42", "We get **42**", "bold"),
        ("1234", "6*7\n#### 1,234", "####"),
        ("1/2", "Hence \\boxed{\\frac12}.", "boxed"),
        ("5", "She has 5 apples left over after that.", "last number"),
        ("C", "the correct option is (C).", "option"),
        ("1.5 hours", "90 minutes", "whole response"),
    ] {
        let r = v.check(reference, response);
        assert_eq!(
            r.judgement.verdict,
            Verdict::Correct,
            "{reference} {response} {r:?}"
        );
        assert_eq!(r.answer.unwrap().rule, rule, "{response}");
    }
}
