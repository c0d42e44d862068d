//! Records from recorded runs: attempts that verified, several different ones per problem, and the failures as negatives.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use strawberry_core::{Attempt, Problem, Reference, TraceEvent, Verdict, Verifier};

use crate::error::SynthError;
use crate::item::{Check, Facts};
use crate::judge;
use crate::record::{Origin, Record, Turn};
use crate::sink::{Journal, read_lines};
use crate::steps;

/// What came of reading traces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TraceReport {
    /// Runs read.
    pub runs: usize,
    /// Runs whose problem has no reference this can use.
    pub without_reference: usize,
    /// Attempts judged.
    pub attempts: usize,
    /// Right attempts kept.
    pub kept: usize,
    /// Right attempts whose equations were there already, or beyond the number wanted for a problem.
    pub repeated: usize,
    /// Attempts with the right answer but a step that does not hold; kept as negatives.
    pub right_by_accident: usize,
    /// Wrong attempts kept as negatives.
    pub negatives: usize,
    /// Attempts about which nothing can be said (cut off, unparsed, out of time).
    pub unscored: usize,
}

struct Run {
    problem: Option<Problem>,
    strategy: String,
    attempts: Vec<Attempt>,
}

/// Reads events as `strawberry trace export` writes them: one JSON object a line, with the run's id under `run` (without ids,
/// every `started` event begins a run).
fn read_runs(path: &Path) -> Result<Vec<(String, Run)>, SynthError> {
    let mut order: Vec<String> = Vec::new();
    let mut runs: HashMap<String, Run> = HashMap::new();
    let mut current = String::new();
    read_lines(path, &mut |line, text| {
        let fail = |reason: String| SynthError::Row {
            path: path.to_owned(),
            line,
            reason,
        };
        let value: serde_json::Value = serde_json::from_str(text).map_err(|e| fail(e.to_string()))?;
        let id = value.get("run").and_then(|r| r.as_str()).map(str::to_owned);
        let event: TraceEvent =
            serde_json::from_value(value).map_err(|e| fail(format!("not a trace event: {e}")))?;
        if let Some(id) = id {
            current = id;
        } else if matches!(event, TraceEvent::Started { .. }) {
            current = format!("run-{line}");
        }
        let run = runs.entry(current.clone()).or_insert_with(|| {
            order.push(current.clone());
            Run {
                problem: None,
                strategy: String::new(),
                attempts: Vec::new(),
            }
        });
        match event {
            TraceEvent::Started {
                problem, strategy, ..
            } => {
                run.problem = Some(*problem);
                run.strategy = strategy;
            }
            TraceEvent::Sampled { attempt, .. } => run.attempts.push(*attempt),
            _ => {}
        }
        Ok(())
    })?;
    Ok(order
        .into_iter()
        .filter_map(|id| runs.remove(&id).map(|r| (id, r)))
        .collect())
}

/// A record of an attempt on a problem; `None` if the problem has no text reference.
pub(crate) fn record_of(problem: &Problem, completion: String, family: &str, seed: u64) -> Option<Record> {
    let Some(Reference::Answer(reference)) = &problem.reference else {
        return None;
    };
    let check = if judge::declines(reference) {
        Check::Abstain
    } else if judge::number(reference).is_some() {
        Check::Number
    } else {
        Check::Text
    };
    let steps = steps::equations(&completion);
    let origin = Origin {
        family: family.to_owned(),
        difficulty: 0,
        seed,
        source: problem.source.clone().unwrap_or_else(|| "traces".to_owned()),
        license: problem.licence.clone().unwrap_or_else(|| "unknown".to_owned()),
    };
    let mut record = Record::new(
        problem.last_user_text(),
        completion,
        steps,
        reference.clone(),
        check,
        &Facts::new(),
        origin,
    );
    record.messages = problem
        .messages
        .iter()
        .map(|m| Turn {
            role: m.role.as_str().to_owned(),
            content: m.content.clone(),
        })
        .collect();
    Some(record)
}

/// The key under which two right attempts at a problem count as one.
pub(crate) fn path_key(record: &Record) -> String {
    let key = record
        .equation_key()
        .unwrap_or_else(|| crate::record::normalise(&record.completion));
    format!("{}|{key}", record.problem)
}

/// Turns the runs of a trace file into records: right attempts with different equations (at most `paths` per problem), and
/// wrong ones with reward −1. Attempts are judged anew by `verifier`, not by the verdict in the trace. Each run is
/// one unit in the journal, so a killed job goes on where it was.
pub fn from_traces(
    input: &Path,
    verifier: &dyn Verifier,
    paths: usize,
    journal: &mut Journal,
) -> Result<TraceReport, SynthError> {
    let mut report = TraceReport::default();
    let mut keys: HashSet<String> = HashSet::new();
    let mut counts: BTreeMap<(String, bool), usize> = BTreeMap::new();
    for record in journal.results::<Record>()? {
        keys.insert(path_key(&record));
        *counts
            .entry((record.problem.clone(), record.reward > 0))
            .or_default() += 1;
    }
    for (id, run) in read_runs(input)? {
        report.runs += 1;
        let Some(problem) = run
            .problem
            .filter(|p| matches!(p.reference, Some(Reference::Answer(_))))
        else {
            report.without_reference += 1;
            continue;
        };
        if journal.is_done(&id) {
            continue;
        }
        let mut results = Vec::new();
        for attempt in run.attempts {
            report.attempts += 1;
            let completion = match attempt
                .thinking
                .as_deref()
                .map(str::trim)
                .filter(|t| !t.is_empty())
            {
                Some(thinking) => format!("<think>\n{thinking}\n</think>\n\n{}", attempt.text.trim()),
                None => attempt.text.trim().to_owned(),
            };
            let verdict = verifier.judge(&problem, &attempt.text).map(|j| j.verdict);
            let Some(mut record) = record_of(
                &problem,
                completion,
                &format!("traces/{}", run.strategy),
                attempt.seed >> 1,
            ) else {
                continue;
            };
            let holds = record.steps.iter().all(|s| s.ok);
            let right = match verdict {
                Some(Verdict::Correct) if holds => true,
                Some(Verdict::Correct) => {
                    report.right_by_accident += 1;
                    false
                }
                Some(Verdict::Incorrect) => false,
                _ => {
                    report.unscored += 1;
                    continue;
                }
            };
            let count = counts.entry((record.problem.clone(), right)).or_default();
            if (right && *count >= paths) || !keys.insert(path_key(&record)) {
                report.repeated += usize::from(right);
                continue;
            }
            *count += 1;
            let declined = verdict == Some(Verdict::Incorrect) && judge::declines(&attempt.text);
            record.reward = if right {
                1
            } else if declined {
                0
            } else {
                -1
            };
            record.id = format!(
                "traces-{}-{}{count}",
                record.problem,
                if right { "p" } else { "n" }
            );
            if right {
                report.kept += 1;
            } else if verdict == Some(Verdict::Incorrect) {
                report.negatives += 1;
            }
            results.push(record);
        }
        journal.append(&id, results)?;
    }
    Ok(report)
}
