//! Exact numbers from their digits.

use dashu_base::BitTest;
use dashu_int::{IBig, UBig};
use dashu_ratio::RBig;

/// `10^n`.
pub fn ten_to(n: usize) -> UBig {
    UBig::from(10u8).pow(n)
}

/// The integer written by ASCII decimal digits (anything else is skipped).
pub fn digits(text: &str) -> UBig {
    if text.len() <= 18 {
        let n = text
            .bytes()
            .filter(u8::is_ascii_digit)
            .fold(0u64, |n, b| n * 10 + u64::from(b - b'0'));
        return UBig::from(n);
    }
    let clean: String = text.chars().filter(char::is_ascii_digit).collect();
    if clean.is_empty() {
        UBig::ZERO
    } else {
        UBig::from_str_radix(&clean, 10).unwrap_or(UBig::ZERO)
    }
}

/// `whole.fraction` as an exact rational; `fraction` may be empty.
pub fn decimal(whole: &str, fraction: &str) -> RBig {
    if fraction.is_empty() {
        return RBig::from(IBig::from(digits(whole)));
    }
    let scale = ten_to(fraction.len());
    let n = digits(whole) * &scale + digits(fraction);
    RBig::from_parts(IBig::from(n), scale)
}

/// The value of `whole.fraction(period)(period)…`.
pub fn repeating(whole: &str, fraction: &str, period: &str) -> RBig {
    let nines = ten_to(period.len()) - UBig::ONE;
    let scale = ten_to(fraction.len());
    decimal(whole, fraction) + RBig::from_parts(IBig::from(digits(period)), nines * scale)
}

/// The larger of the bit lengths of numerator and denominator.
pub fn bits(q: &RBig) -> usize {
    q.numerator().bit_len().max(q.denominator().bit_len())
}

/// The value as a machine integer, when it is one.
pub fn small(q: &RBig) -> Option<i64> {
    if q.is_int() {
        i64::try_from(q.numerator()).ok()
    } else {
        None
    }
}

/// `q` with the sign of a negative number removed.
pub fn abs(q: &RBig) -> RBig {
    if is_negative(q) { -q } else { q.clone() }
}

/// Whether `q < 0`.
pub fn is_negative(q: &RBig) -> bool {
    q.numerator().sign() == dashu_base::Sign::Negative
}

/// `q^n` for any machine integer; `None` when the result would exceed `max_bits`, or divides by zero.
pub fn power(q: &RBig, n: i64, max_bits: usize) -> Option<RBig> {
    if q.is_zero() {
        return match n {
            0 => Some(RBig::ONE),
            1.. => Some(RBig::ZERO),
            _ => None,
        };
    }
    let e = usize::try_from(n.unsigned_abs()).ok()?;
    if *q == RBig::ONE || e == 0 {
        return Some(RBig::ONE);
    }
    if *q == -RBig::ONE {
        return Some(if e.is_multiple_of(2) {
            RBig::ONE
        } else {
            -RBig::ONE
        });
    }
    if (bits(q) - 1).max(1).checked_mul(e)? > max_bits {
        return None;
    }
    let (num, den) = (q.numerator().pow(e), q.denominator().pow(e));
    Some(if n < 0 {
        RBig::from_parts_signed(IBig::from(den), num)
    } else {
        RBig::from_parts(num, den)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn q(n: i64, d: u64) -> RBig {
        RBig::from_parts(IBig::from(n), UBig::from(d))
    }

    #[test]
    fn decimals_are_exact() {
        assert_eq!(decimal("2", "50"), q(5, 2));
        assert_eq!(decimal("", "5"), q(1, 2));
        assert_eq!(repeating("0", "1", "6"), q(1, 6));
        assert_eq!(
            digits("123456789012345678901234567890"),
            UBig::from(123_456_789_012_345_678_901_234_567_890_u128)
        );
    }

    #[test]
    fn powers_stop_at_their_bound() {
        assert_eq!(power(&q(2, 3), -2, 100), Some(q(9, 4)));
        assert_eq!(power(&q(2, 1), 1 << 40, 20_000), None);
        assert_eq!(power(&q(-1, 1), (1 << 40) + 1, 20_000), Some(q(-1, 1)));
        assert_eq!(power(&q(0, 1), -1, 100), None);
    }
}
