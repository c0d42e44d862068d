//! [`MathVerifier`]: the judge of mathematical answers.

use strawberry_core::{Answer, Judgement, Problem, Reference, Verdict, Verifier};

use crate::compare;
use crate::expr::Expr;
use crate::extract;
use crate::fuel::Stop;
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

    /// Holds a response against a reference: a bare answer, or a text that marks one (`\\boxed`, `####`).
    pub fn check(&self, reference: &str, response: &str) -> Report {
        let fuel = &self.options.fuel;
        let expected = extract::of_reference(reference, &self.options);
        let gold = match expected.and_then(|text| self.gold(&text)) {
            Ok(e) => e,
            Err(ParseError::TooComplex(why)) => {
                return Report::without(Verdict::TooComplex, "fuel", format!("the reference is {why}"));
            }
            Err(ParseError::Syntax(why)) => {
                return Report::without(
                    Verdict::BadReference,
                    "parse",
                    format!("the reference can't be understood: {why}"),
                );
            }
        };
        let found = match extract::extract(response, &self.options) {
            Ok(Some(found)) => found,
            Ok(None) => {
                return Report::without(Verdict::NoAnswer, "extraction", "the response holds no answer");
            }
            Err(e) => return Report::without(Verdict::TooComplex, "fuel", e.to_string()),
        };
        let judgement = match parse::parse(&found.text, fuel) {
            Err(ParseError::TooComplex(why)) => Judgement::new(Verdict::TooComplex, "fuel", why),
            Err(ParseError::Syntax(why)) => Judgement::new(Verdict::Unparsed, "parse", why),
            Ok(given) => self.judgement(&gold, &given),
        };
        let answer = Answer {
            text: found.text,
            key: None,
            rule: found.rule.into(),
            marked: found.marked,
        };
        Report {
            judgement,
            answer: Some(answer),
        }
    }

    /// A reference that is a sentence is searched for its answer like a response.
    fn gold(&self, text: &str) -> Result<Expr, ParseError> {
        let fuel = &self.options.fuel;
        let parsed = parse::parse(text, fuel);
        let sentence = matches!(&parsed, Err(ParseError::Syntax(_)))
            || matches!(&parsed, Ok(Expr::Text(t)) if t.contains("answer"));
        if sentence
            && text.contains(' ')
            && let Ok(Some(found)) = extract::extract(text, &self.options)
            && found.marked
            && found.text != text.trim()
        {
            return parse::parse(&found.text, fuel);
        }
        parsed
    }

    fn judgement(&self, gold: &Expr, given: &Expr) -> Judgement {
        match compare::compare(gold, given, &self.options) {
            Ok(d) => Judgement::new(
                if d.same {
                    Verdict::Correct
                } else {
                    Verdict::Incorrect
                },
                d.method,
                d.why,
            ),
            Err(Stop::Undefined(why)) => {
                // Whose fault it is shows when the reference is compared with itself.
                let bad = matches!(
                    compare::compare(gold, gold, &self.options),
                    Err(Stop::Undefined(_))
                );
                let (verdict, whose) = if bad {
                    (Verdict::BadReference, "reference")
                } else {
                    (Verdict::Incorrect, "response")
                };
                Judgement::new(
                    verdict,
                    "undefined value",
                    format!("the {whose} has no value: {why}"),
                )
            }
            Err(Stop::Fuel(why)) => Judgement::new(Verdict::TooComplex, "fuel", why),
            Err(Stop::Unsupported) => Judgement::new(
                Verdict::Incorrect,
                "different kinds",
                "they are of different kinds",
            ),
        }
    }

    /// The answer in a response, with its grouping key.
    pub fn find(&self, response: &str) -> Option<Answer> {
        let found = extract::extract(response, &self.options).ok()??;
        let parsed = parse::parse(&found.text, &self.options.fuel).ok();
        let key = parsed.and_then(|e| compare::key(&e, &self.options));
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
            (Ok(a), Ok(b)) => matches!(compare::compare(&a, &b, &self.options), Ok(d) if d.same),
            _ => false,
        }
    }
}

impl Report {
    fn without(verdict: Verdict, method: &str, evidence: impl Into<String>) -> Report {
        Report {
            judgement: Judgement::new(verdict, method, evidence),
            answer: None,
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
