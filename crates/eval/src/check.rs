//! How answers of each kind are found, compared and judged.

use std::collections::HashMap;
use std::sync::Arc;

use strawberry_core::{Answer, Judgement, Problem, Reference, Verdict, Verifier};
use strawberry_sandbox::{Against, CodeVerifier, Language, Sandbox};
use strawberry_synth::judge::RecordVerifier;
use strawberry_synth::record::Record;
use strawberry_verify::MathVerifier;

use crate::EvalError;
use crate::source::Row;
use crate::task::{Check, Format, Task};

/// The verifier of a task.
#[derive(Clone)]
pub struct Checker(Arc<dyn Verifier>);

impl Checker {
    /// The verifier for a task's rows; `records` are those that were made or converted by `synth`.
    ///
    /// # Errors
    /// Programs can't be run here.
    pub fn new(task: &Task, records: &[Record], rows: &[Row]) -> Result<Self, EvalError> {
        Ok(Checker(match task.check {
            _ if !task.families.is_empty() || task.format == Format::Svamp => {
                Arc::new(RecordVerifier::new(records))
            }
            Check::Math => Arc::new(MathVerifier::default()),
            Check::Text => Arc::new(TextVerifier),
            Check::Choice => Arc::new(ChoiceVerifier {
                labels: rows.iter().map(|r| (r.id.clone(), r.labels.clone())).collect(),
            }),
            Check::Code => {
                let sandbox = strawberry_think::programs::sandbox().map_err(EvalError::Failed)?;
                let programs = CodeVerifier::new(sandbox.clone(), Language::Python);
                Arc::new(CodeTests { sandbox, programs })
            }
        }))
    }

    /// The verifier.
    pub fn verifier(&self) -> Arc<dyn Verifier> {
        self.0.clone()
    }
}

/// The text after the last "answer is" or "answer:", or the last line.
fn stated(response: &str) -> Option<(String, bool)> {
    let lower = response.to_ascii_lowercase();
    for cue in ["answer is", "answer:"] {
        if let Some(start) = lower.rfind(cue) {
            let line = response[start + cue.len()..]
                .trim_start_matches(':')
                .trim()
                .lines()
                .next()
                .unwrap_or_default();
            if !line.trim().is_empty() {
                return Some((line.to_owned(), true));
            }
        }
    }
    let last = response.lines().map(str::trim).rfind(|l| !l.is_empty())?;
    Some((last.to_owned(), false))
}

/// Words in lower case without punctuation around them.
fn words(text: &str) -> String {
    let words: Vec<String> = text
        .split(|c: char| c.is_whitespace() || c == ',')
        .map(|w| w.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase())
        .filter(|w| !w.is_empty())
        .collect();
    words.join(" ")
}

fn answer(text: &str, key: String, marked: bool) -> Option<Answer> {
    let text = text
        .trim()
        .trim_matches(['*', '"', '`'])
        .trim_end_matches('.')
        .trim();
    (!key.is_empty()).then(|| Answer {
        text: text.to_owned(),
        key: Some(key),
        rule: if marked { "the answer is" } else { "last line" }.to_owned(),
        marked,
    })
}

fn by_key(found: Option<Answer>, wanted: &str, method: &str) -> Judgement {
    match found {
        None => Judgement::new(Verdict::NoAnswer, method, "the response states no answer"),
        Some(a) => Judgement::new(
            if a.key.as_deref() == Some(wanted) {
                Verdict::Correct
            } else {
                Verdict::Incorrect
            },
            method,
            format!("answer '{}', reference '{wanted}'", a.text),
        ),
    }
}

/// Equal words.
struct TextVerifier;

impl Verifier for TextVerifier {
    fn name(&self) -> &str {
        "text"
    }

    fn extract(&self, _: &Problem, response: &str) -> Option<Answer> {
        let (text, marked) = stated(response)?;
        answer(&text, words(&text), marked)
    }

    fn equivalent(&self, _: &Problem, a: &Answer, b: &Answer) -> bool {
        words(&a.text) == words(&b.text)
    }

    fn judge(&self, problem: &Problem, response: &str) -> Option<Judgement> {
        let Some(Reference::Answer(reference)) = &problem.reference else {
            return None;
        };
        Some(by_key(
            self.extract(problem, response),
            &words(reference),
            "equal words",
        ))
    }
}

/// The letter of an option.
struct ChoiceVerifier {
    /// By problem: label and text of each option.
    labels: HashMap<String, Vec<(String, String)>>,
}

impl ChoiceVerifier {
    /// The label a text gives: a letter that stands alone, or the text of exactly one option.
    fn label(&self, problem: &Problem, text: &str) -> Option<String> {
        let options = self.labels.get(&problem.id)?;
        let is_label = |w: &str| options.iter().any(|(l, _)| l == w);
        let first = text.split_whitespace().next().unwrap_or_default();
        let bare = |w: &str| w.trim_matches(|c: char| !c.is_alphanumeric()).to_owned();
        if is_label(&bare(first)) {
            return Some(bare(first));
        }
        // "(B)" anywhere is a label, the article "A" is not.
        let bracketed = text
            .split('(')
            .skip(1)
            .find_map(|rest| rest.split_once(')').map(|(l, _)| l.trim().to_owned()));
        if let Some(label) = bracketed.filter(|l| is_label(l)) {
            return Some(label);
        }
        let said = words(text);
        let mut same = options.iter().filter(|(_, t)| words(t) == said);
        let one = same.next().map(|(l, _)| l.clone());
        one.filter(|_| same.next().is_none())
    }
}

impl Verifier for ChoiceVerifier {
    fn name(&self) -> &str {
        "choice"
    }

    fn extract(&self, problem: &Problem, response: &str) -> Option<Answer> {
        let (text, marked) = stated(response)?;
        let label = self.label(problem, &text)?;
        answer(&label.clone(), label, marked)
    }

    fn equivalent(&self, _: &Problem, a: &Answer, b: &Answer) -> bool {
        a.key == b.key
    }

    fn judge(&self, problem: &Problem, response: &str) -> Option<Judgement> {
        let Some(Reference::Answer(reference)) = &problem.reference else {
            return None;
        };
        Some(by_key(self.extract(problem, response), reference, "option"))
    }
}

/// Python programs against tests. The first entry of the reference is the tests' set-up code.
struct CodeTests {
    sandbox: Arc<Sandbox>,
    /// Finds and compares programs.
    programs: CodeVerifier,
}

impl Verifier for CodeTests {
    fn name(&self) -> &str {
        self.programs.name()
    }

    fn extract(&self, problem: &Problem, response: &str) -> Option<Answer> {
        self.programs.extract(problem, response)
    }

    fn equivalent(&self, problem: &Problem, a: &Answer, b: &Answer) -> bool {
        self.programs.equivalent(problem, a, b)
    }

    fn judge(&self, problem: &Problem, response: &str) -> Option<Judgement> {
        let Some(Reference::Tests(all)) = &problem.reference else {
            return None;
        };
        let (setup, tests) = all.split_first()?;
        let against = Against::Tests {
            setup: setup.clone(),
            tests: tests.to_vec(),
        };
        let method = against.method();
        let report = self.sandbox.check_response(response, Language::Python, against);
        Some(report.judgement(method))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_compared_without_case_and_punctuation() {
        let mut problem = Problem::question("Sort.");
        problem.reference = Some(Reference::Answer("damp it&t zoo".into()));
        let judge = |response: &str| TextVerifier.judge(&problem, response).unwrap().verdict;
        assert_eq!(
            judge("Thinking…\nThe answer is Damp, it&t, zoo."),
            Verdict::Correct
        );
        assert_eq!(judge("zoo it&t damp"), Verdict::Incorrect);
        assert_eq!(judge(""), Verdict::NoAnswer);
    }

    #[test]
    fn options_are_read_from_letters_and_texts() {
        let options = [("A", "a park"), ("B", "the sea"), ("C", "the sea")];
        let labels = options.map(|(l, t)| (l.to_owned(), t.to_owned())).to_vec();
        let checker = ChoiceVerifier {
            labels: [("7".to_owned(), labels)].into(),
        };
        let mut problem = Problem::question("Where?");
        problem.id = "7".into();
        problem.reference = Some(Reference::Answer("A".into()));
        let found = |response: &str| checker.extract(&problem, response).map(|a| a.text);
        for (response, label) in [
            ("The answer is (B).", Some("B")),
            ("B) the sea", Some("B")),
            ("I think.\nThe answer is **C**", Some("C")),
            ("The answer is a park", Some("A")),
            ("The answer is the sea", None),
            ("It must be option (A) here.", Some("A")),
            ("no idea", None),
        ] {
            assert_eq!(found(response).as_deref(), label, "{response}");
        }
        assert_eq!(
            checker.judge(&problem, "The answer is A.").unwrap().verdict,
            Verdict::Correct
        );
        assert_eq!(checker.judge(&problem, "Hm").unwrap().verdict, Verdict::NoAnswer);
    }
}
