//! A run: what is left to sample, many problems at once, durable rows, final files.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use futures::StreamExt;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use strawberry_core::{Effort, Model};
use strawberry_think::{RunControl, StrategyKind, Thinker};

use crate::sample::{Cell, Order, Sample};
use crate::source::Loaded;
use crate::{EvalError, ladder, page, summary, viewer};

/// The form of the files of a run; raised when an old folder can't be continued.
const VERSION: u32 = 1;

/// What is measured.
pub struct Options {
    /// The tasks with their problems.
    pub tasks: Vec<Loaded>,
    /// The budgets, in any order.
    pub efforts: Vec<Effort>,
    /// Strategies that get runs of their own, beside all that can be computed from the pool.
    pub strategies: Vec<StrategyKind>,
    /// Repetitions with seeds 0, 1, ….
    pub seeds: u64,
    /// Problems in flight at once.
    pub at_once: usize,
    /// The folder of the run.
    pub out: PathBuf,
}

/// How far a run is.
#[derive(Clone, Debug)]
pub struct Progress {
    /// Samples taken, earlier runs included.
    pub done: usize,
    /// Samples to be taken in all.
    pub total: usize,
    /// The task at work.
    pub task: String,
}

/// Measured seconds of one sample; kept apart, since they differ from run to run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Timing {
    /// The task.
    pub task: String,
    /// What was sampled.
    pub cell: String,
    /// Milliseconds since the last sample of any problem was finished: with many problems in flight, the time one
    /// more takes.
    pub ms: u64,
    /// Tokens sampled.
    pub tokens: u64,
}

/// The cells of a run, cheapest first.
fn cells(options: &Options) -> Vec<Cell> {
    let mut cells = Vec::new();
    if options.efforts.contains(&Effort::None) {
        cells.push(Cell::Direct);
    }
    if options.efforts.iter().any(|e| *e != Effort::None) {
        cells.push(Cell::Pool);
    }
    for &kind in &options.strategies {
        for &effort in options.efforts.iter().filter(|e| **e > Effort::Minimal) {
            cells.push(Cell::Own(kind.into(), effort));
        }
    }
    cells
}

/// Samples what is missing, then writes the final files.
///
/// `model` samples; `progress` is told after each sample; `control` stops the run.
///
/// # Errors
/// The folder belongs to another run or can't be written, the model fails for good, or the run was stopped.
pub async fn run(
    options: &Options,
    model: Arc<dyn Model>,
    control: &RunControl,
    mut progress: impl FnMut(Progress),
) -> Result<summary::Summary, EvalError> {
    if options.efforts.is_empty() {
        return Err(EvalError::Options(
            "no effort is given: --effort none,low,high".to_owned(),
        ));
    }
    std::fs::create_dir_all(&options.out).map_err(|e| EvalError::file(&options.out, e))?;
    let settings = settings(options, &*model);
    claim(&options.out, &settings)?;
    let journal_path = options.out.join("journal.jsonl");
    let (done, mut journal) = open_journal(&journal_path)?;
    let (_, mut timing) = open_journal_lines(&options.out.join("timing.jsonl"))?;
    let have: BTreeSet<_> = done.iter().map(Sample::key).collect();

    let greatest = options.efforts.iter().copied().max().unwrap_or_default();
    let cells = cells(options);
    let info = model.info();
    let mut orders = Vec::new();
    for (t, loaded) in options.tasks.iter().enumerate() {
        for seed in 0..options.seeds {
            for (r, row) in loaded.rows.iter().enumerate() {
                for &cell in &cells {
                    let order = Order {
                        task: &loaded.task.name,
                        id: &row.id,
                        seed,
                        cell,
                        greatest,
                    };
                    let wanted = match &row.problem {
                        Ok(problem) => Sample::applies(&order, &info, problem),
                        // One line says that it is none.
                        Err(_) => seed == 0 && cell == cells[0],
                    };
                    if wanted {
                        orders.push((t, r, order));
                    }
                }
            }
        }
    }
    let total = orders.len();
    orders.retain(|(_, _, o)| {
        !have.contains(&(o.task.to_owned(), o.id.to_owned(), o.seed, o.cell.to_string()))
    });
    let mut finished = total - orders.len();
    let mut last = Instant::now();
    let mut running = futures::stream::iter(orders)
        .map(|(t, r, order)| {
            let loaded = &options.tasks[t];
            let thinker = Thinker {
                model: model.clone(),
                verifier: loaded.checker.verifier(),
            };
            async move {
                match &loaded.rows[r].problem {
                    Ok(problem) => Sample::take(&order, &thinker, problem, control).await,
                    Err(why) => Ok(Sample::unscored(&order, why)),
                }
            }
        })
        .buffer_unordered(options.at_once.max(1));
    while let Some(sample) = running.next().await {
        let sample = sample?;
        // One write of a whole line: a kill leaves at most one torn line, which the next run cuts off.
        append(&mut journal, &journal_path, &sample)?;
        let now = Instant::now();
        let ms = u64::try_from((now - last).as_millis()).unwrap_or(u64::MAX);
        last = now;
        let time = Timing {
            task: sample.task.clone(),
            cell: sample.cell.clone(),
            ms,
            tokens: sample.tokens,
        };
        append(&mut timing, &options.out.join("timing.jsonl"), &time)?;
        finished += 1;
        progress(Progress {
            done: finished,
            total,
            task: sample.task,
        });
    }
    drop(running);
    finish(&options.out)
}

/// Writes the final files of a run whose samples are all there, from the journal alone.
///
/// # Errors
/// A file can't be read or written.
pub fn finish(out: &Path) -> Result<summary::Summary, EvalError> {
    let settings = read_settings(out)?;
    let (mut samples, _) = open_journal(&out.join("journal.jsonl"))?;
    samples.sort_by_key(Sample::key);
    let (timing, _) = open_journal_lines(&out.join("timing.jsonl"))?;
    let timing: Vec<Timing> = timing
        .iter()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    let efforts: Vec<Effort> = serde_json::from_value(settings["efforts"].clone()).unwrap_or_default();
    let outcomes = ladder::outcomes(&samples, &efforts);
    let summary = summary::summarise(&settings, &samples, &outcomes);
    write(&out.join("samples.jsonl"), lines(&samples)?)?;
    write(&out.join("results.jsonl"), lines(&outcomes)?)?;
    let json = serde_json::to_string_pretty(&summary).map_err(|e| EvalError::file(out, e))?;
    write(&out.join("summary.json"), json + "\n")?;
    write(&out.join("report.html"), page::page(&summary, &timing))?;
    write(&out.join("samples.html"), viewer::page(&samples, &outcomes)?)?;
    Ok(summary)
}

/// What decides the results of a run.
fn settings(options: &Options, model: &dyn Model) -> Value {
    let info = model.info();
    let mut efforts = options.efforts.clone();
    efforts.sort();
    efforts.dedup();
    let tasks: Vec<Value> = options
        .tasks
        .iter()
        .map(|t| {
            let rows: Vec<(&str, String)> = t
                .rows
                .iter()
                .map(|r| {
                    (
                        r.id.as_str(),
                        r.problem
                            .as_ref()
                            .map_or_else(Clone::clone, |p| format!("{:?}{:?}", p.messages, p.reference)),
                    )
                })
                .collect();
            let text = format!("{rows:?}");
            let hash = strawberry_synth::record::question_hash(&text);
            json!({ "task": t.task, "problems": t.rows.len(), "hash": format!("{hash:016x}") })
        })
        .collect();
    json!({
        "version": VERSION,
        "program": env!("CARGO_PKG_VERSION"),
        "model": info,
        "efforts": efforts,
        "strategies": options.strategies,
        "seeds": options.seeds,
        "tasks": tasks,
    })
}

/// Makes the folder this run's, or finds that it is already.
fn claim(out: &Path, settings: &Value) -> Result<(), EvalError> {
    let path = out.join("settings.json");
    if path.exists() {
        let old = read_settings(out)?;
        if old != *settings {
            let which: Vec<&str> = [
                "version",
                "program",
                "model",
                "efforts",
                "strategies",
                "seeds",
                "tasks",
            ]
            .into_iter()
            .filter(|key| old[*key] != settings[*key])
            .collect();
            return Err(EvalError::Options(format!(
                "{} holds another run (it differs in {}): give another --out, or remove the folder",
                out.display(),
                which.join(", ")
            )));
        }
        return Ok(());
    }
    let text = serde_json::to_string_pretty(settings).map_err(|e| EvalError::file(&path, e))?;
    write(&path, text + "\n")
}

fn read_settings(out: &Path) -> Result<Value, EvalError> {
    let path = out.join("settings.json");
    let text = std::fs::read_to_string(&path).map_err(|e| {
        EvalError::File(format!(
            "{} is no folder of `strawberry eval` ({}: {e})",
            out.display(),
            path.display()
        ))
    })?;
    serde_json::from_str(&text).map_err(|e| EvalError::file(&path, e))
}

/// The samples of a finished or unfinished run, in the order they were taken.
///
/// # Errors
/// The journal can't be read, or holds a line that is no sample.
pub fn open_journal(path: &Path) -> Result<(Vec<Sample>, File), EvalError> {
    let (lines, file) = open_journal_lines(path)?;
    let samples = lines
        .iter()
        .enumerate()
        .map(|(i, line)| {
            serde_json::from_str(line).map_err(|e| EvalError::file(path, format!("line {}: {e}", i + 1)))
        })
        .collect::<Result<_, _>>()?;
    Ok((samples, file))
}

/// The whole lines of a file that is appended to; a torn last line is cut off.
fn open_journal_lines(path: &Path) -> Result<(Vec<String>, File), EvalError> {
    let failed = |e: std::io::Error| EvalError::file(path, e);
    let mut file = OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .open(path)
        .map_err(failed)?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(failed)?;
    let whole = bytes.iter().rposition(|&b| b == b'\n').map_or(0, |at| at + 1);
    if whole < bytes.len() {
        bytes.truncate(whole);
        file.set_len(whole as u64).map_err(failed)?;
    }
    file.seek(std::io::SeekFrom::End(0)).map_err(failed)?;
    let text = String::from_utf8(bytes).map_err(|_| EvalError::file(path, "not UTF-8 text"))?;
    Ok((text.lines().map(str::to_owned).collect(), file))
}

fn append(file: &mut File, path: &Path, row: &impl Serialize) -> Result<(), EvalError> {
    let mut line = serde_json::to_string(row).map_err(|e| EvalError::file(path, e))?;
    line.push('\n');
    file.write_all(line.as_bytes())
        .map_err(|e| EvalError::file(path, e))
}

fn lines(rows: &[impl Serialize]) -> Result<String, EvalError> {
    let mut text = String::new();
    for row in rows {
        text.push_str(&serde_json::to_string(row).map_err(|e| EvalError::File(e.to_string()))?);
        text.push('\n');
    }
    Ok(text)
}

/// Writes a file whole or not at all.
fn write(path: &Path, text: String) -> Result<(), EvalError> {
    let part = path.with_extension("part");
    std::fs::write(&part, text)
        .and_then(|()| std::fs::rename(&part, path))
        .map_err(|e| EvalError::file(path, e))
}
