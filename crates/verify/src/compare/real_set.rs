//! Subsets of the real line: intervals, unions, solution sets of inequalities in one unknown.

use std::cmp::Ordering;

use dashu_int::IBig;
use dashu_ratio::RBig;

use super::{Comparer, Decision};
use crate::expr::{Brackets, Const, Expr, Func, LogicOp, NamedSet, RelOp, SetOp};
use crate::fuel::{Meter, Stop};
use crate::norm::{self, Frac, Gen};
use crate::number;
use crate::scalar;

/// An end of a piece.
#[derive(Clone, Debug, PartialEq)]
enum End {
    Low,
    At(Expr),
    High,
}

/// A non-empty interval, or a point.
#[derive(Clone, Debug, PartialEq)]
struct Piece {
    lo: End,
    lo_in: bool,
    hi: End,
    hi_in: bool,
}

/// Disjoint pieces in order, and the unknown they are about.
#[derive(Clone, Debug)]
struct RealSet {
    unknown: Option<String>,
    pieces: Vec<Piece>,
}

type Converted = Result<Option<RealSet>, Stop>;

impl Comparer {
    /// Answers of which at least one is a set of real numbers in a form other than a plain list.
    pub(super) fn real_sets(&mut self, a: &Expr, b: &Expr) -> Result<Option<Decision>, Stop> {
        if !(is_set(a) || is_set(b)) {
            return Ok(None);
        }
        let (Some(x), Some(y)) = (convert(a, &mut self.meter)?, convert(b, &mut self.meter)?) else {
            return Ok(None);
        };
        if self.strict() && x.unknown.is_some() != y.unknown.is_some() {
            return Ok(Some(Decision::no("set", "a condition against a set")));
        }
        if let (Some(m), Some(n)) = (&x.unknown, &y.unknown)
            && m != n
        {
            return Ok(Some(Decision::no(
                "set",
                format!("the unknowns differ: {m} against {n}"),
            )));
        }
        if x.pieces.len() != y.pieces.len() {
            let why = format!("{} pieces against {}", x.pieces.len(), y.pieces.len());
            return Ok(Some(Decision::no("set of real numbers", why)));
        }
        for (p, q) in x.pieces.iter().zip(&y.pieces) {
            if (p.lo_in, p.hi_in) != (q.lo_in, q.hi_in) {
                return Ok(Some(Decision::no(
                    "set of real numbers",
                    "an end belongs to one and not to the other",
                )));
            }
            for (s, t) in [(&p.lo, &q.lo), (&p.hi, &q.hi)] {
                if ends(s, t, &mut self.meter)? != Ordering::Equal {
                    return Ok(Some(Decision::no("set of real numbers", "an end differs")));
                }
            }
        }
        Ok(Some(Decision::yes(
            "set of real numbers",
            "all pieces and ends agree",
        )))
    }
}

fn is_infinite(e: &Expr) -> bool {
    match e {
        Expr::Const(Const::Infinity) => true,
        Expr::Neg(x) => is_infinite(x),
        Expr::Add(v) if v.len() == 1 => is_infinite(&v[0]),
        _ => false,
    }
}

fn is_set(e: &Expr) -> bool {
    match e {
        Expr::Seq(Brackets::ClosedOpen | Brackets::OpenClosed, _) => true,
        Expr::Seq(Brackets::Paren | Brackets::Square, v) => v.len() == 2 && v.iter().any(is_infinite),
        Expr::Seq(Brackets::Bare, v) => !v.is_empty() && v.iter().all(is_set),
        Expr::SetOp(..) | Expr::Named(NamedSet::Reals | NamedSet::Empty) | Expr::Builder(..) => true,
        Expr::Rel(_, ops) => ops.iter().any(|o| {
            matches!(
                o,
                RelOp::Lt | RelOp::Le | RelOp::Gt | RelOp::Ge | RelOp::Ne | RelOp::In | RelOp::NotIn
            )
        }),
        Expr::Logic(_, v) => v.iter().any(is_set),
        Expr::Add(v) => v.first().is_some_and(is_set),
        _ => false,
    }
}

fn ends(a: &End, b: &End, meter: &mut Meter) -> Result<Ordering, Stop> {
    let rank = |e: &End| match e {
        End::Low => 0,
        End::At(_) => 1,
        End::High => 2,
    };
    match (a, b) {
        (End::At(x), End::At(y)) => scalar::order(x, y, meter),
        _ => Ok(rank(a).cmp(&rank(b))),
    }
}

fn end(e: &Expr) -> Option<End> {
    match e {
        Expr::Const(Const::Infinity) => Some(End::High),
        Expr::Neg(x) if **x == Expr::Const(Const::Infinity) => Some(End::Low),
        other if is_infinite(other) => None,
        other => other.variables().is_empty().then(|| End::At(other.clone())),
    }
}

fn piece(lo: End, lo_in: bool, hi: End, hi_in: bool) -> Piece {
    let (lo_in, hi_in) = (
        lo_in && matches!(lo, End::At(_)),
        hi_in && matches!(hi, End::At(_)),
    );
    Piece { lo, lo_in, hi, hi_in }
}

fn whole() -> Vec<Piece> {
    vec![piece(End::Low, false, End::High, false)]
}

fn point(x: Expr) -> Piece {
    piece(End::At(x.clone()), true, End::At(x), true)
}

/// Sorted, without empty pieces, neighbours merged.
fn merged(mut pieces: Vec<Piece>, meter: &mut Meter) -> Result<Vec<Piece>, Stop> {
    let mut sorted: Vec<Piece> = Vec::new();
    for p in pieces.drain(..) {
        match ends(&p.lo, &p.hi, meter)? {
            Ordering::Greater => continue,
            Ordering::Equal if !(p.lo_in && p.hi_in) => continue,
            _ => {}
        }
        let mut at = sorted.len();
        for (i, q) in sorted.iter().enumerate() {
            let before = match ends(&p.lo, &q.lo, meter)? {
                Ordering::Less => true,
                Ordering::Equal => p.lo_in && !q.lo_in,
                Ordering::Greater => false,
            };
            if before {
                at = i;
                break;
            }
        }
        sorted.insert(at, p);
    }
    let mut out: Vec<Piece> = Vec::new();
    for p in sorted {
        if let Some(last) = out.last_mut() {
            let touch = match ends(&p.lo, &last.hi, meter)? {
                Ordering::Less => true,
                Ordering::Equal => p.lo_in || last.hi_in,
                Ordering::Greater => false,
            };
            if touch {
                match ends(&p.hi, &last.hi, meter)? {
                    Ordering::Greater => {
                        last.hi = p.hi;
                        last.hi_in = p.hi_in;
                    }
                    Ordering::Equal => last.hi_in |= p.hi_in,
                    Ordering::Less => {}
                }
                continue;
            }
        }
        out.push(p);
    }
    Ok(out)
}

fn complement(pieces: &[Piece], meter: &mut Meter) -> Result<Vec<Piece>, Stop> {
    let mut out = Vec::new();
    let (mut lo, mut lo_in) = (End::Low, false);
    for p in pieces {
        out.push(piece(lo, lo_in, p.lo.clone(), !p.lo_in));
        lo = p.hi.clone();
        lo_in = !p.hi_in;
    }
    out.push(piece(lo, lo_in, End::High, false));
    // Pieces before −∞ and after +∞ are empty.
    let full = |p: &Piece| !(p.lo == End::Low && p.hi == End::Low || p.lo == End::High);
    out.retain(full);
    merged(out, meter)
}

fn intersection(a: &[Piece], b: &[Piece], meter: &mut Meter) -> Result<Vec<Piece>, Stop> {
    let mut either = complement(a, meter)?;
    either.extend(complement(b, meter)?);
    let either = merged(either, meter)?;
    complement(&either, meter)
}

fn joined(a: &Option<String>, b: &Option<String>) -> Option<Option<String>> {
    match (a, b) {
        (Some(x), Some(y)) if x != y => None,
        (Some(x), _) | (_, Some(x)) => Some(Some(x.clone())),
        _ => Some(None),
    }
}

fn combined(a: RealSet, b: RealSet, op: SetOp, meter: &mut Meter) -> Converted {
    let Some(unknown) = joined(&a.unknown, &b.unknown) else {
        return Ok(None);
    };
    let pieces = match op {
        SetOp::Union => {
            let mut all = a.pieces;
            all.extend(b.pieces);
            merged(all, meter)?
        }
        SetOp::Intersection => intersection(&a.pieces, &b.pieces, meter)?,
        SetOp::Difference => intersection(&a.pieces, &complement(&b.pieces, meter)?, meter)?,
    };
    Ok(Some(RealSet { unknown, pieces }))
}

fn all(items: &[Expr], op: SetOp, meter: &mut Meter) -> Converted {
    let mut out: Option<RealSet> = None;
    for item in items {
        let Some(s) = convert(item, meter)? else {
            return Ok(None);
        };
        out = match out {
            None => Some(s),
            Some(o) => match combined(o, s, op, meter)? {
                Some(c) => Some(c),
                None => return Ok(None),
            },
        };
    }
    Ok(out)
}

/// The set of real numbers an answer describes, if it does.
fn convert(e: &Expr, meter: &mut Meter) -> Converted {
    meter.spend(8)?;
    let set = |pieces| {
        Ok(Some(RealSet {
            unknown: None,
            pieces,
        }))
    };
    match e {
        Expr::Named(NamedSet::Reals) => set(whole()),
        Expr::Named(NamedSet::Empty) => set(Vec::new()),
        Expr::Seq(Brackets::Brace, items) => {
            if items
                .iter()
                .any(|x| !x.variables().is_empty() || !is_real_number(x))
            {
                return Ok(None);
            }
            let pieces = merged(items.iter().cloned().map(point).collect(), meter)?;
            set(pieces)
        }
        Expr::Seq(
            kind @ (Brackets::Paren | Brackets::Square | Brackets::ClosedOpen | Brackets::OpenClosed),
            v,
        ) if v.len() == 2 => {
            let (Some(lo), Some(hi)) = (end(&v[0]), end(&v[1])) else {
                return Ok(None);
            };
            let p = piece(
                lo,
                matches!(kind, Brackets::Square | Brackets::ClosedOpen),
                hi,
                matches!(kind, Brackets::Square | Brackets::OpenClosed),
            );
            let pieces = merged(vec![p], meter)?;
            set(pieces)
        }
        Expr::Seq(Brackets::Bare, items)
            if items
                .iter()
                .all(|x| matches!(x, Expr::Rel(_, o) if o.as_slice() == [RelOp::Ne])) =>
        {
            all(items, SetOp::Intersection, meter)
        }
        Expr::Seq(Brackets::Bare, items) => all(items, SetOp::Union, meter),
        Expr::SetOp(op, a, b) => {
            let (Some(a), Some(b)) = (convert(a, meter)?, convert(b, meter)?) else {
                return Ok(None);
            };
            combined(a, b, *op, meter)
        }
        Expr::Add(v) => match v.as_slice() {
            [a, Expr::Neg(b)] if is_set(a) => {
                let (Some(a), Some(b)) = (convert(a, meter)?, convert(b, meter)?) else {
                    return Ok(None);
                };
                combined(a, b, SetOp::Difference, meter)
            }
            _ => Ok(None),
        },
        Expr::Builder(name, condition) => match convert(condition, meter)? {
            Some(s) if s.unknown.as_ref().is_none_or(|u| u == name) => {
                Ok(Some(RealSet { unknown: None, ..s }))
            }
            _ => Ok(None),
        },
        Expr::Logic(LogicOp::And, v) => all(v, SetOp::Intersection, meter),
        Expr::Logic(LogicOp::Or, v) => all(v, SetOp::Union, meter),
        Expr::Logic(LogicOp::Not, v) => {
            let Some(s) = convert(&v[0], meter)? else {
                return Ok(None);
            };
            let pieces = complement(&s.pieces, meter)?;
            Ok(Some(RealSet { pieces, ..s }))
        }
        Expr::Rel(v, ops) => relation(v, ops, meter),
        _ => Ok(None),
    }
}

fn is_real_number(e: &Expr) -> bool {
    !matches!(
        e,
        Expr::Seq(..) | Expr::Matrix(_) | Expr::Text(_) | Expr::Rel(..) | Expr::Quantity(..)
    ) && !e.any(&|x| *x == Expr::Const(Const::I))
}

fn relation(v: &[Expr], ops: &[RelOp], meter: &mut Meter) -> Converted {
    if let ([Expr::Var(name), s], [op @ (RelOp::In | RelOp::NotIn)]) = (v, ops) {
        let Some(s) = convert(s, meter)? else {
            return Ok(None);
        };
        let pieces = if *op == RelOp::In {
            s.pieces
        } else {
            complement(&s.pieces, meter)?
        };
        return Ok(Some(RealSet {
            unknown: Some(name.clone()),
            pieces,
        }));
    }
    let mut out: Option<RealSet> = None;
    for (pair, op) in v.windows(2).zip(ops) {
        let Some(s) = link(&pair[0], *op, &pair[1], meter)? else {
            return Ok(None);
        };
        out = match out {
            None => Some(s),
            Some(o) => combined(o, s, SetOp::Intersection, meter)?,
        };
        if out.is_none() {
            return Ok(None);
        }
    }
    Ok(out)
}

fn flipped(op: RelOp) -> RelOp {
    match op {
        RelOp::Lt => RelOp::Gt,
        RelOp::Le => RelOp::Ge,
        RelOp::Gt => RelOp::Lt,
        RelOp::Ge => RelOp::Le,
        other => other,
    }
}

/// `x op bound` for a constant bound.
fn half_line(op: RelOp, bound: End, meter: &mut Meter) -> Result<Option<Vec<Piece>>, Stop> {
    let at = |b: &End| matches!(b, End::At(_));
    Ok(Some(match op {
        RelOp::Lt => vec![piece(End::Low, false, bound, false)],
        RelOp::Le => vec![piece(End::Low, false, bound, true)],
        RelOp::Gt => vec![piece(bound, false, End::High, false)],
        RelOp::Ge => vec![piece(bound, true, End::High, false)],
        RelOp::Eq if at(&bound) => vec![piece(bound.clone(), true, bound, true)],
        RelOp::Ne if at(&bound) => complement(&[piece(bound.clone(), true, bound, true)], meter)?,
        _ => return Ok(None),
    }))
}

/// The solutions of one link of a chain.
fn link(l: &Expr, op: RelOp, r: &Expr, meter: &mut Meter) -> Converted {
    match (l, r) {
        (Expr::Var(name), other) if other.variables().is_empty() => {
            let Some(bound) = end(other) else { return Ok(None) };
            let pieces = half_line(op, bound, meter)?;
            return Ok(pieces.map(|pieces| RealSet {
                unknown: Some(name.clone()),
                pieces,
            }));
        }
        (other, Expr::Var(name)) if other.variables().is_empty() => {
            let Some(bound) = end(other) else { return Ok(None) };
            let pieces = half_line(flipped(op), bound, meter)?;
            return Ok(pieces.map(|pieces| RealSet {
                unknown: Some(name.clone()),
                pieces,
            }));
        }
        (Expr::Call(Func::Abs, u), c) if c.variables().is_empty() && !u[0].variables().is_empty() => {
            return absolute(&u[0], op, c, meter);
        }
        (c, Expr::Call(Func::Abs, u)) if c.variables().is_empty() && !u[0].variables().is_empty() => {
            return absolute(&u[0], flipped(op), c, meter);
        }
        _ => {}
    }
    polynomial(l, op, r, meter)
}

/// `|u| op c`.
fn absolute(u: &Expr, op: RelOp, c: &Expr, meter: &mut Meter) -> Converted {
    let minus = Expr::Neg(Box::new(c.clone()));
    let side = |op, bound: &Expr, meter: &mut Meter| link(u, op, bound, meter);
    match op {
        RelOp::Lt | RelOp::Le => {
            let (Some(a), Some(b)) = (side(op, c, meter)?, side(flipped(op), &minus, meter)?) else {
                return Ok(None);
            };
            combined(a, b, SetOp::Intersection, meter)
        }
        RelOp::Gt | RelOp::Ge => {
            let (Some(a), Some(b)) = (side(op, c, meter)?, side(flipped(op), &minus, meter)?) else {
                return Ok(None);
            };
            combined(a, b, SetOp::Union, meter)
        }
        _ => Ok(None),
    }
}

/// Linear and quadratic relations with rational coefficients in one unknown.
fn polynomial(l: &Expr, op: RelOp, r: &Expr, meter: &mut Meter) -> Converted {
    let difference = Expr::Add(vec![l.clone(), Expr::Neg(Box::new(r.clone()))]);
    let names = difference.variables();
    let [name] = names.as_slice() else { return Ok(None) };
    let form = match norm::to_ratio(&difference, meter) {
        Ok(f) if f.is_poly() => f,
        Ok(_) | Err(Stop::Unsupported) => return Ok(None),
        Err(e) => return Err(e),
    };
    let mut c = [RBig::ZERO, RBig::ZERO, RBig::ZERO];
    for (m, k) in &form.num.terms {
        let degree = match m.0.as_slice() {
            [] => 0,
            [(g, e)] if **g == Gen::Var(name.clone()) && *e == Frac::ONE => 1,
            [(g, Frac { n: 2, d: 1 })] if **g == Gen::Var(name.clone()) => 2,
            _ => return Ok(None),
        };
        c[degree] = k.clone();
    }
    let [c0, c1, c2] = c;
    let unknown = Some(name.clone());
    if c2.is_zero() {
        if c1.is_zero() {
            return Ok(None);
        }
        let op = if number::is_negative(&c1) { flipped(op) } else { op };
        let bound = End::At(Expr::Num(-(c0 / c1)));
        return Ok(half_line(op, bound, meter)?.map(|pieces| RealSet { unknown, pieces }));
    }
    let op = if number::is_negative(&c2) { flipped(op) } else { op };
    let int = |n: i64| RBig::from(IBig::from(n));
    let disc = &c1 * &c1 - int(4) * &c2 * &c0;
    let middle = -c1 / (int(2) * &c2);
    let width = if number::is_negative(&disc) {
        None
    } else {
        let scaled = disc / (int(4) * &c2 * &c2);
        Some(Expr::Root(Box::new(Expr::Num(scaled)), 2))
    };
    let Some(width) = width else {
        // The form is positive everywhere.
        let pieces = if matches!(op, RelOp::Gt | RelOp::Ge | RelOp::Ne) {
            whole()
        } else {
            Vec::new()
        };
        return Ok(Some(RealSet { unknown, pieces }));
    };
    let low = End::At(Expr::Add(vec![
        Expr::Num(middle.clone()),
        Expr::Neg(Box::new(width.clone())),
    ]));
    let high = End::At(Expr::Add(vec![Expr::Num(middle), width]));
    let roots = || {
        vec![
            piece(low.clone(), true, low.clone(), true),
            piece(high.clone(), true, high.clone(), true),
        ]
    };
    let pieces = match op {
        RelOp::Lt => vec![piece(low, false, high, false)],
        RelOp::Le => vec![piece(low, true, high, true)],
        RelOp::Gt => vec![
            piece(End::Low, false, low, false),
            piece(high, false, End::High, false),
        ],
        RelOp::Ge => vec![
            piece(End::Low, false, low, true),
            piece(high, true, End::High, false),
        ],
        RelOp::Eq => roots(),
        RelOp::Ne => {
            let points = merged(roots(), meter)?;
            complement(&points, meter)?
        }
        _ => return Ok(None),
    };
    Ok(Some(RealSet {
        unknown,
        pieces: merged(pieces, meter)?,
    }))
}
