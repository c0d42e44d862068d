//! Counting possibilities, probability.

use crate::facts;
use crate::families::statistics::strings;
use crate::families::{Simple, join, listed, say};
use crate::item::{Check, Item, ReadFacts, Steps};
use crate::rational::{self, Rat};
use crate::rng::Rng;

pub(crate) const FAMILIES: &[Simple] = &[
    Simple {
        name: "counting",
        about: "combinations, arrangements, handshakes, multiples in a range",
        generate: counting,
        resolve: counting_again,
    },
    Simple {
        name: "probability",
        about: "draws, dice and coins with equally likely outcomes",
        generate: probability,
        resolve: probability_again,
    },
];

fn counting(rng: &mut Rng, difficulty: u8) -> Item {
    let d = i64::from(difficulty.clamp(1, 5));
    let mut steps = Steps::new();
    let kind = rng.below(4);
    let (a, b, c, question, value, needed) = match kind {
        0 => {
            let (a, b, c) = (
                rng.range(2, 3 + d),
                rng.range(2, 4 + d),
                if d >= 3 { rng.range(2, 5) } else { 1 },
            );
            let extra = if c > 1 {
                format!(" and {c} desserts")
            } else {
                String::new()
            };
            let value = steps.calc(
                "Combinations",
                if c > 1 {
                    format!("{a}*{b}*{c}")
                } else {
                    format!("{a}*{b}")
                },
            );
            let q = say(
                rng,
                &[
                    "A menu has {a} soups, {b} main dishes{e}. How many different meals with one of each are possible?",
                    "In a cafe you pick one of {a} soups, one of {b} sandwiches{f}. How many different meals can you put together?",
                ],
                &[
                    ("a", a.to_string()),
                    ("b", b.to_string()),
                    ("e", extra),
                    (
                        "f",
                        if c > 1 {
                            format!(" and one of {c} desserts")
                        } else {
                            String::new()
                        },
                    ),
                ],
            );
            (a, b, c, q, value, vec![a, b])
        }
        1 => {
            let n = rng.range(3, 4 + 4 * d);
            let x = steps.calc("Pairs counted twice", format!("{n}*{}", n - 1));
            let value = steps.calc("Pairs", format!("{}/2", rational::show(x)));
            let q = say(
                rng,
                &[
                    "{n} people meet and everyone shakes hands once with everyone else. How many handshakes are there?",
                    "In a tournament of {n} teams, every team plays every other team once. How many games are played?",
                    "How many ways are there to choose 2 of {n} people?",
                ],
                &[("n", n.to_string())],
            );
            (n, 0, 0, q, value, vec![n])
        }
        2 => {
            let n = rng.range(3, (2 + d).min(7));
            let factors: Vec<i64> = (2..=n).rev().collect();
            let value = steps.calc("Arrangements", join(&factors, "*"));
            let q = say(
                rng,
                &[
                    "In how many ways can {n} different books be placed in a row?",
                    "How many ways are there for {n} people to stand in line?",
                    "How many different orders of {n} songs are possible?",
                ],
                &[("n", n.to_string())],
            );
            (n, 0, 0, q, value, vec![n])
        }
        _ => {
            let (k, n) = (rng.range(2, 5 + d), rng.range(20, 60 * d));
            steps.note(format!("The largest multiple of {k} up to {n} is {}.", n / k * k));
            let value = steps.calc("Multiples", format!("{}/{k}", n / k * k));
            let q = say(
                rng,
                &[
                    "How many multiples of {k} are there from 1 to {n}?",
                    "How many whole numbers from 1 to {n} are divisible by {k}?",
                ],
                &[("k", k.to_string()), ("n", n.to_string())],
            );
            (k, n, 0, q, value, vec![k, n])
        }
    };
    Item::number(
        "counting",
        question,
        steps,
        value,
        facts! { "a" => a, "b" => b, "c" => c, "kind" => kind },
    )
    .needing(needed)
}

fn counting_again(item: &Item) -> Option<String> {
    // By enumeration.
    let f = &item.facts;
    let (a, b, c) = (f.int("a")?, f.int("b")?, f.int("c")?);
    let count = match f.int("kind")? {
        0 => (0..a)
            .flat_map(|x| (0..b).flat_map(move |y| (0..c).map(move |z| (x, y, z))))
            .count(),
        1 => (0..a).flat_map(|x| (x + 1..a).map(move |y| (x, y))).count(),
        2 => orders(&mut Vec::new(), a as usize),
        _ => (1..=b).filter(|n| n % a == 0).count(),
    };
    Some(count.to_string())
}

fn orders(used: &mut Vec<usize>, n: usize) -> usize {
    if used.len() == n {
        return 1;
    }
    let mut count = 0;
    for i in 0..n {
        if !used.contains(&i) {
            used.push(i);
            count += orders(used, n);
            used.pop();
        }
    }
    count
}

fn probability(rng: &mut Rng, difficulty: u8) -> Item {
    let mut steps = Steps::new();
    let kind = if difficulty <= 2 {
        rng.below(2)
    } else {
        rng.below(4)
    };
    let (question, good, all, facts, needed) = match kind {
        0 => {
            let mut colors = ["red", "blue", "green", "yellow", "white", "black"];
            rng.shuffle(&mut colors);
            let n = if difficulty <= 2 { 2 } else { 3 };
            let counts: Vec<i64> = (0..n)
                .map(|_| rng.range(1, 4 + 2 * i64::from(difficulty)))
                .collect();
            let parts: Vec<String> = (0..n).map(|i| format!("{} {}", counts[i], colors[i])).collect();
            let all = steps.calc("Balls in all", join(&counts, "+"));
            let q = say(
                rng,
                &[
                    "A bag holds {l} balls. One ball is drawn at random. What is the probability that it is {c}? Answer as a fraction in lowest terms.",
                    "There are {l} marbles in a box. You take one without looking. What is the probability of getting a {c} one, as a simplified fraction?",
                ],
                &[("l", listed(&parts)), ("c", colors[0].to_owned())],
            );
            (
                q,
                counts[0],
                all.to_integer() as i64,
                facts! { "counts" => counts, "kind" => 0 },
                strings(&counts),
            )
        }
        1 => {
            let sides = *rng.pick(&[6, 6, 8, 10, 12, 20]);
            let k = rng.range(1, sides - 1);
            let more = rng.chance(50);
            let good = if more { sides - k } else { k };
            steps.note(format!("{good} of the {sides} equally likely results fit."));
            let q = say(
                rng,
                &[
                    "A fair die with {s} sides is rolled. What is the probability of a result {w} {k}? Answer as a fraction in lowest terms.",
                    "You roll a fair {s}-sided die numbered from 1 to {s}. What is the probability, as a simplified fraction, that the number is {w} {k}?",
                ],
                &[
                    ("s", sides.to_string()),
                    ("k", k.to_string()),
                    ("w", if more { "greater than" } else { "at most" }.to_owned()),
                ],
            );
            (
                q,
                good,
                sides,
                facts! { "sides" => sides, "k" => k, "more" => i64::from(more), "kind" => 1 },
                vec![sides.to_string(), k.to_string()],
            )
        }
        2 => {
            let n = rng.range(2, 4);
            let k = rng.range(0, n);
            let all = steps.calc("Equally likely results", vec!["2"; n as usize].join("*"));
            let good = (0..k).fold(1, |c, i| c * (n - i) / (i + 1));
            steps.note(format!("{good} of them have exactly {k} heads."));
            let q = say(
                rng,
                &[
                    "A fair coin is tossed {n} times. What is the probability of exactly {k} heads? Answer as a fraction in lowest terms.",
                    "What is the probability, as a simplified fraction, of getting exactly {k} heads when flipping a fair coin {n} times?",
                ],
                &[("n", n.to_string()), ("k", k.to_string())],
            );
            (
                q,
                good,
                all.to_integer() as i64,
                facts! { "n" => n, "k" => k, "kind" => 2 },
                vec![n.to_string(), k.to_string()],
            )
        }
        _ => {
            let s = rng.range(2, 12);
            let good = (1..=6).filter(|x| (1..=6).contains(&(s - x))).count() as i64;
            let all = steps.calc("Equally likely results", "6*6");
            steps.note(format!("{good} of them have the sum {s}."));
            let q = say(
                rng,
                &[
                    "Two fair six-sided dice are rolled. What is the probability that the sum is {s}? Answer as a fraction in lowest terms.",
                    "You roll two fair dice with 6 sides. What is the probability, as a simplified fraction, of a total of {s}?",
                ],
                &[("s", s.to_string())],
            );
            (
                q,
                good,
                all.to_integer() as i64,
                facts! { "s" => s, "kind" => 3 },
                vec![s.to_string()],
            )
        }
    };
    let r = Rat::new(good.into(), all.into());
    let answer = if r.is_integer() {
        r.numer().to_string()
    } else {
        format!("{}/{}", r.numer(), r.denom())
    };
    steps.note(format!("Probability: {good}/{all} = {answer}"));
    Item::new("probability", question, steps, answer, Check::Number, facts).needing(needed)
}

fn probability_again(item: &Item) -> Option<String> {
    // Enumerate every outcome.
    let f = &item.facts;
    let outcomes: Vec<bool> = match f.int("kind")? {
        0 => {
            let counts = f.ints("counts")?;
            counts
                .iter()
                .enumerate()
                .flat_map(|(i, n)| (0..*n).map(move |_| i == 0))
                .collect()
        }
        1 => {
            let (k, more) = (f.int("k")?, f.int("more")? == 1);
            (1..=f.int("sides")?)
                .map(|x| if more { x > k } else { x <= k })
                .collect()
        }
        2 => {
            let (n, k) = (f.int("n")?, f.int("k")?);
            (0..1u32 << n)
                .map(|bits| i64::from(bits.count_ones()) == k)
                .collect()
        }
        _ => {
            let s = f.int("s")?;
            (1..=6).flat_map(|a| (1..=6).map(move |b| a + b == s)).collect()
        }
    };
    let good = outcomes.iter().filter(|x| **x).count() as i64;
    let (a, b) = crate::families::number_theory::lowest(good, outcomes.len() as i64);
    Some(if b == 1 { a.to_string() } else { format!("{a}/{b}") })
}
