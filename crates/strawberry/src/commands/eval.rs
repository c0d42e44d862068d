//! `eval`: accuracy against compute.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use console::Term;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use strawberry_eval::run::{self, Options};
use strawberry_eval::summary::Summary;
use strawberry_eval::task::{BUILT_IN, Task};
use strawberry_eval::{EvalError, compare, source};
use strawberry_think::calibration::{Calibration, Curve};
use strawberry_think::{RunControl, StrategyKind};

use crate::cli::eval::{EvalArgs, EvalCommand};
use crate::error::CliError;
use crate::{open, out};

/// Measures, or works with what was measured.
pub async fn run(args: EvalArgs) -> Result<(), CliError> {
    match args.command {
        None => measure(args).await,
        Some(EvalCommand::Tasks { json }) => tasks(json),
        Some(EvalCommand::Compare { first, second, json }) => compared(&first, &second, json),
        Some(EvalCommand::View { dir }) => {
            run::finish(&dir).map_err(error)?;
            let shown = std::path::absolute(&dir)?;
            out::line(format!(
                "{}\n{}",
                shown.join("report.html").display(),
                shown.join("samples.html").display()
            ))
        }
        Some(EvalCommand::Calibrate { dir, json }) => calibrate(&dir, json),
    }
}

fn error(e: EvalError) -> CliError {
    match e {
        EvalError::Interrupted => CliError::Interrupted,
        EvalError::Task(_) | EvalError::Options(_) => CliError::usage(e),
        EvalError::File(_) | EvalError::Failed(_) => CliError::failure(e),
    }
}

async fn measure(args: EvalArgs) -> Result<(), CliError> {
    let own = |kind: &StrategyKind| {
        !matches!(
            kind,
            StrategyKind::Auto | StrategyKind::Direct | StrategyKind::Majority
        )
    };
    if let Some(kind) = args.strategies.iter().find(|k| !own(k)) {
        return Err(CliError::usage(format!(
            "'{kind}' needs no run of its own: it is always measured"
        )));
    }
    let mut loaded = Vec::new();
    for task in Task::find_all(&args.tasks).map_err(error)? {
        loaded.push(source::load(task, &args.data, args.limit).map_err(error)?);
    }
    let out_dir = args.out.clone().unwrap_or_default();
    let model = open::model(&args.model).await?;
    let options = Options {
        tasks: loaded,
        efforts: args.effort.clone(),
        strategies: args.strategies.clone(),
        seeds: args.seeds,
        at_once: args.at_once,
        out: out_dir.clone(),
    };
    let control = RunControl::new();
    let stopper = control.clone();
    open::on_signal(move || stopper.interrupt());
    let term = Term::stderr();
    let bar = bar(term.is_term());
    let mut last = std::time::Instant::now();
    let began = last;
    let mut first = None;
    let summary = run::run(&options, model, &control, |p| {
        if bar.length() != Some(p.total as u64) {
            bar.set_length(p.total as u64);
            bar.set_position(p.done as u64);
            bar.reset_eta();
        }
        bar.set_position(p.done as u64);
        bar.set_message(p.task.clone());
        let first = *first.get_or_insert(p.done - 1);
        // Without a terminal, a line now and then.
        if !term.is_term() && last.elapsed() > Duration::from_secs(30) {
            last = std::time::Instant::now();
            let each = began.elapsed().as_secs_f64() / (p.done - first) as f64;
            let left = Duration::from_secs_f64(each * (p.total - p.done) as f64);
            let _ = term.write_line(&format!(
                "{} of {} samples · {} · ready in {}",
                p.done,
                p.total,
                p.task,
                indicatif::HumanDuration(left)
            ));
        }
    })
    .await;
    bar.finish_and_clear();
    let summary = summary.map_err(|e| {
        if matches!(e, EvalError::Interrupted) {
            let _ = term.write_line(&e.to_string());
        }
        error(e)
    })?;
    if args.json {
        return out::json(&summary);
    }
    print(&summary)?;
    out::line(format!("\nreport: {}", out_dir.join("report.html").display()))
}

fn bar(terminal: bool) -> ProgressBar {
    let target = if terminal {
        ProgressDrawTarget::stderr()
    } else {
        ProgressDrawTarget::hidden()
    };
    let style =
        ProgressStyle::with_template("{bar:30} {pos}/{len} samples · {elapsed} · ready in {eta} · {msg}")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::with_draw_target(Some(0), target).with_style(style);
    if terminal {
        bar.enable_steady_tick(Duration::from_millis(250));
    }
    bar
}

fn print(summary: &Summary) -> Result<(), CliError> {
    let mut rows = vec![
        [
            "task",
            "strategy",
            "effort",
            "right",
            "95 %",
            "tokens",
            "attempts",
            "gain over none",
            "p",
        ]
        .map(str::to_owned)
        .to_vec(),
    ];
    for task in &summary.tasks {
        for row in &task.rows {
            let gain = row.against_none.as_ref();
            rows.push(vec![
                task.task.clone(),
                row.strategy.clone(),
                row.effort.to_string(),
                format!("{:.1} %", 100.0 * row.accuracy),
                format!("{:.1}–{:.1}", 100.0 * row.low, 100.0 * row.high),
                format!("{:.0}", row.tokens),
                format!("{:.1}", row.samples),
                gain.map_or("–".to_owned(), |g| format!("{:+.1}", 100.0 * g.difference)),
                gain.map_or("–".to_owned(), |g| format!("{:.4}", g.p)),
            ]);
        }
        for (why, n) in &task.unscored {
            rows.push(vec![task.task.clone(), format!("{n} unscored: {why}")]);
        }
    }
    out::table(&rows)
}

fn tasks(json: bool) -> Result<(), CliError> {
    let tasks: Vec<Task> = BUILT_IN
        .iter()
        .map(|(n, _)| Task::find(n))
        .collect::<Result<_, _>>()
        .map_err(error)?;
    if json {
        return out::json(&tasks);
    }
    let mut rows = vec![["task", "source", "about"].map(str::to_owned).to_vec()];
    for task in tasks {
        let source = task
            .source
            .map_or("made by synth".to_owned(), |s| s.display().to_string());
        rows.push(vec![task.name, source, task.about]);
    }
    out::table(&rows)
}

fn compared(first: &Path, second: &Path, json: bool) -> Result<(), CliError> {
    let (a, b) = (
        compare::outcomes(first).map_err(error)?,
        compare::outcomes(second).map_err(error)?,
    );
    let all = compare::compare(&a, &b);
    if json {
        return out::json(&all);
    }
    if all.is_empty() {
        return Err(CliError::failure(
            "the runs have no task, strategy, budget and problem in common",
        ));
    }
    let mut rows = vec![
        [
            "task",
            "strategy",
            "effort",
            "problems",
            "first",
            "second",
            "difference",
            "95 %",
            "p",
        ]
        .map(str::to_owned)
        .to_vec(),
    ];
    for c in all {
        let p = c.paired;
        rows.push(vec![
            c.task,
            c.strategy,
            c.effort.to_string(),
            p.problems.to_string(),
            format!("{:.1} %", 100.0 * c.first),
            format!("{:.1} %", 100.0 * c.second),
            format!("{:+.1}", 100.0 * p.difference),
            format!("{:+.1} to {:+.1}", 100.0 * p.low, 100.0 * p.high),
            format!("{:.4}", p.p),
        ]);
    }
    out::table(&rows)
}

/// Fits a curve for each strategy and keeps it for the model.
fn calibrate(dir: &Path, json: bool) -> Result<(), CliError> {
    let summary = run::finish(dir).map_err(error)?;
    let outcomes = compare::outcomes(dir).map_err(error)?;
    let info: strawberry_core::ModelInfo = serde_json::from_value(summary.settings["model"].clone())?;
    let names: Vec<&str> = summary.tasks.iter().map(|t| t.task.as_str()).collect();
    let mut calibration = Calibration::new(&info.name, names.join(", "));
    let mut pairs: BTreeMap<&str, Vec<(f64, bool)>> = BTreeMap::new();
    for o in outcomes.iter().filter(|o| o.scored && o.answer.is_some()) {
        if let Some(confidence) = o.confidence
            && o.strategy.parse::<StrategyKind>().is_ok()
        {
            pairs
                .entry(&o.strategy)
                .or_default()
                .push((confidence, o.correct));
        }
    }
    for (strategy, pairs) in pairs {
        calibration.curves.insert(strategy.to_owned(), Curve::fit(&pairs));
    }
    let path = open::calibration_path(&info)?;
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)?;
    }
    let part = path.with_extension("part");
    std::fs::write(&part, serde_json::to_string_pretty(&calibration)? + "\n")?;
    std::fs::rename(&part, &path)?;
    if json {
        return out::json(&calibration);
    }
    let mut rows = vec![
        ["strategy", "answers", "measured share right by confidence"]
            .map(str::to_owned)
            .to_vec(),
    ];
    for (name, curve) in &calibration.curves {
        let points: Vec<String> = curve
            .points
            .iter()
            .map(|(c, a)| format!("{c:.2}→{a:.2}"))
            .collect();
        rows.push(vec![name.clone(), curve.problems.to_string(), points.join(" ")]);
    }
    out::table(&rows)?;
    out::line(format!(
        "\nkept in {}; `ask` and `ask --min-confidence` use it from now on",
        path.display()
    ))
}
