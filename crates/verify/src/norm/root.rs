//! Roots of normal forms, and the primes under them.

use dashu_base::SquareRoot;
use dashu_int::{IBig, UBig};
use dashu_ratio::RBig;

use super::key::poly_key;
use super::poly::{Frac, Gen, Mono, Poly};
use super::ratio::Ratio;
use crate::fuel::{Meter, Stop};
use crate::number;

/// Trial division goes up to here; a cofactor below the square of it is prime.
const TRIAL: u64 = 2000;

/// A positive integer as powers of primes; `None` when a cofactor is not certainly prime.
pub(super) fn factor(n: &UBig) -> Option<Vec<(UBig, i64)>> {
    let mut out = Vec::new();
    let mut rest = n.clone();
    let mut d = 2u64;
    while d < TRIAL {
        let p = UBig::from(d);
        if &p * &p > rest {
            break;
        }
        let mut e = 0;
        while (&rest % d) == 0 {
            rest /= d;
            e += 1;
        }
        if e > 0 {
            out.push((p, e));
        }
        d += if d == 2 { 1 } else { 2 };
    }
    if rest > UBig::ONE {
        if rest < UBig::from(TRIAL * TRIAL) {
            out.push((rest, 1));
        } else {
            // A large cofactor still may be a square of a certain prime.
            let s = rest.sqrt();
            if &s * &s == rest && s < UBig::from(TRIAL * TRIAL) {
                out.push((s, 2));
            } else {
                return None;
            }
        }
    }
    Some(out)
}

/// A positive term as a product of generators with weights; `None` when a sign or a factor is unknown.
pub(super) fn atoms(m: &Mono, c: &RBig) -> Option<Vec<(Gen, Frac)>> {
    if number::is_negative(c) || c.is_zero() {
        return None;
    }
    let mut out: Vec<(Gen, Frac)> = Vec::new();
    let mut push = |g: Gen, e: Frac| match out.iter_mut().find(|(h, _)| *h == g) {
        Some(slot) => slot.1.plus(e).map(|sum| slot.1 = sum).ok(),
        None => {
            out.push((g, e));
            Some(())
        }
    };
    for (p, e) in factor(c.numerator().as_ubig()?)? {
        push(Gen::Prime(p), Frac::new(e, 1)?)?;
    }
    for (p, e) in factor(c.denominator())? {
        push(Gen::Prime(p), Frac::new(-e, 1)?)?;
    }
    for (g, e) in &m.0 {
        match &**g {
            Gen::Prime(_) | Gen::E | Gen::Pi | Gen::Var(_) => push((**g).clone(), *e)?,
            _ => return None,
        }
    }
    Some(out)
}

/// The `n`-th root: the real one of a real number where it exists, the principal square root of a negative one.
pub(super) fn root(a: &Ratio, n: u32, meter: &mut Meter) -> Result<Ratio, Stop> {
    if a.num.is_zero() {
        return Ok(Ratio::rational(RBig::ZERO));
    }
    if !a.is_poly() {
        return opaque(&Poly::one(), &super::key::ratio_key(a), n, meter);
    }
    if let Some((m, c)) = a.num.single() {
        if let Some(r) = single(m, c, n, meter)? {
            return Ok(r);
        }
    } else if let Some(r) = denested(&a.num, n, meter)? {
        return Ok(r);
    }
    // √(12x + 8) = 2 √(3x + 2): the rational content comes out.
    let content = content(&a.num);
    let outside = match single(&Mono::default(), &content, n, meter)? {
        Some(r) => r.num,
        None => return opaque(&Poly::one(), &poly_key(&a.num), n, meter),
    };
    let inside = a.num.scale(&(RBig::ONE / content));
    opaque(&outside, &poly_key(&inside), n, meter)
}

fn opaque(outside: &Poly, key: &str, n: u32, meter: &mut Meter) -> Result<Ratio, Stop> {
    let e = Frac::new(1, i64::from(n)).ok_or(Stop::Unsupported)?;
    let g = Poly::generator(Gen::Opaque(key.to_owned()), e, meter)?;
    Ok(Ratio::poly(outside.mul(&g, meter)?))
}

/// The root of one term; `None` when its sign is unknown.
fn single(m: &Mono, c: &RBig, n: u32, meter: &mut Meter) -> Result<Option<Ratio>, Stop> {
    let negative = number::is_negative(c);
    let even = n.is_multiple_of(2);
    let mut imaginary = false;
    if negative && even {
        // √-5 = i√5; of higher even roots, and of variables, nothing is claimed.
        if n != 2 || m.0.iter().any(|(g, _)| !g.is_positive()) {
            return Ok(None);
        }
        imaginary = true;
    }
    let mut mono = Vec::new();
    for (g, e) in &m.0 {
        let ok = match &**g {
            Gen::I => return Ok(None),
            g if g.is_positive() => true,
            Gen::Var(_) if e.is_int() => {
                let power = Frac::new(e.n, i64::from(n)).ok_or(Stop::Unsupported)?;
                // √(x²) = |x|, but ⁴√(x⁸) = x² and ³√(x³) = x.
                !even || e.n % 2 != 0 || (power.is_int() && power.n % 2 == 0)
            }
            Gen::Opaque(_) => *e == Frac::ONE,
            _ => false,
        };
        if !ok {
            return Ok(None);
        }
        mono.push((
            g.clone(),
            e.times(Frac {
                n: 1,
                d: i64::from(n),
            })?,
        ));
    }
    let c = number::abs(c);
    let (Some(top), Some(bottom)) = (
        rooted(c.numerator().as_ubig(), n),
        rooted(Some(c.denominator()), n),
    ) else {
        return Ok(None);
    };
    let mut result = Poly::term(RBig::ONE, Mono(mono), meter)?;
    for (primes, sign) in [(top, 1), (bottom, -1)] {
        for (p, e) in primes {
            let f = Poly::generator(
                Gen::Prime(p),
                Frac {
                    n: sign * e.n,
                    d: e.d,
                },
                meter,
            )?;
            result = result.mul(&f, meter)?;
        }
    }
    if imaginary {
        result = result.mul(&Poly::generator(Gen::I, Frac::ONE, meter)?, meter)?;
    } else if negative {
        result = result.scale(&-RBig::ONE);
    }
    Ok(Some(Ratio::poly(result)))
}

/// The `n`-th root of a positive integer as powers of primes.
fn rooted(c: Option<&UBig>, n: u32) -> Option<Vec<(UBig, Frac)>> {
    let c = c?;
    if let Some(primes) = factor(c) {
        return primes
            .into_iter()
            .map(|(p, e)| Some((p, Frac::new(e, i64::from(n))?)))
            .collect();
    }
    // Perfect powers need no factors.
    let r = c.nth_root(n as usize);
    (r.pow(n as usize) == *c).then(|| vec![(r, Frac::ONE)])
}

/// The greatest rational that divides all coefficients.
fn content(p: &Poly) -> RBig {
    use dashu_base::Gcd;
    let mut num = UBig::ZERO;
    let mut den = UBig::ONE;
    for c in p.terms.values() {
        let n = number::abs(c).numerator().as_ubig().cloned().unwrap_or(UBig::ONE);
        num = if num.is_zero() { n } else { num.gcd(&n) };
        let d = c.denominator();
        den = &den * d / (&den).gcd(d);
    }
    if num.is_zero() {
        RBig::ONE
    } else {
        RBig::from_parts(IBig::from(num), den)
    }
}

/// √(a + b√c) = √((a+s)/2) ± √((a−s)/2) with s² = a² − b²c, where s is rational and a positive
/// (Borodin, Fagin, Hopcroft, Tompa 1985, the quadratic case).
fn denested(p: &Poly, n: u32, meter: &mut Meter) -> Result<Option<Ratio>, Stop> {
    if n != 2 || p.terms.len() != 2 || p.any(|g| !matches!(g, Gen::Prime(_))) {
        return Ok(None);
    }
    let Some(a) = p.terms.get(&Mono::default()).filter(|a| !number::is_negative(a)) else {
        return Ok(None);
    };
    let Some((m, b)) = p.terms.iter().find(|(m, _)| !m.0.is_empty()) else {
        return Ok(None);
    };
    let root_term = Poly {
        terms: [(m.clone(), RBig::ONE)].into(),
    };
    let Some(c) = root_term.mul(&root_term, meter)?.rational() else {
        return Ok(None);
    };
    let s2 = a * a - b * b * c;
    if number::is_negative(&s2) {
        return Ok(None);
    }
    let sqrt = |q: &UBig| {
        let s = q.sqrt();
        (&s * &s == *q).then_some(s)
    };
    let (Some(num), Some(den)) = (s2.numerator().as_ubig().and_then(sqrt), sqrt(s2.denominator())) else {
        return Ok(None);
    };
    let s = RBig::from_parts(IBig::from(num), den);
    let two = RBig::from(IBig::from(2));
    let (high, low) = ((a + &s) / &two, (a - &s) / &two);
    let (Some(high), Some(low)) = (
        single(&Mono::default(), &high, 2, meter)?,
        if low.is_zero() {
            Some(Ratio::rational(RBig::ZERO))
        } else {
            single(&Mono::default(), &low, 2, meter)?
        },
    ) else {
        return Ok(None);
    };
    let sign = if number::is_negative(b) {
        -RBig::ONE
    } else {
        RBig::ONE
    };
    high.add(&low, &sign, meter).map(Some)
}
