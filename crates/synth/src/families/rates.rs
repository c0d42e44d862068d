//! Speeds and work rates.

use crate::facts;
use crate::families::{Simple, people, say};
use crate::item::{Item, ReadFacts, Steps};
use crate::rational::{self, Rat, int};
use crate::rng::Rng;

pub(crate) const FAMILIES: &[Simple] = &[
    Simple {
        name: "speed",
        about: "distance, speed and time",
        generate: speed,
        resolve: speed_again,
    },
    Simple {
        name: "work-rate",
        about: "working or filling together",
        generate: work,
        resolve: work_again,
    },
];

fn speed(rng: &mut Rng, difficulty: u8) -> Item {
    let d = i64::from(difficulty.clamp(1, 5));
    let (v, t) = (5 * rng.range(1, 8 + 4 * d), rng.range(2, 4 + d));
    let s = v * t;
    let who = *rng.pick(&[
        "A car",
        "A train",
        "A cyclist",
        "A ship",
        "A bus",
        "A truck",
        "A drone",
    ]);
    let unit = *rng.pick(&["kilometers", "miles"]);
    let w = 5 * rng.range(1, 20);
    let kind = if d >= 3 { rng.below(5) } else { rng.below(3) };
    let fills = [
        ("w", who.to_owned()),
        ("v", v.to_string()),
        ("t", t.to_string()),
        ("s", s.to_string()),
        ("u", unit.to_owned()),
        ("x", w.to_string()),
    ];
    let mut steps = Steps::new();
    let (question, value, needed) = match kind {
        0 => (
            say(
                rng,
                &[
                    "{w} travels at {v} {u} per hour for {t} hours. How many {u} does it go?",
                    "{w} moves at a speed of {v} {u} per hour. How far does it get in {t} hours, in {u}?",
                ],
                &fills,
            ),
            steps.calc("Distance", format!("{v}*{t}")),
            vec![v, t],
        ),
        1 => (
            say(
                rng,
                &[
                    "{w} covers {s} {u} in {t} hours. What is its average speed in {u} per hour?",
                    "{w} needs {t} hours for {s} {u}. How many {u} per hour is that?",
                ],
                &fills,
            ),
            steps.calc("Speed", format!("{s}/{t}")),
            vec![s, t],
        ),
        2 => (
            say(
                rng,
                &[
                    "{w} travels {s} {u} at {v} {u} per hour. How many hours does it take?",
                    "How many hours does it take to cover {s} {u} at {v} {u} per hour?",
                ],
                &fills,
            ),
            steps.calc("Hours", format!("{s}/{v}")),
            vec![s, v],
        ),
        3 => {
            let closing = steps.calc("Speed towards each other", format!("{v}+{w}"));
            let value = steps.calc("Distance", format!("{}*{t}", rational::show(closing)));
            (
                say(
                    rng,
                    &[
                        "Two trains start at the same time and drive towards each other at {v} and {x} {u} per hour. They meet after {t} hours. How many {u} apart were they at the start?",
                        "Two cyclists ride towards each other, one at {v} and the other at {x} {u} per hour, and meet after {t} hours. What was the distance between them, in {u}?",
                    ],
                    &fills,
                ),
                value,
                vec![v, w, t],
            )
        }
        _ => {
            let apart = steps.calc("Speed apart", format!("{v}+{w}"));
            let value = steps.calc("Distance", format!("{}*{t}", rational::show(apart)));
            (
                say(
                    rng,
                    &[
                        "Two cars leave a town in opposite directions at {v} and {x} {u} per hour. How many {u} apart are they after {t} hours?",
                    ],
                    &fills,
                ),
                value,
                vec![v, w, t],
            )
        }
    };
    Item::number(
        "speed",
        question,
        steps,
        value,
        facts! { "v" => v, "t" => t, "w" => w, "kind" => kind },
    )
    .needing(needed)
}

fn speed_again(item: &Item) -> Option<String> {
    // Hour by hour.
    let f = &item.facts;
    let (v, t, w) = (f.int("v")?, f.int("t")?, f.int("w")?);
    let (mut one, mut two) = (0, 0);
    for _ in 0..t {
        one += v;
        two -= w;
    }
    Some(
        match f.int("kind")? {
            0 => one,
            1 => (1..=one).find(|x| x * t == one)?,
            2 => (1..=one).find(|h| h * v == one)?,
            _ => one - two,
        }
        .to_string(),
    )
}

fn work(rng: &mut Rng, difficulty: u8) -> Item {
    // Pairs of times whose combined time is whole: 1/a + 1/b = 1/c.
    let top = 10 + 10 * i64::from(difficulty.clamp(1, 5));
    let pairs: Vec<(i64, i64)> = (2..=top)
        .flat_map(|a| (a..=top).map(move |b| (a, b)))
        .filter(|(a, b)| a * b % (a + b) == 0)
        .collect();
    let (a, b) = *rng.pick(&pairs);
    let (a, b) = if rng.chance(50) { (a, b) } else { (b, a) };
    let names = people(rng, 2);
    let mut steps = Steps::new();
    let x = steps.calc("Product", format!("{a}*{b}"));
    let y = steps.calc("Sum", format!("{a}+{b}"));
    let value = steps.calc("Together", format!("{}/{}", rational::show(x), rational::show(y)));
    let question = say(
        rng,
        &[
            "{p} can paint a room in {a} hours and {q} can paint it in {b} hours. How many hours do they need together?",
            "One pipe fills a tank in {a} minutes, another in {b} minutes. How many minutes does it take with both pipes open?",
            "{p} does a job in {a} days. {q} does the same job in {b} days. How many days does it take when they work together?",
            "A machine finishes an order in {a} hours and a second one in {b} hours. In how many hours do both machines finish it together?",
        ],
        &[
            ("p", names[0].clone()),
            ("q", names[1].clone()),
            ("a", a.to_string()),
            ("b", b.to_string()),
        ],
    );
    Item::number("work-rate", question, steps, value, facts! { "a" => a, "b" => b }).needing([a, b])
}

fn work_again(item: &Item) -> Option<String> {
    // The whole number of hours after which the two shares of the work add up to one.
    let (a, b) = (item.facts.int("a")?, item.facts.int("b")?);
    (1..=a.max(b))
        .find(|h| Rat::new((*h).into(), a.into()) + Rat::new((*h).into(), b.into()) == int(1))
        .map(|h| h.to_string())
}
