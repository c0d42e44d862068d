//! Averages, medians and other values of a list.

use crate::facts;

use crate::families::{Simple, join, listed, say};

use crate::item::{Item, ReadFacts, Steps};

use crate::rational::{self, Rat, int};

use crate::rng::Rng;

pub(crate) const FAMILIES: &[Simple] = &[
    Simple {
        name: "average",
        about: "means, missing values and changed means",
        generate: average,
        resolve: average_again,
    },
    Simple {
        name: "median-range",
        about: "median, range, largest, smallest, sum of a list",
        generate: median,
        resolve: median_again,
    },
];

fn average(rng: &mut Rng, difficulty: u8) -> Item {
    let n = rng.range(2, 2 + i64::from(difficulty.clamp(1, 5)).min(4)) as usize;
    let top = [20, 50, 100, 200, 500][difficulty.clamp(1, 5) as usize - 1];
    let mut values: Vec<i64> = (0..n).map(|_| rng.range(1, top)).collect();
    let short = (n as i64 - values.iter().sum::<i64>() % n as i64) % n as i64;
    values[n - 1] += short;
    let sum: i64 = values.iter().sum();
    let mean = sum / n as i64;
    let mut steps = Steps::new();
    if rng.chance(60) {
        let total = steps.calc("Sum", join(&values, "+"));
        let value = steps.calc("Average", format!("{}/{n}", rational::show(total)));
        let question = say(
            rng,
            &[
                "What is the average of {l}?",
                "Find the mean of the numbers {l}.",
                "Calculate the average of these numbers: {c}",
                "The daily sales were {l}. What was the average?",
                "A player scored {l} points in {n} games. What was the average per game?",
            ],
            &[
                ("l", listed(&strings(&values))),
                ("c", join(&values, ", ")),
                ("n", n.to_string()),
            ],
        );
        return Item::number(
            "average",
            question,
            steps,
            value,
            facts! { "values" => values, "kind" => 0 },
        )
        .needing(values);
    }
    let known = &values[..n - 1];
    let total = steps.calc("Sum of all", format!("{mean}*{n}"));
    let rest = steps.calc("Sum of the known", join(known, "+"));
    let value = steps.calc(
        "The other number",
        format!("{}-{}", rational::show(total), rational::show(rest)),
    );
    let others = if known.len() == 1 {
        "One of them is"
    } else {
        "The others are"
    };
    let question = say(
        rng,
        &[
            "The average of {n} numbers is {m}. {o} {l}. What is the missing number?",
            "The mean of {n} numbers is {m}. All but one of them are known: {l}. Find the missing one.",
        ],
        &[
            ("n", n.to_string()),
            ("m", mean.to_string()),
            ("o", others.to_owned()),
            ("l", listed(&strings(known))),
        ],
    );
    Item::number(
        "average",
        question,
        steps,
        value,
        facts! { "values" => known, "mean" => mean, "kind" => 1 },
    )
    .needing(known.to_vec())
    .needing([mean])
}

pub(crate) fn strings(values: &[i64]) -> Vec<String> {
    values.iter().map(i64::to_string).collect()
}

fn average_again(item: &Item) -> Option<String> {
    let values = item.facts.ints("values")?;
    if item.facts.int("kind")? == 0 {
        // Sum of the deviations from the first value.
        let base = values[0];
        let deviation: i64 = values.iter().map(|v| v - base).sum();
        return Some(rational::show(
            int(base) + Rat::new(deviation.into(), values.len() as i128),
        ));
    }
    let mean = item.facts.int("mean")?;
    Some((mean - values.iter().map(|v| v - mean).sum::<i64>()).to_string())
}

fn median(rng: &mut Rng, difficulty: u8) -> Item {
    let n = (1 + 2 * rng.range(1, 1 + i64::from(difficulty.clamp(1, 5)))) as usize;
    let top = [20, 50, 100, 300, 1000][difficulty.clamp(1, 5) as usize - 1];
    let values: Vec<i64> = (0..n).map(|_| rng.range(1, top)).collect();
    let mut sorted = values.clone();
    sorted.sort_unstable();
    let kind = rng.below(4);
    let mut steps = Steps::new();
    let (wordings, value): (&[&str], Rat) = match kind {
        0 => {
            steps.note(format!("Sorted: {}", join(&sorted, ", ")));
            (
                &[
                    "What is the median of {l}?",
                    "Find the median of these numbers: {l}",
                ],
                int(sorted[n / 2]),
            )
        }
        1 => {
            steps.note(format!(
                "The largest is {} and the smallest is {}.",
                sorted[n - 1],
                sorted[0]
            ));
            (
                &[
                    "What is the range of {l}?",
                    "By how much do the largest and the smallest of these numbers differ: {l}?",
                ],
                steps.calc("Range", format!("{}-{}", sorted[n - 1], sorted[0])),
            )
        }
        2 => (
            &[
                "What is the largest of these numbers: {l}?",
                "Which number is the greatest: {l}?",
            ],
            int(sorted[n - 1]),
        ),
        _ => (
            &[
                "What is the smallest of these numbers: {l}?",
                "Which number is the least: {l}?",
            ],
            int(sorted[0]),
        ),
    };
    if kind >= 2 {
        steps.note(format!("Sorted: {}", join(&sorted, ", ")));
    }
    let question = say(rng, wordings, &[("l", join(&values, ", "))]);
    Item::number(
        "median-range",
        question,
        steps,
        value,
        facts! { "values" => values, "kind" => kind },
    )
    .needing(values)
}

fn median_again(item: &Item) -> Option<String> {
    // Without sorting: by counting how many are smaller.
    let v = item.facts.ints("values")?;
    let largest = v.iter().copied().reduce(|a, b| if b > a { b } else { a })?;
    let smallest = v.iter().copied().reduce(|a, b| if b < a { b } else { a })?;
    Some(
        match item.facts.int("kind")? {
            0 => *v.iter().find(|x| {
                let less = v.iter().filter(|y| y < x).count();
                let equal = v.iter().filter(|y| y == x).count();
                less <= v.len() / 2 && less + equal > v.len() / 2
            })?,
            1 => largest - smallest,
            2 => largest,
            _ => smallest,
        }
        .to_string(),
    )
}
