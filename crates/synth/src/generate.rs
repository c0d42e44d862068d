//! Making records from families: in parallel, in a stable order, without duplicates.

use std::collections::BTreeMap;

use rayon::prelude::*;

use crate::error::SynthError;
use crate::families::{self, Family};
use crate::quality::banlist::{BanList, Overlap};
use crate::quality::dedup::{Duplicate, Seen, Signature};
use crate::record::{Record, Style, question_hash};
use crate::rng::Rng;

/// Rows made at once.
const CHUNK: usize = 4096;
/// How often a row is made anew after duplicates or overlaps before it is given up.
const TRIES: u64 = 40;

/// What to make.
#[derive(Clone, Debug)]
pub struct Options {
    /// Families with their weights.
    pub mix: Vec<(String, u32)>,
    /// How many rows.
    pub rows: usize,
    /// The seed: the same options and seed give the same bytes on every machine.
    pub seed: u64,
    /// The lowest and the highest difficulty, each from 1 to 5.
    pub difficulty: (u8, u8),
    /// How completions are written.
    pub style: Style,
    /// Whether near duplicates are dropped too, not only exact ones.
    pub near_duplicates: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            mix: default_mix(),
            rows: 1000,
            seed: 0,
            difficulty: (1, 5),
            style: Style::Marked,
            near_duplicates: true,
        }
    }
}

/// All families: word problems half of all rows, unanswerable ones a twentieth, the others in equal parts.
pub fn default_mix() -> Vec<(String, u32)> {
    let others = families::all().len() as u32 - 2;
    families::all()
        .iter()
        .map(|f| {
            let weight = match f.name() {
                "words" => 10 * others,
                "words-unanswerable" => others,
                _ => 9,
            };
            (f.name().to_owned(), weight)
        })
        .collect()
}

/// Reads a list of families: `name`, `name=weight`, or `all`.
pub fn parse_mix(names: &[String]) -> Result<Vec<(String, u32)>, SynthError> {
    let mut mix = Vec::new();
    for text in names {
        let (name, weight) = text.split_once('=').unwrap_or((text, "1"));
        let weight: u32 = weight
            .parse()
            .ok()
            .filter(|w| (1..=1_000_000).contains(w))
            .ok_or_else(|| {
                SynthError::Option(format!("'{text}': a weight is a whole number from 1 to 1000000"))
            })?;
        if name == "all" {
            mix.extend(
                default_mix()
                    .into_iter()
                    .map(|(n, w)| (n, w.saturating_mul(weight))),
            );
        } else if families::find(name).is_some() {
            mix.push((name.to_owned(), weight));
        } else {
            return Err(SynthError::UnknownFamily(name.to_owned()));
        }
    }
    if mix.is_empty() {
        return Err(SynthError::Option(
            "name at least one family, or 'all'".to_owned(),
        ));
    }
    Ok(mix)
}

/// What came of a generation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Rows written.
    pub rows: usize,
    /// Problems made.
    pub made: usize,
    /// Problems dropped because the same question was there.
    pub exact_duplicates: usize,
    /// Problems dropped because a very similar question was there.
    pub near_duplicates: usize,
    /// Problems dropped because they share 13 words in a row with a banned text.
    pub banned: usize,
    /// Rows kept that share 8 words in a row with a banned text.
    pub flagged: usize,
    /// Problems dropped because the second way of solving disagreed. Always 0, or a family is at fault.
    pub disagreed: usize,
    /// Rows that could not be filled: the families have too few different problems at this difficulty.
    pub missing: usize,
    /// Rows by split.
    pub splits: BTreeMap<String, usize>,
}

/// A problem that awaits its check against those before it.
struct Candidate {
    record: Record,
    hash: u64,
    signature: Option<Signature>,
    overlap: Overlap,
    agreed: bool,
}

/// The record that `family` makes from `seed`.
pub fn make(family: &dyn Family, difficulty: u8, seed: u64, style: Style) -> Record {
    Record::from_item(
        family.generate(&mut Rng::new(seed), difficulty),
        family.name(),
        difficulty,
        seed,
        style,
    )
}

fn candidate(
    options: &Options,
    mix: &[(&dyn Family, u32)],
    total: u64,
    banned: &BanList,
    slot: usize,
    attempt: u64,
) -> Candidate {
    // Seeds stay below 2^53, so that every JSON reader holds them exactly.
    let seed = Rng::derive(options.seed, &[slot as u64, attempt]) >> 11;
    let mut choice = Rng::new(Rng::derive(seed, &[1]));
    let mut at = choice.below(total as usize) as u64;
    let family = mix.iter().find(|(_, w)| {
        let found = at < u64::from(*w);
        at = at.wrapping_sub(u64::from(*w));
        found
    });
    let family = family.map_or(mix[0].0, |(f, _)| *f);
    let difficulty = choice.range(options.difficulty.0.into(), options.difficulty.1.into()) as u8;
    let item = family.generate(&mut Rng::new(seed), difficulty);
    let agreed = family
        .resolve(&item)
        .is_some_and(|again| crate::judge::same(item.check, &again, &item.answer));
    let record = Record::from_item(item, family.name(), difficulty, seed, options.style);
    let question = record.question();
    Candidate {
        hash: question_hash(question),
        signature: options.near_duplicates.then(|| Signature::of(question)),
        overlap: if banned.texts > 0 {
            banned.overlap(question)
        } else {
            Overlap::None
        },
        agreed,
        record,
    }
}

/// Makes records and hands them to `sink` in a stable order. Every problem is solved a second way; those that
/// repeat an earlier question or overlap with `banned` are made anew from another seed.
pub fn generate(
    options: &Options,
    banned: &BanList,
    sink: &mut dyn FnMut(Record) -> Result<(), SynthError>,
) -> Result<Report, SynthError> {
    let (low, high) = options.difficulty;
    if !(1..=5).contains(&low) || !(low..=5).contains(&high) {
        return Err(SynthError::Option(format!(
            "difficulty {low} to {high}: both go from 1 to 5, the lower first"
        )));
    }
    let mix = options
        .mix
        .iter()
        .map(|(name, weight)| {
            families::find(name)
                .map(|f| (f, *weight))
                .ok_or_else(|| SynthError::UnknownFamily(name.clone()))
        })
        .collect::<Result<Vec<_>, _>>()?;
    let total: u64 = mix.iter().map(|(_, w)| u64::from(*w)).sum();
    if total == 0 {
        return Err(SynthError::Option(
            "the weights of the families add up to nothing".to_owned(),
        ));
    }
    let mut report = Report::default();
    let mut seen = Seen::default();
    let mut start = 0;
    while start < options.rows {
        let size = CHUNK.min(options.rows - start);
        let mut rows: Vec<Option<Record>> = vec![None; size];
        let mut open: Vec<usize> = (0..size).collect();
        for attempt in 0..TRIES {
            let made: Vec<Candidate> = open
                .par_iter()
                .map(|i| candidate(options, &mix, total, banned, start + i, attempt))
                .collect();
            report.made += made.len();
            let mut rejected = Vec::new();
            for (i, c) in open.into_iter().zip(made) {
                if !c.agreed {
                    report.disagreed += 1;
                } else if c.overlap == Overlap::Banned {
                    report.banned += 1;
                } else {
                    match seen.take(c.hash, c.signature) {
                        Ok(()) => {
                            report.flagged += usize::from(c.overlap == Overlap::Flagged);
                            rows[i] = Some(c.record);
                            continue;
                        }
                        Err(Duplicate::Exact) => report.exact_duplicates += 1,
                        Err(Duplicate::Near) => report.near_duplicates += 1,
                    }
                }
                rejected.push(i);
            }
            open = rejected;
            if open.is_empty() {
                break;
            }
        }
        report.missing += open.len();
        for record in rows.into_iter().flatten() {
            report.rows += 1;
            *report.splits.entry(record.split.clone()).or_default() += 1;
            sink(record)?;
        }
        start += size;
    }
    Ok(report)
}
