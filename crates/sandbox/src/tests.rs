//! Assert tests: the judge's process asks, the program's process answers, and this file carries the
//! lines between them and keeps the limits.

use serde::{Deserialize, Serialize};

use crate::error::SandboxError;
use crate::limits::Limits;
use crate::pool::Slot;
use crate::process::{Captured, Exit, Stop, Watch};
use crate::report::{CodeReport, Outcome, head, tail};
use crate::worker::{Line, Worker};

/// How much of a program's output a report keeps, in bytes.
pub(crate) const KEPT_OUTPUT: usize = 2000;

/// The first message to a harness, or a job for a judge.
#[derive(Serialize)]
struct Job<'a> {
    role: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    setup: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tests: Option<&'a [String]>,
}

/// What a program's harness says after loading it.
#[derive(Deserialize)]
pub(crate) struct Loaded {
    compile: Option<String>,
    exc: Option<Raised>,
}

#[derive(Deserialize)]
struct Raised {
    n: String,
    #[serde(default)]
    a: Vec<serde_json::Value>,
    #[serde(default)]
    w: String,
}

impl Loaded {
    /// What a harness's line means; `None` when the program was loaded.
    pub(crate) fn problem(line: &[u8]) -> Option<CodeReport> {
        let Ok(loaded) = serde_json::from_slice::<Loaded>(line) else {
            return Some(CodeReport::new(
                Outcome::RuntimeError,
                "the program broke the protocol of its harness",
            ));
        };
        if let Some(why) = loaded.compile {
            return Some(CodeReport::new(Outcome::CompileError, head(&why, 500)));
        }
        let raised = loaded.exc?;
        let outcome = if raised.n == "MemoryError" {
            Outcome::MemoryLimit
        } else {
            Outcome::RuntimeError
        };
        let text = raised
            .a
            .iter()
            .map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned))
            .collect::<Vec<_>>()
            .join(", ");
        let place = if raised.w.is_empty() {
            String::new()
        } else {
            format!(" ({})", raised.w)
        };
        Some(CodeReport::new(
            outcome,
            head(&format!("{}: {text}{place}", raised.n), 500),
        ))
    }
}

/// A process that judges one program after another.
pub(crate) struct Judge {
    worker: Worker,
    served: u32,
}

/// After so many programs a judge is replaced, long before its own limit of processor time.
const MOST_SERVED: u32 = 500;

/// The judge's report.
#[derive(Deserialize)]
struct Judged {
    passed: Option<usize>,
    failed: Option<usize>,
    bad: Option<String>,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    text: String,
}

/// Holds a Python program against tests.
pub(crate) fn run(
    slot: &mut Slot,
    limits: &Limits,
    code: &str,
    setup: &str,
    tests: &[String],
) -> Result<CodeReport, SandboxError> {
    if tests.iter().all(|t| t.trim().is_empty()) {
        return Ok(CodeReport::new(Outcome::BadReference, "there are no tests"));
    }
    let mut judge = match slot
        .judge
        .take()
        .filter(|j| j.served < MOST_SERVED && j.worker.process.is_running())
    {
        Some(judge) => judge,
        None => {
            let mut worker = slot.fresh()?;
            worker.channel.send(&Job {
                role: "judge",
                code: None,
                setup: None,
                tests: None,
            });
            Judge { worker, served: 0 }
        }
    };
    judge.served += 1;
    let program = slot.fresh()?;
    let mut run = Run {
        program,
        judge: &mut judge.worker,
        watch: Watch::new(limits),
        limits,
        current: 0,
        judging: false,
        asked: false,
    };
    let (mut report, exit) = match run.conclude(code, setup, tests) {
        Ok(report) => (report, run.program.process.kill()),
        Err(stop) => {
            let exit = run.program.process.kill();
            (stopped(stop, limits, &run.watch.captured), exit)
        }
    };
    let reusable = run.release_judge();
    let (current, captured) = (run.current, std::mem::take(&mut run.watch.captured));
    if reusable {
        slot.judge = Some(judge);
    }
    if !matches!(
        report.outcome,
        Outcome::Passed | Outcome::BadReference | Outcome::CompileError
    ) && report.failed_test.is_none()
        && current > 0
    {
        report = report.at(current, tests.get(current - 1).map_or("", |t| t));
    }
    report.used(exit.cpu);
    report.stdout = tail(&captured.stdout, KEPT_OUTPUT);
    report.stderr = tail(&captured.stderr, KEPT_OUTPUT);
    Ok(report)
}

struct Run<'a> {
    program: Worker,
    judge: &'a mut Worker,
    watch: Watch<'a>,
    limits: &'a Limits,
    /// The test the judge is at, from 1.
    current: usize,
    /// Whether the judge has a job it has not closed.
    judging: bool,
    /// Whether the judge waits for the program's answer.
    asked: bool,
}

impl Run<'_> {
    fn conclude(&mut self, code: &str, setup: &str, tests: &[String]) -> Result<CodeReport, Stop> {
        self.program.pipes.stdin = None;
        self.program.channel.send(&Job {
            role: "program",
            code: Some(code),
            setup: None,
            tests: None,
        });
        let line = self.program_line()?;
        if let Some(report) = Loaded::problem(&line) {
            return Ok(report);
        }
        self.judging = self.judge.channel.send(&Job {
            role: "judge",
            code: None,
            setup: Some(setup),
            tests: Some(tests),
        });
        loop {
            let Some(line) = self.judge_line()? else {
                self.judging = false;
                return Ok(CodeReport::new(
                    Outcome::SandboxError,
                    "the judge's process is gone",
                ));
            };
            match line.split_first() {
                Some((b'T', number)) => {
                    self.current = String::from_utf8_lossy(number).trim().parse().unwrap_or(0)
                }
                Some((b'C', question)) => {
                    self.asked = true;
                    if !self.program.channel.forward(question) {
                        // Gone, or not reading: the watch will say which.
                        return Err(self.outcome_of_silence());
                    }
                    let answer = self.program_line()?;
                    self.asked = false;
                    self.judge.channel.forward(&answer);
                }
                Some((b'R', report)) => return Ok(self.judged(report, setup, tests)),
                _ => {
                    self.judging = false;
                    return Ok(CodeReport::new(
                        Outcome::WrongAnswer,
                        "the result could not be examined: the judge's process died on it",
                    ));
                }
            }
        }
    }

    fn judged(&self, report: &[u8], setup: &str, tests: &[String]) -> CodeReport {
        let Ok(judged) = serde_json::from_slice::<Judged>(report) else {
            return CodeReport::new(Outcome::SandboxError, "the judge's report is garbled");
        };
        if let Some(why) = judged.bad {
            return CodeReport::new(Outcome::BadReference, head(&why, 500));
        }
        if judged.passed == Some(tests.len()) {
            return CodeReport::new(
                Outcome::Passed,
                format!("{} of {} tests passed", tests.len(), tests.len()),
            );
        }
        let number = judged.failed.unwrap_or(0);
        let outcome = match judged.kind.as_str() {
            "memory" => Outcome::MemoryLimit,
            "runtime" => Outcome::RuntimeError,
            _ => Outcome::WrongAnswer,
        };
        let text = if number == 0 {
            setup
        } else {
            tests.get(number - 1).map_or("", |t| t)
        };
        CodeReport::new(outcome, head(&judged.text, 500)).at(number, text)
    }

    /// Waits for a line of the program, watching its limits.
    fn program_line(&mut self) -> Result<Vec<u8>, Stop> {
        if let Some(line) = self.program.channel.buffered() {
            return Ok(line);
        }
        loop {
            let fd = self.program.channel.fd();
            self.watch.until(
                &mut self.program.process,
                &mut self.program.pipes,
                &mut &[][..],
                &[fd],
            )?;
            match self.program.channel.read_line() {
                Line::Whole(line) => return Ok(line),
                Line::Partial => {}
                Line::TooLong => return Err(Stop::Output),
                Line::Closed => return Err(self.outcome_of_silence()),
            }
        }
    }

    /// What becomes of a program that no longer talks: it ends, or a limit ends it.
    fn outcome_of_silence(&mut self) -> Stop {
        loop {
            if let Err(stop) = self.watch.until(
                &mut self.program.process,
                &mut self.program.pipes,
                &mut &[][..],
                &[],
            ) {
                return stop;
            }
        }
    }

    /// Waits for a line of the judge, watching the program's limits; `None` when the judge is gone.
    fn judge_line(&mut self) -> Result<Option<Vec<u8>>, Stop> {
        if let Some(line) = self.judge.channel.buffered() {
            return Ok(Some(line));
        }
        loop {
            let fd = self.judge.channel.fd();
            self.watch.until(
                &mut self.program.process,
                &mut self.program.pipes,
                &mut &[][..],
                &[fd],
            )?;
            match self.judge.channel.read_line() {
                Line::Whole(line) => return Ok(Some(line)),
                Line::Partial => {}
                Line::TooLong | Line::Closed => return Ok(None),
            }
        }
    }

    /// Brings the judge back to where it takes a new job; `false` when it has to be replaced.
    fn release_judge(&mut self) -> bool {
        if !self.judging {
            return self.judge.channel.buffered().is_none() && self.current == 0;
        }
        if self.asked && !self.judge.channel.forward(br#"{"stop":1}"#) {
            return false;
        }
        // The judge is idle or leaving; it closes its job at once unless it is busy comparing.
        let mut watch = Watch::new(self.limits);
        watch.shorten(std::time::Duration::from_millis(200));
        loop {
            if let Some(line) = self.judge.channel.buffered() {
                if line.first() == Some(&b'E') {
                    return true;
                }
                continue;
            }
            let fd = self.judge.channel.fd();
            let (process, pipes) = (&mut self.judge.process, &mut self.judge.pipes);
            if watch.until(process, pipes, &mut &[][..], &[fd]).is_err() {
                return false;
            }
            match self.judge.channel.read_line() {
                Line::Whole(line) if line.first() == Some(&b'E') => return true,
                Line::Whole(_) | Line::Partial => {}
                Line::TooLong | Line::Closed => return false,
            }
        }
    }
}

/// The report of a program that was stopped or left before its work was done.
pub(crate) fn stopped(stop: Stop, limits: &Limits, captured: &Captured) -> CodeReport {
    match stop {
        Stop::Wall => CodeReport::new(
            Outcome::TimeLimit,
            format!("stopped after {:.1} s of wall time", limits.wall.as_secs_f64()),
        ),
        Stop::Memory => memory_report(limits),
        Stop::Output => CodeReport::new(
            Outcome::OutputLimit,
            format!("wrote more than {} bytes", limits.output),
        ),
        Stop::Exited(exit) => ended(exit, limits, captured),
    }
}

fn memory_report(limits: &Limits) -> CodeReport {
    CodeReport::new(
        Outcome::MemoryLimit,
        format!("used more than {} MiB of memory", limits.memory >> 20),
    )
}

/// The report of a process that ended where it should not have, or not with status 0.
pub(crate) fn ended(exit: Exit, limits: &Limits, captured: &Captured) -> CodeReport {
    let stderr = String::from_utf8_lossy(&captured.stderr);
    let last = stderr.trim_end().lines().last().unwrap_or("");
    let starved = |line: &str| line.starts_with("MemoryError") || line.starts_with("memory allocation of");
    if exit.out_of_memory || stderr.lines().rev().take(3).any(starved) {
        return memory_report(limits);
    }
    // Nothing inside can kill process 1, so this was the kernel, at the limit of processor time; its
    // accounts and those it gives us differ by a tenth or so.
    if exit.signal == Some(libc::SIGKILL) && 2 * exit.cpu >= limits.cpu {
        let seconds = limits.cpu.as_secs_f64();
        return CodeReport::new(
            Outcome::TimeLimit,
            format!("stopped after {seconds:.1} s of processor time"),
        );
    }
    let how = match (exit.signal, exit.code) {
        (Some(libc::SIGSEGV), _) => "crashed: segmentation fault".to_owned(),
        (Some(signal), _) => format!("was ended by signal {signal}"),
        (None, Some(code)) => format!("ended with status {code}"),
        (None, None) => "ended".to_owned(),
    };
    let detail = if last.is_empty() {
        String::new()
    } else {
        format!(": {}", head(last, 300))
    };
    CodeReport::new(Outcome::RuntimeError, format!("the program {how}{detail}"))
}
