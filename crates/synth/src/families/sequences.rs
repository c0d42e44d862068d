//! Sequences of numbers.

use crate::facts;
use crate::families::{Simple, join, say};
use crate::item::{Item, ReadFacts, Steps};
use crate::rational::{self, int};
use crate::rng::Rng;

pub(crate) const FAMILIES: &[Simple] = &[Simple {
    name: "number-sequence",
    about: "the next number of a sequence",
    generate: sequence,
    resolve: sequence_again,
}];

fn sequence(rng: &mut Rng, difficulty: u8) -> Item {
    let d = i64::from(difficulty.clamp(1, 5));
    let kind = if d <= 2 { rng.below(2) } else { rng.below(5) };
    let (start, step) = (rng.range(1, 10 * d), rng.range(2, 4 + 4 * d));
    let n = 5;
    let mut steps = Steps::new();
    let values: Vec<i64> = match kind {
        0 => (0..=n).map(|i| start + step * i).collect(),
        1 => (0..=n).map(|i| start + step * (n + 1) - step * i).collect(),
        2 => {
            let (a, r) = (rng.range(1, 5), rng.range(2, 3));
            (0..=n).map(|i| a * i64::pow(r, i as u32)).collect()
        }
        3 => {
            let mut v = vec![rng.range(1, 6), rng.range(2, 9)];
            for i in 2..=n as usize {
                v.push(v[i - 1] + v[i - 2]);
            }
            v
        }
        _ => {
            let grow = rng.range(1, 4);
            let mut v = vec![start];
            for i in 0..n {
                v.push(v[i as usize] + step + grow * i);
            }
            v
        }
    };
    let shown = &values[..n as usize];
    let (last, before) = (shown[4], shown[3]);
    let value = match kind {
        0 | 1 => {
            let (a, b) = (shown[1].max(shown[0]), shown[1].min(shown[0]));
            let diff = steps.calc("Difference", format!("{a}-{b}"));
            let op = if kind == 0 { '+' } else { '-' };
            steps.calc("Next", format!("{last}{op}{}", rational::show(diff)))
        }
        2 => {
            let ratio = steps.calc("Ratio", format!("{}/{}", shown[1], shown[0]));
            steps.calc("Next", format!("{last}*{}", rational::show(ratio)))
        }
        3 => {
            steps.note("Each number is the sum of the two before it.");
            steps.calc("Next", format!("{before}+{last}"))
        }
        _ => {
            let a = steps.calc("Difference before the last", format!("{before}-{}", shown[2]));
            let b = steps.calc("Last difference", format!("{last}-{before}"));
            let g = steps.calc(
                "Growth of the differences",
                format!("{}-{}", rational::show(b), rational::show(a)),
            );
            let next = steps.calc(
                "Next difference",
                format!("{}+{}", rational::show(b), rational::show(g)),
            );
            steps.calc("Next", format!("{last}+{}", rational::show(next)))
        }
    };
    let list = join(shown, ", ");
    let question = say(
        rng,
        &[
            "What number comes next: {l}, ?",
            "What's the next number in the sequence {l}, ...?",
            "Continue the sequence: {l}, __",
            "Find the next term: {l}, ...",
            "Which number continues {l}?",
        ],
        &[("l", list.clone())],
    );
    debug_assert_eq!(value, int(values[5]));
    Item::number(
        "number-sequence",
        question,
        steps,
        value,
        facts! { "shown" => shown, "kind" => kind },
    )
    .needing([list])
}

fn sequence_again(item: &Item) -> Option<String> {
    // Newton's forward differences for polynomial kinds, the recurrence for the others.
    let v = item.facts.ints("shown")?;
    match item.facts.int("kind")? {
        2 => Some((v[4] * v[4] / v[3]).to_string()),
        3 => (0..3)
            .all(|i| v[i] + v[i + 1] == v[i + 2])
            .then(|| (v[3] + v[4]).to_string()),
        _ => {
            let mut rows = vec![v];
            while rows.last()?.iter().any(|x| *x != 0) {
                let next: Vec<i64> = rows.last()?.windows(2).map(|w| w[1] - w[0]).collect();
                if next.is_empty() {
                    return None;
                }
                rows.push(next);
            }
            Some(rows.iter().filter_map(|r| r.last()).sum::<i64>().to_string())
        }
    }
}
