//! Divisors, multiples, primes.

use crate::facts;

use crate::families::{Simple, join, listed, say};

use crate::item::{Check, Item, ReadFacts, Steps};

use crate::rational::int;

use crate::rng::Rng;

pub(crate) const FAMILIES: &[Simple] = &[
    Simple {
        name: "gcd",
        about: "greatest common divisors",
        generate: gcd_item,
        resolve: gcd_again,
    },
    Simple {
        name: "lcm",
        about: "least common multiples",
        generate: lcm_item,
        resolve: lcm_again,
    },
    Simple {
        name: "factorization",
        about: "prime factorizations, divisors, primality",
        generate: factors,
        resolve: factors_again,
    },
];

fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// A fraction in lowest terms, by removing common prime factors one by one.
pub(crate) fn lowest(mut a: i64, mut b: i64) -> (i64, i64) {
    let mut p = 2;
    while p <= b {
        if a % p == 0 && b % p == 0 {
            a /= p;
            b /= p;
        } else {
            p += 1;
        }
    }
    (a, b)
}

fn gcd_item(rng: &mut Rng, difficulty: u8) -> Item {
    let top = [6, 10, 15, 25, 40][difficulty.clamp(1, 5) as usize - 1];
    let k = rng.range(1, top);
    let count = if difficulty >= 4 && rng.chance(40) { 3 } else { 2 };
    let values: Vec<i64> = (0..count).map(|_| k * rng.range(2, top + 5)).collect();
    let mut steps = Steps::new();
    let mut g = values[0];
    for &v in &values[1..] {
        // Euclid's algorithm, remainder by remainder.
        let (mut a, mut b) = (g.max(v), g.min(v));
        while b > 0 {
            let r = a % b;
            steps.note(format!("{a} = {} * {b} + {r}", a / b));
            (a, b) = (b, r);
        }
        g = a;
    }
    let question = say(
        rng,
        &[
            "What is the greatest common divisor of {l}?",
            "Find the GCD of {l}.",
            "Find the Greatest Common Divisor (GCD) of these numbers: {c}. Give only the GCD as your final answer.",
            "Compute gcd({c}).",
            "What is the largest number that divides {l} without remainder?",
        ],
        &[
            (
                "l",
                listed(&values.iter().map(i64::to_string).collect::<Vec<_>>()),
            ),
            ("c", join(&values, ", ")),
        ],
    );
    Item::number("gcd", question, steps, int(g), facts! { "values" => values }).needing(values)
}

fn gcd_again(item: &Item) -> Option<String> {
    let values = item.facts.ints("values")?;
    (1..=*values.iter().min()?)
        .rev()
        .find(|d| values.iter().all(|v| v % d == 0))
        .map(|d| d.to_string())
}

fn lcm_item(rng: &mut Rng, difficulty: u8) -> Item {
    let top = [8, 12, 20, 30, 50][difficulty.clamp(1, 5) as usize - 1];
    let (a, b) = (rng.range(2, top), rng.range(2, top));
    let g = gcd(a, b);
    let mut steps = Steps::new();
    steps.note(format!("The greatest common divisor of {a} and {b} is {g}."));
    let value = steps.calc("Least common multiple", format!("{a}*{b}/{g}"));
    let question = say(
        rng,
        &[
            "What is the least common multiple of {a} and {b}?",
            "Find the LCM of {a} and {b}.",
            "Find the Least Common Multiple (LCM) of these numbers: {a}, {b}",
            "Compute lcm({a}, {b}).",
            "One light blinks every {a} seconds and another every {b} seconds. They blink together now. After how many seconds do they next blink together?",
        ],
        &[("a", a.to_string()), ("b", b.to_string())],
    );
    Item::number("lcm", question, steps, value, facts! { "a" => a, "b" => b }).needing([a, b])
}

fn lcm_again(item: &Item) -> Option<String> {
    let (a, b) = (item.facts.int("a")?, item.facts.int("b")?);
    (1..=b).map(|k| a * k).find(|m| m % b == 0).map(|m| m.to_string())
}

fn factors(rng: &mut Rng, difficulty: u8) -> Item {
    let top = [30, 60, 150, 400, 900][difficulty.clamp(1, 5) as usize - 1];
    let n = rng.range(4, top);
    let mut steps = Steps::new();
    let (mut rest, mut p, mut primes) = (n, 2, Vec::new());
    while rest > 1 {
        if rest % p == 0 {
            if rest != p {
                steps.calc("", format!("{rest}/{p}"));
            }
            primes.push(p);
            rest /= p;
        } else {
            p += 1;
        }
    }
    let fills = [("n", n.to_string())];
    let kind = rng.below(3);
    let item = match kind {
        0 => {
            let q = say(
                rng,
                &[
                    "Find the prime factorization of {n}. Write the factors from small to large, separated by ×.",
                    "Write {n} as a product of primes, smallest first, with × between them.",
                    "Find the prime factorization of {n}. Write the factors separated by × (Example: for 12 the answer would be: 2 × 2 × 3)",
                ],
                &fills,
            );
            Item::new(
                "factorization",
                q,
                steps,
                join(&primes, " × "),
                Check::Text,
                facts! { "n" => n, "kind" => 0 },
            )
        }
        1 => {
            let prime = primes.len() == 1;
            steps.note(if prime {
                format!("No number from 2 up divides {n}.")
            } else {
                format!("{} divides {n}.", primes[0])
            });
            let q = say(
                rng,
                &[
                    "Is {n} a prime number? Answer yes or no.",
                    "Is the number {n} prime? Answer yes or no.",
                ],
                &fills,
            );
            Item::new(
                "factorization",
                q,
                steps,
                if prime { "yes" } else { "no" }.to_owned(),
                Check::Text,
                facts! { "n" => n, "kind" => 1 },
            )
        }
        _ => {
            let mut counts: Vec<i64> = Vec::new();
            let mut last = 0;
            for &p in &primes {
                if p == last {
                    if let Some(c) = counts.last_mut() {
                        *c += 1;
                    }
                } else {
                    counts.push(2);
                }
                last = p;
            }
            steps.note(format!("{n} = {}", join(&primes, " × ")));
            let value = steps.calc("Divisors", join(&counts, "*"));
            let q = say(
                rng,
                &[
                    "How many positive divisors does {n} have?",
                    "How many numbers divide {n} without remainder, counting 1 and {n}?",
                ],
                &fills,
            );
            Item::number("factorization", q, steps, value, facts! { "n" => n, "kind" => 2 })
        }
    };
    item.needing([n])
}

fn factors_again(item: &Item) -> Option<String> {
    // By listing all divisors.
    let n = item.facts.int("n")?;
    let divisors: Vec<i64> = (1..=n).filter(|d| n % d == 0).collect();
    match item.facts.int("kind")? {
        1 => Some(if divisors.len() == 2 { "yes" } else { "no" }.to_owned()),
        2 => Some(divisors.len().to_string()),
        _ => {
            let is_prime = |d: i64| (2..d).all(|k| d % k != 0);
            let mut list = Vec::new();
            let mut rest = n;
            for p in divisors.into_iter().filter(|d| *d > 1 && is_prime(*d)) {
                while rest % p == 0 {
                    list.push(p);
                    rest /= p;
                }
            }
            Some(join(&list, " × "))
        }
    }
}
