//! Forms told apart by their looks: plain numbers, choices, times of day, bases, words.

use std::borrow::Cow;

use dashu_int::{IBig, UBig};
use dashu_ratio::RBig;

use super::ParseError;
use crate::expr::{Const, Expr, NamedSet};
use crate::number;
use crate::options::Fuel;
use crate::words;

/// The text without white space, emphasis, mathematics delimiters and a full stop around it.
pub(super) fn undelimited(text: &str) -> Cow<'_, str> {
    let mut s = text;
    loop {
        let before = s;
        s = s
            .trim()
            .trim_end_matches(['.', '。', ',', ';', '，', '；'])
            .trim_end();
        if before.trim().ends_with("...") && !s.ends_with('.') {
            s = before.trim();
        }
        for (open, close) in [
            ("**", "**"),
            ("__", "__"),
            ("$$", "$$"),
            ("\\(", "\\)"),
            ("\\[", "\\]"),
            ("`", "`"),
            ("*", "*"),
        ] {
            if let Some(inner) = s.strip_prefix(open).and_then(|t| t.strip_suffix(close))
                && !inner.contains(open)
            {
                s = inner;
            }
        }
        if let Some(inner) = s.strip_prefix('$').and_then(|t| t.strip_suffix('$'))
            && !inner.ends_with('\\')
            && !inner.replace("\\$", "").contains('$')
        {
            s = inner;
        }
        if s == before {
            break;
        }
    }
    if !s.contains('$') {
        return Cow::Borrowed(s);
    }
    Cow::Owned(without_dollars(s))
}

/// Removes pairs of `$` that delimit mathematics (an opening one stands before, a closing one after, something
/// that is not white space; a closing one has no digit after it) and leaves currency signs alone.
fn without_dollars(s: &str) -> String {
    let bytes = s.as_bytes();
    let free = |i: usize| bytes[i] == b'$' && (i == 0 || bytes[i - 1] != b'\\');
    let mut out = String::with_capacity(s.len());
    let mut i = 0;
    let mut start = 0;
    while i < bytes.len() {
        if free(i) && i + 1 < bytes.len() && !bytes[i + 1].is_ascii_whitespace() {
            let close = (i + 2..bytes.len()).find(|&j| free(j)).filter(|&j| {
                !bytes[j - 1].is_ascii_whitespace() && !bytes.get(j + 1).is_some_and(u8::is_ascii_digit)
            });
            if let Some(j) = close {
                out.push_str(&s[start..i]);
                out.push(' ');
                out.push_str(&s[i + 1..j]);
                out.push(' ');
                start = j + 1;
                i = j + 1;
                continue;
            }
        }
        i += 1;
    }
    out.push_str(&s[start..]);
    let trimmed = out.trim();
    if trimmed.len() == out.len() {
        out
    } else {
        trimmed.trim_end_matches('.').to_owned()
    }
}

/// The fast path: an integer, a decimal or a fraction of integers, nothing else.
pub(super) fn plain_number(text: &str, fuel: &Fuel) -> Result<Option<Expr>, ParseError> {
    let (negative, s) = match text.as_bytes()[0] {
        b'-' => (true, &text[1..]),
        _ => (false, text),
    };
    let run = |s: &str| s.bytes().take_while(u8::is_ascii_digit).count();
    let n = run(s);
    if n == 0 {
        return Ok(None);
    }
    if n > fuel.bits * 3 / 10 {
        return Err(ParseError::TooComplex(format!("a number of {n} digits")));
    }
    let (whole, rest) = s.split_at(n);
    let value = if rest.is_empty() {
        Expr::Num(signed(number::decimal(whole, ""), negative))
    } else if let Some(fraction) = rest
        .strip_prefix('.')
        .filter(|f| !f.is_empty() && run(f) == f.len())
    {
        if fraction.len() > fuel.bits * 3 / 10 {
            return Err(ParseError::TooComplex(format!(
                "a number of {} digits",
                s.len() - 1
            )));
        }
        Expr::Decimal(
            signed(number::decimal(whole, fraction), negative),
            u32::try_from(fraction.len()).unwrap_or(u32::MAX),
        )
    } else if let Some(den) = rest
        .strip_prefix('/')
        .filter(|d| !d.is_empty() && run(d) == d.len() && d.len() < 1000)
    {
        let den = number::digits(den);
        if den.is_zero() {
            return Ok(None);
        }
        Expr::Num(signed(
            RBig::from_parts(IBig::from(number::digits(whole)), den),
            negative,
        ))
    } else {
        return Ok(None);
    };
    Ok(Some(value))
}

fn signed(q: RBig, negative: bool) -> RBig {
    if negative { -q } else { q }
}

/// Text without `\text`-like commands, braces and sizing, for looking at its shape.
fn bare(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if c == '\\' {
            let n = rest[1..].bytes().take_while(u8::is_ascii_alphabetic).count();
            let name = &rest[1..1 + n];
            match words::command(name) {
                words::Command::Upright | words::Command::Skip if n > 0 => {}
                _ if n == 0 && rest[1..].starts_with([' ', ',', ';', '!', ':']) => {
                    out.push(' ');
                    rest = &rest[2..];
                    continue;
                }
                _ => out.push_str(&rest[..1 + n]),
            }
            if n == 0 {
                rest = &rest[1..];
                if let Some(d) = rest.chars().next() {
                    out.push(d);
                    rest = &rest[d.len_utf8()..];
                }
            } else {
                rest = &rest[1 + n..];
            }
            continue;
        }
        match c {
            '{' | '}' | '$' => {}
            '（' => out.push('('),
            '）' => out.push(')'),
            '：' => out.push(':'),
            _ => out.push(c),
        }
        rest = &rest[c.len_utf8()..];
    }
    out.trim().to_owned()
}

/// Choices, times of day, bases, `5 m`, phrases.
pub(super) fn recognise(text: &str, fuel: &Fuel) -> Option<Expr> {
    if text.len() > 200 {
        return None;
    }
    let bare = bare(text);
    choice(&bare, fuel)
        .or_else(|| clock(&bare))
        .or_else(|| written_base(&bare))
        .or_else(|| letter_units(text, fuel))
        .or_else(|| only_words(&bare))
}

fn choice(s: &str, fuel: &Fuel) -> Option<Expr> {
    let lower = s.to_lowercase();
    for prefix in ["option", "choice", "answer", "选项", "选择", "选"] {
        if lower.starts_with(prefix) && lower.len() == s.len() {
            let rest = s[prefix.len()..].trim_start_matches([':', ' ', '：']);
            let inner = rest.trim_matches(['(', ')', '.', ' ']);
            if inner.len() == 1 && is_choice(inner, true) {
                return Some(Expr::Choice(inner.to_ascii_uppercase().chars().next()?, None));
            }
        }
    }
    let (open, rest) = match s.strip_prefix('(') {
        Some(rest) => (true, rest),
        None => (false, s),
    };
    let rest = rest.trim_start();
    let letter = rest.get(..1)?;
    let after = rest[1..].trim_start();
    if after.is_empty() {
        return (!open && is_choice(letter, false))
            .then(|| Expr::Choice(letter.chars().next().unwrap_or('A'), None));
    }
    let close = after.chars().next()?;
    if (open && close != ')') || !matches!(close, ')' | '.' | ':') || !is_choice(letter, open && close == ')')
    {
        return None;
    }
    let letter = letter.to_ascii_uppercase().chars().next()?;
    let content = after[1..].trim_start_matches([':', '.', ' ']);
    if content.is_empty() {
        return Some(Expr::Choice(letter, None));
    }
    if content.starts_with(['=', '+', '*', '/', '^', ',', '(', '∪', '_', '>', '<'])
        || content.starts_with("\\c")
    {
        return None;
    }
    let inner = super::parse(
        content,
        &Fuel {
            depth: fuel.depth / 2,
            ..*fuel
        },
    )
    .ok();
    Some(Expr::Choice(letter, inner.map(Box::new)))
}

fn is_choice(letter: &str, lower: bool) -> bool {
    let b = letter.as_bytes()[0];
    (b'A'..=b'J').contains(&b) || (lower && (b'a'..=b'j').contains(&b))
}

/// `4:30 p.m.`, `9 a.m.`, `noon`, `midnight`.
fn clock(s: &str) -> Option<Expr> {
    let s = s.to_lowercase();
    match s.as_str() {
        "noon" | "12 noon" | "12:00 noon" => return Some(Expr::Clock(720, true)),
        "midnight" | "12 midnight" | "12:00 midnight" => return Some(Expr::Clock(0, true)),
        _ => {}
    }
    let compact: String = s.chars().filter(|c| !matches!(c, ' ' | '.')).collect();
    let (time, pm) = match (compact.strip_suffix("am"), compact.strip_suffix("pm")) {
        (Some(t), _) => (t, false),
        (_, Some(t)) => (t, true),
        _ => return None,
    };
    let (h, m) = time.split_once(':').unwrap_or((time, "00"));
    if m.len() != 2 {
        return None;
    }
    let (h, m): (u32, u32) = (h.parse().ok()?, m.parse().ok()?);
    if !(1..=12).contains(&h) || m > 59 {
        return None;
    }
    Some(Expr::Clock((h % 12 + if pm { 12 } else { 0 }) * 60 + m, true))
}

/// `1A3_{16}`, `1011 (base 2)`, `443 base 5`.
fn written_base(s: &str) -> Option<Expr> {
    let lower = s.to_lowercase();
    if let Some(at) = lower.find("base") {
        let digits = s.get(..at)?.trim().trim_end_matches(['(', '_', ' ', ',']);
        let base = lower[at + 4..].trim().trim_end_matches(')').trim_end();
        return in_base(digits.trim_end_matches(" in"), base);
    }
    let (digits, base) = s.rsplit_once('_')?;
    let digits = digits.trim().trim_start_matches('(').trim_end_matches(')');
    // x_1 is a variable; a number in a base begins with a digit, or with letters before digits.
    let starts = digits.starts_with(|c: char| c.is_ascii_digit());
    let hex = digits.len() > 1
        && digits
            .bytes()
            .all(|b| b.is_ascii_digit() || b.is_ascii_uppercase());
    if !starts && !hex {
        return None;
    }
    in_base(digits, base.trim().trim_matches(['(', ')']))
}

/// The number with these digits in this base (2 to 36), possibly with a point and digit-group commas.
pub(super) fn in_base(digits: &str, base: &str) -> Option<Expr> {
    let base: u32 = match base {
        "two" => 2,
        "three" => 3,
        "four" => 4,
        "five" => 5,
        "six" => 6,
        "seven" => 7,
        "eight" => 8,
        "nine" => 9,
        "ten" => 10,
        "twelve" => 12,
        "sixteen" => 16,
        other => other.parse().ok()?,
    };
    if !(2..=36).contains(&base) || digits.is_empty() || digits.len() > 1000 {
        return None;
    }
    let digits = digits.replace([' ', ','], "");
    let (negative, unsigned) = match digits.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, digits.as_str()),
    };
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let mut value = UBig::ZERO;
    for c in whole.chars().chain(fraction.chars()) {
        value = value * base + c.to_digit(base)?;
    }
    let scale = UBig::from(base).pow(fraction.len());
    let read_as_ten = (fraction.is_empty() && whole.bytes().all(|b| b.is_ascii_digit())).then(|| {
        let n = IBig::from(number::digits(whole));
        if negative { -n } else { n }
    });
    Some(Expr::InBase(
        signed(RBig::from_parts(IBig::from(value), scale), negative),
        base,
        read_as_ten,
    ))
}

/// `5 m`, `10 m/s`: in plain text a number, a space and letters that are units.
fn letter_units(text: &str, fuel: &Fuel) -> Option<Expr> {
    let (value, unit) = text.rsplit_once(' ')?;
    let number = |b: u8| b.is_ascii_digit() || matches!(b, b'.' | b',' | b'-' | b'/' | b' ');
    if !value.bytes().all(number) || unit.len() > 12 || text.contains('\\') {
        return None;
    }
    let names: Vec<&str> = unit
        .split(|c: char| !c.is_alphabetic())
        .filter(|t| !t.is_empty())
        .collect();
    let single = matches!(unit, "m" | "g" | "s" | "h" | "L" | "N" | "J" | "W" | "V");
    let compound = unit.contains(['/', '^', '²', '³'])
        && !names.is_empty()
        && names.iter().all(|n| crate::units::lookup(n).is_some());
    if !single && !compound {
        return None;
    }
    let spelled = names.iter().fold(unit.to_owned(), |u, n| {
        u.replacen(n, &format!("\\text{{{n}}}"), 1)
    });
    let spelled = if names.len() == 1 || names[0] != names[names.len() - 1] {
        spelled
    } else {
        return None;
    };
    match super::parse(&format!("{value} {spelled}"), &Fuel { depth: 8, ..*fuel }) {
        Ok(e @ Expr::Quantity(..)) => Some(e),
        _ => None,
    }
}

/// A text of nothing but words.
fn only_words(s: &str) -> Option<Expr> {
    let clean = |c: char| c.is_alphabetic() || matches!(c, ' ' | '-' | '\'' | '’' | '\n' | '.');
    if s.is_empty() || !s.chars().all(clean) || s.starts_with('-') {
        return None;
    }
    let tokens: Vec<String> = s
        .split([' ', '-', '\n'])
        .filter(|t| !t.is_empty())
        .map(str::to_owned)
        .collect();
    if let Some(value) = number_words(&tokens) {
        return Some(Expr::Num(value));
    }
    if let Some(e) = phrase(s) {
        return Some(e);
    }
    let joined = tokens
        .iter()
        .any(|t| matches!(t.to_lowercase().as_str(), "and" | "or") || t.contains(['和', '或']));
    if joined {
        return None;
    }
    let word = |t: &String| {
        let known = words::function_name(t).is_some()
            || words::greek(t).is_some()
            || matches!(t.as_str(), "pi" | "inf" | "infinity" | "oo");
        let upper = t.len() > 2 && t.bytes().all(|b| b.is_ascii_uppercase());
        let foreign = t
            .chars()
            .all(|c| !c.is_ascii() && words::ascii_of(c).is_none() && words::unicode_token(c).is_none());
        !known && (upper || foreign || words::is_word(t))
    };
    let yes = if tokens.len() == 1 {
        word(&tokens[0])
    } else {
        tokens.iter().any(word)
    };
    // "sin x" is no text although "sin" is not known as a word there.
    let function = tokens
        .iter()
        .any(|t| words::function_name(t).is_some() || matches!(t.as_str(), "sqrt" | "pi"));
    (yes && !function).then(|| Expr::Text(normal_text(s)))
}

/// The last resort: a text with at least one word in it, and no commands.
pub(super) fn as_words(text: &str) -> Option<Expr> {
    let s = bare(text);
    if s.contains('\\') || s.contains(['^', '=', '<', '>', '|', '_', '\u{fffd}']) || s.len() > 400 {
        return None;
    }
    if s.chars().any(|c| c.is_control() && !c.is_whitespace()) {
        return None;
    }
    let some_word = s
        .split(|c: char| !c.is_alphabetic())
        .any(|t| !t.is_ascii() || (t.len() > 1 && words::is_word(t)));
    some_word.then(|| Expr::Text(normal_text(&s)))
}

/// Words in one normal form: lower case, no articles in front, no quotation marks, single spaces. Signs and
/// operators stay, so that different statements stay different.
pub fn normal_text(s: &str) -> String {
    let chars: Vec<char> = s.chars().collect();
    let mut out = String::with_capacity(s.len());
    for (i, &c) in chars.iter().enumerate() {
        let before = i.checked_sub(1).map(|j| chars[j]);
        let after = chars.get(i + 1).copied();
        let between = |f: fn(char) -> bool| before.is_some_and(f) && after.is_some_and(f);
        match c {
            '-' | '‐' | '–' if between(char::is_alphabetic) => out.push(' '),
            '.' | ',' if !between(|d| d.is_ascii_digit()) => out.push(' '),
            ',' => {}
            '"' | '“' | '”' | '\'' | '’' | '‘' | '`' | '*' | '(' | ')' | '{' | '}' | ';' | '!' | '?'
            | '。' | '，' | '、' => {
                out.push(' ');
            }
            _ => out.extend(c.to_lowercase()),
        }
    }
    let words: Vec<&str> = out.split_whitespace().collect();
    let skip = usize::from(words.len() > 1 && matches!(words[0], "the" | "a" | "an"));
    words[skip..].join(" ")
}

/// Set phrases with a meaning.
pub(super) fn phrase(s: &str) -> Option<Expr> {
    let text = normal_text(s);
    let t = text.as_str();
    Some(match t {
        "no solution"
        | "no solutions"
        | "no real solution"
        | "no real solutions"
        | "none"
        | "empty set"
        | "null set"
        | "empty"
        | "there are no solutions"
        | "there is no solution"
        | "no real roots"
        | "no answer"
        | "无解"
        | "空集" => Expr::Named(NamedSet::Empty),
        "all real numbers" | "all reals" | "any real number" | "real numbers" | "reals"
        | "every real number" | "全体实数" | "任意实数" => Expr::Named(NamedSet::Reals),
        "all integers" | "integers" | "any integer" => Expr::Named(NamedSet::Integers),
        "infinity" | "positive infinity" | "无穷大" | "正无穷" => Expr::Const(Const::Infinity),
        "negative infinity" | "minus infinity" | "负无穷" => {
            Expr::Neg(Box::new(Expr::Const(Const::Infinity)))
        }
        "does not exist" | "dne" | "undefined" | "not defined" | "doesnt exist" | "doesn t exist"
        | "不存在" | "没有意义" => Expr::Text("does not exist".into()),
        "infinitely many"
        | "infinitely many solutions"
        | "infinite"
        | "infinite solutions"
        | "infinite number of solutions"
        | "无穷多"
        | "无数个" => Expr::Text("infinitely many".into()),
        "是" | "是的" => Expr::Text("yes".into()),
        "否" | "不是" => Expr::Text("no".into()),
        "正确" | "对" => Expr::Text("true".into()),
        "错误" | "错" => Expr::Text("false".into()),
        _ => return None,
    })
}

/// The value of number words: `twenty-three`, `one hundred and five`, `two thirds`, `十二`, `三分之二`.
pub fn number_words(tokens: &[String]) -> Option<RBig> {
    if let [one] = tokens
        && !one.is_ascii()
    {
        return chinese_number(one);
    }
    let lower: Vec<String> = tokens
        .iter()
        .flat_map(|t| t.split('-'))
        .filter(|t| !t.is_empty())
        .map(|t| t.trim_end_matches('.').to_lowercase())
        .collect();
    if lower.is_empty() || lower.len() > 20 {
        return None;
    }
    match lower.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["half"] | ["one", "half"] | ["a", "half"] => return Some(ratio(1, 2)),
        ["a", "quarter"] => return Some(ratio(1, 4)),
        ["a", "third"] => return Some(ratio(1, 3)),
        ["a", "dozen"] | ["dozen"] => return Some(ratio(12, 1)),
        _ => {}
    }
    let (last, head) = lower.split_last()?;
    let part = match last.trim_end_matches('s') {
        "half" | "halve" => 2,
        "third" => 3,
        "fourth" | "quarter" => 4,
        "fifth" => 5,
        "sixth" => 6,
        "seventh" => 7,
        "eighth" => 8,
        "ninth" => 9,
        "tenth" => 10,
        _ => 0,
    };
    if part > 0 && !head.is_empty() {
        let n = cardinal(head)?;
        return (n < 20).then(|| ratio(n, part));
    }
    cardinal(&lower).map(|n| ratio(n, 1))
}

fn ratio(n: u64, d: u64) -> RBig {
    RBig::from_parts(IBig::from(n), UBig::from(d))
}

fn cardinal(words: &[String]) -> Option<u64> {
    const SMALL: [&str; 20] = [
        "zero",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "thirteen",
        "fourteen",
        "fifteen",
        "sixteen",
        "seventeen",
        "eighteen",
        "nineteen",
    ];
    const TENS: [&str; 8] = [
        "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
    ];
    let (mut total, mut group, mut last) = (0u64, 0u64, 0u64);
    for (i, w) in words.iter().enumerate() {
        let w = w.as_str();
        if let Some(n) = SMALL.iter().position(|s| *s == w) {
            // "twenty three", "hundred five", never "three five".
            let n = n as u64;
            if last != 0 && (last < 20 || n >= last) || (i > 0 && n == 0) {
                return None;
            }
            group += n;
            last = if n == 0 { 1 } else { n };
        } else if let Some(n) = TENS.iter().position(|s| *s == w) {
            if last != 0 && last < 100 {
                return None;
            }
            group += 20 + 10 * n as u64;
            last = 20;
        } else {
            match w {
                "hundred" if group > 0 => {
                    group *= 100;
                    last = 100;
                }
                "thousand" | "million" | "billion" if group > 0 => {
                    let scale = match w {
                        "thousand" => 1000,
                        "million" => 1_000_000,
                        _ => 1_000_000_000,
                    };
                    total += group.checked_mul(scale)?;
                    group = 0;
                    last = 0;
                }
                "and" if i > 0 && last >= 100 => {}
                _ => return None,
            }
        }
    }
    Some(total + group)
}

fn chinese_number(s: &str) -> Option<RBig> {
    if let Some((den, num)) = s.split_once("分之") {
        return Some(ratio(
            chinese_cardinal(num)?,
            Some(chinese_cardinal(den)?).filter(|&d| d > 0)?,
        ));
    }
    chinese_cardinal(s).map(|n| ratio(n, 1))
}

fn chinese_cardinal(s: &str) -> Option<u64> {
    let (mut total, mut section, mut digit) = (0u64, 0u64, None);
    if s.is_empty() || s.chars().count() > 12 {
        return None;
    }
    for c in s.chars() {
        let unit = match c {
            '零' | '〇' => {
                digit = digit.or(Some(0));
                continue;
            }
            '十' => 10,
            '百' => 100,
            '千' => 1000,
            '万' => {
                section += digit.take().unwrap_or(0);
                total = (total + section).checked_mul(10_000)?;
                section = 0;
                continue;
            }
            _ => {
                let n = "一二三四五六七八九"
                    .chars()
                    .position(|d| d == c)
                    .map(|i| i as u64 + 1)
                    .or((c == '两').then_some(2))?;
                if digit.is_some_and(|d| d != 0) {
                    return None;
                }
                digit = Some(n);
                continue;
            }
        };
        section += digit.take().filter(|&d| d > 0).unwrap_or(1) * unit;
    }
    Some(total + section + digit.unwrap_or(0))
}
