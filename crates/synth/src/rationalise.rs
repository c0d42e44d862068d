//! Rationalisation (STaR, Zelikman et al. 2022, arXiv 2203.14465, section 3.2): a problem the model can't solve is shown with its answer;
//! a solution it then writes is kept without the hint, if it verifies.

use futures::{StreamExt, stream};
use strawberry_core::{Finish, Message, Model, ModelError, Verdict, Verifier};

use crate::error::SynthError;
use crate::record::Record;
use crate::rng::Rng;
use crate::sample::{Asking, respond};
use crate::sink::Journal;
use crate::steps;
use crate::traces::path_key;

/// What came of a rationalisation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RationaliseReport {
    /// Problems tried (those already in the journal not counted).
    pub tried: usize,
    /// Problems for which a solution was kept.
    pub solved: usize,
    /// Responses with the wrong answer, or cut off.
    pub wrong: usize,
    /// Responses that mention the hint.
    pub told: usize,
    /// Responses without arithmetic or with a step that doesn't hold.
    pub unsound: usize,
}

/// Why a response was not kept.
enum Refusal {
    Wrong,
    Told,
    Unsound,
}

/// The prompt with the hint.
fn with_hint(record: &Record) -> Vec<Message> {
    let mut messages = record.problem().messages;
    if let Some(last) = messages.last_mut() {
        last.content.push_str(&format!(
            "\n\nHint: the answer is {}. Write the steps that lead to it, one per line, and end with the line '#### {}'. Do not mention the hint.",
            record.answer, record.answer
        ));
    }
    messages
}

/// Words by which a response shows that it saw the hint.
const TELLS: [&str; 5] = [
    "hint",
    "given answer",
    "provided answer",
    "we are told the answer",
    "already know the answer",
];

fn check(
    record: &Record,
    response: &str,
    finish: Finish,
    verifier: &dyn Verifier,
) -> Result<Record, Refusal> {
    let right = verifier
        .judge(&record.problem(), response)
        .is_some_and(|j| j.verdict == Verdict::Correct);
    if finish != Finish::Stop || !right {
        return Err(Refusal::Wrong);
    }
    let lower = response.to_lowercase();
    if TELLS.iter().any(|t| lower.contains(t)) {
        return Err(Refusal::Told);
    }
    let steps = steps::equations(response);
    if steps.is_empty() || steps.iter().any(|s| !s.ok) {
        return Err(Refusal::Unsound);
    }
    // The original prompt: the hint is nowhere in the record.
    let mut kept = record.clone();
    kept.id = format!("{}-r", record.id);
    kept.completion = response.to_owned();
    kept.steps = steps;
    kept.reward = 1;
    Ok(kept)
}

/// Tries each problem with its answer as a hint, up to `asking.samples` times, and keeps the first sound solution. Problems that can't be answered are
/// skipped. Each problem is one unit in the journal.
pub async fn rationalise(
    problems: &[Record],
    model: &dyn Model,
    verifier: &dyn Verifier,
    asking: &Asking,
    journal: &mut Journal,
) -> Result<RationaliseReport, SynthError> {
    let mut report = RationaliseReport::default();
    let open: Vec<&Record> = problems
        .iter()
        .filter(|r| r.answerable && !journal.is_done(&r.id))
        .collect();
    let work = open.into_iter().map(|record| async move {
        let mut refusals = Vec::new();
        for sample in 0..asking.samples {
            let seed = Rng::derive(
                asking.seed,
                &[crate::record::question_hash(record.question()), u64::from(sample)],
            );
            let (response, finish) = respond(model, with_hint(record), asking, seed).await?;
            match check(record, &response, finish, verifier) {
                Ok(kept) => return Ok((record, Some(kept), refusals)),
                Err(refusal) => refusals.push(refusal),
            }
        }
        Ok::<_, ModelError>((record, None, refusals))
    });
    let mut results = stream::iter(work).buffered(asking.concurrency.max(1));
    while let Some(result) = results.next().await {
        let (record, kept, refusals) = result?;
        report.tried += 1;
        report.solved += usize::from(kept.is_some());
        for refusal in refusals {
            match refusal {
                Refusal::Wrong => report.wrong += 1,
                Refusal::Told => report.told += 1,
                Refusal::Unsound => report.unsound += 1,
            }
        }
        journal.append(&record.id, kept.into_iter().collect::<Vec<Record>>())?;
    }
    Ok(report)
}

/// The problems of `all` that no right record of `solved` covers: what is left for rationalisation.
pub fn unsolved(all: Vec<Record>, solved: &[Record]) -> Vec<Record> {
    let done: std::collections::HashSet<&str> = solved
        .iter()
        .filter(|r| r.reward > 0)
        .map(|r| r.problem.as_str())
        .collect();
    all.into_iter()
        .filter(|r| !done.contains(r.problem.as_str()))
        .collect()
}

/// Drops records whose equations repeat those of another record of the same problem.
pub fn distinct(records: Vec<Record>) -> Vec<Record> {
    let mut keys = std::collections::HashSet::new();
    records.into_iter().filter(|r| keys.insert(path_key(r))).collect()
}
