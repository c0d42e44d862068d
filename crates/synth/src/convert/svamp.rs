//! SVAMP's training file (Patel et al. 2021, arXiv 2103.07191: MAWPS and ASDiv-A): CSV with numbers masked as `number0`, …, and the equation in
//! prefix notation. Numbers are put back, and, if wanted, drawn anew.

use std::fs;
use std::path::Path;

use num_traits::Signed;
use serde::Deserialize;

use crate::convert::Converted;
use crate::error::SynthError;
use crate::expr::Expr;
use crate::facts;
use crate::item::{Check, Steps};
use crate::rational::{self, Rat, int};
use crate::record::{Origin, Record, Style, final_line};
use crate::rng::Rng;

#[derive(Deserialize)]
struct Row {
    #[serde(rename = "Question")]
    question: String,
    #[serde(rename = "Numbers")]
    numbers: String,
    #[serde(rename = "Equation")]
    equation: String,
    #[serde(rename = "Answer")]
    answer: String,
}

/// Reads an equation in prefix notation; `number0`, … are variables.
fn prefix(text: &str) -> Option<Expr> {
    fn read<'a>(tokens: &mut impl Iterator<Item = &'a str>, depth: u32) -> Option<Expr> {
        let token = tokens.next()?;
        if depth > 40 {
            return None;
        }
        if let ("+" | "-" | "*" | "/", Some(op)) = (token, token.chars().next()) {
            let a = read(tokens, depth + 1)?;
            let b = read(tokens, depth + 1)?;
            return Some(Expr::Bin(op, Box::new(a), Box::new(b)));
        }
        match token.strip_prefix("number") {
            Some(index) => index.parse().ok().map(Expr::Var),
            None => rational::parse(token).map(Expr::Num),
        }
    }
    let mut tokens = text.split_whitespace();
    let expr = read(&mut tokens, 0)?;
    tokens.next().is_none().then_some(expr)
}

/// Puts numbers into the masked question and closes the gaps of its tokenisation.
fn fill(question: &str, values: &[Rat]) -> String {
    let mut out = String::new();
    for token in question.split_whitespace() {
        let text = match token
            .strip_prefix("number")
            .and_then(|i| i.parse::<usize>().ok())
            .and_then(|i| values.get(i))
        {
            Some(value) => rational::show(*value),
            None => token.to_owned(),
        };
        let glued = matches!(token, "." | "," | "?" | "!" | "%" | ";" | ":" | ")")
            || token.starts_with('\'')
            || token == "n't"
            || out.ends_with(['$', '(']);
        if !out.is_empty() && !glued {
            out.push(' ');
        }
        out.push_str(&text);
    }
    let mut out = out.replace(" - ", "-");
    if let Some(first) = out.get(..1).map(str::to_uppercase) {
        out.replace_range(..1, &first);
    }
    out
}

/// Adds a step for each operation, innermost first; `None` if one has no value.
fn explain(e: &Expr, values: &[Rat], steps: &mut Steps) -> Option<Rat> {
    match e {
        Expr::Bin(op, a, b) => {
            let (x, y) = (explain(a, values, steps)?, explain(b, values, steps)?);
            let step = Expr::Bin(*op, Box::new(Expr::Num(x)), Box::new(Expr::Num(y)));
            steps.try_calc("", &step.show(&[])).ok()
        }
        other => other.eval(values).ok(),
    }
}

/// New numbers under which every step stays positive, and whole where it was whole; `None` if none were found. Ones stay ones, since
/// nouns agree with them; percentages stay below 100.
fn redraw(expr: &Expr, values: &[Rat], question: &str, rng: &mut Rng) -> Option<Vec<Rat>> {
    let mut first = Steps::new();
    explain(expr, values, &mut first)?;
    for _ in 0..80 {
        let new: Vec<Rat> = values
            .iter()
            .enumerate()
            .map(|(i, v)| {
                let masked = format!("number{i} %");
                let v64 = i64::try_from(v.to_integer()).unwrap_or(2);
                if *v == int(1) || v64.abs() > 1_000_000 {
                    *v
                } else if v.is_integer() {
                    let high = if question.contains(&masked) {
                        100.min(v64 * 2 + 4)
                    } else {
                        v64 * 2 + 4
                    };
                    int(rng.range((v64 / 3).max(2), high.max(3)))
                } else {
                    // The same number of decimals.
                    v * int(rng.range(1, 4))
                }
            })
            .collect();
        let mut steps = Steps::new();
        let Some(value) = explain(expr, &new, &mut steps) else {
            continue;
        };
        let fits = steps.0.iter().zip(&first.0).all(|(s, f)| {
            let (s, f) = (rational::parse(&s.value), rational::parse(&f.value));
            s.is_some_and(|s| s.is_positive() && (s.is_integer() || f.is_some_and(|f| !f.is_integer())))
        });
        if fits && value.is_positive() && new != values {
            return Some(new);
        }
    }
    None
}

/// Converts a file: each row with its own numbers, and `copies` times with numbers drawn anew from `seed`.
pub fn convert(
    path: &Path,
    style: Style,
    copies: u32,
    seed: u64,
    sink: &mut dyn FnMut(Record) -> Result<(), SynthError>,
) -> Result<Converted, SynthError> {
    let text = fs::read_to_string(path).map_err(SynthError::io(path))?;
    let mut report = Converted::default();
    for (i, row) in csv::Reader::from_reader(text.as_bytes())
        .deserialize::<Row>()
        .enumerate()
    {
        let row = row.map_err(|e| SynthError::Row {
            path: path.to_owned(),
            line: i + 2,
            reason: e.to_string(),
        })?;
        report.read += 1;
        let Some(expr) = prefix(&row.equation) else {
            report.drop_row("equation can't be read");
            continue;
        };
        let Some(values) = row
            .numbers
            .split_whitespace()
            .map(rational::parse)
            .collect::<Option<Vec<Rat>>>()
        else {
            report.drop_row("numbers can't be read");
            continue;
        };
        let mut rng = Rng::new(Rng::derive(seed, &[i as u64]));
        for copy in 0..=copies {
            let values = if copy == 0 {
                Some(values.clone())
            } else {
                redraw(&expr, &values, &row.question, &mut rng)
            };
            let Some(values) = values else {
                report.drop_row("no other numbers fit");
                continue;
            };
            let mut steps = Steps::new();
            let Some(value) = explain(&expr, &values, &mut steps).filter(|_| !steps.0.is_empty()) else {
                report.drop_row("equation has no value or no operation");
                break;
            };
            if copy == 0 && !agrees(&row.answer, value) {
                report.drop_row("equation and answer disagree");
                break;
            }
            let answer = rational::show(value);
            let mut completion = String::new();
            for step in &steps.0 {
                completion.push_str(if style == Style::Marked {
                    &step.marked
                } else {
                    &step.text
                });
                completion.push('\n');
            }
            completion.push_str(&final_line(&answer, style));
            let origin = Origin {
                family: "svamp".to_owned(),
                difficulty: steps.0.len().clamp(1, 5) as u8,
                seed: if copy == 0 { 0 } else { seed },
                source: "svamp".to_owned(),
                license: "MIT".to_owned(),
            };
            let shown: Vec<String> = values.iter().map(|v| rational::show(*v)).collect();
            let facts = facts! { "equation" => row.equation, "values" => shown };
            report.kept += 1;
            sink(Record::new(
                &fill(&row.question, &values),
                completion,
                steps.0,
                answer,
                Check::Number,
                &facts,
                origin,
            ))?;
        }
    }
    Ok(report)
}

/// Whether the stated answer, a decimal with rounding, is the exact value.
fn agrees(stated: &str, value: Rat) -> bool {
    let Ok(stated) = stated.trim().parse::<f64>() else {
        return false;
    };
    let exact = *value.numer() as f64 / *value.denom() as f64;
    (stated - exact).abs() <= 1e-4 * exact.abs().max(1.0)
}
