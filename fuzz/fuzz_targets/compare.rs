//! The comparer against exact rationals: a small program of the input builds an expression together with its
//! value in `i128` fractions, and the verifier must agree with the value. The rest of the input is compared as
//! it stands: verdicts must not depend on the order, and nothing may crash.
#![no_main]

use libfuzzer_sys::fuzz_target;
use strawberry_verify::{MathVerifier, Options};

#[derive(Clone, Copy, PartialEq, Debug)]
struct Fraction {
    n: i128,
    d: i128,
}

fn gcd(a: i128, b: i128) -> i128 {
    if b == 0 { a.abs() } else { gcd(b, a % b) }
}

impl Fraction {
    fn new(n: i128, d: i128) -> Option<Fraction> {
        if d == 0 || n.abs() > 1 << 50 || d.abs() > 1 << 50 {
            return None;
        }
        let g = gcd(n, d) * d.signum();
        Some(Fraction { n: n / g, d: d / g })
    }
}

/// An expression and its value, from a stack program.
fn build(program: &[u8]) -> Option<(String, Fraction)> {
    let mut stack: Vec<(String, Fraction)> = Vec::new();
    for &op in program {
        if op < 128 || stack.len() < 2 {
            let n = i128::from(op % 20);
            let text = match op % 3 {
                0 => n.to_string(),
                1 => format!("{n}.0"),
                _ => format!("\\frac{{{}}}{{2}}", 2 * n),
            };
            stack.push((text, Fraction { n, d: 1 }));
            continue;
        }
        let (y, b) = stack.pop()?;
        let (x, a) = stack.pop()?;
        let r = match op % 5 {
            0 => (format!("({x}) + ({y})"), Fraction::new(a.n * b.d + b.n * a.d, a.d * b.d)?),
            1 => (format!("({x}) - ({y})"), Fraction::new(a.n * b.d - b.n * a.d, a.d * b.d)?),
            2 => (format!("\\left({x}\\right) \\cdot ({y})"), Fraction::new(a.n * b.n, a.d * b.d)?),
            3 => (format!("\\frac{{{x}}}{{{y}}}"), Fraction::new(a.n * b.d, a.d * b.n)?),
            _ => {
                stack.push((x, a));
                (format!("({y})^{{2}}"), Fraction::new(b.n * b.n, b.d * b.d)?)
            }
        };
        stack.push(r);
    }
    stack.pop()
}

fuzz_target!(|data: &[u8]| {
    let verifier = MathVerifier::new(Options::default());
    if let Some((text, value)) = build(&data[..data.len().min(24)]) {
        let exact = format!("{}/{}", value.n, value.d);
        assert!(verifier.same(&text, &exact), "{text} is {exact}");
        let off = format!("{}/{}", value.n + 1, value.d);
        assert!(!verifier.same(&text, &off), "{text} is not {off}");
    }
    let text = String::from_utf8_lossy(data);
    if let Some((a, b)) = text.split_once('~') {
        assert_eq!(verifier.same(a, b), verifier.same(b, a), "{a} ~ {b}");
        let _ = verifier.check(a, b);
    }
});
