//! Fractions.

use crate::facts;
use crate::families::parts::gcd;
use crate::families::{Simple, say};
use crate::item::{Check, Item, ReadFacts, Steps};
use crate::rational::{self, Rat};
use crate::rng::Rng;

pub(crate) const FAMILIES: &[Simple] = &[
    Simple {
        name: "fraction-arithmetic",
        about: "adding, subtracting, multiplying and dividing fractions",
        generate: fractions,
        resolve: fractions_again,
    },
    Simple {
        name: "fraction-simplify",
        about: "fractions in lowest terms",
        generate: simplify,
        resolve: simplify_again,
    },
    Simple {
        name: "fraction-of",
        about: "a fraction of a number",
        generate: fraction_of,
        resolve: fraction_of_again,
    },
];

fn fractions(rng: &mut Rng, difficulty: u8) -> Item {
    let top = [6, 8, 10, 12, 20][difficulty.clamp(1, 5) as usize - 1];
    let (b, d) = (rng.range(2, top), rng.range(2, top));
    let d = if difficulty == 1 { b } else { d };
    let (a, c) = (rng.range(1, b.max(2) - 1).max(1), rng.range(1, d - 1).max(1));
    let op = *rng.pick(if difficulty <= 2 {
        &['+', '-', '+', '-']
    } else {
        &['+', '-', '*', '/']
    });
    let (a, b, c, d) = if op == '-' && a * d < c * b {
        (c, d, a, b)
    } else {
        (a, b, c, d)
    };
    let mut steps = Steps::new();
    let value = match op {
        '+' | '-' => {
            let common = b / gcd(b, d) * d;
            let (x, y) = (a * common / b, c * common / d);
            if b != d {
                steps.note(format!(
                    "With the denominator {common}: {a}/{b} = {x}/{common} and {c}/{d} = {y}/{common}."
                ));
            }
            let top = steps.calc("Numerator", format!("{x}{op}{y}"));
            Rat::new(*top.numer(), common.into())
        }
        _ => {
            let (c, d) = if op == '*' { (c, d) } else { (d, c) };
            if op == '/' {
                steps.note(format!("Dividing by a fraction is multiplying by {c}/{d}."));
            }
            let top = steps.calc("Numerator", format!("{a}*{c}"));
            let bottom = steps.calc("Denominator", format!("{b}*{d}"));
            top / bottom
        }
    };
    let answer = text(value);
    steps.note(format!("In lowest terms: {answer}"));
    let sign = match op {
        '/' => "÷",
        '*' if rng.chance(50) => "×",
        '*' => "*",
        '+' => "+",
        _ => "-",
    };
    let question = say(
        rng,
        &[
            "What is {e}? Give a fraction in lowest terms.",
            "Calculate {e} and simplify.",
            "Compute {e}. Write the result as a simplified fraction.",
            "{e} = ? Simplify your answer.",
            "Work out {e} as a fraction in lowest terms.",
        ],
        &[("e", format!("{a}/{b} {sign} {c}/{d}"))],
    );
    let needed = [format!("{a}/{b}"), format!("{c}/{d}")];
    Item::new(
        "fraction-arithmetic",
        question,
        steps,
        answer,
        Check::Number,
        facts! { "a" => a, "b" => b, "c" => c, "d" => d, "op" => op.to_string() },
    )
    .needing(needed)
}

fn fractions_again(item: &Item) -> Option<String> {
    // Over the product of both denominators, reduced by trial division.
    let f = &item.facts;
    let (a, b, c, d) = (f.int("a")?, f.int("b")?, f.int("c")?, f.int("d")?);
    let (top, bottom) = match f.text("op")? {
        "+" => (a * d + c * b, b * d),
        "-" => (a * d - c * b, b * d),
        "*" => (a * c, b * d),
        _ => (a * d, b * c),
    };
    Some(reduced(top, bottom))
}

/// Lowest terms by trying divisors downwards.
fn reduced(top: i64, bottom: i64) -> String {
    let by = (1..=bottom.abs())
        .rev()
        .find(|k| top % k == 0 && bottom % k == 0)
        .unwrap_or(1);
    if bottom / by == 1 {
        (top / by).to_string()
    } else {
        format!("{}/{}", top / by, bottom / by)
    }
}

fn simplify(rng: &mut Rng, difficulty: u8) -> Item {
    let top = [9, 12, 20, 40, 60][difficulty.clamp(1, 5) as usize - 1];
    let (a, b, k) = (
        rng.range(1, top),
        rng.range(2, top + 1),
        rng.range(2, 6 + top / 4),
    );
    let (x, y) = (a * k, b * k);
    let g = gcd(x, y);
    let mut steps = Steps::new();
    steps.note(format!("The greatest common divisor of {x} and {y} is {g}."));
    let top = steps.calc("Numerator", format!("{x}/{g}"));
    let bottom = steps.calc("Denominator", format!("{y}/{g}"));
    let answer = text(top / bottom);
    let shown = if rng.chance(25) {
        format!("$\\frac{{{x}}}{{{y}}}$")
    } else {
        format!("{x}/{y}")
    };
    let question = say(
        rng,
        &[
            "Simplify the fraction {f} to lowest terms.",
            "Write {f} in lowest terms.",
            "Reduce {f} as far as possible.",
            "What is {f} in its simplest form?",
            "Simplify {f}. Give only the simplified fraction as your final answer.",
        ],
        &[("f", shown)],
    );
    Item::new(
        "fraction-simplify",
        question,
        steps,
        answer,
        Check::Number,
        facts! { "a" => x, "b" => y },
    )
    .needing([x, y])
}

fn simplify_again(item: &Item) -> Option<String> {
    Some(reduced(item.facts.int("a")?, item.facts.int("b")?))
}

fn fraction_of(rng: &mut Rng, difficulty: u8) -> Item {
    let b = rng.range(2, [5, 6, 8, 10, 12][difficulty.clamp(1, 5) as usize - 1]);
    let a = if difficulty == 1 {
        1
    } else {
        rng.range(1, b - 1).max(1)
    };
    let n = b * rng.range(2, 10 * i64::from(difficulty.clamp(1, 5)));
    let mut steps = Steps::new();
    let part = steps.calc(&format!("1/{b} of {n}"), format!("{n}/{b}"));
    let value = if a == 1 {
        part
    } else {
        steps.calc(
            &format!("{a}/{b} of {n}"),
            format!("{}*{a}", rational::show(part)),
        )
    };
    let question = say(
        rng,
        &[
            "What is {a}/{b} of {n}?",
            "Find {a}/{b} of {n}.",
            "Calculate {a}/{b} of {n}.",
            "How much is {a}/{b} of {n}?",
        ],
        &[("a", a.to_string()), ("b", b.to_string()), ("n", n.to_string())],
    );
    Item::number(
        "fraction-of",
        question,
        steps,
        value,
        facts! { "a" => a, "b" => b, "n" => n },
    )
    .needing([format!("{a}/{b}"), n.to_string()])
}

fn fraction_of_again(item: &Item) -> Option<String> {
    // The x with x * b = a * n.
    let (a, b, n) = (item.facts.int("a")?, item.facts.int("b")?, item.facts.int("n")?);
    (0..=a * n).find(|x| x * b == a * n).map(|x| x.to_string())
}

fn text(r: Rat) -> String {
    if r.is_integer() {
        r.numer().to_string()
    } else {
        format!("{}/{}", r.numer(), r.denom())
    }
}
