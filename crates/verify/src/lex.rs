//! From characters to tokens: LaTeX, plain text and Unicode mathematics in one pass.
//!
//! Sizing and spacing commands vanish here, synonyms become one name, Unicode letters and operators become
//! their ASCII or LaTeX equivalents, digit groups become numbers. What a name means is in [`crate::words`].

use dashu_ratio::RBig;

use crate::expr::RelOp;
use crate::number;
use crate::words;

/// A token.
#[derive(Clone, Debug, PartialEq)]
pub enum Tok {
    /// A number as written: its value, digits after the point (`None` for integers), and its digits.
    Num(RBig, Option<u32>, String),
    /// A vulgar fraction such as `½`.
    Vulgar(RBig),
    /// A letter that is a variable, or the name of a Greek one.
    Letter(String),
    /// A word: from `\text{…}`, or a run of letters in plain text.
    Word(String),
    /// A command, without its backslash.
    Cmd(&'static str),
    /// A command this crate does not know.
    Unknown(String),
    /// A number too large to be written out.
    TooLarge(String),
    /// A relation.
    Rel(RelOp),
    /// Any other single character: `+ - * / ^ _ ! ' ( ) [ ] { } , ; : | & % $`.
    Sym(char),
}

/// A token and where it stood.
#[derive(Clone, Debug)]
pub struct Token {
    /// What it is.
    pub tok: Tok,
    /// Whether white space stood before it.
    pub space: bool,
    /// Byte offset in the text.
    pub at: usize,
}

/// Why a text has no tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LexError(pub String);

/// Splits `text` into tokens.
pub fn lex(text: &str) -> Result<Vec<Token>, LexError> {
    let mut lexer = Lexer {
        text,
        chars: text,
        out: Vec::with_capacity(text.len() / 2 + 2),
        space: false,
        upright: 0,
        brackets: 0,
        latex: text.contains('\\'),
    };
    while let Some(c) = lexer.chars.chars().next() {
        lexer.one(c)?;
    }
    Ok(lexer.out)
}

struct Lexer<'a> {
    text: &'a str,
    chars: &'a str,
    out: Vec<Token>,
    space: bool,
    /// How many open groups are inside `\text`-like arguments (0: mathematics).
    upright: usize,
    /// Open brackets, inside which `1,234` is two numbers.
    brackets: usize,
    latex: bool,
}

impl<'a> Lexer<'a> {
    fn at(&self) -> usize {
        self.text.len() - self.chars.len()
    }

    fn push(&mut self, tok: Tok) {
        let at = self.at();
        self.out.push(Token {
            tok,
            space: std::mem::take(&mut self.space),
            at,
        });
    }

    fn skip(&mut self, bytes: usize) {
        self.chars = &self.chars[bytes..];
    }

    fn emit(&mut self, tok: Tok, bytes: usize) {
        self.push(tok);
        self.skip(bytes);
    }

    fn one(&mut self, c: char) -> Result<(), LexError> {
        match c {
            '\\' => return self.command(),
            '0'..='9' => self.number(),
            '.' if self.chars[1..].starts_with(|d: char| d.is_ascii_digit()) && !self.after_number() => {
                self.number()
            }
            'a'..='z' | 'A'..='Z' => self.letters(),
            ' ' | '\t' | '\n' | '\r' | '~' => {
                self.space = true;
                self.skip(1);
            }
            '<' | '>' | '=' | '!' if self.relation() => {}
            '*' if self.chars.starts_with("**") => self.emit(Tok::Sym('^'), 2),
            '.' if self.chars.starts_with("...") => self.emit(Tok::Cmd("dots"), 3),
            '-' if self.chars.starts_with("->") => self.emit(Tok::Rel(RelOp::To), 2),
            '{' => {
                if self.upright > 0 {
                    self.upright += 1;
                }
                self.emit(Tok::Sym('{'), 1);
            }
            '}' => {
                self.upright = self.upright.saturating_sub(1);
                self.emit(Tok::Sym('}'), 1);
            }
            '(' | '[' => {
                self.brackets += 1;
                self.emit(Tok::Sym(c), 1);
            }
            ')' | ']' => {
                self.brackets = self.brackets.saturating_sub(1);
                self.emit(Tok::Sym(c), 1);
            }
            '+' | '-' | '*' | '/' | '^' | '_' | '!' | '\'' | ',' | ';' | ':' | '|' | '&' | '%' | '$'
            | '.' | '?' | '"' | '@' | '#' | '`' => self.emit(Tok::Sym(c), 1),
            _ => return self.unicode(c),
        }
        Ok(())
    }

    fn after_number(&self) -> bool {
        !self.space
            && matches!(
                self.out.last(),
                Some(Token {
                    tok: Tok::Num(..),
                    ..
                })
            )
    }

    fn relation(&mut self) -> bool {
        const RELATIONS: &[(&str, RelOp)] = &[
            ("<=>", RelOp::Iff),
            ("<=", RelOp::Le),
            (">=", RelOp::Ge),
            ("=>", RelOp::Implies),
            ("=<", RelOp::Le),
            ("!=", RelOp::Ne),
            ("<>", RelOp::Ne),
            ("==", RelOp::Eq),
            ("<", RelOp::Lt),
            (">", RelOp::Gt),
            ("=", RelOp::Eq),
        ];
        let Some(&(text, op)) = RELATIONS.iter().find(|(t, _)| self.chars.starts_with(t)) else {
            return false;
        };
        self.emit(Tok::Rel(op), text.len());
        true
    }

    /// Digits with grouping commas, a decimal point, an exponent, or a bar over the period.
    fn number(&mut self) {
        let run = |s: &str| s.bytes().take_while(u8::is_ascii_digit).count();
        let s = self.chars;
        let mut len = run(s);
        let mut whole = s[..len].to_owned();
        // 1,234 and 1{,}234 and 1,\!234 (with or without spaces around \!), and 1\,234.
        if (1..=3).contains(&len) {
            while let Some(skip) = group_separator(&s[len..], self.brackets > 0) {
                let rest = &s[len + skip..];
                if run(rest) != 3 {
                    break;
                }
                whole.push_str(&rest[..3]);
                len += skip + 3;
            }
        }
        let mut fraction = None;
        if s[len..].starts_with('.') {
            let d = run(&s[len + 1..]);
            if d > 0 {
                fraction = Some(&s[len + 1..len + 1 + d]);
                len += 1 + d;
            }
        }
        let written = s[..len].to_owned();
        if let Some(f) = fraction
            && let Some(period) = bar(&s[len..])
        {
            let value = number::repeating(&whole, f, period.0);
            return self.emit(Tok::Num(value, None, written), len + period.1);
        }
        if fraction.is_none()
            && s[len..].starts_with('.')
            && let Some(period) = bar(&s[len + 1..])
        {
            let value = number::repeating(&whole, "", period.0);
            return self.emit(Tok::Num(value, None, written), len + 1 + period.1);
        }
        if let Some(f) = fraction
            && let Some((value, more)) = trailing_dots(&whole, f, &s[len..])
        {
            return self.emit(Tok::Num(value, None, written), len + more);
        }
        let mut value = number::decimal(&whole, fraction.unwrap_or(""));
        let mut places = fraction.map(|f| u32::try_from(f.len()).unwrap_or(u32::MAX));
        // 2.5e-3, but not 2e (Euler's number) or 2exp.
        let exp = s[len..]
            .strip_prefix(['e', 'E'])
            .map(|t| (t.strip_prefix(['+', '-']).unwrap_or(t), t.starts_with('-')));
        if let Some((digits, negative)) = exp {
            let n = run(digits);
            let signed = self.chars[len + 1..].starts_with(['+', '-']);
            let plain = n > 0 && !digits[n..].starts_with(|c: char| c.is_ascii_alphabetic());
            if plain && let Ok(e) = digits[..n].parse::<usize>() {
                len += 1 + usize::from(signed) + n;
                if e > 6000 {
                    return self.emit(Tok::TooLarge(format!("a number with exponent {e}")), len);
                }
                let scale = RBig::from(dashu_int::IBig::from(number::ten_to(e)));
                value = if negative { value / scale } else { value * scale };
                let shift = u32::try_from(e).unwrap_or(u32::MAX);
                places = match (places.unwrap_or(0), negative) {
                    (p, true) => Some(p.saturating_add(shift)),
                    (p, false) => places.map(|_| p.saturating_sub(shift)).filter(|&p| p > 0),
                };
            }
        }
        self.emit(Tok::Num(value, places, written), len);
    }

    fn letters(&mut self) {
        let s = self.chars;
        let len = s.bytes().take_while(u8::is_ascii_alphabetic).count();
        let run = &s[..len];
        if self.upright > 0 {
            return self.emit(Tok::Word(run.to_owned()), len);
        }
        let operand_before = matches!(
            self.out.last().map(|t| &t.tok),
            Some(Tok::Num(..) | Tok::Vulgar(_) | Tok::Sym(')' | '}' | '!') | Tok::Letter(_) | Tok::Cmd("pi"))
        );
        for piece in words::split_run(run, operand_before, self.space || !self.latex, self.latex) {
            let n = piece.len;
            self.emit(piece.tok, n);
        }
    }

    fn command(&mut self) -> Result<(), LexError> {
        let rest = &self.chars[1..];
        let name_len = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        if name_len == 0 {
            let Some(c) = rest.chars().next() else {
                self.skip(1);
                return Ok(());
            };
            let len = 1 + c.len_utf8();
            match c {
                '!' | ',' | ';' | ':' | ' ' | '>' | '\n' | '\t' | '/' => {
                    self.space = self.space || c != '!';
                    self.skip(len);
                }
                '{' => self.emit(Tok::Cmd("lbrace"), len),
                '}' => self.emit(Tok::Cmd("rbrace"), len),
                '|' => self.emit(Tok::Sym('|'), len),
                '\\' => self.emit(Tok::Cmd("newline"), len),
                '(' | ')' | '[' | ']' => self.skip(len),
                '%' | '$' | '&' | '_' | '#' => self.emit(Tok::Sym(c), len),
                '"' | '\'' | '`' | '^' | '~' | '=' | '.' => self.skip(len),
                _ => self.emit(Tok::Unknown(c.to_string()), len),
            }
            return Ok(());
        }
        let name = &rest[..name_len];
        let len = 1 + name_len;
        match words::command(name) {
            words::Command::Skip => {
                self.skip(len);
                if matches!(name, "left" | "right" | "middle") {
                    // \left. and \right. are invisible.
                    let after = self.chars.trim_start();
                    if after.starts_with('.') {
                        let gone = self.chars.len() - after.len() + 1;
                        self.skip(gone);
                    }
                }
            }
            words::Command::Space => {
                self.space = true;
                self.skip(len);
            }
            words::Command::SkipArgument => {
                self.skip(len);
                self.skip_group();
            }
            words::Command::Upright => {
                self.skip(len);
                let after = self.chars.trim_start();
                self.skip(self.chars.len() - after.len());
                if self.chars.starts_with('{') {
                    self.upright += 1;
                    // The group's braces vanish unless they hold a single token a power may follow.
                    self.emit(Tok::Cmd("text"), 0);
                    self.skip(1);
                    self.text_argument()?;
                }
            }
            words::Command::Rel(op) => self.emit(Tok::Rel(op), len),
            words::Command::Sym(c) => self.emit(Tok::Sym(c), len),
            words::Command::Letter(n) => self.emit(Tok::Letter(n.to_owned()), len),
            words::Command::Is(n) => self.emit(Tok::Cmd(n), len),
            words::Command::Word(w) => self.emit(Tok::Word(w.to_owned()), len),
            words::Command::Unknown => self.emit(Tok::Unknown(name.to_owned()), len),
        }
        Ok(())
    }

    /// The inside of `\text{…}` up to its closing brace; its marker token is dropped again.
    fn text_argument(&mut self) -> Result<(), LexError> {
        let marker = self.out.len() - 1;
        self.space = self.out[marker].space;
        self.out.truncate(marker);
        let outer = self.upright;
        loop {
            let Some(c) = self.chars.chars().next() else {
                return Err(LexError("a \\text{ is not closed".into()));
            };
            if c == '}' && self.upright == outer {
                self.upright -= 1;
                self.skip(1);
                return Ok(());
            }
            if c == '$' {
                // Mathematics inside text.
                self.skip(1);
                continue;
            }
            if c == '\\' && self.chars[1..].starts_with("text") && self.upright > 8 {
                return Err(LexError("\\text is nested too deeply".into()));
            }
            self.one(c)?;
        }
    }

    fn skip_group(&mut self) {
        let after = self.chars.trim_start();
        if !after.starts_with('{') {
            return;
        }
        let mut depth = 0usize;
        for (i, b) in after.bytes().enumerate() {
            match b {
                b'{' => depth += 1,
                b'}' => {
                    depth -= 1;
                    if depth == 0 {
                        self.chars = &after[i + 1..];
                        return;
                    }
                }
                _ => {}
            }
        }
        self.chars = "";
    }

    fn unicode(&mut self, c: char) -> Result<(), LexError> {
        let len = c.len_utf8();
        if let Some(ascii) = words::ascii_of(c) {
            // A styled or full-width letter or digit: lex the run of them as ASCII.
            let mut plain = String::new();
            let mut bytes = 0;
            for d in self.chars.chars() {
                let Some(a) = (if d.is_ascii_alphanumeric() {
                    Some(d)
                } else {
                    words::ascii_of(d)
                }) else {
                    break;
                };
                plain.push(a);
                bytes += d.len_utf8();
            }
            debug_assert!(plain.starts_with(ascii));
            let mut inner = Lexer {
                text: &plain,
                chars: &plain,
                out: Vec::new(),
                space: self.space,
                upright: self.upright,
                brackets: self.brackets,
                latex: self.latex,
            };
            while let Some(d) = inner.chars.chars().next() {
                inner.one(d)?;
            }
            let (at, tokens, open) = (self.at(), inner.out, inner.brackets);
            self.brackets = open;
            self.out.extend(tokens.into_iter().map(|t| Token { at, ..t }));
            self.space = false;
            self.skip(bytes);
            return Ok(());
        }
        if let Some((mark, _)) = words::script_of(c) {
            // A run of superscripts or subscripts is one group.
            self.push(Tok::Sym(mark));
            self.push(Tok::Sym('{'));
            let mut inner = String::new();
            while let Some(d) = self.chars.chars().next() {
                match words::script_of(d) {
                    Some((m, plain)) if m == mark => inner.push(plain),
                    _ => break,
                }
                self.skip(d.len_utf8());
            }
            let at = self.at();
            let tokens = lex(&inner)?;
            self.out.extend(tokens.into_iter().map(|t| Token { at, ..t }));
            self.push(Tok::Sym('}'));
            return Ok(());
        }
        if let Some((n, d)) = words::vulgar(c) {
            let value = RBig::from_parts(dashu_int::IBig::from(n), dashu_int::UBig::from(d));
            self.emit(Tok::Vulgar(value), len);
            return Ok(());
        }
        if let Some(tok) = words::unicode_token(c) {
            if let Tok::Sym('(' | '[') = tok {
                self.brackets += 1;
            }
            if let Tok::Sym(')' | ']') = tok {
                self.brackets = self.brackets.saturating_sub(1);
            }
            self.emit(tok, len);
            return Ok(());
        }
        if c.is_whitespace() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{feff}') {
            self.space = self.space || c.is_whitespace();
            self.skip(len);
            return Ok(());
        }
        if c.is_alphabetic() {
            let n: usize = self
                .chars
                .chars()
                .take_while(|&d| {
                    d.is_alphabetic()
                        && !d.is_ascii()
                        && words::unicode_token(d).is_none()
                        && words::ascii_of(d).is_none()
                })
                .map(char::len_utf8)
                .sum();
            let run = &self.chars[..n.max(len)];
            for piece in words::split_chinese(run) {
                self.emit(Tok::Word(piece.to_owned()), piece.len());
            }
            return Ok(());
        }
        if c.is_control() {
            return Err(LexError(format!("control character U+{:04X}", u32::from(c))));
        }
        self.emit(Tok::Unknown(c.to_string()), len);
        Ok(())
    }
}

/// Length of a separator of digit groups at the start of `s`; a bare comma counts only outside brackets.
fn group_separator(s: &str, in_brackets: bool) -> Option<usize> {
    if let Some(rest) = s.strip_prefix("{,}") {
        return Some(s.len() - rest.len());
    }
    if s.starts_with("\\,") {
        return Some(2);
    }
    for space in ["\\ ", "~", " ", "\u{a0}", "\u{2009}", "\u{202f}"] {
        if let Some(rest) = s.strip_prefix(space) {
            let next = rest.as_bytes().get(3).copied();
            let alone = next.is_none_or(|b| !b.is_ascii_digit() && b != b'/' && b != b'_');
            return (!in_brackets && alone).then_some(space.len());
        }
    }
    let after = s.strip_prefix(',').or_else(|| s.strip_prefix('，'))?;
    let spaced = after.trim_start_matches(' ');
    if let Some(rest) = spaced.strip_prefix("\\!") {
        return Some(s.len() - rest.trim_start_matches(' ').len());
    }
    (!in_brackets).then_some(s.len() - after.len())
}

/// The digits under a bar at the start of `s`, and how many bytes they take.
fn bar(s: &str) -> Option<(&str, usize)> {
    let rest = ["\\overline{", "\\bar{", "\\dot{"]
        .iter()
        .find_map(|p| s.strip_prefix(p))?;
    let end = rest.find('}')?;
    let period = &rest[..end];
    let fits = !period.is_empty() && period.len() < 100 && period.bytes().all(|b| b.is_ascii_digit());
    fits.then(|| (period, s.len() - rest.len() + end + 1))
}

/// `0.333…` and `0.1666…`: a last digit or block written at least three times (twice for blocks) repeats.
fn trailing_dots(whole: &str, fraction: &str, s: &str) -> Option<(RBig, usize)> {
    let dots = ["\\ldots", "\\dots", "\\cdots", "...", "…", "\\dotsc"]
        .iter()
        .find(|d| s.starts_with(**d))?;
    for size in 1..=fraction.len() / 2 {
        let (head, period) = fraction.split_at(fraction.len() - size);
        let mut times = 1;
        let mut head = head;
        while let Some(shorter) = head.strip_suffix(period) {
            head = shorter;
            times += 1;
        }
        if times >= if size == 1 { 3 } else { 2 } {
            return Some((number::repeating(whole, head, period), dots.len()));
        }
    }
    None
}
