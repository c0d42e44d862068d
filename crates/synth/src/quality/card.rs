//! The data card: what is in a data set, how it was made and checked, in Markdown.

use std::collections::BTreeMap;
use std::fmt::{Display, Write};

use crate::quality::banlist::BanList;
use crate::quality::stats::Stats;

fn table<K: Display>(out: &mut String, head: &str, counts: &BTreeMap<K, usize>, rows: usize) {
    let _ = writeln!(out, "| {head} | rows | share |\n|---|---:|---:|");
    for (key, count) in counts {
        let _ = writeln!(
            out,
            "| {key} | {count} | {:.1} % |",
            100.0 * *count as f64 / rows.max(1) as f64
        );
    }
    out.push('\n');
}

/// Writes the card. `title` names the data set, `made_by` is the command that made it, `notes` are lines about what was dropped.
pub fn card(title: &str, made_by: &str, stats: &Stats, banned: &BanList, notes: &[String]) -> String {
    let mut out = format!("# {title}\n\nMade by `{made_by}`.\n\n");
    let answerable = stats.rows - stats.unanswerable;
    let _ = writeln!(
        out,
        "{} rows, {} different problems, {answerable} answerable and {} not; {} rows with wrong completions (negatives).\n",
        stats.rows, stats.problems, stats.unanswerable, stats.negatives
    );
    let _ = writeln!(
        out,
        "## Checks\n\n- {} of {} arithmetic steps have the stated value, by exact rational arithmetic (or to the decimals shown).",
        stats.exact_steps.0, stats.exact_steps.1
    );
    for note in notes {
        let _ = writeln!(out, "- {note}");
    }
    if banned.texts > 0 {
        let files: Vec<String> = banned.files.iter().map(|f| f.display().to_string()).collect();
        let _ = writeln!(
            out,
            "- Held against {} texts of {}: rows that share 13 words in a row (numbers and punctuation left out) were dropped.",
            banned.texts,
            files.join(", ")
        );
    } else {
        out.push_str("- Not held against any test set: no ban list was given.\n");
    }
    out.push_str("\n## Contents\n\n");
    table(&mut out, "source (licence)", &stats.sources, stats.rows);
    table(&mut out, "family", &stats.families, stats.rows);
    table(&mut out, "difficulty", &stats.difficulty, stats.rows);
    table(&mut out, "split", &stats.splits, stats.rows);
    table(&mut out, "steps with arithmetic", &stats.steps, stats.rows);
    table(
        &mut out,
        "words in the question, from",
        &stats.question_words,
        stats.rows,
    );
    let _ = writeln!(
        out,
        "## Diversity\n\n- {} kinds of problem, entropy {:.2} bits\n- distinct words {:.4}, word pairs {:.4}, word triples {:.4} of all\n- {:.0} characters in a completion on average",
        stats.kinds.len(),
        stats.kind_entropy,
        stats.distinct[0],
        stats.distinct[1],
        stats.distinct[2],
        stats.completion_chars as f64 / stats.rows.max(1) as f64
    );
    out.push_str("\n## Splits\n\nBy hash of the normalised question: 90 % `train`, 5 % `dev`, 5 % `test`. The same question falls into the same split in every data set.\n");
    out
}
