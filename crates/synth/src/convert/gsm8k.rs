//! GSM8K (Cobbe et al. 2021, arXiv 2110.14168): JSONL with `question` and `answer`; the answer's arithmetic is marked, and its
//! last line is `#### number`.

use std::path::Path;

use serde::Deserialize;

use crate::convert::Converted;
use crate::error::SynthError;
use crate::item::{Check, Facts};
use crate::rational;
use crate::record::{Origin, Record, Style, final_line};
use crate::sink::read_lines;
use crate::steps;

#[derive(Deserialize)]
struct Row {
    question: String,
    answer: String,
}

/// Converts a file. Rows without arithmetic, or with a step that doesn't hold, are left out and counted.
pub fn convert(
    path: &Path,
    style: Style,
    sink: &mut dyn FnMut(Record) -> Result<(), SynthError>,
) -> Result<Converted, SynthError> {
    let mut report = Converted::default();
    read_lines(path, &mut |line, text| {
        let fail = |reason: String| SynthError::Row {
            path: path.to_owned(),
            line,
            reason,
        };
        let row: Row = serde_json::from_str(text).map_err(|e| fail(e.to_string()))?;
        report.read += 1;
        let (solution, answer) = row
            .answer
            .rsplit_once("####")
            .ok_or_else(|| fail("the answer has no '####' line".to_owned()))?;
        let Some(value) = rational::parse(answer) else {
            report.drop_row("answer is not a number");
            return Ok(());
        };
        let found = steps::marked(solution);
        if found.steps.is_empty() {
            report.drop_row("no marked arithmetic");
            return Ok(());
        }
        if found.steps.iter().any(|s| !s.ok) {
            report.drop_row("a step does not hold");
            return Ok(());
        }
        let answer = rational::show(value);
        let body = if style == Style::Marked {
            found.marked
        } else {
            found.natural
        };
        let completion = format!("{body}\n{}", final_line(&answer, style));
        let origin = Origin {
            family: "gsm8k".to_owned(),
            difficulty: found.steps.len().clamp(1, 5) as u8,
            seed: 0,
            source: "gsm8k".to_owned(),
            license: "MIT".to_owned(),
        };
        report.kept += 1;
        sink(Record::new(
            row.question.trim(),
            completion,
            found.steps,
            answer,
            Check::Number,
            &Facts::new(),
            origin,
        ))
    })?;
    Ok(report)
}
