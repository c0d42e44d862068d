//! Exact arithmetic for the step language: after `<<3*12=` the decoder writes `36>>`.
//!
//! Grammar: numbers (`12`, `.5`, `1,200`, `20%`), `+ - * / // % ^`, parentheses, unary minus; `x`, `×`, `÷`, `−` and
//! `$` are read as people write them. `//` and `%` between two operands are floor division and its remainder.
//! Values are exact rationals of 128 bits; what does not fit has no value, and the model writes it itself.

use num_rational::Ratio;
use num_traits::{CheckedAdd, CheckedDiv, CheckedMul, CheckedSub, Zero};
use strawberry_core::Calculator;

type Rat = Ratio<i128>;

/// The longest expression read, in bytes.
const LONGEST: usize = 400;
/// The deepest nesting read.
const DEEPEST: u32 = 40;
/// Decimals that are written before a value becomes a fraction.
const PLACES: u32 = 9;

/// The calculator that completes the step language.
pub fn calculator() -> Calculator {
    Calculator::new(complete)
}

/// What must follow a response that ends in `<<expression=`.
fn complete(response: &str) -> Option<String> {
    let open = response.strip_suffix('=')?;
    let mut from = open.len().saturating_sub(LONGEST);
    while !open.is_char_boundary(from) {
        from += 1;
    }
    let at = from + open[from..].rfind("<<")?;
    let expression = &open[at + 2..];
    if expression.contains('=') || expression.contains('>') {
        return None;
    }
    Some(format!("{}>>", show(evaluate(expression)?)))
}

/// The exact value of an arithmetic expression; `None` when it has none.
pub fn evaluate(text: &str) -> Option<Rat> {
    if text.len() > LONGEST {
        return None;
    }
    let mut parser = Parser {
        chars: text.chars().filter(|c| !c.is_whitespace() && *c != '$').collect(),
        at: 0,
        depth: 0,
    };
    let value = parser.sum()?;
    (parser.at == parser.chars.len()).then_some(value)
}

/// A number as problems write it: `12`, `-0.25`, or `1/3` where no short decimal is exact.
pub fn show(value: Rat) -> String {
    let mut scale = 1i128;
    for places in 0..=PLACES as usize {
        if scale % value.denom() == 0
            && let Some(digits) = value.numer().checked_mul(&(scale / value.denom()))
        {
            if places == 0 {
                return digits.to_string();
            }
            let sign = if digits < 0 { "-" } else { "" };
            let (digits, scale) = (digits.unsigned_abs(), scale.unsigned_abs());
            return format!("{sign}{}.{:0places$}", digits / scale, digits % scale);
        }
        scale *= 10;
    }
    format!("{}/{}", value.numer(), value.denom())
}

struct Parser {
    chars: Vec<char>,
    at: usize,
    depth: u32,
}

impl Parser {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn sum(&mut self) -> Option<Rat> {
        let mut value = self.product()?;
        while let Some(op) = self.peek().filter(|c| matches!(c, '+' | '-' | '−')) {
            self.at += 1;
            let right = self.product()?;
            value = if op == '+' {
                value.checked_add(&right)?
            } else {
                value.checked_sub(&right)?
            };
        }
        Some(value)
    }

    fn product(&mut self) -> Option<Rat> {
        let mut value = self.power()?;
        while let Some(op) = self
            .peek()
            .filter(|c| matches!(c, '*' | 'x' | '×' | '/' | '÷' | '%'))
        {
            self.at += 1;
            let floor = op == '/' && self.peek() == Some('/');
            if floor {
                self.at += 1;
            }
            let right = self.power()?;
            value = match op {
                '*' | 'x' | '×' => value.checked_mul(&right)?,
                _ if right.is_zero() => return None,
                '%' => {
                    let whole = value.checked_div(&right)?.floor();
                    value.checked_sub(&whole.checked_mul(&right)?)?
                }
                _ if floor => value.checked_div(&right)?.floor(),
                _ => value.checked_div(&right)?,
            };
        }
        Some(value)
    }

    fn power(&mut self) -> Option<Rat> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return None;
        }
        let value = if matches!(self.peek(), Some('-' | '−')) {
            self.at += 1;
            Rat::zero().checked_sub(&self.power()?)?
        } else {
            let base = self.atom()?;
            let python = self.chars[self.at..].starts_with(&['*', '*']);
            if self.peek() == Some('^') || python {
                self.at += if python { 2 } else { 1 };
                let exponent = self.power()?;
                let exponent = exponent.is_integer().then(|| *exponent.numer())?;
                raise(base, u32::try_from(exponent).ok()?)?
            } else {
                base
            }
        };
        self.depth -= 1;
        Some(value)
    }

    fn atom(&mut self) -> Option<Rat> {
        if self.peek() == Some('(') {
            self.at += 1;
            let value = self.sum()?;
            (self.peek() == Some(')')).then(|| self.at += 1)?;
            return self.percent(value);
        }
        let (mut value, mut scale, mut digits, mut point) = (0i128, 1i128, 0, false);
        while let Some(c) = self.peek() {
            match c {
                '0'..='9' => {
                    digits += 1;
                    value = value.checked_mul(10)?.checked_add(i128::from(c as u8 - b'0'))?;
                    if point {
                        scale = scale.checked_mul(10)?;
                    }
                }
                ',' if !point && digits > 0 => {}
                '.' if !point => point = true,
                _ => break,
            }
            self.at += 1;
        }
        if digits == 0 {
            return None;
        }
        self.percent(Rat::new(value, scale))
    }

    /// A percent sign that is not followed by an operand means hundredths.
    fn percent(&mut self, value: Rat) -> Option<Rat> {
        let next = self.chars.get(self.at + 1);
        if self.peek() == Some('%') && !next.is_some_and(|c| c.is_ascii_digit() || matches!(c, '(' | '.')) {
            self.at += 1;
            return value.checked_div(&Rat::from_integer(100));
        }
        Some(value)
    }
}

fn raise(base: Rat, exponent: u32) -> Option<Rat> {
    if exponent > 128 {
        return None;
    }
    (0..exponent).try_fold(Rat::from_integer(1), |product, _| product.checked_mul(&base))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn after(text: &str) -> Option<String> {
        calculator().complete(text)
    }

    #[test]
    fn the_value_of_an_open_calculation_follows() {
        for (text, value) in [
            ("He buys <<3*12=", "36>>"),
            ("<<1/8=", "0.125>>"),
            ("<<(2+3)*4-1=", "19>>"),
            ("<<200*15%=", "30>>"),
            ("<<1,200÷4=", "300>>"),
            ("<<1/3=", "1/3>>"),
            ("<<17//5=", "3>>"),
            ("<<17%5=", "2>>"),
            ("<<-7//2=", "-4>>"),
            ("<<2^10=", "1024>>"),
            ("<<2**3**2=", "512>>"),
            ("<<$5 x 3=", "15>>"),
            ("<<1+1=2>> and <<2+2=", "4>>"),
        ] {
            assert_eq!(after(text).as_deref(), Some(value), "{text}");
        }
    }

    #[test]
    fn anything_else_is_left_to_the_model() {
        let deep = format!("<<{}1{}=", "(".repeat(100), ")".repeat(100));
        for text in [
            "3*12=",
            "<<3*12",
            "<<1/0=",
            "<<x=",
            "<<=",
            "<<2^1000=",
            "<<1=1=",
            "<<3>>=",
            "=",
            &deep,
        ] {
            assert_eq!(after(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn whole_numbers_agree_with_the_machine(a in -9999i128..9999, b in -9999i128..9999, c in 1i128..99) {
            let value = evaluate(&format!("({a})*({b})+({a})//{c}-({b})")).unwrap();
            prop_assert_eq!(value, Rat::from_integer(a * b + a.div_euclid(c) - b));
        }

        #[test]
        fn no_text_is_too_strange(text in "[0-9+*/%^().,x÷ <>=-]{0,60}") {
            let _ = after(&format!("<<{text}="));
        }
    }
}
