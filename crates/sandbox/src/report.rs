//! What a check of a program says.

use std::time::Duration;

use serde::Serialize;
use strawberry_core::{Judgement, Verdict};

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Every test passed.
    Passed,
    /// The program can't be compiled.
    CompileError,
    /// A test's result is not the expected one.
    WrongAnswer,
    /// The program raised, crashed, or left before the tests were done.
    RuntimeError,
    /// The processor or wall time ran out.
    TimeLimit,
    /// The memory ran out.
    MemoryLimit,
    /// The program wrote too much.
    OutputLimit,
    /// There is no program in the response.
    NoProgram,
    /// The tests themselves are unusable; the pair is unscored.
    BadReference,
    /// The sandbox could not do its work; the pair is unscored.
    SandboxError,
}

impl Outcome {
    /// The verdict of the outcome in the common vocabulary. A program that runs out of time is
    /// `timed_out`; every other failure of the program is `incorrect`.
    pub fn verdict(self) -> Verdict {
        match self {
            Outcome::Passed => Verdict::Correct,
            Outcome::TimeLimit => Verdict::TimedOut,
            Outcome::NoProgram => Verdict::NoAnswer,
            Outcome::BadReference | Outcome::SandboxError => Verdict::BadReference,
            _ => Verdict::Incorrect,
        }
    }
}

/// The result of one check.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CodeReport {
    /// The outcome in the common vocabulary.
    pub verdict: Verdict,
    /// What happened.
    pub outcome: Outcome,
    /// Why, in a line or a few.
    pub evidence: String,
    /// The number of the test that failed, from 1; 0 is the tests' set-up code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed_test: Option<usize>,
    /// The text of the test that failed, trimmed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test: Option<String>,
    /// The end of what the program wrote to standard output (of the failing case, or the last).
    #[serde(skip_serializing_if = "String::is_empty")]
    pub stdout: String,
    /// The end of what it wrote to standard error.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub stderr: String,
    /// Processor time of the program, in milliseconds.
    pub cpu_ms: u64,
    /// Wall time of the check, in milliseconds.
    pub wall_ms: u64,
}

impl CodeReport {
    /// A report that says only what happened and why.
    pub fn new(outcome: Outcome, evidence: impl Into<String>) -> Self {
        CodeReport {
            verdict: outcome.verdict(),
            outcome,
            evidence: evidence.into(),
            failed_test: None,
            test: None,
            stdout: String::new(),
            stderr: String::new(),
            cpu_ms: 0,
            wall_ms: 0,
        }
    }

    /// Names the failing test.
    pub(crate) fn at(mut self, number: usize, text: &str) -> Self {
        self.failed_test = Some(number);
        self.test = Some(head(text, 500));
        self
    }

    /// Adds what one more run used.
    pub(crate) fn used(&mut self, cpu: Duration) {
        self.cpu_ms += cpu.as_millis() as u64;
    }

    /// The report as a judgement; `method` says what the program was held against.
    pub fn judgement(&self, method: &str) -> Judgement {
        let place = match (self.failed_test, &self.test) {
            (Some(number), Some(text)) => format!("test {number} `{text}`: "),
            _ => String::new(),
        };
        let outcome = serde_json::to_value(self.outcome)
            .ok()
            .and_then(|v| v.as_str().map(str::to_owned))
            .unwrap_or_default();
        Judgement::new(
            self.verdict,
            method,
            format!("{outcome}: {place}{}", self.evidence),
        )
    }
}

/// The first `most` characters, with a mark when there were more.
pub(crate) fn head(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The last `most` bytes of output as text, with a mark when there were more.
pub(crate) fn tail(output: &[u8], most: usize) -> String {
    let start = output.len().saturating_sub(most);
    let text = String::from_utf8_lossy(&output[start..]);
    if start > 0 {
        format!("…{text}")
    } else {
        text.into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trimming_keeps_characters_whole() {
        assert_eq!(head("añb", 2), "añ…");
        assert_eq!(head("añ", 2), "añ");
        assert!(tail("xxñ".as_bytes(), 1).starts_with('…'));
    }
}
