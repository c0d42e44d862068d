//! Countdown: make a target from given numbers, each used exactly once.

use crate::expr::Expr;
use crate::facts;
use crate::families::{Simple, join, say};
use crate::item::{Check, Item, ReadFacts, Steps};
use crate::rational::{Rat, int};
use crate::rng::Rng;

pub(crate) const FAMILIES: &[Simple] = &[Simple {
    name: "countdown",
    about: "an expression that uses each given number once and reaches a target",
    generate: countdown,
    resolve: countdown_again,
}];

fn countdown(rng: &mut Rng, difficulty: u8) -> Item {
    let count = if difficulty <= 3 { 3 } else { 4 };
    let top = [10, 20, 50, 50, 99][difficulty.clamp(1, 5) as usize - 1];
    loop {
        let numbers: Vec<i64> = (0..count).map(|_| rng.range(1, top)).collect();
        let mut order = numbers.clone();
        rng.shuffle(&mut order);
        let mut expr = Expr::Num(int(order[0]));
        let mut value = order[0];
        let mut steps = Steps::new();
        for &n in &order[1..] {
            let op = *rng.pick(&['+', '-', '*', '+', '-', '/']);
            let next = match op {
                '+' => value + n,
                '-' => value - n,
                '*' => value * n,
                _ if value % n == 0 => value / n,
                _ => -1,
            };
            if !(1..=2000).contains(&next) {
                break;
            }
            steps.calc("", format!("{value}{op}{n}"));
            expr = Expr::Bin(op, Box::new(expr), Box::new(Expr::Num(int(n))));
            value = next;
        }
        if steps.0.len() + 1 < count || numbers.contains(&value) {
            continue;
        }
        let answer = crate::item::spaced(&expr.show(&[]));
        let question = say(
            rng,
            &[
                "Using the numbers {n}, each exactly once, and the operations + - * /, write an expression that equals {t}.",
                "Make {t} from the numbers {n}. Use every number exactly once, with +, -, * and /.",
                "Using the numbers [{n}], create an equation that equals {t}. You can use +, -, *, / and each number exactly once. Answer with the expression.",
                "Find a way to combine {n} with + - * / to get {t}, using each number one time.",
            ],
            &[("n", join(&numbers, ", ")), ("t", value.to_string())],
        );
        return Item::new(
            "countdown",
            question,
            steps,
            answer,
            Check::Countdown,
            facts! { "numbers" => numbers, "target" => value },
        )
        .needing(numbers)
        .needing([value]);
    }
}

/// Whether `answer` is an expression that uses each of `numbers` exactly once and equals `target`.
pub fn solves(answer: &str, numbers: &[i64], target: i64) -> bool {
    let left = answer.split('=').next().unwrap_or_default();
    let Ok(expr) = Expr::parse(left) else {
        return false;
    };
    let mut used: Vec<Rat> = Vec::new();
    expr.numbers(&mut |n| used.push(n));
    let mut given: Vec<Rat> = numbers.iter().map(|n| int(*n)).collect();
    used.sort();
    given.sort();
    used == given && expr.eval(&[]) == Ok(int(target))
}

fn countdown_again(item: &Item) -> Option<String> {
    let (numbers, target) = (item.facts.ints("numbers")?, item.facts.int("target")?);
    // The search shows that the target can be reached at all; the stated answer is one of several ways.
    let reachable = search(&numbers.iter().map(|n| int(*n)).collect::<Vec<_>>(), int(target));
    (reachable && solves(&item.answer, &numbers, target)).then(|| item.answer.clone())
}

/// Whether combining the numbers two by two can leave the target.
fn search(numbers: &[Rat], target: Rat) -> bool {
    if let [one] = numbers {
        return *one == target;
    }
    for i in 0..numbers.len() {
        for j in 0..numbers.len() {
            if i == j {
                continue;
            }
            let (a, b) = (numbers[i], numbers[j]);
            let rest: Vec<Rat> = numbers
                .iter()
                .enumerate()
                .filter(|(k, _)| *k != i && *k != j)
                .map(|(_, n)| *n)
                .collect();
            let mut results = vec![a + b, a - b, a * b];
            if b != int(0) {
                results.push(a / b);
            }
            for r in results {
                let mut next = rest.clone();
                next.push(r);
                if search(&next, target) {
                    return true;
                }
            }
        }
    }
    false
}
