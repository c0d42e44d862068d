//! The one form in which every training example is kept, whatever it was made from.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use strawberry_core::{Message, Problem, Reference};

use crate::item::{ABSTENTION, Check, Facts, Item, Step};

/// Version of the checks named in [`VerifierSpec`]; raised when a check changes its mind about some answer.
pub const VERIFIER_VERSION: u32 = 1;

/// How completions are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Style {
    /// The step language: `<<expr=value>>` calculator marks, last line `#### answer`.
    #[default]
    Marked,
    /// Plain sentences, last line `The answer is X.`
    Natural,
}

impl std::str::FromStr for Style {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        match s {
            "marked" => Ok(Style::Marked),
            "natural" => Ok(Style::Natural),
            _ => Err(format!("unknown style '{s}': use marked or natural")),
        }
    }
}

/// One message of a prompt, in the shape every trainer reads.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Turn {
    /// `system`, `user` or `assistant`.
    pub role: String,
    /// The text.
    pub content: String,
}

/// Which check decides about an answer to the record's problem, and what it needs to know.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VerifierSpec {
    /// A [`Check`] by name.
    pub kind: String,
    /// [`VERIFIER_VERSION`] when the record was made.
    pub version: u32,
    /// The structured problem as JSON text (text, so that the column has one type over all families).
    pub args: String,
}

/// One training example.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Identifies the record: family, hash of the question, and for further solutions a number.
    pub id: String,
    /// Hash of the normalised question; equal for several solutions of one problem.
    pub problem: String,
    /// The family, and after a slash the kind within it, where it has kinds.
    pub family: String,
    /// Difficulty from 1 to 5; 0 where it isn't known.
    pub difficulty: u8,
    /// The seed that made it (below 2⁵³ for generated problems); 0 for data that wasn't generated.
    pub seed: u64,
    /// The prompt.
    pub messages: Vec<Turn>,
    /// The response to be learned.
    pub completion: String,
    /// The steps of the completion.
    pub steps: Vec<Step>,
    /// The reference answer.
    pub answer: String,
    /// Whether the problem can be answered.
    pub answerable: bool,
    /// +1 for a right completion, 0 for an abstention on an answerable problem, −1 for a wrong one.
    pub reward: i8,
    /// How answers are checked.
    pub verifier: VerifierSpec,
    /// Where the problem comes from.
    pub source: String,
    /// Its licence (SPDX identifier where one exists).
    pub license: String,
    /// `train`, `dev` or `test`, by hash of the question.
    pub split: String,
}

/// Lower case, no punctuation, single spaces. Numbers stay.
pub fn normalise(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut gap = false;
    for c in text.chars() {
        if c.is_alphanumeric() {
            if gap && !out.is_empty() {
                out.push(' ');
            }
            gap = false;
            if c.is_ascii() {
                out.push(c.to_ascii_lowercase());
            } else {
                out.extend(c.to_lowercase());
            }
        } else if matches!(c, '+' | '*' | '/' | '=' | '<' | '>' | '-' | '^' | '%') {
            // Signs carry the meaning of an equation.
            if !out.is_empty() {
                out.push(' ');
            }
            out.push(c);
            gap = true;
        } else if c != '\'' && c != ',' {
            gap = true;
        }
    }
    out
}

/// The first 64 bits of SHA-256 of the normalised question.
pub fn question_hash(question: &str) -> u64 {
    let digest = Sha256::digest(normalise(question).as_bytes());
    let mut first = [0; 8];
    first.copy_from_slice(&digest[..8]);
    u64::from_be_bytes(first)
}

/// The split of a question: 5 % `dev`, 5 % `test`, the rest `train`. It depends on the question alone, so
/// no mixture of data sets can move a held-out question into training.
pub fn split_of(hash: u64) -> &'static str {
    match hash % 100 {
        0..=4 => "test",
        5..=9 => "dev",
        _ => "train",
    }
}

/// The last line of a completion in either style.
pub fn final_line(answer: &str, style: Style) -> String {
    match style {
        Style::Marked => format!("#### {answer}"),
        Style::Natural if answer == ABSTENTION => format!("{ABSTENTION}."),
        Style::Natural => format!("The answer is {answer}."),
    }
}

/// What is known about a problem besides its question and solution.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// See [`Record::family`].
    pub family: String,
    /// See [`Record::difficulty`].
    pub difficulty: u8,
    /// See [`Record::seed`].
    pub seed: u64,
    /// See [`Record::source`].
    pub source: String,
    /// See [`Record::license`].
    pub license: String,
}

impl Record {
    /// A right record from a question, its solution and its origin.
    pub fn new(
        question: &str,
        completion: String,
        steps: Vec<Step>,
        answer: String,
        check: Check,
        facts: &Facts,
        origin: Origin,
    ) -> Record {
        let hash = question_hash(question);
        let problem = format!("{hash:016x}");
        let stem = origin.family.split('/').next().unwrap_or_default();
        Record {
            id: format!("{stem}-{problem}"),
            problem,
            family: origin.family,
            difficulty: origin.difficulty,
            seed: origin.seed,
            messages: vec![Turn {
                role: "user".to_owned(),
                content: question.to_owned(),
            }],
            completion,
            steps,
            answer,
            answerable: check != Check::Abstain,
            reward: 1,
            verifier: VerifierSpec {
                kind: check.as_str().to_owned(),
                version: VERIFIER_VERSION,
                args: serde_json::to_string(facts).unwrap_or_default(),
            },
            source: origin.source,
            license: origin.license,
            split: split_of(hash).to_owned(),
        }
    }

    /// The record of an item made by one of our families.
    pub fn from_item(item: Item, family: &str, difficulty: u8, seed: u64, style: Style) -> Record {
        let mut completion = String::new();
        for step in &item.steps {
            completion.push_str(if style == Style::Marked {
                &step.marked
            } else {
                &step.text
            });
            completion.push('\n');
        }
        if !item.answerable() {
            completion.push_str(&item.reason);
            completion.push('\n');
        }
        completion.push_str(&final_line(&item.answer, style));
        let family = if item.kind.is_empty() || item.kind == family {
            family.to_owned()
        } else {
            format!("{family}/{}", item.kind)
        };
        let origin = Origin {
            family,
            difficulty,
            seed,
            source: "strawberry-synth".to_owned(),
            license: "Apache-2.0".to_owned(),
        };
        Record::new(
            &item.question,
            completion,
            item.steps,
            item.answer,
            item.check,
            &item.facts,
            origin,
        )
    }

    /// The text of the last user message.
    pub fn question(&self) -> &str {
        self.messages
            .iter()
            .rev()
            .find(|m| m.role == "user")
            .map_or("", |m| m.content.as_str())
    }

    /// The family without its kind.
    pub fn stem(&self) -> &str {
        self.family.split('/').next().unwrap_or_default()
    }

    /// The problem, for strategies and verifiers.
    pub fn problem(&self) -> Problem {
        let messages = self
            .messages
            .iter()
            .map(|m| match m.role.as_str() {
                "system" => Message::system(&m.content),
                "assistant" => Message::assistant(&m.content),
                _ => Message::user(&m.content),
            })
            .collect();
        Problem {
            id: self.id.clone(),
            messages,
            reference: Some(Reference::Answer(self.answer.clone())),
            source: Some(self.source.clone()),
            licence: Some(self.license.clone()),
        }
    }

    /// The key under which two solutions of a problem count as the same: the list of their equations, each
    /// up to spacing and the order of operands (RFT, arXiv 2308.01825, section 3.2). `None` without arithmetic.
    pub fn equation_key(&self) -> Option<String> {
        let mut key = String::new();
        for step in self.steps.iter().filter(|s| !s.expr.is_empty()) {
            let expr = crate::expr::Expr::parse(&step.expr).map_or_else(|_| step.expr.clone(), |e| e.key());
            key.push_str(&expr);
            key.push('=');
            key.push_str(&step.value);
            key.push(';');
        }
        (!key.is_empty()).then_some(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normalising_keeps_words_numbers_and_signs() {
        assert_eq!(normalise("  Tom's 3 boxes, at $1,200!  "), "toms 3 boxes at 1200");
        assert_eq!(normalise("2*x + 3 = -7"), "2 * x + 3 = - 7");
        assert_eq!(question_hash("Tom has 3."), question_hash("tom  has 3"));
        assert_ne!(question_hash("Tom has 3."), question_hash("Tom has 4."));
    }

    #[test]
    fn a_tenth_of_all_questions_is_held_out() {
        let held_out = (0..5000)
            .filter(|i| split_of(question_hash(&format!("question {i}"))) != "train")
            .count();
        assert!((400..600).contains(&held_out), "{held_out}");
    }
}
