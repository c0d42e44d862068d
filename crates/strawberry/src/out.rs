//! Writing results to standard output.

use std::io::Write;

use serde::Serialize;

use crate::error::CliError;

/// Prints one JSON value, indented, and a line break.
pub fn json(value: &impl Serialize) -> Result<(), CliError> {
    line(serde_json::to_string_pretty(value)?)
}

/// Prints one JSON value on one line.
pub fn json_line(value: &impl Serialize) -> Result<(), CliError> {
    line(serde_json::to_string(value)?)
}

/// Prints a line.
pub fn line(text: impl AsRef<str>) -> Result<(), CliError> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_ref().as_bytes())?;
    out.write_all(b"\n")?;
    Ok(())
}

/// Prints rows in columns as wide as their longest cell; the first row is the head.
pub fn table(rows: &[Vec<String>]) -> Result<(), CliError> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |c: usize| {
        rows.iter()
            .filter_map(|r| r.get(c))
            .map(|cell| console::measure_text_width(cell))
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    for (i, row) in rows.iter().enumerate() {
        let cells: Vec<String> = row
            .iter()
            .enumerate()
            .map(|(c, cell)| console::pad_str(cell, widths[c], console::Alignment::Left, None).into_owned())
            .collect();
        let text = cells.join("  ").trim_end().to_owned();
        line(if i == 0 {
            console::style(text).bold().to_string()
        } else {
            text
        })?;
    }
    Ok(())
}

/// The first line of a text, cut to `width` columns.
pub fn head(text: &str, width: usize) -> String {
    let first = text.trim().lines().next().unwrap_or("");
    console::truncate_str(first, width, "…").into_owned()
}
