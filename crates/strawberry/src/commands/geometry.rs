//! `geometry`: proofs, their check, figures, and whole files of problems.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use console::{Term, style};
use serde_json::json;
use strawberry_core::schema::{AskAttempt, AskResult};
use strawberry_core::{Effort, Usage};
use strawberry_geometry::lang::problem::Problem;
use strawberry_geometry::lang::read::read_file;
use strawberry_geometry::proof::certificate::Certificate;
use strawberry_geometry::text::{Language, html, svg};
use strawberry_geometry::told::recognise;
use strawberry_geometry::{Options, Outcome, Progress, Status, bench, check, picture, prove, tell};

use crate::cli::{GeometryBenchArgs, GeometryCommand, GeometryFigureArgs, GeometryProveArgs, ThinkArgs};
use crate::error::CliError;
use crate::{open, out};

/// The largest file that is read.
const LARGEST: u64 = 64 << 20;

/// Proves, checks, draws or measures.
pub async fn run(command: GeometryCommand) -> Result<(), CliError> {
    let stop = Arc::new(AtomicBool::new(false));
    let stopper = stop.clone();
    open::on_signal(move || {
        stopper.store(true, Ordering::Relaxed);
    });
    // Proving keeps its own threads busy; the runtime only waits for signals.
    let flag = stop.clone();
    let work = tokio::task::spawn_blocking(move || match command {
        GeometryCommand::Prove(args) => prove_file(&args, &flag),
        GeometryCommand::Check { certificate, json } => check_file(&certificate, json),
        GeometryCommand::Figure(args) => figure(&args),
        GeometryCommand::Bench(args) => bench_file(&args, &flag),
    });
    work.await.map_err(CliError::failure)??;
    if stop.load(Ordering::Relaxed) {
        Err(CliError::Interrupted)
    } else {
        Ok(())
    }
}

/// Seconds of search by effort; none is the closure alone.
fn seconds(effort: Effort) -> u64 {
    match effort {
        Effort::None => 0,
        Effort::Minimal => 1,
        Effort::Low => 5,
        Effort::Medium => 20,
        Effort::High => 60,
        Effort::Xhigh => 120,
        Effort::Max => 300,
    }
}

/// Answers a question that is a geometry statement in one of the languages; `None` for any other question.
pub async fn answer(question: &str, think: &ThinkArgs, json: bool) -> Option<Result<(), CliError>> {
    let problem = recognise(question)?;
    let effort = think.effort.unwrap_or_default();
    let mut options = options(think.think.unwrap_or(1000 * seconds(effort)), 2, think.seed);
    if options.timeout.is_zero() {
        options.timeout = Duration::from_secs(60);
        options.max_points = 0;
    }
    let stop = Arc::new(AtomicBool::new(false));
    let stopper = stop.clone();
    open::on_signal(move || stopper.store(true, Ordering::Relaxed));
    let flag = stop.clone();
    let seed = think.seed;
    let work = tokio::task::spawn_blocking(move || {
        let outcome = prove(&problem, &options, &|_| {}, &|| flag.load(Ordering::Relaxed));
        if !json {
            return print(&outcome, false);
        }
        let text = tell(&outcome, Language::English);
        let sure = matches!(outcome.status, Status::Proved | Status::Refuted);
        out::json(&AskResult {
            answer: Some(text.clone()),
            confidence: sure.then_some(1.0),
            verdict: None,
            evidence: Some(outcome.message.clone()),
            abstained: !sure,
            effort: Some(effort),
            strategy: "geometry".into(),
            attempts: vec![AskAttempt {
                answer: Some(outcome.message.clone()),
                text,
                thinking: None,
                logprob: None,
                tokens: 0,
                score: None,
                verdict: None,
            }],
            votes: vec![],
            usage: Usage::default(),
            model: "geometry".into(),
            seed,
            trace_id: None,
            wall_ms: (outcome.seconds * 1e3) as u64,
        })
    });
    Some(match work.await.map_err(CliError::failure) {
        Ok(Ok(())) if stop.load(Ordering::Relaxed) => Err(CliError::Interrupted),
        Ok(done) => done,
        Err(e) => Err(e),
    })
}

fn read(path: &Path) -> Result<String, CliError> {
    let failed = |e: &dyn std::fmt::Display| CliError::failure(format!("can't read {}: {e}", path.display()));
    let size = std::fs::metadata(path).map_err(|e| failed(&e))?.len();
    if size > LARGEST {
        return Err(CliError::usage(format!(
            "{} has {size} bytes; files of up to {LARGEST} are read",
            path.display()
        )));
    }
    std::fs::read_to_string(path).map_err(|e| failed(&e))
}

fn write(path: Option<&PathBuf>, text: impl FnOnce() -> String) -> Result<(), CliError> {
    let Some(path) = path else { return Ok(()) };
    std::fs::write(path, text())
        .map_err(|e| CliError::failure(format!("can't write {}: {e}", path.display())))
}

/// The problem of the file: the one named, or the only one.
fn problem(path: &Path, name: Option<&str>) -> Result<(String, Problem), CliError> {
    let text = read(path)?;
    let located = |e: &dyn std::fmt::Display| CliError::usage(format!("{}: {e}", path.display()));
    let mut entries = read_file(&text).map_err(|e| located(&e))?;
    let names: Vec<String> = entries.iter().map(|(name, _)| name.clone()).collect();
    let at = match name {
        Some(name) => names.iter().position(|n| n == name).ok_or_else(|| {
            CliError::usage(format!(
                "{} has no problem '{name}'; it has {}",
                path.display(),
                out::head(&names.join(", "), 300)
            ))
        })?,
        None if names.len() == 1 => 0,
        None => {
            return Err(CliError::usage(format!(
                "{} holds {} problems: choose one with --problem, or run `strawberry geometry bench`",
                path.display(),
                names.len()
            )));
        }
    };
    let (name, problem) = entries.swap_remove(at);
    Ok((name, problem.map_err(|e| located(&e))?))
}

fn options(timeout_ms: u64, threads: usize, seed: u64) -> Options {
    Options {
        timeout: Duration::from_millis(timeout_ms),
        threads: threads.max(1),
        seed,
        ..Options::default()
    }
}

fn prove_file(args: &GeometryProveArgs, stop: &AtomicBool) -> Result<(), CliError> {
    let (_, problem) = problem(&args.file, args.problem.as_deref())?;
    let term = Term::stderr();
    let live = term.is_term() && !args.json;
    let show = |progress: Progress| {
        if !live {
            return;
        }
        let text = match progress {
            Progress::Drawn { points } => format!("drawn with {points} points"),
            Progress::Closed { solved } => format!(
                "closed{}",
                if solved {
                    ": the goal follows"
                } else {
                    ", searching for auxiliary points"
                }
            ),
            Progress::Searching { stage, candidates } => format!("{stage} · {candidates} candidates"),
        };
        let _ = term
            .clear_line()
            .and_then(|()| term.write_str(&style(text).dim().to_string()));
    };
    let options = options(args.timeout, args.threads, args.seed);
    let outcome = prove(&problem, &options, &show, &|| stop.load(Ordering::Relaxed));
    if live {
        let _ = term.clear_line();
    }
    let certificate = match &outcome.certificate {
        Some(text) => Some(Certificate::from_jsonl(text).map_err(CliError::failure)?),
        None => None,
    };
    write(
        args.certificate.as_ref().filter(|_| certificate.is_some()),
        || outcome.certificate.clone().unwrap_or_default(),
    )?;
    if let Some(certificate) = &certificate {
        write(args.svg.as_ref(), || svg::Scene::of(certificate).svg(&[]))?;
        write(args.html.as_ref(), || html::page(certificate))?;
    } else if !outcome.figure.is_empty() {
        // refuted: the counterexample; unknown: the statement
        write(args.svg.as_ref(), || picture::svg(&problem, &outcome.figure))?;
    }
    if args.json {
        out::json(&outcome)?
    } else {
        print(&outcome, args.chinese)?
    }
    match outcome.status {
        Status::Invalid => Err(CliError::usage(outcome.message)),
        _ => Ok(()),
    }
}

fn print(outcome: &Outcome, chinese: bool) -> Result<(), CliError> {
    let language = if chinese {
        Language::Chinese
    } else {
        Language::English
    };
    if outcome.status != Status::Invalid {
        out::line(tell(outcome, language))?;
    }
    let word = serde_json::to_value(outcome.status)?;
    let text = format!(
        "{} · {} steps · {} auxiliary points · {} candidates · {:.2} s",
        word.as_str().unwrap_or_default(),
        outcome.steps,
        outcome.auxiliary.len(),
        outcome.candidates,
        outcome.seconds
    );
    Term::stderr().write_line(&style(text).dim().to_string())?;
    Ok(())
}

fn check_file(path: &Path, json: bool) -> Result<(), CliError> {
    match check(&read(path)?) {
        Ok(accepted) => {
            if json {
                return out::json(&json!({"accepted": true, "report": accepted}));
            }
            out::line(format!(
                "accepted: {} steps, {} goals, {} figures",
                accepted.steps, accepted.goals, accepted.figures
            ))
        }
        Err(rejected) => {
            if json {
                out::json(&json!({"accepted": false, "report": rejected}))?;
            }
            Err(CliError::failure(format!(
                "rejected at {}: {}",
                rejected.place, rejected.reason
            )))
        }
    }
}

fn figure(args: &GeometryFigureArgs) -> Result<(), CliError> {
    let (_, problem) = problem(&args.file, args.problem.as_deref())?;
    let picture = picture(&problem, args.seed).map_err(CliError::failure)?.svg;
    match &args.svg {
        Some(_) => write(args.svg.as_ref(), || picture),
        None => out::line(picture),
    }
}

fn bench_file(args: &GeometryBenchArgs, stop: &AtomicBool) -> Result<(), CliError> {
    let text = read(&args.file)?;
    let options = options(args.timeout, args.threads, args.seed);
    let each = &mut |row: &strawberry_geometry::bench::Row| {
        if !args.json {
            let status = serde_json::to_value(row.status).unwrap_or_default();
            let _ = out::line(format!(
                "{:<30} {:<8} {:>8.2} s",
                row.name,
                status.as_str().unwrap_or_default(),
                row.seconds
            ));
        }
    };
    let summary = bench(&text, &options, &args.out, each, &|| stop.load(Ordering::Relaxed))
        .map_err(CliError::failure)?;
    if args.json {
        return out::json(&summary);
    }
    out::line(format!(
        "{} of {} proved ({} without auxiliary points) · median {:.2} s · 90 % within {:.2} s · {}",
        summary.proved,
        summary.total,
        summary.closure_alone,
        summary.median_seconds,
        summary.p90_seconds,
        args.out.join("results.csv").display()
    ))
}
