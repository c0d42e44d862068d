//! From text to [`Expr`]: a recursive-descent parser of bounded depth, without backtracking.
//!
//! | file | what is parsed there |
//! |---|---|
//! | `mod.rs` | the whole text: delimiters, fallbacks |
//! | `special.rs` | forms told apart by their looks: choices, times of day, bases, words |
//! | `answer.rs` | lists, relations, sets, units |
//! | `arith.rs` | sums, products, powers, functions |
//! | `atom.rs` | numbers, brackets, fractions, matrices |

mod answer;
mod arith;
mod atom;
mod special;

use crate::expr::Expr;
use crate::lex::{self, Tok, Token};
use crate::options::Fuel;

pub use special::{normal_text, number_words};

/// Why a text is not an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParseError {
    /// It is too long, too deep, or holds numbers beyond the fuel.
    TooComplex(String),
    /// It is not mathematics (or a form this crate does not know).
    Syntax(String),
}

impl std::fmt::Display for ParseError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ParseError::TooComplex(why) | ParseError::Syntax(why) => f.write_str(why),
        }
    }
}

/// Parses one answer (not a whole response).
///
/// # Errors
/// [`ParseError::TooComplex`] beyond the fuel, [`ParseError::Syntax`] when the text can't be understood.
pub fn parse(text: &str, fuel: &Fuel) -> Result<Expr, ParseError> {
    if text.len() > fuel.answer_bytes {
        let why = format!(
            "an answer of {} bytes (at most {} are read)",
            text.len(),
            fuel.answer_bytes
        );
        return Err(ParseError::TooComplex(why));
    }
    let text = special::undelimited(text);
    let text = text.as_ref();
    if text.is_empty() {
        return Err(ParseError::Syntax("nothing is written".into()));
    }
    if let Some(e) = special::plain_number(text, fuel)? {
        return Ok(e);
    }
    if let Some(e) = special::recognise(text, fuel) {
        return Ok(e);
    }
    let parsed = lex::lex(text)
        .map_err(|e| ParseError::Syntax(e.0))
        .and_then(|tokens| Parser::new(tokens, fuel).whole());
    match parsed {
        Err(ParseError::Syntax(why)) => special::as_words(text).ok_or(ParseError::Syntax(why)),
        other => other,
    }
}

/// The state of a parse.
struct Parser<'a> {
    toks: Vec<Token>,
    i: usize,
    depth: usize,
    fuel: &'a Fuel,
    /// Open `|…|`: a bar in operator position closes one.
    bars: usize,
    /// Inside the right side of `≡`, where `mod` is not an operator.
    congruence: bool,
    /// Inside `]a, b[`, where an opening bracket closes.
    outward: bool,
    /// Inside `<a, b>`, where `>` closes.
    angle: bool,
    /// Whether the text is LaTeX, where `{…}` groups.
    latex: bool,
}

type Parsed<T = Expr> = Result<T, ParseError>;

impl<'a> Parser<'a> {
    fn new(toks: Vec<Token>, fuel: &'a Fuel) -> Self {
        let latex = toks.iter().any(|t| {
            matches!(t.tok, Tok::Sym('^' | '_')) || matches!(t.tok, Tok::Cmd("frac" | "lbrace" | "begin"))
        });
        Parser {
            toks,
            i: 0,
            depth: 0,
            fuel,
            bars: 0,
            congruence: false,
            outward: false,
            angle: false,
            latex,
        }
    }

    fn whole(mut self) -> Parsed {
        if self.toks.is_empty() {
            return Err(ParseError::Syntax("nothing is written".into()));
        }
        let e = self.answer()?;
        self.skip_punctuation();
        match self.toks.get(self.i) {
            None => Ok(e),
            Some(t) => Err(self.unexpected(&t.tok)),
        }
    }

    fn unexpected(&self, tok: &Tok) -> ParseError {
        ParseError::Syntax(match tok {
            Tok::TooLarge(what) => return ParseError::TooComplex(what.clone()),
            Tok::Unknown(name) => format!("{name:?} is not known"),
            Tok::Num(_, _, s) => format!("the number {s} is out of place"),
            Tok::Letter(s) | Tok::Word(s) => format!("{s:?} is out of place"),
            Tok::Cmd(s) => format!("{s:?} is out of place"),
            Tok::Sym(c) => format!("{c:?} is out of place"),
            Tok::Rel(op) => format!("a relation ({op:?}) is out of place"),
            Tok::Vulgar(_) => "a fraction is out of place".into(),
        })
    }

    fn fail<T>(&self, what: &str) -> Parsed<T> {
        match self.toks.get(self.i) {
            Some(t) => Err(match self.unexpected(&t.tok) {
                ParseError::Syntax(why) => ParseError::Syntax(format!("{what}: {why}")),
                too_complex => too_complex,
            }),
            None => Err(ParseError::Syntax(format!("{what}: the text ends"))),
        }
    }

    fn peek(&self) -> Option<&Tok> {
        self.toks.get(self.i).map(|t| &t.tok)
    }

    fn peek_at(&self, ahead: usize) -> Option<&Tok> {
        self.toks.get(self.i + ahead).map(|t| &t.tok)
    }

    fn space_before(&self) -> bool {
        self.toks.get(self.i).is_some_and(|t| t.space)
    }

    fn is_sym(&self, c: char) -> bool {
        self.peek() == Some(&Tok::Sym(c))
    }

    fn is_cmd(&self, name: &str) -> bool {
        matches!(self.peek(), Some(Tok::Cmd(n)) if *n == name)
    }

    fn eat_sym(&mut self, c: char) -> bool {
        let yes = self.is_sym(c);
        self.i += usize::from(yes);
        yes
    }

    fn eat_cmd(&mut self, name: &str) -> bool {
        let yes = self.is_cmd(name);
        self.i += usize::from(yes);
        yes
    }

    fn word(&self) -> Option<&str> {
        match self.peek() {
            Some(Tok::Word(w)) => Some(w),
            _ => None,
        }
    }

    /// Runs `f` one level deeper.
    fn nested<T>(&mut self, f: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= self.fuel.depth {
            return Err(ParseError::TooComplex(format!(
                "nested deeper than {}",
                self.fuel.depth
            )));
        }
        self.depth += 1;
        let result = f(self);
        self.depth -= 1;
        result
    }

    fn skip_punctuation(&mut self) {
        while matches!(self.peek(), Some(Tok::Sym('.' | ',' | ';' | ':' | '?'))) {
            self.i += 1;
        }
    }
}
