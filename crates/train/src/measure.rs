//! How well a network answers problems with known answers: alone (one greedy response) and by the vote of many.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use strawberry_core::{Verdict, Verifier};
use strawberry_engine::source::ModelSource;
use strawberry_synth::judge::{RecordVerifier, declines};
use strawberry_synth::record::{Record, question_hash};
use strawberry_synth::sink::Journal;

use crate::error::TrainError;
use crate::network::Network;
use crate::rollout::{Drawing, Response, Sampler};

/// Problems asked between two lines of the journal.
const UNIT: usize = 16;
/// A vote with at least this share of all responses counts as confident.
pub const CONFIDENT: f64 = 0.5;

/// One problem's outcome.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answered {
    /// The problem's group: `words`, `svamp`, …
    pub group: String,
    /// Whether it has an answer at all.
    pub answerable: bool,
    /// Whether the greedy response is right (for a problem without answer: declines).
    pub greedy: bool,
    /// Whether the greedy response declines.
    pub declined: bool,
    /// Whether the voted answer is right.
    pub voted: bool,
    /// Whether the vote is to decline.
    pub vote_declined: bool,
    /// The voted answer's share of the responses.
    pub share: f64,
    /// How many responses are right.
    pub right: usize,
    /// Responses drawn.
    pub samples: usize,
}

/// What is known of a group of problems.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Problems.
    pub problems: usize,
    /// Share of right greedy responses.
    pub greedy: f64,
    /// Share of right votes.
    pub vote: f64,
    /// Share of problems with some right response.
    pub any: f64,
    /// Mean share of right responses.
    pub mean: f64,
    /// Share of problems whose vote is confident ([`CONFIDENT`]), wrong, and no refusal.
    pub confident_wrong: f64,
    /// Share of problems on which the vote declines.
    pub declined: f64,
}

/// The 95 % interval of a share `p` of `n` (Wilson 1927, "Probable inference, the law of succession, and
/// statistical inference").
pub fn interval(p: f64, n: usize) -> (f64, f64) {
    let (n, z) = (n.max(1) as f64, 1.96);
    let centre = p + z * z / (2.0 * n);
    let spread = z * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + z * z / n;
    (
        ((centre - spread) / scale).max(0.0),
        ((centre + spread) / scale).min(1.0),
    )
}

fn vote(verifier: &dyn Verifier, record: &Record, responses: &[Response]) -> (bool, bool, f64) {
    let problem = record.problem();
    let mut classes: Vec<(strawberry_core::Answer, usize, &Response)> = Vec::new();
    for response in responses.iter().filter(|r| r.finished) {
        let Some(answer) = verifier.extract(&problem, &response.text()) else {
            continue;
        };
        match classes
            .iter_mut()
            .find(|(a, _, _)| verifier.equivalent(&problem, a, &answer))
        {
            Some(class) => class.1 += 1,
            None => classes.push((answer, 1, response)),
        }
    }
    // The first of equals wins.
    let Some(best) = classes.iter().rev().max_by_key(|c| c.1) else {
        return (false, false, 0.0);
    };
    let text = best.2.text();
    let right = verifier
        .judge(&problem, &text)
        .is_some_and(|j| j.verdict == Verdict::Correct);
    (
        right,
        declines(&text),
        best.1 as f64 / responses.len().max(1) as f64,
    )
}

/// Asks all problems, greedily once and `drawing.samples` times at its temperature; a durable job with its journal
/// at `journal`.
///
/// # Errors
/// When sampling fails or the disk refuses.
pub fn measure(
    network: &Network,
    source: &ModelSource,
    records: &[Record],
    drawing: &Drawing,
    journal: &Path,
) -> Result<Vec<Answered>, TrainError> {
    let mut journal = Journal::open(journal)?;
    let verifier = RecordVerifier::new(records);
    let mut sampler = None;
    let greedy = Drawing {
        samples: 1,
        temperature: 0.0,
        ..drawing.clone()
    };
    for (i, unit) in records.chunks(UNIT).enumerate() {
        let key = format!("{i}");
        if journal.is_done(&key) {
            continue;
        }
        let sampler = match &mut sampler {
            Some(sampler) => sampler,
            none => none.insert(Sampler::new(network, source, drawing.threads)?),
        };
        let prompts: Vec<_> = unit.iter().map(|r| r.problem().messages).collect();
        let keys: Vec<u64> = unit.iter().map(|r| question_hash(r.question())).collect();
        let one = sampler.draw(&prompts, &keys, &greedy)?;
        let many = if drawing.samples > 1 {
            sampler.draw(&prompts, &keys, drawing)?
        } else {
            one.clone()
        };
        let right = |record: &Record, response: &Response| {
            let judged = verifier.judge(&record.problem(), &response.text());
            response.finished && judged.is_some_and(|j| j.verdict == Verdict::Correct)
        };
        let rows = unit.iter().zip(one).zip(many).map(|((record, one), many)| {
            let (voted, vote_declined, share) = vote(&verifier, record, &many);
            Answered {
                group: if record.source == "strawberry-synth" {
                    record.stem().to_owned()
                } else {
                    record.source.clone()
                },
                answerable: record.answerable,
                greedy: right(record, &one[0]),
                declined: declines(&one[0].text()),
                voted,
                vote_declined,
                share,
                right: many.iter().filter(|r| right(record, r)).count(),
                samples: many.len(),
            }
        });
        journal.append(&key, rows.collect())?;
    }
    Ok(journal.results()?)
}

/// What kind of problem it was, for tables.
pub fn kind(a: &Answered) -> String {
    match (a.answerable, a.group.as_str()) {
        (false, _) => "without an answer",
        (_, "words") => "word problems of synth",
        (_, "svamp") => "svamp",
        (_, "gsm8k") => "gsm8k",
        _ => "other families of synth",
    }
    .to_owned()
}

/// Sums up outcomes by `group`.
pub fn summarise(answered: &[Answered], group: impl Fn(&Answered) -> String) -> BTreeMap<String, Summary> {
    let mut all: BTreeMap<String, Summary> = BTreeMap::new();
    for a in answered {
        let s = all.entry(group(a)).or_default();
        let one = |b: bool| f64::from(u8::from(b));
        s.problems += 1;
        s.greedy += one(a.greedy);
        s.vote += one(a.voted);
        s.any += one(a.right > 0);
        s.mean += a.right as f64 / a.samples.max(1) as f64;
        s.confident_wrong += one(!a.voted && !a.vote_declined && a.share >= CONFIDENT);
        s.declined += one(a.vote_declined);
    }
    for s in all.values_mut() {
        let n = s.problems as f64;
        for x in [
            &mut s.greedy,
            &mut s.vote,
            &mut s.any,
            &mut s.mean,
            &mut s.confident_wrong,
            &mut s.declined,
        ] {
            *x /= n;
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_wilsons() {
        // The example of Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I.
        let (low, high) = interval(81.0 / 263.0, 263);
        assert!(
            (low - 0.2553).abs() < 2e-4 && (high - 0.3662).abs() < 2e-4,
            "{low} {high}"
        );
        assert_eq!(interval(0.0, 10).0, 0.0);
    }
}
