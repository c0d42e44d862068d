//! Functions with exact values: trigonometry at rational multiples of π, logarithms, combinatorics.

use dashu_base::{Gcd, RemEuclid};
use dashu_int::{IBig, UBig};
use dashu_ratio::RBig;

use super::convert::Converter;
use super::key::ratio_key;
use super::poly::{Frac, Gen, Poly};
use super::ratio::Ratio;
use super::root;
use crate::expr::{Expr, Func};
use crate::fuel::Stop;
use crate::number;

fn q(n: i64, d: i64) -> RBig {
    RBig::from_parts_signed(IBig::from(n), IBig::from(d))
}

impl Converter<'_> {
    pub(super) fn call(&mut self, f: Func, args: &[Expr]) -> Result<Ratio, Stop> {
        let forms: Result<Vec<Ratio>, Stop> = args.iter().map(|a| self.ratio(a)).collect();
        let forms = forms?;
        let x = forms.first().ok_or(Stop::Unsupported)?.clone();
        match f {
            Func::Sin => self.sine(&x),
            Func::Cos => self.cosine(&x),
            Func::Tan => self.quotient(Func::Sin, Func::Cos, &x),
            Func::Cot => self.quotient(Func::Cos, Func::Sin, &x),
            Func::Sec => self.cosine(&x)?.inverse(self.meter),
            Func::Csc => self.sine(&x)?.inverse(self.meter),
            Func::Asin | Func::Acos | Func::Atan | Func::Acot | Func::Asec | Func::Acsc => {
                self.inverse_trig(f, &x)
            }
            Func::Exp => {
                let e = self.generator(Gen::E)?;
                self.raise(&e, &x)
            }
            Func::Ln => self.ln(&x),
            Func::Log => {
                let base = forms.get(1).cloned().unwrap_or_else(|| Ratio::rational(q(10, 1)));
                let (a, b) = (self.ln(&x)?, self.ln(&base)?);
                let inverse = b.inverse(self.meter)?;
                a.mul(&inverse, self.meter)
            }
            Func::Abs => self.abs(&x),
            Func::Conj => {
                if x.any(|g| matches!(g, Gen::Var(_) | Gen::Power(..) | Gen::Opaque(_))) {
                    return self.opaque("conj", &forms);
                }
                self.conjugate(&x)
            }
            Func::Re | Func::Im => {
                if x.any(|g| matches!(g, Gen::Var(_) | Gen::Power(..) | Gen::Opaque(_))) {
                    return self.opaque(if f == Func::Re { "Re" } else { "Im" }, &forms);
                }
                let c = self.conjugate(&x)?;
                let sign = if f == Func::Re { RBig::ONE } else { -RBig::ONE };
                let twice = x.add(&c, &sign, self.meter)?;
                let half = if f == Func::Re {
                    Ratio::rational(q(1, 2))
                } else {
                    let i = self.generator(Gen::I)?;
                    Ratio {
                        num: i.num.scale(&q(-1, 2)),
                        den: Poly::one(),
                    }
                };
                twice.mul(&half, self.meter)
            }
            Func::Floor | Func::Ceil | Func::Sign | Func::Factorial | Func::DoubleFactorial => {
                match x.as_rational() {
                    Some(v) => self.integer_function(f, &v),
                    None => self.opaque(name(f), &forms),
                }
            }
            Func::Binomial | Func::Permutations => self.binomial(f, &forms),
            Func::Gcd | Func::Lcm | Func::Min | Func::Max | Func::Mod => {
                let values: Option<Vec<RBig>> = forms.iter().map(Ratio::as_rational).collect();
                match values {
                    Some(v) => self.rational_function(f, v),
                    None => self.opaque(name(f), &forms),
                }
            }
            Func::Sinh | Func::Cosh | Func::Tanh => self.hyperbolic(f, &x),
            Func::Arg | Func::Det => self.opaque(name(f), &forms),
        }
    }

    fn opaque(&mut self, name: &str, forms: &[Ratio]) -> Result<Ratio, Stop> {
        let mut keys: Vec<String> = forms.iter().map(ratio_key).collect();
        if matches!(name, "Gcd" | "Lcm" | "Min" | "Max") {
            keys.sort();
        }
        self.generator(Gen::Opaque(format!("{name}({})", keys.join(";"))))
    }

    fn quotient(&mut self, top: Func, bottom: Func, x: &Ratio) -> Result<Ratio, Stop> {
        let side = |c: &mut Self, f| if f == Func::Sin { c.sine(x) } else { c.cosine(x) };
        let (a, b) = (side(self, top)?, side(self, bottom)?);
        let inverse = b.inverse(self.meter)?;
        a.mul(&inverse, self.meter)
    }

    fn sine(&mut self, x: &Ratio) -> Result<Ratio, Stop> {
        if let Some(k) = pi_multiple(x) {
            return self.sin_pi(&k);
        }
        let (x, negative) = signed(x);
        let r = self.opaque("sin", &[x])?;
        Ok(if negative {
            Ratio {
                num: r.num.scale(&-RBig::ONE),
                den: r.den,
            }
        } else {
            r
        })
    }

    fn cosine(&mut self, x: &Ratio) -> Result<Ratio, Stop> {
        if let Some(k) = pi_multiple(x) {
            return self.sin_pi(&(k + q(1, 2)));
        }
        self.opaque("cos", &[signed(x).0])
    }

    /// sin(kπ), exact for the multiples of 15° and 18° that square roots reach without nesting.
    pub(super) fn sin_pi(&mut self, k: &RBig) -> Result<Ratio, Stop> {
        let two = IBig::from(2) * IBig::from(k.denominator().clone());
        let n = k.numerator().rem_euclid(&two);
        let mut k = RBig::from_parts(IBig::from(n), k.denominator().clone());
        let mut sign = RBig::ONE;
        if k >= RBig::ONE {
            k -= RBig::ONE;
            sign = -sign;
        }
        if k > q(1, 2) {
            k = RBig::ONE - k;
        }
        let surd = |c: &mut Self, terms: &[(i64, i64, i64)]| -> Result<Ratio, Stop> {
            let mut sum = Ratio::rational(RBig::ZERO);
            for &(n, d, under) in terms {
                let r = root::root(&Ratio::rational(q(under, 1)), 2, c.meter)?;
                sum = sum.add(&r, &q(n, d), c.meter)?;
            }
            Ok(sum)
        };
        let small = (number::small(&(&k * q(60, 1))), k.is_zero());
        let value = match small {
            (_, true) => Ratio::rational(RBig::ZERO),
            (Some(30), _) => Ratio::rational(RBig::ONE),
            (Some(10), _) => Ratio::rational(q(1, 2)),
            (Some(15), _) => surd(self, &[(1, 2, 2)])?,
            (Some(20), _) => surd(self, &[(1, 2, 3)])?,
            (Some(5), _) => surd(self, &[(1, 4, 6), (-1, 4, 2)])?,
            (Some(25), _) => surd(self, &[(1, 4, 6), (1, 4, 2)])?,
            (Some(6), _) => surd(self, &[(1, 4, 5), (-1, 4, 1)])?,
            (Some(18), _) => surd(self, &[(1, 4, 5), (1, 4, 1)])?,
            _ => self.generator(Gen::Opaque(format!("sin({k}pi)")))?,
        };
        Ok(Ratio {
            num: value.num.scale(&sign),
            den: value.den,
        })
    }

    fn inverse_trig(&mut self, f: Func, x: &Ratio) -> Result<Ratio, Stop> {
        match f {
            Func::Asec => {
                let y = x.inverse(self.meter)?;
                return self.inverse_trig(Func::Acos, &y);
            }
            Func::Acsc => {
                let y = x.inverse(self.meter)?;
                return self.inverse_trig(Func::Asin, &y);
            }
            Func::Acos | Func::Acot => {
                let inner = self.inverse_trig(if f == Func::Acos { Func::Asin } else { Func::Atan }, x)?;
                let right = self.pi_times(q(1, 2))?;
                return right.add(&inner, &-RBig::ONE, self.meter);
            }
            _ => {}
        }
        // Only constants over roots can be exact values.
        if !x.any(|g| !matches!(g, Gen::Prime(_))) {
            for k in [0, 5, 6, 10, 15, 18, 20, 25, 30] {
                let k = q(k, 60);
                let sin = self.sin_pi(&k)?;
                let value = if f == Func::Asin {
                    sin
                } else {
                    let cos = self.sin_pi(&(&k + q(1, 2)))?;
                    match cos.inverse(self.meter) {
                        Ok(inverse) => sin.mul(&inverse, self.meter)?,
                        Err(_) => continue,
                    }
                };
                if value == *x {
                    return self.pi_times(k);
                }
                if value.num == x.num.scale(&-RBig::ONE) && value.den == x.den {
                    return self.pi_times(-k);
                }
            }
            if f == Func::Asin && x.as_rational().is_some_and(|v| number::abs(&v) > RBig::ONE) {
                return Err(Stop::Undefined("the arcsine of a number beyond one"));
            }
        }
        let (y, negative) = signed(x);
        let r = self.opaque(name(f), &[y])?;
        Ok(if negative {
            Ratio {
                num: r.num.scale(&-RBig::ONE),
                den: r.den,
            }
        } else {
            r
        })
    }

    fn pi_times(&mut self, k: RBig) -> Result<Ratio, Stop> {
        let pi = self.generator(Gen::Pi)?;
        Ok(Ratio {
            num: pi.num.scale(&k),
            den: pi.den,
        })
    }

    /// The natural logarithm.
    fn ln(&mut self, x: &Ratio) -> Result<Ratio, Stop> {
        if x.num.is_zero() {
            return Err(Stop::Undefined("the logarithm of zero"));
        }
        if x.is_poly()
            && let Some((m, c)) = x.num.single()
            && m.0.iter().all(|(g, _)| matches!(**g, Gen::Prime(_) | Gen::E))
            && let Some(atoms) = root::atoms(m, c)
        {
            let mut sum = Ratio::rational(RBig::ZERO);
            for (g, e) in atoms {
                let e = RBig::from_parts_signed(IBig::from(e.n), IBig::from(e.d));
                let term = match g {
                    Gen::E => Ratio::rational(RBig::ONE),
                    Gen::Prime(p) => self.generator(Gen::Log(p))?,
                    _ => return Err(Stop::Unsupported),
                };
                sum = sum.add(&term, &e, self.meter)?;
            }
            return Ok(sum);
        }
        self.opaque("ln", std::slice::from_ref(x))
    }

    fn abs(&mut self, x: &Ratio) -> Result<Ratio, Stop> {
        if let Some(v) = x.as_rational() {
            return Ok(Ratio::rational(number::abs(&v)));
        }
        if x.is_poly() && !x.any(|g| !matches!(g, Gen::I | Gen::Prime(_) | Gen::Pi | Gen::E)) {
            if let Some((m, c)) = x.num.single() {
                let rest = super::poly::Mono(m.0.iter().filter(|(g, _)| **g != Gen::I).cloned().collect());
                return Poly::term(number::abs(c), rest, self.meter).map(Ratio::poly);
            }
            if x.any(|g| *g == Gen::I) {
                let c = self.conjugate(x)?;
                let square = x.mul(&c, self.meter)?;
                return root::root(&square, 2, self.meter);
            }
        }
        let (x, _) = signed(x);
        self.opaque("abs", &[x])
    }

    fn conjugate(&mut self, x: &Ratio) -> Result<Ratio, Stop> {
        let flip = |p: &Poly| Poly {
            terms: p
                .terms
                .iter()
                .map(|(m, c)| {
                    (
                        m.clone(),
                        if m.0.iter().any(|(g, _)| **g == Gen::I) {
                            -c
                        } else {
                            c.clone()
                        },
                    )
                })
                .collect(),
        };
        Ratio {
            num: flip(&x.num),
            den: Poly::one(),
        }
        .mul(
            &Ratio {
                num: Poly::one(),
                den: flip(&x.den),
            },
            self.meter,
        )
    }

    fn integer_function(&mut self, f: Func, v: &RBig) -> Result<Ratio, Stop> {
        let value = match f {
            Func::Floor => RBig::from(v.floor()),
            Func::Ceil => RBig::from(v.ceil()),
            Func::Sign => match (v.is_zero(), number::is_negative(v)) {
                (true, _) => RBig::ZERO,
                (_, true) => -RBig::ONE,
                _ => RBig::ONE,
            },
            _ => {
                if !v.is_int() || number::is_negative(v) {
                    return Err(Stop::Undefined("a factorial of what is no natural number"));
                }
                let step = if f == Func::DoubleFactorial { 2 } else { 1 };
                let n = number::small(v)
                    .filter(|&n| n <= 5000)
                    .ok_or(Stop::Fuel("a factorial is too large"))?;
                let mut product = UBig::ONE;
                let mut k = n;
                while k > 1 {
                    self.meter
                        .spend(1 + dashu_base::BitTest::bit_len(&product) as u64 / 64)?;
                    product *= k as u64;
                    k -= step;
                }
                RBig::from(IBig::from(product))
            }
        };
        if number::bits(&value) > self.meter.bits {
            return Err(Stop::Fuel("a number is too long"));
        }
        Ok(Ratio::rational(value))
    }

    fn binomial(&mut self, f: Func, forms: &[Ratio]) -> Result<Ratio, Stop> {
        let [n, k] = forms else {
            return Err(Stop::Unsupported);
        };
        let (Some(n), Some(k)) = (n.as_rational(), k.as_rational()) else {
            return self.opaque(name(f), forms);
        };
        let (Some(mut k), true) = (number::small(&k), n.is_int()) else {
            return Err(Stop::Unsupported);
        };
        if k < 0 {
            return Ok(Ratio::rational(RBig::ZERO));
        }
        if let Some(m) = number::small(&n).filter(|&m| m >= 0) {
            if k > m {
                return Ok(Ratio::rational(RBig::ZERO));
            }
            if f == Func::Binomial {
                k = k.min(m - k);
            }
        }
        if k > 5000 {
            return Err(Stop::Fuel("a binomial coefficient is too large"));
        }
        let mut value = RBig::ONE;
        for j in 0..k {
            self.meter.spend(2 + number::bits(&value) as u64 / 64)?;
            value *= &n - q(j, 1);
            if f == Func::Binomial {
                value /= q(j + 1, 1);
            }
            if number::bits(&value) > self.meter.bits {
                return Err(Stop::Fuel("a number is too long"));
            }
        }
        Ok(Ratio::rational(value))
    }

    fn rational_function(&mut self, f: Func, v: Vec<RBig>) -> Result<Ratio, Stop> {
        let best = |pick_first: fn(&RBig, &RBig) -> bool| {
            v.iter()
                .cloned()
                .reduce(|a, b| if pick_first(&a, &b) { a } else { b })
                .ok_or(Stop::Unsupported)
        };
        let value = match f {
            Func::Min => best(|a, b| a <= b)?,
            Func::Max => best(|a, b| a >= b)?,
            Func::Mod => {
                let [a, b] = v.as_slice() else {
                    return Err(Stop::Unsupported);
                };
                if b.is_zero() {
                    return Err(Stop::Undefined("division by zero"));
                }
                a - b * RBig::from((a / b).floor())
            }
            _ => {
                if v.iter().any(|x| !x.is_int()) {
                    return Err(Stop::Unsupported);
                }
                let ints = v.iter().map(|x| {
                    number::abs(x)
                        .numerator()
                        .as_ubig()
                        .cloned()
                        .unwrap_or(UBig::ZERO)
                });
                let folded = ints.reduce(|a, b| {
                    if a.is_zero() || b.is_zero() {
                        return if f == Func::Gcd { a + b } else { UBig::ZERO };
                    }
                    let g = (&a).gcd(&b);
                    if f == Func::Gcd { g } else { a / g * b }
                });
                RBig::from(IBig::from(folded.ok_or(Stop::Unsupported)?))
            }
        };
        if number::bits(&value) > self.meter.bits {
            return Err(Stop::Fuel("a number is too long"));
        }
        Ok(Ratio::rational(value))
    }

    /// By their definitions through the exponential function.
    fn hyperbolic(&mut self, f: Func, x: &Ratio) -> Result<Ratio, Stop> {
        let e = self.generator(Gen::E)?;
        let up = self.raise(&e, x)?;
        let down = up.inverse(self.meter)?;
        let cosh2 = up.add(&down, &RBig::ONE, self.meter)?;
        let sinh2 = up.add(&down, &-RBig::ONE, self.meter)?;
        let half = Ratio::rational(q(1, 2));
        match f {
            Func::Sinh => sinh2.mul(&half, self.meter),
            Func::Cosh => cosh2.mul(&half, self.meter),
            _ => {
                let inverse = cosh2.inverse(self.meter)?;
                sinh2.mul(&inverse, self.meter)
            }
        }
    }
}

/// The name an unevaluated function has in keys.
fn name(f: Func) -> &'static str {
    match f {
        Func::Asin => "asin",
        Func::Atan => "atan",
        Func::Floor => "floor",
        Func::Ceil => "ceil",
        Func::Sign => "sgn",
        Func::Factorial => "fact",
        Func::DoubleFactorial => "fact2",
        Func::Binomial => "binom",
        Func::Permutations => "perm",
        Func::Gcd => "Gcd",
        Func::Lcm => "Lcm",
        Func::Min => "Min",
        Func::Max => "Max",
        Func::Mod => "mod",
        Func::Arg => "arg",
        _ => "f",
    }
}

/// k when the form is kπ.
fn pi_multiple(x: &Ratio) -> Option<RBig> {
    if x.num.is_zero() {
        return Some(RBig::ZERO);
    }
    let (m, c) = x.num.single().filter(|_| x.is_poly())?;
    (m.0.len() == 1 && *m.0[0].0 == Gen::Pi && m.0[0].1 == Frac::ONE).then(|| c.clone())
}

/// The form with a positive leading coefficient, and whether it was negated.
fn signed(x: &Ratio) -> (Ratio, bool) {
    let negative = x
        .num
        .terms
        .iter()
        .next_back()
        .is_some_and(|(_, c)| number::is_negative(c));
    if negative {
        (
            Ratio {
                num: x.num.scale(&-RBig::ONE),
                den: x.den.clone(),
            },
            true,
        )
    } else {
        (x.clone(), false)
    }
}
