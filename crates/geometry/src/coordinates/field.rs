//! A prime field with square roots, and complex numbers over it.

/// The integers modulo a prime `p` with `p = 23 (mod 24)`: -1 has no square root, 2 and 3 have one.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    p: u64,
}

/// Two primes just below 2^61.
pub const PRIMES: [u64; 2] = [2_305_843_009_213_693_487, 2_305_843_009_213_692_671];

impl Field {
    /// The field of one of [`PRIMES`].
    pub fn new(p: u64) -> Field {
        Field { p }
    }

    /// The modulus.
    pub fn modulus(self) -> u64 {
        self.p
    }

    /// `a + b`.
    pub fn add(self, a: u64, b: u64) -> u64 {
        (a + b) % self.p
    }

    /// `a - b`.
    pub fn sub(self, a: u64, b: u64) -> u64 {
        (a + self.p - b) % self.p
    }

    /// `a b`.
    pub fn mul(self, a: u64, b: u64) -> u64 {
        (u128::from(a) * u128::from(b) % u128::from(self.p)) as u64
    }

    /// `a` to the power `e`.
    pub fn power(self, mut a: u64, mut e: u64) -> u64 {
        let mut out = 1;
        while e > 0 {
            if e & 1 == 1 {
                out = self.mul(out, a);
            }
            a = self.mul(a, a);
            e >>= 1;
        }
        out
    }

    /// `a / b`; 0 for `b = 0`.
    pub fn div(self, a: u64, b: u64) -> u64 {
        self.mul(a, self.power(b, self.p - 2))
    }

    /// The residue of `n / d`.
    pub fn fraction(self, n: i64, d: i64) -> u64 {
        let residue = |k: i64| i128::from(k).rem_euclid(i128::from(self.p)) as u64;
        self.div(residue(n), residue(d))
    }

    /// A square root, where there is one.
    pub fn root(self, a: u64) -> Option<u64> {
        let r = self.power(a, self.p.div_ceil(4));
        (self.mul(r, r) == a).then_some(r)
    }

    /// `(a + bi)(c + di)`.
    pub fn complex(self, [a, b]: [u64; 2], [c, d]: [u64; 2]) -> [u64; 2] {
        let re = self.sub(self.mul(a, c), self.mul(b, d));
        [re, self.add(self.mul(a, d), self.mul(b, c))]
    }

    /// `exp(i pi n / d)` for `d` in 1, 2, 3, 4, 6.
    pub fn rotation(self, n: i64, d: i64) -> Option<[u64; 2]> {
        let half = self.div(1, 2);
        let root = |k: u64| self.root(k).map(|r| self.mul(r, half));
        let step = match d {
            1 => [self.p - 1, 0],
            2 => [0, 1],
            3 => [half, root(3)?],
            4 => [root(2)?, root(2)?],
            6 => [root(3)?, half],
            _ => return None,
        };
        let turns = n.rem_euclid(2 * d);
        Some((0..turns).fold([1, 0], |z, _| self.complex(z, step)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_primes_are_of_the_right_kind() {
        for p in PRIMES {
            let f = Field::new(p);
            assert_eq!(p % 24, 23);
            assert_eq!(f.power(5, p - 1), 1);
            assert!(f.root(2).is_some() && f.root(3).is_some() && f.root(p - 1).is_none());
            for (n, d) in [(1, 2), (1, 3), (3, 4), (5, 6), (-1, 6)] {
                let z = f.rotation(n, d).expect("a rotation");
                let turned = (0..2 * d).fold([1, 0], |w, _| f.complex(w, z));
                assert_eq!(turned, [1, 0], "{n}/{d}");
            }
        }
    }
}
