//! Numbers with units, per cent, degrees, decimals, bases.

use dashu_int::IBig;
use dashu_ratio::RBig;

use super::{Compared, Comparer, Decision};
use crate::expr::{Expr, Func};
use crate::fuel::Stop;
use crate::number;
use crate::scalar;
use crate::units::Unit;

impl Comparer {
    /// Two expressions that are numbers.
    pub(super) fn numbers(&mut self, a: &Expr, b: &Expr) -> Compared {
        let first = scalar::equal(a, b, &mut self.meter);
        let e = first?;
        if e.equal {
            return Ok(Decision::yes(e.method, e.why));
        }
        if !self.strict() {
            // 90 − x for 90° − x.
            let (x, y) = (outside_degrees(a), outside_degrees(b));
            if x != y {
                let (p, q) = (without_degrees(a), without_degrees(b));
                let stripped = scalar::equal(&p, &q, &mut self.meter)?;
                if stripped.equal {
                    return Ok(Decision::yes(
                        stripped.method,
                        format!("without the degree sign, {}", stripped.why),
                    ));
                }
            }
        }
        if self.lenient() {
            if let Some(d) = self.rounded(a, b)? {
                return Ok(d);
            }
            if let (Expr::InBase(_, _, Some(n)), other) | (other, Expr::InBase(_, _, Some(n))) = (a, b)
                && !matches!(other, Expr::InBase(..))
                && scalar::equal(&Expr::Num(RBig::from(n.clone())), other, &mut self.meter)?.equal
            {
                return Ok(Decision::yes(
                    "digits",
                    "the digits agree and one base is not given",
                ));
            }
        }
        Ok(Decision::no(e.method, e.why))
    }

    /// Whether one is the other, rounded to the decimals it is written with.
    fn rounded(&mut self, a: &Expr, b: &Expr) -> Result<Option<Decision>, Stop> {
        let (x, y) = (as_decimal(a), as_decimal(b));
        let (decimal, places, other) = match (x, y) {
            (Some((v, p)), Some((w, q))) => {
                if p <= q {
                    (v, p, Expr::Num(w))
                } else {
                    (w, q, Expr::Num(v))
                }
            }
            (Some((v, p)), None) => (v, p, b.clone()),
            (None, Some((w, q))) => (w, q, a.clone()),
            (None, None) => return Ok(None),
        };
        let scale = RBig::from(IBig::from(number::ten_to(places.min(4000) as usize)));
        let digits = number::abs(&(&decimal * &scale));
        if digits < RBig::from(IBig::from(10)) || !other.variables().is_empty() {
            return Ok(None);
        }
        let half = RBig::from_parts(IBig::ONE, 2u8.into()) / scale;
        let close = match scalar::within(&other, &decimal, &half, &mut self.meter) {
            Ok(c) => c,
            Err(Stop::Unsupported | Stop::Undefined(_)) => return Ok(None),
            Err(e) => return Err(e),
        };
        Ok(close.then(|| Decision::yes("rounding", format!("equal when rounded to {places} decimals"))))
    }

    /// Answers of which at least one has a unit, a per-cent sign or a degree sign.
    pub(super) fn quantities(&mut self, a: &Expr, b: &Expr) -> Result<Option<Decision>, Stop> {
        use Expr as E;
        let d = match (a, b) {
            (E::Quantity(x, u), E::Quantity(y, v)) => self.two_quantities(x, u, y, v)?,
            (E::Quantity(x, u), other) | (other, E::Quantity(x, u)) => {
                if matches!(other, E::Percent(_)) || self.strict() {
                    return Ok(Some(Decision::no("unit", "only one of them has a unit")));
                }
                if let E::Degrees(y) = other {
                    // "30 degrees" of temperature against 30°.
                    return if u.dims.iter().any(|d| matches!(d.0, "celsius" | "fahrenheit")) {
                        self.same(x, y).map(Some)
                    } else {
                        Ok(Some(Decision::no("unit", "an angle against another unit")))
                    };
                }
                // Arguments keep their order: the first is the reference.
                if matches!(a, E::Quantity(..)) {
                    self.same(x, other)?
                } else {
                    self.same(other, x)?
                }
            }
            (E::Percent(x), E::Percent(y)) | (E::Degrees(x), E::Degrees(y)) => self.same(x, y)?,
            (E::Percent(_), E::Degrees(_)) | (E::Degrees(_), E::Percent(_)) => {
                Decision::no("unit", "an angle against per cent")
            }
            (E::Percent(x), other) | (other, E::Percent(x)) => {
                let exact = self.numbers(a, b)?;
                if exact.same || self.strict() {
                    return Ok(Some(exact));
                }
                let stripped = self.numbers(x, other)?;
                if stripped.same {
                    Decision::yes(stripped.method, "without the per-cent sign")
                } else {
                    exact
                }
            }
            _ => return Ok(None),
        };
        Ok(Some(d))
    }

    fn two_quantities(&mut self, x: &Expr, u: &Unit, y: &Expr, v: &Unit) -> Compared {
        if let (Some(m), Some(n)) = (&u.noun, &v.noun)
            && m != n
        {
            return Ok(Decision::no("unit", format!("{m} against {n}")));
        }
        if u.dims != v.dims {
            return self.other_dimension(x, u, y, v);
        }
        if self.strict() && u.noun != v.noun {
            return Ok(Decision::no("unit", "only one of them says what is counted"));
        }
        if u.factor == v.factor {
            return self.same(x, y);
        }
        let scaled = |e: &Expr, f: &RBig| Expr::Mul(vec![e.clone(), Expr::Num(f.clone())]);
        let (p, q) = (scaled(x, &u.factor), scaled(y, &v.factor));
        let e = scalar::equal(&p, &q, &mut self.meter)?;
        let why = format!("in base units, {}", e.why);
        Ok(if e.equal {
            Decision::yes("unit conversion", why)
        } else {
            Decision::no("unit conversion", why)
        })
    }

    fn other_dimension(&mut self, x: &Expr, u: &Unit, y: &Expr, v: &Unit) -> Compared {
        let kind = |w: &Unit| w.dims.first().map(|d| d.0);
        let (celsius, fahrenheit) = match (kind(u), kind(v)) {
            (Some("celsius"), Some("fahrenheit")) => (x, y),
            (Some("fahrenheit"), Some("celsius")) => (y, x),
            _ => return Ok(Decision::no("unit", "units of different dimensions")),
        };
        // F = 9/5 C + 32.
        let ratio = RBig::from_parts(IBig::from(9), 5u8.into());
        let expected = Expr::Add(vec![
            Expr::Mul(vec![Expr::Num(ratio), celsius.clone()]),
            Expr::int(32),
        ]);
        let e = scalar::equal(&expected, fahrenheit, &mut self.meter)?;
        Ok(Decision {
            same: e.equal,
            method: "unit conversion",
            why: e.why,
        })
    }
}

/// The value and places of a decimal, possibly negative.
fn as_decimal(e: &Expr) -> Option<(RBig, u32)> {
    match e {
        Expr::Decimal(q, p) => Some((q.clone(), *p)),
        Expr::Neg(x) => as_decimal(x).map(|(q, p)| (-q, p)),
        _ => None,
    }
}

/// Whether a degree sign stands outside the arguments of functions.
fn outside_degrees(e: &Expr) -> bool {
    match e {
        Expr::Degrees(_) => true,
        Expr::Call(f, _) if is_trigonometric(*f) => false,
        other => other.children().into_iter().any(outside_degrees),
    }
}

fn without_degrees(e: &Expr) -> Expr {
    match e {
        Expr::Degrees(x) => (**x).clone(),
        Expr::Call(f, _) if is_trigonometric(*f) => e.clone(),
        other => other.map(&mut without_degrees),
    }
}

fn is_trigonometric(f: Func) -> bool {
    matches!(
        f,
        Func::Sin | Func::Cos | Func::Tan | Func::Cot | Func::Sec | Func::Csc
    )
}
