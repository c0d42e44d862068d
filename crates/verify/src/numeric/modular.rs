//! Values of rational expressions modulo a prime.
//!
//! Two rational functions that differ at a random point modulo a prime are different; ones that agree at `k`
//! points of a field with `q` elements are equal but for a chance of at most `(d/q)^k` (Schwartz 1980, Zippel
//! 1979). π and e stand for random elements, being transcendental.

use dashu_base::RemEuclid;
use dashu_int::IBig;

use crate::expr::{Const, Expr};
use crate::number;

/// The largest prime below 2^64 that is 1 modulo 4, so that −1 has a square root.
const P: u64 = 18_446_744_073_709_551_557;

/// A random assignment of residues, from a seed.
#[derive(Clone, Copy, Debug)]
pub struct Residues {
    seed: u64,
}

impl Residues {
    /// The assignment with this seed.
    pub fn new(seed: u64) -> Self {
        Residues { seed }
    }

    fn of(self, name: &str) -> u64 {
        // SplitMix64 over the bytes of the name.
        let mut h = self.seed ^ 0x9E37_79B9_7F4A_7C15;
        for b in name.bytes() {
            h = h.wrapping_add(u64::from(b)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            h ^= h >> 29;
        }
        h = h.wrapping_mul(0x94D0_49BB_1331_11EB);
        h ^= h >> 32;
        h % P
    }
}

fn mul(a: u64, b: u64) -> u64 {
    ((u128::from(a) * u128::from(b)) % u128::from(P)) as u64
}

fn add(a: u64, b: u64) -> u64 {
    ((u128::from(a) + u128::from(b)) % u128::from(P)) as u64
}

fn pow(mut a: u64, mut n: u64) -> u64 {
    let mut r = 1;
    while n > 0 {
        if n & 1 == 1 {
            r = mul(r, a);
        }
        a = mul(a, a);
        n >>= 1;
    }
    r
}

fn reduce(x: &IBig) -> u64 {
    u64::try_from(&IBig::from(x.rem_euclid(&IBig::from(P)))).unwrap_or(0)
}

/// The value of a rational expression modulo the prime; `None` when it is not one, or divides by zero there.
pub fn residue(e: &Expr, at: Residues) -> Option<u64> {
    Some(match e {
        Expr::Num(q) | Expr::Decimal(q, _) | Expr::InBase(q, ..) => {
            let d = reduce(&IBig::from(q.denominator().clone()));
            if d == 0 {
                return None;
            }
            mul(reduce(q.numerator()), pow(d, P - 2))
        }
        Expr::Var(name) => at.of(name),
        Expr::Const(Const::Pi) => at.of("\u{1}pi"),
        Expr::Const(Const::E) => at.of("\u{1}e"),
        // 2 is no square modulo P, so 2^((P−1)/4) squares to −1.
        Expr::Const(Const::I) => pow(2, (P - 1) / 4),
        Expr::Add(v) => v.iter().try_fold(0, |s, x| Some(add(s, residue(x, at)?)))?,
        Expr::Mul(v) => v.iter().try_fold(1, |s, x| Some(mul(s, residue(x, at)?)))?,
        Expr::Neg(a) => add(0, P - residue(a, at)?),
        Expr::Div(a, b) => {
            let d = residue(b, at)?;
            if d == 0 {
                return None;
            }
            mul(residue(a, at)?, pow(d, P - 2))
        }
        Expr::Percent(a) => mul(residue(a, at)?, pow(100, P - 2)),
        Expr::Pow(a, n) => {
            let n = integer(n)?;
            let base = residue(a, at)?;
            if base == 0 && n <= 0 {
                return None;
            }
            let up = pow(base, n.unsigned_abs());
            if n < 0 { pow(up, P - 2) } else { up }
        }
        _ => return None,
    })
}

fn integer(e: &Expr) -> Option<i64> {
    match e {
        Expr::Num(q) => number::small(q),
        Expr::Neg(a) => integer(a).map(|n| -n),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_field_has_a_root_of_minus_one() {
        let i = pow(2, (P - 1) / 4);
        assert_eq!(mul(i, i), P - 1);
        assert_eq!(P % 4, 1);
    }

    #[test]
    fn residues_tell_polynomials_apart() {
        let parse = |s: &str| crate::parse::parse(s, &crate::options::Fuel::default()).unwrap();
        let (a, b, c) = (parse("(x+y)^2/(x+y)"), parse("x+y"), parse("x-y"));
        let at = Residues::new(1);
        assert_eq!(residue(&a, at), residue(&b, at));
        assert_ne!(residue(&a, at), residue(&c, at));
    }
}
