//! From expressions to normal forms.

use dashu_int::IBig;
use dashu_ratio::RBig;

use super::key::{mono_key, ratio_key};
use super::poly::{Frac, Gen, Mono, Poly};
use super::ratio::Ratio;
use super::root;
use crate::expr::{Brackets, Const, Expr, Func};
use crate::fuel::{Meter, Stop};
use crate::number;

/// Terms a sum or product with bounds may have.
const MAX_TERMS: i64 = 20_000;

/// Converts expressions, with values for bound indices.
pub struct Converter<'m> {
    /// What is drawn on.
    pub meter: &'m mut Meter,
    /// Values of indices, innermost last.
    pub env: Vec<(String, RBig)>,
}

/// The normal form of an expression.
///
/// # Errors
/// [`Stop::Unsupported`] for expressions that are not numbers (sets, relations, …).
pub fn to_ratio(e: &Expr, meter: &mut Meter) -> Result<Ratio, Stop> {
    Converter {
        meter,
        env: Vec::new(),
    }
    .ratio(e)
}

fn int(n: i64) -> RBig {
    RBig::from(IBig::from(n))
}

impl Converter<'_> {
    /// The normal form of `e`.
    pub fn ratio(&mut self, e: &Expr) -> Result<Ratio, Stop> {
        self.meter.spend(1)?;
        Ok(match e {
            Expr::Num(q) | Expr::Decimal(q, _) | Expr::InBase(q, ..) => Ratio::rational(q.clone()),
            Expr::Const(Const::Pi) => self.generator(Gen::Pi)?,
            Expr::Const(Const::E) => self.generator(Gen::E)?,
            Expr::Const(Const::I) => self.generator(Gen::I)?,
            Expr::Const(Const::Infinity) => return Err(Stop::Unsupported),
            Expr::Var(name) => match self.env.iter().rev().find(|(n, _)| n == name) {
                Some((_, value)) => Ratio::rational(value.clone()),
                None => self.generator(Gen::Var(name.clone()))?,
            },
            Expr::Add(terms) => {
                let mut sum = Ratio::rational(RBig::ZERO);
                for t in terms {
                    let (t, sign) = match t {
                        Expr::Neg(inner) => (&**inner, -RBig::ONE),
                        t => (t, RBig::ONE),
                    };
                    let t = self.ratio(t)?;
                    sum = sum.add(&t, &sign, self.meter)?;
                }
                sum
            }
            Expr::Neg(a) => {
                let a = self.ratio(a)?;
                Ratio {
                    num: a.num.scale(&-RBig::ONE),
                    den: a.den,
                }
            }
            Expr::Mul(factors) => {
                let mut product = Ratio::rational(RBig::ONE);
                for f in factors {
                    let f = self.ratio(f)?;
                    product = product.mul(&f, self.meter)?;
                }
                product
            }
            Expr::Div(a, b) => {
                let (a, b) = (self.ratio(a)?, self.ratio(b)?);
                let inverse = b.inverse(self.meter)?;
                a.mul(&inverse, self.meter)?
            }
            Expr::Pow(base, exponent) => self.power(base, exponent)?,
            Expr::Root(a, n) => {
                let a = self.ratio(a)?;
                root::root(&a, *n, self.meter)?
            }
            Expr::Degrees(a) => {
                let a = self.ratio(a)?;
                let pi = Poly::generator(Gen::Pi, Frac::ONE, self.meter)?;
                a.mul(&Ratio::poly(pi.scale(&(RBig::ONE / int(180)))), self.meter)?
            }
            Expr::Percent(a) => {
                let a = self.ratio(a)?;
                a.mul(&Ratio::rational(RBig::ONE / int(100)), self.meter)?
            }
            Expr::Seq(Brackets::Square, items) if items.len() == 1 => self.ratio(&items[0])?,
            Expr::Ratio(parts) if parts.len() == 2 => {
                let (a, b) = (self.ratio(&parts[0])?, self.ratio(&parts[1])?);
                let inverse = b.inverse(self.meter)?;
                a.mul(&inverse, self.meter)?
            }
            Expr::Call(Func::Det, args) => self.determinant(args)?,
            Expr::Call(f, args) => self.call(*f, args)?,
            Expr::Apply(name, args) => {
                let keys: Result<Vec<String>, Stop> = args
                    .iter()
                    .map(|a| self.ratio(a).map(|r| ratio_key(&r)))
                    .collect();
                self.generator(Gen::Opaque(format!("{name}({})", keys?.join(";"))))?
            }
            Expr::Big {
                sum,
                index,
                from,
                to,
                body,
            } => self.big(*sum, index, from, to, body)?,
            _ => return Err(Stop::Unsupported),
        })
    }

    /// A generator as a quotient.
    pub(super) fn generator(&mut self, g: Gen) -> Result<Ratio, Stop> {
        Poly::generator(g, Frac::ONE, self.meter).map(Ratio::poly)
    }

    fn big(&mut self, sum: bool, index: &str, from: &Expr, to: &Expr, body: &Expr) -> Result<Ratio, Stop> {
        let (from, to) = (self.ratio(from)?, self.ratio(to)?);
        let bounds = from.as_rational().zip(to.as_rational());
        let Some((from, to)) = bounds else {
            return Err(Stop::Unsupported);
        };
        if !from.is_int() || !to.is_int() {
            return Err(Stop::Undefined("a sum with bounds that are not integers"));
        }
        let (Some(from), Some(to)) = (number::small(&from), number::small(&to)) else {
            return Err(Stop::Fuel("a sum has too many terms"));
        };
        if to.saturating_sub(from) >= MAX_TERMS {
            return Err(Stop::Fuel("a sum has too many terms"));
        }
        let mut total = Ratio::rational(if sum { RBig::ZERO } else { RBig::ONE });
        for k in from..=to {
            self.env.push((index.to_owned(), int(k)));
            let term = self.ratio(body);
            self.env.pop();
            let term = term?;
            let bits = total.as_rational().map_or(0, |q| number::bits(&q) as u64 / 64);
            self.meter.spend(4 + bits)?;
            total = if sum {
                total.add(&term, &RBig::ONE, self.meter)?
            } else {
                total.mul(&term, self.meter)?
            };
        }
        Ok(total)
    }

    fn determinant(&mut self, args: &[Expr]) -> Result<Ratio, Stop> {
        let [Expr::Matrix(rows)] = args else {
            return Err(Stop::Unsupported);
        };
        let n = rows.len();
        if rows.iter().any(|r| r.len() != n) {
            return Err(Stop::Undefined("the determinant of a matrix that is not square"));
        }
        if n > 6 {
            return Err(Stop::Fuel("the determinant of a large matrix"));
        }
        let cells: Result<Vec<Vec<Ratio>>, Stop> = rows
            .iter()
            .map(|r| r.iter().map(|c| self.ratio(c)).collect())
            .collect();
        let cells = cells?;
        self.minor(&cells, 0, &mut vec![false; n])
    }

    fn minor(&mut self, cells: &[Vec<Ratio>], row: usize, used: &mut Vec<bool>) -> Result<Ratio, Stop> {
        if row == cells.len() {
            return Ok(Ratio::rational(RBig::ONE));
        }
        let mut total = Ratio::rational(RBig::ZERO);
        let mut sign = RBig::ONE;
        for column in 0..cells.len() {
            if used[column] {
                continue;
            }
            used[column] = true;
            let rest = self.minor(cells, row + 1, used)?;
            used[column] = false;
            let term = cells[row][column].mul(&rest, self.meter)?;
            total = total.add(&term, &sign, self.meter)?;
            sign = -sign;
        }
        Ok(total)
    }

    pub(super) fn power(&mut self, base: &Expr, exponent: &Expr) -> Result<Ratio, Stop> {
        let e = self.ratio(exponent)?;
        let b = self.ratio(base)?;
        self.raise(&b, &e)
    }

    /// `b^e` of normal forms.
    pub(super) fn raise(&mut self, b: &Ratio, e: &Ratio) -> Result<Ratio, Stop> {
        if let Some(q) = e.as_rational() {
            if q.is_zero() && b.num.is_zero() {
                return Err(Stop::Undefined("zero to the power of zero"));
            }
            if q.is_int() {
                let unit = b
                    .as_rational()
                    .is_some_and(|q| q.is_zero() || number::abs(&q) == RBig::ONE);
                let Some(n) = number::small(&q) else {
                    return if unit {
                        self.raise_unit(b, &q)
                    } else {
                        Err(Stop::Fuel("an exponent is too high"))
                    };
                };
                return b.pow(n, self.meter);
            }
            let Some(f) = Frac::of(&q).filter(|f| f.d <= 64) else {
                return Err(Stop::Unsupported);
            };
            let r = root::root(b, f.d as u32, self.meter)?;
            return r.pow(f.n, self.meter);
        }
        if !e.is_poly() {
            return self.opaque_power(b, e);
        }
        let Some((m, c)) = b.num.single().filter(|_| b.is_poly()) else {
            return self.opaque_power(b, e);
        };
        let atoms = match root::atoms(m, c) {
            Some(atoms) => atoms,
            None => return self.opaque_power(b, e),
        };
        let mut out = Poly::one();
        for (atom, weight) in atoms {
            for (mono, k) in &e.num.terms {
                let Some(k) = Frac::of(k) else {
                    return Err(Stop::Unsupported);
                };
                let k = k.times(weight)?;
                let factor = if mono.0.is_empty() {
                    Poly::generator(atom.clone(), k, self.meter)?
                } else if atom == Gen::E && is_i_pi(mono) {
                    self.unit_circle(k)?
                } else if let Some(p) = log_power(&atom, mono) {
                    // e^(k ln p) = p^k
                    Poly::generator(Gen::Prime(p), k, self.meter)?
                } else {
                    Poly::generator(Gen::Power(Box::new(atom.clone()), mono_key(mono)), k, self.meter)?
                };
                out = out.mul(&factor, self.meter)?;
            }
        }
        Ok(Ratio::poly(out))
    }

    fn raise_unit(&mut self, b: &Ratio, n: &RBig) -> Result<Ratio, Stop> {
        let q = b.as_rational().unwrap_or(RBig::ONE);
        if q.is_zero() && number::is_negative(n) {
            return Err(Stop::Undefined("division by zero"));
        }
        let odd = n.numerator() % IBig::from(2) != IBig::ZERO;
        Ok(Ratio::rational(if q.is_zero() || odd { q } else { RBig::ONE }))
    }

    fn opaque_power(&mut self, b: &Ratio, e: &Ratio) -> Result<Ratio, Stop> {
        self.generator(Gen::Opaque(format!("({})^({})", ratio_key(b), ratio_key(e))))
    }

    /// `e^(kπi)`.
    fn unit_circle(&mut self, k: Frac) -> Result<Poly, Stop> {
        let q = RBig::from_parts_signed(IBig::from(k.n), IBig::from(k.d));
        let half = RBig::ONE / int(2);
        let cos = self.sin_pi(&(&q + half))?;
        let sin = self.sin_pi(&q)?;
        let i = Poly::generator(Gen::I, Frac::ONE, self.meter)?;
        let sin = sin.num.mul(&i, self.meter)?;
        cos.num.add(&sin, &RBig::ONE, self.meter)
    }
}

/// Whether the monomial is π·i.
fn is_i_pi(m: &Mono) -> bool {
    m.0.len() == 2 && m.exponent(&Gen::I) == Frac::ONE && m.exponent(&Gen::Pi) == Frac::ONE
}

fn log_power(atom: &Gen, m: &Mono) -> Option<dashu_int::UBig> {
    match (atom, m.0.as_slice()) {
        (Gen::E, [(g, Frac::ONE)]) => match &**g {
            Gen::Log(p) => Some(p.clone()),
            _ => None,
        },
        _ => None,
    }
}
