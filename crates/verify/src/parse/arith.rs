//! Sums, products, powers and functions.

use dashu_ratio::RBig;

use super::{Parsed, Parser};
use crate::expr::{Const, Expr, Func};
use crate::lex::Tok;

/// Letters that are taken for functions when brackets follow them directly.
const FUNCTION_LETTERS: &[&str] = &[
    "f", "g", "h", "F", "G", "H", "P", "Q", "p", "q", "phi", "psi", "Phi",
];

impl Parser<'_> {
    /// Terms joined by `+`, `-`, `±`, `∓`.
    pub(super) fn sum(&mut self) -> Parsed {
        self.nested(|p| {
            let mut terms = Vec::new();
            loop {
                let sign = p.peek().cloned();
                match sign {
                    Some(Tok::Sym('+')) => p.i += 1,
                    Some(Tok::Sym('-')) | Some(Tok::Cmd("pm" | "mp")) => p.i += 1,
                    _ if terms.is_empty() => {}
                    _ => return Ok(Expr::sum(terms)),
                }
                let term = p.signed_term()?;
                terms.push(match sign {
                    Some(Tok::Sym('-')) => Expr::Neg(Box::new(term)),
                    Some(Tok::Cmd("pm")) => Expr::PlusMinus(true, Box::new(term)),
                    Some(Tok::Cmd("mp")) => Expr::PlusMinus(false, Box::new(term)),
                    _ => term,
                });
            }
        })
    }

    /// A term that may still begin with signs (`--2`, `+ -3`).
    fn signed_term(&mut self) -> Parsed {
        let mut negative = false;
        loop {
            match self.peek() {
                Some(Tok::Sym('-')) => negative = !negative,
                Some(Tok::Sym('+')) => {}
                _ => break,
            }
            self.i += 1;
        }
        let term = self.term()?;
        Ok(if negative { Expr::Neg(Box::new(term)) } else { term })
    }

    /// Factors joined by `*`, `/`, `mod` or nothing.
    pub(super) fn term(&mut self) -> Parsed {
        let mut left = self.factor()?;
        loop {
            let op = self.peek().cloned();
            match op {
                Some(Tok::Sym('*' | '/')) => {
                    // "km/h" after a number is a unit, not a quotient.
                    self.i += 1;
                    let right = self.signed_factor()?;
                    left = match op {
                        Some(Tok::Sym('/')) => Expr::Div(Box::new(left), Box::new(right)),
                        _ => multiply(left, right),
                    };
                }
                Some(Tok::Cmd("mod")) if !self.congruence => {
                    self.i += 1;
                    let right = self.signed_factor()?;
                    left = Expr::Call(Func::Mod, vec![left, right]);
                }
                Some(Tok::Letter(x)) if x == "x" && self.is_times_sign() => {
                    self.i += 1;
                    let right = self.factor()?;
                    left = multiply(left, right);
                }
                _ if self.starts_factor(&left) => {
                    let right = self.factor()?;
                    left = multiply(left, right);
                }
                _ => return Ok(left),
            }
        }
    }

    /// Whether an `x` stands between two numbers, with spaces: `3 x 10^8`.
    fn is_times_sign(&self) -> bool {
        let number = |i: Option<usize>| matches!(i.and_then(|i| self.toks.get(i)), Some(t) if matches!(t.tok, Tok::Num(..)));
        let spaced = self.space_before() && self.toks.get(self.i + 1).is_some_and(|t| t.space);
        spaced && number(self.i.checked_sub(1)) && number(Some(self.i + 1))
    }

    fn signed_factor(&mut self) -> Parsed {
        let mut negative = false;
        loop {
            match self.peek() {
                Some(Tok::Sym('-')) => negative = !negative,
                Some(Tok::Sym('+')) => {}
                _ => break,
            }
            self.i += 1;
        }
        let factor = self.factor()?;
        Ok(if negative {
            Expr::Neg(Box::new(factor))
        } else {
            factor
        })
    }

    /// Whether the next token begins a factor that multiplies what stands to its left.
    fn starts_factor(&self, left: &Expr) -> bool {
        match self.peek() {
            Some(Tok::Letter(_) | Tok::Vulgar(_)) => true,
            Some(Tok::Num(..)) => {
                // "(2)(3)" has brackets; "\pi 2" and "\sqrt{2} 3" have a closing brace; "2 3" is not a product.
                let closed = self.i > 0 && matches!(self.toks[self.i - 1].tok, Tok::Sym(')' | '}' | '!'));
                closed && !matches!(left, Expr::Num(_) | Expr::Decimal(..))
            }
            Some(Tok::Sym('(')) => !matches!(self.peek_at(1), Some(Tok::Cmd("mod"))),
            Some(Tok::Sym('{')) => self.latex,
            Some(Tok::Sym('[')) => !self.outward,
            Some(Tok::Sym('|')) => self.bars == 0,
            Some(Tok::Cmd(c)) => !matches!(
                *c,
                "cup"
                    | "cap"
                    | "setminus"
                    | "pm"
                    | "mp"
                    | "mod"
                    | "rbrace"
                    | "rfloor"
                    | "rceil"
                    | "rangle"
                    | "newline"
                    | "end"
                    | "choose"
                    | "over"
                    | "degree"
                    | "dots"
                    | "lbrace"
                    | "emptyset"
            ),
            _ => false,
        }
    }

    /// A primary with what follows it: powers, factorials, degrees, per cent.
    pub(super) fn factor(&mut self) -> Parsed {
        self.nested(|p| {
            let base = p.primary()?;
            p.postfix(base)
        })
    }

    fn postfix(&mut self, mut e: Expr) -> Parsed {
        loop {
            match self.peek() {
                Some(Tok::Sym('^')) => {
                    self.i += 1;
                    if self.degree_mark() {
                        e = match self.temperature() {
                            Some(unit) => Expr::Quantity(Box::new(e), unit),
                            None => Expr::Degrees(Box::new(e)),
                        };
                        continue;
                    }
                    let exponent = self.nested(Self::argument)?;
                    // a^b^c is a^(b^c).
                    let exponent = if self.is_sym('^') {
                        self.nested(|p| p.postfix(exponent))?
                    } else {
                        exponent
                    };
                    e = Expr::Pow(Box::new(e), Box::new(exponent));
                }
                Some(Tok::Cmd("degree")) => {
                    self.i += 1;
                    e = match self.temperature() {
                        Some(unit) => Expr::Quantity(Box::new(e), unit),
                        None => Expr::Degrees(Box::new(e)),
                    };
                }
                Some(Tok::Sym('!')) if !self.space_before() || self.i + 1 == self.toks.len() => {
                    self.i += 1;
                    let double = self.eat_sym('!');
                    e = Expr::Call(
                        if double {
                            Func::DoubleFactorial
                        } else {
                            Func::Factorial
                        },
                        vec![e],
                    );
                }
                Some(Tok::Sym('%')) => {
                    self.i += 1;
                    e = Expr::Percent(Box::new(e));
                }
                Some(Tok::Sym('_')) => {
                    self.i += 1;
                    e = self.subscript(e)?;
                }
                Some(Tok::Sym('\'')) => match e {
                    Expr::Var(name) => {
                        self.i += 1;
                        e = self.applied(format!("{name}'"))?;
                    }
                    _ => return self.fail("a prime"),
                },
                _ => return Ok(e),
            }
        }
    }

    /// `\circ` or `{\circ}` after `^`.
    fn degree_mark(&mut self) -> bool {
        if self.eat_cmd("degree") {
            return true;
        }
        let braced = self.is_sym('{')
            && matches!(self.peek_at(1), Some(Tok::Cmd("degree")))
            && self.peek_at(2) == Some(&Tok::Sym('}'));
        if braced {
            self.i += 3;
        }
        braced
    }

    /// The argument of `^` or of a command: a group, or one token.
    pub(super) fn argument(&mut self) -> Parsed {
        if self.is_sym('{') {
            return self.nested(Self::group);
        }
        if self.is_sym('-') || self.is_sym('+') {
            return self.nested(Self::signed_argument);
        }
        self.nested(Self::primary)
    }

    fn signed_argument(&mut self) -> Parsed {
        let negative = self.is_sym('-');
        self.i += 1;
        let e = self.argument()?;
        Ok(if negative { Expr::Neg(Box::new(e)) } else { e })
    }

    /// The tokens of a subscript become part of a variable's name; after a number they are its base.
    fn subscript(&mut self, e: Expr) -> Parsed {
        let start = self.i;
        if self.is_sym('{') {
            let mut depth = 0usize;
            loop {
                match self.peek() {
                    Some(Tok::Sym('{')) => depth += 1,
                    Some(Tok::Sym('}')) => depth -= 1,
                    None => return self.fail("a subscript is not closed"),
                    _ => {}
                }
                self.i += 1;
                if depth == 0 {
                    break;
                }
            }
        } else if self.peek().is_some() {
            self.i += 1;
        } else {
            return self.fail("a subscript");
        }
        let name: String = self.toks[start..self.i].iter().map(|t| written(&t.tok)).collect();
        match e {
            Expr::Var(base) => self.applied(format!("{base}_{name}")),
            Expr::Num(_) | Expr::Decimal(..) => {
                let digits = match self.toks.get(start.wrapping_sub(2)).map(|t| &t.tok) {
                    Some(Tok::Num(_, _, digits)) => digits.clone(),
                    _ => return self.fail("a base"),
                };
                super::special::in_base(&digits, &name).map_or_else(|| self.fail("a base"), Ok)
            }
            Expr::Const(_) => Ok(Expr::Var(format!(
                "{}_{name}",
                written(&self.toks[start - 2].tok)
            ))),
            _ => self.fail("a subscript"),
        }
    }

    /// A variable, or a function when it is written like one: `f(x)`.
    pub(super) fn applied(&mut self, name: String) -> Parsed {
        let base = name.split(['\'', '_']).next().unwrap_or("");
        let function = FUNCTION_LETTERS.contains(&base);
        let inverse = self.is_sym('^')
            && [Tok::Sym('{'), Tok::Sym('-')]
                .iter()
                .enumerate()
                .all(|(k, t)| self.peek_at(1 + k) == Some(t))
            && matches!(self.peek_at(3), Some(Tok::Num(_, None, d)) if d == "1")
            && self.peek_at(4) == Some(&Tok::Sym('}'))
            && self.peek_at(5) == Some(&Tok::Sym('('));
        if function && inverse {
            self.i += 5;
            let args = self.call_arguments()?;
            return Ok(Expr::Apply(format!("{name}^-1"), args));
        }
        if function && self.is_sym('(') && !self.space_before() {
            let args = self.call_arguments()?;
            return Ok(Expr::Apply(name, args));
        }
        Ok(Expr::Var(name))
    }

    /// `(a, b, …)`.
    pub(super) fn call_arguments(&mut self) -> Parsed<Vec<Expr>> {
        if !self.eat_sym('(') {
            return self.fail("the arguments of a function");
        }
        let bars = std::mem::take(&mut self.bars);
        let items = self.nested(Self::bracketed_items)?;
        self.bars = bars;
        if !self.eat_sym(')') {
            return self.fail("the arguments of a function are not closed");
        }
        Ok(items)
    }

    /// A function with a meaning; its name has been read.
    pub(super) fn function(&mut self, name: &'static str) -> Parsed {
        let Some(f) = func(name) else {
            return self.fail("a function");
        };
        let mut power = None;
        let mut base = None;
        loop {
            if self.eat_sym('^') {
                if self.degree_mark() {
                    return self.fail("a function of a degree sign");
                }
                power = Some(self.argument()?);
            } else if name == "log" && self.eat_sym('_') {
                base = Some(self.argument()?);
            } else {
                break;
            }
        }
        let mut args = self.function_arguments(f)?;
        if let Some(b) = base {
            args.truncate(1);
            args.push(b);
        }
        let wrong = match f {
            Func::Gcd | Func::Lcm | Func::Min | Func::Max => args.is_empty(),
            Func::Log => args.is_empty() || args.len() > 2,
            Func::Binomial | Func::Permutations | Func::Mod => args.len() != 2,
            _ => args.len() != 1,
        };
        if wrong {
            return self.fail(&format!("{name} with {} arguments", args.len()));
        }
        match power {
            None => Ok(Expr::Call(f, args)),
            Some(p) if is_minus_one(&p) => match inverse(f) {
                Some(g) => Ok(Expr::Call(g, args)),
                None => self.fail(&format!("the inverse of {name}")),
            },
            Some(p) => Ok(Expr::Pow(Box::new(Expr::Call(f, args)), Box::new(p))),
        }
    }

    fn function_arguments(&mut self, f: Func) -> Parsed<Vec<Expr>> {
        match self.peek() {
            Some(Tok::Sym('(')) => return self.call_arguments(),
            Some(Tok::Sym('[')) => return Ok(vec![self.nested(Self::primary)?]),
            Some(Tok::Sym('{')) if matches!(f, Func::Min | Func::Max | Func::Gcd | Func::Lcm) => {
                self.i += 1;
                let items = self.nested(Self::bracketed_items)?;
                return if self.eat_sym('}') {
                    Ok(items)
                } else {
                    self.fail("a group is not closed")
                };
            }
            Some(Tok::Cmd("lbrace")) => {
                let set = self.nested(Self::primary)?;
                return Ok(match set {
                    Expr::Seq(_, items) => items,
                    other => vec![other],
                });
            }
            _ => {}
        }
        let negative = self.eat_sym('-');
        // The argument is a run of simple factors: \sin 2\pi x, \cos 58^\circ, \ln|x|.
        let mut factors = vec![self.factor()?];
        loop {
            let simple = match self.peek() {
                Some(Tok::Letter(_) | Tok::Vulgar(_)) => true,
                Some(Tok::Cmd(c)) => matches!(*c, "pi" | "frac" | "sqrt" | "infty" | "bold" | "vec"),
                Some(Tok::Sym('{')) => self.latex,
                _ => false,
            };
            if !simple {
                break;
            }
            factors.push(self.factor()?);
        }
        let arg = factors
            .into_iter()
            .reduce(multiply)
            .unwrap_or(Expr::Num(RBig::ONE));
        Ok(vec![if negative { Expr::Neg(Box::new(arg)) } else { arg }])
    }
}

/// What stood in a token, for the names of variables.
pub(super) fn written(tok: &Tok) -> String {
    match tok {
        Tok::Num(_, _, s) | Tok::Letter(s) | Tok::Word(s) | Tok::Unknown(s) | Tok::TooLarge(s) => s.clone(),
        Tok::Cmd(s) => (*s).to_owned(),
        Tok::Sym('{' | '}') => String::new(),
        Tok::Sym(c) => c.to_string(),
        Tok::Vulgar(q) => q.to_string(),
        Tok::Rel(op) => format!("{op:?}"),
    }
}

fn is_minus_one(e: &Expr) -> bool {
    matches!(e, Expr::Neg(x) if **x == Expr::Num(RBig::ONE))
}

/// `a · b` with products flattened.
pub(super) fn multiply(a: Expr, b: Expr) -> Expr {
    match a {
        Expr::Mul(mut v) => {
            v.push(b);
            Expr::Mul(v)
        }
        a => Expr::Mul(vec![a, b]),
    }
}

fn func(name: &str) -> Option<Func> {
    Some(match name {
        "sin" => Func::Sin,
        "cos" => Func::Cos,
        "tan" => Func::Tan,
        "cot" => Func::Cot,
        "sec" => Func::Sec,
        "csc" => Func::Csc,
        "arcsin" => Func::Asin,
        "arccos" => Func::Acos,
        "arctan" => Func::Atan,
        "arccot" => Func::Acot,
        "arcsec" => Func::Asec,
        "arccsc" => Func::Acsc,
        "sinh" => Func::Sinh,
        "cosh" => Func::Cosh,
        "tanh" => Func::Tanh,
        "ln" => Func::Ln,
        "log" => Func::Log,
        "exp" => Func::Exp,
        "gcd" => Func::Gcd,
        "lcm" => Func::Lcm,
        "min" => Func::Min,
        "max" => Func::Max,
        "det" => Func::Det,
        "arg" => Func::Arg,
        "Re" => Func::Re,
        "Im" => Func::Im,
        "sgn" => Func::Sign,
        "abs" => Func::Abs,
        "floor" => Func::Floor,
        "ceil" => Func::Ceil,
        "factorial" => Func::Factorial,
        "conj" => Func::Conj,
        _ => return None,
    })
}

fn inverse(f: Func) -> Option<Func> {
    Some(match f {
        Func::Sin => Func::Asin,
        Func::Cos => Func::Acos,
        Func::Tan => Func::Atan,
        Func::Cot => Func::Acot,
        Func::Sec => Func::Asec,
        Func::Csc => Func::Acsc,
        _ => return None,
    })
}

/// The constants that letters stand for.
pub(super) fn constant(letter: &str) -> Option<Const> {
    match letter {
        "e" => Some(Const::E),
        "i" => Some(Const::I),
        _ => None,
    }
}
