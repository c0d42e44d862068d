//! Exact rational numbers: reading and writing them as problems and solutions do.

use num_rational::Ratio;
use num_traits::Zero;

/// An exact rational number. Every operation this crate does on it is checked for overflow.
pub type Rat = Ratio<i128>;

/// A whole number as a rational.
pub fn int(n: i64) -> Rat {
    Rat::from_integer(i128::from(n))
}

/// Writes a number: `12`, `-3`, `0.25`, or `1/3` where no decimal with up to nine places is exact.
pub fn show(r: Rat) -> String {
    if r.is_integer() {
        return r.numer().to_string();
    }
    let (mut places, mut scale) = (0usize, 1i128);
    while places < 9 {
        places += 1;
        scale *= 10;
        if scale % r.denom() == 0 {
            let Some(digits) = r.numer().checked_mul(scale / r.denom()) else {
                break;
            };
            let sign = if digits < 0 { "-" } else { "" };
            let digits = digits.unsigned_abs();
            let scale = scale.unsigned_abs();
            return format!("{sign}{}.{:0places$}", digits / scale, digits % scale);
        }
    }
    format!("{}/{}", r.numer(), r.denom())
}

/// Writes a whole number with commas between thousands (`12,500`); other numbers as [`show`] does.
pub fn show_grouped(r: Rat) -> String {
    let text = show(r);
    if !r.is_integer() || text.len() < 4 {
        return text;
    }
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text.as_str()),
    };
    let mut out = String::with_capacity(text.len() + 4);
    out.push_str(sign);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i) % 3 == 0 {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// Reads a number: `12`, `-3`, `.5`, `1,234.50`, `3/4`, `$7`, `20%` (one fifth). `None` if it is anything
/// else, or too large for exact arithmetic in 128 bits.
pub fn parse(text: &str) -> Option<Rat> {
    let text = text.trim();
    let (negative, text) = match text.strip_prefix('-').or_else(|| text.strip_prefix('\u{2212}')) {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let text = text.trim_start_matches('$');
    let (percent, text) = match text.strip_suffix('%') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let value = match text.split_once('/') {
        Some((top, bottom)) => {
            let bottom = decimal(bottom)?;
            if bottom.is_zero() {
                return None;
            }
            decimal(top)? / bottom
        }
        None => decimal(text)?,
    };
    let value = if percent { value / int(100) } else { value };
    Some(if negative { -value } else { value })
}

/// Reads unsigned digits with at most one point; commas are skipped. At most 15 digits.
fn decimal(text: &str) -> Option<Rat> {
    let (mut value, mut scale, mut digits, mut point) = (0i128, 1i128, 0, false);
    for c in text.trim().chars() {
        match c {
            '0'..='9' => {
                digits += 1;
                if digits > 15 {
                    return None;
                }
                value = value * 10 + i128::from(c as u8 - b'0');
                if point {
                    scale *= 10;
                }
            }
            ',' if !point && digits > 0 => {}
            '.' if !point => point = true,
            _ => return None,
        }
    }
    (digits > 0).then(|| Rat::new(value, scale))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_decimals_where_they_are_exact() {
        assert_eq!(show(Rat::new(5, 4)), "1.25");
        assert_eq!(show(Rat::new(-1, 20)), "-0.05");
        assert_eq!(show(Rat::new(1, 3)), "1/3");
        assert_eq!(show_grouped(int(-1234567)), "-1,234,567");
    }

    #[test]
    fn reads_what_people_write() {
        assert_eq!(parse("1,234.50"), Some(Rat::new(2469, 2)));
        assert_eq!(parse("20%"), Some(Rat::new(1, 5)));
        assert_eq!(parse("-3/4"), Some(Rat::new(-3, 4)));
        assert_eq!(parse("$ 7"), Some(int(7)));
        for bad in ["", "abc", "1/0", "1.2.3", "9999999999999999"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
