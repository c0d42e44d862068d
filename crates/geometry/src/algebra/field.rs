//! The field of integers modulo the Mersenne prime 2^61 - 1.

use crate::figure::rng::mix;
use crate::lang::atom::Frac;

/// The prime.
pub const P: u64 = (1 << 61) - 1;

/// `a + b`.
#[inline]
pub fn add(a: u64, b: u64) -> u64 {
    let s = a + b;
    if s >= P { s - P } else { s }
}

/// `-a`.
#[inline]
pub fn neg(a: u64) -> u64 {
    if a == 0 { 0 } else { P - a }
}

/// `a - b`.
#[inline]
pub fn sub(a: u64, b: u64) -> u64 {
    if a >= b { a - b } else { a + P - b }
}

/// `a * b`.
#[inline]
pub fn mul(a: u64, b: u64) -> u64 {
    let t = u128::from(a) * u128::from(b);
    let s = (t as u64 & P) + (t >> 61) as u64;
    if s >= P { s - P } else { s }
}

/// `1 / a` for non-zero `a`.
pub fn inv(a: u64) -> u64 {
    if a == 1 {
        return 1;
    }
    if a == P - 1 {
        return P - 1;
    }
    let (mut r0, mut r1) = (P as i128, a as i128);
    let (mut t0, mut t1) = (0i128, 1i128);
    while r1 != 0 {
        let q = r0 / r1;
        (r0, r1) = (r1, r0 - q * r1);
        (t0, t1) = (t1, t0 - q * t1);
    }
    t0.rem_euclid(P as i128) as u64
}

/// The residue of an integer.
#[inline]
pub fn int(k: i64) -> u64 {
    k.rem_euclid(P as i64) as u64
}

/// The residue of a rational.
pub fn frac(q: &Frac) -> u64 {
    if *q.denom() == 1 {
        int(*q.numer())
    } else {
        mul(int(*q.numer()), inv(int(*q.denom())))
    }
}

/// The small rational with this residue (numerator and denominator below 2^20), if there is one
/// (Wang 1981: half-extended Euclid).
pub fn reconstruct(a: u64) -> Option<Frac> {
    const BOUND: i128 = 1 << 20;
    let (mut r0, mut r1) = (P as i128, a as i128);
    let (mut t0, mut t1) = (0i128, 1i128);
    while r1 >= BOUND {
        let q = r0 / r1;
        (r0, r1) = (r1, r0 - q * r1);
        (t0, t1) = (t1, t0 - q * t1);
    }
    (t1 != 0 && t1.abs() < BOUND).then(|| Frac::new(r1 as i64 * t1.signum() as i64, t1.abs() as i64))
}

/// The random value of variable `var` in fingerprints.
#[inline]
pub fn random(var: u16) -> u64 {
    mix(u64::from(var) + 0x5eed_0001) % P
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn inverse_and_reconstruction(n in -900_000i64..900_000, d in 1i64..900_000, a in 1u64..P) {
            prop_assert_eq!(mul(a, inv(a)), 1);
            let q = Frac::new(n, d);
            prop_assert_eq!(reconstruct(frac(&q)), Some(q));
        }

        #[test]
        fn ring_laws(a in 0u64..P, b in 0u64..P, c in 0u64..P) {
            prop_assert_eq!(mul(a, add(b, c)), add(mul(a, b), mul(a, c)));
            prop_assert_eq!(sub(add(a, b), b), a);
            prop_assert_eq!(add(a, neg(a)), 0);
        }
    }
}
