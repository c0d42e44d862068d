//! Sums, products, divisions and mixed expressions.

use crate::expr::Expr;

use crate::facts;

use crate::families::{Simple, join, say};

use crate::item::{Item, ReadFacts, Steps};

use crate::rational::{self, Rat, int};

use crate::rng::Rng;

pub(crate) const FAMILIES: &[Simple] = &[
    Simple {
        name: "chain-sum",
        about: "sums and differences of several numbers",
        generate: chain_sum,
        resolve: chain_sum_again,
    },
    Simple {
        name: "basic-arithmetic",
        about: "expressions with + - * / and parentheses",
        generate: basic,
        resolve: basic_again,
    },
    Simple {
        name: "products",
        about: "products of two or more numbers",
        generate: products,
        resolve: products_again,
    },
    Simple {
        name: "division",
        about: "exact divisions, quotients and remainders",
        generate: division,
        resolve: division_again,
    },
];

pub(crate) const COMPUTE: [&str; 12] = [
    "What is {e}?",
    "Calculate {e}.",
    "Compute {e}.",
    "{e} =",
    "Evaluate the expression {e}.",
    "State the final answer to the following arithmetic problem: {e} =",
    "Solve: {e}",
    "What does {e} equal?",
    "Work out {e}.",
    "Find the value of {e}.",
    "Please calculate {e}.",
    "How much is {e}?",
];

fn chain_sum(rng: &mut Rng, difficulty: u8) -> Item {
    let d = i64::from(difficulty);
    let terms = rng.range(2, 1 + d.min(5)) as usize;
    let top = [20, 99, 500, 999, 9999][difficulty.clamp(1, 5) as usize - 1];
    let mut values: Vec<i64> = (0..terms).map(|_| rng.range(1, top)).collect();
    for v in values.iter_mut().skip(1) {
        if rng.chance(45) {
            *v = -*v;
        }
    }
    let mut text = values[0].to_string();
    let mut steps = Steps::new();
    let mut sum = int(values[0]);
    for &v in &values[1..] {
        let sign = if v < 0 { '-' } else { '+' };
        text.push_str(&format!(" {sign} {}", v.abs()));
        sum = steps.calc("", format!("{}{sign}{}", rational::show(sum), v.abs()));
    }
    let question = say(rng, &COMPUTE, &[("e", text)]);
    let needed: Vec<i64> = values.iter().map(|v| v.abs()).collect();
    Item::number("chain-sum", question, steps, sum, facts! { "terms" => values }).needing(needed)
}

fn chain_sum_again(item: &Item) -> Option<String> {
    // From the back, positive and negative terms apart.
    let terms = item.facts.ints("terms")?;
    let plus: i64 = terms.iter().rev().filter(|v| **v > 0).sum();
    let minus: i64 = terms.iter().rev().filter(|v| **v < 0).sum();
    Some((plus + minus).to_string())
}

/// A random expression whose every part is a whole number, with its value.
fn expression(rng: &mut Rng, leaves: usize, top: i64) -> (Expr, i64) {
    if leaves == 1 {
        let n = rng.range(1, top);
        return (Expr::Num(int(n)), n);
    }
    let left = rng.range(1, leaves as i64 - 1) as usize;
    let (a, x) = expression(rng, left, top);
    let (b, y) = expression(rng, leaves - left, top);
    let op = *rng.pick(&['+', '-', '*', '+', '-', '*', '/']);
    let value = match op {
        '+' => x + y,
        '-' => x - y,
        '*' if (x * y).abs() <= 20_000 => x * y,
        '/' if y != 0 && x % y == 0 => x / y,
        _ => return expression(rng, leaves, top),
    };
    (Expr::Bin(op, Box::new(a), Box::new(b)), value)
}

/// Adds a step for each operation, innermost first, and gives the value.
fn explain(e: &Expr, steps: &mut Steps) -> Rat {
    match e {
        Expr::Bin(op, a, b) => {
            let (x, y) = (explain(a, steps), explain(b, steps));
            let side = |r: Rat| {
                if r < int(0) {
                    format!("({})", rational::show(r))
                } else {
                    rational::show(r)
                }
            };
            steps.calc("", format!("{}{op}{}", side(x), side(y)))
        }
        Expr::Num(n) => *n,
        _ => int(0),
    }
}

fn basic(rng: &mut Rng, difficulty: u8) -> Item {
    let leaves = usize::from(difficulty.clamp(1, 5)) + 1;
    let top = [10, 12, 20, 30, 60][difficulty.clamp(1, 5) as usize - 1];
    let (e, _) = expression(rng, leaves, top);
    let mut steps = Steps::new();
    let value = explain(&e, &mut steps);
    let text = crate::item::spaced(&e.show(&[]));
    let shown = if rng.chance(20) {
        text.replace('*', "×").replace(" / ", " ÷ ")
    } else {
        text.clone()
    };
    let question = say(rng, &COMPUTE, &[("e", shown.clone())]);
    Item::number(
        "basic-arithmetic",
        question,
        steps,
        value,
        facts! { "expression" => text },
    )
    .needing([shown])
}

/// Shunting-yard evaluation of the text (Dijkstra 1961) in floating point: whole values below 2⁵³ are exact.
fn basic_again(item: &Item) -> Option<String> {
    let text = item.facts.text("expression")?.replace(' ', "");
    let chars: Vec<char> = text.chars().collect();
    let (mut values, mut ops): (Vec<f64>, Vec<char>) = (Vec::new(), Vec::new());
    let rank = |op: char| if matches!(op, '+' | '-') { 1 } else { 2 };
    fn reduce(values: &mut Vec<f64>, op: char) -> Option<()> {
        let (b, a) = (values.pop()?, values.pop()?);
        values.push(match op {
            '+' => a + b,
            '-' => a - b,
            '*' => a * b,
            _ => a / b,
        });
        Some(())
    }
    let mut i = 0;
    let mut operand_next = true;
    while i < chars.len() {
        let c = chars[i];
        if c.is_ascii_digit() || (c == '-' && operand_next) {
            let start = i;
            i += 1;
            while i < chars.len() && chars[i].is_ascii_digit() {
                i += 1;
            }
            values.push(chars[start..i].iter().collect::<String>().parse().ok()?);
            operand_next = false;
            continue;
        }
        match c {
            '(' => ops.push(c),
            ')' => {
                while let Some(op) = ops.pop().filter(|&op| op != '(') {
                    reduce(&mut values, op)?;
                }
            }
            op => {
                while let Some(&top) = ops.last().filter(|&&top| top != '(' && rank(top) >= rank(op)) {
                    ops.pop();
                    reduce(&mut values, top)?;
                }
                ops.push(op);
            }
        }
        operand_next = c != ')';
        i += 1;
    }
    while let Some(op) = ops.pop() {
        reduce(&mut values, op)?;
    }
    Some(format!("{}", values.pop()?))
}

fn products(rng: &mut Rng, difficulty: u8) -> Item {
    let d = usize::from(difficulty.clamp(1, 5)) - 1;
    let (a, b) = (
        rng.range(2, [10, 12, 50, 99, 400][d]),
        rng.range(2, [10, 30, 50, 99, 99][d]),
    );
    let mut steps = Steps::new();
    let mut factors = vec![a, b];
    let value = if a > 12 && b > 12 {
        // Split the second factor by place value.
        let (tens, ones) = (b / 10 * 10, b % 10);
        let x = steps.calc("", format!("{a}*{tens}"));
        if ones == 0 {
            x
        } else {
            let y = steps.calc("", format!("{a}*{ones}"));
            steps.calc("", format!("{}+{}", rational::show(x), rational::show(y)))
        }
    } else {
        steps.calc("", format!("{a}*{b}"))
    };
    let value = if difficulty >= 3 && rng.chance(25) {
        let c = rng.range(2, 9);
        factors.push(c);
        steps.calc("", format!("{}*{c}", rational::show(value)))
    } else {
        value
    };
    let sign = if rng.chance(25) { " × " } else { " * " };
    let mut question = say(rng, &COMPUTE, &[("e", join(&factors, sign))]);
    if factors.len() == 2 && rng.chance(25) {
        question = say(
            rng,
            &[
                "What is the product of {a} and {b}?",
                "Multiply {a} by {b}.",
                "What is {a} times {b}?",
            ],
            &[("a", a.to_string()), ("b", b.to_string())],
        );
    }
    Item::number(
        "products",
        question,
        steps,
        value,
        facts! { "factors" => factors },
    )
    .needing(factors)
}

fn products_again(item: &Item) -> Option<String> {
    // Russian peasant multiplication: doubling and halving.
    let product = item
        .facts
        .ints("factors")?
        .into_iter()
        .fold(1i64, |mut a, mut b| {
            let mut sum = 0;
            while b > 0 {
                if b & 1 == 1 {
                    sum += a;
                }
                a += a;
                b >>= 1;
            }
            sum
        });
    Some(product.to_string())
}

fn division(rng: &mut Rng, difficulty: u8) -> Item {
    let d = usize::from(difficulty.clamp(1, 5)) - 1;
    let b = rng.range(2, [9, 12, 20, 40, 99][d]);
    let q = rng.range(2, [10, 20, 60, 99, 300][d]);
    let kind = rng.below(3);
    let r = if kind == 0 { 0 } else { rng.range(0, b - 1) };
    let a = b * q + r;
    let fills = [("a", a.to_string()), ("b", b.to_string())];
    let mut steps = Steps::new();
    let (question, value) = match kind {
        0 => {
            let question = say(
                rng,
                &[
                    "What is {a} divided by {b}?",
                    "Calculate {a} / {b}.",
                    "{a} ÷ {b} =",
                    "Divide {a} by {b}.",
                    "How many times does {b} go into {a}?",
                    "What number times {b} gives {a}?",
                ],
                &fills,
            );
            (question, steps.calc("", format!("{a}/{b}")))
        }
        1 => {
            let question = say(
                rng,
                &[
                    "What is the remainder when {a} is divided by {b}?",
                    "What is {a} mod {b}?",
                    "Find the remainder of {a} divided by {b}.",
                    "If you divide {a} by {b}, what is left over?",
                ],
                &fills,
            );
            let whole = steps.calc("", format!("{b}*{q}"));
            (
                question,
                steps.calc("Remainder", format!("{a}-{}", rational::show(whole))),
            )
        }
        _ => {
            let question = say(
                rng,
                &[
                    "How many times does {b} fit completely into {a}?",
                    "What is the whole-number quotient of {a} divided by {b}?",
                    "Divide {a} by {b} and ignore the remainder. What do you get?",
                ],
                &fills,
            );
            let rest = a - r;
            if r > 0 {
                steps.note(format!("The largest multiple of {b} up to {a} is {rest}."));
            }
            (question, steps.calc("Quotient", format!("{rest}/{b}")))
        }
    };
    Item::number(
        "division",
        question,
        steps,
        value,
        facts! { "a" => a, "b" => b, "kind" => kind },
    )
    .needing([a, b])
}

fn division_again(item: &Item) -> Option<String> {
    // Repeated subtraction.
    let (mut rest, b, mut count) = (item.facts.int("a")?, item.facts.int("b")?, 0);
    while rest >= b {
        rest -= b;
        count += 1;
    }
    match item.facts.int("kind")? {
        0 if rest == 0 => Some(count.to_string()),
        1 => Some(rest.to_string()),
        2 => Some(count.to_string()),
        _ => None,
    }
}
