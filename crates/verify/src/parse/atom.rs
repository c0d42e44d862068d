//! Numbers, brackets, fractions, matrices, sums with bounds.

use dashu_ratio::RBig;

use super::{Parsed, Parser, arith, special};
use crate::expr::{Brackets, Const, Expr, Func, LogicOp, NamedSet, RelOp, SetOp};
use crate::lex::Tok;
use crate::number;
use crate::units;

impl Parser<'_> {
    /// The smallest complete expression at the cursor.
    pub(super) fn primary(&mut self) -> Parsed {
        let Some(tok) = self.peek().cloned() else {
            return self.fail("an operand is missing");
        };
        match tok {
            Tok::Num(..) => self.number(),
            Tok::Vulgar(q) => {
                self.i += 1;
                Ok(Expr::Num(q))
            }
            Tok::Letter(name) => {
                self.i += 1;
                match arith::constant(&name) {
                    Some(c) if !self.is_sym('_') => Ok(Expr::Const(c)),
                    _ => self.applied(name),
                }
            }
            Tok::Word(_) => self.words(),
            Tok::Sym('(') => self.brackets('('),
            Tok::Sym('[') => self.brackets('['),
            Tok::Sym(']') => self.brackets(']'),
            Tok::Sym('{') => self.group(),
            Tok::Sym('|') => self.bars(),
            Tok::Sym('$') => self.money("$"),
            Tok::Rel(RelOp::Lt) if !self.angle => self.nested(Self::angle_brackets),
            Tok::Cmd(name) => {
                self.i += 1;
                self.command(name)
            }
            _ => self.fail("an operand is expected"),
        }
    }

    fn money(&mut self, name: &str) -> Parsed {
        self.i += 1;
        let value = self.factor()?;
        // "$2 million" is multiplied by what follows; the unit stays outside.
        let value = match self.word().map(str::to_lowercase).as_deref() {
            Some("thousand") => Expr::Mul(vec![value, Expr::int(1000)]),
            Some("million") => Expr::Mul(vec![value, Expr::int(1_000_000)]),
            Some("billion") => Expr::Mul(vec![value, Expr::int(1_000_000_000)]),
            _ => return self.priced(value, name),
        };
        self.i += 1;
        self.priced(value, name)
    }

    fn priced(&mut self, value: Expr, name: &str) -> Parsed {
        // "$5 dollars" says the same thing twice.
        if let Some(w) = self.word()
            && units::lookup(w).is_some_and(|u| Some(&u) == units::lookup(name).as_ref())
        {
            self.i += 1;
        }
        match units::lookup(name) {
            Some(unit) => Ok(Expr::Quantity(Box::new(value), unit)),
            None => self.fail("money"),
        }
    }

    /// A number, alone or as the whole part of a mixed number.
    fn number(&mut self) -> Parsed {
        let Some(Tok::Num(value, places, digits)) = self.peek().cloned() else {
            return self.fail("a number");
        };
        if number::bits(&value) > self.fuel.bits {
            return Err(super::ParseError::TooComplex(format!(
                "a number of {} digits",
                digits.len()
            )));
        }
        self.i += 1;
        if let Some(p) = places {
            return Ok(Expr::Decimal(value, p));
        }
        if value.is_int() && digits.bytes().all(|b| b.is_ascii_digit()) {
            if let Some(Tok::Vulgar(f)) = self.peek().cloned() {
                self.i += 1;
                return Ok(Expr::Num(value + f));
            }
            // 6\frac15
            if self.is_cmd("frac") {
                let start = self.i;
                self.i += 1;
                if let Some(f) = self.plain_fraction() {
                    return Ok(Expr::Num(value + f));
                }
                self.i = start;
            }
            // 3 1/2
            if self.space_before()
                && let (Some(Tok::Num(a, None, _)), Some(Tok::Sym('/')), Some(Tok::Num(b, None, _))) =
                    (self.peek(), self.peek_at(1), self.peek_at(2))
                && a < b
            {
                let f = a / b;
                self.i += 3;
                return Ok(Expr::Num(value + f));
            }
        }
        Ok(Expr::Num(value))
    }

    /// The arguments of `\frac` when both are integers and the value is below one; the cursor stays otherwise.
    fn plain_fraction(&mut self) -> Option<RBig> {
        let start = self.i;
        // \frac15
        if let Some(Tok::Num(_, None, digits)) = self.peek()
            && let [a @ b'0'..=b'9', b @ b'1'..=b'9'] = digits.as_bytes()
            && a < b
            && self.peek_at(1) != Some(&Tok::Sym('{'))
        {
            let value = RBig::from_parts((a - b'0').into(), (b - b'0').into());
            self.i += 1;
            return Some(value);
        }
        let a = self.plain_integer();
        let b = a.as_ref().and_then(|_| self.plain_integer());
        match (a, b) {
            (Some(a), Some(b)) if a < b => Some(a / b),
            _ => {
                self.i = start;
                None
            }
        }
    }

    fn plain_integer(&mut self) -> Option<RBig> {
        match self.peek()? {
            Tok::Num(v, None, digits) if digits.len() == 1 => {
                let v = v.clone();
                self.i += 1;
                Some(v)
            }
            Tok::Sym('{') => match (self.peek_at(1)?, self.peek_at(2)?) {
                (Tok::Num(v, None, _), Tok::Sym('}')) => {
                    let v = v.clone();
                    self.i += 3;
                    Some(v)
                }
                _ => None,
            },
            _ => None,
        }
    }

    /// One argument of `\frac` or `\binom`: a group, one digit of a number, or one token.
    fn tex_argument(&mut self) -> Parsed {
        if let Some(Tok::Num(_, None, digits)) = self.peek().cloned()
            && digits.len() > 1
            && digits.bytes().all(|b| b.is_ascii_digit())
        {
            let (head, tail) = digits.split_at(1);
            let rest = Tok::Num(number::decimal(tail, ""), None, tail.to_owned());
            self.toks[self.i].tok = rest;
            self.toks[self.i].space = false;
            return Ok(Expr::Num(number::decimal(head, "")));
        }
        self.argument()
    }

    /// Words as an operand: a number word, a named set, or text.
    fn words(&mut self) -> Parsed {
        let start = self.i;
        let mut all = Vec::new();
        while let Some(w) = self.word() {
            if matches!(w, "and" | "or" | "和" | "或" | "且" | "与" | "∧" | "∨") {
                break;
            }
            all.push(w.to_owned());
            self.i += 1;
        }
        if all.is_empty() {
            return self.fail("an operand is expected");
        }
        if let [only] = all.as_slice() {
            let named = match only.as_str() {
                "ℝ" => Some(NamedSet::Reals),
                "ℤ" => Some(NamedSet::Integers),
                "ℕ" => Some(NamedSet::Naturals),
                "ℚ" => Some(NamedSet::Rationals),
                "ℂ" => Some(NamedSet::Complexes),
                _ => None,
            };
            if let Some(set) = named {
                return Ok(Expr::Named(set));
            }
        }
        if matches!(all[0].as_str(), "€" | "£" | "￥" | "₹" | "USD" | "US") {
            self.i = start;
            if all[0] == "US" && self.peek_at(1) == Some(&Tok::Sym('$')) {
                self.i += 1;
                return self.money("$");
            }
            return self.money(if all[0] == "USD" { "$" } else { &all[0] });
        }
        // \operatorname{lcm}(4, 6)
        if let [only] = all.as_slice()
            && let Some(f) = crate::words::function_name(only)
        {
            return self.function(f);
        }
        // "The probability is 1/2."
        if matches!(
            all.last().map(String::as_str),
            Some("is" | "are" | "equals" | "be" | "是" | "为")
        ) && matches!(
            self.peek(),
            Some(Tok::Num(..) | Tok::Cmd("frac" | "sqrt" | "pi") | Tok::Sym('$' | '-'))
        ) {
            return self.sum();
        }
        // "three apples", "about 5", "x = five".
        for n in (1..=all.len()).rev() {
            if let Some(value) = special::number_words(&all[..n]) {
                self.i = start + n;
                return Ok(Expr::Num(value));
            }
        }
        let hedges = all.iter().take_while(|w| is_hedge(w)).count();
        if hedges > 0 {
            self.i = start + hedges;
            return self.factor();
        }
        let text = all.join(" ");
        if let Some(e) = special::phrase(&text) {
            return Ok(e);
        }
        if text.chars().count() == 1 {
            // \mathrm{e}, \text{x}
            return Ok(arith::constant(&text).map_or(Expr::Var(text), Expr::Const));
        }
        if self.is_sym('_') || self.is_sym('(') || self.is_sym('^') {
            return self.fail("words");
        }
        // Upright letters may be a product of variables or a name; they are kept as written.
        Ok(Expr::Text(special::normal_text(&text)))
    }

    /// A `{…}` group; in plain text a set.
    pub(super) fn group(&mut self) -> Parsed {
        self.nested(|p| {
            p.i += 1;
            if p.eat_sym('}') {
                return if p.latex {
                    p.fail("an empty group")
                } else {
                    Ok(Expr::Named(NamedSet::Empty))
                };
            }
            if let Some(b) = p.builder('}')? {
                return Ok(b);
            }
            let bars = std::mem::take(&mut p.bars);
            let mut items = p.bracketed_items()?;
            if items.len() == 1 && (p.is_cmd("choose") || p.is_cmd("over")) {
                let choose = p.is_cmd("choose");
                p.i += 1;
                let top = items.remove(0);
                let bottom = p.sum()?;
                items.push(if choose {
                    Expr::Call(Func::Binomial, vec![top, bottom])
                } else {
                    Expr::Div(Box::new(top), Box::new(bottom))
                });
            }
            p.bars = bars;
            if !p.eat_sym('}') {
                return p.fail("a group is not closed");
            }
            Ok(if items.len() == 1 {
                items.remove(0)
            } else {
                Expr::Seq(Brackets::Brace, items)
            })
        })
    }

    /// `x \in A : condition` or `x | condition` after an opening brace; `None` leaves the cursor alone.
    fn builder(&mut self, close: char) -> Parsed<Option<Expr>> {
        let Some(Tok::Letter(var)) = self.peek().cloned() else {
            return Ok(None);
        };
        let start = self.i;
        self.i += 1;
        let mut domain = None;
        if self.peek() == Some(&Tok::Rel(RelOp::In))
            && matches!(self.peek_at(1), Some(Tok::Word(_) | Tok::Cmd("mathbb")))
        {
            self.i += 1;
            domain = Some(self.primary()?);
        }
        if !(self.is_sym('|') || self.is_sym(':')) {
            self.i = start;
            return Ok(None);
        }
        self.i += 1;
        let condition = self.nested(Self::answer)?;
        let closed = if close == '}' && self.is_cmd("rbrace") {
            self.eat_cmd("rbrace")
        } else {
            self.eat_sym(close)
        };
        if !closed {
            return self.fail("a set is not closed");
        }
        // Commas between conditions mean "and".
        let condition = match condition {
            Expr::Seq(Brackets::Bare, items) => Expr::Logic(LogicOp::And, items),
            other => other,
        };
        let set = Expr::Builder(var, Box::new(condition));
        Ok(Some(match domain {
            Some(Expr::Named(NamedSet::Reals)) | None => set,
            Some(d) => Expr::SetOp(SetOp::Intersection, Box::new(set), Box::new(d)),
        }))
    }

    /// `( … )`, `[ … ]` and their mixtures: a group, a tuple or an interval.
    fn brackets(&mut self, open: char) -> Parsed {
        self.nested(|p| {
            p.i += 1;
            let bars = std::mem::take(&mut p.bars);
            let congruence = std::mem::take(&mut p.congruence);
            let outward = std::mem::replace(&mut p.outward, open == ']');
            let mut items = p.bracketed_items()?;
            p.bars = bars;
            p.congruence = congruence;
            p.outward = outward;
            let close = match p.peek() {
                Some(Tok::Sym(c @ (')' | ']'))) => *c,
                // ]0, 1[ closes with an opening bracket.
                Some(Tok::Sym('[')) if items.len() == 2 => '[',
                _ => return p.fail("a bracket is not closed"),
            };
            p.i += 1;
            if items.len() == 1 {
                return match (open, close) {
                    ('(', ')') => Ok(items.remove(0)),
                    ('[', ']') => Ok(match items.remove(0) {
                        m @ Expr::Matrix(_) => m,
                        one => Expr::Seq(Brackets::Square, vec![one]),
                    }),
                    _ => p.fail("brackets do not match"),
                };
            }
            let kind = match (open, close) {
                ('(', ')') => Brackets::Paren,
                ('[', ']') => Brackets::Square,
                (']', '[') => Brackets::Paren,
                ('[', ')' | '[') => Brackets::ClosedOpen,
                ('(' | ']', ']') => Brackets::OpenClosed,
                _ => return p.fail("brackets do not match"),
            };
            if matches!(kind, Brackets::ClosedOpen | Brackets::OpenClosed) && items.len() != 2 {
                return p.fail("an interval has two ends");
            }
            // [[1, 2], [3, 4]] is a matrix.
            if kind == Brackets::Square
                && let Some(rows) = rows_of(&items)
            {
                return Ok(Expr::Matrix(rows));
            }
            Ok(Expr::Seq(kind, items))
        })
    }

    /// `<1, 2>`, a vector in plain text.
    fn angle_brackets(&mut self) -> Parsed {
        self.i += 1;
        self.angle = true;
        let items = self.bracketed_items()?;
        self.angle = false;
        if items.len() < 2 || self.peek() != Some(&Tok::Rel(RelOp::Gt)) {
            return self.fail("an angle bracket is not closed");
        }
        self.i += 1;
        Ok(Expr::Seq(Brackets::Angle, items))
    }

    /// `|x|`, or the determinant of a matrix between bars.
    fn bars(&mut self) -> Parsed {
        self.nested(|p| {
            p.i += 1;
            p.bars += 1;
            let inner = p.sum()?;
            p.bars -= 1;
            if !p.eat_sym('|') {
                return p.fail("a bar is not closed");
            }
            let f = if matches!(inner, Expr::Matrix(_)) {
                Func::Det
            } else {
                Func::Abs
            };
            Ok(Expr::Call(f, vec![inner]))
        })
    }

    /// Reads items up to a closing command.
    fn between(&mut self, close: &'static str) -> Parsed<Vec<Expr>> {
        self.nested(|p| {
            let bars = std::mem::take(&mut p.bars);
            let items = p.bracketed_items()?;
            p.bars = bars;
            if p.eat_cmd(close) {
                Ok(items)
            } else {
                p.fail("a bracket is not closed")
            }
        })
    }

    fn single(&mut self, close: &'static str) -> Parsed {
        let mut items = self.between(close)?;
        if items.len() == 1 {
            Ok(items.remove(0))
        } else {
            self.fail("one expression is expected between brackets")
        }
    }

    fn command(&mut self, name: &'static str) -> Parsed {
        match name {
            "pi" if self.is_sym('_') => Ok(Expr::Var("pi".into())),
            "pi" => Ok(Expr::Const(Const::Pi)),
            "infty" => Ok(Expr::Const(Const::Infinity)),
            "frac" => {
                let (a, b) = (self.tex_argument()?, self.tex_argument()?);
                Ok(Expr::Div(Box::new(a), Box::new(b)))
            }
            "binom" => {
                let args = if self.is_sym('(') {
                    self.call_arguments()?
                } else {
                    vec![self.tex_argument()?, self.tex_argument()?]
                };
                if args.len() == 2 {
                    Ok(Expr::Call(Func::Binomial, args))
                } else {
                    self.fail("a binomial has two arguments")
                }
            }
            "sqrt" | "cbrt" => self.root(name),
            "pm" | "mp" => {
                let e = self.factor()?;
                Ok(Expr::PlusMinus(name == "pm", Box::new(e)))
            }
            "lbrace" => self.nested(Self::set),
            "lfloor" => Ok(Expr::Call(Func::Floor, vec![self.single("rfloor")?])),
            "lceil" => Ok(Expr::Call(Func::Ceil, vec![self.single("rceil")?])),
            "langle" => Ok(Expr::Seq(Brackets::Angle, self.between("rangle")?)),
            "emptyset" => Ok(Expr::Named(NamedSet::Empty)),
            "dots" => Ok(Expr::Text("…".into())),
            "begin" => self.nested(Self::environment),
            "sum" | "prod" => self.nested(|p| p.big(name == "sum")),
            "overline" => {
                let inner = self.argument()?;
                let names = inner
                    .any(&|e| matches!(e, Expr::Var(v) if v.starts_with(|c: char| c.is_ascii_uppercase())));
                Ok(if names {
                    inner
                } else {
                    Expr::Call(Func::Conj, vec![inner])
                })
            }
            "bold" | "hat" | "vec" | "tilde" | "dot" => self.decorated(name),
            "mathbb" => self.blackboard(),
            _ => self.function(name),
        }
    }

    fn root(&mut self, name: &'static str) -> Parsed {
        let mut index = if name == "cbrt" {
            Expr::int(3)
        } else {
            Expr::int(2)
        };
        if self.eat_sym('[') {
            index = self.sum()?;
            if !self.eat_sym(']') {
                return self.fail("the index of a root is not closed");
            }
        }
        let inner = if self.is_sym('(') {
            let mut args = self.call_arguments()?;
            if args.len() != 1 {
                return self.fail("a root has one argument");
            }
            args.remove(0)
        } else {
            self.argument()?
        };
        match &index {
            Expr::Num(n) => match number::small(n) {
                Some(n @ 2..=64) => Ok(Expr::Root(Box::new(inner), n as u32)),
                Some(1) => Ok(inner),
                _ => self.fail("the index of a root"),
            },
            _ => Ok(Expr::Pow(
                Box::new(inner),
                Box::new(Expr::Div(Box::new(Expr::int(1)), Box::new(index))),
            )),
        }
    }

    /// `\{ … \}`, or a system of equations after a lone brace.
    fn set(&mut self) -> Parsed {
        if self.eat_cmd("rbrace") {
            return Ok(Expr::Named(NamedSet::Empty));
        }
        if self.is_cmd("begin") {
            self.i += 1;
            let system = self.environment()?;
            self.eat_cmd("rbrace");
            return Ok(match system {
                Expr::Matrix(rows) => Expr::Logic(LogicOp::And, rows.into_iter().flatten().collect()),
                other => other,
            });
        }
        if let Some(b) = self.builder('}')? {
            return Ok(b);
        }
        Ok(Expr::Seq(Brackets::Brace, self.between("rbrace")?))
    }

    fn decorated(&mut self, name: &str) -> Parsed {
        let inner = self.argument()?;
        let letter = match &inner {
            Expr::Var(v) => v.clone(),
            Expr::Const(Const::I) => "i".into(),
            Expr::Const(Const::E) => "e".into(),
            _ => return Ok(inner),
        };
        // Bold or hatted i, j, k are the unit vectors.
        if matches!(name, "bold" | "hat" | "vec") && matches!(letter.as_str(), "i" | "j" | "k") {
            return Ok(Expr::Var(format!("unit {letter}")));
        }
        Ok(Expr::Var(letter))
    }

    fn blackboard(&mut self) -> Parsed {
        let letter = match self.argument()? {
            Expr::Var(v) | Expr::Text(v) => v,
            _ => return self.fail("a blackboard letter"),
        };
        let set = match letter.to_uppercase().as_str() {
            "R" => NamedSet::Reals,
            "Z" => NamedSet::Integers,
            "N" => NamedSet::Naturals,
            "Q" => NamedSet::Rationals,
            "C" => NamedSet::Complexes,
            _ => return Ok(Expr::Var(letter)),
        };
        // \mathbb{R}^+ and the like are other sets.
        if self.is_sym('^') || self.is_sym('_') {
            return self.fail("a set with an index");
        }
        Ok(Expr::Named(set))
    }

    /// `\sum_{k=1}^{n} body`.
    fn big(&mut self, sum: bool) -> Parsed {
        if !self.eat_sym('_') || !self.eat_sym('{') {
            return self.fail("a sum needs its lower bound");
        }
        let index = match self.peek() {
            Some(Tok::Letter(v)) => v.clone(),
            _ => return self.fail("a sum needs its index"),
        };
        self.i += 1;
        if self.peek() != Some(&Tok::Rel(RelOp::Eq)) {
            return self.fail("a sum needs its lower bound");
        }
        self.i += 1;
        let from = self.sum()?;
        if !self.eat_sym('}') || !self.eat_sym('^') {
            return self.fail("a sum needs its upper bound");
        }
        let to = self.argument()?;
        let body = self.signed_body()?;
        // The index may be called i or e.
        let constant = arith::constant(&index);
        let body = if let Some(c) = constant {
            rename(&body, c, &index)
        } else {
            body
        };
        Ok(Expr::Big {
            sum,
            index,
            from: Box::new(from),
            to: Box::new(to),
            body: Box::new(body),
        })
    }

    fn signed_body(&mut self) -> Parsed {
        if self.eat_sym('-') {
            return Ok(Expr::Neg(Box::new(self.term()?)));
        }
        self.term()
    }

    /// `\begin{name} … \end{name}`; the command has been read.
    fn environment(&mut self) -> Parsed {
        let name = self.environment_name()?;
        let lines = matches!(
            name.trim_end_matches('*'),
            "cases" | "aligned" | "align" | "gathered" | "gather" | "split" | "equation"
        );
        if name == "array" && self.is_sym('{') {
            self.environment_name_group()?;
        }
        let mut rows = vec![Vec::new()];
        loop {
            match self.peek() {
                None => return self.fail("an environment is not closed"),
                Some(Tok::Cmd("end")) => {
                    self.i += 1;
                    if self.environment_name()? != name {
                        return self.fail("environments do not match");
                    }
                    break;
                }
                Some(Tok::Cmd("newline")) => {
                    self.i += 1;
                    rows.push(Vec::new());
                }
                Some(Tok::Sym('&' | ',' | ';')) => self.i += 1,
                Some(Tok::Sym('.')) if lines => self.i += 1,
                _ => {
                    let cell = if lines { self.aligned()? } else { self.relation()? };
                    if let Some(row) = rows.last_mut() {
                        row.push(cell);
                    }
                }
            }
        }
        rows.retain(|r| !r.is_empty());
        if rows.is_empty() {
            return self.fail("an environment is empty");
        }
        let relations = rows.iter().flatten().all(|e| matches!(e, Expr::Rel(..)));
        if lines || (relations && name == "array") {
            if rows.iter().any(|r| r.len() != 1) {
                return self.fail("a line of a system");
            }
            let items: Vec<Expr> = rows.into_iter().flatten().collect();
            return Ok(if items.iter().all(|e| matches!(e, Expr::Rel(..))) {
                Expr::Logic(LogicOp::And, items)
            } else {
                Expr::Seq(Brackets::Bare, items)
            });
        }
        if rows.iter().any(|r| r.len() != rows[0].len()) {
            return self.fail("the rows of a matrix have different lengths");
        }
        let matrix = Expr::Matrix(rows);
        Ok(if name == "vmatrix" {
            Expr::Call(Func::Det, vec![matrix])
        } else {
            matrix
        })
    }

    /// One line of a system, with its alignment marks removed.
    fn aligned(&mut self) -> Parsed {
        let mut end = self.i;
        let mut depth = 0usize;
        while let Some(t) = self.toks.get(end) {
            match t.tok {
                Tok::Cmd("begin") => depth += 1,
                Tok::Cmd("end") if depth > 0 => depth -= 1,
                Tok::Cmd("newline" | "end") if depth == 0 => break,
                _ => {}
            }
            end += 1;
        }
        let mut k = self.i;
        while k < end {
            if self.toks[k].tok == Tok::Sym('&') {
                self.toks.remove(k);
                end -= 1;
            } else {
                k += 1;
            }
        }
        self.relation()
    }

    fn environment_name(&mut self) -> Parsed<String> {
        if !self.is_sym('{') {
            return self.fail("the name of an environment");
        }
        self.environment_name_group()
    }

    fn environment_name_group(&mut self) -> Parsed<String> {
        self.i += 1;
        let mut name = String::new();
        loop {
            match self.peek() {
                Some(Tok::Sym('}')) => {
                    self.i += 1;
                    return Ok(name);
                }
                Some(tok) => name.push_str(&arith::written(tok)),
                None => return self.fail("the name of an environment is not closed"),
            }
            self.i += 1;
        }
    }
}

fn is_hedge(word: &str) -> bool {
    matches!(
        word.to_lowercase().as_str(),
        "about"
            | "approximately"
            | "approx"
            | "exactly"
            | "roughly"
            | "only"
            | "just"
            | "around"
            | "nearly"
            | "约"
            | "大约"
    )
}

/// The rows of a list of equally long lists.
fn rows_of(items: &[Expr]) -> Option<Vec<Vec<Expr>>> {
    let rows: Option<Vec<Vec<Expr>>> = items
        .iter()
        .map(|e| match e {
            Expr::Seq(Brackets::Square, v) => Some(v.clone()),
            _ => None,
        })
        .collect();
    rows.filter(|r| r.iter().all(|row| row.len() == r[0].len()) && (r.len() > 1 || r[0].len() > 1))
}

/// The constant a letter was read as, turned back into the variable.
fn rename(e: &Expr, c: Const, name: &str) -> Expr {
    match e {
        Expr::Const(k) if *k == c => Expr::Var(name.to_owned()),
        other => other.map(&mut |x| rename(x, c, name)),
    }
}
