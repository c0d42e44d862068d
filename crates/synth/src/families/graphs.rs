//! Roads, prerequisites and family trees.

use crate::facts;
use crate::families::{Simple, join, say};
use crate::item::{Check, Item, ReadFacts, Steps};
use crate::rng::Rng;
use crate::words::library;

pub(crate) const FAMILIES: &[Simple] = &[
    Simple {
        name: "shortest-path",
        about: "the shortest way between two towns",
        generate: path,
        resolve: path_again,
    },
    Simple {
        name: "schedule",
        about: "whether courses with prerequisites can all be taken",
        generate: schedule,
        resolve: schedule_again,
    },
    Simple {
        name: "kinship",
        about: "family relationships",
        generate: kinship,
        resolve: kinship_again,
    },
];

fn path(rng: &mut Rng, difficulty: u8) -> Item {
    let n = 3 + usize::from(difficulty.clamp(1, 5)) / 2;
    let towns: Vec<String> = library().lexicon.nouns["town"]
        .iter()
        .map(|t| t.one.clone())
        .collect();
    let towns = rng.sample(&towns, n);
    // A path through all towns, so that the goal can be reached, and some more roads.
    let mut roads: Vec<Vec<i64>> = (0..n as i64 - 1)
        .map(|i| vec![i, i + 1, rng.range(2, 9 + 4 * i64::from(difficulty))])
        .collect();
    for _ in 0..n - 1 {
        let (a, b) = (rng.below(n) as i64, rng.below(n) as i64);
        if a != b
            && !roads
                .iter()
                .any(|r| (r[0], r[1]) == (a, b) || (r[0], r[1]) == (b, a))
        {
            roads.push(vec![a, b, rng.range(2, 20 + 6 * i64::from(difficulty))]);
        }
    }
    rng.shuffle(&mut roads);
    let goal = n - 1;
    // Dijkstra's algorithm, explained town by town.
    let mut distance = vec![None; n];
    let mut best: Vec<Option<i64>> = vec![None; n];
    best[0] = Some(0);
    let mut steps = Steps::new();
    while let Some(at) = (0..n)
        .filter(|i| distance[*i].is_none() && best[*i].is_some())
        .min_by_key(|i| best[*i])
    {
        distance[at] = best[at];
        let here = best[at].unwrap_or(0);
        steps.note(format!("{} is {here} km away.", towns[at]));
        if at == goal {
            break;
        }
        for r in &roads {
            for (a, b) in [(r[0], r[1]), (r[1], r[0])] {
                let b = b as usize;
                if a as usize == at && distance[b].is_none() && best[b].is_none_or(|d| d > here + r[2]) {
                    best[b] = Some(here + r[2]);
                }
            }
        }
    }
    let answer = distance[goal].unwrap_or(0);
    let text: Vec<String> = roads
        .iter()
        .map(|r| format!("{} - {}: {} km", towns[r[0] as usize], towns[r[1] as usize], r[2]))
        .collect();
    let question = say(
        rng,
        &[
            "These roads can be driven both ways: {r}. How many kilometers is the shortest way from {a} to {b}?",
            "A map shows these roads:\n{l}\nWhat is the length of the shortest route from {a} to {b}, in km?",
        ],
        &[
            ("r", join(&text, "; ")),
            ("l", join(&text, "\n")),
            ("a", towns[0].clone()),
            ("b", towns[goal].clone()),
        ],
    );
    Item::number(
        "shortest-path",
        question,
        steps,
        crate::rational::int(answer),
        facts! { "roads" => roads, "towns" => n },
    )
    .needing(text)
}

fn path_again(item: &Item) -> Option<String> {
    // Floyd and Warshall: all pairs.
    let (roads, n) = (
        item.facts.rows("roads")?,
        usize::try_from(item.facts.int("towns")?).ok()?,
    );
    let far = 1_000_000;
    let mut d = vec![vec![far; n]; n];
    for r in roads {
        let (a, b) = (r[0] as usize, r[1] as usize);
        d[a][b] = d[a][b].min(r[2]);
        d[b][a] = d[a][b];
    }
    for k in 0..n {
        for i in 0..n {
            for j in 0..n {
                d[i][j] = d[i][j].min(d[i][k] + d[k][j]);
            }
        }
    }
    (d[0][n - 1] < far).then(|| d[0][n - 1].to_string())
}

fn schedule(rng: &mut Rng, difficulty: u8) -> Item {
    let n = 3 + usize::from(difficulty.clamp(1, 5)) / 2;
    let mut order: Vec<usize> = (0..n).collect();
    rng.shuffle(&mut order);
    let mut needs: Vec<Vec<i64>> = Vec::new();
    for w in 0..n + 1 {
        let (a, b) = (rng.below(n), rng.below(n));
        let (a, b) = if order[a] < order[b] || (w == 0 && rng.chance(50)) {
            (a, b)
        } else {
            (b, a)
        };
        if a != b && !needs.contains(&vec![a as i64, b as i64]) {
            needs.push(vec![a as i64, b as i64]);
        }
    }
    if rng.chance(50) && !needs.is_empty() {
        // Close a circle.
        let r = needs[0].clone();
        if !needs.contains(&vec![r[1], r[0]]) {
            let middle = rng.below(n) as i64;
            needs.push(vec![
                r[1],
                if middle == r[0] || middle == r[1] {
                    r[0]
                } else {
                    middle
                },
            ]);
            if middle != r[0] && middle != r[1] {
                needs.push(vec![middle, r[0]]);
            }
        }
    }
    needs.sort();
    needs.dedup();
    rng.shuffle(&mut needs);
    let mut done = vec![false; n];
    let mut steps = Steps::new();
    loop {
        let next =
            (0..n).find(|c| !done[*c] && needs.iter().all(|r| r[0] as usize != *c || done[r[1] as usize]));
        match next {
            Some(c) => {
                done[c] = true;
                steps.note(format!("Course {c} can be taken."));
            }
            None => break,
        }
    }
    let all = done.iter().all(|d| *d);
    if !all {
        steps.note("No other course can be taken: the rest wait for each other.");
    }
    let rules: Vec<String> = needs
        .iter()
        .map(|r| format!("course {} needs course {} first", r[0], r[1]))
        .collect();
    let question = say(
        rng,
        &[
            "There are {n} courses, numbered from 0. {r}. Can all courses be completed? Answer yes or no.",
            "A student wants to take {n} courses, numbered 0 to {l}. Rules: {r}. Is it possible to finish all of them? Answer yes or no.",
        ],
        &[
            ("n", n.to_string()),
            ("l", (n - 1).to_string()),
            ("r", crate::words::render::capitalise(&join(&rules, "; "))),
        ],
    );
    Item::new(
        "schedule",
        question,
        steps,
        if all { "yes" } else { "no" }.to_owned(),
        Check::Text,
        facts! { "courses" => n, "needs" => needs },
    )
    .needing([n])
}

fn schedule_again(item: &Item) -> Option<String> {
    // A circle exists if some course is reachable from itself.
    let (n, needs) = (
        usize::try_from(item.facts.int("courses")?).ok()?,
        item.facts.rows("needs")?,
    );
    let mut reach = vec![vec![false; n]; n];
    for r in &needs {
        reach[r[0] as usize][r[1] as usize] = true;
    }
    for k in 0..n {
        for i in 0..n {
            for j in 0..n {
                reach[i][j] |= reach[i][k] && reach[k][j];
            }
        }
    }
    Some(if (0..n).any(|i| reach[i][i]) { "no" } else { "yes" }.to_owned())
}

/// Relations of one step, as (word, generations up, whether female).
fn kinship(rng: &mut Rng, difficulty: u8) -> Item {
    // A chain of parents: 0 is the parent of 1, and so on; and one sibling of a person in the chain.
    let generations = 3 + usize::from(difficulty.clamp(1, 5) >= 4);
    let lexicon = &library().lexicon.names;
    let chosen = rng.sample(&(0..lexicon.len()).collect::<Vec<_>>(), generations + 1);
    let name = |i: usize| lexicon[chosen[i]].name.clone();
    let she: Vec<i64> = chosen.iter().map(|c| i64::from(lexicon[*c].she)).collect();
    let female = |i: usize| she[i] == 1;
    let sibling = generations;
    let of = rng.range(1, generations as i64 - 1) as usize;
    let mut facts_text: Vec<String> = (0..generations - 1)
        .map(|i| {
            format!(
                "{} is the {} of {}.",
                name(i),
                if female(i) { "mother" } else { "father" },
                name(i + 1)
            )
        })
        .collect();
    facts_text.push(format!(
        "{} is the {} of {}.",
        name(sibling),
        if female(sibling) { "sister" } else { "brother" },
        name(of)
    ));
    rng.shuffle(&mut facts_text);
    // Ask about the relation of a to b.
    let mut choices: Vec<(usize, usize)> = vec![(0, 2), (2, 0), (0, sibling), (sibling, 0)];
    if of + 1 < generations {
        choices.push((sibling, of + 1));
        choices.push((of + 1, sibling));
    }
    let (a, b) = *rng.pick(&choices);
    let generation = |i: usize| if i == sibling { of } else { i } as i64;
    let answer = relation(
        generation(b) - generation(a),
        a == sibling || b == sibling,
        female(a),
        a == sibling,
    );
    let Some(answer) = answer else {
        return kinship(rng, difficulty);
    };
    let mut steps = Steps::new();
    steps.note(format!(
        "{} and {} are {} generation(s) apart.",
        name(a),
        name(b),
        (generation(b) - generation(a)).abs()
    ));
    let question = say(
        rng,
        &[
            "{t} What is {a} to {b}?",
            "{t} How is {a} related to {b}? Answer with one word, the relation of {a} to {b}.",
        ],
        &[("t", facts_text.join(" ")), ("a", name(a)), ("b", name(b))],
    );
    let needed: Vec<String> = (0..=generations).map(name).collect();
    Item::new(
        "kinship",
        question,
        steps,
        answer.to_owned(),
        Check::Text,
        facts! { "she" => she, "of" => of, "a" => a, "b" => b },
    )
    .needing(needed)
}

/// What `a` is to `b`: `down` generations from a to b; `side` when one of them is the sibling of the chain;
/// `elder` when it is a.
fn relation(down: i64, side: bool, female: bool, elder: bool) -> Option<&'static str> {
    let pick = |f: &'static str, m: &'static str| Some(if female { f } else { m });
    match (down, side, elder) {
        (2, false, _) => pick("grandmother", "grandfather"),
        (-2, false, _) => pick("granddaughter", "grandson"),
        (1, true, true) => pick("aunt", "uncle"),
        (-1, true, false) => pick("niece", "nephew"),
        (1, true, false) => pick("mother", "father"),
        (-1, true, true) => pick("daughter", "son"),
        (2, true, false) => pick("grandmother", "grandfather"),
        (-2, true, true) => pick("granddaughter", "grandson"),
        _ => None,
    }
}

fn kinship_again(item: &Item) -> Option<String> {
    // Over explicit parent sets: the sibling has the parent of the person it is the sibling of.
    let f = &item.facts;
    let she = f.ints("she")?;
    let of = f.int("of")?;
    let sibling = she.len() as i64 - 1;
    let parent = |x: i64| if x == sibling { of - 1 } else { x - 1 };
    let (a, b) = (f.int("a")?, f.int("b")?);
    let is_parent = |p: i64, c: i64| parent(c) == p && p >= 0 && p != sibling;
    let grand = |p: i64, c: i64| parent(c) > 0 && is_parent(p, parent(c));
    let siblings = |p: i64, q: i64| p != q && parent(p) == parent(q);
    let aunt = |p: i64, c: i64| parent(c) >= 0 && siblings(p, parent(c));
    let (f_, m) = if is_parent(a, b) {
        ("mother", "father")
    } else if is_parent(b, a) {
        ("daughter", "son")
    } else if grand(a, b) {
        ("grandmother", "grandfather")
    } else if grand(b, a) {
        ("granddaughter", "grandson")
    } else if aunt(a, b) {
        ("aunt", "uncle")
    } else if aunt(b, a) {
        ("niece", "nephew")
    } else {
        return None;
    };
    Some(if she[a as usize] == 1 { f_ } else { m }.to_owned())
}
