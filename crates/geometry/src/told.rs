//! A problem given as text, answered in words.

use crate::lang::problem::Problem;
use crate::lang::read::{read_file, read_one};
use crate::proof::certificate::Certificate;
use crate::prove::{Options, Outcome, Progress, Status, prove};
use crate::text::Language;
use crate::text::narrate::narrate;
use crate::text::words::predicate;

/// An outcome with its telling.
#[derive(Clone, Debug)]
pub struct Told {
    /// The outcome.
    pub outcome: Outcome,
    /// The proof in numbered sentences; without one the message, and what is known about the goal.
    pub text: String,
}

/// The problem a text states in one of the languages; `None` for any other text, such as plain words.
pub fn recognise(text: &str) -> Option<Problem> {
    let text = text.trim();
    let problem = read_one(text, "problem").ok().or_else(|| {
        // a whole file, with a name or in lines, that holds one problem
        let mut entries = read_file(text).ok()?;
        let (_, problem) = entries.pop()?;
        problem.ok().filter(|_| entries.is_empty())
    })?;
    (problem.points.len() >= 2 && !problem.goals.is_empty()).then_some(problem)
}

/// Proves the problem a text states and tells the outcome; `None` if the text states none.
pub fn prove_text(
    text: &str,
    options: &Options,
    language: Language,
    progress: &(dyn Fn(Progress) + Sync),
    cancel: &(dyn Fn() -> bool + Sync),
) -> Option<Told> {
    let outcome = prove(&recognise(text)?, options, progress, cancel);
    let text = tell(&outcome, language);
    Some(Told { outcome, text })
}

/// The outcome in words.
pub fn tell(outcome: &Outcome, language: Language) -> String {
    let certificate = outcome.certificate.as_deref().map(Certificate::from_jsonl);
    if let Some(Ok(certificate)) = certificate {
        return narrate(&certificate, language).to_text();
    }
    let mut lines = vec![outcome.message.clone()];
    if outcome.status == Status::Unknown {
        lines.extend(
            outcome
                .known
                .iter()
                .map(|k| format!("known: {}", predicate(k, language))),
        );
        lines.extend(outcome.coordinates.as_ref().map(|o| o.sentence()));
    }
    lines.join("\n")
}
