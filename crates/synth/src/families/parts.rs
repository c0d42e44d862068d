//! Percentages, ratios and proportions.

use crate::facts;

use crate::families::{Simple, say};

use crate::item::{Check, Item, ReadFacts, Steps};

use crate::rational::{self, Rat, int};

use crate::rng::Rng;

pub(crate) const FAMILIES: &[Simple] = &[
    Simple {
        name: "percent",
        about: "percentages: the part, the whole, the rate, increase and decrease",
        generate: percent,
        resolve: percent_again,
    },
    Simple {
        name: "ratio",
        about: "sharing in a ratio and simplifying ratios",
        generate: ratio,
        resolve: ratio_again,
    },
    Simple {
        name: "proportion",
        about: "direct and inverse proportion",
        generate: proportion,
        resolve: proportion_again,
    },
];

pub(crate) fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a.abs() } else { gcd(b, a % b) }
}

fn percent(rng: &mut Rng, difficulty: u8) -> Item {
    let unit = if difficulty <= 2 { 10 } else { 5 };
    let p = unit * rng.range(1, 100 / unit - 1);
    let whole = int(100)
        * Rat::new(
            rng.range(1, 40 * i64::from(difficulty.clamp(1, 5))).into(),
            if difficulty <= 2 { 1 } else { 5 },
        );
    let n = *whole.numer() as i64 / *whole.denom() as i64;
    let part = n * p / 100;
    let kind = if n * p % 100 == 0 && part > 0 {
        rng.below(5)
    } else {
        0
    };
    let mut steps = Steps::new();
    let fills = [
        ("p", p.to_string()),
        ("n", n.to_string()),
        ("x", part.to_string()),
    ];
    let (question, value, needed) = match kind {
        0 => {
            let q = say(
                rng,
                &[
                    "What is {p}% of {n}?",
                    "Find {p}% of {n}.",
                    "Calculate {p} percent of {n}.",
                    "How much is {p}% of {n}?",
                ],
                &fills,
            );
            (
                q,
                steps.calc(&format!("{p}% of {n}"), format!("{n}*{p}/100")),
                [p, n],
            )
        }
        1 => {
            let q = say(
                rng,
                &[
                    "What percentage of {n} is {x}?",
                    "{x} is what percent of {n}?",
                    "Express {x} as a percentage of {n}.",
                ],
                &fills,
            );
            (q, steps.calc("Percent", format!("{part}*100/{n}")), [n, part])
        }
        2 => {
            let q = say(
                rng,
                &[
                    "{x} is {p}% of what number?",
                    "{p}% of a number is {x}. What is the number?",
                    "If {p}% of a number equals {x}, find the number.",
                ],
                &fills,
            );
            (q, steps.calc("The number", format!("{part}*100/{p}")), [part, p])
        }
        3 => {
            let q = say(
                rng,
                &[
                    "Increase {n} by {p}%.",
                    "What is {n} increased by {p}%?",
                    "A number of {n} grows by {p} percent. What is the new number?",
                ],
                &fills,
            );
            let x = steps.calc("Increase", format!("{n}*{p}/100"));
            (
                q,
                steps.calc("New number", format!("{n}+{}", rational::show(x))),
                [n, p],
            )
        }
        _ => {
            let q = say(
                rng,
                &[
                    "Decrease {n} by {p}%.",
                    "What is {n} decreased by {p}%?",
                    "What is {n} less {p} percent?",
                ],
                &fills,
            );
            let x = steps.calc("Decrease", format!("{n}*{p}/100"));
            (
                q,
                steps.calc("New number", format!("{n}-{}", rational::show(x))),
                [n, p],
            )
        }
    };
    Item::number(
        "percent",
        question,
        steps,
        value,
        facts! { "p" => p, "n" => n, "part" => part, "kind" => kind },
    )
    .needing(needed)
}

fn percent_again(item: &Item) -> Option<String> {
    let f = &item.facts;
    let (p, n, part) = (f.int("p")?, f.int("n")?, f.int("part")?);
    let hundredths = |top: i64| rational::show(Rat::new(top.into(), 100));
    match f.int("kind")? {
        0 => Some(hundredths((1..=p).map(|_| n).sum())),
        1 => (1..=100).find(|q| q * n == part * 100).map(|q| q.to_string()),
        2 => (1..=100 * part)
            .find(|w| w * p == part * 100)
            .map(|w| w.to_string()),
        3 => Some(hundredths(n * (100 + p))),
        _ => Some(hundredths(n * (100 - p))),
    }
}

fn ratio(rng: &mut Rng, difficulty: u8) -> Item {
    let top = [4, 5, 7, 9, 12][difficulty.clamp(1, 5) as usize - 1];
    let (a, b) = loop {
        let (a, b) = (rng.range(1, top), rng.range(1, top));
        if gcd(a, b) == 1 && a != b {
            break (a, b);
        }
    };
    let k = rng.range(2, 5 * i64::from(difficulty.clamp(1, 5)) + 3);
    let (x, y) = (a * k, b * k);
    let mut steps = Steps::new();
    if rng.chance(35) {
        steps.note(format!("The greatest common divisor of {x} and {y} is {k}."));
        steps.calc("First part", format!("{x}/{k}"));
        steps.calc("Second part", format!("{y}/{k}"));
        let question = say(
            rng,
            &[
                "Simplify the ratio {x}:{y}.",
                "Write the ratio {x} : {y} in lowest terms.",
                "What is the ratio of {x} to {y} in simplest form?",
            ],
            &[("x", x.to_string()), ("y", y.to_string())],
        );
        return Item::new(
            "ratio",
            question,
            steps,
            format!("{a}:{b}"),
            Check::Text,
            facts! { "x" => x, "y" => y, "kind" => 0 },
        )
        .needing([x, y]);
    }
    let n = x + y;
    let first = rng.chance(50);
    let s = steps.calc("Parts", format!("{a}+{b}"));
    let unit = steps.calc("One part", format!("{n}/{}", rational::show(s)));
    let (share, which) = if first { (a, "first") } else { (b, "second") };
    let value = steps.calc("Share", format!("{}*{share}", rational::show(unit)));
    let question = say(
        rng,
        &[
            "Divide {n} in the ratio {a}:{b}. What is the {w} share?",
            "{n} is split in the ratio {a} to {b}. How large is the {w} part?",
            "Two numbers are in the ratio {a}:{b} and their sum is {n}. What is the {w} number?",
            "{n} coins are shared in the ratio {a}:{b}. How many coins are in the {w} share?",
        ],
        &[
            ("n", n.to_string()),
            ("a", a.to_string()),
            ("b", b.to_string()),
            ("w", which.to_owned()),
        ],
    );
    Item::number(
        "ratio",
        question,
        steps,
        value,
        facts! { "a" => a, "b" => b, "n" => n, "first" => i64::from(first), "kind" => 1 },
    )
    .needing([a, b, n])
}

fn ratio_again(item: &Item) -> Option<String> {
    let f = &item.facts;
    if f.int("kind")? == 0 {
        let (x, y) = (f.int("x")?, f.int("y")?);
        let (p, q) = (1..=x).find_map(|p| (1..=y).find(|q| x * q == y * p).map(|q| (p, q)))?;
        return Some(format!("{p}:{q}"));
    }
    let (a, b, n) = (f.int("a")?, f.int("b")?, f.int("n")?);
    let x = (0..=n).find(|x| x * b == (n - x) * a)?;
    Some(if f.int("first")? == 1 { x } else { n - x }.to_string())
}

fn proportion(rng: &mut Rng, difficulty: u8) -> Item {
    let top = 4 + 3 * i64::from(difficulty.clamp(1, 5));
    let (a, u) = (rng.range(2, top), rng.range(2, top));
    let mut b = rng.range(2, top + 4);
    while b == a {
        b = rng.range(2, top + 4);
    }
    let mut steps = Steps::new();
    if rng.chance(60) {
        let x = a * u;
        let unit = steps.calc("For one", format!("{x}/{a}"));
        let value = steps.calc(&format!("For {b}"), format!("{}*{b}", rational::show(unit)));
        let question = say(
            rng,
            &[
                "{a} pens cost {x} cents. How many cents do {b} pens cost?",
                "A machine makes {x} parts in {a} minutes. How many parts does it make in {b} minutes?",
                "{a} tickets cost ${x}. How much do {b} tickets cost, in dollars?",
                "If {a} identical bricks weigh {x} kilograms, how many kilograms do {b} of them weigh?",
                "If {a} cups of rice serve {x} people, how many people do {b} cups serve?",
            ],
            &[("a", a.to_string()), ("b", b.to_string()), ("x", x.to_string())],
        );
        return Item::number(
            "proportion",
            question,
            steps,
            value,
            facts! { "a" => a, "b" => b, "x" => x, "inverse" => 0 },
        )
        .needing([a, b, x]);
    }
    let x = b * u;
    let work = steps.calc("For one", format!("{x}*{a}"));
    let value = steps.calc(&format!("For {b}"), format!("{}/{b}", rational::show(work)));
    let question = say(
        rng,
        &[
            "{a} workers need {x} days for a job. How many days do {b} workers need at the same rate?",
            "{a} pumps empty a pool in {x} hours. How many hours do {b} such pumps take?",
            "Food lasts {a} horses for {x} days. How many days does it last {b} horses?",
        ],
        &[("a", a.to_string()), ("b", b.to_string()), ("x", x.to_string())],
    );
    Item::number(
        "proportion",
        question,
        steps,
        value,
        facts! { "a" => a, "b" => b, "x" => x, "inverse" => 1 },
    )
    .needing([a, b, x])
}

fn proportion_again(item: &Item) -> Option<String> {
    // Equal cross products (direct) or equal products (inverse).
    let f = &item.facts;
    let (a, b, x) = (f.int("a")?, f.int("b")?, f.int("x")?);
    let limit = 2 * x * (a + b);
    let found = match f.int("inverse")? {
        0 => (0..=limit).find(|y| y * a == x * b),
        _ => (0..=limit).find(|y| y * b == x * a),
    };
    found.map(|y| y.to_string())
}
