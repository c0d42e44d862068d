//! Finding the answer in a response, in English and Chinese.
//!
//! Rules in order, the first that finds something wins: `boxed` (the last `\boxed`, or several joined by
//! connectives), `answer tag`, `####`, `whole response` (a bare answer), `the answer is`, `option`, `bold`,
//! `final line`, and the last resort `last number`. Only the last 64 KiB of a response are read by rules other
//! than `boxed` and `####`.

mod boxed;
mod text;

use crate::expr::Expr;
use crate::options::Options;
use crate::parse::{self, ParseError};

/// Bytes of a response that the textual rules read.
const TAIL: usize = 64 * 1024;

/// An answer found in a response.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// The answer as written.
    pub text: String,
    /// Which rule found it.
    pub rule: &'static str,
    /// Whether the response marked it as its answer.
    pub marked: bool,
}

impl Found {
    fn new(text: impl Into<String>, rule: &'static str) -> Found {
        Found {
            text: text.into(),
            rule,
            marked: true,
        }
    }
}

/// Finds the answer in a response.
///
/// # Errors
/// [`ParseError::TooComplex`] when an answer is marked but is longer than the fuel allows.
pub fn extract(response: &str, options: &Options) -> Result<Option<Found>, ParseError> {
    let max = options.fuel.answer_bytes;
    if let Some(text) = boxed::last(response, max)? {
        return Ok(Some(Found::new(text, "boxed")));
    }
    let tail = tail(response);
    if let Some(text) = tagged(tail) {
        return Ok(Some(Found::new(text, "answer tag")));
    }
    if let Some(text) = hashes(response, options) {
        return Ok(Some(Found::new(text, "####")));
    }
    let short = response.trim();
    if short.len() <= 400 && !short.contains('\n') && is_bare_answer(short, options) {
        return Ok(Some(Found::new(short, "whole response")));
    }
    if let Some(text) = text::after_cue(tail, options) {
        return Ok(Some(Found::new(text, "the answer is")));
    }
    if let Some(letter) = text::option(tail) {
        return Ok(Some(Found::new(letter, "option")));
    }
    if let Some(text) = text::bold(tail, options) {
        return Ok(Some(Found::new(text, "bold")));
    }
    if let Some(text) = text::final_line(tail, options) {
        return Ok(Some(Found::new(text, "final line")));
    }
    if (max..=TAIL * 1024).contains(&short.len()) && !short.contains(char::is_whitespace) {
        return Err(ParseError::TooComplex(format!(
            "a response of {} bytes without white space",
            short.len()
        )));
    }
    // A text with control characters is damaged: a number in it may not be whole.
    let damaged = tail.contains(|c: char| c.is_control() && !c.is_whitespace());
    if options.last_number
        && !damaged
        && let Some(text) = text::last_number(tail)
    {
        return Ok(Some(Found {
            marked: false,
            ..Found::new(text, "last number")
        }));
    }
    if !short.is_empty() && short.len() <= 400 && !short.contains('\n') && looks_like_mathematics(short) {
        // Not understood, but there is an answer: the parser will say what is wrong with it.
        return Ok(Some(Found {
            marked: false,
            ..Found::new(short, "whole response")
        }));
    }
    Ok(None)
}

/// The answer a reference gives: what it marks (`\boxed`, `####`), or all of it.
///
/// # Errors
/// [`ParseError::TooComplex`] when the answer is longer than the fuel allows.
pub fn of_reference(reference: &str, options: &Options) -> Result<String, ParseError> {
    if let Some(text) = boxed::last(reference, options.fuel.answer_bytes)? {
        return Ok(text);
    }
    if let Some(text) = hashes(reference, options) {
        return Ok(text);
    }
    Ok(reference.trim().to_owned())
}

fn tail(response: &str) -> &str {
    let mut start = response.len().saturating_sub(TAIL);
    while !response.is_char_boundary(start) {
        start += 1;
    }
    &response[start..]
}

fn tagged(tail: &str) -> Option<String> {
    let close = tail.rfind("</answer>")?;
    let open = tail[..close].rfind("<answer>")?;
    let inner = tail[open + 8..close].trim();
    (!inner.is_empty() && inner.len() < 2000).then(|| inner.to_owned())
}

/// The rest of the line after the last `####`, unless it is a Markdown heading.
fn hashes(response: &str, options: &Options) -> Option<String> {
    let at = memchr::memmem::rfind(response.as_bytes(), b"####")?;
    let line = response[at + 4..].trim_start_matches('#').lines().next()?.trim();
    let last = response[at + 4..].trim().len() <= line.len() + 4;
    if line.is_empty() || line.len() > 400 {
        return None;
    }
    (last || parses_as_mathematics(line, options)).then(|| line.to_owned())
}

/// Whether the text parses, to something other than words.
fn parses_as_mathematics(text: &str, options: &Options) -> bool {
    matches!(parse::parse(text, &options.fuel), Ok(e) if !has_text(&e))
}

/// Whether the answer is nothing but words, or a list of them.
fn all_text(e: &Expr) -> bool {
    match e {
        Expr::Text(_) => true,
        Expr::Seq(_, items) => items.iter().all(all_text),
        _ => false,
    }
}

fn has_text(e: &Expr) -> bool {
    e.any(&|x| matches!(x, Expr::Text(_)))
}

/// Whether a one-line response is nothing but an answer.
fn is_bare_answer(text: &str, options: &Options) -> bool {
    let lower = text.to_ascii_lowercase();
    if [
        "answer",
        "option",
        "choice",
        "答案",
        "选",
        "therefore",
        "thus",
        "so ",
        " is ",
    ]
    .iter()
    .any(|cue| lower.contains(cue))
    {
        return false;
    }
    let words = text
        .split_whitespace()
        .filter(|w| w.len() > 1 && w.bytes().all(|b| b.is_ascii_alphabetic()))
        .count();
    match parse::parse(text, &options.fuel) {
        Ok(e) if has_text(&e) => {
            all_text(&e) && words <= 4 && text.chars().count() <= 60 && !text.contains("**")
        }
        Ok(_) => words <= 6 && text.chars().filter(|c| !c.is_ascii()).count() <= 40,
        Err(ParseError::TooComplex(_)) => words <= 2,
        Err(ParseError::Syntax(_)) => false,
    }
}

fn looks_like_mathematics(text: &str) -> bool {
    let words = text
        .split_whitespace()
        .filter(|w| w.len() > 1 && w.bytes().all(|b| b.is_ascii_alphabetic()))
        .count();
    words <= 3
        && text
            .bytes()
            .any(|b| b.is_ascii_digit() || matches!(b, b'\\' | b'=' | b'^' | b'{' | b'('))
}
