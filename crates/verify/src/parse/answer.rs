//! Lists, relations, sets and units.

use dashu_int::IBig;
use dashu_ratio::RBig;

use super::{ParseError, Parsed, Parser};
use crate::expr::{Brackets, Expr, LogicOp, RelOp, SetOp};
use crate::lex::Tok;
use crate::units::{self, Unit};

/// What stands between two items of a list.
#[derive(Clone, Copy, PartialEq)]
enum Joint {
    Comma,
    And,
    Or,
}

/// Items and what stands between them.
#[derive(Default)]
struct Items {
    items: Vec<Expr>,
    joints: Vec<Joint>,
    /// Whether a joint was written as a symbol of logic.
    symbolic: bool,
}

fn is_relation(e: &Expr) -> bool {
    matches!(e, Expr::Rel(..) | Expr::Logic(..))
}

impl Items {
    /// One statement, when the items are statements joined by "and" and "or"; "and" binds closer, and commas
    /// join like the word that follows.
    fn statement(&self) -> Option<Expr> {
        let (and, or) = (
            self.joints.contains(&Joint::And),
            self.joints.contains(&Joint::Or),
        );
        if !(and || or) || !(self.symbolic || self.items.iter().all(is_relation)) {
            return None;
        }
        let comma = if and { Joint::And } else { Joint::Or };
        let mut groups = vec![vec![self.items[0].clone()]];
        for (item, joint) in self.items[1..].iter().zip(&self.joints) {
            let joint = if *joint == Joint::Comma { comma } else { *joint };
            match groups.last_mut() {
                Some(group) if joint == Joint::And => group.push(item.clone()),
                _ => groups.push(vec![item.clone()]),
            }
        }
        let mut groups: Vec<Expr> = groups
            .into_iter()
            .map(|mut g| {
                if g.len() == 1 {
                    g.remove(0)
                } else {
                    Expr::Logic(LogicOp::And, g)
                }
            })
            .collect();
        Some(if groups.len() == 1 {
            groups.remove(0)
        } else {
            Expr::Logic(LogicOp::Or, groups)
        })
    }
}

impl Parser<'_> {
    /// Items separated by commas, semicolons, line breaks, "and" and "or", up to a closing bracket or the end.
    pub(super) fn answer(&mut self) -> Parsed {
        let mut list = self.items()?;
        if list.items.len() == 1 {
            return Ok(list.items.remove(0));
        }
        if let Some(statement) = list.statement() {
            return Ok(statement);
        }
        if let Some(sum) = compound(&list.items).filter(|_| !list.joints.contains(&Joint::Or)) {
            return Ok(sum);
        }
        Ok(Expr::Seq(Brackets::Bare, list.items))
    }

    /// The items of a list; at least one.
    fn items(&mut self) -> Parsed<Items> {
        let mut list = Items::default();
        list.items.push(self.relation()?);
        loop {
            let mut joint = None;
            loop {
                let next = match self.peek() {
                    Some(Tok::Sym(',' | ';') | Tok::Cmd("newline")) => joint.unwrap_or(Joint::Comma),
                    Some(Tok::Word(w)) => match w.as_str() {
                        "and" | "和" | "且" | "与" | "∧" => Joint::And,
                        "or" | "或" | "或者" | "∨" => Joint::Or,
                        _ => break,
                    },
                    _ => break,
                };
                list.symbolic |= matches!(self.word(), Some("∧" | "∨"));
                joint = Some(next);
                self.i += 1;
            }
            let ends = matches!(self.peek(), None | Some(Tok::Sym(')' | ']' | '}' | '.' | '|')))
                || matches!(self.peek(), Some(Tok::Cmd("rbrace" | "rangle" | "end")));
            match joint {
                Some(joint) if !ends => list.joints.push(joint),
                _ => return Ok(list),
            }
            list.items.push(self.relation()?);
        }
    }

    /// The items of a bracketed list, without regard to what joins them.
    pub(super) fn bracketed_items(&mut self) -> Parsed<Vec<Expr>> {
        let list = self.items()?;
        Ok(match list.statement() {
            Some(statement) => vec![statement],
            None => list.items,
        })
    }

    /// A chain `a = b < c`, or a single operand.
    pub(super) fn relation(&mut self) -> Parsed {
        if matches!(self.word(), Some("not" | "¬")) {
            self.i += 1;
            let inner = self.nested(Self::relation)?;
            return Ok(Expr::Logic(LogicOp::Not, vec![inner]));
        }
        let first = match self.label() {
            Some(label) => label,
            None => {
                // A leading "≈ 5" or "= 5".
                if let Some(Tok::Rel(RelOp::Eq | RelOp::Approx)) = self.peek() {
                    self.i += 1;
                    return self.nested(Self::relation);
                }
                self.set_expr()?
            }
        };
        let (mut operands, mut ops) = (vec![first], Vec::new());
        while let Some(&Tok::Rel(op)) = self.peek() {
            if self.angle && op == RelOp::Gt {
                break;
            }
            self.i += 1;
            let outer = std::mem::replace(&mut self.congruence, op == RelOp::Congruent);
            let operand = self.set_expr();
            self.congruence = outer;
            ops.push(op);
            operands.push(operand?);
            if op == RelOp::Congruent {
                // a ≡ b (mod m) is the chain [a, b, m] with the operators [≡, |].
                let bracket = self.is_sym('(') && matches!(self.peek_at(1), Some(Tok::Cmd("mod")));
                if bracket {
                    self.i += 1;
                }
                if self.eat_cmd("mod") {
                    let modulus = self.nested(Self::sum)?;
                    if bracket && !self.eat_sym(')') {
                        return self.fail("a modulus is not closed");
                    }
                    operands.push(modulus);
                    ops.push(RelOp::Divides);
                }
            }
        }
        Ok(if ops.is_empty() {
            operands.remove(0)
        } else {
            Expr::Rel(operands, ops)
        })
    }

    /// A label in words before `=` or `:`, such as `Area =` or `Answer:`; a label before a colon is dropped.
    fn label(&mut self) -> Option<Expr> {
        self.word()?;
        let mut name = String::new();
        for (n, t) in self.toks[self.i..].iter().enumerate().take(12) {
            match &t.tok {
                Tok::Word(w) | Tok::Letter(w) => {
                    if !name.is_empty() {
                        name.push(' ');
                    }
                    name.push_str(w);
                }
                Tok::Rel(RelOp::Eq) if n > 0 => {
                    self.i += n;
                    return Some(Expr::Var(name.to_lowercase()));
                }
                Tok::Sym(':') if n > 0 => {
                    self.i += n + 1;
                    return None;
                }
                _ => return None,
            }
        }
        None
    }

    /// Unions, intersections and differences, from left to right.
    fn set_expr(&mut self) -> Parsed {
        let mut left = self.quantity()?;
        loop {
            let op = match self.peek() {
                Some(Tok::Cmd("cup")) => SetOp::Union,
                Some(Tok::Cmd("cap")) => SetOp::Intersection,
                Some(Tok::Cmd("setminus")) => SetOp::Difference,
                _ => return Ok(left),
            };
            self.i += 1;
            let right = self.quantity()?;
            left = Expr::SetOp(op, Box::new(left), Box::new(right));
        }
    }

    /// A sum with what may follow it: units, "percent", "million", `: 2`.
    pub(super) fn quantity(&mut self) -> Parsed {
        let first = self.with_unit()?;
        if !self.is_sym(':') || matches!(first, Expr::Text(_)) {
            return Ok(first);
        }
        let mut parts = vec![first];
        while self.is_sym(':') && self.peek_at(1).is_some() {
            self.i += 1;
            parts.push(self.with_unit()?);
        }
        Ok(if parts.len() == 1 {
            parts.remove(0)
        } else {
            Expr::Ratio(parts)
        })
    }

    fn with_unit(&mut self) -> Parsed {
        let mut value = self.sum()?;
        loop {
            let Some(word) = self.word() else { return Ok(value) };
            if let Some(factor) = multiplier(word) {
                self.i += 1;
                value = Expr::Mul(vec![value, Expr::Num(RBig::from(IBig::from(factor)))]);
                continue;
            }
            match word.to_lowercase().as_str() {
                "and" | "or" | "和" | "或" | "且" | "与" | "或者" | "∧" | "∨" | "if" | "for" | "when"
                | "where" => {
                    return Ok(value);
                }
                "percent" | "percentage" | "per cent" => {
                    self.i += 1;
                    value = Expr::Percent(Box::new(value));
                    self.swallow_words();
                    return Ok(value);
                }
                "degree" | "degrees" | "deg" | "度" => {
                    self.i += 1;
                    value = match self.temperature() {
                        Some(unit) => Expr::Quantity(Box::new(value), unit),
                        None => Expr::Degrees(Box::new(value)),
                    };
                    self.swallow_words();
                    return Ok(value);
                }
                "radian" | "radians" | "rad" | "弧度" => {
                    self.i += 1;
                    return Ok(value);
                }
                _ => {}
            }
            if matches!(value, Expr::Text(_) | Expr::Quantity(..)) {
                return Ok(value);
            }
            let unit = self.unit()?;
            if unit.is_generic() {
                return Ok(value);
            }
            // "5 ft 3 in", "2 hours 30 minutes".
            let more = !unit.dims.is_empty() && matches!(self.peek(), Some(Tok::Num(..)));
            value = Expr::Quantity(Box::new(value), unit);
            if more {
                let rest = self.nested(Self::with_unit)?;
                let both = [value, rest];
                return compound(&both)
                    .ok_or_else(|| ParseError::Syntax("two quantities side by side".into()));
            }
        }
    }

    /// A unit after a number: from the table, or a noun phrase.
    fn unit(&mut self) -> Parsed<Unit> {
        let start = self.i;
        if let Some(unit) = self.table_unit() {
            self.swallow_words();
            return Ok(unit);
        }
        self.i = start;
        let mut words = Vec::new();
        while let Some(w) = self.word() {
            if matches!(w, "and" | "or" | "和" | "或" | "∧" | "∨") {
                break;
            }
            words.push(w.to_owned());
            self.i += 1;
            // "units²", "ways."
            if self.is_sym('^') {
                self.i += 1;
                self.argument()?;
            }
            if self.is_sym('-') && matches!(self.peek_at(1), Some(Tok::Word(_))) {
                self.i += 1;
            }
        }
        Ok(Unit::noun(&words))
    }

    fn table_unit(&mut self) -> Option<Unit> {
        let mut unit = self.unit_factor()?;
        loop {
            let divide = match self.peek() {
                Some(Tok::Sym('/')) if matches!(self.peek_at(1), Some(Tok::Word(_) | Tok::Letter(_))) => {
                    self.i += 1;
                    true
                }
                Some(Tok::Sym('*' | '-')) if matches!(self.peek_at(1), Some(Tok::Word(w)) if units::lookup(w).is_some()) =>
                {
                    self.i += 1;
                    false
                }
                Some(Tok::Word(w)) if matches!(w.as_str(), "per" | "a" | "an" | "each" | "每") => {
                    let next = self.peek_at(1);
                    if !matches!(next, Some(Tok::Word(n)) if units::lookup(n).is_some()) && w != "per" {
                        return Some(unit);
                    }
                    self.i += 1;
                    true
                }
                Some(Tok::Word(w))
                    if units::lookup(w).is_some() && !matches!(w.as_str(), "in" | "a" | "A" | "s" | "时") =>
                {
                    false
                }
                _ => return Some(unit),
            };
            match self.unit_factor() {
                Some(factor) => unit = unit.times(&factor, if divide { -1 } else { 1 }),
                None if divide => {
                    // "miles per gallon" is in the table; "dollars per ticket" is not.
                    let word = match self.peek() {
                        Some(Tok::Word(w)) => w.clone(),
                        _ => return None,
                    };
                    self.i += 1;
                    unit.noun = Unit::noun(&[word]).noun.map(|n| format!("per {n}"));
                    return Some(unit);
                }
                None => return Some(unit),
            }
        }
    }

    /// One unit with its power: `cm^2`, `square inches`, `hours`.
    fn unit_factor(&mut self) -> Option<Unit> {
        let word = match self.peek()? {
            Tok::Word(w) => w.clone(),
            Tok::Letter(w) => w.clone(),
            _ => return None,
        };
        let power = match word.to_lowercase().as_str() {
            "square" | "sq" | "平方" => 2,
            "cubic" | "cu" | "立方" => 3,
            _ => 1,
        };
        if power > 1 {
            self.i += 1;
            self.eat_sym('.');
            let Some(Tok::Word(base)) = self.peek() else {
                return None;
            };
            let base = units::lookup(base)?;
            self.i += 1;
            return Some(
                Unit {
                    dims: Vec::new(),
                    factor: RBig::ONE,
                    noun: None,
                }
                .times(&base, power),
            );
        }
        let base = units::lookup(&word)?;
        self.i += 1;
        let mut power = 1;
        if self.is_sym('^') {
            let (braced, at) = match self.peek_at(1) {
                Some(Tok::Sym('{')) => (true, 2),
                _ => (false, 1),
            };
            let (sign, at) = match self.peek_at(at) {
                Some(Tok::Sym('-')) => (-1, at + 1),
                _ => (1, at),
            };
            if let Some(Tok::Num(_, None, digits)) = self.peek_at(at)
                && let Ok(n @ 1..=4) = digits.parse::<i32>()
            {
                power = sign * n;
                self.i += at + 1 + usize::from(braced);
            }
        } else if matches!(self.word(), Some("squared")) {
            power = 2;
            self.i += 1;
        } else if matches!(self.word(), Some("cubed")) {
            power = 3;
            self.i += 1;
        }
        Some(
            Unit {
                dims: Vec::new(),
                factor: RBig::ONE,
                noun: None,
            }
            .times(&base, power),
        )
    }

    /// `C`, `Celsius`, `F`, `Fahrenheit` after a degree sign.
    pub(super) fn temperature(&mut self) -> Option<Unit> {
        let name = match self.peek()? {
            Tok::Word(w) | Tok::Letter(w) => w.as_str(),
            _ => return None,
        };
        let unit = match name {
            "C" | "Celsius" | "celsius" | "Centigrade" => "celsius",
            "F" | "Fahrenheit" | "fahrenheit" => "fahrenheit",
            _ => return None,
        };
        self.i += 1;
        units::lookup(unit)
    }

    /// Skips words that only describe a quantity ("5 cm tall").
    fn swallow_words(&mut self) {
        while let Some(w) = self.word() {
            if matches!(w, "and" | "or" | "和" | "或" | "且" | "与" | "∧" | "∨") {
                return;
            }
            self.i += 1;
        }
    }
}

/// "thousand", "million", "dozen", …
fn multiplier(word: &str) -> Option<u64> {
    Some(match word.to_lowercase().as_str() {
        "hundred" | "百" => 100,
        "thousand" | "千" => 1000,
        "万" => 10_000,
        "million" | "百万" => 1_000_000,
        "亿" => 100_000_000,
        "billion" => 1_000_000_000,
        "trillion" => 1_000_000_000_000,
        "dozen" => 12,
        _ => return None,
    })
}

/// Quantities of one dimension in falling units are one quantity: `2 hours and 30 minutes`, `5 ft 3 in`.
fn compound(items: &[Expr]) -> Option<Expr> {
    let mut total = RBig::ZERO;
    let mut last: Option<&Unit> = None;
    let mut first: Option<&Unit> = None;
    for item in items {
        let Expr::Quantity(value, unit) = item else {
            return None;
        };
        let (Expr::Num(v) | Expr::Decimal(v, _)) = &**value else {
            return None;
        };
        if unit.dims.is_empty() || last.is_some_and(|l| l.dims != unit.dims || l.factor <= unit.factor) {
            return None;
        }
        total += v * &unit.factor;
        last = Some(unit);
        first = first.or(Some(unit));
    }
    let unit = first?.clone();
    Some(Expr::Quantity(Box::new(Expr::Num(total / &unit.factor)), unit))
}
