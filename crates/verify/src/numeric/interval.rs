//! Intervals with dyadic ends `[lo, hi] / 2^p`, rounded outwards, and the elementary functions over them.
//!
//! Series and remainders are the standard ones (Brent and Zimmermann, *Modern Computer Arithmetic*, 2010, §4.2–4.4);
//! every operation encloses the exact result, so disjoint intervals prove two numbers different.

use std::cell::RefCell;
use std::collections::HashMap;

use dashu_base::{BitTest, DivEuclid, Sign, SquareRoot};
use dashu_int::IBig;
use dashu_ratio::RBig;

use super::eval::NoValue;

/// An interval whose ends are integers over `2^p`; `p` belongs to the [`Fixed`] it is used with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interval {
    /// Lower end.
    pub lo: IBig,
    /// Upper end.
    pub hi: IBig,
}

/// Arithmetic at one precision, with its constants.
pub struct Fixed {
    /// Bits after the point.
    pub p: usize,
    /// Bits an end may have before it is refused.
    max_bits: usize,
    constants: RefCell<HashMap<(bool, usize), Interval>>,
}

fn negative(x: &IBig) -> bool {
    x.sign() == Sign::Negative && !x.is_zero()
}

fn floor_div(a: &IBig, b: &IBig) -> IBig {
    if negative(b) {
        (-a).div_euclid(-b)
    } else {
        a.div_euclid(b)
    }
}

fn ceil_div(a: &IBig, b: &IBig) -> IBig {
    -floor_div(&-a, b)
}

fn shr_floor(x: &IBig, n: usize) -> IBig {
    x >> n
}

fn shr_ceil(x: &IBig, n: usize) -> IBig {
    -((-x) >> n)
}

impl Interval {
    /// Whether zero is inside.
    pub fn has_zero(&self) -> bool {
        !self.is_positive() && !self.is_negative()
    }

    /// Whether all of it is above zero.
    pub fn is_positive(&self) -> bool {
        !negative(&self.lo) && !self.lo.is_zero()
    }

    /// Whether all of it is below zero.
    pub fn is_negative(&self) -> bool {
        negative(&self.hi)
    }

    /// `-self`.
    pub fn neg(&self) -> Interval {
        Interval {
            lo: -&self.hi,
            hi: -&self.lo,
        }
    }

    /// Sum.
    pub fn add(&self, o: &Interval) -> Interval {
        Interval {
            lo: &self.lo + &o.lo,
            hi: &self.hi + &o.hi,
        }
    }

    /// Difference.
    pub fn sub(&self, o: &Interval) -> Interval {
        Interval {
            lo: &self.lo - &o.hi,
            hi: &self.hi - &o.lo,
        }
    }

    /// Whether the two share no point.
    pub fn is_disjoint(&self, o: &Interval) -> bool {
        self.hi < o.lo || o.hi < self.lo
    }

    /// The larger absolute value of the ends.
    pub fn magnitude(&self) -> IBig {
        let (a, b) = (abs(&self.lo), abs(&self.hi));
        if a > b { a } else { b }
    }
}

fn abs(x: &IBig) -> IBig {
    if negative(x) { -x } else { x.clone() }
}

impl Fixed {
    /// Arithmetic with `p` bits after the point; ends may have `max_bits` bits in all.
    pub fn new(p: usize, max_bits: usize) -> Fixed {
        Fixed {
            p,
            max_bits: max_bits + 4 * p,
            constants: RefCell::new(HashMap::new()),
        }
    }

    fn at(&self, p: usize) -> Fixed {
        Fixed {
            p,
            max_bits: self.max_bits + 4 * p,
            constants: RefCell::new(self.constants.borrow().clone()),
        }
    }

    /// Runs `f` at a higher precision and rounds the result back.
    fn higher(
        &self,
        extra: usize,
        x: &Interval,
        f: impl Fn(&Fixed, &Interval) -> Result<Interval, NoValue>,
    ) -> Result<Interval, NoValue> {
        let up = self.at(self.p + extra);
        let r = f(
            &up,
            &Interval {
                lo: &x.lo << extra,
                hi: &x.hi << extra,
            },
        )?;
        self.constants.borrow_mut().extend(up.constants.into_inner());
        Ok(Interval {
            lo: shr_floor(&r.lo, extra),
            hi: shr_ceil(&r.hi, extra),
        })
    }

    /// An integer.
    pub fn int(&self, n: i64) -> Interval {
        let x = IBig::from(n) << self.p;
        Interval { lo: x.clone(), hi: x }
    }

    /// A rational.
    pub fn rational(&self, q: &RBig) -> Interval {
        let n = q.numerator() << self.p;
        let d = IBig::from(q.denominator().clone());
        Interval {
            lo: floor_div(&n, &d),
            hi: ceil_div(&n, &d),
        }
    }

    fn checked(&self, r: Interval) -> Result<Interval, NoValue> {
        if r.lo.bit_len().max(r.hi.bit_len()) > self.max_bits {
            Err(NoValue::Fuel)
        } else {
            Ok(r)
        }
    }

    /// Product.
    pub fn mul(&self, a: &Interval, b: &Interval) -> Result<Interval, NoValue> {
        let products = [&a.lo * &b.lo, &a.lo * &b.hi, &a.hi * &b.lo, &a.hi * &b.hi];
        let [first, rest @ ..] = &products;
        let (mut lo, mut hi) = (first, first);
        for x in rest {
            if x < lo {
                lo = x;
            }
            if x > hi {
                hi = x;
            }
        }
        self.checked(Interval {
            lo: shr_floor(lo, self.p),
            hi: shr_ceil(hi, self.p),
        })
    }

    /// Quotient.
    pub fn div(&self, a: &Interval, b: &Interval) -> Result<Interval, NoValue> {
        if b.has_zero() {
            return Err(if b.lo.is_zero() && b.hi.is_zero() {
                NoValue::Undefined
            } else {
                NoValue::Unsure
            });
        }
        let (n0, n1) = (&a.lo << self.p, &a.hi << self.p);
        let quotients =
            |f: fn(&IBig, &IBig) -> IBig| [f(&n0, &b.lo), f(&n0, &b.hi), f(&n1, &b.lo), f(&n1, &b.hi)];
        let lo = quotients(floor_div).into_iter().min().unwrap_or(IBig::ZERO);
        let hi = quotients(ceil_div).into_iter().max().unwrap_or(IBig::ZERO);
        self.checked(Interval { lo, hi })
    }

    /// `a^n` for a natural `n`.
    pub fn pow(&self, a: &Interval, n: u64) -> Result<Interval, NoValue> {
        if n > 1 << 20 {
            return Err(NoValue::Fuel);
        }
        let (mut result, mut base, mut n) = (self.int(1), a.clone(), n);
        if n.is_multiple_of(2) && n > 0 {
            // Even powers are not negative.
            let m = self.pow(a, n / 2)?;
            let square = self.mul(&m, &m)?;
            return Ok(if m.has_zero() {
                Interval {
                    lo: IBig::ZERO,
                    hi: square.hi,
                }
            } else {
                square
            });
        }
        while n > 0 {
            if n & 1 == 1 {
                result = self.mul(&result, &base)?;
            }
            n >>= 1;
            if n > 0 {
                base = self.mul(&base, &base)?;
            }
        }
        Ok(result)
    }

    /// The `n`-th root of an interval that is not negative (a lower end below zero is raised to zero).
    pub fn root(&self, a: &Interval, n: usize) -> Result<Interval, NoValue> {
        if a.is_negative() {
            return Err(NoValue::NotReal);
        }
        if n > 64 {
            return Err(NoValue::Fuel);
        }
        let shift = self.p * (n - 1);
        if a.hi.bit_len() + shift > 4 * self.max_bits + 100_000 {
            return Err(NoValue::Fuel);
        }
        let down = |x: &IBig| -> IBig {
            let Some(u) = x.as_ubig() else { return IBig::ZERO };
            let u = u << shift;
            IBig::from(if n == 2 { u.sqrt() } else { u.nth_root(n) })
        };
        let lo = down(&a.lo);
        let hi = down(&a.hi) + IBig::ONE;
        Ok(Interval { lo, hi })
    }

    /// π.
    pub fn pi(&self) -> Interval {
        self.constant(true)
    }

    /// ln 2.
    pub fn ln2(&self) -> Interval {
        self.constant(false)
    }

    fn constant(&self, pi: bool) -> Interval {
        if let Some(c) = self.constants.borrow().get(&(pi, self.p)) {
            return c.clone();
        }
        let w = self.p + 24;
        // Machin: π = 16 atan(1/5) − 4 atan(1/239); ln 2 = 18 atanh(1/26) − 2 atanh(1/4801) + 8 atanh(1/8749).
        let terms: &[(i64, u32)] = if pi {
            &[(16, 5), (-4, 239)]
        } else {
            &[(18, 26), (-2, 4801), (8, 8749)]
        };
        let mut sum = Interval {
            lo: IBig::ZERO,
            hi: IBig::ZERO,
        };
        for &(k, d) in terms {
            let series = inverse_series(d, w, pi);
            let scaled = Interval {
                lo: &series.lo * k,
                hi: &series.hi * k,
            };
            let scaled = if k < 0 {
                Interval {
                    lo: scaled.hi,
                    hi: scaled.lo,
                }
            } else {
                scaled
            };
            sum = sum.add(&scaled);
        }
        let c = Interval {
            lo: shr_floor(&sum.lo, 24),
            hi: shr_ceil(&sum.hi, 24),
        };
        self.constants.borrow_mut().insert((pi, self.p), c.clone());
        c
    }

    /// e^x.
    pub fn exp(&self, x: &Interval) -> Result<Interval, NoValue> {
        // The result has about x / ln 2 bits before the point.
        let whole = shr_ceil(&x.magnitude(), self.p);
        let bits = usize::try_from(&whole)
            .ok()
            .and_then(|w| w.checked_mul(3))
            .map(|b| b / 2)
            .unwrap_or(usize::MAX);
        if bits > self.max_bits {
            return if x.is_negative() {
                Ok(Interval {
                    lo: IBig::ZERO,
                    hi: IBig::ONE,
                })
            } else {
                Err(NoValue::Fuel)
            };
        }
        let extra = 24 + bits;
        self.higher(extra, x, |f, x| {
            let lo = f.exp_point(&x.lo)?;
            let hi = if x.lo == x.hi {
                lo.clone()
            } else {
                f.exp_point(&x.hi)?
            };
            Ok(Interval { lo: lo.lo, hi: hi.hi })
        })
    }

    fn exp_point(&self, x: &IBig) -> Result<Interval, NoValue> {
        let ln2 = self.ln2();
        let k = floor_div(x, &ln2.lo);
        let point = Interval {
            lo: x.clone(),
            hi: x.clone(),
        };
        let multiple = Interval {
            lo: &ln2.lo * &k,
            hi: &ln2.hi * &k,
        };
        let multiple = if negative(&k) {
            Interval {
                lo: multiple.hi,
                hi: multiple.lo,
            }
        } else {
            multiple
        };
        let r = point.sub(&multiple);
        let (mut term, mut sum) = (self.int(1), self.int(1));
        for n in 1..10_000u32 {
            term = self.mul(&term, &r)?;
            let n = IBig::from(n);
            term = Interval {
                lo: floor_div(&term.lo, &n),
                hi: ceil_div(&term.hi, &n),
            };
            sum = sum.add(&term);
            if term.magnitude() <= IBig::ONE {
                break;
            }
        }
        // |r| < 1, so all later terms together are below the last one; the terms are at most two units.
        let sum = Interval {
            lo: sum.lo - IBig::from(4),
            hi: sum.hi + IBig::from(4),
        };
        let k = i64::try_from(&k).map_err(|_| NoValue::Fuel)?;
        let n = k.unsigned_abs() as usize;
        self.checked(if k >= 0 {
            Interval {
                lo: sum.lo << n,
                hi: sum.hi << n,
            }
        } else {
            Interval {
                lo: shr_floor(&sum.lo, n),
                hi: shr_ceil(&sum.hi, n),
            }
        })
    }

    /// The natural logarithm of a positive interval.
    pub fn ln(&self, x: &Interval) -> Result<Interval, NoValue> {
        if x.is_negative() {
            return Err(NoValue::NotReal);
        }
        if !x.is_positive() {
            return Err(if x.hi.is_zero() {
                NoValue::Undefined
            } else {
                NoValue::Unsure
            });
        }
        self.higher(32, x, |f, x| {
            let lo = f.ln_point(&x.lo)?;
            let hi = if x.lo == x.hi {
                lo.clone()
            } else {
                f.ln_point(&x.hi)?
            };
            Ok(Interval { lo: lo.lo, hi: hi.hi })
        })
    }

    fn ln_point(&self, x: &IBig) -> Result<Interval, NoValue> {
        // x = m · 2^e with m in [1, 2); ln m = 2 atanh((m − 1)/(m + 1)).
        let e = x.bit_len() as i64 - 1 - self.p as i64;
        let m = if e >= 0 {
            Interval {
                lo: shr_floor(x, e as usize),
                hi: shr_ceil(x, e as usize),
            }
        } else {
            let y = x << e.unsigned_abs() as usize;
            Interval { lo: y.clone(), hi: y }
        };
        let one = self.int(1);
        let z = self.div(&m.sub(&one), &m.add(&one))?;
        let z2 = self.mul(&z, &z)?;
        let (mut power, mut sum) = (z.clone(), z);
        for n in 1..20_000u32 {
            power = self.mul(&power, &z2)?;
            let d = IBig::from(2 * n + 1);
            let term = Interval {
                lo: floor_div(&power.lo, &d),
                hi: ceil_div(&power.hi, &d),
            };
            sum = sum.add(&term);
            if power.magnitude() <= IBig::ONE {
                break;
            }
        }
        let sum = Interval {
            lo: (sum.lo - IBig::from(4)) * 2,
            hi: (sum.hi + IBig::from(4)) * 2,
        };
        let ln2 = self.ln2();
        let shift = Interval {
            lo: &ln2.lo * e,
            hi: &ln2.hi * e,
        };
        let shift = if e < 0 {
            Interval {
                lo: shift.hi,
                hi: shift.lo,
            }
        } else {
            shift
        };
        Ok(sum.add(&shift))
    }

    /// Sine and cosine.
    pub fn sin_cos(&self, x: &Interval) -> Result<(Interval, Interval), NoValue> {
        // Both change by no more than their argument does.
        let radius = &x.hi - &x.lo;
        let size = x.lo.bit_len().saturating_sub(self.p);
        if size > self.max_bits {
            return Err(NoValue::Fuel);
        }
        let extra = 24 + size;
        let point = Interval {
            lo: x.lo.clone(),
            hi: x.lo.clone(),
        };
        let widen = |r: Interval| {
            let one = IBig::ONE << self.p;
            let lo = (r.lo - &radius).max(-&one);
            let hi = (r.hi + &radius).min(one);
            Interval { lo, hi }
        };
        let sin = self.higher(extra, &point, |f, x| f.sin_point(x, 0))?;
        let cos = self.higher(extra, &point, |f, x| f.sin_point(x, 1))?;
        Ok((widen(sin), widen(cos)))
    }

    /// sin(x + quarter·π/2) of a narrow interval.
    fn sin_point(&self, x: &Interval, quarter: i64) -> Result<Interval, NoValue> {
        let pi = self.pi();
        let half_pi = Interval {
            lo: shr_floor(&pi.lo, 1),
            hi: shr_ceil(&pi.hi, 1),
        };
        // Nearest multiple of π/2.
        let k = floor_div(&(&x.lo * 2 + &half_pi.lo), &(&half_pi.lo * 2));
        let multiple = Interval {
            lo: &half_pi.lo * &k,
            hi: &half_pi.hi * &k,
        };
        let multiple = if negative(&k) {
            Interval {
                lo: multiple.hi,
                hi: multiple.lo,
            }
        } else {
            multiple
        };
        let r = x.sub(&multiple);
        let four = IBig::from(4);
        let phase = i64::try_from(&(&k - floor_div(&k, &four) * &four)).map_err(|_| NoValue::Fuel)? + quarter;
        let r2 = self.mul(&r, &r)?;
        let cosine = phase.rem_euclid(2) == 1;
        let mut term = if cosine { self.int(1) } else { r };
        let mut sum = term.clone();
        let start: u32 = if cosine { 1 } else { 2 };
        for n in 0..5000u32 {
            let a = start + 2 * n;
            term = self.mul(&term, &r2)?.neg();
            let d = IBig::from(u64::from(a) * u64::from(a + 1));
            term = Interval {
                lo: floor_div(&term.lo, &d),
                hi: ceil_div(&term.hi, &d),
            };
            sum = sum.add(&term);
            if term.magnitude() <= IBig::ONE {
                break;
            }
        }
        let sum = Interval {
            lo: sum.lo - IBig::from(4),
            hi: sum.hi + IBig::from(4),
        };
        Ok(if matches!(phase.rem_euclid(4), 2 | 3) {
            sum.neg()
        } else {
            sum
        })
    }

    /// The arc tangent.
    pub fn atan(&self, x: &Interval) -> Result<Interval, NoValue> {
        let lo = self.higher(
            32,
            &Interval {
                lo: x.lo.clone(),
                hi: x.lo.clone(),
            },
            Fixed::atan_point,
        )?;
        if x.lo == x.hi {
            return Ok(lo);
        }
        let hi = self.higher(
            32,
            &Interval {
                lo: x.hi.clone(),
                hi: x.hi.clone(),
            },
            Fixed::atan_point,
        )?;
        Ok(Interval { lo: lo.lo, hi: hi.hi })
    }

    fn atan_point(&self, x: &Interval) -> Result<Interval, NoValue> {
        if x.is_negative() {
            return Ok(self.atan_point(&x.neg())?.neg());
        }
        let one = self.int(1);
        if x.lo > one.lo {
            let pi = self.pi();
            let half = Interval {
                lo: shr_floor(&pi.lo, 1),
                hi: shr_ceil(&pi.hi, 1),
            };
            return Ok(half.sub(&self.atan_point(&self.div(&one, x)?)?));
        }
        // atan x = 2 atan(x / (1 + √(1 + x²))), three times.
        let mut y = x.clone();
        for _ in 0..3 {
            let root = self.root(&one.add(&self.mul(&y, &y)?), 2)?;
            y = self.div(&y, &one.add(&root))?;
        }
        let y2 = self.mul(&y, &y)?;
        let (mut power, mut sum) = (y.clone(), y);
        for n in 1..20_000u32 {
            power = self.mul(&power, &y2)?.neg();
            let d = IBig::from(2 * n + 1);
            sum = sum.add(&Interval {
                lo: floor_div(&power.lo, &d),
                hi: ceil_div(&power.hi, &d),
            });
            if power.magnitude() <= IBig::ONE {
                break;
            }
        }
        Ok(Interval {
            lo: (sum.lo - IBig::from(4)) * 8,
            hi: (sum.hi + IBig::from(4)) * 8,
        })
    }

    /// The arc sine: `2 atan(x / (1 + √(1 − x²)))`.
    pub fn asin(&self, x: &Interval) -> Result<Interval, NoValue> {
        let one = self.int(1);
        if x.lo > one.hi || x.hi < -&one.hi {
            return Err(NoValue::NotReal);
        }
        let square = self.mul(x, x)?;
        let rest = one.sub(&square);
        let root = self.root(&rest, 2)?;
        let half = self.atan(&self.div(x, &one.add(&root))?)?;
        Ok(half.add(&half))
    }
}

/// atan(1/d) (alternating) or atanh(1/d), at `w` bits.
fn inverse_series(d: u32, w: usize, alternating: bool) -> Interval {
    let d2 = IBig::from(u64::from(d) * u64::from(d));
    let mut power = (IBig::ONE << w) / IBig::from(d);
    let mut sum = power.clone();
    let mut n = 1u32;
    while !power.is_zero() {
        power /= &d2;
        let term = &power / IBig::from(2 * n + 1);
        if alternating && n % 2 == 1 {
            sum -= term;
        } else {
            sum += term;
        }
        n += 1;
    }
    // Every term is off by less than two units, and the rest of the series by less than one.
    let error = IBig::from(2 * n + 2);
    Interval {
        lo: &sum - &error,
        hi: sum + error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The enclosure must hold the double nearest to the true value, within its own rounding, and be narrow.
    fn encloses(f: &Fixed, i: &Interval, x: f64) {
        let scale = 2f64.powi(60);
        let shift = f.p - 60;
        let lo = i128::try_from(&shr_floor(&i.lo, shift)).unwrap() as f64 / scale;
        let hi = i128::try_from(&shr_ceil(&i.hi, shift)).unwrap() as f64 / scale;
        let slack = x.abs() * 4e-15 + 1e-15;
        assert!(lo <= x + slack && x - slack <= hi, "{lo} {x} {hi}");
        assert!(
            (&i.hi - &i.lo).bit_len() < 40,
            "width {}",
            (&i.hi - &i.lo).bit_len()
        );
    }

    #[test]
    fn shifts_round_to_the_floor() {
        assert_eq!(shr_floor(&IBig::from(-1), 1), IBig::from(-1));
        assert_eq!(shr_ceil(&IBig::from(-3), 1), IBig::from(-1));
        assert_eq!(shr_ceil(&IBig::from(3), 1), IBig::from(2));
        assert_eq!(floor_div(&IBig::from(7), &IBig::from(-2)), IBig::from(-4));
    }

    #[test]
    fn functions_agree_with_doubles() {
        for p in [96, 200, 700] {
            let f = Fixed::new(p, 4000);
            for n in [-30i64, -7, -3, -1, 1, 2, 5, 9, 40] {
                let q = RBig::from_parts_signed(IBig::from(n), IBig::from(16));
                let x = n as f64 / 16.0;
                let i = f.rational(&q);
                encloses(&f, &f.exp(&i).unwrap(), x.exp());
                let (s, c) = f.sin_cos(&i).unwrap();
                encloses(&f, &s, x.sin());
                encloses(&f, &c, x.cos());
                encloses(&f, &f.atan(&i).unwrap(), x.atan());
                if n > 0 {
                    encloses(&f, &f.ln(&i).unwrap(), x.ln());
                    encloses(&f, &f.root(&i, 3).unwrap(), x.cbrt());
                }
                if x.abs() <= 1.0 {
                    encloses(&f, &f.asin(&i).unwrap(), x.asin());
                }
            }
            encloses(&f, &f.pi(), std::f64::consts::PI);
            encloses(&f, &f.ln2(), std::f64::consts::LN_2);
        }
    }
}
