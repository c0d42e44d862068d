//! Polynomials over the rationals in generators with rational exponents.

use std::collections::BTreeMap;
use std::rc::Rc;

use dashu_int::{IBig, UBig};
use dashu_ratio::RBig;

use crate::fuel::{Meter, Stop};
use crate::number;

/// A small fraction, as an exponent: reduced, with a positive denominator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Frac {
    /// Numerator.
    pub n: i64,
    /// Denominator.
    pub d: i64,
}

impl Frac {
    /// One.
    pub const ONE: Frac = Frac { n: 1, d: 1 };

    /// `n/d`, reduced; `None` on overflow or when the denominator is zero.
    pub fn new(n: i64, d: i64) -> Option<Frac> {
        fn gcd(a: u64, b: u64) -> u64 {
            if b == 0 { a } else { gcd(b, a % b) }
        }
        if d == 0 || n.unsigned_abs().max(d.unsigned_abs()) > 1 << 40 {
            return None;
        }
        let g = gcd(n.unsigned_abs(), d.unsigned_abs()) as i64 * d.signum();
        Some(Frac { n: n / g, d: d / g })
    }

    /// The fraction of a rational with a small numerator and denominator.
    pub fn of(q: &RBig) -> Option<Frac> {
        let n = i64::try_from(q.numerator()).ok()?;
        let d = i64::try_from(q.denominator()).ok()?;
        Frac::new(n, d)
    }

    /// `self + other`.
    pub fn plus(self, other: Frac) -> Result<Frac, Stop> {
        if self.d == 1 && other.d == 1 {
            return Frac::new(self.n + other.n, 1).ok_or(TOO_HIGH);
        }
        let n = self
            .n
            .checked_mul(other.d)
            .zip(other.n.checked_mul(self.d))
            .and_then(|(a, b)| a.checked_add(b));
        n.zip(self.d.checked_mul(other.d))
            .and_then(|(n, d)| Frac::new(n, d))
            .ok_or(TOO_HIGH)
    }

    /// `self · other`.
    pub fn times(self, other: Frac) -> Result<Frac, Stop> {
        let n = self.n.checked_mul(other.n).zip(self.d.checked_mul(other.d));
        n.and_then(|(n, d)| Frac::new(n, d)).ok_or(TOO_HIGH)
    }

    /// Whether it is an integer.
    pub fn is_int(self) -> bool {
        self.d == 1
    }
}

const TOO_HIGH: Stop = Stop::Fuel("an exponent is too high");

/// A generator.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Gen {
    /// i.
    I,
    /// A prime, under a fractional exponent.
    Prime(UBig),
    /// e.
    E,
    /// π.
    Pi,
    /// The natural logarithm of a prime.
    Log(UBig),
    /// A variable.
    Var(String),
    /// A generator raised to a monomial with variables: `2^x`.
    Power(Box<Gen>, String),
    /// Anything else, by its normal form.
    Opaque(String),
}

impl Gen {
    /// Whether the generator is a positive real number.
    pub fn is_positive(&self) -> bool {
        match self {
            Gen::Prime(_) | Gen::E | Gen::Pi | Gen::Log(_) => true,
            Gen::Power(base, _) => base.is_positive(),
            Gen::I | Gen::Var(_) | Gen::Opaque(_) => false,
        }
    }
}

/// A product of powers of generators, sorted by generator.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Mono(pub Vec<(Rc<Gen>, Frac)>);

impl Mono {
    /// The exponent of a generator; zero if it does not occur.
    pub fn exponent(&self, g: &Gen) -> Frac {
        self.0
            .iter()
            .find(|(h, _)| **h == *g)
            .map_or(Frac { n: 0, d: 1 }, |(_, e)| *e)
    }
}

/// A polynomial: coefficients by monomial, none zero.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Poly {
    /// The terms.
    pub terms: BTreeMap<Mono, RBig>,
}

impl Poly {
    /// A constant.
    pub fn constant(q: RBig) -> Poly {
        let mut p = Poly::default();
        if !q.is_zero() {
            p.terms.insert(Mono::default(), q);
        }
        p
    }

    /// One.
    pub fn one() -> Poly {
        Poly::constant(RBig::ONE)
    }

    /// A generator to a power.
    pub fn generator(g: Gen, e: Frac, meter: &mut Meter) -> Result<Poly, Stop> {
        Poly::term(RBig::ONE, Mono(vec![(Rc::new(g), e)]), meter)
    }

    /// One term, normalised: integer powers of primes and powers of i become part of the coefficient.
    pub fn term(mut c: RBig, mono: Mono, meter: &mut Meter) -> Result<Poly, Stop> {
        let mut out = Vec::with_capacity(mono.0.len());
        for (g, e) in mono.0 {
            if e.n == 0 {
                continue;
            }
            match &*g {
                Gen::I => {
                    if !e.is_int() {
                        return Err(Stop::Unsupported);
                    }
                    if matches!(e.n.rem_euclid(4), 2 | 3) {
                        c = -c;
                    }
                    if e.n.rem_euclid(2) == 1 {
                        out.push((g, Frac::ONE));
                    }
                }
                Gen::Prime(p) => {
                    let whole = e.n.div_euclid(e.d);
                    if whole != 0 {
                        let q = RBig::from(IBig::from(p.clone()));
                        c *=
                            number::power(&q, whole, meter.bits).ok_or(Stop::Fuel("a number is too long"))?;
                    }
                    let rest = Frac {
                        n: e.n.rem_euclid(e.d),
                        d: e.d,
                    };
                    if rest.n != 0 {
                        out.push((g, rest));
                    }
                }
                _ => out.push((g, e)),
            }
        }
        if number::bits(&c) > meter.bits {
            return Err(Stop::Fuel("a number is too long"));
        }
        let mut p = Poly::default();
        if !c.is_zero() {
            p.terms.insert(Mono(out), c);
        }
        Ok(p)
    }

    /// Whether it is zero as a form.
    pub fn is_zero(&self) -> bool {
        self.terms.is_empty()
    }

    /// The rational value of a form without generators.
    pub fn rational(&self) -> Option<RBig> {
        match self.terms.len() {
            0 => Some(RBig::ZERO),
            1 => self
                .terms
                .iter()
                .next()
                .filter(|(m, _)| m.0.is_empty())
                .map(|(_, c)| c.clone()),
            _ => None,
        }
    }

    /// The only term.
    pub fn single(&self) -> Option<(&Mono, &RBig)> {
        if self.terms.len() == 1 {
            self.terms.iter().next()
        } else {
            None
        }
    }

    /// The generators that occur, sorted.
    pub fn generators(&self) -> Vec<Rc<Gen>> {
        let mut all: Vec<Rc<Gen>> = self
            .terms
            .keys()
            .flat_map(|m| m.0.iter().map(|(g, _)| g.clone()))
            .collect();
        all.sort();
        all.dedup();
        all
    }

    /// Whether any generator satisfies the predicate.
    pub fn any(&self, p: impl Fn(&Gen) -> bool) -> bool {
        self.terms.keys().any(|m| m.0.iter().any(|(g, _)| p(g)))
    }

    /// `self + k·other`.
    pub fn add(&self, other: &Poly, k: &RBig, meter: &mut Meter) -> Result<Poly, Stop> {
        meter.spend(other.terms.len() as u64)?;
        let mut out = self.clone();
        for (m, c) in &other.terms {
            out.accumulate(m.clone(), c * k);
        }
        Ok(out)
    }

    fn accumulate(&mut self, m: Mono, c: RBig) {
        use std::collections::btree_map::Entry;
        match self.terms.entry(m) {
            Entry::Vacant(slot) => {
                if !c.is_zero() {
                    slot.insert(c);
                }
            }
            Entry::Occupied(mut slot) => {
                let sum = slot.get() + c;
                if sum.is_zero() {
                    slot.remove();
                } else {
                    *slot.get_mut() = sum;
                }
            }
        }
    }

    /// `self · other`.
    pub fn mul(&self, other: &Poly, meter: &mut Meter) -> Result<Poly, Stop> {
        if let (Some(a), Some(b)) = (self.rational(), other.rational()) {
            let c = a * b;
            if number::bits(&c) > meter.bits {
                return Err(Stop::Fuel("a number is too long"));
            }
            return Ok(Poly::constant(c));
        }
        let mut out = Poly::default();
        for (m, c) in &self.terms {
            for (n, d) in &other.terms {
                meter.spend(4 + (m.0.len() + n.0.len()) as u64)?;
                for (mono, coefficient) in Poly::term(c * d, times(m, n)?, meter)?.terms {
                    out.accumulate(mono, coefficient);
                }
            }
        }
        Ok(out)
    }

    /// The same polynomial with every coefficient multiplied.
    pub fn scale(&self, k: &RBig) -> Poly {
        if k.is_zero() {
            return Poly::default();
        }
        Poly {
            terms: self.terms.iter().map(|(m, c)| (m.clone(), c * k)).collect(),
        }
    }

    /// `self^n`.
    pub fn pow(&self, n: u64, meter: &mut Meter) -> Result<Poly, Stop> {
        let (mut result, mut base, mut n) = (Poly::one(), self.clone(), n);
        while n > 0 {
            if n & 1 == 1 {
                result = result.mul(&base, meter)?;
            }
            n >>= 1;
            if n > 0 {
                base = base.mul(&base, meter)?;
            }
        }
        Ok(result)
    }

    /// The inverse of a single term.
    pub fn invert_single(&self, meter: &mut Meter) -> Result<Option<Poly>, Stop> {
        let Some((m, c)) = self.single() else {
            return Ok(None);
        };
        let inverse = Mono(
            m.0.iter()
                .map(|(g, e)| (g.clone(), Frac { n: -e.n, d: e.d }))
                .collect(),
        );
        Poly::term(RBig::ONE / c, inverse, meter).map(Some)
    }
}

fn times(a: &Mono, b: &Mono) -> Result<Mono, Stop> {
    let mut out = Vec::with_capacity(a.0.len() + b.0.len());
    let (mut i, mut j) = (0, 0);
    while i < a.0.len() && j < b.0.len() {
        match a.0[i].0.cmp(&b.0[j].0) {
            std::cmp::Ordering::Less => {
                out.push(a.0[i].clone());
                i += 1;
            }
            std::cmp::Ordering::Greater => {
                out.push(b.0[j].clone());
                j += 1;
            }
            std::cmp::Ordering::Equal => {
                out.push((a.0[i].0.clone(), a.0[i].1.plus(b.0[j].1)?));
                i += 1;
                j += 1;
            }
        }
    }
    out.extend_from_slice(&a.0[i..]);
    out.extend_from_slice(&b.0[j..]);
    Ok(Mono(out))
}
