//! Arithmetic expressions: reading, exact evaluation, writing, and a key under which equal ones meet.
//!
//! Grammar: numbers (`12`, `.5`, `1,200`, `20%`), names, `+ - * / // % ^`, parentheses, unary minus. `x`, `×`, `÷`, `−`
//! and `$` are read as people write them. `//` and `%` between two operands are floor division and its remainder.

use num_traits::{CheckedAdd, CheckedDiv, CheckedMul, CheckedSub, Zero};

use crate::rational::{self, Rat};

/// The longest expression read, in bytes.
const MAX_LEN: usize = 400;
/// The deepest nesting read.
const MAX_DEPTH: u32 = 40;

/// An arithmetic expression.
#[derive(Clone, Debug, PartialEq)]
pub enum Expr {
    /// A number.
    Num(Rat),
    /// The variable with this index.
    Var(usize),
    /// The negative of an expression.
    Neg(Box<Expr>),
    /// Two operands and one of `+ - * / i % ^`, where `i` is floor division.
    Bin(char, Box<Expr>, Box<Expr>),
}

/// Why an expression has no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExprError {
    /// It can't be read.
    #[error("expected {expected} at character {at} of '{text}'")]
    Syntax {
        /// What should have come.
        expected: &'static str,
        /// Where, counted in characters from 0.
        at: usize,
        /// The whole expression (its beginning, if it is long).
        text: String,
    },
    /// It divides by zero.
    #[error("division by zero")]
    DivisionByZero,
    /// A value does not fit into exact 128-bit arithmetic.
    #[error("the numbers are too large for exact arithmetic")]
    Overflow,
}

struct Parser<'a> {
    chars: Vec<char>,
    at: usize,
    depth: u32,
    name: &'a mut dyn FnMut(&str) -> Option<usize>,
}

impl Expr {
    /// Reads an expression without names.
    pub fn parse(text: &str) -> Result<Expr, ExprError> {
        Expr::parse_with(text, &mut |_| None)
    }

    /// Reads an expression; `name` gives the index of a variable, or `None` if there is none of that name.
    pub fn parse_with(text: &str, name: &mut dyn FnMut(&str) -> Option<usize>) -> Result<Expr, ExprError> {
        let short = || text.chars().take(60).collect::<String>();
        if text.len() > MAX_LEN {
            return Err(ExprError::Syntax {
                expected: "an expression of at most 400 bytes",
                at: 0,
                text: short(),
            });
        }
        let mut parser = Parser {
            chars: text.chars().filter(|c| !c.is_whitespace() && *c != '$').collect(),
            at: 0,
            depth: 0,
            name,
        };
        let result = parser.sum().and_then(|e| match parser.chars.get(parser.at) {
            None => Ok(e),
            Some(_) => Err("an operator"),
        });
        result.map_err(|expected| ExprError::Syntax {
            expected,
            at: parser.at,
            text: short(),
        })
    }

    /// The exact value, with `vars` for the variables.
    pub fn eval(&self, vars: &[Rat]) -> Result<Rat, ExprError> {
        use ExprError::Overflow;
        Ok(match self {
            Expr::Num(n) => *n,
            Expr::Var(i) => *vars.get(*i).ok_or(Overflow)?,
            Expr::Neg(e) => -e.eval(vars)?,
            Expr::Bin(op, a, b) => {
                let (a, b) = (a.eval(vars)?, b.eval(vars)?);
                if matches!(op, '/' | 'i' | '%') && b.is_zero() {
                    return Err(ExprError::DivisionByZero);
                }
                let value = match op {
                    '+' => a.checked_add(&b),
                    '-' => a.checked_sub(&b),
                    '*' => a.checked_mul(&b),
                    '/' => a.checked_div(&b),
                    'i' => a.checked_div(&b).map(|q| q.floor()),
                    '%' => a
                        .checked_div(&b)
                        .and_then(|q| b.checked_mul(&q.floor()))
                        .and_then(|whole| a.checked_sub(&whole)),
                    _ => power(a, b),
                };
                value.ok_or(Overflow)?
            }
        })
    }

    /// Calls `visit` with the index of every variable.
    pub fn vars(&self, visit: &mut dyn FnMut(usize)) {
        match self {
            Expr::Num(_) => {}
            Expr::Var(i) => visit(*i),
            Expr::Neg(e) => e.vars(visit),
            Expr::Bin(_, a, b) => {
                a.vars(visit);
                b.vars(visit);
            }
        }
    }

    /// Calls `visit` with every number written in the expression.
    pub fn numbers(&self, visit: &mut dyn FnMut(Rat)) {
        match self {
            Expr::Num(n) => visit(*n),
            Expr::Var(_) => {}
            Expr::Neg(e) => e.numbers(visit),
            Expr::Bin(_, a, b) => {
                a.numbers(visit);
                b.numbers(visit);
            }
        }
    }

    /// How many operations it has.
    pub fn operations(&self) -> usize {
        match self {
            Expr::Num(_) | Expr::Var(_) => 0,
            Expr::Neg(e) => e.operations(),
            Expr::Bin(_, a, b) => 1 + a.operations() + b.operations(),
        }
    }

    /// Writes it with the values of its variables and as few parentheses as needed: `3*12`, `(8-2)/3`.
    pub fn show(&self, vars: &[Rat]) -> String {
        self.write(vars, 0)
    }

    fn write(&self, vars: &[Rat], outer: u8) -> String {
        let number = |n: Rat| {
            let text = rational::show(n);
            let bare = !text.starts_with('-') && (!text.contains('/') || outer == 0);
            if bare { text } else { format!("({text})") }
        };
        match self {
            Expr::Num(n) => number(*n),
            Expr::Var(i) => vars.get(*i).map_or_else(|| format!("v{i}"), |n| number(*n)),
            Expr::Neg(e) => format!("(-{})", e.write(vars, 4)),
            Expr::Bin(op, a, b) => {
                let level = match op {
                    '+' | '-' => 1,
                    '^' => 3,
                    _ => 2,
                };
                let sign = if *op == 'i' {
                    "//".to_owned()
                } else {
                    op.to_string()
                };
                // A right operand of the same level needs parentheses: a-(b-c), a*(b//c). Only sums don't.
                let right = if *op == '+' { level } else { level + 1 };
                let left = if *op == '^' { level + 1 } else { level };
                let text = format!("{}{sign}{}", a.write(vars, left), b.write(vars, right));
                if level < outer { format!("({text})") } else { text }
            }
        }
    }

    /// A text that is equal for expressions that differ only in spacing, parentheses, or the order of the
    /// operands of `+` and `*`.
    pub fn key(&self) -> String {
        match self {
            Expr::Num(n) => rational::show(*n),
            Expr::Var(i) => format!("v{i}"),
            Expr::Neg(e) => format!("(-{})", e.key()),
            Expr::Bin(op @ ('+' | '*'), ..) => {
                let mut parts = Vec::new();
                self.flatten(*op, &mut parts);
                parts.sort();
                format!("({})", parts.join(&op.to_string()))
            }
            Expr::Bin(op, a, b) => format!("({}{op}{})", a.key(), b.key()),
        }
    }

    fn flatten(&self, op: char, parts: &mut Vec<String>) {
        match self {
            Expr::Bin(own, a, b) if *own == op => {
                a.flatten(op, parts);
                b.flatten(op, parts);
            }
            other => parts.push(other.key()),
        }
    }
}

fn power(a: Rat, b: Rat) -> Option<Rat> {
    if !b.is_integer() || !(0..=64).contains(b.numer()) {
        return None;
    }
    let mut value = rational::int(1);
    for _ in 0..*b.numer() {
        value = value.checked_mul(&a)?;
    }
    Some(value)
}

impl Parser<'_> {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn sum(&mut self) -> Result<Expr, &'static str> {
        let mut left = self.product()?;
        while let Some(c @ ('+' | '-' | '\u{2212}')) = self.peek() {
            self.at += 1;
            let right = self.product()?;
            let op = if c == '+' { '+' } else { '-' };
            left = Expr::Bin(op, Box::new(left), Box::new(right));
        }
        Ok(left)
    }

    fn product(&mut self) -> Result<Expr, &'static str> {
        let mut left = self.unary()?;
        loop {
            let op = match self.peek() {
                Some('*' | '×' | 'x' | 'X' | '·') => '*',
                Some('/') if self.chars.get(self.at + 1) == Some(&'/') => {
                    self.at += 1;
                    'i'
                }
                Some('/' | '÷') => '/',
                Some('%') => '%',
                Some('(') => {
                    // A factor before a parenthesis multiplies: 3(4+5).
                    let right = self.unary()?;
                    left = Expr::Bin('*', Box::new(left), Box::new(right));
                    continue;
                }
                _ => return Ok(left),
            };
            self.at += 1;
            let right = self.unary()?;
            left = Expr::Bin(op, Box::new(left), Box::new(right));
        }
    }

    fn unary(&mut self) -> Result<Expr, &'static str> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err("less nesting");
        }
        let result = match self.peek() {
            Some('-' | '\u{2212}') => {
                self.at += 1;
                let inner = self.unary()?;
                Ok(match inner {
                    Expr::Num(n) => Expr::Num(-n),
                    other => Expr::Neg(Box::new(other)),
                })
            }
            Some('+') => {
                self.at += 1;
                self.unary()
            }
            _ => self.power(),
        };
        self.depth -= 1;
        result
    }

    fn power(&mut self) -> Result<Expr, &'static str> {
        let base = self.atom()?;
        if self.peek() == Some('^') {
            self.at += 1;
            let exponent = self.unary()?;
            return Ok(Expr::Bin('^', Box::new(base), Box::new(exponent)));
        }
        Ok(base)
    }

    fn atom(&mut self) -> Result<Expr, &'static str> {
        match self.peek() {
            Some('(') => {
                self.at += 1;
                let inner = self.sum()?;
                if self.peek() != Some(')') {
                    return Err("a closing parenthesis");
                }
                self.at += 1;
                Ok(inner)
            }
            Some(c) if c.is_ascii_digit() || c == '.' => {
                let start = self.at;
                while self
                    .peek()
                    .is_some_and(|c| c.is_ascii_digit() || c == '.' || c == ',')
                {
                    self.at += 1;
                }
                // A percent sign that no operand follows belongs to the number.
                let next = self.chars.get(self.at + 1);
                let percent = self.peek() == Some('%')
                    && !next.is_some_and(|c| c.is_alphanumeric() && *c != 'x' || *c == '(' || *c == '.');
                if percent {
                    self.at += 1;
                }
                let text: String = self.chars[start..self.at].iter().collect();
                rational::parse(&text)
                    .map(Expr::Num)
                    .ok_or("a number of at most 15 digits")
            }
            Some(c) if c.is_ascii_alphabetic() => {
                let start = self.at;
                while self.peek().is_some_and(|c| c.is_ascii_alphanumeric() || c == '_') {
                    self.at += 1;
                }
                let name: String = self.chars[start..self.at].iter().collect();
                match (self.name)(&name) {
                    Some(index) => Ok(Expr::Var(index)),
                    None => {
                        self.at = start;
                        Err("a number or a known name")
                    }
                }
            }
            _ => Err("a number"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn value(text: &str) -> String {
        Expr::parse(text)
            .and_then(|e| e.eval(&[]))
            .map_or_else(|e| e.to_string(), rational::show)
    }

    #[test]
    fn follows_the_usual_precedence() {
        for (text, expected) in [
            ("100-50-30-15", "5"),
            ("2+3*4", "14"),
            ("(2+3)*4", "20"),
            ("0.2*50", "10"),
            ("120*20%", "24"),
            ("17%5", "2"),
            ("17//5", "3"),
            ("-7//2", "-4"),
            ("2^3^2", "512"),
            ("-(3-5)", "2"),
            ("3 x 4", "12"),
            ("3(4+5)", "27"),
            ("$1,200/4", "300"),
            ("1/3+1/6", "0.5"),
            ("1/0", "division by zero"),
        ] {
            assert_eq!(value(text), expected, "{text}");
        }
    }

    #[test]
    fn says_where_it_stopped() {
        let error = Expr::parse("3+*4").unwrap_err().to_string();
        assert!(error.contains("character 2"), "{error}");
        assert!(Expr::parse(&"(".repeat(300)).is_err());
        assert!(Expr::parse("99999999999^64").unwrap().eval(&[]).is_err());
    }

    #[test]
    fn keys_ignore_order_and_spacing_only() {
        let key = |t: &str| Expr::parse(t).unwrap().key();
        assert_eq!(key("3*4+2"), key("2 + (4*3)"));
        assert_eq!(key("1+2+3"), key("3+(2+1)"));
        assert_ne!(key("5-3"), key("3-5"));
    }

    fn arb() -> impl Strategy<Value = Expr> {
        let leaf = (0i64..50).prop_map(|n| Expr::Num(rational::int(n)));
        leaf.prop_recursive(4, 20, 2, |inner| {
            (
                prop::sample::select(vec!['+', '-', '*', '/', 'i']),
                inner.clone(),
                inner,
            )
                .prop_map(|(op, a, b)| Expr::Bin(op, Box::new(a), Box::new(b)))
        })
    }

    proptest! {
        #[test]
        fn written_expressions_read_back_with_the_same_value(e in arb()) {
            let text = e.show(&[]);
            let back = Expr::parse(&text).unwrap();
            prop_assert_eq!(back.eval(&[]), e.eval(&[]), "{}", text);
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[-+*/%^().0-9a-z $,×]{0,60}") {
            let _ = Expr::parse(&text).and_then(|e| e.eval(&[]));
        }
    }
}
