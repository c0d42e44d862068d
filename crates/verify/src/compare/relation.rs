//! Labels, equations, inequalities, systems, congruences.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use dashu_int::IBig;
use dashu_ratio::RBig;

use super::{Compared, Comparer, Decision};
use crate::expr::{Brackets, Expr, LogicOp, RelOp};
use crate::fuel::Stop;
use crate::norm::{self, Frac, Gen, Mono, Poly, Ratio};
use crate::scalar;

/// An answer without its label.
struct Unlabelled {
    label: Option<Expr>,
    value: Expr,
}

/// Values by the names they are assigned to, sorted by name.
type Assignments = Vec<(String, Expr)>;

impl Comparer {
    /// Answers of which at least one is a relation or a system of them.
    pub(super) fn relations(&mut self, a: &Expr, b: &Expr) -> Result<Option<Decision>, Stop> {
        let (p, q) = (holds_relation(a), holds_relation(b));
        if !p && !q {
            return Ok(None);
        }
        if let (Some(x), Some(y)) = (assignments(a), assignments(b)) {
            return self.assigned(&x, &y).map(Some);
        }
        if let Some(d) = self.assigned_tuple(a, b)? {
            return Ok(Some(d));
        }
        if assignments(a).is_some() != assignments(b).is_some() {
            return match (a, b) {
                (
                    Expr::Logic(LogicOp::And, u) | Expr::Seq(Brackets::Bare, u),
                    Expr::Logic(LogicOp::And, v) | Expr::Seq(Brackets::Bare, v),
                ) if u.iter().chain(v).all(|e| matches!(e, Expr::Rel(..))) => self.unordered(u, v).map(Some),
                _ => Ok(Some(Decision::no(
                    "system",
                    "named values against something else",
                ))),
            };
        }
        let (x, y) = match (self.unlabelled(a)?, self.unlabelled(b)?) {
            (Some(x), Some(y)) => (x, y),
            _ => {
                return Ok(Some(Decision::no(
                    "equation",
                    "a chain of equations contradicts itself",
                )));
            }
        };
        match (&x.label, &y.label) {
            (None, None) if x.value == *a && y.value == *b => {}
            (Some(m), Some(n)) if m != n && (self.strict() || !alike(m, n)) => {
                if let (Expr::Rel(..), Expr::Rel(..)) = (a, b) {
                    return self.equations(a, b).map(Some);
                }
                return Ok(Some(Decision::no("label", "the labels differ")));
            }
            (m, n) => {
                let equation = |e: &Expr| matches!(e, Expr::Rel(_, ops) if ops.as_slice() == [RelOp::Eq]);
                if m.is_some() != n.is_some()
                    && equation(a)
                    && equation(b)
                    && (equation(&x.value) || equation(&y.value))
                {
                    return self.equations(a, b).map(Some);
                }
                if self.strict() && m.is_some() != n.is_some() {
                    return Ok(Some(Decision::no("label", "only one of them has a label")));
                }
                return self.same(&x.value, &y.value).map(Some);
            }
        }
        match (a, b) {
            (Expr::Rel(u, ops), Expr::Rel(v, qops)) => self.two_relations(a, b, (u, ops), (v, qops)),
            (Expr::Logic(m, u), Expr::Logic(n, v)) if m == n => {
                if let Some(d) = self.real_sets(a, b)? {
                    return Ok(Some(d));
                }
                self.unordered(u, v).map(Some)
            }
            // A system may be a list.
            (Expr::Logic(LogicOp::And, u), Expr::Seq(Brackets::Bare, v))
            | (Expr::Seq(Brackets::Bare, u), Expr::Logic(LogicOp::And, v)) => self.unordered(u, v).map(Some),
            _ => Ok(None),
        }
    }

    /// Removes labels (`x =`) and approximations; `None` when a chain contradicts itself.
    fn unlabelled(&mut self, e: &Expr) -> Result<Option<Unlabelled>, Stop> {
        let plain = |value: Expr| Ok(Some(Unlabelled { label: None, value }));
        match e {
            Expr::Rel(v, ops) => {
                if let ([Expr::Var(_), set @ Expr::Seq(Brackets::Brace, _)], [RelOp::In]) =
                    (v.as_slice(), ops.as_slice())
                {
                    return Ok(Some(Unlabelled {
                        label: Some(v[0].clone()),
                        value: set.clone(),
                    }));
                }
                if !ops.iter().all(|o| matches!(o, RelOp::Eq | RelOp::Approx)) {
                    return plain(e.clone());
                }
                // What stands before ≈ is exact, unless it is only a label.
                let cut = ops
                    .iter()
                    .position(|o| *o == RelOp::Approx)
                    .filter(|&i| i > 0 || !is_label(&v[0]));
                let v = &v[..cut.map_or(v.len(), |i| i + 1)];
                if v.len() == 1 {
                    return plain(v[0].clone());
                }
                self.chain(v, e)
            }
            Expr::Seq(Brackets::Bare, items) | Expr::Logic(LogicOp::Or | LogicOp::And, items) => {
                let Some((label, values)) = solutions(items) else {
                    return plain(e.clone());
                };
                Ok(Some(Unlabelled {
                    label: Some(label),
                    value: Expr::Seq(Brackets::Bare, values),
                }))
            }
            _ => plain(e.clone()),
        }
    }

    fn chain(&mut self, v: &[Expr], whole: &Expr) -> Result<Option<Unlabelled>, Stop> {
        let (Some(first), Some(last)) = (v.first(), v.last()) else {
            return Ok(None);
        };
        let numeric = |e: &Expr| {
            e.variables().is_empty()
                && !matches!(e, Expr::Text(_))
                && !e.any(&|x| matches!(x, Expr::Apply(..)))
        };
        let (label, values) = if is_label(first) && !mentions(last, first) {
            (Some(first.clone()), &v[1..])
        } else if v.len() == 2 && is_label(last) && numeric(first) {
            (Some(last.clone()), &v[..1])
        } else if v.iter().all(numeric) {
            (None, v)
        } else if v.len() > 2 && v.iter().skip(1).all(numeric) {
            // An expression worked out: f(2) + 1 = 2 + 3 = 5.
            (None, &v[1..])
        } else {
            return Ok(Some(Unlabelled {
                label: None,
                value: whole.clone(),
            }));
        };
        for pair in values.windows(2) {
            if pair.iter().all(numeric) && !matches!(pair[0], Expr::Seq(..)) {
                match self.same(&pair[0], &pair[1]) {
                    Ok(d) if !d.same && !is_rounding(&pair[1]) => return Ok(None),
                    Err(s @ Stop::Fuel(_)) => return Err(s),
                    _ => {}
                }
            }
        }
        // Of a chain the exact value counts, not its rounding.
        let value = values
            .iter()
            .rev()
            .find(|e| !is_rounding(e))
            .or(values.last())
            .unwrap_or(last);
        let value = if values.len() > 1 && is_rounding(last) {
            value
        } else {
            values.last().unwrap_or(last)
        };
        Ok(Some(Unlabelled {
            label,
            value: value.clone(),
        }))
    }

    fn assigned(&mut self, x: &Assignments, y: &Assignments) -> Compared {
        if x.len() != y.len() || x.iter().zip(y).any(|(p, q)| p.0 != q.0) {
            return Ok(Decision::no("system", "different unknowns are given"));
        }
        let mut method = "system";
        for ((name, p), (_, q)) in x.iter().zip(y) {
            let d = self.same(p, q)?;
            if !d.same {
                return Ok(Decision::no(d.method, format!("{name}: {}", d.why)));
            }
            method = d.method;
        }
        Ok(Decision::yes(method, "every unknown agrees"))
    }

    /// `x = 1, y = 2` for `(1, 2)`: names in alphabetical order.
    fn assigned_tuple(&mut self, a: &Expr, b: &Expr) -> Result<Option<Decision>, Stop> {
        let (x, tuple, swapped) = match (assignments(a), assignments(b), a, b) {
            (Some(x), None, _, Expr::Seq(Brackets::Paren, t)) => (x, t, false),
            (None, Some(x), Expr::Seq(Brackets::Paren, t), _) => (x, t, true),
            _ => return Ok(None),
        };
        if self.strict() || x.len() != tuple.len() {
            return Ok(Some(Decision::no("system", "named values against a tuple")));
        }
        let values = Expr::Seq(Brackets::Paren, x.into_iter().map(|p| p.1).collect());
        let tuple = Expr::Seq(Brackets::Paren, tuple.clone());
        if swapped {
            self.same(&tuple, &values).map(Some)
        } else {
            self.same(&values, &tuple).map(Some)
        }
    }

    fn two_relations(
        &mut self,
        a: &Expr,
        b: &Expr,
        (u, ops): (&[Expr], &[RelOp]),
        (v, qops): (&[Expr], &[RelOp]),
    ) -> Result<Option<Decision>, Stop> {
        if let ([RelOp::Congruent, RelOp::Divides], [RelOp::Congruent, RelOp::Divides]) = (ops, qops) {
            return self.congruences(u, v).map(Some);
        }
        if ops == [RelOp::Eq] && qops == [RelOp::Eq] {
            return self.equations(a, b).map(Some);
        }
        if let Some(d) = self.real_sets(a, b)? {
            return Ok(Some(d));
        }
        let ordering = |o: &RelOp| matches!(o, RelOp::Lt | RelOp::Le | RelOp::Gt | RelOp::Ge | RelOp::Ne);
        if ops.iter().all(ordering) && qops.iter().all(ordering) {
            if ops.len() == 1 && qops.len() == 1 {
                return self
                    .inequalities((&u[0], ops[0], &u[1]), (&v[0], qops[0], &v[1]))
                    .map(Some);
            }
            let links = |v: &[Expr], ops: &[RelOp]| -> Vec<Expr> {
                v.windows(2)
                    .zip(ops)
                    .map(|(w, o)| Expr::Rel(w.to_vec(), vec![*o]))
                    .collect()
            };
            return self.unordered(&links(u, ops), &links(v, qops)).map(Some);
        }
        if ops != qops || u.len() != v.len() {
            return Ok(Some(Decision::no("relation", "different relations")));
        }
        let symmetric = matches!(ops, [RelOp::Parallel | RelOp::Perpendicular | RelOp::Similar]);
        if symmetric {
            return self.unordered(u, v).map(Some);
        }
        for (p, q) in u.iter().zip(v) {
            let d = match self.same(p, q) {
                Err(Stop::Unsupported) if p == q => continue,
                other => other?,
            };
            if !d.same {
                return Ok(Some(d));
            }
        }
        Ok(Some(Decision::yes(
            "relation",
            "the same relation of the same things",
        )))
    }

    fn congruences(&mut self, u: &[Expr], v: &[Expr]) -> Compared {
        let [x, r, m] = u else {
            return Err(Stop::Unsupported);
        };
        let [y, s, n] = v else {
            return Err(Stop::Unsupported);
        };
        if !self.same(x, y)?.same || !self.same(m, n)?.same {
            return Ok(Decision::no("congruence", "different unknowns or moduli"));
        }
        let quotient = Expr::Div(
            Box::new(Expr::Add(vec![r.clone(), Expr::Neg(Box::new(s.clone()))])),
            Box::new(m.clone()),
        );
        let q = norm::to_ratio(&quotient, &mut self.meter)?;
        let same = q.as_rational().is_some_and(|q| q.is_int());
        Ok(Decision {
            same,
            method: "congruence",
            why: format!("the residues differ by {} times the modulus", norm::ratio_key(&q)),
        })
    }

    /// Equations are the same when their sides' differences are, up to a constant factor that is not zero.
    fn equations(&mut self, a: &Expr, b: &Expr) -> Compared {
        let (Expr::Rel(u, _), Expr::Rel(v, _)) = (a, b) else {
            return Err(Stop::Unsupported);
        };
        if u.len() != 2 || v.len() != 2 {
            return self.unordered(u, v);
        }
        if self.sides_agree(u, v)? {
            return Ok(Decision::yes("equation", "both sides agree"));
        }
        let (p, q) = (difference(&u[0], &u[1]), difference(&v[0], &v[1]));
        self.proportional(&p, &q, false)
    }

    /// Whether both sides agree, for sides that are no numbers (`f(x) = …`, tuples, words).
    fn sides_agree(&mut self, u: &[Expr], v: &[Expr]) -> Result<bool, Stop> {
        if u.iter().chain(v).all(is_number) {
            return Ok(false);
        }
        for (p, q) in u.iter().zip(v) {
            match self.same(p, q) {
                Ok(d) if d.same => {}
                Err(Stop::Unsupported) if p == q => {}
                Ok(_) | Err(Stop::Unsupported) => return Ok(false),
                Err(e) => return Err(e),
            }
        }
        Ok(true)
    }

    fn inequalities(&mut self, a: (&Expr, RelOp, &Expr), b: (&Expr, RelOp, &Expr)) -> Compared {
        let upright = |(l, op, r): (&Expr, RelOp, &Expr)| match op {
            RelOp::Lt => (difference(r, l), RelOp::Gt),
            RelOp::Le => (difference(r, l), RelOp::Ge),
            op => (difference(l, r), op),
        };
        let ((p, f), (q, g)) = (upright(a), upright(b));
        if f != g {
            return Ok(Decision::no("inequality", "one is strict and the other is not"));
        }
        self.proportional(&p, &q, f != RelOp::Ne)
    }

    /// Whether `p = c q` with a constant c, positive or just not zero.
    fn proportional(&mut self, p: &Expr, q: &Expr, positive: bool) -> Compared {
        let method = "equation up to a factor";
        if p.variables() != q.variables() {
            return Ok(Decision::no(method, "different unknowns occur"));
        }
        if !positive
            && let (Ok(x), Ok(y)) = (
                norm::to_ratio(p, &mut self.meter),
                norm::to_ratio(q, &mut self.meter),
            )
            && let Some(d) = self.forms_proportional(&x, &y)?
        {
            return Ok(d);
        }
        // Compare p(x) q(x0) with q(x) p(x0) for a fixed x0.
        for k in 0..4 {
            let (c, d) = (at(p, k), at(q, k));
            let zero = Expr::int(0);
            let nonzero = |me: &mut Self, e: &Expr| scalar::equal(e, &zero, &mut me.meter).map(|r| !r.equal);
            let (cn, dn) = match (nonzero(self, &c), nonzero(self, &d)) {
                (Ok(cn), Ok(dn)) => (cn, dn),
                (Err(Stop::Undefined(_)), _) | (_, Err(Stop::Undefined(_))) => continue,
                (Err(e), _) | (_, Err(e)) => return Err(e),
            };
            if cn != dn {
                return Ok(Decision::no(
                    method,
                    "one holds at a point where the other does not",
                ));
            }
            if !cn {
                continue;
            }
            if positive {
                let (m, n) = (
                    scalar::order(&c, &zero, &mut self.meter)?,
                    scalar::order(&d, &zero, &mut self.meter)?,
                );
                if m != n || m == Ordering::Equal {
                    return Ok(Decision::no(method, "they point in opposite directions"));
                }
            }
            let e = scalar::equal(
                &Expr::Mul(vec![p.clone(), d]),
                &Expr::Mul(vec![q.clone(), c]),
                &mut self.meter,
            )?;
            return Ok(Decision {
                same: e.equal,
                method,
                why: e.why,
            });
        }
        Err(Stop::Fuel("no point shows the factor between two equations"))
    }

    /// Multiplies by the powers of variables that stand in denominators.
    fn without_denominators(&mut self, p: &Poly) -> Result<Poly, Stop> {
        let mut factor = Vec::new();
        for g in p.generators() {
            let least = p
                .terms
                .keys()
                .map(|m| m.exponent(&g))
                .min_by(|a, b| (a.n * b.d).cmp(&(b.n * a.d)));
            if let (Gen::Var(_), Some(e)) = (&*g, least)
                && e.n < 0
            {
                factor.push((g.clone(), Frac { n: -e.n, d: e.d }));
            }
        }
        let factor = Poly::term(RBig::ONE, Mono(factor), &mut self.meter)?;
        p.mul(&factor, &mut self.meter)
    }

    fn forms_proportional(&mut self, x: &Ratio, y: &Ratio) -> Result<Option<Decision>, Stop> {
        let method = "equation up to a factor";
        let (p, q) = (
            self.without_denominators(&x.num)?,
            self.without_denominators(&y.num)?,
        );
        let (g, h) = (by_variables(&p), by_variables(&q));
        let (Some((lead, c)), Some((other, d))) = (g.iter().next_back(), h.iter().next_back()) else {
            return Ok(None);
        };
        let exact = x.is_exact() && y.is_exact();
        if lead == other {
            let left = p.mul(d, &mut self.meter)?;
            let right = q.mul(c, &mut self.meter)?;
            if left == right {
                return Ok(Some(Decision::yes(
                    method,
                    "the same equation but for a constant factor",
                )));
            }
        }
        Ok(exact.then(|| Decision::no(method, "no constant factor turns one into the other")))
    }
}

/// The coefficient of every product of variables.
fn by_variables(p: &Poly) -> BTreeMap<Mono, Poly> {
    let mut out: BTreeMap<Mono, Poly> = BTreeMap::new();
    for (m, c) in &p.terms {
        let (vars, rest): (Vec<_>, Vec<_>) =
            m.0.iter()
                .cloned()
                .partition(|(g, _)| matches!(**g, Gen::Var(_) | Gen::Power(..) | Gen::Opaque(_)));
        out.entry(Mono(vars))
            .or_default()
            .terms
            .insert(Mono(rest), c.clone());
    }
    out
}

fn difference(l: &Expr, r: &Expr) -> Expr {
    Expr::Add(vec![l.clone(), Expr::Neg(Box::new(r.clone()))])
}

/// The expression at a fixed rational point.
fn at(e: &Expr, k: i64) -> Expr {
    let names = e.variables();
    fn put(e: &Expr, names: &[String], k: i64) -> Expr {
        match e {
            Expr::Var(v) => match names.iter().position(|n| n == v) {
                Some(i) => Expr::Num(RBig::from_parts(
                    IBig::from(31 + 7 * i as i64 + 5 * k),
                    23u8.into(),
                )),
                None => e.clone(),
            },
            other => other.map(&mut |x| put(x, names, k)),
        }
    }
    put(e, &names, k)
}

fn is_number(e: &Expr) -> bool {
    !matches!(
        e,
        Expr::Text(_)
            | Expr::Seq(..)
            | Expr::Matrix(_)
            | Expr::Named(_)
            | Expr::Apply(..)
            | Expr::Quantity(..)
            | Expr::SetOp(..)
    )
}

fn is_rounding(e: &Expr) -> bool {
    match e {
        Expr::Decimal(..) => true,
        Expr::Neg(x) | Expr::Quantity(x, _) => is_rounding(x),
        _ => false,
    }
}

fn holds_relation(e: &Expr) -> bool {
    match e {
        Expr::Rel(..) | Expr::Logic(..) => true,
        Expr::Seq(Brackets::Bare, v) => v.iter().any(|x| matches!(x, Expr::Rel(..))),
        _ => false,
    }
}

/// What may stand before `=` as a name: `x`, `f(x)`, `(x, y)`.
fn is_label(e: &Expr) -> bool {
    match e {
        Expr::Var(_) | Expr::Apply(..) | Expr::Text(_) => true,
        Expr::Seq(Brackets::Paren, v) => v.iter().all(|x| matches!(x, Expr::Var(_))),
        // AB = 5, ∠ABC = 30°.
        Expr::Mul(v) => v
            .iter()
            .all(|x| matches!(x, Expr::Var(n) if n.starts_with(|c: char| c.is_ascii_uppercase()))),
        _ => false,
    }
}

fn mentions(e: &Expr, label: &Expr) -> bool {
    match label {
        Expr::Var(name) => e.variables().contains(name),
        _ => false,
    }
}

/// Whether two labels name a function and its value: `y` and `f(x)`.
fn alike(m: &Expr, n: &Expr) -> bool {
    let value = |e: &Expr| matches!(e, Expr::Var(v) if v == "y");
    match (m, n) {
        (Expr::Apply(..), other) | (other, Expr::Apply(..)) => value(other),
        (Expr::Text(_), _) | (_, Expr::Text(_)) => true,
        // A word for the quantity asked for against a letter: "area = 5" and "A = 5".
        (Expr::Var(x), Expr::Var(y)) => is_word(x) != is_word(y),
        _ => false,
    }
}

fn is_word(name: &str) -> bool {
    name.len() > 1
        && !name.contains('_')
        && crate::words::greek(name).is_none()
        && name.chars().all(|c| c.is_alphabetic() || c == ' ')
}

/// The label and values of `x = 1 or x = 2`, `x = 1, 2`.
fn solutions(items: &[Expr]) -> Option<(Expr, Vec<Expr>)> {
    let mut label: Option<Expr> = None;
    let mut values = Vec::new();
    for item in items {
        match item {
            Expr::Rel(v, ops)
                if ops.as_slice() == [RelOp::Eq] && is_label(&v[0]) && !mentions(&v[1], &v[0]) =>
            {
                if label.as_ref().is_some_and(|l| *l != v[0]) {
                    return None;
                }
                label = Some(v[0].clone());
                values.push(v[1].clone());
            }
            Expr::Rel(..) | Expr::Logic(..) => return None,
            value if label.is_some() => values.push(value.clone()),
            _ => return None,
        }
    }
    label.map(|l| (l, values))
}

/// `x = 1, y = 2` and `(x, y) = (1, 2)`, sorted by name.
fn assignments(e: &Expr) -> Option<Assignments> {
    let mut out: Assignments = match e {
        Expr::Seq(Brackets::Bare, items) | Expr::Logic(LogicOp::And, items) => items
            .iter()
            .map(|item| match item {
                Expr::Rel(v, ops) if ops.as_slice() == [RelOp::Eq] => match &v[0] {
                    Expr::Var(name) if v[1].variables().is_empty() => Some((name.clone(), v[1].clone())),
                    _ => None,
                },
                _ => None,
            })
            .collect::<Option<_>>()?,
        Expr::Rel(v, ops) if ops.as_slice() == [RelOp::Eq] => match (&v[0], &v[1]) {
            (Expr::Seq(Brackets::Paren, names), Expr::Seq(Brackets::Paren, values))
                if names.len() == values.len() =>
            {
                let name = |e: &Expr| match e {
                    Expr::Var(n) => Some(n.clone()),
                    _ => None,
                };
                names
                    .iter()
                    .map(name)
                    .zip(values)
                    .map(|(n, v)| n.map(|n| (n, v.clone())))
                    .collect::<Option<_>>()?
            }
            _ => return None,
        },
        _ => return None,
    };
    out.sort_by(|p, q| p.0.cmp(&q.0));
    let distinct = out.len() > 1 && out.windows(2).all(|w| w[0].0 != w[1].0);
    distinct.then_some(out)
}
