//! Running a whole file of problems: durable (a killed run goes on where it stopped), one CSV line a problem.

use crate::lang::read::{ParseError, read_file};
use crate::prove::{Options, Status, prove};
use serde::Serialize;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

/// One line of the table.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// Problem name.
    pub name: String,
    /// The verdict; `invalid` also for statements that could not be read.
    pub status: Status,
    /// Wall time in seconds.
    pub seconds: f64,
    /// Closures run.
    pub candidates: u64,
    /// Auxiliary points of the proof.
    pub auxiliary: usize,
    /// Steps of the proof.
    pub steps: usize,
    /// Message of the outcome or of the reader.
    pub message: String,
}

/// The whole run.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// Problems in the file.
    pub total: usize,
    /// Proved, certificate accepted.
    pub proved: usize,
    /// Proved without auxiliary points.
    pub closure_alone: usize,
    /// Median and 90th percentile of the time of proved problems, seconds.
    pub median_seconds: f64,
    /// See `median_seconds`.
    pub p90_seconds: f64,
    /// All rows, in file order.
    pub rows: Vec<Row>,
}

/// Why a run stopped.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// The problem file cannot be read.
    #[error("cannot read the problems: {0}")]
    Parse(#[from] ParseError),
    /// The output folder cannot be written.
    #[error("cannot write the results: {0}")]
    Io(#[from] io::Error),
}

const HEADER: &str = "name,status,seconds,candidates,auxiliary,steps,message";

/// Proves every problem of `text`. Results go to `out/results.csv` and `out/certificates/`; problems already in
/// the CSV are not run again. `each` is called after every problem.
pub fn bench(
    text: &str,
    options: &Options,
    out: &Path,
    each: &mut dyn FnMut(&Row),
    cancel: &(dyn Fn() -> bool + Sync),
) -> Result<Summary, BenchError> {
    let problems = read_file(text)?;
    fs::create_dir_all(out.join("certificates"))?;
    let table = out.join("results.csv");
    let mut rows: Vec<Row> = match fs::read_to_string(&table) {
        Ok(old) => old.lines().skip(1).filter_map(parse_row).collect(),
        Err(_) => Vec::new(),
    };
    // a torn last line is dropped by rewriting what was understood
    let mut file = fs::File::create(out.join("results.csv.new"))?;
    writeln!(file, "{HEADER}")?;
    rows.iter().try_for_each(|r| writeln!(file, "{}", csv(r)))?;
    file.sync_all()?;
    fs::rename(out.join("results.csv.new"), &table)?;
    let mut file = OpenOptions::new().append(true).open(&table)?;
    let total = problems.len();
    for (index, (name, problem)) in problems.into_iter().enumerate() {
        if rows.iter().any(|r| r.name == name) {
            continue;
        }
        if cancel() {
            break;
        }
        let row = match problem {
            Err(e) => Row {
                name,
                status: Status::Invalid,
                seconds: 0.0,
                candidates: 0,
                auxiliary: 0,
                steps: 0,
                message: e.to_string(),
            },
            Ok(p) => {
                let o = prove(&p, options, &|_| {}, cancel);
                if cancel() && o.status == Status::Unknown {
                    break; // not a result
                }
                if let Some(c) = &o.certificate {
                    fs::write(out.join("certificates").join(file_name(index, &name)), c)?;
                }
                Row {
                    name,
                    status: o.status,
                    seconds: o.seconds,
                    candidates: o.candidates,
                    auxiliary: o.auxiliary.len(),
                    steps: o.steps,
                    message: o.message,
                }
            }
        };
        writeln!(file, "{}", csv(&row))?;
        file.sync_data()?;
        each(&row);
        rows.push(row);
    }
    Ok(summary(rows, total))
}

fn file_name(index: usize, name: &str) -> String {
    let safe: String = name
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '-' {
                c
            } else {
                '_'
            }
        })
        .take(80)
        .collect();
    format!("{:04}_{safe}.jsonl", index + 1)
}

fn summary(rows: Vec<Row>, total: usize) -> Summary {
    let mut times: Vec<f64> = rows
        .iter()
        .filter(|r| r.status == Status::Proved)
        .map(|r| r.seconds)
        .collect();
    times.sort_by(f64::total_cmp);
    let at = |q: f64| times.get(((times.len() as f64 * q) as usize).min(times.len().saturating_sub(1)));
    Summary {
        total,
        proved: times.len(),
        closure_alone: rows
            .iter()
            .filter(|r| r.status == Status::Proved && r.auxiliary == 0)
            .count(),
        median_seconds: at(0.5).copied().unwrap_or(0.0),
        p90_seconds: at(0.9).copied().unwrap_or(0.0),
        rows,
    }
}

fn quote(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\"").replace('\n', " "))
}

fn csv(r: &Row) -> String {
    let status = match r.status {
        Status::Proved => "proved",
        Status::Refuted => "refuted",
        Status::Unknown => "unknown",
        Status::Invalid => "invalid",
    };
    format!(
        "{},{status},{:.3},{},{},{},{}",
        quote(&r.name),
        r.seconds,
        r.candidates,
        r.auxiliary,
        r.steps,
        quote(&r.message)
    )
}

fn parse_row(line: &str) -> Option<Row> {
    let mut fields = Vec::new();
    let mut rest = line;
    while !rest.is_empty() {
        if let Some(body) = rest.strip_prefix('"') {
            let mut value = String::new();
            let mut chars = body.char_indices().peekable();
            let mut end = None;
            while let Some((i, c)) = chars.next() {
                if c != '"' {
                    value.push(c);
                } else if chars.peek().is_some_and(|n| n.1 == '"') {
                    chars.next();
                    value.push('"');
                } else {
                    end = Some(i);
                    break;
                }
            }
            fields.push(value);
            rest = body[end? + 1..].strip_prefix(',').unwrap_or("");
        } else {
            let (value, after) = rest.split_once(',').unwrap_or((rest, ""));
            fields.push(value.to_string());
            rest = after;
        }
    }
    let [name, status, seconds, candidates, auxiliary, steps, message] = &fields[..] else {
        return None;
    };
    Some(Row {
        name: name.clone(),
        status: match status.as_str() {
            "proved" => Status::Proved,
            "refuted" => Status::Refuted,
            "unknown" => Status::Unknown,
            "invalid" => Status::Invalid,
            _ => return None,
        },
        seconds: seconds.parse().ok()?,
        candidates: candidates.parse().ok()?,
        auxiliary: auxiliary.parse().ok()?,
        steps: steps.parse().ok()?,
        message: message.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_survive_the_csv() {
        let r = Row {
            name: "a \"b\", c".into(),
            status: Status::Unknown,
            seconds: 1.5,
            candidates: 7,
            auxiliary: 0,
            steps: 0,
            message: "not, proved".into(),
        };
        assert_eq!(parse_row(&csv(&r)), Some(r));
        assert_eq!(parse_row("\"torn"), None);
    }
}
