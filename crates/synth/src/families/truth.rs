//! Comparisons, Boolean expressions, chains of truth tellers.

use crate::expr::Expr;
use crate::facts;
use crate::families::{Simple, people, say};
use crate::item::{Check, Item, ReadFacts, Steps};
use crate::rng::Rng;

pub(crate) const FAMILIES: &[Simple] = &[
    Simple {
        name: "comparison",
        about: "which of some numbers, fractions or expressions is larger",
        generate: compare,
        resolve: compare_again,
    },
    Simple {
        name: "boolean",
        about: "expressions with and, or, not",
        generate: boolean,
        resolve: boolean_again,
    },
    Simple {
        name: "truth-tellers",
        about: "chains of people who tell the truth or lie",
        generate: chain,
        resolve: chain_again,
    },
];

fn compare(rng: &mut Rng, difficulty: u8) -> Item {
    let kind = if difficulty <= 2 {
        rng.below(2)
    } else {
        rng.below(3)
    };
    let one = |rng: &mut Rng| match kind {
        0 => format!(
            "{}.{}",
            rng.range(0, 9 * i64::from(difficulty)),
            rng.range(1, if difficulty <= 2 { 9 } else { 99 })
        ),
        1 => {
            let b = rng.range(2, 4 + 2 * i64::from(difficulty));
            format!("{}/{b}", rng.range(1, b))
        }
        _ => format!("{} * {}", rng.range(2, 20), rng.range(2, 20)),
    };
    let value = |t: &str| Expr::parse(t).and_then(|e| e.eval(&[])).unwrap_or_default();
    let (a, b) = loop {
        let (a, b) = (one(rng), one(rng));
        if value(&a) != value(&b) {
            break (a, b);
        }
    };
    let larger = rng.chance(60);
    let (x, y) = (value(&a), value(&b));
    let answer = if (x > y) == larger { &a } else { &b };
    let mut steps = Steps::new();
    match kind {
        1 => {
            let parts = |t: &str| {
                t.split_once('/')
                    .map(|(p, q)| (p.to_owned(), q.to_owned()))
                    .unwrap_or_default()
            };
            let ((p, q), (r, s)) = (parts(&a), parts(&b));
            steps.calc(&format!("{a} over the common denominator"), format!("{p}*{s}"));
            steps.calc(&format!("{b} over the common denominator"), format!("{r}*{q}"));
        }
        2 => {
            steps.calc("", a.replace(' ', ""));
            steps.calc("", b.replace(' ', ""));
        }
        _ => {
            let (high, low) = if x > y { (&a, &b) } else { (&b, &a) };
            steps.calc("Difference", format!("{high}-{low}"));
        }
    }
    let question = say(
        rng,
        &[
            "Which is {w}: {a} or {b}?",
            "Which number is {w}, {a} or {b}?",
            "Compare {a} and {b}. Which one is {w}?",
            "Of {a} and {b}, name the {w} one.",
        ],
        &[
            ("a", a.clone()),
            ("b", b.clone()),
            ("w", if larger { "larger" } else { "smaller" }.to_owned()),
        ],
    );
    Item::new(
        "comparison",
        question,
        steps,
        answer.clone(),
        if kind == 2 { Check::Text } else { Check::Number },
        facts! { "a" => a, "b" => b, "larger" => i64::from(larger) },
    )
    .needing([a, b])
}

fn compare_again(item: &Item) -> Option<String> {
    // In floating point; differences are far above its precision.
    let (a, b) = (item.facts.text("a")?, item.facts.text("b")?);
    let value = |t: &str| -> Option<f64> {
        if let Some((p, q)) = t.split_once('/') {
            return Some(p.parse::<f64>().ok()? / q.parse::<f64>().ok()?);
        }
        if let Some((p, q)) = t.split_once(" * ") {
            return Some(p.parse::<f64>().ok()? * q.parse::<f64>().ok()?);
        }
        t.parse().ok()
    };
    let a_is_larger = value(a)? > value(b)?;
    let text = if a_is_larger == (item.facts.int("larger")? == 1) {
        a
    } else {
        b
    };
    // Numbers are answered in their plain form.
    Some(text.to_owned())
}

/// A Boolean expression as text with its value; `depth` bounds the nesting.
fn formula(rng: &mut Rng, depth: u8) -> (String, bool) {
    if depth == 0 {
        let value = rng.chance(50);
        return (if value { "True" } else { "False" }.to_owned(), value);
    }
    match rng.below(4) {
        0 => {
            let (text, value) = formula(rng, depth - 1);
            (format!("not {}", wrap(&text)), !value)
        }
        1 | 2 => {
            let ((a, x), (b, y)) = (formula(rng, depth - 1), formula(rng, depth - 1));
            if rng.chance(50) {
                (format!("{} and {}", wrap(&a), wrap(&b)), x && y)
            } else {
                (format!("{} or {}", wrap(&a), wrap(&b)), x || y)
            }
        }
        _ => formula(rng, depth - 1),
    }
}

fn wrap(text: &str) -> String {
    if text.contains(' ') {
        format!("( {text} )")
    } else {
        text.to_owned()
    }
}

fn boolean(rng: &mut Rng, difficulty: u8) -> Item {
    let (text, value) = loop {
        let (text, value) = formula(rng, difficulty.clamp(1, 5).min(4) + 1);
        if text.contains(' ') && text.len() < 160 {
            break (text, value);
        }
    };
    // Rewrite the innermost parentheses again and again.
    let mut steps = Steps::new();
    let mut now = text.clone();
    for _ in 0..40 {
        let next = simplify_once(&now);
        if next == now {
            break;
        }
        now = next;
        steps.note(format!("= {now}"));
    }
    let question = say(
        rng,
        &[
            "Evaluate: {e}",
            "What is the value of the expression {e}?",
            "{e} is",
            "Is the following expression True or False? {e}",
        ],
        &[("e", text.clone())],
    );
    Item::new(
        "boolean",
        question,
        steps,
        if value { "True" } else { "False" }.to_owned(),
        Check::Text,
        facts! { "formula" => text.clone() },
    )
    .needing([text])
}

/// Evaluates every part of a formula that has no parentheses inside.
fn simplify_once(text: &str) -> String {
    match (text.rfind("( "), text.contains("( ")) {
        (Some(open), true) => {
            let close = text[open..].find(" )").map_or(text.len(), |i| open + i);
            let inner = flat(&text[open + 2..close]);
            format!("{}{inner}{}", &text[..open], &text[(close + 2).min(text.len())..])
        }
        _ => flat(text),
    }
}

/// Evaluates a formula without parentheses: `not` first, then `and`, then `or`.
fn flat(text: &str) -> String {
    let value = text.split(" or ").any(|part| {
        part.split(" and ").all(|atom| {
            let nots = atom.matches("not ").count();
            atom.ends_with("True") == (nots % 2 == 0)
        })
    });
    if value { "True" } else { "False" }.to_owned()
}

fn boolean_again(item: &Item) -> Option<String> {
    // Recursive descent over the words.
    fn or(words: &[&str], at: &mut usize) -> Option<bool> {
        let mut value = and(words, at)?;
        while words.get(*at) == Some(&"or") {
            *at += 1;
            value |= and(words, at)?;
        }
        Some(value)
    }
    fn and(words: &[&str], at: &mut usize) -> Option<bool> {
        let mut value = atom(words, at)?;
        while words.get(*at) == Some(&"and") {
            *at += 1;
            value &= atom(words, at)?;
        }
        Some(value)
    }
    fn atom(words: &[&str], at: &mut usize) -> Option<bool> {
        let word = *words.get(*at)?;
        *at += 1;
        match word {
            "not" => Some(!atom(words, at)?),
            "(" => {
                let value = or(words, at)?;
                *at += 1;
                Some(value)
            }
            word => Some(word == "True"),
        }
    }
    let words: Vec<&str> = item.facts.text("formula")?.split(' ').collect();
    let value = or(&words, &mut 0)?;
    Some(if value { "True" } else { "False" }.to_owned())
}

fn chain(rng: &mut Rng, difficulty: u8) -> Item {
    let names = people(rng, 2 + usize::from(difficulty.clamp(1, 5)));
    let first = rng.chance(50);
    let mut truth = first;
    let mut says = Vec::new();
    let mut text = format!("{} {}.", names[0], if first { "tells the truth" } else { "lies" });
    let mut steps = Steps::new();
    steps.note(format!(
        "{} {}.",
        names[0],
        if first { "tells the truth" } else { "lies" }
    ));
    for pair in names.windows(2) {
        let claim = rng.chance(50);
        says.push(i64::from(claim));
        text.push_str(&format!(
            " {} says {} {}.",
            pair[1],
            pair[0],
            if claim { "tells the truth" } else { "lies" }
        ));
        truth = truth == claim;
        steps.note(format!(
            "So {} {}.",
            pair[1],
            if truth { "tells the truth" } else { "lies" }
        ));
    }
    let last = &names[names.len() - 1];
    let question = say(
        rng,
        &[
            "{t} Does {l} tell the truth? Answer yes or no.",
            "Question: {t} Does {l} tell the truth?",
        ],
        &[("t", text), ("l", last.clone())],
    );
    Item::new(
        "truth-tellers",
        question,
        steps,
        if truth { "yes" } else { "no" }.to_owned(),
        Check::Text,
        facts! { "first" => i64::from(first), "says" => says },
    )
    .needing(names)
}

fn chain_again(item: &Item) -> Option<String> {
    // Every accusation of lying turns the truth value round.
    let lies = item.facts.ints("says")?.iter().filter(|s| **s == 0).count();
    let truth = (item.facts.int("first")? == 1) == (lies % 2 == 0);
    Some(if truth { "yes" } else { "no" }.to_owned())
}
