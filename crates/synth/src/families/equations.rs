//! Linear equations, systems, number puzzles.

use crate::facts;

use crate::families::{Simple, people, say};

use crate::item::{Item, ReadFacts, Steps};

use crate::rational;

use crate::rng::Rng;

pub(crate) const FAMILIES: &[Simple] = &[
    Simple {
        name: "linear-equation",
        about: "one unknown, one or both sides",
        generate: linear,
        resolve: linear_again,
    },
    Simple {
        name: "linear-system",
        about: "two equations in two unknowns",
        generate: system,
        resolve: system_again,
    },
    Simple {
        name: "number-puzzle",
        about: "think-of-a-number, consecutive numbers, sums and differences, ages",
        generate: puzzle,
        resolve: puzzle_again,
    },
];

fn signed(n: i64) -> String {
    if n < 0 {
        format!("- {}", -n)
    } else {
        format!("+ {n}")
    }
}

fn linear(rng: &mut Rng, difficulty: u8) -> Item {
    let top = [9, 12, 20, 40, 60][difficulty.clamp(1, 5) as usize - 1];
    let x = if difficulty >= 4 && rng.chance(30) {
        -rng.range(1, top)
    } else {
        rng.range(1, top)
    };
    let var = *rng.pick(&["x", "y", "n", "a", "t", "z"]);
    let a = if difficulty == 1 && rng.chance(50) {
        1
    } else {
        rng.range(2, top.min(15))
    };
    let b = rng.range(1, top * 2) * if rng.chance(40) { -1 } else { 1 };
    let both = difficulty >= 3 && rng.chance(50) && a > 2;
    let c = if both { rng.range(1, a - 1) } else { 0 };
    let d = (a - c) * x + b;
    let term = |k: i64| {
        if k == 1 {
            var.to_owned()
        } else {
            format!("{k}*{var}")
        }
    };
    let right = match c {
        0 => d.to_string(),
        c => format!("{} {}", term(c), signed(d)),
    };
    let mut equation = format!("{} {} = {right}", term(a), signed(b));
    if rng.chance(40) {
        equation = equation.replace('*', "");
    }
    let mut steps = Steps::new();
    if both {
        steps.calc(&format!("Coefficient of {var}"), format!("{a}-{c}"));
    }
    let rest = steps.calc(
        &format!("Right side without {}", b.abs()),
        if b < 0 {
            format!("{d}+{}", -b)
        } else {
            format!("{d}-{b}")
        },
    );
    let value = if a - c == 1 {
        rest
    } else {
        steps.calc(var, format!("{}/{}", rational::show(rest), a - c))
    };
    let question = say(
        rng,
        &[
            "Solve for {v}: {e}",
            "Find the value of {v} in the equation: {e}",
            "What is {v} if {e}?",
            "Solve the equation {e} for {v}.",
            "Determine the value of {v} that satisfies: {e}",
            "If {e}, what is the value of {v}?",
        ],
        &[("v", var.to_owned()), ("e", equation.clone())],
    );
    Item::number(
        "linear-equation",
        question,
        steps,
        value,
        facts! { "a" => a, "b" => b, "c" => c, "d" => d },
    )
    .needing([equation])
}

fn linear_again(item: &Item) -> Option<String> {
    let f = &item.facts;
    let (a, b, c, d) = (f.int("a")?, f.int("b")?, f.int("c")?, f.int("d")?);
    (-500..=500)
        .find(|x| a * x + b == c * x + d)
        .map(|x| x.to_string())
}

fn system(rng: &mut Rng, difficulty: u8) -> Item {
    let top = [6, 9, 12, 20, 30][difficulty.clamp(1, 5) as usize - 1];
    let (x, y) = (rng.range(1, top), rng.range(1, top));
    let k = if difficulty <= 2 { 1 } else { rng.range(1, 4) };
    // x + k y = s and x - y = t, or a x + y = s.
    let a = if difficulty <= 2 { 1 } else { rng.range(1, 5) };
    let (s, t) = (a * x + k * y, x - y);
    let term = |k: i64, v: &str| if k == 1 { v.to_owned() } else { format!("{k}{v}") };
    let wanted_x = rng.chance(50);
    let mut steps = Steps::new();
    steps.note(format!("From the second equation, x = y {}.", signed(t)));
    let by = steps.calc("Coefficient of y", format!("{a}+{k}"));
    let right = steps.calc(
        "Right side",
        if t < 0 {
            format!("{s}-{a}*({t})")
        } else {
            format!("{s}-{a}*{t}")
        },
    );
    let y_value = steps.calc("y", format!("{}/{}", rational::show(right), rational::show(by)));
    let value = if wanted_x {
        steps.calc(
            "x",
            if t < 0 {
                format!("{}-{}", rational::show(y_value), -t)
            } else {
                format!("{}+{t}", rational::show(y_value))
            },
        )
    } else {
        y_value
    };
    let (first, second) = (
        format!("{} + {} = {s}", term(a, "x"), term(k, "y")),
        format!("x - y = {t}"),
    );
    let question = say(
        rng,
        &[
            "Solve the system {p} and {q}. What is {w}?",
            "If {p} and {q}, what is the value of {w}?",
            "Given the equations {p} and {q}, find {w}.",
            "Find {w}:\n{p}\n{q}",
        ],
        &[
            ("p", first.clone()),
            ("q", second.clone()),
            ("w", if wanted_x { "x" } else { "y" }.to_owned()),
        ],
    );
    Item::number(
        "linear-system",
        question,
        steps,
        value,
        facts! { "a" => a, "k" => k, "s" => s, "t" => t, "x" => i64::from(wanted_x) },
    )
    .needing([first, second])
}

fn system_again(item: &Item) -> Option<String> {
    let f = &item.facts;
    let (a, k, s, t) = (f.int("a")?, f.int("k")?, f.int("s")?, f.int("t")?);
    let (x, y) = (-60..=60)
        .flat_map(|x| (-60..=60).map(move |y| (x, y)))
        .find(|(x, y)| a * x + k * y == s && x - y == t)?;
    Some(if f.int("x")? == 1 { x } else { y }.to_string())
}

fn puzzle(rng: &mut Rng, difficulty: u8) -> Item {
    let top = 10 * i64::from(difficulty.clamp(1, 5));
    let kind = if difficulty == 1 {
        rng.below(2)
    } else {
        rng.below(5)
    };
    let mut steps = Steps::new();
    let (x, a, b) = (rng.range(2, top), rng.range(2, 9), rng.range(1, top));
    let names = people(rng, 2);
    let (question, value, facts, needed) = match kind {
        0 => {
            let r = x * a + b;
            let m = steps.calc("Before adding", format!("{r}-{b}"));
            let v = steps.calc("The number", format!("{}/{a}", rational::show(m)));
            (
                say(
                    rng,
                    &[
                        "{p} thinks of a number, multiplies it by {a} and adds {b}. The result is {r}. What is the number?",
                        "A number times {a}, plus {b}, equals {r}. Find the number.",
                        "When a number is multiplied by {a} and then {b} is added, you get {r}. What is the number?",
                    ],
                    &[
                        ("p", names[0].clone()),
                        ("a", a.to_string()),
                        ("b", b.to_string()),
                        ("r", r.to_string()),
                    ],
                ),
                v,
                facts! { "a" => a, "b" => b, "r" => r, "kind" => 0 },
                vec![a, b, r],
            )
        }
        1 => {
            let (s, d) = (2 * x + b, b);
            let m = steps.calc("Twice the smaller", format!("{s}-{d}"));
            let v = steps.calc("The smaller", format!("{}/2", rational::show(m)));
            (
                say(
                    rng,
                    &[
                        "The sum of two numbers is {s} and their difference is {d}. What is the smaller number?",
                        "Two numbers add up to {s}. One is {d} larger than the other. What is the smaller one?",
                    ],
                    &[("s", s.to_string()), ("d", d.to_string())],
                ),
                v,
                facts! { "s" => s, "d" => d, "kind" => 1 },
                vec![s, d],
            )
        }
        2 => {
            let s = 3 * x + 3;
            let m = steps.calc("The middle one", format!("{s}/3"));
            let v = steps.calc("The smallest", format!("{}-1", rational::show(m)));
            (
                say(
                    rng,
                    &[
                        "Three consecutive whole numbers add up to {s}. What is the smallest of them?",
                        "The sum of three consecutive integers is {s}. Find the smallest.",
                    ],
                    &[("s", s.to_string())],
                ),
                v,
                facts! { "s" => s, "kind" => 2 },
                vec![s],
            )
        }
        3 => {
            // a times as old; together s.
            let a = rng.range(2, 5);
            let s = x * (a + 1);
            let parts = steps.calc("Equal parts", format!("{a}+1"));
            let v = steps.calc("Age", format!("{s}/{}", rational::show(parts)));
            (
                say(
                    rng,
                    &[
                        "{p} is {a} times as old as {q}. Together they are {s} years old. How old is {q}?",
                        "The ages of {p} and {q} add up to {s}. {p} is {a} times as old as {q}. How old is {q}?",
                    ],
                    &[
                        ("p", names[0].clone()),
                        ("q", names[1].clone()),
                        ("a", a.to_string()),
                        ("s", s.to_string()),
                    ],
                ),
                v,
                facts! { "a" => a, "s" => s, "kind" => 3 },
                vec![a, s],
            )
        }
        _ => {
            // Heads and legs.
            let (h, r) = (x.max(2), rng.range(1, top));
            let (heads, legs) = (h + r, 2 * h + 4 * r);
            let m = steps.calc("Legs if all were chickens", format!("{heads}*2"));
            let e = steps.calc("Legs too few", format!("{legs}-{}", rational::show(m)));
            let v = steps.calc("Rabbits", format!("{}/2", rational::show(e)));
            (
                say(
                    rng,
                    &[
                        "A farm has chickens and rabbits with {h} heads and {l} legs in all. How many rabbits are there?",
                        "Chickens and rabbits together have {h} heads and {l} legs. How many of them are rabbits?",
                    ],
                    &[("h", heads.to_string()), ("l", legs.to_string())],
                ),
                v,
                facts! { "heads" => heads, "legs" => legs, "kind" => 4 },
                vec![heads, legs],
            )
        }
    };
    Item::number("number-puzzle", question, steps, value, facts).needing(needed)
}

fn puzzle_again(item: &Item) -> Option<String> {
    // By trying every number.
    let f = &item.facts;
    let get = |n: &str| f.int(n);
    let fits: Box<dyn Fn(i64) -> bool> = match get("kind")? {
        0 => {
            let (a, b, r) = (get("a")?, get("b")?, get("r")?);
            Box::new(move |x| a * x + b == r)
        }
        1 => {
            let (s, d) = (get("s")?, get("d")?);
            Box::new(move |x| x + (x + d) == s)
        }
        2 => {
            let s = get("s")?;
            Box::new(move |x| x + (x + 1) + (x + 2) == s)
        }
        3 => {
            let (a, s) = (get("a")?, get("s")?);
            Box::new(move |x| x + a * x == s)
        }
        _ => {
            let (heads, legs) = (get("heads")?, get("legs")?);
            Box::new(move |x| 2 * (heads - x) + 4 * x == legs)
        }
    };
    let mut found = (0..=2000).filter(|x| fits(*x));
    let answer = found.next()?;
    found.next().is_none().then(|| answer.to_string())
}
