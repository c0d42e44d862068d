//! Enclosures of expressions at rational points.

use dashu_base::BitTest;
use dashu_int::IBig;
use dashu_ratio::RBig;

use super::complex::Complex;
use super::interval::{Fixed, Interval};
use crate::expr::{Brackets, Const, Expr, Func};
use crate::number;

/// Why there is no enclosure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoValue {
    /// The value does not exist.
    Undefined,
    /// The value is not real, and only real ones are wanted.
    NotReal,
    /// The precision does not suffice to tell.
    Unsure,
    /// It would exceed the fuel.
    Fuel,
    /// The expression is no number.
    Unsupported,
}

/// Evaluates expressions at one point and one precision.
pub struct Evaluator<'a> {
    /// Arithmetic.
    pub fixed: Fixed,
    /// Values of the variables.
    pub point: &'a [(String, RBig)],
    /// Whether values off the real line are wanted.
    pub complex: bool,
    /// Nodes that may still be evaluated.
    pub steps: u64,
    /// Whether some value was too small to be told from zero.
    pub vanishing: bool,
}

type Value = Result<Complex, NoValue>;

impl<'a> Evaluator<'a> {
    /// An evaluator with `p` bits after the point.
    pub fn new(p: usize, max_bits: usize, steps: u64, point: &'a [(String, RBig)], complex: bool) -> Self {
        Evaluator {
            fixed: Fixed::new(p, max_bits),
            point,
            complex,
            steps,
            vanishing: false,
        }
    }

    /// An enclosure of the value of `e`.
    ///
    /// # Errors
    /// See [`NoValue`].
    pub fn eval(&mut self, e: &Expr) -> Value {
        self.within(e, &mut Vec::new())
    }

    fn within(&mut self, e: &Expr, bound: &mut Vec<(String, RBig)>) -> Value {
        let cost = 1 + (self.fixed.p / 128) as u64;
        self.steps = self.steps.checked_sub(cost).ok_or(NoValue::Fuel)?;
        let real = |i: Interval| Ok(Complex::real(i));
        match e {
            Expr::Num(q) | Expr::Decimal(q, _) | Expr::InBase(q, ..) => real(self.fixed.rational(q)),
            Expr::Const(Const::Pi) => real(self.fixed.pi()),
            Expr::Const(Const::E) => real(self.fixed.exp(&self.fixed.int(1))?),
            Expr::Const(Const::I) => Ok(Complex {
                re: self.fixed.int(0),
                im: Some(self.fixed.int(1)),
            }),
            Expr::Const(Const::Infinity) => Err(NoValue::Unsupported),
            Expr::Var(name) => {
                let value = bound
                    .iter()
                    .rev()
                    .chain(self.point.iter())
                    .find(|(n, _)| n == name);
                real(self.fixed.rational(&value.ok_or(NoValue::Unsupported)?.1))
            }
            Expr::Add(v) => v.iter().try_fold(Complex::real(self.fixed.int(0)), |s, t| {
                Ok(s.add(&self.within(t, bound)?))
            }),
            Expr::Neg(a) => Ok(self.within(a, bound)?.neg()),
            Expr::Mul(v) => {
                let mut product = Complex::real(self.fixed.int(1));
                for t in v {
                    let t = self.within(t, bound)?;
                    product = product.mul(&t, &self.fixed)?;
                    self.charge(&product)?;
                }
                Ok(product)
            }
            Expr::Div(a, b) => {
                let (a, b) = (self.within(a, bound)?, self.within(b, bound)?);
                let r = a.div(&b, &self.fixed);
                self.noted(r, a.has_zero())
            }
            Expr::Root(a, n) => {
                let a = self.within(a, bound)?;
                self.root(&a, *n)
            }
            Expr::Pow(b, n) => self.power(b, n, bound),
            Expr::Degrees(a) => {
                let a = self.within(a, bound)?;
                let k = self.fixed.rational(&RBig::from_parts(IBig::ONE, 180u8.into()));
                a.mul(&Complex::real(self.fixed.pi()), &self.fixed)?
                    .mul(&Complex::real(k), &self.fixed)
            }
            Expr::Percent(a) => {
                let k = self.fixed.rational(&RBig::from_parts(IBig::ONE, 100u8.into()));
                self.within(a, bound)?.mul(&Complex::real(k), &self.fixed)
            }
            Expr::Seq(Brackets::Square, v) if v.len() == 1 => self.within(&v[0], bound),
            Expr::Ratio(v) if v.len() == 2 => {
                let (a, b) = (self.within(&v[0], bound)?, self.within(&v[1], bound)?);
                a.div(&b, &self.fixed)
            }
            Expr::Call(f, args) => self.call(*f, args, bound),
            Expr::Big {
                sum,
                index,
                from,
                to,
                body,
            } => {
                let (from, to) = (self.integer(from, bound)?, self.integer(to, bound)?);
                if to.saturating_sub(from) > 5000 {
                    return Err(NoValue::Fuel);
                }
                let mut total = Complex::real(self.fixed.int(if *sum { 0 } else { 1 }));
                for k in from..=to {
                    bound.push((index.clone(), RBig::from(IBig::from(k))));
                    let term = self.within(body, bound);
                    bound.pop();
                    total = if *sum {
                        total.add(&term?)
                    } else {
                        total.mul(&term?, &self.fixed)?
                    };
                    self.charge(&total)?;
                }
                Ok(total)
            }
            _ => Err(NoValue::Unsupported),
        }
    }

    /// Long numbers cost more than a node: a step for every 512 bits.
    fn charge(&mut self, value: &Complex) -> Result<(), NoValue> {
        let bits = value.re.magnitude().bit_len() as u64;
        self.steps = self.steps.checked_sub(bits / 512).ok_or(NoValue::Fuel)?;
        Ok(())
    }

    /// Remembers whether a result that need not be zero can't be told from it.
    fn noted(&mut self, r: Value, may_be_zero: bool) -> Value {
        if let Ok(c) = &r {
            let small =
                c.re.magnitude()
                    .bit_len()
                    .max(c.imaginary().magnitude().bit_len())
                    < self.fixed.p / 2;
            self.vanishing |= small && !may_be_zero;
        }
        r
    }

    /// The integer an expression certainly is.
    fn integer(&mut self, e: &Expr, bound: &mut [(String, RBig)]) -> Result<i64, NoValue> {
        let q = exact(e, bound, self.point).ok_or(NoValue::Unsupported)?;
        if !q.is_int() {
            return Err(NoValue::Undefined);
        }
        number::small(&q).ok_or(NoValue::Fuel)
    }

    fn root(&mut self, a: &Complex, n: u32) -> Value {
        let may = a.has_zero();
        let r = if a.im.is_some() || (a.re.is_negative() && n.is_multiple_of(2)) {
            if !self.complex && a.im.is_none() {
                return Err(NoValue::NotReal);
            }
            if n == 2 {
                a.sqrt(&self.fixed)
            } else {
                let k = self.fixed.rational(&RBig::from_parts(IBig::ONE, n.into()));
                a.ln(&self.fixed)?
                    .mul(&Complex::real(k), &self.fixed)?
                    .exp(&self.fixed)
            }
        } else if a.re.is_negative() {
            // Odd roots of negative numbers are real.
            Ok(Complex::real(self.fixed.root(&a.re.neg(), n as usize)?.neg()))
        } else if a.re.lo < IBig::ZERO && !n.is_multiple_of(2) {
            let down = self.fixed.root(
                &Interval {
                    lo: IBig::ZERO,
                    hi: -&a.re.lo,
                },
                n as usize,
            )?;
            let up = self.fixed.root(&a.re, n as usize)?;
            Ok(Complex::real(Interval {
                lo: -down.hi,
                hi: up.hi,
            }))
        } else {
            self.fixed.root(&a.re, n as usize).map(Complex::real)
        };
        self.noted(r, may)
    }

    fn power(&mut self, base: &Expr, exponent: &Expr, bound: &mut Vec<(String, RBig)>) -> Value {
        let b = self.within(base, bound)?;
        let may = b.has_zero();
        if let Some(q) = exact(exponent, bound, self.point) {
            if let Some(n) = number::small(&q) {
                if n < 0 && b.re.lo.is_zero() && b.re.hi.is_zero() && b.im.is_none() {
                    return Err(NoValue::Undefined);
                }
                let up = b.pow(n.unsigned_abs(), &self.fixed)?;
                let r = if n < 0 {
                    Complex::real(self.fixed.int(1)).div(&up, &self.fixed)
                } else {
                    Ok(up)
                };
                return self.noted(r, may);
            }
            let d = u32::try_from(q.denominator()).ok().filter(|d| *d <= 64);
            if let (Some(d), Ok(n)) = (d, i64::try_from(q.numerator())) {
                let r = self.root(&b, d)?;
                let up = r.pow(n.unsigned_abs(), &self.fixed)?;
                let r = if n < 0 {
                    Complex::real(self.fixed.int(1)).div(&up, &self.fixed)
                } else {
                    Ok(up)
                };
                return self.noted(r, may);
            }
        }
        let e = self.within(exponent, bound)?;
        if b.im.is_none() && !b.re.is_positive() && !self.complex {
            return Err(if b.re.is_negative() {
                NoValue::NotReal
            } else {
                NoValue::Unsure
            });
        }
        let r = b.ln(&self.fixed)?.mul(&e, &self.fixed)?.exp(&self.fixed);
        self.noted(r, may)
    }

    fn call(&mut self, f: Func, args: &[Expr], bound: &mut Vec<(String, RBig)>) -> Value {
        match f {
            Func::Factorial
            | Func::DoubleFactorial
            | Func::Binomial
            | Func::Permutations
            | Func::Gcd
            | Func::Lcm
            | Func::Mod => {
                return self.combinatorial(f, args, bound);
            }
            _ => {}
        }
        let values: Result<Vec<Complex>, NoValue> = args.iter().map(|a| self.within(a, bound)).collect();
        let values = values?;
        let x = values.first().ok_or(NoValue::Unsupported)?;
        let fx = &self.fixed;
        let real = |i: Interval| Ok(Complex::real(i));
        let one = Complex::real(fx.int(1));
        match f {
            Func::Exp => return x.exp(fx),
            Func::Ln | Func::Log => {
                let ln = |c: &Complex| {
                    if c.im.is_none() && c.re.is_negative() && !self.complex {
                        Err(NoValue::NotReal)
                    } else {
                        c.ln(fx)
                    }
                };
                let top = ln(x)?;
                if f == Func::Ln {
                    return Ok(top);
                }
                let base = match values.get(1) {
                    Some(b) => ln(b)?,
                    None => Complex::real(fx.ln(&fx.int(10))?),
                };
                return top.div(&base, fx);
            }
            Func::Abs => {
                if x.im.is_some() {
                    return real(fx.root(&x.norm(fx)?, 2)?);
                }
                return real(if x.re.is_negative() {
                    x.re.neg()
                } else if x.re.is_positive() {
                    x.re.clone()
                } else {
                    Interval {
                        lo: IBig::ZERO,
                        hi: x.re.magnitude(),
                    }
                });
            }
            Func::Re => return real(x.re.clone()),
            Func::Im => return real(x.imaginary()),
            Func::Conj => {
                return Ok(Complex {
                    re: x.re.clone(),
                    im: x.im.as_ref().map(Interval::neg),
                });
            }
            Func::Arg => return real(x.arg(fx)?),
            Func::Sinh | Func::Cosh | Func::Tanh => {
                let (up, down) = (x.exp(fx)?, x.neg().exp(fx)?);
                let half = Complex::real(fx.rational(&RBig::from_parts(IBig::ONE, 2u8.into())));
                let (s, c) = (up.add(&down.neg()), up.add(&down));
                return match f {
                    Func::Sinh => s.mul(&half, fx),
                    Func::Cosh => c.mul(&half, fx),
                    _ => s.div(&c, fx),
                };
            }
            Func::Sin | Func::Cos if x.im.is_some() => {
                // Through e^{ix}.
                let i = Complex {
                    re: fx.int(0),
                    im: Some(fx.int(1)),
                };
                let ix = x.mul(&i, fx)?;
                let (up, down) = (ix.exp(fx)?, ix.neg().exp(fx)?);
                let two = Complex::real(fx.int(2));
                return if f == Func::Cos {
                    up.add(&down).div(&two, fx)
                } else {
                    up.add(&down.neg()).div(&two.mul(&i, fx)?, fx)
                };
            }
            _ => {}
        }
        if values.iter().any(|v| v.im.is_some()) {
            return Err(NoValue::Unsupported);
        }
        let x = &x.re;
        match f {
            Func::Sin => real(fx.sin_cos(x)?.0),
            Func::Cos => real(fx.sin_cos(x)?.1),
            Func::Tan | Func::Cot | Func::Sec | Func::Csc => {
                let (s, c) = fx.sin_cos(x)?;
                let (top, bottom) = match f {
                    Func::Tan => (s, c),
                    Func::Cot => (c, s),
                    Func::Sec => (one.re, c),
                    _ => (one.re, s),
                };
                real(fx.div(&top, &bottom)?)
            }
            Func::Asin => real(fx.asin(x)?),
            Func::Acos => real(half_pi(fx).sub(&fx.asin(x)?)),
            Func::Atan => real(fx.atan(x)?),
            Func::Acot => real(half_pi(fx).sub(&fx.atan(x)?)),
            Func::Asec => real(half_pi(fx).sub(&fx.asin(&fx.div(&one.re, x)?)?)),
            Func::Acsc => real(fx.asin(&fx.div(&one.re, x)?)?),
            Func::Floor | Func::Ceil => {
                let p = fx.p;
                let (lo, hi) = if f == Func::Floor {
                    (&x.lo >> p, &x.hi >> p)
                } else {
                    (-((-&x.lo) >> p), -((-&x.hi) >> p))
                };
                if lo != hi {
                    return Err(NoValue::Unsure);
                }
                real(Interval {
                    lo: &lo << p,
                    hi: &hi << p,
                })
            }
            Func::Sign => match (x.is_positive(), x.is_negative(), x.lo.is_zero() && x.hi.is_zero()) {
                (true, ..) => real(fx.int(1)),
                (_, true, _) => real(fx.int(-1)),
                (.., true) => real(fx.int(0)),
                _ => Err(NoValue::Unsure),
            },
            Func::Min | Func::Max => {
                let ends = |pick: fn(&Interval) -> &IBig| values.iter().map(move |v| pick(&v.re).clone());
                let (lo, hi) = (ends(|i| &i.lo), ends(|i| &i.hi));
                let (lo, hi) = if f == Func::Min {
                    (lo.min(), hi.min())
                } else {
                    (lo.max(), hi.max())
                };
                lo.zip(hi)
                    .map(|(lo, hi)| Complex::real(Interval { lo, hi }))
                    .ok_or(NoValue::Unsupported)
            }
            _ => Err(NoValue::Unsupported),
        }
    }

    /// Functions of integers: through the exact normal form at this point.
    fn combinatorial(&mut self, f: Func, args: &[Expr], bound: &[(String, RBig)]) -> Value {
        let values: Option<Vec<Expr>> = args
            .iter()
            .map(|a| exact(a, bound, self.point).map(Expr::Num))
            .collect();
        let call = Expr::Call(f, values.ok_or(NoValue::Unsupported)?);
        let fuel = crate::options::Fuel {
            steps: self.steps.min(20_000),
            ..Default::default()
        };
        let mut meter = crate::fuel::Meter::new(&fuel);
        let value = crate::norm::to_ratio(&call, &mut meter).map_err(|s| match s {
            crate::fuel::Stop::Fuel(_) => NoValue::Fuel,
            crate::fuel::Stop::Undefined(_) => NoValue::Undefined,
            crate::fuel::Stop::Unsupported => NoValue::Unsupported,
        })?;
        let q = value.as_rational().ok_or(NoValue::Unsupported)?;
        Ok(Complex::real(self.fixed.rational(&q)))
    }
}

fn half_pi(f: &Fixed) -> Interval {
    let pi = f.pi();
    Interval {
        lo: &pi.lo >> 1,
        hi: (&pi.hi >> 1) + IBig::ONE,
    }
}

/// The rational value of an expression of rational operations, exactly.
fn exact(e: &Expr, bound: &[(String, RBig)], point: &[(String, RBig)]) -> Option<RBig> {
    let go = |x: &Expr| exact(x, bound, point);
    Some(match e {
        Expr::Num(q) | Expr::Decimal(q, _) | Expr::InBase(q, ..) => q.clone(),
        Expr::Var(name) => bound
            .iter()
            .rev()
            .chain(point)
            .find(|(n, _)| n == name)?
            .1
            .clone(),
        Expr::Neg(a) => -go(a)?,
        Expr::Add(v) => v.iter().try_fold(RBig::ZERO, |s, x| Some(s + go(x)?))?,
        Expr::Mul(v) => v.iter().try_fold(RBig::ONE, |s, x| Some(s * go(x)?))?,
        Expr::Div(a, b) => go(a)? / Some(go(b)?).filter(|q| !q.is_zero())?,
        Expr::Pow(a, b) => number::power(&go(a)?, number::small(&go(b)?)?, 4096)?,
        _ => return None,
    })
}
