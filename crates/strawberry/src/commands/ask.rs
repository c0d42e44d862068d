//! `ask`: one question.

use std::io::Read;

use console::Term;
use strawberry_core::trace::RunStatus;
use strawberry_core::{Message, Problem, Reference};
use strawberry_think::{Plan, RunControl, RunReport};
use tokio::sync::mpsc;

use crate::cli::AskArgs;
use crate::error::CliError;
use crate::open;
use crate::out;
use crate::view::{self, View};

/// Asks the question and prints the answer.
pub async fn run(args: AskArgs) -> Result<(), CliError> {
    let question = question(args.question.as_deref().unwrap_or_default())?;
    // A geometry statement in one of its languages is proved; no model is needed.
    if let Some(done) = super::geometry::answer(&question, &args.think, args.json).await {
        return done;
    }
    let mut problem = Problem::question(question);
    if let Some(system) = &args.system {
        problem.messages.insert(0, Message::system(system));
    }
    problem.reference = args.reference.map(Reference::Answer);
    let mut options = open::plan_options(&args.think);
    // A budget that can't be carried out is said before a model is loaded.
    Plan::new(&problem, &Default::default(), &options).map_err(CliError::usage)?;
    let thinker = open::thinker(&args.model, std::slice::from_ref(&problem)).await?;
    options.calibration = open::calibration(&thinker.model.info())?;
    let plan = Plan::new(&problem, &thinker.model.info(), &options).map_err(CliError::usage)?;
    if args.explain {
        Term::stderr().write_line(&format!("{}: {}", plan.choice.kind, plan.choice.why))?;
    }
    let store = if args.no_trace {
        None
    } else {
        Some(open::store().await?)
    };
    let recorder = store.clone().map(|store| open::recorder(store));

    let control = RunControl::new();
    let stopper = control.clone();
    open::on_signal(move || stopper.interrupt());
    let (send, receive) = mpsc::unbounded_channel();
    let watching = (!args.json).then(|| tokio::spawn(View::new().follow(receive)));
    let report = thinker
        .run(
            &problem,
            plan,
            &control,
            recorder.as_ref(),
            watching.is_some().then_some(send),
        )
        .await;
    if let Some(watching) = watching {
        let _ = watching.await;
    }
    if let Some(store) = store {
        store.close().await;
    }
    let report = report.map_err(CliError::failure)?;
    print(&report, args.json)?;
    if report.status == RunStatus::Interrupted {
        Err(CliError::Interrupted)
    } else {
        Ok(())
    }
}

fn print(report: &RunReport, json: bool) -> Result<(), CliError> {
    if json {
        out::json(&report.to_result())
    } else {
        view::show_result(report)
    }
}

/// The question as given, or from standard input for `-`.
fn question(given: &str) -> Result<String, CliError> {
    let text = if given == "-" {
        let mut bytes = Vec::new();
        std::io::stdin().lock().read_to_end(&mut bytes)?;
        String::from_utf8(bytes).map_err(|e| {
            let at = e.utf8_error().valid_up_to();
            CliError::usage(format!(
                "standard input is not UTF-8 text (byte {at}): convert it first, for example with iconv"
            ))
        })?
    } else {
        given.to_owned()
    };
    if text.trim().is_empty() {
        return Err(CliError::usage(
            "the question is empty: strawberry ask \"What is 17 * 24?\"",
        ));
    }
    Ok(text)
}
