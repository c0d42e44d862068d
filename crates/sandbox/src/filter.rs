//! Pairs in, verdicts out: one JSON object a line.

use std::collections::BTreeMap;
use std::io::{self, BufRead, Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Mutex, PoisonError};

use serde::Deserialize;
use strawberry_core::TestCase;

use crate::check::{Against, CodeCheck, Language};
use crate::extract::extract;
use crate::pool::Sandbox;
use crate::report::{CodeReport, Outcome};

/// The longest line that is read, in bytes.
const LONGEST_LINE: u64 = 32 << 20;

/// One input line; keys of the caller's own are ignored.
#[derive(Deserialize)]
struct Pair {
    code: Option<String>,
    response: Option<String>,
    language: Option<String>,
    tests: Option<Vec<String>>,
    #[serde(default)]
    setup: String,
    cases: Option<Vec<TestCase>>,
    checker: Option<String>,
}

/// How many lines were read and what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FilterSummary {
    /// Lines read, empty ones not counted.
    pub lines: u64,
    /// Lines whose program passed.
    pub passed: u64,
    /// Lines that could not be scored: malformed, without usable tests, or the sandbox failed.
    pub unscored: u64,
}

/// Reads `{"code" | "response", "tests" | "cases" | "checker", "language"?, "setup"?}` lines and writes
/// one [`CodeReport`] line for each, in the same order, as JSON (`json`) or as text. As many lines are
/// checked at a time as the sandbox has slots. Empty lines are skipped; a malformed line gets a report
/// that says what is wrong with it.
///
/// # Errors
/// Only reading and writing can fail; checks that were under way are finished first.
pub fn filter_jsonl(
    reader: impl BufRead + Send,
    writer: &mut impl Write,
    sandbox: &Sandbox,
    json: bool,
) -> io::Result<FilterSummary> {
    let lines = Mutex::new(Lines {
        reader,
        next: 0,
        failed: None,
    });
    let stop = AtomicBool::new(false);
    let (sender, results) = channel();
    let written = std::thread::scope(|scope| {
        for _ in 0..sandbox.slots() {
            let (lines, stop, sender) = (&lines, &stop, sender.clone());
            scope.spawn(move || work(lines, stop, &sender, sandbox));
        }
        drop(sender);
        let mut summary = FilterSummary::default();
        let mut waiting = BTreeMap::new();
        for (number, report) in results {
            waiting.insert(number, report);
            while let Some(report) = waiting.remove(&summary.lines) {
                summary.lines += 1;
                summary.passed += u64::from(report.outcome == Outcome::Passed);
                summary.unscored += u64::from(!report.verdict.is_scored());
                if let Err(error) = write_report(writer, &report, json) {
                    stop.store(true, Ordering::Relaxed);
                    return Err(error);
                }
            }
        }
        Ok(summary)
    });
    let lines = lines.into_inner().unwrap_or_else(PoisonError::into_inner);
    match lines.failed {
        Some(error) => Err(error),
        None => written,
    }
}

struct Lines<R> {
    reader: R,
    next: u64,
    failed: Option<io::Error>,
}

/// A line, or what is wrong with it.
type Text = Result<String, String>;

impl<R: BufRead> Lines<R> {
    /// The next line that is not empty, with its index.
    fn next(&mut self) -> Option<(u64, Text)> {
        while self.failed.is_none() {
            let mut line = Vec::new();
            let size = match self
                .reader
                .by_ref()
                .take(LONGEST_LINE)
                .read_until(b'\n', &mut line)
            {
                Ok(size) => size as u64,
                Err(error) => {
                    self.failed = Some(error);
                    return None;
                }
            };
            if size == 0 {
                return None;
            }
            let text = if size == LONGEST_LINE && line.last() != Some(&b'\n') {
                if let Err(error) = self.reader.skip_until(b'\n') {
                    self.failed = Some(error);
                }
                Err(format!("the line is longer than {LONGEST_LINE} bytes"))
            } else {
                String::from_utf8(line).map_err(|e| format!("the line is not UTF-8: {e}"))
            };
            if text.as_ref().is_ok_and(|t| t.trim().is_empty()) {
                continue;
            }
            self.next += 1;
            return Some((self.next - 1, text));
        }
        None
    }
}

fn work<R: BufRead>(
    lines: &Mutex<Lines<R>>,
    stop: &AtomicBool,
    results: &Sender<(u64, CodeReport)>,
    sandbox: &Sandbox,
) {
    while !stop.load(Ordering::Relaxed) {
        let next = lines.lock().unwrap_or_else(PoisonError::into_inner).next();
        let Some((number, text)) = next else { return };
        let report = match text.and_then(|t| parse(&t)) {
            Ok(Some(check)) => sandbox.check(&check),
            Ok(None) => CodeReport::new(Outcome::NoProgram, "no program was found in the response"),
            Err(why) => CodeReport::new(Outcome::BadReference, format!("line {}: {why}", number + 1)),
        };
        if results.send((number, report)).is_err() {
            return;
        }
    }
}

/// The check a line asks for; `None` when its response holds no program.
fn parse(line: &str) -> Result<Option<CodeCheck>, String> {
    let pair: Pair = serde_json::from_str(line).map_err(|e| format!("not a pair: {e}"))?;
    let language: Language = pair.language.as_deref().unwrap_or("python").parse()?;
    let against = match (pair.tests, pair.cases, pair.checker) {
        (Some(tests), None, None) => Against::Tests {
            setup: pair.setup,
            tests,
        },
        (None, Some(cases), None) => Against::Cases(cases),
        (None, cases, Some(program)) => Against::Checker {
            program,
            cases: cases.unwrap_or_default(),
        },
        (None, None, None) => return Err("give `tests`, `cases` or `checker`".into()),
        _ => return Err("`tests` can't be combined with `cases` or `checker`".into()),
    };
    let code = match (pair.code, pair.response) {
        (Some(code), None) => code,
        (None, Some(response)) => match extract(&response, language) {
            Some(found) => found.code.to_owned(),
            None => return Ok(None),
        },
        _ => return Err("give either `code` or `response`".into()),
    };
    Ok(Some(CodeCheck {
        language,
        code,
        against,
    }))
}

fn write_report(writer: &mut impl Write, report: &CodeReport, json: bool) -> io::Result<()> {
    if json {
        serde_json::to_writer(&mut *writer, report)?;
        writeln!(writer)?;
    } else {
        let judgement = report.judgement("code");
        let line = judgement.evidence.replace(['\n', '\r'], " ");
        writeln!(writer, "{}\t{line}", report.verdict.as_str())?;
    }
    writer.flush()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_line_says_what_is_wrong_with_it() {
        let why = |line: &str| parse(line).unwrap_err();
        assert!(why("{").contains("not a pair"));
        assert!(why(r#"{"code": "x"}"#).contains("give `tests`"));
        assert!(why(r#"{"tests": ["a"]}"#).contains("give either"));
        assert!(why(r#"{"code": "x", "response": "y", "tests": []}"#).contains("give either"));
        assert!(why(r#"{"code": "x", "tests": [], "cases": []}"#).contains("combined"));
        assert!(why(r#"{"code": "x", "tests": [], "language": "cobol"}"#).contains("cobol"));
    }

    #[test]
    fn a_response_without_a_program_is_no_error() {
        assert_eq!(
            parse(r#"{"response": "```json\n1\n```", "tests": ["assert f()"]}"#),
            Ok(None)
        );
        assert!(
            matches!(parse(r#"{"response": "```python\nx=1\n```", "tests": ["a"]}"#), Ok(Some(c)) if c.code == "x=1\n")
        );
    }

    proptest! {
        #[test]
        fn any_line_is_handled(line in r#"[{}\[\]",:a0\\ ]{0,30}|\{("(code|response|tests|cases|checker|language)": ("x"|1|null|\[\]|\["a"\]),? ?){0,4}\}"#) {
            if let Ok(Some(check)) = parse(&line) {
                prop_assert!(line.contains("code") || line.contains("response"));
                prop_assert_eq!(check.language, Language::Python);
            }
        }
    }

    #[test]
    fn lines_are_numbered_without_the_empty_ones() {
        let mut lines = Lines {
            reader: &b"a\n\n  \n\xff\nb"[..],
            next: 0,
            failed: None,
        };
        assert_eq!(lines.next().map(|(n, t)| (n, t.is_ok())), Some((0, true)));
        assert_eq!(lines.next().map(|(n, t)| (n, t.is_ok())), Some((1, false)));
        assert_eq!(lines.next(), Some((2, Ok("b".into()))));
        assert_eq!(lines.next(), None);
    }

    #[test]
    fn a_line_that_is_too_long_is_skipped_whole() {
        let mut input = vec![b'a'; LONGEST_LINE as usize + 5];
        input.extend(b"\nb\n");
        let mut lines = Lines {
            reader: &input[..],
            next: 0,
            failed: None,
        };
        assert!(matches!(lines.next(), Some((0, Err(why))) if why.contains("longer than")));
        assert_eq!(lines.next(), Some((1, Ok("b\n".into()))));
    }
}
