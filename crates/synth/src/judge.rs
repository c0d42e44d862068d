//! Finding the answer in a response and holding it against a record's reference.

use std::collections::HashMap;

use strawberry_core::{Answer, Judgement, Problem, Reference, Verdict, Verifier};

use crate::families::countdown;
use crate::item::{ABSTENTION, Check, Facts, ReadFacts};
use crate::rational::{self, Rat};
use crate::record::Record;

/// Ways to decline, in lower case.
const DECLINES: [&str; 9] = [
    "i don't know",
    "i do not know",
    "cannot be determined",
    "can't be determined",
    "can't be worked out",
    "not enough information",
    "no answer is possible",
    "impossible to determine",
    "unanswerable",
];

/// Whether a response declines to answer: it says so in its last line, or its marked answer does.
pub fn declines(response: &str) -> bool {
    let lower = response.trim().to_lowercase().replace('\u{2019}', "'");
    let last = lower.lines().last().unwrap_or_default();
    DECLINES.iter().any(|d| last.contains(d))
        || (lower.lines().count() <= 2 && DECLINES.iter().any(|d| lower.starts_with(d)))
}

/// The answer in a response: after the last `####`, else in the last `\boxed{…}`, else after the last
/// "answer is" or "answer:", else the last number (then it is not marked).
pub fn extract(response: &str) -> Option<Answer> {
    let text = response.trim();
    let marked = |text: &str, rule: &str| {
        let text = clean(text);
        (!text.is_empty()).then(|| Answer {
            key: rational::parse(text).map(rational::show),
            text: text.to_owned(),
            rule: rule.to_owned(),
            marked: true,
        })
    };
    if let Some((_, after)) = text.rsplit_once("####") {
        return marked(after.lines().next().unwrap_or_default(), "####");
    }
    if declines(text) {
        return marked(ABSTENTION, "declined");
    }
    if let Some(start) = text.rfind("\\boxed{") {
        let inner = &text[start + 7..];
        let mut depth = 1;
        let end = inner.char_indices().find(|(_, c)| {
            depth += i32::from(*c == '{') - i32::from(*c == '}');
            depth == 0
        });
        if let Some((end, _)) = end {
            return marked(&inner[..end], "boxed");
        }
    }
    // ASCII lower-casing keeps byte positions.
    let lower = text.to_ascii_lowercase();
    for phrase in ["answer is", "answer:"] {
        if let Some(at) = lower.rfind(phrase) {
            let line = text[at + phrase.len()..].lines().next().unwrap_or_default();
            if let Some(answer) = marked(line.trim_start_matches(':'), phrase) {
                return Some(answer);
            }
        }
    }
    let number = |c: char| c.is_ascii_digit() || matches!(c, '.' | ',' | '/' | '-');
    let last = text
        .split(|c: char| !number(c))
        .map(|t| t.trim_matches([',', '.', '/']))
        .rfind(|t| rational::parse(t).is_some())?;
    marked(last, "last number").map(|a| Answer { marked: false, ..a })
}

/// Drops white space, emphasis and the final full stop around an answer.
fn clean(text: &str) -> &str {
    text.trim()
        .trim_matches(['*', '`', '"', ' '])
        .trim_end_matches(['.', '!'])
        .trim_matches(['*', '`', '"', ' ', '$'])
}

/// The number an answer states: as it stands, or as the only number in it ("12 apples").
pub fn number(text: &str) -> Option<Rat> {
    if let Some(value) = rational::parse(text) {
        return Some(value);
    }
    let mut numbers = text
        .split_whitespace()
        .filter_map(|w| rational::parse(w.trim_matches([',', '.', ';', ':', '(', ')'])));
    let first = numbers.next()?;
    numbers.next().is_none().then_some(first)
}

fn words(text: &str) -> String {
    text.to_lowercase()
        .chars()
        .map(|c| if c == '*' || c == '·' { '×' } else { c })
        .filter(|c| !c.is_whitespace() && !matches!(c, '"' | '\'' | '.' | '[' | ']'))
        .collect()
}

/// Whether two answers are the same under a check.
pub fn same(check: Check, a: &str, b: &str) -> bool {
    match check {
        Check::Number => match (number(a), number(b)) {
            (Some(x), Some(y)) => x == y,
            _ => words(a) == words(b),
        },
        Check::Abstain => declines(a) && declines(b),
        Check::Text | Check::List | Check::Countdown => words(a) == words(b),
    }
}

/// Holds a response against a reference answer.
pub fn judge(check: Check, reference: &str, facts: &Facts, response: &str) -> Judgement {
    let method = check.as_str();
    if check == Check::Number && number(reference).is_none() {
        return Judgement::new(
            Verdict::BadReference,
            method,
            format!("the reference '{reference}' is not a number"),
        );
    }
    let Some(answer) = extract(response) else {
        return Judgement::new(Verdict::NoAnswer, method, "the response states no answer");
    };
    let right = match check {
        Check::Abstain => declines(&answer.text),
        Check::Countdown => match (facts.ints("numbers"), facts.int("target")) {
            (Some(numbers), Some(target)) => countdown::solves(&answer.text, &numbers, target),
            _ => {
                return Judgement::new(
                    Verdict::BadReference,
                    method,
                    "the record lacks its numbers or its target",
                );
            }
        },
        _ => same(check, &answer.text, reference),
    };
    let verdict = if right {
        Verdict::Correct
    } else {
        Verdict::Incorrect
    };
    Judgement::new(
        verdict,
        method,
        format!("answer '{}', reference '{reference}'", answer.text),
    )
}

/// The checks of a set of records as a [`Verifier`]. A problem is recognised by its id; for an unknown one the kind of check follows
/// from its reference: a number, an abstention, or text.
#[derive(Debug, Default)]
pub struct RecordVerifier {
    checks: HashMap<String, (Check, Facts)>,
}

impl RecordVerifier {
    /// Knows the given records.
    pub fn new<'a>(records: impl IntoIterator<Item = &'a Record>) -> Self {
        let known = |r: &Record| {
            let facts = serde_json::from_str(&r.verifier.args).unwrap_or_default();
            Some((r.id.clone(), (Check::from_name(&r.verifier.kind)?, facts)))
        };
        RecordVerifier {
            checks: records.into_iter().filter_map(known).collect(),
        }
    }

    fn check(&self, problem: &Problem) -> (Check, Facts) {
        if let Some((check, facts)) = self.checks.get(&problem.id) {
            return (*check, facts.clone());
        }
        let check = match &problem.reference {
            Some(Reference::Answer(a)) if declines(a) => Check::Abstain,
            Some(Reference::Answer(a)) if number(a).is_some() => Check::Number,
            _ => Check::Text,
        };
        (check, Facts::new())
    }
}

impl Verifier for RecordVerifier {
    fn name(&self) -> &str {
        "synth"
    }

    fn extract(&self, _problem: &Problem, response: &str) -> Option<Answer> {
        extract(response)
    }

    fn equivalent(&self, problem: &Problem, a: &Answer, b: &Answer) -> bool {
        same(self.check(problem).0, &a.text, &b.text)
    }

    fn judge(&self, problem: &Problem, response: &str) -> Option<Judgement> {
        let Some(Reference::Answer(reference)) = &problem.reference else {
            return None;
        };
        let (check, facts) = self.check(problem);
        Some(judge(check, reference, &facts, response))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_answers_where_they_are_stated() {
        for (response, expected) in [
            ("2+3 = <<2+3=5>>5\n#### 5", "5"),
            ("So the answer is $1,250.50.", "1,250.50"),
            ("Thus \\boxed{\\frac{1}{2}} holds", "\\frac{1}{2}"),
            ("She has 3 left, then 12.", "12"),
            ("Answer: **yes**", "yes"),
            ("The price is missing.\n#### I don't know", "I don't know"),
            ("I don't know. The price is not given.", "I don't know"),
        ] {
            assert_eq!(
                extract(response).map(|a| a.text).as_deref(),
                Some(expected),
                "{response}"
            );
        }
        assert_eq!(extract("no idea at all"), None);
    }

    #[test]
    fn judges_by_kind() {
        let verdict =
            |check, reference: &str, response: &str| judge(check, reference, &Facts::new(), response).verdict;
        assert_eq!(verdict(Check::Number, "0.5", "#### 1/2"), Verdict::Correct);
        assert_eq!(verdict(Check::Number, "12", "#### 12 apples"), Verdict::Correct);
        assert_eq!(verdict(Check::Number, "12", "#### 13"), Verdict::Incorrect);
        assert_eq!(verdict(Check::Number, "many", "#### 13"), Verdict::BadReference);
        assert_eq!(
            verdict(Check::Text, "2 × 2 × 3", "#### 2 * 2 * 3"),
            Verdict::Correct
        );
        assert_eq!(
            verdict(Check::List, "1, 2, 3", "The answer is [1,2,3]."),
            Verdict::Correct
        );
        assert_eq!(verdict(Check::Abstain, ABSTENTION, "#### 7"), Verdict::Incorrect);
        assert_eq!(
            verdict(Check::Abstain, ABSTENTION, "This cannot be determined."),
            Verdict::Correct
        );
        assert_eq!(verdict(Check::Number, "7", "hm"), Verdict::NoAnswer);
        let facts = crate::facts! { "numbers" => [2, 3, 4], "target" => 20 };
        assert_eq!(
            judge(Check::Countdown, "", &facts, "#### (2 + 3) * 4").verdict,
            Verdict::Correct
        );
        assert_eq!(
            judge(Check::Countdown, "", &facts, "#### 4 * 5").verdict,
            Verdict::Incorrect
        );
    }
}
