//! Small programs whose result is to be traced by hand.

use crate::facts;
use crate::families::{Simple, say};
use crate::item::{Item, ReadFacts, Steps};
use crate::rational::int;
use crate::rng::Rng;

pub(crate) const FAMILIES: &[Simple] = &[Simple {
    name: "program-trace",
    about: "the value of a variable after a few lines of Python or plain instructions",
    generate: trace,
    resolve: trace_again,
}];

/// One instruction: opcode, operand. 0 set, 1 add, 2 subtract, 3 multiply, 4 loop-add (k times), 5 if above k add 1 else subtract 1.
type Line = (i64, i64, i64);

fn trace(rng: &mut Rng, difficulty: u8) -> Item {
    let d = i64::from(difficulty.clamp(1, 5));
    let start = rng.range(1, 10 * d);
    let mut lines: Vec<Line> = vec![(0, start, 0)];
    for _ in 0..rng.range(1 + d.min(2), 2 + d) {
        let op = if d >= 3 { rng.range(1, 5) } else { rng.range(1, 3) };
        let k = match op {
            3 => rng.range(2, 4),
            4 => rng.range(2, 4),
            5 => rng.range(1, 40),
            _ => rng.range(1, 6 + 3 * d),
        };
        lines.push((op, k, rng.range(1, 9)));
    }
    let var = *rng.pick(&["x", "n", "total", "value", "k", "count"]);
    let python = rng.chance(65);
    let mut text = String::new();
    let mut steps = Steps::new();
    let mut value = 0i64;
    for (i, &(op, k, m)) in lines.iter().enumerate() {
        let signed = |v: i64| if v < 0 { format!("({v})") } else { v.to_string() };
        let mut calc = |expr: String| *steps.calc(var, expr).numer() as i64;
        let line = match op {
            0 => {
                value = k;
                if python {
                    format!("{var} = {k}")
                } else {
                    format!("Start with {k}.")
                }
            }
            1 => {
                value = calc(format!("{}+{k}", signed(value)));
                if python {
                    format!("{var} = {var} + {k}")
                } else {
                    format!("Add {k}.")
                }
            }
            2 => {
                value = calc(format!("{}-{k}", signed(value)));
                if python {
                    format!("{var} -= {k}")
                } else {
                    format!("Subtract {k}.")
                }
            }
            3 => {
                value = calc(format!("{}*{k}", signed(value)));
                if python {
                    format!("{var} *= {k}")
                } else {
                    format!("Multiply by {k}.")
                }
            }
            4 => {
                for _ in 0..k {
                    value = calc(format!("{}+{m}", signed(value)));
                }
                if python {
                    format!("for i in range({k}):\n    {var} += {m}")
                } else {
                    format!("Add {m}, and do this {k} times in all.")
                }
            }
            _ => {
                value = calc(format!(
                    "{}{}{m}",
                    signed(value),
                    if value > k { '+' } else { '-' }
                ));
                if python {
                    format!("if {var} > {k}:\n    {var} += {m}\nelse:\n    {var} -= {m}")
                } else {
                    format!("If the result is greater than {k}, add {m}; otherwise subtract {m}.")
                }
            }
        };
        text.push_str(&line);
        if i + 1 < lines.len() {
            text.push(if python { '\n' } else { ' ' });
        }
    }
    let fills = [("p", text), ("v", var.to_owned())];
    let question = if python {
        say(
            rng,
            &[
                "What does this program print?\n\n{p}\nprint({v})",
                "What is the value of {v} after running this Python code?\n\n{p}",
                "Trace the program and give the final value of {v}:\n\n{p}",
            ],
            &fills,
        )
    } else {
        say(
            rng,
            &[
                "{p} What is the result?",
                "Follow these instructions: {p} Which number do you get?",
            ],
            &fills,
        )
    };
    let rows: Vec<Vec<i64>> = lines.iter().map(|l| vec![l.0, l.1, l.2]).collect();
    Item::number(
        "program-trace",
        question,
        steps,
        int(value),
        facts! { "lines" => rows },
    )
    .needing([start])
}

fn trace_again(item: &Item) -> Option<String> {
    // As a composition of linear maps v ↦ a v + b, restarted wherever a condition depends on v.
    let (mut a, mut b, mut v) = (1, 0, 0);
    for line in item.facts.rows("lines")? {
        let (op, k, m) = (line[0], line[1], line[2]);
        match op {
            0 => (a, b, v) = (1, 0, k),
            1 => b += k,
            2 => b -= k,
            3 => (a, b) = (a * k, b * k),
            4 => b += k * m,
            _ => {
                v = a * v + b;
                (a, b) = (1, if v > k { m } else { -m });
            }
        }
    }
    Some((a * v + b).to_string())
}
