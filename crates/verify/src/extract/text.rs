//! Answers marked by words, emphasis or position.

use super::{has_text, parses_as_mathematics};
use crate::options::Options;
use crate::parse::{self, ParseError};
use crate::units;

/// English words that announce an answer somewhere before "is", "are", "=", ":".
const ENGLISH: &str = "answer";

/// Chinese announcements, with the answer directly after them.
const CHINESE: &[&str] = &[
    "答案应该是",
    "答案应为",
    "答案就是",
    "答案等于",
    "答案是",
    "答案为",
    "答案：",
    "答案:",
    "答：",
    "答:",
    "结果是",
    "结果为",
    "故选择",
    "故选",
    "应选",
    "选择",
    "选项是",
    "选：",
    "选",
];

/// What follows the last announcement ("the answer is", "答案是"), down to the end of its sentence.
pub fn after_cue(tail: &str, options: &Options) -> Option<String> {
    let lower = tail.to_ascii_lowercase();
    let mut cues: Vec<usize> = lower
        .match_indices(ENGLISH)
        .filter_map(|(i, _)| english_cue(tail, &lower, i))
        .collect();
    for cue in CHINESE {
        cues.extend(tail.match_indices(cue).map(|(i, c)| i + c.len()));
    }
    cues.sort_unstable();
    cues.dedup();
    cues.iter()
        .rev()
        .take(16)
        .find_map(|&at| refine(sentence(&tail[at..])?, options))
}

/// Where the answer begins after the word "answer" at `i`.
fn english_cue(tail: &str, lower: &str, i: usize) -> Option<usize> {
    let after = i + ENGLISH.len();
    let line = lower[after..].split('\n').next().unwrap_or("");
    let mut window = line.len().min(100);
    while !line.is_char_boundary(window) {
        window -= 1;
    }
    let window = &line[..window];
    let stop = window.find(". ").unwrap_or(window.len());
    let window = &window[..stop];
    let mut best: Option<usize> = None;
    for word in [
        ":",
        "：",
        " is ",
        " is:",
        " are ",
        " are:",
        "=",
        " would be ",
        " should be ",
        " must be ",
        " equals ",
    ] {
        if let Some(k) = window.find(word) {
            let end = k + word.len();
            best = Some(best.map_or(end, |b| if k < b { end.min(b.max(end)) } else { b }));
        }
    }
    if best.is_none() && window.trim_end().ends_with(" is") {
        best = Some(window.len());
    }
    let mut end = after + best?;
    // "is: ", "is **", "is that", "is therefore".
    loop {
        let rest = &tail[end..];
        let trimmed = rest.trim_start_matches([' ', '\t', ':', '：']);
        let word = [
            "that ",
            "therefore ",
            "thus ",
            "simply ",
            "then ",
            "just ",
            "equal to ",
        ]
        .iter()
        .find(|w| trimmed.starts_with(**w));
        let skip = rest.len() - trimmed.len() + word.map_or(0, |w| w.len());
        if skip == 0 {
            break;
        }
        end += skip;
    }
    let rest = tail[end..].trim_start();
    (!rest.starts_with("not ") && !rest.starts_with("correct") && !rest.starts_with("wrong")).then_some(end)
}

/// The text up to the end of its sentence, without surrounding emphasis and labels.
fn sentence(s: &str) -> Option<&str> {
    let s = s.trim_start_matches(|c: char| c.is_whitespace() || c == ':' || c == '：');
    // Closing emphasis of a label ("**Answer:** 5").
    let s = s
        .strip_prefix("**")
        .filter(|t| t.starts_with([' ', '\n']))
        .unwrap_or(s)
        .trim_start();
    for (open, close) in [("$$", "$$"), ("\\[", "\\]")] {
        if let Some(inner) = s.strip_prefix(open)
            && let Some(end) = inner.find(close)
        {
            return Some(inner[..end].trim()).filter(|t| !t.is_empty());
        }
    }
    let end = end_of_sentence(s);
    let cut = s[..end].trim();
    (!cut.is_empty()).then_some(cut)
}

fn end_of_sentence(s: &str) -> usize {
    let bytes = s.as_bytes();
    let mut i = 0;
    let mut math = false;
    while i < bytes.len() {
        let rest = &s[i..];
        match bytes[i] {
            b'\n' => return i,
            b'\\' if rest.starts_with("\\(") => math = true,
            b'\\' if rest.starts_with("\\)") => math = false,
            b'$' if !math
                && rest[1..].contains('$')
                && !rest[1..].starts_with(|c: char| c.is_ascii_digit() && is_price(rest)) =>
            {
                math = true
            }
            b'$' => math = false,
            b'.' | b'!' | b'?' if !math => {
                let next = bytes.get(i + 1);
                let last = next.is_none_or(|b| b.is_ascii_whitespace() || *b == b'*' || *b == b'"');
                // "4:30 p.m. on" and "a.m." go on.
                let abbreviation = s[..i].ends_with("p.m") || s[..i].ends_with("a.m");
                let factorial = bytes[i] == b'!'
                    && i > 0
                    && (bytes[i - 1].is_ascii_alphanumeric() || bytes[i - 1] == b')');
                if last && !abbreviation && !(factorial && next.is_some()) {
                    return i + usize::from(abbreviation || factorial);
                }
            }
            b',' | b' ' if !math => {
                let words = [
                    ", because",
                    ", since",
                    ", as ",
                    ", which",
                    ", so ",
                    ", where ",
                    ", but ",
                    " because",
                    " since ",
                    ", when ",
                ];
                if words.iter().any(|w| rest.starts_with(w)) {
                    return i;
                }
            }
            0xE3 if rest.starts_with('。') => return i,
            _ => {}
        }
        i += 1;
        while !s.is_char_boundary(i) {
            i += 1;
        }
    }
    s.len()
}

/// Whether a `$` before a digit is a currency sign: no closing one follows directly after mathematics.
fn is_price(rest: &str) -> bool {
    let inside = &rest[1..];
    match inside.find('$') {
        Some(end) => {
            inside[..end].ends_with(' ') || inside[end + 1..].starts_with(|c: char| c.is_ascii_digit())
        }
        None => true,
    }
}

/// The answer in a sentence that announces it.
fn refine(sentence: &str, options: &Options) -> Option<String> {
    let whole = sentence.trim().trim_matches('*').trim();
    if whole.is_empty() {
        return None;
    }
    match parse::parse(sentence, &options.fuel) {
        Ok(e) if !has_text(&e) => return Some(sentence.to_owned()),
        Err(ParseError::TooComplex(_)) => return Some(sentence.to_owned()),
        Ok(_) if sentence.split_whitespace().count() <= 3 && !sentence.contains('$') => {
            return Some(sentence.to_owned());
        }
        _ => {}
    }
    if let Some(m) = math_segments(sentence)
        .first()
        .filter(|m| parses_as_mathematics(m, options))
    {
        return Some((*m).to_owned());
    }
    if let Some(b) = emphasised(sentence)
        .into_iter()
        .find(|b| parse::parse(b, &options.fuel).is_ok())
    {
        return Some(b.to_owned());
    }
    if let Some(c) = leading_choice(sentence) {
        return Some(c);
    }
    for sep in ["=", " is ", " are ", " equals ", "等于", "是", "为"] {
        if let Some((_, right)) = sentence.rsplit_once(sep)
            && parses_as_mathematics(right, options)
        {
            return Some(right.trim().to_owned());
        }
    }
    let numbers = numbers(sentence);
    if let Some(n) = numbers.first() {
        return Some(n.clone());
    }
    let words = sentence.split_whitespace().count();
    (words <= 12 && parse::parse(sentence, &options.fuel).is_ok()).then(|| sentence.to_owned())
}

/// "(B) because …", "B. 5 …".
fn leading_choice(s: &str) -> Option<String> {
    let t = s.trim_start_matches(['*', ' ', '$']);
    let bytes = t.as_bytes();
    if bytes.first() == Some(&b'(') && bytes.get(2) == Some(&b')') && bytes[1].is_ascii_alphabetic() {
        return Some(t[..3].to_owned());
    }
    let upper = bytes.first().is_some_and(|b| (b'A'..=b'J').contains(b));
    let ends = bytes.get(1).is_none_or(|b| {
        matches!(b, b')' | b'.' | b':' | b',' | b'*') || (*b == b' ' && bytes[0] != b'A' && bytes[0] != b'I')
    });
    (upper && ends).then(|| t[..1].to_owned())
}

/// "option B", "choice (C) is correct".
pub fn option(tail: &str) -> Option<String> {
    let lower = tail.to_ascii_lowercase();
    let mut best = None;
    for word in ["option", "choice"] {
        for (i, _) in lower.match_indices(word) {
            let rest = tail[i + word.len()..]
                .trim_start_matches(['s', ' ', ':', '*', '(', '$'])
                .trim_start_matches("is ")
                .trim_start();
            let rest = rest.trim_start_matches(['*', '(', ' ']);
            let b = rest.as_bytes();
            let letter = b.first().is_some_and(|c| (b'A'..=b'J').contains(c))
                && b.get(1).is_none_or(|c| !c.is_ascii_alphanumeric());
            if letter {
                best = best.max(Some((i, &rest[..1])));
            }
        }
    }
    best.map(|(_, letter)| letter.to_owned())
}

/// The last emphasised text among the last lines that is mathematics.
pub fn bold(tail: &str, options: &Options) -> Option<String> {
    let lines: Vec<&str> = tail.lines().map(str::trim).filter(|l| !l.is_empty()).collect();
    let last = lines.len().saturating_sub(3);
    for line in lines[last..].iter().rev() {
        for b in emphasised(line).into_iter().rev() {
            let b = b.trim().trim_end_matches(['.', ':']);
            let alone = line.trim_matches(['*', '.', ' ']) == b;
            let fits = parses_as_mathematics(b, options)
                || (alone && b.len() < 60 && parse::parse(b, &options.fuel).is_ok());
            if !b.is_empty() && fits {
                return Some(b.to_owned());
            }
        }
    }
    None
}

fn emphasised(line: &str) -> Vec<&str> {
    // Every second piece between marks is emphasised.
    let pieces: Vec<&str> = line.split("**").collect();
    let inside = if pieces.len() % 2 == 1 {
        pieces.len()
    } else {
        pieces.len() - 1
    };
    pieces[..inside].iter().skip(1).step_by(2).copied().collect()
}

/// The last line when it is an answer, or the answer in it: its last formula, what follows `=` or "is".
pub fn final_line(tail: &str, options: &Options) -> Option<String> {
    let line = tail
        .lines()
        .rev()
        .map(str::trim)
        .find(|l| !l.is_empty() && !l.chars().all(|c| matches!(c, '$' | ']' | '[' | '\\' | '*' | '-')))?;
    if line.len() > 2000 {
        return None;
    }
    let line = line.trim_start_matches(['-', '*', '#', '>']).trim_start();
    let mut cleaned = line;
    for lead in [
        "Therefore,",
        "Thus,",
        "So,",
        "Hence,",
        "Therefore",
        "Thus",
        "So",
        "Hence",
        "所以",
        "因此",
        "故",
    ] {
        if let Some(rest) = cleaned.strip_prefix(lead) {
            cleaned = rest.trim_start_matches([' ', ',', '，']);
            break;
        }
    }
    let words = cleaned
        .split_whitespace()
        .filter(|w| w.len() > 1 && w.bytes().all(|b| b.is_ascii_alphabetic()))
        .count();
    if words <= 4 && parses_as_mathematics(cleaned, options) {
        return Some(cleaned.to_owned());
    }
    if let Some(m) = math_segments(line).last()
        && m.bytes().any(|b| b.is_ascii_digit())
        && parses_as_mathematics(m, options)
    {
        return Some((*m).to_owned());
    }
    for sep in ["=", " is ", " are ", " equals ", "等于", "是", "为"] {
        if let Some((_, right)) = line.rsplit_once(sep) {
            let end = end_of_sentence(right);
            let right = right[..end].trim();
            if parses_as_mathematics(right, options) {
                return Some(right.to_owned());
            }
        }
    }
    None
}

/// The formulas between `$…$` or `\(…\)`.
fn math_segments(s: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let mut rest = s;
    while let Some(i) = rest.find(['$', '\\']) {
        let t = &rest[i..];
        let (open, close) = if t.starts_with("\\(") {
            (2, "\\)")
        } else if t.starts_with("$$") {
            (2, "$$")
        } else if t.starts_with('$') && !is_price(t) {
            (1, "$")
        } else {
            let skip = t.chars().nth(1).map_or(1, |c| 1 + c.len_utf8());
            rest = if t.starts_with('\\') {
                &t[skip.min(t.len())..]
            } else {
                &t[1..]
            };
            continue;
        };
        let Some(end) = t[open..].find(close) else { break };
        let inner = t[open..open + end].trim();
        if !inner.is_empty() {
            out.push(inner);
        }
        rest = &t[open + end + close.len()..];
    }
    out
}

/// The last number of a text, with its currency or per-cent sign.
pub fn last_number(tail: &str) -> Option<String> {
    let mut start = tail.len().saturating_sub(4096);
    while !tail.is_char_boundary(start) {
        start += 1;
    }
    numbers(&tail[start..]).pop()
}

/// All numbers in a text, with sign, currency, fraction and per-cent sign, and a unit of the table.
fn numbers(s: &str) -> Vec<String> {
    let b = s.as_bytes();
    let mut out = Vec::new();
    let mut i = 0;
    while i < b.len() {
        if !b[i].is_ascii_digit() {
            i += 1;
            continue;
        }
        let mut start = i;
        let mut end = i;
        while end < b.len() {
            let joins =
                matches!(b[end], b',' | b'.' | b'/') && b.get(end + 1).is_some_and(u8::is_ascii_digit);
            let group = b[end] != b','
                || (b.get(end + 3).is_some_and(u8::is_ascii_digit)
                    && !b.get(end + 4).is_some_and(u8::is_ascii_digit));
            if !(b[end].is_ascii_digit() || joins && group) {
                break;
            }
            end += 1;
        }
        i = end.max(i + 1);
        let glued = start > 0 && (b[start - 1].is_ascii_alphabetic() || b[start - 1] == b'_');
        if glued {
            continue;
        }
        if start > 0 && b[start - 1] == b'$' {
            start -= 1;
            if start > 0 && b[start - 1] == b'\\' {
                start -= 1;
            }
        }
        let sign = start > 0
            && b[start - 1] == b'-'
            && (start < 2 || !b[start - 2].is_ascii_alphanumeric() && !matches!(b[start - 2], b' ' | b')'))
            || start > 1
                && b[start - 1] == b'-'
                && b[start - 2] == b' '
                && !s[..start - 1]
                    .trim_end()
                    .ends_with(|c: char| c.is_alphanumeric() || c == ')');
        if sign {
            start -= 1;
        }
        if b.get(end) == Some(&b'%') {
            end += 1;
        } else if b.get(end) == Some(&b' ') {
            let word: String = s[end + 1..].chars().take_while(|c| c.is_alphabetic()).collect();
            if word.len() > 2 && units::lookup(&word).is_some() {
                end += 1 + word.len();
            }
        }
        out.push(s[start..end].to_owned());
    }
    out
}
