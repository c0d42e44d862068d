//! The template language: what a template is, and how its file is read. The syntax is described in docs/data.md.

use num_traits::{Signed, Zero};

use crate::expr::Expr;
use crate::rational::{self, Rat};
use crate::words::text::{Names, Node, alternatives};

/// A number of a template.
#[derive(Clone, Debug)]
pub struct Var {
    /// Its name.
    pub name: String,
    /// Where its value comes from.
    pub value: Draw,
    /// What it is, as a noun phrase ("the number of boxes").
    pub meaning: Vec<Node>,
    /// `$` for money, `%` for percentages, `/` for the part of one over the number, else empty.
    pub unit: &'static str,
}

/// Where the value of a variable comes from.
#[derive(Clone, Debug)]
pub enum Draw {
    /// From `low` to `high` in steps.
    Range(Rat, Rat, Rat),
    /// One of a list.
    Set(Vec<Rat>),
    /// Computed from the variables before it.
    Computed(Expr),
}

/// A comparison of two expressions, one of `< > <= >= == !=`.
#[derive(Clone, Debug)]
pub struct Condition(pub Expr, pub String, pub Expr);

impl Condition {
    /// Whether it holds; false when a side has no value.
    pub fn holds(&self, vars: &[Rat]) -> bool {
        let (Ok(a), Ok(b)) = (self.0.eval(vars), self.2.eval(vars)) else {
            return false;
        };
        match self.1.as_str() {
            "<" => a < b,
            ">" => a > b,
            "<=" => a <= b,
            ">=" => a >= b,
            "==" => a == b,
            _ => a != b,
        }
    }
}

/// A sentence of the body, in several wordings.
#[derive(Clone, Debug)]
pub struct Sentence {
    /// The wordings.
    pub wordings: Vec<Vec<Node>>,
    /// Whether the problem can't be answered without it (`say?:`).
    pub essential: bool,
    /// Whether it plays no part in any answer (`extra:`).
    pub extra: bool,
}

/// A question about the body, and how it is answered.
#[derive(Clone, Debug)]
pub struct Ask {
    /// The wordings of the question.
    pub wordings: Vec<Vec<Node>>,
    /// The steps: label and expression. Step i is variable `vars.len() + i`; the last one is the answer.
    pub steps: Vec<(Vec<Node>, Expr)>,
    /// An equation in which the answer is variable `vars.len() + steps.len()`: the second way to solve it.
    pub equation: (Expr, Expr),
    /// The variables on which the steps build.
    pub needed: Vec<usize>,
}

/// A word problem with its numbers open.
#[derive(Clone, Debug)]
pub struct Template {
    /// Its name.
    pub id: String,
    /// Its numbers.
    pub vars: Vec<Var>,
    /// What the numbers must satisfy.
    pub conditions: Vec<Condition>,
    /// The noun slots: name and lexicon list.
    pub slots: Vec<(String, String)>,
    /// The body.
    pub body: Vec<Sentence>,
    /// The questions that can be asked about it.
    pub asks: Vec<Ask>,
    /// Whether values may have up to two decimals (else all are whole).
    pub decimals: bool,
}

/// Reads a file of templates. Errors name the template.
pub fn parse_file(text: &str) -> Result<Vec<Template>, String> {
    let mut all = Vec::new();
    let mut lines = text
        .lines()
        .filter(|l| !l.trim().is_empty() && !l.starts_with('#'))
        .peekable();
    while let Some(head) = lines.next() {
        let id = head
            .trim()
            .strip_prefix('[')
            .and_then(|h| h.strip_suffix(']'))
            .ok_or_else(|| format!("expected a '[name]' line, found '{head}'"))?;
        let mut block = Vec::new();
        while let Some(line) = lines.next_if(|l| !l.starts_with('[')) {
            block.push(line);
        }
        all.push(parse_block(id, &block).map_err(|e| format!("template '{id}': {e}"))?);
    }
    Ok(all)
}

fn parse_block(id: &str, block: &[&str]) -> Result<Template, String> {
    let mut template = Template {
        id: id.to_owned(),
        vars: Vec::new(),
        conditions: Vec::new(),
        slots: Vec::new(),
        body: Vec::new(),
        asks: Vec::new(),
        decimals: false,
    };
    // Declarations first: text may refer to variables declared on any line.
    let declared = |key: &str| {
        block
            .iter()
            .filter_map(|l| l.strip_prefix(key))
            .flat_map(|l| l.split(';'))
            .map(str::trim)
            .filter(|l| !l.is_empty())
            .collect::<Vec<_>>()
    };
    for slot in declared("use:") {
        let (name, list) = slot
            .split_once('=')
            .ok_or_else(|| format!("expected 'name=list', found '{slot}'"))?;
        template
            .slots
            .push((name.trim().to_owned(), list.trim().to_owned()));
    }
    let nouns: Vec<String> = template.slots.iter().map(|s| s.0.clone()).collect();
    let lets = declared("let:");
    let numbers: Vec<String> = lets
        .iter()
        .map(|l| l.split([' ', '=']).next().unwrap_or_default().to_owned())
        .collect();
    let names = Names {
        numbers: &numbers,
        nouns: &nouns,
    };
    for text in lets {
        let var = variable(text, &names)?;
        template.vars.push(var);
    }
    for text in declared("where:") {
        template
            .conditions
            .push(condition(text, &mut |n| numbers.iter().position(|v| v == n))?);
    }
    let mut i = 0;
    while i < block.len() {
        let line = block[i];
        i += 1;
        let Some((key, rest)) = line.split_once(':') else {
            return Err(format!("expected 'key: …', found '{line}'"));
        };
        match key {
            "let" | "use" | "where" => {}
            "decimals" => template.decimals = true,
            "say" | "say?" | "extra" => template.body.push(Sentence {
                wordings: alternatives(rest.trim(), &names)?,
                essential: key == "say?",
                extra: key == "extra",
            }),
            "ask" => {
                let mut program = Vec::new();
                while i < block.len() && block[i].starts_with(' ') {
                    program.push(block[i].trim());
                    i += 1;
                }
                let wordings = alternatives(rest.trim(), &names)?;
                template.asks.push(ask(wordings, &program, &names)?);
            }
            _ => return Err(format!("unknown key '{key}'")),
        }
    }
    if template.asks.is_empty() || template.body.is_empty() {
        return Err("needs at least one 'say:' and one 'ask:'".to_owned());
    }
    Ok(template)
}

/// `n 3..12 meaning`, `p 5..95/5 $meaning`, `k {2,3,5} meaning`, `m = n*2 : meaning`.
fn variable(text: &str, names: &Names) -> Result<Var, String> {
    let (name, rest) = text
        .split_once([' ', '='])
        .ok_or_else(|| format!("expected 'name range', found '{text}'"))?;
    let rest = rest.trim_start_matches([' ', '=']);
    let (value, meaning) = if text[name.len()..].trim_start().starts_with('=') {
        let (expr, meaning) = rest.split_once(':').unwrap_or((rest, ""));
        let expr = Expr::parse_with(expr.trim(), &mut |n| names.numbers.iter().position(|v| v == n));
        (Draw::Computed(expr.map_err(|e| e.to_string())?), meaning)
    } else if let Some(rest) = rest.strip_prefix('{') {
        let (list, meaning) = rest.split_once('}').ok_or("unmatched '{'")?;
        let list: Option<Vec<Rat>> = list.split(',').map(rational::parse).collect();
        (
            Draw::Set(list.ok_or_else(|| format!("bad number in '{text}'"))?),
            meaning,
        )
    } else {
        let (range, meaning) = rest.split_once(' ').unwrap_or((rest, ""));
        let (low, high) = range
            .split_once("..")
            .ok_or_else(|| format!("expected 'low..high' in '{text}'"))?;
        let (high, step) = high.split_once('/').unwrap_or((high, "1"));
        let number = |t: &str| rational::parse(t).ok_or_else(|| format!("bad number '{t}' in '{text}'"));
        let (low, high, step) = (number(low)?, number(high)?, number(step)?);
        if high < low || !step.is_positive() {
            return Err(format!("empty range in '{text}'"));
        }
        (Draw::Range(low, high, step), meaning)
    };
    let meaning = meaning.trim();
    let unit = ["$", "%", "/"]
        .into_iter()
        .find(|u| meaning.starts_with(u))
        .unwrap_or("");
    let meaning = &meaning[unit.len()..];
    Ok(Var {
        name: name.to_owned(),
        value,
        meaning: alternatives(meaning, names)?.swap_remove(0),
        unit,
    })
}

fn condition(text: &str, name: &mut dyn FnMut(&str) -> Option<usize>) -> Result<Condition, String> {
    for op in ["<=", ">=", "==", "!=", "<", ">"] {
        if let Some((a, b)) = text.split_once(op) {
            let a = Expr::parse_with(a, name).map_err(|e| e.to_string())?;
            let b = Expr::parse_with(b, name).map_err(|e| e.to_string())?;
            return Ok(Condition(a, op.to_owned(), b));
        }
    }
    Err(format!("expected a comparison, found '{text}'"))
}

/// Steps `name = expr : label`, then the equation `? lhs == rhs` in `ans`.
fn ask(wordings: Vec<Vec<Node>>, program: &[&str], names: &Names) -> Result<Ask, String> {
    let vars = names.numbers.len();
    let mut known: Vec<String> = names.numbers.to_vec();
    let mut steps = Vec::new();
    let mut needed = Vec::new();
    let mut equation = None;
    for line in program {
        if let Some(rest) = line.strip_prefix('?') {
            let answer = vars + steps.len();
            let mut name = |n: &str| match n {
                "ans" => Some(answer),
                _ => names.numbers.iter().position(|k| k == n),
            };
            let Condition(a, op, b) = condition(rest, &mut name)?;
            if op != "==" {
                return Err(format!("the check must be an equation: '{line}'"));
            }
            equation = Some((a, b));
            continue;
        }
        let (name, rest) = line
            .split_once('=')
            .ok_or_else(|| format!("expected 'name = expr : label', found '{line}'"))?;
        let (expr, label) = rest
            .split_once(':')
            .ok_or_else(|| format!("expected a label in '{line}'"))?;
        let expr = Expr::parse_with(expr.trim(), &mut |n| known.iter().position(|k| k == n))
            .map_err(|e| e.to_string())?;
        expr.vars(&mut |v| {
            if v < vars && !needed.contains(&v) {
                needed.push(v);
            }
        });
        let name = name.trim();
        if known.iter().any(|k| k == name) {
            return Err(format!("'{name}' has a value already: '{line}'"));
        }
        steps.push((alternatives(label.trim(), names)?.swap_remove(0), expr));
        known.push(name.to_owned());
    }
    if steps.is_empty() {
        return Err("a question needs at least one step".to_owned());
    }
    let equation = equation.ok_or("a question needs its check '? … == …'")?;
    Ok(Ask {
        wordings,
        steps,
        equation,
        needed,
    })
}

impl Ask {
    /// Solves the check equation for the answer, given the template's variables: the root of a linear equation through
    /// two of its points, confirmed at the root and at a third point. `None` when the equation isn't linear or has no root.
    pub fn solve(&self, vars: &[Rat]) -> Option<Rat> {
        let mut point = vars.to_vec();
        point.resize(vars.len() + self.steps.len() + 1, Rat::zero());
        let mut gap = |x: Rat| {
            if let Some(last) = point.last_mut() {
                *last = x;
            }
            Some(self.equation.0.eval(&point).ok()? - self.equation.1.eval(&point).ok()?)
        };
        let (at_one, at_two) = (gap(rational::int(1))?, gap(rational::int(2))?);
        let slope = at_two - at_one;
        if slope.is_zero() {
            return None;
        }
        let root = rational::int(1) - at_one / slope;
        let third = gap(rational::int(5))?;
        (gap(root)?.is_zero() && third == at_one + slope * rational::int(4)).then_some(root)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "[shop]\nuse: o=fruit\nlet: n 2..9 the number; p 0.25..1/0.25 $the price; m = n*2\nwhere: n > 2\ndecimals:\nsay: {A} buys {n} {o}.\nsay?: One costs ${p}.\nask: How much?\n t = n*p : dollars\n ? ans / n == p\n";

    #[test]
    fn reads_a_template_and_solves_its_equation() {
        let all = parse_file(GOOD).unwrap();
        let (t, ask) = (&all[0], &all[0].asks[0]);
        assert_eq!(
            (t.vars.len(), t.body.len(), ask.needed.as_slice()),
            (3, 2, &[0usize, 1][..])
        );
        assert!(t.decimals && t.body[1].essential && t.vars[1].unit == "$");
        assert_eq!(
            ask.solve(&[rational::int(4), Rat::new(1, 2), rational::int(8)]),
            Some(rational::int(2))
        );
    }

    #[test]
    fn mistakes_are_named() {
        for (from, to, expected) in [
            ("[shop]", "shop", "[name]"),
            ("{n} {o}", "{n} {q}", "{q}"),
            ("2..9", "9..2", "empty range"),
            ("t = n*p", "n = n*p", "has a value already"),
            (" ? ans / n == p\n", "", "check"),
            ("ans / n == p", "ans / n > p", "equation"),
            ("n > 2", "n", "comparison"),
            ("say: {A}", "tell: {A}", "unknown key"),
        ] {
            let error = parse_file(&GOOD.replace(from, to)).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }
}
