//! A whole data set in one call: generated rows, converted rows, one pass of duplicate and overlap checks, the file, and its card.

use std::path::{Path, PathBuf};

use crate::convert::{Converted, gsm8k, svamp};
use crate::error::SynthError;
use crate::generate::{Options, generate};
use crate::quality::banlist::{BanList, Overlap};
use crate::quality::card::card;
use crate::quality::dedup::Seen;
use crate::quality::stats::Stats;
use crate::record::Record;
use crate::sink::JsonlWriter;

/// Other people's files to convert and add.
#[derive(Clone, Debug, Default)]
pub struct Outside {
    /// GSM8K's training file.
    pub gsm8k: Option<PathBuf>,
    /// SVAMP's training file.
    pub svamp: Option<PathBuf>,
    /// How many more times each SVAMP row is taken with numbers drawn anew.
    pub svamp_copies: u32,
}

/// What a data set is made from.
#[derive(Clone, Debug)]
pub struct Request {
    /// The generated part.
    pub options: Options,
    /// The converted part.
    pub outside: Outside,
    /// The command, for the card.
    pub command: String,
}

/// What a data set became.
#[derive(Clone, Debug, Default)]
pub struct Written {
    /// Rows in the file.
    pub rows: usize,
    /// What was dropped, line by line.
    pub notes: Vec<String>,
    /// Counts of the rows.
    pub stats: Stats,
    /// The data card, beside the file.
    pub card: PathBuf,
}

/// Reads `3` or `1-5`.
pub fn parse_difficulty(text: &str) -> Result<(u8, u8), SynthError> {
    let (low, high) = text.split_once('-').unwrap_or((text, text));
    let read = |t: &str| t.trim().parse::<u8>().ok().filter(|d| (1..=5).contains(d));
    match (read(low), read(high)) {
        (Some(low), Some(high)) if low <= high => Ok((low, high)),
        _ => Err(SynthError::Option(format!(
            "difficulty '{text}': give a number from 1 to 5, or two of them as in 2-4"
        ))),
    }
}

/// Makes the data set, and writes it to `out` and its card to `out` with the ending `.md`.
pub fn write(request: &Request, banned: &BanList, out: &Path) -> Result<Written, SynthError> {
    let mut file = JsonlWriter::create(out)?;
    let mut stats = Stats::default();
    let mut notes = Vec::new();
    let mut seen = Seen::default();
    let (mut repeated, mut overlapping, mut flagged) = (0usize, 0usize, 0usize);
    // Converted rows first: they are scarcer than generated ones.
    let mut add_outside = |record: Record| -> Result<(), SynthError> {
        let overlap = if banned.texts > 0 {
            banned.overlap(record.question())
        } else {
            Overlap::None
        };
        if overlap == Overlap::Banned {
            overlapping += 1;
        } else if seen
            .take(crate::record::question_hash(record.question()), None)
            .is_err()
        {
            repeated += 1;
        } else {
            flagged += usize::from(overlap == Overlap::Flagged);
            stats.add(&record);
            file.write(&record)?;
        }
        Ok(())
    };
    let described = |name: &str, c: &Converted| {
        let dropped: Vec<String> = c.dropped.iter().map(|(why, n)| format!("{n} {why}")).collect();
        let dropped = if dropped.is_empty() {
            "nothing".to_owned()
        } else {
            dropped.join(", ")
        };
        format!(
            "{name}: {} rows read, {} records made; left out: {dropped}.",
            c.read, c.kept
        )
    };
    if let Some(path) = &request.outside.gsm8k {
        notes.push(described(
            "GSM8K",
            &gsm8k::convert(path, request.options.style, &mut add_outside)?,
        ));
    }
    if let Some(path) = &request.outside.svamp {
        let copies = request.outside.svamp_copies;
        notes.push(described(
            "SVAMP",
            &svamp::convert(
                path,
                request.options.style,
                copies,
                request.options.seed,
                &mut add_outside,
            )?,
        ));
    }
    if request.outside.gsm8k.is_some() || request.outside.svamp.is_some() {
        notes.push(format!("Converted rows dropped: {repeated} repeated a question, {overlapping} overlapped with the ban list; {flagged} kept rows share 8 words in a row with it."));
    }
    if request.options.rows > 0 {
        let r = generate(&request.options, banned, &mut |record| {
            stats.add(&record);
            file.write(&record)
        })?;
        notes.push(format!(
            "Generated: {} problems made, {} kept; dropped: {} exact duplicates, {} near duplicates, {} overlapping with the ban list, {} on which the second way of solving disagreed; {} kept rows share 8 words in a row with the ban list; {} rows could not be filled.",
            r.made, r.rows, r.exact_duplicates, r.near_duplicates, r.banned, r.disagreed, r.flagged, r.missing
        ));
    }
    file.finish()?;
    let stats = stats.finish();
    let path = out.with_extension("md");
    let title = out
        .file_stem()
        .map_or_else(|| "Data".to_owned(), |s| s.to_string_lossy().into_owned());
    std::fs::write(&path, card(&title, &request.command, &stats, banned, &notes))
        .map_err(SynthError::io(&path))?;
    Ok(Written {
        rows: stats.rows,
        notes,
        stats,
        card: path,
    })
}
