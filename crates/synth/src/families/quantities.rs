//! Money, units, legs.

use crate::facts;

use crate::families::{Simple, join, listed, nouns, people, say};

use crate::item::{Item, ReadFacts, Steps};

use crate::rational::{self, Rat, int};

use crate::rng::Rng;

pub(crate) const FAMILIES: &[Simple] = &[
    Simple {
        name: "money",
        about: "totals, change and coins",
        generate: money,
        resolve: money_again,
    },
    Simple {
        name: "units",
        about: "changing units of length, weight, volume and time",
        generate: units,
        resolve: units_again,
    },
    Simple {
        name: "leg-counting",
        about: "counting the legs of animals",
        generate: legs,
        resolve: legs_again,
    },
];

fn cents(n: i64) -> String {
    format!("${}.{:02}", n / 100, n % 100)
}

fn decimal(n: i64) -> String {
    rational::show(Rat::new(n.into(), 100))
}

fn money(rng: &mut Rng, difficulty: u8) -> Item {
    let count = rng.range(1, 1 + i64::from(difficulty.clamp(1, 5)) / 2) as usize;
    let unit = if difficulty <= 2 { 25 } else { 5 };
    let list = *rng.pick(&["cooked", "drink", "school", "fruit", "treat"]);
    let things = nouns(rng, list, count);
    let counts: Vec<i64> = things.iter().map(|_| rng.range(1, 6)).collect();
    let prices: Vec<i64> = things.iter().map(|_| unit * rng.range(2, 500 / unit)).collect();
    let name = &people(rng, 1)[0];
    let mut steps = Steps::new();
    let mut sums = Vec::new();
    let mut parts = Vec::new();
    for ((thing, &n), &p) in things.iter().zip(&counts).zip(&prices) {
        let noun = if n == 1 { &thing.0 } else { &thing.1 };
        parts.push(format!("{n} {noun} at {} each", cents(p)));
        sums.push(rational::show(steps.calc(
            &crate::words::render::capitalise(&thing.1),
            format!("{n}*{}", decimal(p)),
        )));
    }
    let total = if sums.len() > 1 {
        steps.calc("Total", sums.join("+"))
    } else {
        rational::parse(&sums[0]).unwrap_or_default()
    };
    let total_cents = (total * int(100)).to_integer() as i64;
    let with_change = rng.chance(50);
    let paid = [500, 1000, 2000, 5000, 10_000, 20_000]
        .into_iter()
        .find(|p| *p > total_cents)
        .unwrap_or(20_000);
    let fills = [
        ("a", name.clone()),
        ("l", listed(&parts)),
        ("b", (paid / 100).to_string()),
    ];
    let (question, value) = if with_change {
        let value = steps.calc("Change", format!("{}-{}", paid / 100, rational::show(total)));
        (
            say(
                rng,
                &[
                    "{a} buys {l} and pays with ${b}. How much change does {a} get, in dollars?",
                    "{a} orders {l}. How many dollars of change come back from ${b}?",
                ],
                &fills,
            ),
            value,
        )
    } else {
        (
            say(
                rng,
                &[
                    "{a} buys {l}. How much does {a} pay in dollars?",
                    "What do {l} cost together, in dollars?",
                    "{a} orders {l}. What is the total in dollars?",
                ],
                &fills,
            ),
            total,
        )
    };
    let facts =
        facts! { "counts" => counts, "cents" => prices, "paid" => if with_change { paid } else { 0 } };
    Item::number("money", question, steps, value, facts).needing(prices.iter().map(|p| cents(*p)))
}

fn money_again(item: &Item) -> Option<String> {
    // Coin by coin, in cents.
    let (counts, prices, paid) = (
        item.facts.ints("counts")?,
        item.facts.ints("cents")?,
        item.facts.int("paid")?,
    );
    let mut total = 0;
    for (n, p) in counts.iter().zip(&prices) {
        for _ in 0..*n {
            total += p;
        }
    }
    let value = if paid > 0 { paid - total } else { total };
    let text = format!("{}.{:02}", value / 100, value % 100);
    Some(text.trim_end_matches('0').trim_end_matches('.').to_owned())
}

/// (large unit, small unit, how many small ones make a large one, list of the kind).
const UNITS: [(&str, &str, i64, &str); 22] = [
    ("kilometers", "meters", 1000, "length"),
    ("meters", "centimeters", 100, "length"),
    ("centimeters", "millimeters", 10, "length"),
    ("feet", "inches", 12, "length"),
    ("yards", "feet", 3, "length"),
    ("miles", "feet", 5280, "length"),
    ("kilograms", "grams", 1000, "weight"),
    ("tons", "kilograms", 1000, "weight"),
    ("grams", "milligrams", 1000, "weight"),
    ("pounds", "ounces", 16, "weight"),
    ("liters", "milliliters", 1000, "volume"),
    ("gallons", "quarts", 4, "volume"),
    ("quarts", "pints", 2, "volume"),
    ("pints", "cups", 2, "volume"),
    ("hours", "minutes", 60, "time"),
    ("minutes", "seconds", 60, "time"),
    ("days", "hours", 24, "time"),
    ("weeks", "days", 7, "time"),
    ("years", "months", 12, "time"),
    ("dollars", "cents", 100, "money"),
    ("centuries", "years", 100, "time"),
    ("dozen", "pieces", 12, "count"),
];

fn units(rng: &mut Rng, difficulty: u8) -> Item {
    let at = rng.below(UNITS.len());
    let (large, small, factor, _) = UNITS[at];
    let top = [10, 20, 50, 100, 300][difficulty.clamp(1, 5) as usize - 1];
    let n = rng.range(2, top);
    let mut steps = Steps::new();
    steps.note(format!("There are {factor} {small} in one of the {large}."));
    let kind = if difficulty >= 3 {
        rng.below(3)
    } else {
        rng.below(2)
    };
    let extra = rng.range(1, factor - 1);
    let fills = [
        ("n", n.to_string()),
        ("m", (n * factor).to_string()),
        ("L", large.to_owned()),
        ("s", small.to_owned()),
        ("e", extra.to_string()),
    ];
    let (question, value, needed) = match kind {
        0 => (
            say(
                rng,
                &[
                    "How many {s} are there in {n} {L}?",
                    "Convert {n} {L} to {s}.",
                    "{n} {L} is how many {s}?",
                    "Express {n} {L} in {s}.",
                ],
                &fills,
            ),
            steps.calc("", format!("{n}*{factor}")),
            n,
        ),
        1 => (
            say(
                rng,
                &[
                    "How many {L} are {m} {s}?",
                    "Convert {m} {s} to {L}.",
                    "{m} {s} equals how many {L}?",
                ],
                &fills,
            ),
            steps.calc("", format!("{}/{factor}", n * factor)),
            n * factor,
        ),
        _ => {
            let whole = steps.calc("", format!("{n}*{factor}"));
            let value = steps.calc("", format!("{}+{extra}", rational::show(whole)));
            (
                say(
                    rng,
                    &[
                        "How many {s} are {n} {L} and {e} {s}?",
                        "Convert {n} {L} and {e} {s} to {s}.",
                    ],
                    &fills,
                ),
                value,
                n,
            )
        }
    };
    Item::number(
        "units",
        question,
        steps,
        value,
        facts! { "n" => n, "unit" => at, "extra" => extra, "kind" => kind },
    )
    .needing([needed])
}

fn units_again(item: &Item) -> Option<String> {
    let f = &item.facts;
    let factor = UNITS.get(usize::try_from(f.int("unit")?).ok()?)?.2;
    let n = f.int("n")?;
    match f.int("kind")? {
        0 => Some((0..factor).map(|_| n).sum::<i64>().to_string()),
        1 => {
            let (mut rest, mut count) = (n * factor, 0);
            while rest > 0 {
                rest -= factor;
                count += 1;
            }
            Some(count.to_string())
        }
        _ => Some((f.int("extra")? + (0..n).map(|_| factor).sum::<i64>()).to_string()),
    }
}

const ANIMALS: [(&str, &str, i64); 26] = [
    ("chicken", "chickens", 2),
    ("duck", "ducks", 2),
    ("ostrich", "ostriches", 2),
    ("human", "humans", 2),
    ("flamingo", "flamingos", 2),
    ("crow", "crows", 2),
    ("dog", "dogs", 4),
    ("cat", "cats", 4),
    ("horse", "horses", 4),
    ("cow", "cows", 4),
    ("sheep", "sheep", 4),
    ("deer", "deer", 4),
    ("lion", "lions", 4),
    ("elephant", "elephants", 4),
    ("frog", "frogs", 4),
    ("tiger", "tigers", 4),
    ("ant", "ants", 6),
    ("bee", "bees", 6),
    ("beetle", "beetles", 6),
    ("butterfly", "butterflies", 6),
    ("grasshopper", "grasshoppers", 6),
    ("wasp", "wasps", 6),
    ("spider", "spiders", 8),
    ("scorpion", "scorpions", 8),
    ("snail", "snails", 0),
    ("crab", "crabs", 10),
];

fn legs(rng: &mut Rng, difficulty: u8) -> Item {
    let count = 1 + usize::from(difficulty.clamp(1, 5)).min(4);
    let kinds = rng.sample(&(0..ANIMALS.len()).collect::<Vec<_>>(), count);
    let counts: Vec<i64> = kinds
        .iter()
        .map(|_| rng.range(1, 3 + 3 * i64::from(difficulty)))
        .collect();
    let mut steps = Steps::new();
    let mut parts = Vec::new();
    let mut sums = Vec::new();
    for (&k, &n) in kinds.iter().zip(&counts) {
        let (one, many, legs) = ANIMALS[k];
        parts.push(format!("{n} {}", if n == 1 { one } else { many }));
        sums.push(rational::show(
            steps.calc(&crate::words::render::capitalise(many), format!("{n}*{legs}")),
        ));
    }
    let value = steps.calc("Legs in total", sums.join("+"));
    let question = say(
        rng,
        &[
            "How many legs are there in total if you have {l}?",
            "Your task is to count how many legs there are in total when given a list of animals.\n\nHow many legs do {l} have in total?",
            "On a farm there are {l}. How many legs is that altogether?",
            "Count the legs: {c}. What is the total?",
            "A child draws {l}. How many legs does the child have to draw?",
        ],
        &[("l", listed(&parts)), ("c", join(&parts, ", "))],
    );
    Item::number(
        "leg-counting",
        question,
        steps,
        value,
        facts! { "kinds" => kinds, "counts" => counts },
    )
    .needing(parts)
}

fn legs_again(item: &Item) -> Option<String> {
    // By number of legs: all two-legged animals, then all four-legged ones, …
    let (kinds, counts) = (item.facts.ints("kinds")?, item.facts.ints("counts")?);
    let mut total = 0;
    for legs in [0, 2, 4, 6, 8, 10] {
        let animals: i64 = kinds
            .iter()
            .zip(&counts)
            .filter(|(k, _)| ANIMALS[**k as usize].2 == legs)
            .map(|(_, n)| n)
            .sum();
        total += animals * legs;
    }
    Some(total.to_string())
}
