//! Ways to write numbers: other bases, Roman numerals.

use crate::facts;
use crate::families::{Simple, join, say};
use crate::item::{Check, Item, ReadFacts, Steps};
use crate::rational::int;
use crate::rng::Rng;

pub(crate) const FAMILIES: &[Simple] = &[
    Simple {
        name: "base-conversion",
        about: "numbers in bases 2 to 16",
        generate: bases,
        resolve: bases_again,
    },
    Simple {
        name: "roman",
        about: "Roman numerals",
        generate: roman,
        resolve: roman_again,
    },
];

fn digits(mut n: i64, base: i64) -> String {
    let mut out = Vec::new();
    while n > 0 {
        out.push(char::from_digit((n % base) as u32, base as u32).unwrap_or('?'));
        n /= base;
    }
    out.iter().rev().collect()
}

fn bases(rng: &mut Rng, difficulty: u8) -> Item {
    let top = [15, 31, 100, 500, 2000][difficulty.clamp(1, 5) as usize - 1];
    let n = rng.range(2, top);
    let base = if difficulty <= 2 {
        2
    } else {
        *rng.pick(&[2, 2, 3, 4, 5, 8, 16])
    };
    let name = match base {
        2 => "binary".to_owned(),
        16 => "hexadecimal (lowercase letters)".to_owned(),
        b => format!("base {b}"),
    };
    let coded = digits(n, base);
    let mut steps = Steps::new();
    if rng.chance(50) {
        let mut rest = n;
        while rest > 0 {
            steps.note(format!("{rest} = {} * {base} + {}", rest / base, rest % base));
            rest /= base;
        }
        let q = say(
            rng,
            &[
                "Write the decimal number {n} in {b}.",
                "Convert {n} from base 10 to {b}.",
                "What is {n} in {b}?",
            ],
            &[("n", n.to_string()), ("b", name)],
        );
        return Item::new(
            "base-conversion",
            q,
            steps,
            coded,
            Check::Text,
            facts! { "n" => n, "base" => base, "to" => 1 },
        )
        .needing([n]);
    }
    let places = coded.len() as u32;
    let terms: Vec<String> = (0..places)
        .zip(coded.chars())
        .map(|(i, c)| {
            format!(
                "{}*{}",
                c.to_digit(base as u32).unwrap_or(0),
                base.pow(places - 1 - i)
            )
        })
        .collect();
    let value = steps.calc("Value", terms.join("+"));
    let q = say(
        rng,
        &[
            "Convert the {b} number {c} to base 10.",
            "What is {c} ({b}) as a decimal number?",
            "The number {c} is written in {b}. What is it in base 10?",
        ],
        &[("c", coded.clone()), ("b", name)],
    );
    Item::number(
        "base-conversion",
        q,
        steps,
        value,
        facts! { "code" => coded, "base" => base, "to" => 0 },
    )
    .needing([coded])
}

fn bases_again(item: &Item) -> Option<String> {
    let base = item.facts.int("base")?;
    if item.facts.int("to")? == 0 {
        return i64::from_str_radix(item.facts.text("code")?, base as u32)
            .ok()
            .map(|n| n.to_string());
    }
    // Count upwards like an odometer.
    let mut wheel = vec![0u32];
    for _ in 0..item.facts.int("n")? {
        let mut i = 0;
        loop {
            if i == wheel.len() {
                wheel.push(0);
            }
            wheel[i] += 1;
            if i64::from(wheel[i]) < base {
                break;
            }
            wheel[i] = 0;
            i += 1;
        }
    }
    wheel
        .iter()
        .rev()
        .map(|d| char::from_digit(*d, base as u32))
        .collect()
}

const ROMAN: [(i64, &str); 13] = [
    (1000, "M"),
    (900, "CM"),
    (500, "D"),
    (400, "CD"),
    (100, "C"),
    (90, "XC"),
    (50, "L"),
    (40, "XL"),
    (10, "X"),
    (9, "IX"),
    (5, "V"),
    (4, "IV"),
    (1, "I"),
];

fn roman(rng: &mut Rng, difficulty: u8) -> Item {
    let n = rng.range(1, [20, 50, 100, 500, 2000][difficulty.clamp(1, 5) as usize - 1]);
    let mut steps = Steps::new();
    let (mut rest, mut text, mut values) = (n, String::new(), Vec::new());
    for (value, letters) in ROMAN {
        while rest >= value {
            rest -= value;
            text.push_str(letters);
            values.push(value);
            steps.note(format!("{letters} is {value}"));
        }
    }
    if rng.chance(50) {
        let q = say(
            rng,
            &["Write {n} as a Roman numeral.", "What is {n} in Roman numerals?"],
            &[("n", n.to_string())],
        );
        return Item::new("roman", q, steps, text, Check::Text, facts! { "n" => n }).needing([n]);
    }
    if values.len() > 1 {
        steps.calc("Sum", join(&values, "+"));
    }
    let q = say(
        rng,
        &[
            "What number is the Roman numeral {r}?",
            "Convert {r} from Roman numerals to a number.",
        ],
        &[("r", text.clone())],
    );
    Item::number("roman", q, steps, int(n), facts! { "numeral" => text }).needing([text])
}

fn roman_again(item: &Item) -> Option<String> {
    // Letter by letter: a letter before a larger one counts negative.
    let read = |text: &str| {
        let values: Vec<i64> = text
            .chars()
            .map(|c| {
                ROMAN
                    .iter()
                    .find(|(_, l)| *l == c.to_string())
                    .map_or(0, |(v, _)| *v)
            })
            .collect();
        (0..values.len())
            .map(|i| {
                if values.get(i + 1).is_some_and(|next| *next > values[i]) {
                    -values[i]
                } else {
                    values[i]
                }
            })
            .sum::<i64>()
    };
    if let Some(text) = item.facts.text("numeral") {
        return Some(read(text).to_string());
    }
    // Digit by digit.
    let n = item.facts.int("n")?;
    let place = |d: i64, one: &str, five: &str, ten: &str| match d {
        9 => format!("{one}{ten}"),
        4 => format!("{one}{five}"),
        d => format!(
            "{}{}",
            if d >= 5 { five } else { "" },
            one.repeat((d % 5) as usize)
        ),
    };
    Some(
        [
            place(n / 1000, "M", "", ""),
            place(n / 100 % 10, "C", "D", "M"),
            place(n / 10 % 10, "X", "L", "C"),
            place(n % 10, "I", "V", "X"),
        ]
        .concat(),
    )
}
