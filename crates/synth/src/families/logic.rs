//! Truth tellers and liars on an island, orderings, syllogisms.

use crate::facts;

use crate::families::{Simple, join, people, say};

use crate::item::{Check, Item, ReadFacts, Steps};

use crate::rng::Rng;

pub(crate) const FAMILIES: &[Simple] = &[
    Simple {
        name: "knights-knaves",
        about: "two or three islanders who always or never tell the truth",
        generate: knights,
        resolve: knights_again,
    },
    Simple {
        name: "ordering",
        about: "who is tallest, oldest, first: orderings from pairwise clues",
        generate: ordering,
        resolve: ordering_again,
    },
    Simple {
        name: "syllogism",
        about: "what follows from all, no and some",
        generate: syllogism,
        resolve: syllogism_again,
    },
];

/// What an islander says: about whom, and whether that one is called a knight; or that both are of one kind / differ.
fn claim_holds(claim: &[i64], speaker: usize, kinds: &[bool]) -> bool {
    match claim[0] {
        0 => kinds[claim[1] as usize] == (claim[2] == 1),
        _ => (kinds[speaker] == kinds[claim[1] as usize]) == (claim[2] == 1),
    }
}

fn worlds(claims: &[Vec<i64>]) -> Vec<Vec<bool>> {
    let n = claims.len();
    (0..1u32 << n)
        .map(|bits| (0..n).map(|i| bits >> i & 1 == 1).collect::<Vec<bool>>())
        .filter(|kinds| {
            claims
                .iter()
                .enumerate()
                .all(|(i, c)| claim_holds(c, i, kinds) == kinds[i])
        })
        .collect()
}

fn knights(rng: &mut Rng, difficulty: u8) -> Item {
    let n = if difficulty <= 3 { 2 } else { 3 };
    let names = people(rng, n);
    let claims = loop {
        let claims: Vec<Vec<i64>> = (0..n)
            .map(|i| {
                let mut other = rng.below(n);
                while other == i {
                    other = rng.below(n);
                }
                vec![rng.range(0, 1), other as i64, rng.range(0, 1)]
            })
            .collect();
        if worlds(&claims).len() == 1 {
            break claims;
        }
    };
    let kinds = worlds(&claims).swap_remove(0);
    let mut text = String::new();
    for (i, c) in claims.iter().enumerate() {
        let other = &names[c[1] as usize];
        let said = match (c[0], c[2]) {
            (0, 1) => format!("{other} is a knight"),
            (0, _) => format!("{other} is a knave"),
            (_, 1) => format!("{other} and I are of the same kind"),
            _ => format!("{other} and I are of different kinds"),
        };
        text.push_str(&format!(" {} says: \"{said}.\"", names[i]));
    }
    let who = rng.below(n);
    let word = |k: bool| if k { "knight" } else { "knave" };
    let mut steps = Steps::new();
    for assumed in [true, false] {
        let fits = worlds_with_first(&claims, assumed);
        match fits {
            Some(world) => steps.note(format!(
                "If {} is a {}, everything fits: {}.",
                names[0],
                word(assumed),
                names
                    .iter()
                    .zip(&world)
                    .map(|(n, k)| format!("{n} is a {}", word(*k)))
                    .collect::<Vec<_>>()
                    .join(", ")
            )),
            None => steps.note(format!(
                "If {} is a {}, the statements contradict each other.",
                names[0],
                word(assumed)
            )),
        }
    }
    let question = say(
        rng,
        &[
            "On an island, knights always tell the truth and knaves always lie.{t} Is {w} a knight or a knave?",
            "Knights only say true things, and knaves only say false things.{t} What is {w}, a knight or a knave?",
        ],
        &[("t", text), ("w", names[who].clone())],
    );
    Item::new(
        "knights-knaves",
        question,
        steps,
        word(kinds[who]).to_owned(),
        Check::Text,
        facts! { "claims" => claims, "who" => who },
    )
    .needing(names)
}

fn worlds_with_first(claims: &[Vec<i64>], first: bool) -> Option<Vec<bool>> {
    worlds(claims).into_iter().find(|w| w[0] == first)
}

fn knights_again(item: &Item) -> Option<String> {
    // As linear equations over GF(2): k_i = 1 + (claim of i fails). Both forms are sums of unknowns, so
    // each claim gives one equation; the answer must be forced by them.
    let claims = item.facts.rows("claims")?;
    let (n, who) = (claims.len(), item.facts.int("who")? as usize);
    // Row: bit mask of unknowns, right side.
    let mut rows: Vec<(u32, bool)> = claims
        .iter()
        .enumerate()
        .map(|(i, c)| match c[0] {
            // k_i = (k_j == s)  ⇔  k_i + k_j = 1 + s
            0 => (1 << i | 1 << c[1], c[2] == 0),
            // k_i = ((k_i == k_j) == s)  ⇔  k_j = s
            _ => (1 << c[1], c[2] == 1),
        })
        .collect();
    for bit in 0..n {
        let Some(pivot) = (0..rows.len())
            .find(|r| rows[*r].0 >> bit & 1 == 1 && rows[*r].0.trailing_zeros() as usize == bit)
        else {
            continue;
        };
        let row = rows[pivot];
        for (r, other) in rows.iter_mut().enumerate() {
            if r != pivot && other.0 >> bit & 1 == 1 {
                other.0 ^= row.0;
                other.1 ^= row.1;
            }
        }
    }
    let (_, value) = rows.into_iter().find(|(mask, _)| *mask == 1 << who)?;
    Some(if value { "knight" } else { "knave" }.to_owned())
}

/// (comparative, superlative for most, superlative for least).
const SCALES: [(&str, &str, &str); 8] = [
    ("taller than", "tallest", "shortest"),
    ("older than", "oldest", "youngest"),
    ("faster than", "fastest", "slowest"),
    ("heavier than", "heaviest", "lightest"),
    ("richer than", "richest", "poorest"),
    ("stronger than", "strongest", "weakest"),
    ("ahead of", "first in line", "last in line"),
    ("higher up than", "highest", "lowest"),
];

fn ordering(rng: &mut Rng, difficulty: u8) -> Item {
    let n = 3 + usize::from(difficulty.clamp(1, 5)) / 2;
    let names = people(rng, n);
    let (more, most, least) = *rng.pick(&SCALES);
    // names are in order, greatest first; the clues are shuffled.
    let mut clues: Vec<(usize, usize)> = (0..n - 1).map(|i| (i, i + 1)).collect();
    rng.shuffle(&mut clues);
    let less = match more {
        "taller than" => "shorter than",
        "older than" => "younger than",
        "faster than" => "slower than",
        "heavier than" => "lighter than",
        "richer than" => "poorer than",
        "stronger than" => "weaker than",
        "ahead of" => "behind",
        _ => "lower down than",
    };
    let text: Vec<String> = clues
        .iter()
        .map(|(a, b)| {
            if rng.chance(60) {
                format!("{} is {more} {}.", names[*a], names[*b])
            } else {
                format!("{} is {less} {}.", names[*b], names[*a])
            }
        })
        .collect();
    let position = rng.below(if n > 3 { 3 } else { 2 });
    let (answer, asked) = match position {
        0 => (&names[0], most.to_owned()),
        1 => (&names[n - 1], least.to_owned()),
        _ => (&names[1], format!("second when counting from the {most} one")),
    };
    let mut steps = Steps::new();
    steps.note(format!(
        "In order, from {most} to {least}: {}",
        join(&names, ", ")
    ));
    let question = say(
        rng,
        &["{t} Who is {a}?", "{t} Who is the {b}?"],
        &[
            ("t", text.join(" ")),
            (
                "a",
                if position < 2 && more != "ahead of" {
                    format!("the {asked}")
                } else {
                    asked.clone()
                },
            ),
            (
                "b",
                if position == 0 || position == 1 {
                    if more == "ahead of" {
                        format!("one who is {asked}")
                    } else {
                        asked.clone()
                    }
                } else {
                    format!("one that is {asked}")
                },
            ),
        ],
    );
    let pairs: Vec<Vec<String>> = clues
        .iter()
        .map(|(a, b)| vec![names[*a].clone(), names[*b].clone()])
        .collect();
    Item::new(
        "ordering",
        question,
        steps,
        answer.clone(),
        Check::Text,
        facts! { "clues" => pairs, "position" => position },
    )
    .needing(names)
}

fn ordering_again(item: &Item) -> Option<String> {
    // By trying every permutation against the clues.
    let pairs: Vec<(String, String)> = item
        .facts
        .get("clues")?
        .as_array()?
        .iter()
        .map(|p| Some((p.get(0)?.as_str()?.to_owned(), p.get(1)?.as_str()?.to_owned())))
        .collect::<Option<_>>()?;
    let mut names: Vec<String> = pairs.iter().flat_map(|(a, b)| [a.clone(), b.clone()]).collect();
    names.sort();
    names.dedup();
    let mut found = Vec::new();
    permute(&mut names, 0, &mut |order| {
        let at = |n: &String| order.iter().position(|o| o == n);
        if pairs.iter().all(|(a, b)| at(a) < at(b)) {
            found.push(order.to_vec());
        }
    });
    let [order] = found.as_slice() else {
        return None;
    };
    match item.facts.int("position")? {
        0 => order.first().cloned(),
        1 => order.last().cloned(),
        _ => order.get(1).cloned(),
    }
}

pub(crate) fn permute<T>(items: &mut [T], from: usize, visit: &mut dyn FnMut(&[T])) {
    if from == items.len() {
        visit(items);
        return;
    }
    for i in from..items.len() {
        items.swap(from, i);
        permute(items, from + 1, visit);
        items.swap(from, i);
    }
}

const KINDS: [&str; 14] = [
    "bakers",
    "dancers",
    "sailors",
    "painters",
    "teachers",
    "singers",
    "doctors",
    "farmers",
    "climbers",
    "runners",
    "readers",
    "cooks",
    "pilots",
    "gardeners",
];

/// Statement forms: 0 all A are B, 1 no A are B, 2 some A are B, 3 some A are not B.
fn statement(form: i64, a: &str, b: &str) -> String {
    match form {
        0 => format!("All {a} are {b}."),
        1 => format!("No {a} are {b}."),
        2 => format!("Some {a} are {b}."),
        _ => format!("Some {a} are not {b}."),
    }
}

fn syllogism(rng: &mut Rng, _difficulty: u8) -> Item {
    let kinds = rng.sample(&KINDS, 3);
    let (first, second, conclusion) = (rng.range(0, 2), rng.range(0, 2), rng.range(0, 3));
    // First about (0, 1), second about (1, 2) or (2, 1), conclusion about (0, 2).
    let flipped = rng.chance(30);
    let valid = follows(first, second, flipped, conclusion);
    let (x, y) = if flipped { (2, 1) } else { (1, 2) };
    let p = statement(first, kinds[0], kinds[1]);
    let q = statement(second, kinds[x], kinds[y]);
    let c = statement(conclusion, kinds[0], kinds[2]);
    let mut steps = Steps::new();
    steps.note(if valid {
        "The conclusion holds in every case in which the premises hold."
    } else {
        "There is a case in which the premises hold and the conclusion does not."
    });
    let question = say(
        rng,
        &[
            "Premises: {p} {q} Does it follow that: {c} (There is at least one of each.) Answer yes or no.",
            "Given that there is at least one of each group: {p} {q} Can we conclude: {c} Answer yes or no.",
        ],
        &[("p", p.clone()), ("q", q.clone()), ("c", c)],
    );
    Item::new("syllogism", question, steps, if valid { "yes" } else { "no" }.to_owned(), Check::Text, facts! { "first" => first, "second" => second, "flipped" => i64::from(flipped), "conclusion" => conclusion }).needing([p, q])
}

/// Whether a statement about sets a and b holds, given which of the eight kinds of individual exist (bit i of `world`:
/// individuals that belong to set k where bit k of i is set).
fn holds(form: i64, a: usize, b: usize, world: u32) -> bool {
    let exists = |test: &dyn Fn(usize) -> bool| (0..8).any(|i| world >> i & 1 == 1 && test(i));
    let (in_a, in_b) = (|i: usize| i >> a & 1 == 1, |i: usize| i >> b & 1 == 1);
    match form {
        0 => !exists(&|i| in_a(i) && !in_b(i)),
        1 => !exists(&|i| in_a(i) && in_b(i)),
        2 => exists(&|i| in_a(i) && in_b(i)),
        _ => exists(&|i| in_a(i) && !in_b(i)),
    }
}

/// Over all 256 Venn diagrams in which no set is empty.
fn follows(first: i64, second: i64, flipped: bool, conclusion: i64) -> bool {
    let (x, y) = if flipped { (2, 1) } else { (1, 2) };
    (0..256u32)
        .filter(|w| (0..3).all(|s| (0..8usize).any(|i| w >> i & 1 == 1 && i >> s & 1 == 1)))
        .filter(|w| holds(first, 0, 1, *w) && holds(second, x, y, *w))
        .all(|w| holds(conclusion, 0, 2, w))
}

fn syllogism_again(item: &Item) -> Option<String> {
    // By Aristotle's rules with existential import, plus forms whose premises can't hold together.
    let f = &item.facts;
    let (p, q, flipped, c) = (
        f.int("first")?,
        f.int("second")?,
        f.int("flipped")? == 1,
        f.int("conclusion")?,
    );
    // Premises in terms of S (0), M (1), P (2).
    let valid = match (p, q, flipped) {
        (0, 0, false) => c == 0 || c == 2, // all S M, all M P: Barbara, Barbari
        (0, 1, _) => c == 1 || c == 3,     // all S M, no M P (either way): Celarent, Cesare
        (2, 0, false) => c == 2,           // some S M, all M P: Darii
        (2, 1, _) => c == 3,               // some S M, no M P: Ferio, Festino
        (1, 0, true) => c == 1 || c == 3,  // no S M, all P M: Camestres
        _ => false,
    };
    Some(if valid { "yes" } else { "no" }.to_owned())
}
