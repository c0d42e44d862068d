//! Quotients of polynomials.

use std::rc::Rc;

use dashu_ratio::RBig;

use super::poly::{Frac, Gen, Mono, Poly};
use crate::fuel::{Meter, Stop};

/// `num / den`, with `den` one or a polynomial of several terms.
#[derive(Clone, Debug, PartialEq)]
pub struct Ratio {
    /// Numerator.
    pub num: Poly,
    /// Denominator; never zero as a form.
    pub den: Poly,
}

impl Ratio {
    /// A constant.
    pub fn rational(q: RBig) -> Ratio {
        Ratio {
            num: Poly::constant(q),
            den: Poly::one(),
        }
    }

    /// A polynomial.
    pub fn poly(num: Poly) -> Ratio {
        Ratio {
            num,
            den: Poly::one(),
        }
    }

    /// The rational value of a constant.
    pub fn as_rational(&self) -> Option<RBig> {
        if self.is_poly() { self.num.rational() } else { None }
    }

    /// Whether the denominator is one.
    pub fn is_poly(&self) -> bool {
        self.den.rational().is_some_and(|q| q == RBig::ONE)
    }

    /// Whether a generator satisfying the predicate occurs.
    pub fn any(&self, p: impl Fn(&Gen) -> bool + Copy) -> bool {
        self.num.any(p) || self.den.any(p)
    }

    /// Whether no variable and no function of one occurs.
    pub fn is_constant(&self) -> bool {
        !self.any(|g| matches!(g, Gen::Var(_) | Gen::Power(..) | Gen::Opaque(_)))
    }

    /// Whether a non-empty form over its generators is certainly not zero.
    pub fn is_exact(&self) -> bool {
        let transcendental = self.any(|g| *g == Gen::E) && self.any(|g| *g == Gen::Pi);
        !transcendental && !self.any(|g| matches!(g, Gen::Log(_) | Gen::Power(..) | Gen::Opaque(_)))
    }

    /// `self + k·other`.
    pub fn add(&self, other: &Ratio, k: &RBig, meter: &mut Meter) -> Result<Ratio, Stop> {
        if self.den == other.den {
            return Ratio {
                num: self.num.add(&other.num, k, meter)?,
                den: self.den.clone(),
            }
            .reduced(meter);
        }
        let left = self.num.mul(&other.den, meter)?;
        let right = other.num.mul(&self.den, meter)?;
        Ratio {
            num: left.add(&right, k, meter)?,
            den: self.den.mul(&other.den, meter)?,
        }
        .reduced(meter)
    }

    /// `self · other`.
    pub fn mul(&self, other: &Ratio, meter: &mut Meter) -> Result<Ratio, Stop> {
        if self.is_poly() && other.is_poly() {
            return Ok(Ratio::poly(self.num.mul(&other.num, meter)?));
        }
        Ratio {
            num: self.num.mul(&other.num, meter)?,
            den: self.den.mul(&other.den, meter)?,
        }
        .reduced(meter)
    }

    /// `1 / self`.
    pub fn inverse(&self, meter: &mut Meter) -> Result<Ratio, Stop> {
        if self.num.is_zero() {
            return Err(Stop::Undefined("division by zero"));
        }
        Ratio {
            num: self.den.clone(),
            den: self.num.clone(),
        }
        .reduced(meter)
    }

    /// `self^n`.
    pub fn pow(&self, n: i64, meter: &mut Meter) -> Result<Ratio, Stop> {
        if n < 0 {
            return self
                .inverse(meter)?
                .pow(n.checked_neg().ok_or(Stop::Unsupported)?, meter);
        }
        let e = n.unsigned_abs();
        if self.is_poly() {
            // A single term is raised at once, so that huge powers of i or 1 cost nothing.
            if let Some((m, c)) = self.num.single() {
                let k = Frac::new(n, 1).ok_or(Stop::Fuel("an exponent is too high"))?;
                let mono: Result<Vec<_>, Stop> =
                    m.0.iter().map(|(g, e)| Ok((g.clone(), e.times(k)?))).collect();
                let c = crate::number::power(c, n, meter.bits).ok_or(Stop::Fuel("a number is too long"))?;
                return Ok(Ratio::poly(Poly::term(c, Mono(mono?), meter)?));
            }
        }
        if e > 4096 {
            return Err(Stop::Fuel("an exponent is too high"));
        }
        Ratio {
            num: self.num.pow(e, meter)?,
            den: self.den.pow(e, meter)?,
        }
        .reduced(meter)
    }

    /// Single-term and constant irrational denominators are multiplied away.
    fn reduced(mut self, meter: &mut Meter) -> Result<Ratio, Stop> {
        if self.num.is_zero() {
            return if self.den.is_zero() {
                Err(Stop::Undefined("division by zero"))
            } else {
                Ok(Ratio::rational(RBig::ZERO))
            };
        }
        for _ in 0..8 {
            if self.den.is_zero() {
                return Err(Stop::Undefined("division by zero"));
            }
            if let Some(inverse) = self.den.invert_single(meter)? {
                return Ok(Ratio::poly(self.num.mul(&inverse, meter)?));
            }
            let Some(conjugate) = conjugate(&self.den) else {
                return self.primitive(meter);
            };
            self.num = self.num.mul(&conjugate, meter)?;
            self.den = self.den.mul(&conjugate, meter)?;
        }
        self.primitive(meter)
    }

    /// The denominator's first coefficient becomes one, and equal numerators and denominators cancel.
    fn primitive(self, meter: &mut Meter) -> Result<Ratio, Stop> {
        let Some((_, lead)) = self.den.terms.iter().next_back() else {
            return Err(Stop::Undefined("division by zero"));
        };
        let k = RBig::ONE / lead;
        let (num, den) = (self.num.scale(&k), self.den.scale(&k));
        if let Some((m, c)) = num.terms.iter().next_back() {
            let scaled = den.scale(c);
            if num.terms.len() == den.terms.len() && den.terms.keys().next_back() == Some(m) && scaled == num
            {
                return Ok(Ratio::rational(c.clone()));
            }
        }
        let _ = meter;
        Ok(Ratio { num, den })
    }
}

/// For a constant denominator over i and square roots: the form with one of them negated.
fn conjugate(den: &Poly) -> Option<Poly> {
    if den.any(|g| !matches!(g, Gen::I | Gen::Prime(_))) || den.terms.len() > 16 {
        return None;
    }
    let square = |e: Frac| e.n == 1 && e.d == 2;
    let all_square = den
        .terms
        .keys()
        .all(|m| m.0.iter().all(|(g, e)| **g == Gen::I || square(*e)));
    if !all_square {
        return None;
    }
    let g: Rc<Gen> = den.generators().pop()?;
    let terms = den
        .terms
        .iter()
        .map(|(m, c)| {
            let odd = m.0.iter().any(|(h, _)| *h == g);
            (m.clone(), if odd { -c } else { c.clone() })
        })
        .collect();
    Some(Poly { terms })
}
