//! [`MathVerifier`]: the judge of mathematical answers.

use strawberry_core::{Answer, Judgement, Problem, Reference, Verdict, Verifier};

use crate::compare;
use crate::extract;
use crate::options::Options;
use crate::parse::{self, ParseError};

/// Finds mathematical answers in responses, compares them, and holds them against references.
///
/// It has no state but its options: calls from many threads give the same verdicts as calls from one.
#[derive(Clone, Copy, Debug, Default)]
pub struct MathVerifier {
    options: Options,
}

/// A judgement with what it was made from.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// The verdict, its method and evidence.
    pub judgement: Judgement,
    /// The answer found in the response.
    pub answer: Option<Answer>,
}

impl MathVerifier {
    /// A verifier with these options.
    pub fn new(options: Options) -> Self {
        MathVerifier { options }
    }

    /// The options.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Holds a response against a reference: a bare answer, or a text that marks one (`\boxed`, `####`).
    pub fn check(&self, reference: &str, response: &str) -> Report {
        let report = |verdict, method: &str, evidence: String, answer| Report {
            judgement: Judgement::new(verdict, method, evidence),
            answer,
        };
        let expected = extract::of_reference(reference, &self.options);
        let gold = match expected
            .as_ref()
            .map_err(Clone::clone)
            .and_then(|t| parse::parse(t, &self.options.fuel))
        {
            Ok(e) => e,
            Err(ParseError::TooComplex(why)) => {
                return report(
                    Verdict::TooComplex,
                    "fuel",
                    format!("the reference is {why}"),
                    None,
                );
            }
            Err(ParseError::Syntax(why)) => {
                return report(
                    Verdict::BadReference,
                    "parse",
                    format!("the reference can't be understood: {why}"),
                    None,
                );
            }
        };
        let found = match extract::extract(response, &self.options) {
            Ok(Some(found)) => found,
            Ok(None) => {
                return report(
                    Verdict::NoAnswer,
                    "extraction",
                    "the response holds no answer".into(),
                    None,
                );
            }
            Err(e) => return report(Verdict::TooComplex, "fuel", e.to_string(), None),
        };
        let answer = Some(Answer {
            text: found.text.clone(),
            key: None,
            rule: found.rule.into(),
            marked: found.marked,
        });
        match parse::parse(&found.text, &self.options.fuel) {
            Err(ParseError::TooComplex(why)) => report(Verdict::TooComplex, "fuel", why, answer),
            Err(ParseError::Syntax(why)) => report(Verdict::Unparsed, "parse", why, answer),
            Ok(e) => {
                let d = compare::compare(&gold, &e, &self.options);
                let verdict = if d.same {
                    Verdict::Correct
                } else {
                    Verdict::Incorrect
                };
                report(verdict, d.method, d.why, answer)
            }
        }
    }

    /// The answer in a response, with its grouping key.
    pub fn find(&self, response: &str) -> Option<Answer> {
        let found = extract::extract(response, &self.options).ok()??;
        let key = parse::parse(&found.text, &self.options.fuel)
            .ok()
            .and_then(|e| compare::key(&e));
        Some(Answer {
            text: found.text,
            key,
            rule: found.rule.into(),
            marked: found.marked,
        })
    }

    /// Whether two answers are the same; false when that can't be established.
    pub fn same(&self, a: &str, b: &str) -> bool {
        match (
            parse::parse(a, &self.options.fuel),
            parse::parse(b, &self.options.fuel),
        ) {
            (Ok(a), Ok(b)) => compare::compare(&a, &b, &self.options).same,
            _ => false,
        }
    }
}

impl Verifier for MathVerifier {
    fn name(&self) -> &str {
        "mathematics"
    }

    fn extract(&self, _problem: &Problem, response: &str) -> Option<Answer> {
        self.find(response)
    }

    fn equivalent(&self, _problem: &Problem, a: &Answer, b: &Answer) -> bool {
        (a.key.is_some() && a.key == b.key) || a.text == b.text || self.same(&a.text, &b.text)
    }

    fn judge(&self, problem: &Problem, response: &str) -> Option<Judgement> {
        match problem.reference.as_ref()? {
            Reference::Answer(reference) => Some(self.check(reference, response).judgement),
            _ => None,
        }
    }
}
