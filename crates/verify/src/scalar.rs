//! Whether two numbers, or two expressions in variables, are equal.
//!
//! In this order: the exact normal form; for constants, intervals of rising precision, down to the bound below
//! which an algebraic number is zero; for expressions in variables, exact residues and intervals at random
//! points.

use std::cmp::Ordering;

use dashu_int::IBig;
use dashu_ratio::RBig;

use crate::expr::{Const, Expr, Func};
use crate::fuel::{Meter, Stop};
use crate::norm::{self, Ratio};
use crate::numeric::{Evaluator, NoValue, Residues, residue, zero_bound};

/// Whether two things are equal, and how that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Equality {
    /// Equal or not.
    pub equal: bool,
    /// The method that decided.
    pub method: &'static str,
    /// What it found, for a person.
    pub why: String,
}

impl Equality {
    fn new(equal: bool, method: &'static str, why: impl Into<String>) -> Self {
        Equality {
            equal,
            method,
            why: why.into(),
        }
    }
}

/// Bits after the point tried in turn.
/// Steps of one evaluation at one point and precision.
const EVALUATION_STEPS: u64 = 20_000;
const PRECISIONS: [usize; 4] = [128, 384, 1024, 2048];
/// At this many bits of agreement two transcendental constants are taken for equal.
const AGREEMENT: usize = 1024;
/// A zero bound beyond this many bits is not worked out.
const MAX_BOUND: u64 = 12_000;

/// Decides whether `a = b`.
///
/// # Errors
/// [`Stop::Fuel`] when the fuel does not suffice, [`Stop::Undefined`] when a value does not exist,
/// [`Stop::Unsupported`] when one of the two is no number.
pub fn equal(a: &Expr, b: &Expr, meter: &mut Meter) -> Result<Equality, Stop> {
    if let (Expr::Num(x) | Expr::Decimal(x, _), Expr::Num(y) | Expr::Decimal(y, _)) = (a, b) {
        return Ok(rationals(x, y));
    }
    let forms = meter.with_half(|m| (norm::to_ratio(a, m), norm::to_ratio(b, m)));
    match &forms {
        (Ok(x), Ok(y)) => {
            if let (Some(x), Some(y)) = (x.as_rational(), y.as_rational()) {
                return Ok(rationals(&x, &y));
            }
            match meter.with_half(|m| decided(x, y, m)) {
                Ok(Some(e)) => return Ok(e),
                Ok(None) | Err(Stop::Fuel(_)) => {}
                Err(e) => return Err(e),
            }
        }
        (Err(e @ Stop::Undefined(_)), _) | (_, Err(e @ Stop::Undefined(_))) => return Err(e.clone()),
        _ => {}
    }
    if a == b {
        return Ok(Equality::new(true, "same form", "both are written alike"));
    }
    let mut names = a.variables();
    names.extend(b.variables());
    names.sort();
    names.dedup();
    if names.is_empty() {
        return constants(a, b, meter);
    }
    if let Some(e) = modular(a, b, meter)? {
        return Ok(e);
    }
    at_points(a, b, &names, meter)
}

fn rationals(x: &RBig, y: &RBig) -> Equality {
    let equal = x == y;
    let sign = if equal { "=" } else { "≠" };
    Equality::new(
        equal,
        "exact rational",
        format!("{} {sign} {}", short(x), short(y)),
    )
}

fn short(q: &RBig) -> String {
    if crate::number::bits(q) > 200 {
        format!("a number of {} bits", crate::number::bits(q))
    } else {
        q.to_string()
    }
}

/// By normal forms alone.
fn decided(x: &Ratio, y: &Ratio, meter: &mut Meter) -> Result<Option<Equality>, Stop> {
    let method = "exact normal form";
    let (left, right) = if x.den == y.den {
        (x.num.clone(), y.num.clone())
    } else {
        (x.num.mul(&y.den, meter)?, y.num.mul(&x.den, meter)?)
    };
    if left == right {
        return Ok(Some(Equality::new(
            true,
            method,
            format!("both are {}", clipped(&norm::ratio_key(x))),
        )));
    }
    if x.is_exact() && y.is_exact() && !(mixes(x, y)) {
        let why = format!(
            "{} ≠ {}",
            clipped(&norm::ratio_key(x)),
            clipped(&norm::ratio_key(y))
        );
        return Ok(Some(Equality::new(false, method, why)));
    }
    Ok(None)
}

/// Whether one has e and the other π: nothing is known of their independence.
fn mixes(x: &Ratio, y: &Ratio) -> bool {
    use norm::Gen;
    let has = |r: &Ratio, g: &Gen| r.any(|h| h == g);
    (has(x, &Gen::E) || has(y, &Gen::E)) && (has(x, &Gen::Pi) || has(y, &Gen::Pi))
}

fn clipped(s: &str) -> String {
    if s.len() <= 120 {
        return s.to_owned();
    }
    let mut n = 120;
    while !s.is_char_boundary(n) {
        n -= 1;
    }
    format!("{}…", &s[..n])
}

fn stop_of(e: NoValue) -> Stop {
    match e {
        NoValue::Undefined | NoValue::NotReal => Stop::Undefined("the value does not exist"),
        NoValue::Unsure => Stop::Fuel("no precision within the fuel decides"),
        NoValue::Fuel => Stop::Fuel("the steps of one check are used up"),
        NoValue::Unsupported => Stop::Unsupported,
    }
}

/// Two constants, by intervals.
fn constants(a: &Expr, b: &Expr, meter: &mut Meter) -> Result<Equality, Stop> {
    let bound = zero_bound(a, b);
    let last = match bound {
        Some(bits) if bits <= MAX_BOUND => (bits as usize + 64).max(PRECISIONS[0]),
        _ => AGREEMENT,
    };
    let mut tried = NoValue::Unsure;
    for p in PRECISIONS.iter().copied().filter(|p| *p < last).chain([last]) {
        meter.spend(200 + p as u64)?;
        let mut ev = Evaluator::new(p, meter.bits, EVALUATION_STEPS, &[], true);
        let values = ev.eval(a).and_then(|x| Ok((x, ev.eval(b)?)));
        let (x, y) = match values {
            Ok(v) => v,
            Err(NoValue::Unsure) => continue,
            Err(e) => {
                tried = e;
                break;
            }
        };
        if x.is_disjoint(&y) {
            return Ok(Equality::new(
                false,
                "interval arithmetic",
                format!("they differ within {p} bits"),
            ));
        }
        if p == last {
            let close = {
                let d = x.add(&y.neg());
                let limit = IBig::ONE << (p - p.saturating_sub(48).min(p));
                d.re.magnitude() < limit && d.imaginary().magnitude() < limit
            };
            if !close {
                tried = NoValue::Unsure;
                break;
            }
            if bound.is_some_and(|bits| bits <= MAX_BOUND) {
                return Ok(Equality::new(
                    true,
                    "zero bound of algebraic numbers",
                    format!("they agree to {} bits, which decides", p - 48),
                ));
            }
            if !ev.vanishing {
                return Ok(Equality::new(
                    true,
                    "interval arithmetic",
                    format!("they agree to {} bits (no proof)", p - 48),
                ));
            }
        }
    }
    Err(stop_of(tried))
}

/// By residues, where both are rational expressions.
fn modular(a: &Expr, b: &Expr, meter: &mut Meter) -> Result<Option<Equality>, Stop> {
    let mut agreed = 0;
    for seed in 1..=8 {
        meter.spend(64)?;
        let at = Residues::new(seed);
        let (Some(x), Some(y)) = (residue(a, at), residue(b, at)) else {
            continue;
        };
        if x != y {
            return Ok(Some(Equality::new(
                false,
                "modular evaluation",
                "they differ at a random point modulo a prime",
            )));
        }
        agreed += 1;
        if agreed == 3 {
            return Ok(Some(Equality::new(
                true,
                "modular evaluation",
                "they agree at 3 random points modulo a 64-bit prime",
            )));
        }
    }
    Ok(None)
}

/// Random points: proper fractions first, then larger numbers, then negative ones; natural numbers when the
/// expression asks for them.
fn point(names: &[String], k: u64, natural: bool) -> Vec<(String, RBig)> {
    let mut state = k.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(12_345);
    let mut next = || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    };
    names
        .iter()
        .map(|n| {
            let r = next();
            let value = if natural {
                RBig::from(IBig::from(1 + r % (2 + 2 * k)))
            } else {
                let n = 1 + r % 96;
                let q = RBig::from_parts(IBig::from(n), 97u8.into());
                match k % 4 {
                    0 => q,
                    1 => q + RBig::ONE,
                    2 => q * RBig::from(IBig::from(7)),
                    _ => -q * RBig::from(IBig::from(if r & 1 == 0 { 1 } else { 3 })),
                }
            };
            (n.clone(), value)
        })
        .collect()
}

fn wants_integers(e: &Expr) -> bool {
    e.any(&|x| match x {
        Expr::Call(
            Func::Factorial
            | Func::DoubleFactorial
            | Func::Binomial
            | Func::Permutations
            | Func::Gcd
            | Func::Lcm
            | Func::Mod,
            v,
        ) => v.iter().any(|x| !x.variables().is_empty()),
        Expr::Big { from, to, .. } => !from.variables().is_empty() || !to.variables().is_empty(),
        _ => false,
    })
}

/// Functions of variables, by intervals at random points.
fn at_points(a: &Expr, b: &Expr, names: &[String], meter: &mut Meter) -> Result<Equality, Stop> {
    const WANTED: usize = 8;
    let natural = wants_integers(a) || wants_integers(b);
    let complex = [a, b].iter().any(|e| e.any(&|x| *x == Expr::Const(Const::I)));
    let (a, b) = (
        without_unknown_functions(a, meter)?,
        without_unknown_functions(b, meter)?,
    );
    let mut names = names.to_vec();
    names.extend(a.variables());
    names.extend(b.variables());
    names.sort();
    names.dedup();
    let mut agreed = 0;
    let mut lonely = 0;
    for k in 0..24 {
        let at = point(&names, k, natural);
        let mut known = false;
        for p in [128, 320] {
            let mut ev = Evaluator::new(p, meter.bits, EVALUATION_STEPS, &at, complex);
            let (x, y) = (ev.eval(&a), ev.eval(&b));
            meter.spend(300 + (EVALUATION_STEPS - ev.steps) / 2)?;
            let (x, y) = match (x, y) {
                (Ok(x), Ok(y)) => (x, y),
                (Err(NoValue::Unsupported), _) | (_, Err(NoValue::Unsupported)) => {
                    return Err(Stop::Unsupported);
                }
                (Err(NoValue::Unsure), _) | (_, Err(NoValue::Unsure)) => continue,
                (Err(_), Err(_)) => break,
                (Err(NoValue::Fuel), _) | (_, Err(NoValue::Fuel)) => break,
                _ => {
                    lonely += 1;
                    break;
                }
            };
            if x.is_disjoint(&y) {
                let place: Vec<String> = at.iter().take(4).map(|(n, v)| format!("{n} = {v}")).collect();
                let why = format!("they differ at {}", place.join(", "));
                return Ok(Equality::new(false, "interval arithmetic at random points", why));
            }
            known = true;
        }
        agreed += usize::from(known);
        if agreed == WANTED {
            let why = format!("they agree to about 270 bits at {WANTED} random points");
            return Ok(Equality::new(true, "interval arithmetic at random points", why));
        }
    }
    if agreed >= 4 && lonely == 0 {
        return Ok(Equality::new(
            true,
            "interval arithmetic at random points",
            format!("they agree at {agreed} random points"),
        ));
    }
    if lonely > 0 && agreed < 4 {
        return Ok(Equality::new(
            false,
            "domain",
            "they are not defined at the same points",
        ));
    }
    Err(Stop::Fuel("too few points where both are defined"))
}

/// Unknown functions of equal arguments become equal fresh variables.
fn without_unknown_functions(e: &Expr, meter: &mut Meter) -> Result<Expr, Stop> {
    let mut failed = None;
    let r = replaced(e, meter, &mut failed);
    failed.map_or(Ok(r), Err)
}

fn replaced(e: &Expr, meter: &mut Meter, failed: &mut Option<Stop>) -> Expr {
    match e {
        Expr::Apply(name, args) => {
            let mut keys = Vec::new();
            for a in args {
                match norm::to_ratio(a, meter) {
                    Ok(r) => keys.push(norm::ratio_key(&r)),
                    Err(s) => {
                        *failed = Some(s);
                        return e.clone();
                    }
                }
            }
            Expr::Var(format!("{name}({})", keys.join(";")))
        }
        other => other.map(&mut |x| replaced(x, meter, failed)),
    }
}

/// Whether `a < b`, `a = b` or `a > b` for real constants.
///
/// # Errors
/// As [`equal`]; [`Stop::Unsupported`] for numbers that are not real.
pub fn order(a: &Expr, b: &Expr, meter: &mut Meter) -> Result<Ordering, Stop> {
    if equal(a, b, meter)?.equal {
        return Ok(Ordering::Equal);
    }
    for p in PRECISIONS {
        meter.spend(200)?;
        let mut ev = Evaluator::new(p, meter.bits, EVALUATION_STEPS, &[], false);
        let (x, y) = match ev.eval(a).and_then(|x| Ok((x, ev.eval(b)?))) {
            Ok(v) => v,
            Err(NoValue::Unsure) => continue,
            Err(e) => return Err(stop_of(e)),
        };
        if x.im.is_some() || y.im.is_some() {
            return Err(Stop::Unsupported);
        }
        if x.re.is_disjoint(&y.re) {
            return Ok(if x.re.hi < y.re.lo {
                Ordering::Less
            } else {
                Ordering::Greater
            });
        }
    }
    Err(Stop::Fuel("no precision within the fuel decides"))
}

/// Whether `|a − b| ≤ tolerance` for real constants, tolerance rational; ties within the last bits count as inside.
pub fn within(a: &Expr, b: &RBig, tolerance: &RBig, meter: &mut Meter) -> Result<bool, Stop> {
    meter.spend(300)?;
    let mut ev = Evaluator::new(192, meter.bits, EVALUATION_STEPS, &[], false);
    let x = ev.eval(a).map_err(stop_of)?;
    if x.im.is_some() {
        return Ok(false);
    }
    let target = ev.fixed.rational(b);
    let t = ev.fixed.rational(tolerance);
    let d = x.re.sub(&target);
    Ok(d.lo <= t.hi && -&d.hi <= t.hi)
}
