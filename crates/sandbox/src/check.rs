//! What is checked: a program and what it is held against.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use strawberry_core::TestCase;

/// The language of a program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// Python 3, by the interpreter found on the host.
    #[default]
    Python,
    /// C, by the host's `gcc` or `cc`.
    C,
    /// Rust, by the host's `rustc`.
    Rust,
}

impl Language {
    /// The lower-case name.
    pub fn as_str(self) -> &'static str {
        match self {
            Language::Python => "python",
            Language::C => "c",
            Language::Rust => "rust",
        }
    }

    /// The language of a fence's info string (`python`, `py`, `python3`, `c`, `rust`, `rs`).
    pub fn of_tag(tag: &str) -> Option<Language> {
        match tag.trim().to_ascii_lowercase().as_str() {
            "python" | "py" | "python3" => Some(Language::Python),
            "c" => Some(Language::C),
            "rust" | "rs" => Some(Language::Rust),
            _ => None,
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Language {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        Language::of_tag(s).ok_or_else(|| format!("unknown language '{s}': use python, c or rust"))
    }
}

/// What a program is held against.
#[derive(Clone, Debug, PartialEq)]
pub enum Against {
    /// Python statements (usually `assert` lines) about names the program defines, judged outside the
    /// program's process. Python programs only.
    Tests {
        /// Code run before the tests, in their namespace.
        setup: String,
        /// The tests.
        tests: Vec<String>,
    },
    /// Input/output pairs; white space at the ends of lines and of the output is ignored.
    Cases(Vec<TestCase>),
    /// A Python program run after each case as `checker.py input output answer` (three file names, in
    /// the order of the `testlib` tradition): status 0 accepts. `stdout` of a case is the answer file.
    Checker {
        /// The checker's source.
        program: String,
        /// The inputs; with none, the program runs once on empty input.
        cases: Vec<TestCase>,
    },
}

impl Against {
    /// The name of the method, as judgements carry it.
    pub fn method(&self) -> &'static str {
        match self {
            Against::Tests { .. } => "assert tests",
            Against::Cases(_) => "input/output cases",
            Against::Checker { .. } => "checker program",
        }
    }
}

/// One program to check.
#[derive(Clone, Debug, PartialEq)]
pub struct CodeCheck {
    /// The program's language.
    pub language: Language,
    /// The program's source.
    pub code: String,
    /// What it is held against.
    pub against: Against,
}

/// Whether two outputs are the same but for white space at the ends of lines and of the whole.
pub(crate) fn same_output(got: &[u8], want: &[u8]) -> bool {
    lines(got).eq(lines(want))
}

/// The lines without trailing white space, without the empty ones at the end.
fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.trim_ascii_end()
        .split(|&b| b == b'\n')
        .map(|line| line.trim_ascii_end())
}

/// The first line (from 1) in which two outputs differ, for a message.
pub(crate) fn first_difference(got: &[u8], want: &[u8]) -> String {
    let (got, want): (Vec<_>, Vec<_>) = (lines(got).collect(), lines(want).collect());
    let at = (0..got.len().max(want.len()))
        .find(|&i| got.get(i) != want.get(i))
        .unwrap_or(0);
    let show = |line: Option<&&[u8]>| match line {
        Some(bytes) => format!("'{}'", crate::report::head(&String::from_utf8_lossy(bytes), 120)),
        None => "nothing".to_owned(),
    };
    format!(
        "line {}: got {}, expected {}",
        at + 1,
        show(got.get(at)),
        show(want.get(at))
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_trailing_white_space_is_ignored() {
        assert!(same_output(b"1 2 \r\n3\n\n", b"1 2\n3"));
        assert!(!same_output(b" 1", b"1"));
        assert!(!same_output(b"1\n\n2", b"1\n2"));
        assert!(same_output(b"", b"\n \n"));
        assert_eq!(
            first_difference(b"1\n2", b"1\n3"),
            "line 2: got '2', expected '3'"
        );
        assert_eq!(
            first_difference(b"1", b"1\n3"),
            "line 2: got nothing, expected '3'"
        );
    }
}
