//! Running programs that a model wrote, in the sandbox.
//!
//! The pool of sandboxes is made when the first program has to run, and serves the whole process.

use std::sync::{Arc, OnceLock};

use strawberry_core::TestCase;
use strawberry_sandbox::{Against, CodeCheck, Language, Options, Outcome, Sandbox, extract};

use crate::scorer::Score;

/// The end of an output that is shown, in characters.
const SHOWN: usize = 500;

static SANDBOX: OnceLock<Result<Arc<Sandbox>, String>> = OnceLock::new();

/// The sandboxes of this process.
///
/// # Errors
/// The kernel lacks what the sandbox needs, or there is no Python; the message says which.
pub fn sandbox() -> Result<Arc<Sandbox>, String> {
    SANDBOX
        .get_or_init(|| {
            Sandbox::new(Options::default())
                .map(Arc::new)
                .map_err(|e| e.to_string())
        })
        .clone()
}

/// What came of running a program.
#[derive(Clone, Debug, PartialEq)]
pub enum Run {
    /// It printed this.
    Printed(String),
    /// It gave nothing that could be used; the message says why.
    Nothing(String),
}

/// Runs the Python program in `response` and gives what it prints. Blocks.
pub fn run(response: &str) -> Run {
    let Some(found) = extract(response, Language::Python).filter(|f| f.rule == "fence") else {
        return Run::Nothing("no program was found in the response".to_owned());
    };
    let sandbox = match sandbox() {
        Ok(sandbox) => sandbox,
        Err(why) => return Run::Nothing(format!("programs can't be run here: {why}")),
    };
    let report = sandbox.check(&CodeCheck {
        language: Language::Python,
        code: found.code.to_owned(),
        // What it prints is wanted, whatever it is; that it differs from nothing is no failure.
        against: Against::Cases(vec![TestCase {
            stdin: String::new(),
            stdout: String::new(),
        }]),
    });
    let printed = report.stdout.trim();
    match report.outcome {
        Outcome::Passed | Outcome::WrongAnswer if !printed.is_empty() => Run::Printed(tail(printed)),
        Outcome::Passed | Outcome::WrongAnswer => Run::Nothing("the program printed nothing".to_owned()),
        _ => {
            let last = report.stderr.trim().lines().last().unwrap_or_default();
            Run::Nothing(
                format!("the program failed: {} {last}", report.evidence)
                    .trim_end()
                    .to_owned(),
            )
        }
    }
}

/// Holds the program in `response` against tests. Blocks. `None` when the sandbox can't say.
pub fn check(response: &str, tests: &[String]) -> Option<Score> {
    let wrong = |feedback: String| {
        Some(Score {
            value: 0.0,
            feedback: Some(feedback),
        })
    };
    let Some(found) = extract(response, Language::Python) else {
        return wrong("no program was found in the response".to_owned());
    };
    let report = sandbox().ok()?.check(&CodeCheck {
        language: Language::Python,
        code: found.code.to_owned(),
        against: Against::Tests {
            setup: String::new(),
            tests: tests.to_vec(),
        },
    });
    match report.outcome {
        Outcome::BadReference | Outcome::SandboxError => None,
        Outcome::Passed => Some(Score {
            value: 1.0,
            feedback: None,
        }),
        _ => {
            // Tests run in order, and the first failure ends them.
            let passed = report.failed_test.map_or(0, |n| n.saturating_sub(1));
            Some(Score {
                value: passed as f64 / tests.len() as f64,
                feedback: Some(report.judgement("tests").evidence),
            })
        }
    }
}

fn tail(text: &str) -> String {
    let skip = text.chars().count().saturating_sub(SHOWN);
    text.chars().skip(skip).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_program_prints_is_given_and_failures_are_said() {
        assert_eq!(run("```python\nprint(6*7)\n```"), Run::Printed("42".into()));
        let Run::Nothing(why) = run("```python\nprint(1/0)\n```") else {
            panic!()
        };
        assert!(why.contains("ZeroDivisionError"), "{why}");
        assert_eq!(
            run("```python\nx = 1\n```"),
            Run::Nothing("the program printed nothing".into())
        );
        assert!(matches!(run("no code"), Run::Nothing(_)));
    }

    #[test]
    fn tests_give_a_share_and_name_the_failure() {
        let tests = ["assert f(1) == 2".to_owned(), "assert f(2) == 5".to_owned()];
        let score = check("```python\ndef f(x): return x + 1\n```", &tests).unwrap();
        assert_eq!(score.value, 0.5);
        assert!(score.feedback.unwrap().contains("assert f(2) == 5"));
        assert_eq!(
            check("```python\ndef f(x): return x * x + 1\n```", &tests)
                .unwrap()
                .value,
            1.0
        );
    }
}
