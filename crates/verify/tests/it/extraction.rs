//! Where answers stand in responses.

use strawberry_core::Verdict;
use strawberry_verify::{MathVerifier, Options};

#[test]
fn answers_are_found_where_they_are_marked() {
    let v = MathVerifier::new(Options::default());
    for (reference, response, rule) in [
        ("42", "the answer is 42.", "the answer is"),
        ("42", "The answer is: 42", "the answer is"),
        ("42", "**Answer:** 42", "the answer is"),
        ("42", "Final Answer: $42$. I hope it is correct.", "the answer is"),
        ("42", "So the final answer is $\\boxed{42}$.", "boxed"),
        ("42", "The answer is 41? No: the answer is 42.", "the answer is"),
        ("42", "So it is = $42", "final line"),
        ("42", "We get **42**", "bold"),
        ("1234", "6*7\n#### 1,234", "####"),
        (
            "18",
            "She makes 9 * 2 = $<<9*2=18>>18 every day.\n#### 18",
            "####",
        ),
        ("1/2", "Hence \\boxed{\\frac12}.", "boxed"),
        ("2, 3", "$\\boxed{2}$ and $\\boxed{3}$", "boxed"),
        ("(2,3)", "$x = \\boxed{2}$ and $y=\\boxed{3}$", "boxed"),
        (
            "5",
            "She has 5 apples left over after that walk in the park.",
            "last number",
        ),
        ("C", "the correct option is (C).", "option"),
        ("C", "The answer is (C) 14.", "the answer is"),
        ("C", "The answer is C.", "the answer is"),
        ("B", "综上所述，故选B。", "the answer is"),
        ("12", "所以答案是12。", "the answer is"),
        ("12", "答案：$12$", "the answer is"),
        ("x=2", "Therefore, the solution is\n$x = 2$", "final line"),
        ("1.5 hours", "90 minutes", "whole response"),
        ("10", "<think>maybe 9</think><answer>10</answer>", "answer tag"),
        ("18", "Adding up, the total is 6 + 12 = 18.", "final line"),
        ("$18", "The answer is $18.", "the answer is"),
        ("70000", "The profit is 200000-130000 = $70,000", "final line"),
        (
            "3",
            "It takes 2/2=1 bolt of white fiber. So the total amount of fabric is 2+1=3 bolts.",
            "final line",
        ),
    ] {
        let r = v.check(reference, response);
        assert_eq!(
            r.judgement.verdict,
            Verdict::Correct,
            "{reference:?} {response:?} {r:?}"
        );
        assert_eq!(r.answer.unwrap().rule, rule, "{response}");
    }
}

#[test]
fn no_answer_is_not_a_wrong_answer() {
    let v = MathVerifier::new(Options::default());
    assert_eq!(v.check("42", "").judgement.verdict, Verdict::NoAnswer);
    let lost = v.check("42", "I do not know how to solve this problem, sorry about that.");
    assert_eq!(lost.judgement.verdict, Verdict::NoAnswer, "{lost:?}");
    assert_eq!(v.check("", "42").judgement.verdict, Verdict::BadReference);
    assert_eq!(
        v.check("\\frac{1}", "42").judgement.verdict,
        Verdict::BadReference
    );
    assert_eq!(v.check("1/0", "42").judgement.verdict, Verdict::BadReference);
    assert_eq!(
        v.check("42", "\\boxed{1/0}").judgement.verdict,
        Verdict::Incorrect
    );
    assert_eq!(
        v.check("42", "\\boxed{\\frac{1}}").judgement.verdict,
        Verdict::Unparsed
    );
    assert_eq!(
        v.check("42", "\\boxed{10^{10^{10}}}").judgement.verdict,
        Verdict::TooComplex
    );
    let marked_only = MathVerifier::new(Options {
        last_number: false,
        ..Options::default()
    });
    assert_eq!(
        marked_only
            .check("5", "She has 5 apples left over after that walk in the park.")
            .judgement
            .verdict,
        Verdict::NoAnswer
    );
}
