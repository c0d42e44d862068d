//! The independent checker: accepts or rejects a certificate.
//!
//! It shares nothing with the prover but the certificate's definition: own figures, own reading of predicates,
//! own rule table, own exact arithmetic. On every figure of the certificate it verifies that
//! 1. all hypotheses hold numerically and no two points that a row speaks of coincide;
//! 2. every auxiliary point is defined by two equations that cross transversally at it, so that it exists;
//! 3. each premise of each step is, exactly, a rational combination of rows of earlier steps;
//! 4. each step is an instance of a rule of the table, in the configuration (orientation, order) that the rule
//!    asks for, and the rows it claims are the rule's conclusions;
//! 5. each goal is a combination of proved rows.
//!
//! Directions are real numbers in [0, pi) here: a relation modulo pi becomes an equation by reading the
//! multiple of pi off the figure. A proof that divides by two in table D therefore speaks of the drawn
//! configuration; [`Accepted::as_drawn`] says so.

mod figure;
mod table;

use crate::proof::certificate::{Certificate, Combination, FORMAT, RowText, VERSION};
use figure::{APART, Checked, FLAT, Figure, Key, Pt, Row, Term, float, number, pair, sine};
use num_rational::BigRational as Q;
use num_traits::{Signed, Zero};
use serde::Serialize;
use std::collections::BTreeMap;

/// What was accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Accepted {
    /// Figures the proof was checked on.
    pub figures: usize,
    /// Steps, hypotheses not counted.
    pub steps: usize,
    /// Goals shown.
    pub goals: usize,
    /// The proof divides an angle relation: it holds for the configuration drawn.
    pub as_drawn: bool,
}

/// Why a certificate was rejected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize)]
#[error("{place}: {reason}")]
pub struct Rejected {
    /// Header, step, or goal.
    pub place: String,
    /// What is wrong.
    pub reason: String,
}

const MAX_BYTES: usize = 16 << 20;
const MAX_POINTS: usize = 60;
const MAX_FIGURES: usize = 8;
const MAX_STEPS: usize = 20_000;
const MAX_FACTS: usize = 4_000;

fn at(place: String) -> impl Fn(String) -> Rejected {
    move |reason| Rejected {
        place: place.clone(),
        reason,
    }
}

/// Checks a certificate given as JSON lines.
pub fn check(text: &str) -> Result<Accepted, Rejected> {
    let header = at("certificate".into());
    if text.len() > MAX_BYTES {
        return Err(header(format!("longer than {MAX_BYTES} bytes")));
    }
    check_certificate(&Certificate::from_jsonl(text).map_err(header)?)
}

/// Checks a certificate.
pub fn check_certificate(c: &Certificate) -> Result<Accepted, Rejected> {
    let reject = at("header".into());
    let h = &c.header;
    let n = h.points.len();
    let facts = h.hypotheses.len() + c.auxiliary.iter().map(|a| a.facts.len()).sum::<usize>();
    let large = n > MAX_POINTS || h.figures.len() > MAX_FIGURES;
    let large = large || c.steps.len() > MAX_STEPS || facts > MAX_FACTS;
    let added = c.auxiliary.iter().map(|a| &a.point);
    let wrong = |bad: bool, why: &str| if bad { Err(reject(why.into())) } else { Ok(()) };
    let alien = h.format != FORMAT || h.version != VERSION;
    wrong(alien, "another format or version")?;
    wrong(large, "too many points, figures, steps or facts")?;
    let other = h.given_points > n || !h.points[h.given_points..].iter().eq(added);
    wrong(other, "the points are not the given and the auxiliary ones")?;
    let twice = (1..n).any(|i| h.points[..i].contains(&h.points[i]));
    wrong(twice, "two points have the same name")?;
    wrong(h.figures.is_empty() || h.goals.is_empty(), "no figure or no goal")?;
    let mut as_drawn = false;
    for (i, xy) in h.figures.iter().enumerate() {
        let on = |mut r: Rejected| {
            r.place = format!("figure {}: {}", i + 1, r.place);
            r
        };
        let f = Figure::new(xy, n).map_err(|e| on(reject(e)))?;
        let rows = Vec::new();
        let mut run = Run { f, c, rows, as_drawn };
        run.whole().map_err(on)?;
        as_drawn = run.as_drawn;
    }
    let steps = c.steps.iter().filter(|s| s.rule != "given").count();
    let (figures, goals) = (h.figures.len(), h.goals.len());
    Ok(Accepted {
        figures,
        steps,
        goals,
        as_drawn,
    })
}

struct Run<'a> {
    f: Figure,
    c: &'a Certificate,
    rows: Vec<Vec<Row>>,
    as_drawn: bool,
}

impl Run<'_> {
    fn whole(&mut self) -> Result<(), Rejected> {
        let h = &self.c.header;
        for text in &h.hypotheses {
            self.read_unit(text).map_err(at("given lengths".into()))?;
        }
        let mut facts: Vec<Vec<Row>> = Vec::new();
        for (i, text) in h.hypotheses.iter().enumerate() {
            let rows = self.predicate(text, h.given_points);
            facts.push(rows.map_err(at(format!("hypothesis {} `{text}`", i + 1)))?);
        }
        for (i, a) in self.c.auxiliary.iter().enumerate() {
            let place = || format!("auxiliary point `{}`", a.point);
            let x = h.given_points + i;
            let mut all = Vec::new();
            for text in &a.facts {
                let rows = self.predicate(text, x + 1).map_err(at(place()))?;
                all.extend(rows.iter().cloned());
                facts.push(rows);
            }
            self.f.transversal(&all, x as Pt).map_err(at(place()))?;
        }
        for (i, s) in self.c.steps.iter().enumerate() {
            let rows = self.step(i, &facts);
            self.rows
                .push(rows.map_err(at(format!("step {i} ({})", s.rule)))?);
        }
        for (i, text) in h.goals.iter().enumerate() {
            self.goal(i, text)
                .map_err(at(format!("goal {} `{text}`", i + 1)))?;
        }
        Ok(())
    }

    fn step(&mut self, i: usize, facts: &[Vec<Row>]) -> Checked<Vec<Row>> {
        let s = &self.c.steps[i];
        if s.id != i {
            return Err("steps must be numbered in order".into());
        }
        let (required, allowed) = if s.rule == "given" {
            let fact = s.fact.ok_or("a given step must name its fact")?;
            (vec![], facts.get(fact).ok_or("no such fact")?.clone())
        } else {
            let pts = s.points.iter().map(|p| self.point(p, usize::MAX));
            let pts = pts.collect::<Checked<Vec<Pt>>>()?;
            let value = s.number.as_deref().map(number).transpose()?;
            table::rule(&self.f, &s.rule, &pts, value.as_ref())?
        };
        self.follow(required, &s.premises)?;
        let allowed: Vec<Row> = allowed.into_iter().map(Row::normal).collect();
        let rows = s.rows.iter().map(|text| {
            let row = self.claimed(text)?;
            let fine = allowed.contains(&row.clone().normal());
            fine.then_some(row)
                .ok_or("a claimed row is no conclusion of the rule".into())
        });
        rows.collect()
    }

    fn goal(&mut self, i: usize, text: &str) -> Checked<()> {
        let required = self.predicate(text, self.c.header.given_points)?;
        let given = self.c.goals.iter().find(|g| g.goal == i);
        self.follow(required, given.map_or(&[], |g| &g.premises))
    }

    /// Every required row is one of the sums.
    fn follow(&mut self, required: Vec<Row>, premises: &[Combination]) -> Checked<()> {
        if premises.len() > 4000 {
            return Err("too many premises".into());
        }
        let proved = premises.iter().map(|p| self.sum(p));
        let proved = proved.collect::<Checked<Vec<Row>>>()?;
        let mut rows = required.into_iter().map(Row::normal);
        let all = rows.all(|r| r.terms.is_empty() || proved.contains(&r));
        all.then_some(()).ok_or("a needed relation is not proved".into())
    }

    /// The exact sum of earlier rows, normalised.
    fn sum(&mut self, combination: &Combination) -> Checked<Row> {
        let mut table = None;
        let mut terms: BTreeMap<Key, Q> = BTreeMap::new();
        if combination.len() > 2000 {
            return Err("a combination is too long".into());
        }
        for (step, index, lambda) in combination {
            let row = self.rows.get(*step).and_then(|s| s.get(*index));
            let row = row.ok_or("a premise cites no earlier row")?;
            if table.is_some_and(|t| t != row.table) {
                return Err("a combination mixes tables".into());
            }
            table = Some(row.table);
            let lambda = number(lambda)?;
            self.as_drawn |= row.table == 'D' && !lambda.is_integer();
            for (k, c) in &row.terms {
                *terms.entry(*k).or_insert_with(Q::zero) += c * &lambda;
            }
        }
        let table = table.unwrap_or('?');
        Ok(Row { table, terms }.normal())
    }

    fn point(&self, name: &str, limit: usize) -> Checked<Pt> {
        let mut all = self.c.header.points.iter().take(limit);
        let i = all.position(|p| p == name);
        i.map(|i| i as Pt)
            .ok_or_else(|| format!("unknown point `{name}`"))
    }

    fn claimed(&self, text: &RowText) -> Checked<Row> {
        let table = text
            .table
            .chars()
            .next()
            .filter(|t| "DMLS".contains(*t) && text.table.len() == 1);
        let table = table.ok_or("an unknown table")?;
        let mut terms = Vec::new();
        if text.terms.len() > 64 {
            return Err("a row is too long".into());
        }
        let at = |name: &String| self.point(name, usize::MAX);
        for t in &text.terms {
            terms.push(match t.as_slice() {
                [x, v, y, c] => sine(at(x)?, at(v)?, at(y)?, number(c)?),
                [a, b, c] => pair(at(a)?, at(b)?, number(c)?),
                [k, c] => {
                    let id = match (k.as_str(), table) {
                        ("pi", 'D') | ("unit", 'L') | ("unit2", 'S') => Some(0),
                        (name, 'M') => name.strip_prefix("log").and_then(|p| p.parse().ok()),
                        _ => None,
                    };
                    (Key::Const(id.ok_or("an unknown constant")?), number(c)?)
                }
                _ => return Err("a term has two to four parts".into()),
            });
        }
        self.f.row(table, terms)
    }

    fn read_unit(&mut self, text: &str) -> Checked<()> {
        let w: Vec<&str> = text.split_whitespace().collect();
        if let [name @ ("lconst" | "l2const"), a, b, value] = w[..]
            && self.f.unit.is_none()
        {
            let (a, b) = (self.point(a, usize::MAX)?, self.point(b, usize::MAX)?);
            self.f.apart(a, b)?;
            let v = float(&number(value)?);
            self.f.unit = Some(self.f.len(a, b) / if name == "lconst" { v } else { v.sqrt() });
        }
        Ok(())
    }

    /// The rows of a predicate over the first `limit` points; diagram checks have none and must hold.
    fn predicate(&self, text: &str, limit: usize) -> Checked<Vec<Row>> {
        let f = &self.f;
        let words: Vec<&str> = text.split_whitespace().collect();
        let (name, args) = words.split_first().ok_or("an empty predicate")?;
        if args.len() > 400 {
            return Err("a predicate is too long".into());
        }
        let p: Vec<Pt> = args.iter().map_while(|a| self.point(a, limit).ok()).collect();
        let numbers = args[p.len()..].iter().map(|a| number(&a.replace("pi", "")));
        let x = numbers.collect::<Checked<Vec<Q>>>()?;
        if let Some(rows) = table::predicate(f, name, &p, &x) {
            return rows;
        }
        let (least, numbers) = match *name {
            "coll" | "ncoll" | "between" | "obtuse_angle" => (3, 0),
            "sameclock" | "sameside" | "nsameside" => (6, 0),
            "distseq" | "sqseq" => (2, p.len() / 2),
            "angeq" | "distmeq" => (2, p.len() / 2 + 1),
            "overlap" | "diff" => (2, 0),
            _ => (4, 0),
        };
        if p.len() < least || x.len() != numbers {
            return Err(format!("`{name}` has the wrong arguments"));
        }
        let holds = |ok: bool| ok.then(Vec::new).ok_or("does not hold on the figure".to_string());
        let side = |a: Pt, l: Pt, m: Pt| f.sine(l, m, a);
        let one = |name: &str, pick: Vec<Pt>| -> Checked<Vec<Row>> {
            table::predicate(f, name, &pick, &[]).unwrap_or_else(|| Err(format!("no predicate `{name}`")))
        };
        let each = |from: usize, name: &str, pick: &dyn Fn(usize) -> Vec<Pt>| -> Checked<Vec<Row>> {
            let rows: Checked<Vec<_>> = (from..p.len()).map(|i| one(name, pick(i))).collect();
            Ok(rows?.concat())
        };
        Ok(match *name {
            "coll" => {
                // two of three points may be drawn at one place: seen from the third
                let sees = |o: Pt, x: Pt, y: Pt| f.apart(o, x).is_ok() && f.apart(o, y).is_ok();
                let line = |a: Pt, b: Pt, c: Pt| match (sees(a, b, c), sees(b, a, c)) {
                    (true, _) => vec![a, b, a, c],
                    (_, true) => vec![b, a, b, c],
                    _ => vec![c, a, c, b],
                };
                let all = (1..p.len()).map(|j| each(j + 1, "para", &|i| line(p[0], p[j], p[i])));
                all.collect::<Checked<Vec<_>>>()?.concat()
            }
            "cyclic" => {
                f.turn(p[0], p[1], p[2])?;
                let seen = |i: usize| vec![p[2], p[0], p[2], p[1], p[i], p[0], p[i], p[1]];
                each(3, "eqangle", &seen)?
            }
            "circle" => each(2, "cong", &|i| vec![p[0], p[1], p[0], p[i]])?,
            "angeq" | "distmeq" | "distseq" | "sqseq" => {
                let terms = p
                    .chunks_exact(2)
                    .zip(&x)
                    .map(|(c, k)| pair(c[0], c[1], k.clone()));
                let terms: Vec<Term> = terms.collect();
                let whole = terms.iter().all(|t| t.1.is_integer());
                let turn = |k: &Q| (Key::Const(0), k.clone());
                match (*name, x.last()) {
                    ("distseq", _) => vec![f.row('L', terms)?],
                    ("sqseq", _) => vec![f.row('S', terms)?],
                    ("angeq", Some(k)) if whole => vec![f.row('D', [&terms[..], &[turn(k)]].concat())?],
                    ("distmeq", Some(k)) if whole && k.is_positive() => vec![f.log_row(terms, &k.recip())?],
                    _ => return Err(format!("`{name}` has the wrong numbers")),
                }
            }
            "overlap" => {
                if f.len(p[0], p[1]) > 1e-8 {
                    return Err("the points are apart".into());
                }
                let others = (0..f.p.len() as Pt).filter(|z| f.len(*z, p[0]) > APART);
                let rows = others.map(|z| one("identified", vec![p[0], p[1], z]));
                rows.collect::<Checked<Vec<_>>>()?.concat()
            }
            "diff" => holds(f.apart(p[0], p[1]).is_ok())?,
            "ncoll" => holds((2..p.len()).any(|i| f.turn(p[0], p[1], p[i]).is_ok()))?,
            "npara" => holds(f.crossing(p[0], p[1], p[2], p[3]).is_ok())?,
            "nperp" => holds((f.dir(p[0], p[1]) - f.dir(p[2], p[3])).cos().abs() > FLAT)?,
            "sameclock" => holds(f.turn(p[0], p[1], p[2])? == f.turn(p[3], p[4], p[5])?)?,
            "sameside" => holds(f.dot(p[0], p[1], p[2]) * f.dot(p[3], p[4], p[5]) > FLAT)?,
            "nsameside" => holds(f.dot(p[0], p[1], p[2]) * f.dot(p[3], p[4], p[5]) < -FLAT)?,
            "between" => holds(f.turn(p[0], p[1], p[2]).is_err() && f.dot(p[0], p[1], p[2]) < -FLAT)?,
            "obtuse_angle" => holds(f.dot(p[1], p[0], p[2]) < -FLAT)?,
            "opposite" => holds(side(p[0], p[2], p[3]) * side(p[1], p[2], p[3]) < 0.0)?,
            "together" => holds(side(p[0], p[2], p[3]) * side(p[1], p[2], p[3]) > 0.0)?,
            _ => return Err(format!("unknown predicate `{name}`")),
        })
    }
}
