//! Checks every reference program of an MBPP file, and single-token mutants of each.
//!
//!     cargo run --release -p strawberry-sandbox --example mbpp_sweep -- train.jsonl [--mutants]
//!
//! Prints the programs that fail, the counts and the checks per second. With `--mutants`, every program
//! is changed in one token at a time; a mutant counts when it changes what the tested expressions give
//! (a run of its own prints them), and such a mutant has to fail the tests.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use serde::Deserialize;
use strawberry_core::TestCase;
use strawberry_sandbox::{Against, CodeCheck, CodeReport, Language, Limits, Options, Outcome, Sandbox};

#[derive(Deserialize)]
struct Task {
    task_id: u64,
    code: String,
    test_list: Vec<String>,
    #[serde(default)]
    test_setup_code: String,
}

impl Task {
    fn check(&self, code: &str) -> CodeCheck {
        let against = Against::Tests {
            setup: self.test_setup_code.clone(),
            tests: self.test_list.clone(),
        };
        CodeCheck {
            language: Language::Python,
            code: code.to_owned(),
            against,
        }
    }

    /// A script that prints what each tested expression gives.
    fn probe(&self, code: &str) -> CodeCheck {
        let tests = serde_json::to_string(&self.test_list).unwrap_or_default();
        let setup = serde_json::to_string(&self.test_setup_code).unwrap_or_default();
        let probe = include_str!("probe.py");
        let source = format!(
            "CODE = {}\nSETUP = {setup}\nTESTS = {tests}\n{probe}",
            serde_json::to_string(code).unwrap_or_default()
        );
        let against = Against::Cases(vec![TestCase {
            stdin: String::new(),
            stdout: String::new(),
        }]);
        CodeCheck {
            language: Language::Python,
            code: source,
            against,
        }
    }
}

/// Runs `work` on every item, as many at a time as the sandbox has slots; results in order.
fn parallel<T: Sync, R: Send>(slots: usize, items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<(usize, R)>> = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..slots {
            scope.spawn(|| {
                while let Some((i, item)) =
                    Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|i| Some((i, items.get(i)?)))
                {
                    let result = work(item);
                    done.lock().expect("no panics while held").push((i, result));
                }
            });
        }
    });
    let mut done = done.into_inner().expect("no panics while held");
    done.sort_by_key(|(i, _)| *i);
    done.into_iter().map(|(_, r)| r).collect()
}

/// Single-token mutants of a program; Python's own tokenizer, inside the sandbox, finds the tokens.
fn mutants(sandbox: &Sandbox, task: &Task) -> Vec<String> {
    let source = format!(
        "CODE = {}\n{}",
        serde_json::to_string(&task.code).unwrap_or_default(),
        include_str!("mutate.py")
    );
    let case = TestCase {
        stdin: String::new(),
        stdout: String::new(),
    };
    let report = sandbox.check(&CodeCheck {
        language: Language::Python,
        code: source,
        against: Against::Cases(vec![case]),
    });
    let edits = report
        .stdout
        .lines()
        .filter_map(|l| serde_json::from_str::<(usize, usize, String)>(l).ok());
    edits
        .map(|(start, length, new)| {
            task.code
                .chars()
                .take(start)
                .chain(new.chars())
                .chain(task.code.chars().skip(start + length))
                .collect()
        })
        .collect()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let path = args.first().ok_or("usage: mbpp_sweep train.jsonl [--mutants]")?;
    let tasks: Vec<Task> = std::fs::read_to_string(path)?
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()?;
    let sandbox = Sandbox::new(Options::default())?;
    let started = Instant::now();
    let reports: Vec<CodeReport> = parallel(sandbox.slots(), &tasks, |t| sandbox.check(&t.check(&t.code)));
    let seconds = started.elapsed().as_secs_f64();
    for (task, report) in tasks
        .iter()
        .zip(&reports)
        .filter(|(_, r)| r.outcome != Outcome::Passed)
    {
        println!("task {}: {}", task.task_id, serde_json::to_string(report)?);
    }
    let passed = reports.iter().filter(|r| r.outcome == Outcome::Passed).count();
    println!(
        "references: {passed} of {} passed, {:.1} checks/s on {} slots",
        tasks.len(),
        tasks.len() as f64 / seconds,
        sandbox.slots()
    );
    if args.iter().any(|a| a == "--mutants") {
        let limits = Limits {
            cpu: std::time::Duration::from_secs(2),
            wall: std::time::Duration::from_secs(4),
            ..Limits::default()
        };
        let sandbox = Sandbox::new(Options {
            limits,
            ..Options::default()
        })?;
        sweep_mutants(&sandbox, &tasks);
    }
    Ok(())
}

fn sweep_mutants(sandbox: &Sandbox, tasks: &[Task]) {
    let started = Instant::now();
    let rows = parallel(sandbox.slots(), tasks, |task| {
        let original = sandbox.check(&task.probe(&task.code));
        let (mut made, mut changed, mut failed) = (0, 0, 0);
        for mutant in mutants(sandbox, task) {
            made += 1;
            let probe = sandbox.check(&task.probe(&mutant));
            if probe.stdout == original.stdout && probe.outcome == original.outcome {
                continue;
            }
            changed += 1;
            if sandbox.check(&task.check(&mutant)).outcome == Outcome::Passed {
                println!(
                    "task {}: a mutant that behaves differently passes:\n{mutant}\n{}\n--",
                    task.task_id, probe.stdout
                );
            } else {
                failed += 1;
            }
        }
        (made, changed, failed)
    });
    let sum = |f: fn(&(usize, usize, usize)) -> usize| rows.iter().map(f).sum::<usize>();
    let (made, changed, failed) = (sum(|r| r.0), sum(|r| r.1), sum(|r| r.2));
    println!(
        "mutants: {made} made, {changed} change behaviour on the tests, {failed} of those fail ({:.2} %), {:.0} s",
        100.0 * failed as f64 / changed.max(1) as f64,
        started.elapsed().as_secs_f64()
    );
}
