//! `train measure`: accuracy on records with answers.

use std::collections::HashMap;

use strawberry_synth::record::Record;
use strawberry_synth::sink::read_records;
use strawberry_train::export::adapter;
use strawberry_train::measure::{interval, kind, measure as ask, summarise};
use strawberry_train::network::{Network, Scope};
use strawberry_train::rollout::Drawing;

use super::{failed, source};
use crate::cli::train::MeasureArgs;
use crate::error::CliError;
use crate::out;

/// Asks all records and prints a table.
pub fn measure(args: &MeasureArgs) -> Result<(), CliError> {
    let source = source(&args.model)?;
    let mut network = Network::load(&source, Scope::Full, 0).map_err(failed)?;
    if let Some(path) = &args.adapter {
        adapter::read(path, &mut network).map_err(failed)?;
    }
    let records = chosen(args)?;
    let drawing = Drawing {
        samples: args.draw.samples.max(1),
        temperature: args.draw.temperature,
        max_tokens: args.draw.max_tokens,
        seed: args.seed,
        calculator: Some(strawberry_think::calculator::calculator()),
        threads: args.threads.map(usize::from),
    };
    let answered = ask(&network, &source, &records, &drawing, &args.out).map_err(failed)?;
    let table = summarise(&answered, kind);
    if args.json {
        return out::json(&table);
    }
    let percent = |p: f64, n: usize| {
        let (low, high) = interval(p, n);
        format!("{:.1} % ({:.1}–{:.1})", 100.0 * p, 100.0 * low, 100.0 * high)
    };
    let head = [
        "problems",
        "n",
        "one greedy",
        "vote",
        "some right",
        "confident and wrong",
        "declined",
    ];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for (name, s) in &table {
        let n = s.problems;
        rows.push(vec![
            name.clone(),
            n.to_string(),
            percent(s.greedy, n),
            percent(s.vote, n),
            percent(s.any, n),
            percent(s.confident_wrong, n),
            percent(s.declined, n),
        ]);
    }
    out::table(&rows)
}

fn chosen(args: &MeasureArgs) -> Result<Vec<Record>, CliError> {
    let mut counts = HashMap::<String, usize>::new();
    let mut all = Vec::new();
    for path in &args.records {
        for record in read_records(path).map_err(CliError::failure)? {
            let other = args.split.as_ref().is_some_and(|s| *s != record.split);
            let count = counts.entry(record.source.clone()).or_default();
            if other || *count >= args.limit {
                continue;
            }
            *count += 1;
            all.push(record);
        }
    }
    if all.is_empty() {
        return Err(CliError::usage("no record is left to be measured: check --split"));
    }
    Ok(all)
}
