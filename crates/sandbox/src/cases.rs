//! Whole programs on given input: input/output pairs, and checker programs.

use std::collections::BTreeMap;

use serde::Serialize;
use strawberry_core::TestCase;

use crate::check::{first_difference, same_output};
use crate::error::SandboxError;
use crate::limits::Limits;
use crate::pool::{Shared, Slot};
use crate::process::{Captured, Exit, Stop, Watch};
use crate::report::{CodeReport, Outcome, tail};
use crate::spawn::Image;
use crate::tests::{KEPT_OUTPUT, Loaded, ended, stopped};
use crate::worker::{Line, Worker};

/// A program ready to run.
pub(crate) enum Program<'a> {
    Python(&'a str),
    Native(Box<Image>),
}

/// A script for the harness to run as a whole program.
#[derive(Serialize)]
pub(crate) struct Script<'a> {
    role: &'static str,
    code: &'a str,
    files: BTreeMap<&'a str, &'a str>,
    args: Vec<&'a str>,
}

impl<'a> Script<'a> {
    pub(crate) fn new(code: &'a str, files: &[(&'a str, &'a str)], args: &[&'a str]) -> Self {
        Script {
            role: "script",
            code,
            files: files.iter().copied().collect(),
            args: args.to_vec(),
        }
    }
}

/// How one run ended: a report when something went wrong before or at the end, else `None`.
pub(crate) struct Finished {
    pub report: Option<CodeReport>,
    pub captured: Captured,
    pub exit: Exit,
}

/// Runs a program on each case in turn, each time in a sandbox of its own; stops at the first failure.
pub(crate) fn run(
    slot: &mut Slot,
    shared: &Shared,
    program: &Program,
    cases: &[TestCase],
    checker: Option<&String>,
) -> Result<CodeReport, SandboxError> {
    let limits = &shared.options.limits;
    let empty = [TestCase {
        stdin: String::new(),
        stdout: String::new(),
    }];
    let cases = match (cases, checker) {
        ([], None) => return Ok(CodeReport::new(Outcome::BadReference, "there are no cases")),
        ([], Some(_)) => &empty[..],
        _ => cases,
    };
    let mut passed = CodeReport::new(Outcome::Passed, format!("{0} of {0} cases passed", cases.len()));
    for (number, case) in cases.iter().enumerate() {
        let worker = match program {
            Program::Python(_) => slot.fresh()?,
            Program::Native(image) => Worker::start(image, &[], slot.core, shared.cgroups.as_deref())?,
        };
        let script = match program {
            Program::Python(code) => Some(Script::new(code, &[], &[])),
            Program::Native(_) => None,
        };
        let done = finish(worker, script.as_ref(), case.stdin.as_bytes(), limits);
        let stdout = &done.captured.stdout;
        let report = match (done.report, checker) {
            (Some(report), _) => Some(report),
            (None, Some(checker)) => accepted(slot, limits, checker, case, stdout)?,
            (None, None) if same_output(stdout, case.stdout.as_bytes()) => None,
            (None, None) => Some(CodeReport::new(
                Outcome::WrongAnswer,
                first_difference(stdout, case.stdout.as_bytes()),
            )),
        };
        passed.used(done.exit.cpu);
        if let Some(mut report) = report {
            if report.outcome != Outcome::CompileError {
                report = report.at(number + 1, &case.stdin);
            }
            report.cpu_ms = passed.cpu_ms;
            report.stdout = tail(stdout, KEPT_OUTPUT);
            report.stderr = tail(&done.captured.stderr, KEPT_OUTPUT);
            return Ok(report);
        }
        passed.stdout = tail(stdout, KEPT_OUTPUT);
    }
    Ok(passed)
}

/// Lets a checker decide about one output; `None` when it accepts.
fn accepted(
    slot: &Slot,
    limits: &Limits,
    checker: &str,
    case: &TestCase,
    stdout: &[u8],
) -> Result<Option<CodeReport>, SandboxError> {
    let output = String::from_utf8_lossy(stdout);
    let files = [
        ("input", case.stdin.as_str()),
        ("output", &output),
        ("answer", case.stdout.as_str()),
    ];
    let script = Script::new(checker, &files, &["input", "output", "answer"]);
    let done = finish(slot.fresh()?, Some(&script), &[], limits);
    let Some(report) = done.report else {
        return Ok(None);
    };
    let said = tail(&done.captured.stdout, 300);
    let said = said.trim();
    Ok(Some(match report.outcome {
        // Not accepting is how a checker says no; a crash of the checker looks the same.
        Outcome::RuntimeError => CodeReport::new(
            Outcome::WrongAnswer,
            format!(
                "not accepted by the checker: {}",
                if said.is_empty() { &report.evidence } else { said }
            ),
        ),
        _ => CodeReport::new(
            Outcome::BadReference,
            format!("the checker failed: {}", report.evidence),
        ),
    }))
}

/// Runs a process to its end. With a script, the harness loads it first.
pub(crate) fn finish(
    mut worker: Worker,
    script: Option<&Script>,
    mut input: &[u8],
    limits: &Limits,
) -> Finished {
    let mut watch = Watch::new(limits);
    let mut report = None;
    let stop = 'run: {
        if let Some(script) = script {
            worker.channel.send(script);
            loop {
                let fd = worker.channel.fd();
                if let Err(stop) = watch.until(&mut worker.process, &mut worker.pipes, &mut input, &[fd]) {
                    break 'run stop;
                }
                match worker.channel.read_line() {
                    Line::Whole(line) => {
                        report = Loaded::problem(&line);
                        break;
                    }
                    Line::Partial => {}
                    Line::TooLong | Line::Closed => break,
                }
            }
        }
        loop {
            if let Err(stop) = watch.until(&mut worker.process, &mut worker.pipes, &mut input, &[]) {
                break 'run stop;
            }
        }
    };
    let exit = worker.process.kill();
    let report = report.or(match stop {
        Stop::Exited(Exit { code: Some(0), .. }) => None,
        Stop::Exited(exit) => Some(ended(exit, limits, &watch.captured)),
        stop => Some(stopped(stop, limits, &watch.captured)),
    });
    Finished {
        report,
        captured: watch.captured,
        exit,
    }
}
