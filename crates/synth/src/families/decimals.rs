//! Decimals, digits and rounding.

use crate::facts;
use crate::families::arithmetic::COMPUTE;
use crate::families::{Simple, join, say};
use crate::item::{Item, ReadFacts, Steps};
use crate::rational::{self, Rat, int};
use crate::rng::Rng;

pub(crate) const FAMILIES: &[Simple] = &[
    Simple {
        name: "decimals",
        about: "adding, subtracting and multiplying decimals",
        generate: decimals,
        resolve: decimals_again,
    },
    Simple {
        name: "place-value",
        about: "digits, rounding and writing numbers",
        generate: place_value,
        resolve: place_value_again,
    },
];

fn decimals(rng: &mut Rng, difficulty: u8) -> Item {
    let places = if difficulty <= 2 { 1 } else { 2 };
    let scale = 10i64.pow(places);
    let top = [10, 50, 100, 200, 500][difficulty.clamp(1, 5) as usize - 1] * scale;
    let op = *rng.pick(&['+', '-', '*']);
    let a = rng.range(1, top);
    let (b, b_scale) = if op == '*' {
        (rng.range(2, 30), if difficulty >= 4 { 10 } else { 1 })
    } else {
        (rng.range(1, top), scale)
    };
    let (a, b) = if op == '-' && a < b { (b, a) } else { (a, b) };
    let show = |n: i64, scale: i64| rational::show(Rat::new(n.into(), scale.into()));
    let (x, y) = (show(a, scale), show(b, b_scale));
    let mut steps = Steps::new();
    let value = steps.calc("", format!("{x}{op}{y}"));
    let question = say(rng, &COMPUTE, &[("e", format!("{x} {op} {y}"))]);
    let facts =
        facts! { "a" => a, "b" => b, "a_scale" => scale, "b_scale" => b_scale, "op" => op.to_string() };
    Item::number("decimals", question, steps, value, facts).needing([x, y])
}

fn decimals_again(item: &Item) -> Option<String> {
    // In whole units of the smallest place.
    let f = &item.facts;
    let (a, b, s, t) = (f.int("a")?, f.int("b")?, f.int("a_scale")?, f.int("b_scale")?);
    let (value, scale) = match f.text("op")? {
        "+" => (a * t + b * s, s * t),
        "-" => (a * t - b * s, s * t),
        _ => (a * b, s * t),
    };
    let digits = format!("{:0width$}", value, width = scale.to_string().len());
    let places = scale.to_string().len() - 1;
    let text = format!(
        "{}.{}",
        &digits[..digits.len() - places],
        &digits[digits.len() - places..]
    );
    Some(text.trim_end_matches('0').trim_end_matches('.').to_owned())
}

const PLACES: [(&str, i64); 4] = [("ones", 1), ("tens", 10), ("hundreds", 100), ("thousands", 1000)];

fn place_value(rng: &mut Rng, difficulty: u8) -> Item {
    let top = [99, 999, 9999, 99_999, 999_999][difficulty.clamp(1, 5) as usize - 1];
    let n = rng.range(11, top);
    let usable = PLACES.iter().filter(|p| p.1 <= n / 10 * 10).count().max(2);
    let (name, unit) = PLACES[rng.below(usable)];
    let kind = rng.below(3);
    let fills = [
        ("n", n.to_string()),
        ("p", name.to_owned()),
        ("one", name.trim_end_matches('s').to_owned()),
        ("u", unit.to_string()),
    ];
    let mut steps = Steps::new();
    let (question, value) = match kind {
        0 => {
            let digit = n / unit % 10;
            steps.note(format!(
                "Reading {n} from the right, the {name} digit is {digit}."
            ));
            (
                say(
                    rng,
                    &[
                        "Which digit is in the {p} place of {n}?",
                        "What is the {p} digit of the number {n}?",
                    ],
                    &fills,
                ),
                digit,
            )
        }
        1 => {
            let unit = unit.max(10);
            let fills = [("n", n.to_string()), ("u", unit.to_string())];
            let rest = n % unit;
            let value = if rest * 2 >= unit {
                n - rest + unit
            } else {
                n - rest
            };
            steps.note(format!("{n} lies between {} and {}.", n - rest, n - rest + unit));
            let question = say(
                rng,
                &[
                    "Round {n} to the nearest {u}.",
                    "What is {n} rounded to the nearest {u}?",
                ],
                &fills,
            );
            return Item::number(
                "place-value",
                question,
                steps,
                int(value),
                facts! { "n" => n, "unit" => unit, "kind" => kind },
            )
            .needing([n, unit]);
        }
        _ => {
            let digits: Vec<i64> = n.to_string().bytes().map(|b| i64::from(b - b'0')).collect();
            let value = steps.calc("Sum of digits", join(&digits, "+"));
            let question = say(
                rng,
                &[
                    "What is the sum of the digits of {n}?",
                    "Add up the digits of {n}.",
                    "Find the digit sum of {n}.",
                ],
                &fills,
            );
            return Item::number(
                "place-value",
                question,
                steps,
                value,
                facts! { "n" => n, "unit" => 1, "kind" => kind },
            )
            .needing([n]);
        }
    };
    Item::number(
        "place-value",
        question,
        steps,
        int(value),
        facts! { "n" => n, "unit" => unit, "kind" => kind },
    )
    .needing([n])
}

fn place_value_again(item: &Item) -> Option<String> {
    let (n, unit) = (item.facts.int("n")?, item.facts.int("unit")?);
    let text = n.to_string();
    match item.facts.int("kind")? {
        0 => {
            let back = unit.to_string().len();
            text.chars().rev().nth(back - 1).map(|c| c.to_string())
        }
        1 => Some(((n + unit / 2) / unit * unit).to_string()),
        _ => {
            let (mut rest, mut sum) = (n, 0);
            while rest > 0 {
                sum += rest % 10;
                rest /= 10;
            }
            Some(sum.to_string())
        }
    }
}
