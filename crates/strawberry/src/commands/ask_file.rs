//! `ask --file`: many problems, one result each, resumed where it was stopped.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use console::Term;
use futures::StreamExt;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Value, json};
use strawberry_core::trace::RunStatus;
use strawberry_core::{Message, Problem, Trial, Verdict};
use strawberry_store::{JobId, JobResult, Store};
use strawberry_think::{Plan, PlanOptions, RunControl, ScoredBy, ThinkError, Thinker};
use tokio::sync::watch;

use super::problem_rows;
use crate::cli::AskArgs;
use crate::error::CliError;
use crate::{open, out};

/// Problems in flight at once: enough that the batch stays full while the last attempts of one problem end.
const AT_ONCE: usize = 4;
/// The largest file that is read.
const LARGEST: u64 = 1 << 30;

/// Asks every problem of the file that has no result yet, then prints all results in order.
pub async fn run(args: AskArgs) -> Result<(), CliError> {
    let path = args.file.clone().unwrap_or_default();
    let content = read(&path)?;
    let mut problems = problem_rows::parse(&content, &path)?;
    if let Some(system) = &args.system {
        problems
            .iter_mut()
            .for_each(|p| p.messages.insert(0, Message::system(system)));
    }
    let mut options = open::plan_options(&args.think);
    Plan::new(&problems[0], &Default::default(), &options).map_err(CliError::usage)?;
    let thinker = open::thinker(&args.model, &problems).await?;
    options.calibration = open::calibration(&thinker.model.info())?;
    let store = open::store().await?;
    let first = Plan::new(&problems[0], &thinker.model.info(), &options)
        .map_err(CliError::usage)?
        .strategy
        .ask();
    let job = JobId::new(&content, &settings(&args, &options, &thinker, &first));
    if args.restart {
        store.remove_job(&job).await.map_err(CliError::failure)?;
    }
    let count =
        u32::try_from(problems.len()).map_err(|_| CliError::usage("too many problems in one file"))?;
    let done = store
        .open_job(&job, &path.display().to_string(), count)
        .await
        .map_err(CliError::failure)?;
    let mut finished = vec![false; problems.len()];
    for result in &done {
        if let Some(f) = finished.get_mut(result.problem as usize) {
            *f = true;
        }
    }

    let batch = Batch {
        thinker,
        store,
        job,
        options,
        record: !args.no_trace,
        bar: bar(problems.len(), done.len()),
    };
    let interrupted = batch.ask_all(&problems, &finished).await?;
    batch.bar.finish_and_clear();

    let results = batch
        .store
        .job_results(&batch.job)
        .await
        .map_err(CliError::failure)?;
    batch.store.close().await;
    write_results(&results, args.out.as_deref())?;
    summary(&results, problems.len(), interrupted)?;
    if interrupted {
        Err(CliError::Interrupted)
    } else {
        Ok(())
    }
}

/// All that influences the results of a file. The first trials stand for how problems are put to the model.
fn settings(args: &AskArgs, options: &PlanOptions, thinker: &Thinker, first: &[Trial]) -> Value {
    let info = thinker.model.info();
    let think = &args.think;
    json!({
        "model": info.hash.unwrap_or(info.name), "system": args.system, "effort": think.effort, "think": think.think,
        "tokens": think.tokens, "samples": think.samples, "strategy": think.strategy,
        "scorer": think.scorer.as_ref().map(ScoredBy::name), "min_confidence": think.min_confidence, "calibration": options.calibration,
        "temperature": think.temperature, "seed": think.seed, "first": first, "version": env!("CARGO_PKG_VERSION"),
    })
}

fn read(path: &Path) -> Result<Vec<u8>, CliError> {
    let shown = path.display();
    let failed = |e: std::io::Error| CliError::failure(format!("can't read {shown}: {e}"));
    let size = std::fs::metadata(path).map_err(failed)?.len();
    if size > LARGEST {
        return Err(CliError::usage(format!(
            "{shown} has {size} bytes; problem files of up to {LARGEST} are read: split it"
        )));
    }
    std::fs::read(path).map_err(failed)
}

fn bar(problems: usize, done: usize) -> ProgressBar {
    let target = if Term::stderr().is_term() {
        ProgressDrawTarget::stderr()
    } else {
        ProgressDrawTarget::hidden()
    };
    let style =
        ProgressStyle::with_template("{bar:30} {pos}/{len} problems · {elapsed} · ready in {eta} · {msg}")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::with_draw_target(Some(problems as u64), target).with_style(style);
    bar.set_position(done as u64);
    bar.reset_eta();
    bar.enable_steady_tick(Duration::from_millis(250));
    bar
}

struct Batch {
    thinker: Thinker,
    store: Arc<Store>,
    job: JobId,
    options: PlanOptions,
    record: bool,
    bar: ProgressBar,
}

impl Batch {
    /// Asks what is not finished. True when the user stopped it.
    async fn ask_all(&self, problems: &[Problem], finished: &[bool]) -> Result<bool, CliError> {
        let control = RunControl::new();
        let (stop, stopped) = watch::channel(false);
        let stopper = control.clone();
        open::on_signal(move || {
            let _ = stop.send(true);
            stopper.interrupt();
        });
        let open = (0..problems.len()).filter(|&i| !finished[i]);
        let mut running = futures::stream::iter(open)
            .map(|i| {
                let (control, stopped) = (control.clone(), stopped.clone());
                async move {
                    if *stopped.borrow() {
                        Ok(())
                    } else {
                        self.ask_one(i, &problems[i], &control).await
                    }
                }
            })
            .buffer_unordered(AT_ONCE);
        while let Some(result) = running.next().await {
            result?;
        }
        let interrupted = *stopped.borrow();
        Ok(interrupted)
    }

    async fn ask_one(&self, index: usize, problem: &Problem, control: &RunControl) -> Result<(), CliError> {
        let plan = Plan::new(problem, &self.thinker.model.info(), &self.options).map_err(CliError::usage)?;
        let recorder = self.record.then(|| open::recorder(self.store.clone()));
        let id = (!problem.id.is_empty()).then_some(&problem.id);
        let (run, result) = match self
            .thinker
            .run(problem, plan, control, recorder.as_ref(), None)
            .await
        {
            // A problem that was cut short has no result; it is asked again next time.
            Ok(report) if report.status == RunStatus::Interrupted => return Ok(()),
            Err(ThinkError::NothingYet) => return Ok(()),
            Ok(report) => {
                let mut row = serde_json::to_value(report.to_result())?;
                row["index"] = index.into();
                row["id"] = json!(id);
                (report.run, row)
            }
            Err(ThinkError::Store(error)) => return Err(CliError::failure(error)),
            // The model failed on this problem (a prompt too long, a server error): that is its result.
            Err(ThinkError::Model(error)) => (
                None,
                json!({"index": index, "id": id, "answer": null, "error": error.to_string()}),
            ),
        };
        let problem = u32::try_from(index).map_err(CliError::failure)?;
        self.bar
            .set_message(out::head(result["answer"].as_str().unwrap_or("no answer"), 30));
        self.store
            .record_result(&self.job, &JobResult { problem, run, result })
            .await
            .map_err(CliError::failure)?;
        self.bar.inc(1);
        Ok(())
    }
}

/// One line per result, to the file (whole or not at all) or to standard output.
fn write_results(results: &[JobResult], path: Option<&Path>) -> Result<(), CliError> {
    let mut text = String::new();
    for result in results {
        text.push_str(&serde_json::to_string(&result.result)?);
        text.push('\n');
    }
    let Some(path) = path else {
        std::io::stdout().lock().write_all(text.as_bytes())?;
        return Ok(());
    };
    let shown = path.display();
    let part = path.with_extension("part");
    std::fs::write(&part, text)
        .and_then(|()| std::fs::rename(&part, path))
        .map_err(|e| CliError::failure(format!("can't write {shown}: {e}; the results are in the store, run the same command with another --out")))
}

fn summary(results: &[JobResult], problems: usize, interrupted: bool) -> Result<(), CliError> {
    let mut err = Term::stderr();
    let is = |r: &&JobResult, v: Verdict| r.result["verdict"] == v.as_str();
    let scored = results
        .iter()
        .filter(|r| r.result["verdict"].is_string() && !is(r, Verdict::BadReference))
        .count();
    let correct = results.iter().filter(|r| is(r, Verdict::Correct)).count();
    write!(err, "{} of {problems} problems answered", results.len())?;
    if scored > 0 {
        write!(
            err,
            " · {correct} of {scored} correct ({:.1} %)",
            100.0 * correct as f64 / scored as f64
        )?;
    }
    let failed = results.iter().filter(|r| r.result["error"].is_string()).count();
    if failed > 0 {
        write!(err, " · {failed} failed (see \"error\")")?;
    }
    writeln!(
        err,
        "{}",
        if interrupted {
            " · stopped; the same command goes on from here"
        } else {
            ""
        }
    )?;
    Ok(())
}
