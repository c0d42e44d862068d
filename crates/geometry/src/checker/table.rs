//! The rule table and the fixed predicates, read from `rules.txt` and `predicates.txt`.

use super::figure::{Checked, Figure, Pt, Row, q};
use num_rational::BigRational as Q;
use num_traits::{One, Signed, Zero};

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
    fn letter(&self, c: char) -> Checked<Pt> {
        let i = (c as usize).wrapping_sub('a' as usize);
        self.p
            .get(i)
            .copied()
            .ok_or_else(|| format!("the table names an unknown point `{c}`"))
    }

    fn letters(&self, word: &str) -> Checked<Vec<Pt>> {
        word.chars().map(|c| self.letter(c)).collect()
    }

    /// A row such as `D ac -ab ~-df ~de = 1/2`.
    fn row(&self, text: &str) -> Checked<Row> {
        let (terms, constant) = text.split_once('=').unwrap_or((text, ""));
        let mut words = terms.split_whitespace();
        let table = words
            .next()
            .and_then(|w| w.chars().next())
            .ok_or("an empty row in the table")?;
        let mut out: Vec<(Pt, Pt, Q)> = Vec::new();
        for w in words {
            if w == "order" {
                // the parts of a segment add up, in the order drawn
                let p = self.letters(words_after(terms, "order"))?;
                let m = self.f.middle(p[0], p[1], p[2]);
                let (x, y, z) = (p[(m + 1) % 3], p[m], p[(m + 2) % 3]);
                out = vec![(x, y, q(1)), (y, z, q(1)), (x, z, q(-1))];
                break;
            }
            let mut factor = 1;
            let mut rest = w;
            for (mark, value) in [("~", self.s), ("±", self.t), ("-", -1), ("2", 2)] {
                if let Some(r) = rest.strip_prefix(mark) {
                    rest = r;
                    factor *= value;
                }
            }
            let p = self.letters(rest)?;
            if table == 'S' && p[0] == p[1] {
                continue;
            }
            out.push((p[0], p[1], q(factor)));
        }
        let k = || self.k.cloned().ok_or("the rule needs a number");
        let value = match constant.trim() {
            "" => Q::zero(),
            "1/2" => Q::new(1.into(), 2.into()),
            "k" => k()?,
            _ => k()? * k()?,
        };
        match table {
            'M' if !value.is_zero() => self.f.log_row(&out, &value),
            _ => self.f.row(table, &out, &[(0, -value)]),
        }
    }

    fn rows(&self, text: &str) -> Checked<Vec<Row>> {
        text.split(';').map(|r| self.row(r.trim())).collect()
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
                ("oblique", [t]) => f.cosine(t[0], t[1], t[2]).abs() > 1e-6,
                ("differ", [x, y]) => {
                    let angle = |t: &[Pt]| f.sine(t[0], t[1], t[2]).abs().atan2(f.cosine(t[0], t[1], t[2]));
                    (angle(x) - angle(y)).abs() > 1e-6
                }
                ("mirror", []) => {
                    self.s =
                        f.turn(self.p[0], self.p[1], self.p[2])? * f.turn(self.p[3], self.p[4], self.p[5])?;
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

fn words_after<'a>(text: &'a str, word: &str) -> &'a str {
    text.split_whitespace()
        .skip_while(|w| *w != word)
        .nth(1)
        .unwrap_or("")
}

/// The rows of a predicate with a fixed number of points; `None` if there is no such predicate.
pub(super) fn predicate(f: &Figure, name: &str, p: &[Pt], k: Option<&Q>) -> Option<Checked<Vec<Row>>> {
    let (head, rows) = line_of(PREDICATES, name)?;
    let letters = head.split_whitespace().nth(1).unwrap_or("");
    if letters.len() != p.len() || head.ends_with(" k") != k.is_some() {
        return Some(Err(format!("`{name}` has the wrong number of arguments")));
    }
    Some(Binding { f, p, s: 1, t: 1, k }.rows(rows))
}

/// Required premises and allowed conclusions of a rule.
pub(super) fn rule(f: &Figure, name: &str, p: &[Pt], k: Option<&Q>) -> Checked<(Vec<Row>, Vec<Row>)> {
    if let Some((head, body)) = line_of(RULES, name) {
        let letters = head.split_whitespace().nth(1).unwrap_or("");
        if letters.len() != p.len() {
            return Err("wrong number of points".into());
        }
        let (rows, conditions) = body.split_once(" ! ").unwrap_or((body, ""));
        let (premises, conclusions) = rows.split_once(" => ").ok_or("a table line has no conclusion")?;
        let mut b = Binding { f, p, s: 1, t: 1, k };
        b.conditions(conditions)?;
        let both = |b: &Binding| Ok((b.rows(premises)?, b.rows(conclusions)?));
        if body.contains('±') {
            return both(&b).or_else(|_: String| {
                b.t = -1;
                both(&b)
            });
        }
        return both(&b);
    }
    let bind = Binding { f, p, s: 1, t: 1, k };
    match (name, p.len()) {
        // |ab|^2 = k |cd|^2, said of logarithms, lengths or squares
        ("ratio_m" | "ratio_l" | "ratio_s", 4) => {
            let k = k
                .filter(|k| k.is_positive())
                .ok_or("the rule needs a positive number")?;
            let m = bind.row("M 2ab -2cd = k");
            let s = f.row('S', &[(p[0], p[1], q(1)), (p[2], p[3], -k.clone())], &[])?;
            let root = Q::new(k.numer().sqrt(), k.denom().sqrt());
            let l = f.row('L', &[(p[0], p[1], q(1)), (p[2], p[3], -root.clone())], &[]);
            let l = if &root * &root == *k {
                l
            } else {
                Err("the ratio is no square".into())
            };
            let given = match name {
                "ratio_m" => m.clone()?,
                "ratio_l" => l.clone()?,
                _ => s.clone(),
            };
            Ok((vec![given], m.into_iter().chain(l).chain([s]).collect()))
        }
        // b = a + k (c - a): the square of db by Stewart's theorem
        ("stewart", 4) => {
            let k = k.ok_or("the rule needs a number")?;
            let (a, b, c, d) = (p[0], p[1], p[2], p[3]);
            if k.is_zero() || k.is_one() || (f.dot(a, b, c) > 0.0) != k.is_positive() {
                return Err("the ratio does not fit the figure".into());
            }
            let size = k.abs();
            let ratio = Binding {
                f,
                p,
                s: 1,
                t: 1,
                k: Some(&size),
            }
            .row("M ab -ac = k")?;
            let all = [
                (b, d, q(1)),
                (a, d, k - q(1)),
                (c, d, -k.clone()),
                (a, c, k * (q(1) - k)),
            ];
            let terms: Vec<_> = all.into_iter().filter(|x| x.0 != x.1).collect();
            Ok((vec![bind.row("D ab -ac")?, ratio], vec![f.row('S', &terms, &[])?]))
        }
        // a and b are drawn at one place on two loci that cross there: every relation with c carries over
        ("same_lines", 7) => same(f, p, &p[3..5], &p[5..7]),
        ("same_line_circle", 8) => same(f, p, &p[3..5], &p[5..8]),
        ("same_circles", 9) => same(f, p, &p[3..6], &p[6..9]),
        _ => Err(format!("no rule `{name}` of {} points", p.len())),
    }
}

fn same(f: &Figure, p: &[Pt], s: &[Pt], t: &[Pt]) -> Checked<(Vec<Row>, Vec<Row>)> {
    let (x, y) = (p[0], p[1]);
    if x == y || f.len(x, y) > 1e-8 {
        return Err("the two points are drawn apart".into());
    }
    let mut required = Vec::new();
    for (locus, v) in [(s, x), (s, y), (t, x), (t, y)] {
        if !locus.contains(&v) {
            let mut all = locus.to_vec();
            all.push(v);
            let text = if locus.len() == 2 {
                "D ab -ac"
            } else {
                "D cb -ca -db da"
            };
            required.push(
                Binding {
                    f,
                    p: &all,
                    s: 1,
                    t: 1,
                    k: None,
                }
                .row(text)?,
            );
        }
    }
    if (f.tangent(s, x)? - f.tangent(t, x)?).sin().abs() < 1e-5 {
        return Err("the loci touch".into());
    }
    Ok((required, identified(f, x, y, p[2])?))
}

/// The rows that hold with `z` when `x` and `y` are one point.
pub(super) fn identified(f: &Figure, x: Pt, y: Pt, z: Pt) -> Checked<Vec<Row>> {
    let b = Binding {
        f,
        p: &[x, y, z],
        s: 1,
        t: 1,
        k: None,
    };
    b.rows("D ac -bc ; M ac -bc ; L ac -bc ; S ac -bc")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every line of the tables can be read and applied somewhere: on a figure rich enough, no line fails for a
    /// reason of notation.
    #[test]
    fn tables_are_well_formed() {
        let xy: Vec<[f64; 2]> = (0..9)
            .map(|i| {
                [
                    (f64::from(i) * 1.7).sin(),
                    (f64::from(i) * 2.3).cos() + 0.1 * f64::from(i),
                ]
            })
            .collect();
        let f = Figure::new(&xy, 9).expect("a figure");
        let p: Vec<Pt> = (0..9).collect();
        let k = q(2);
        for (table, is_rule) in [(RULES, true), (PREDICATES, false)] {
            for l in table.lines().filter(|l| !l.starts_with('#')) {
                let mut words = l.split_whitespace();
                let (name, letters) = (words.next().expect("a name"), words.next().expect("points"));
                let number = l
                    .split(" : ")
                    .next()
                    .is_some_and(|h| h.ends_with(" k"))
                    .then_some(&k);
                let result = if is_rule {
                    rule(&f, name, &p[..letters.len()], number).map(|_| ())
                } else {
                    predicate(&f, name, &p[..letters.len()], number)
                        .expect("known")
                        .map(|_| ())
                };
                if let Err(e) = result {
                    assert!(!e.contains("table"), "{l}: {e}");
                }
            }
        }
    }
}
