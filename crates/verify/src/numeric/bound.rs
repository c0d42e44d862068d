//! A bound below which an algebraic number given by an expression is zero.
//!
//! Burnikel, Fleischer, Mehlhorn and Schirra, *A Strong and Easily Computable Separation Bound for Arithmetic
//! Expressions Involving Radicals* (Algorithmica 27, 2000), with division: an expression E over integers with
//! `+ − · /` and k-th roots is zero or at least `(u^(D−1) · l)^−1` in absolute value, where u and l bound a
//! numerator and a denominator and D is the product of the root indices. Sines and cosines of rational
//! multiples of π are sums of two roots of unity.

use dashu_base::BitTest;

use crate::expr::{Const, Expr, Func};
use crate::number;

#[derive(Clone, Copy)]
struct Size {
    /// Bits of the numerator bound.
    u: u64,
    /// Bits of the denominator bound.
    l: u64,
}

/// The bits b such that `a − b'` is zero if its absolute value is below 2^−b; `None` for expressions that are
/// not algebraic (or whose bound is not known).
pub fn zero_bound(a: &Expr, b: &Expr) -> Option<u64> {
    let mut degrees: Vec<(Expr, u64)> = Vec::new();
    let (x, y) = (size(a, &mut degrees)?, size(b, &mut degrees)?);
    let d = sum(x, y);
    let degree = degrees
        .iter()
        .try_fold(1u64, |p, (_, k)| p.checked_mul(*k).filter(|p| *p < 1 << 20))?;
    d.u.checked_mul(degree - 1)?.checked_add(d.l)
}

fn sum(a: Size, b: Size) -> Size {
    Size {
        u: (a.u + b.l).max(a.l + b.u) + 1,
        l: a.l + b.l,
    }
}

fn capped(s: Size) -> Option<Size> {
    (s.u.max(s.l) < 1 << 24).then_some(s)
}

fn size(e: &Expr, degrees: &mut Vec<(Expr, u64)>) -> Option<Size> {
    let one = Size { u: 0, l: 0 };
    capped(match e {
        Expr::Num(q) | Expr::Decimal(q, _) | Expr::InBase(q, ..) => Size {
            u: q.numerator().bit_len() as u64,
            l: q.denominator().bit_len() as u64,
        },
        Expr::Const(Const::I) => {
            note(e, 2, degrees);
            one
        }
        Expr::Neg(a) => size(a, degrees)?,
        Expr::Add(v) => {
            let mut it = v.iter();
            let mut s = size(it.next()?, degrees)?;
            for x in it {
                s = capped(sum(s, size(x, degrees)?))?;
            }
            s
        }
        Expr::Mul(v) => {
            let mut s = one;
            for x in v {
                let x = size(x, degrees)?;
                s = capped(Size {
                    u: s.u + x.u,
                    l: s.l + x.l,
                })?;
            }
            s
        }
        Expr::Div(a, b) => {
            let (a, b) = (size(a, degrees)?, size(b, degrees)?);
            Size {
                u: a.u + b.l,
                l: a.l + b.u,
            }
        }
        Expr::Percent(a) => {
            let a = size(a, degrees)?;
            Size { u: a.u, l: a.l + 7 }
        }
        Expr::Pow(a, n) => {
            let (n, d) = fraction(n)?;
            let s = size(a, degrees)?;
            let s = if d == 1 { s } else { root(e, s, d, degrees) };
            let k = n.unsigned_abs();
            let (u, l) = (s.u.checked_mul(k)?, s.l.checked_mul(k)?);
            if n < 0 { Size { u: l, l: u } } else { Size { u, l } }
        }
        Expr::Root(a, n) => {
            let s = size(a, degrees)?;
            root(e, s, u64::from(*n), degrees)
        }
        Expr::Seq(_, v) if v.len() == 1 => size(&v[0], degrees)?,
        Expr::Call(Func::Sin | Func::Cos, args) => {
            // (ζ ± 1/ζ)/2 or (ζ ± 1/ζ)/2i with ζ a root of unity of order 4·denominator.
            unity(4 * denominator(args.first()?)?, degrees);
            Size { u: 1, l: 1 }
        }
        Expr::Call(Func::Tan | Func::Cot | Func::Sec | Func::Csc, args) => {
            unity(4 * denominator(args.first()?)?, degrees);
            Size { u: 2, l: 2 }
        }
        _ => return None,
    })
}

fn note(e: &Expr, degree: u64, degrees: &mut Vec<(Expr, u64)>) {
    if !degrees.iter().any(|(x, _)| x == e) {
        degrees.push((e.clone(), degree));
    }
}

/// Counts the field of the roots of unity of this order once.
fn unity(order: u64, degrees: &mut Vec<(Expr, u64)>) {
    note(
        &Expr::Call(Func::Sin, vec![Expr::int(order as i64)]),
        order,
        degrees,
    );
}

fn root(e: &Expr, s: Size, k: u64, degrees: &mut Vec<(Expr, u64)>) -> Size {
    note(e, k, degrees);
    if s.u >= s.l {
        Size {
            u: (s.u + (k - 1) * s.l).div_ceil(k),
            l: s.l,
        }
    } else {
        Size {
            u: s.u,
            l: ((k - 1) * s.u + s.l).div_ceil(k),
        }
    }
}

fn fraction(e: &Expr) -> Option<(i64, u64)> {
    match e {
        Expr::Num(q) => {
            let d = u64::try_from(q.denominator()).ok().filter(|d| *d <= 64)?;
            Some((
                i64::try_from(q.numerator()).ok().filter(|n| n.abs() < 1 << 20)?,
                d,
            ))
        }
        Expr::Neg(a) => fraction(a).map(|(n, d)| (-n, d)),
        Expr::Div(a, b) => {
            let ((a, 1), (b, 1)) = (fraction(a)?, fraction(b)?) else {
                return None;
            };
            let d = u64::try_from(b).ok().filter(|d| (1..=64).contains(d))?;
            Some((a, d))
        }
        _ => None,
    }
}

/// The denominator of q in an angle qπ.
fn denominator(angle: &Expr) -> Option<u64> {
    let fuel = crate::options::Fuel {
        steps: 1000,
        ..Default::default()
    };
    let mut meter = crate::fuel::Meter::new(&fuel);
    let r = crate::norm::to_ratio(angle, &mut meter).ok()?;
    let (m, c) = r.num.single().filter(|_| r.is_poly())?;
    let pi = m.0.len() == 1 && *m.0[0].0 == crate::norm::Gen::Pi && m.0[0].1 == crate::norm::Frac::ONE;
    if !pi || number::bits(c) > 32 {
        return None;
    }
    u64::try_from(c.denominator()).ok()
}
