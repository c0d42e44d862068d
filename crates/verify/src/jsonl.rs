//! A filter over JSON Lines: pairs of a reference and a response in, verdicts out.

use std::borrow::Cow;
use std::io::{self, BufRead, Read, Write};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use strawberry_core::Verdict;

use crate::options::Options;
use crate::verifier::MathVerifier;

/// Bytes of one line beyond which it is not read.
const MAX_LINE: u64 = 16 * 1024 * 1024;

/// A text, or a number standing for its text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Field<'a> {
    #[serde(borrow)]
    Text(Cow<'a, str>),
    Number(serde_json::Number),
}

impl Field<'_> {
    fn text(&self) -> Cow<'_, str> {
        match self {
            Field::Text(t) => Cow::Borrowed(t),
            Field::Number(n) => Cow::Owned(n.to_string()),
        }
    }
}

#[derive(Deserialize)]
struct Pair<'a> {
    /// Passed through as it was written, whatever its size.
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    reference: Field<'a>,
    #[serde(borrow)]
    response: Field<'a>,
}

/// One line of output.
#[derive(Debug, Default, Serialize)]
struct Line<'a> {
    line: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a RawValue>,
    verdict: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    method: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    evidence: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// How many lines got which verdict.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Lines answered.
    pub lines: u64,
    /// Correct responses.
    pub correct: u64,
    /// Lines that count in an accuracy.
    pub scored: u64,
    /// Lines that were no pair; each also got a line with its error.
    pub malformed: u64,
}

/// Reads lines `{"reference": …, "response": …}` (an `id` is passed through) and writes one line
/// `{"line": n, "verdict": …, "method": …, "evidence": …, "answer": …, "rule": …}` for each. A line that is no
/// such object gets the verdict `bad_reference` and an `error`; empty lines are skipped.
///
/// # Errors
/// Only those of the reader and the writer.
pub fn filter_jsonl<R: BufRead, W: Write>(
    mut reader: R,
    mut writer: W,
    options: &Options,
) -> io::Result<Summary> {
    let verifier = MathVerifier::new(*options);
    let mut summary = Summary::default();
    let mut number = 0;
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        let read = reader.by_ref().take(MAX_LINE).read_until(b'\n', &mut bytes)?;
        if read == 0 {
            break;
        }
        number += 1;
        let whole = bytes.last() == Some(&b'\n') || (read as u64) < MAX_LINE;
        if !whole {
            skip_line(&mut reader)?;
        }
        if bytes.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let outcome = if whole {
            answer(&verifier, &bytes, number, &mut writer)?
        } else {
            Err("it is longer than 16 MiB".to_owned())
        };
        summary.lines += 1;
        match outcome {
            Ok(verdict) => {
                summary.correct += u64::from(verdict == Verdict::Correct);
                summary.scored += u64::from(verdict.is_scored());
            }
            Err(why) => {
                summary.malformed += 1;
                let line = Line {
                    line: number,
                    verdict: Verdict::BadReference.as_str(),
                    error: Some(format!("line {number}: {why}")),
                    ..Line::default()
                };
                write_line(&mut writer, &line)?;
            }
        }
    }
    writer.flush()?;
    Ok(summary)
}

fn skip_line<R: BufRead>(reader: &mut R) -> io::Result<()> {
    loop {
        let buffer = reader.fill_buf()?;
        if buffer.is_empty() {
            return Ok(());
        }
        let end = memchr::memchr(b'\n', buffer);
        let n = end.map_or(buffer.len(), |i| i + 1);
        reader.consume(n);
        if end.is_some() {
            return Ok(());
        }
    }
}

fn write_line<W: Write>(writer: &mut W, line: &Line<'_>) -> io::Result<()> {
    serde_json::to_writer(&mut *writer, line)?;
    writer.write_all(b"\n")
}

/// The line as text, with U+FFFD for every run of invalid bytes.
fn replace_invalid(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        if !chunk.invalid().is_empty() && !text.ends_with(char::REPLACEMENT_CHARACTER) {
            text.push(char::REPLACEMENT_CHARACTER);
        }
    }
    Cow::Owned(text)
}

/// Answers one line, or says what is wrong with it.
fn answer<W: Write>(
    verifier: &MathVerifier,
    bytes: &[u8],
    number: u64,
    writer: &mut W,
) -> io::Result<Result<Verdict, String>> {
    // Invalid UTF-8 is replaced, so that a broken response is judged and a broken reference is told.
    let text = replace_invalid(bytes);
    let pair: Pair<'_> = match serde_json::from_str(&text) {
        Ok(pair) => pair,
        Err(e) => {
            return Ok(Err(format!(
                "not a JSON object with \"reference\" and \"response\": {e}"
            )));
        }
    };
    let report = verifier.check(&pair.reference.text(), &pair.response.text());
    let found = report.answer.as_ref();
    let line = Line {
        line: number,
        id: pair.id,
        verdict: report.judgement.verdict.as_str(),
        method: &report.judgement.method,
        evidence: &report.judgement.evidence,
        answer: found.map(|a| a.text.as_str()),
        rule: found.map(|a| a.rule.as_str()),
        error: None,
    };
    write_line(writer, &line)?;
    Ok(Ok(report.judgement.verdict))
}
