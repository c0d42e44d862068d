//! The rule table and the fixed predicates, read from `rules.txt` and `predicates.txt`.

use super::figure::{Checked, Figure, Key, Pt, Row, Term, number, pair, q, sine};
use num_rational::BigRational as Q;
use num_traits::One;
use std::f64::consts::FRAC_PI_2;

const RULES: &str = include_str!("rules.txt");
const PREDICATES: &str = include_str!("predicates.txt");

/// Points and numbers put for the letters of a table line.
struct Binding<'a> {
    f: &'a Figure,
    p: &'a [Pt],
    /// What `~` stands for.
    s: i64,
    /// What `±` stands for.
    t: i64,
    k: Option<&'a Q>,
}

fn line_of(table: &'static str, name: &str) -> Option<(&'static str, &'static str)> {
    let l = table
        .lines()
        .find(|l| l.split_whitespace().next() == Some(name) && !l.starts_with('#'))?;
    l.split_once(" : ")
}

impl Binding<'_> {
    fn letters(&self, word: &str) -> Checked<Vec<Pt>> {
        let points = word
            .bytes()
            .map(|c| self.p.get(usize::from(c.wrapping_sub(b'a'))).copied());
        let all: Option<Vec<Pt>> = points.collect();
        all.ok_or_else(|| format!("the table names an unknown point in `{word}`"))
    }

    /// A factor such as `2`, `k*`, `kK*`, or a constant such as `1/2`, `k`, `kk`.
    fn scale(&self, text: &str) -> Checked<Q> {
        let k = || self.k.cloned().ok_or("the rule needs a number");
        let mut product = Q::one();
        for c in text.trim_end_matches('*').chars() {
            match c {
                'k' => product *= k()?,
                'K' => product *= q(1) - k()?,
                _ => return number(text),
            }
        }
        Ok(product)
    }

    /// A row such as `D ac -ab ~-df ~de = 1/2`.
    fn row(&self, text: &str) -> Checked<Row> {
        let (terms, constant) = text.split_once('=').unwrap_or((text, ""));
        let mut words = terms.split_whitespace();
        let table = words
            .next()
            .and_then(|w| w.chars().next())
            .ok_or("an empty row in the table")?;
        let mut out: Vec<Term> = Vec::new();
        for w in words {
            if w == "order" {
                // the parts of a segment add up, in the order drawn
                let p = self.letters(terms.trim_end().rsplit(' ').next().unwrap_or(""))?;
                let m = self.f.middle(p[0], p[1], p[2]);
                let (x, y, z) = (p[(m + 1) % 3], p[m], p[(m + 2) % 3]);
                out = vec![pair(x, y, q(1)), pair(y, z, q(1)), pair(x, z, q(-1))];
                break;
            }
            let mut factor = q(1);
            let mut rest = w;
            for (mark, value) in [("~", self.s), ("±", self.t), ("-", -1), ("2", 2)] {
                if let Some(r) = rest.strip_prefix(mark) {
                    rest = r;
                    factor *= q(value);
                }
            }
            if let Some((scale, r)) = rest.split_once('*') {
                rest = r;
                factor *= self.scale(scale)?;
            }
            match (&self.letters(rest.trim_start_matches('^'))?[..], table) {
                ([a, b], 'S') if a == b => {}
                ([a, b], _) => out.push(pair(*a, *b, factor)),
                ([x, v, y], _) => out.push(sine(*x, *v, *y, factor)),
                _ => return Err("the table has an unknown term".into()),
            }
        }
        if constant.is_empty() {
            return self.f.row(table, out);
        }
        let value = self.scale(constant.trim())?;
        if table == 'M' {
            return self.f.log_row(out, &value);
        }
        out.push((Key::Const(0), -value));
        self.f.row(table, out)
    }

    fn rows(&self, text: &str) -> Checked<Vec<Row>> {
        let all = text.split(';').map(str::trim).filter(|r| *r != "none");
        all.map(|r| self.row(r)).collect()
    }

    /// Conditions of the configuration; sets `~`.
    fn conditions(&mut self, text: &str) -> Checked<()> {
        for c in text.split(',').map(str::trim).filter(|c| !c.is_empty()) {
            let w: Vec<&str> = c.split_whitespace().collect();
            let args = w[1..]
                .iter()
                .map(|x| self.letters(x))
                .collect::<Checked<Vec<_>>>()?;
            let f = self.f;
            let fine = match (w[0], args.as_slice()) {
                ("turn", [t]) => f.turn(t[0], t[1], t[2]).map(|_| true)?,
                ("cross", [l, m]) => f.crossing(l[0], l[1], m[0], m[1]).map(|_| true)?,
                ("longer", [x, y]) => f.len(x[0], x[1]) > f.len(y[0], y[1]) * (1.0 + 1e-8),
                ("order", [x, y]) => f.middle(x[0], x[1], x[2]) == f.middle(y[0], y[1], y[2]),
                ("oblique", [t]) => (f.angle(t[0], t[1], t[2]) - FRAC_PI_2).abs() > 1e-6,
                ("differ", [x, y]) => (f.angle(x[0], x[1], x[2]) - f.angle(y[0], y[1], y[2])).abs() > 1e-6,
                ("between", [t]) => f.middle(t[0], t[1], t[2]) == 1,
                ("same", [t]) => t[0] != t[1] && f.len(t[0], t[1]) < 1e-8,
                ("mirror", [x, y]) => {
                    self.s = f.turn(x[0], x[1], x[2])? * f.turn(y[0], y[1], y[2])?;
                    true
                }
                _ => return Err(format!("the table has an unknown condition `{c}`")),
            };
            if !fine {
                return Err(format!("the condition `{c}` of the rule does not hold"));
            }
        }
        Ok(())
    }
}

/// The rows of a predicate with a fixed number of points; `None` if there is no such predicate.
pub(super) fn predicate(f: &Figure, name: &str, p: &[Pt], x: &[Q]) -> Option<Checked<Vec<Row>>> {
    let (head, rows) = line_of(PREDICATES, name)?;
    let letters = head.split_whitespace().nth(1).unwrap_or("");
    if letters.len() != p.len() || usize::from(head.ends_with(" k")) != x.len() {
        return Some(Err(format!("`{name}` has the wrong number of arguments")));
    }
    let k = x.first();
    Some(Binding { f, p, s: 1, t: 1, k }.rows(rows))
}

/// The premises and the allowed conclusions of a rule.
pub(super) fn rule(f: &Figure, name: &str, p: &[Pt], k: Option<&Q>) -> Checked<(Vec<Row>, Vec<Row>)> {
    let (head, body) = line_of(RULES, name).ok_or_else(|| format!("no rule `{name}`"))?;
    if head.split_whitespace().nth(1).map_or(0, str::len) != p.len() {
        return Err("wrong number of points".into());
    }
    let (rows, conditions) = body.split_once(" ! ").unwrap_or((body, ""));
    let (premises, conclusions) = rows.split_once(" => ").ok_or("a table line has no conclusion")?;
    let mut b = Binding { f, p, s: 1, t: 1, k };
    b.conditions(conditions)?;
    let both = |b: &Binding| Ok((b.rows(premises)?, b.rows(conclusions)?));
    let found = both(&b).or_else(|e: String| {
        b.t = -1;
        if body.contains('±') { both(&b) } else { Err(e) }
    })?;
    if conditions.contains("same") {
        f.transversal(&found.0, p[1])?;
    }
    Ok(found)
}

#[cfg(test)]
mod tests;
