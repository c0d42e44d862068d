//! `train verifier` and `train score`.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use serde::Deserialize;
use strawberry_core::Message;
use strawberry_synth::record::Record;
use strawberry_synth::sink::read_jsonl;
use strawberry_train::network::{Network, Scope};
use strawberry_train::report;
use strawberry_train::verifier;

use super::{failed, network, place, settings, source, use_threads, watcher};
use crate::cli::train::{ScoreArgs, VerifierArgs};
use crate::error::CliError;
use crate::out;

/// A record, or a line of a journal of records that were judged.
#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Journal { results: Vec<Judged> },
    Record(Box<Record>),
}

#[derive(Deserialize)]
struct Judged {
    record: Record,
}

fn records(path: &Path) -> Result<Vec<Record>, CliError> {
    let lines: Vec<Line> = read_jsonl(path).map_err(CliError::failure)?;
    Ok(lines
        .into_iter()
        .flat_map(|line| match line {
            Line::Journal { results } => results.into_iter().map(|j| j.record).collect(),
            Line::Record(record) => vec![*record],
        })
        .collect())
}

/// Trains a scorer of solutions.
pub fn verifier(args: VerifierArgs, stop: &AtomicBool) -> Result<(), CliError> {
    use_threads(args.fit.threads);
    if args.fit.full {
        return Err(CliError::usage(
            "a verifier is an adapter with a scorer: leave out --full",
        ));
    }
    let source = source(&args.fit.model)?;
    let settings = settings(&args.fit);
    let mut all = Vec::new();
    for path in &args.data {
        all.extend(records(path)?);
    }
    let rows = verifier::Rows::new(&source, &all, settings.max_length).map_err(failed)?;
    let mut network = network(&source, &args.fit)?;
    let mut watch = watcher(stop);
    let place = place(&args.fit, &mut watch);
    let finished = verifier::train(&source, &mut network, &rows, &settings, place).map_err(failed)?;
    let folder = args.fit.out.join("verifier");
    verifier::write(&folder, &network, &source.config().name).map_err(failed)?;
    let page = args.fit.out.join("report.html");
    report::write(&args.fit.out.join("metrics.jsonl"), &page).map_err(failed)?;
    if args.fit.json {
        return out::json(&serde_json::json!({"written": folder, "report": page, "last": finished.last}));
    }
    out::line(format!(
        "trained: {}; curves: {}",
        folder.display(),
        page.display()
    ))
}

#[derive(Deserialize)]
struct Pair {
    question: String,
    response: String,
}

/// Scores responses.
pub fn score(args: ScoreArgs) -> Result<(), CliError> {
    let source = source(&args.model)?;
    let mut network = Network::load(&source, Scope::Full, 0).map_err(failed)?;
    verifier::read(&args.verifier, &mut network).map_err(failed)?;
    let pairs: Vec<Pair> = read_jsonl(&args.file).map_err(CliError::failure)?;
    let pairs: Vec<_> = pairs
        .into_iter()
        .map(|p| (vec![Message::user(p.question)], p.response))
        .collect();
    for score in verifier::score(&network, &source, &pairs).map_err(failed)? {
        out::json_line(&serde_json::json!({"score": score}))?;
    }
    Ok(())
}
