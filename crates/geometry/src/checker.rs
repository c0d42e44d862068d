//! The independent checker: accepts or rejects a certificate.
//!
//! It shares nothing with the prover but the certificate's definition: own figures, own reading of predicates,
//! own rule table, own exact arithmetic. On every figure of the certificate it verifies that
//!
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

use crate::proof::certificate::{Certificate, Combination, FORMAT, RowText, VERSION};
use num_rational::BigRational as Q;
use num_traits::{One, Signed, ToPrimitive, Zero};
use serde::Serialize;
use std::collections::BTreeMap;
use std::f64::consts::PI;

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
const FALSE: f64 = 1e-6;
const APART: f64 = 1e-7;
const FLAT: f64 = 1e-7;

type Pt = u8;

/// A variable: a pair of points or a constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Pair(Pt, Pt),
    Const(u32),
}

#[derive(Clone, Debug, PartialEq)]
struct Row {
    table: char,
    terms: BTreeMap<Key, Q>,
}

impl Row {
    /// Scaled so that the first coefficient is 1: equal equations compare equal.
    fn normal(mut self) -> Row {
        self.terms.retain(|_, c| !c.is_zero());
        if let Some(c) = self.terms.values().next().cloned() {
            self.terms.values_mut().for_each(|x| *x /= &c);
        }
        self
    }
}

type Checked<T> = Result<T, String>;

fn q(n: i64) -> Q {
    Q::from_integer(n.into())
}

fn half() -> Q {
    Q::new(1.into(), 2.into())
}

fn number(text: &str) -> Checked<Q> {
    if text.len() > 400 {
        return Err("a number is too long".into());
    }
    text.parse()
        .map_err(|_| format!("`{text}` is not a rational number"))
}

fn float(x: &Q) -> f64 {
    x.to_f64().unwrap_or(f64::NAN)
}

/// Checks a certificate given as JSON lines.
pub fn check(text: &str) -> Result<Accepted, Rejected> {
    let header = |reason: String| Rejected {
        place: "certificate".into(),
        reason,
    };
    if text.len() > MAX_BYTES {
        return Err(header(format!("longer than {MAX_BYTES} bytes")));
    }
    check_certificate(&Certificate::from_jsonl(text).map_err(header)?)
}

/// Checks a certificate.
pub fn check_certificate(c: &Certificate) -> Result<Accepted, Rejected> {
    let reject = |reason: String| Rejected {
        place: "header".into(),
        reason,
    };
    let h = &c.header;
    if h.format != FORMAT || h.version != VERSION {
        return Err(reject(format!("not a `{FORMAT}` of version {VERSION}")));
    }
    let n = h.points.len();
    let facts = h.hypotheses.len() + c.auxiliary.iter().map(|a| a.facts.len()).sum::<usize>();
    if n > MAX_POINTS || h.figures.len() > MAX_FIGURES || c.steps.len() > MAX_STEPS || facts > MAX_FACTS {
        return Err(reject("too many points, figures, steps or facts".into()));
    }
    if h.given_points + c.auxiliary.len() != n
        || c.auxiliary
            .iter()
            .zip(&h.points[h.given_points.min(n)..])
            .any(|(a, p)| a.point != *p)
    {
        return Err(reject(
            "the points are not those of the statement followed by the auxiliary ones".into(),
        ));
    }
    if (1..n).any(|i| h.points[..i].contains(&h.points[i])) {
        return Err(reject("two points have the same name".into()));
    }
    if h.figures.is_empty() || h.goals.is_empty() {
        return Err(reject("no figure or no goal".into()));
    }
    let mut as_drawn = false;
    for (i, xy) in h.figures.iter().enumerate() {
        let on = |mut r: Rejected| {
            r.place = format!("figure {}: {}", i + 1, r.place);
            r
        };
        let figure = Figure::new(xy, n).map_err(|e| on(reject(e)))?;
        let mut run = Run {
            f: figure,
            c,
            rows: Vec::new(),
            as_drawn: false,
        };
        run.whole().map_err(on)?;
        as_drawn |= run.as_drawn;
    }
    let steps = c.steps.iter().filter(|s| s.rule != "given").count();
    Ok(Accepted {
        figures: h.figures.len(),
        steps,
        goals: h.goals.len(),
        as_drawn,
    })
}

struct Figure {
    p: Vec<[f64; 2]>,
    /// Length of the given unit, where lengths are given.
    unit: Option<f64>,
}

impl Figure {
    fn new(xy: &[[f64; 2]], n: usize) -> Checked<Self> {
        if xy.len() != n || n == 0 || xy.iter().flatten().any(|v| !v.is_finite() || v.abs() > 1e12) {
            return Err("a figure needs one finite coordinate pair for each point".into());
        }
        let k = n as f64;
        let c = [
            xy.iter().map(|p| p[0]).sum::<f64>() / k,
            xy.iter().map(|p| p[1]).sum::<f64>() / k,
        ];
        let r2 = xy
            .iter()
            .map(|p| (p[0] - c[0]).powi(2) + (p[1] - c[1]).powi(2))
            .sum::<f64>()
            / k;
        let r = r2.sqrt();
        if r < 1e-200 {
            return Err("all points coincide".into());
        }
        Ok(Figure {
            p: xy
                .iter()
                .map(|p| [(p[0] - c[0]) / r, (p[1] - c[1]) / r])
                .collect(),
            unit: None,
        })
    }

    fn v(&self, a: Pt, b: Pt) -> [f64; 2] {
        let (s, t) = (self.p[a as usize], self.p[b as usize]);
        [t[0] - s[0], t[1] - s[1]]
    }

    fn len(&self, a: Pt, b: Pt) -> f64 {
        let v = self.v(a, b);
        v[0].hypot(v[1])
    }

    fn apart(&self, a: Pt, b: Pt) -> Checked<()> {
        if a != b && self.len(a, b) > APART {
            Ok(())
        } else {
            Err("two points of a relation coincide".into())
        }
    }

    fn dir(&self, a: Pt, b: Pt) -> f64 {
        // the pair is unordered: always from the smaller id
        let v = if a < b { self.v(a, b) } else { self.v(b, a) };
        let t = v[1].atan2(v[0]).rem_euclid(PI);
        if t >= PI { 0.0 } else { t }
    }

    fn dot(&self, o: Pt, a: Pt, b: Pt) -> f64 {
        let (u, w) = (self.v(o, a), self.v(o, b));
        u[0] * w[0] + u[1] * w[1]
    }

    fn sine(&self, o: Pt, a: Pt, b: Pt) -> f64 {
        let (u, w) = (self.v(o, a), self.v(o, b));
        (u[0] * w[1] - u[1] * w[0]) / (u[0].hypot(u[1]) * w[0].hypot(w[1]))
    }

    /// Orientation +1 or -1; an error if flat.
    fn turn(&self, a: Pt, b: Pt, c: Pt) -> Checked<i64> {
        for (x, y) in [(a, b), (b, c), (a, c)] {
            self.apart(x, y)?;
        }
        let best = [self.sine(a, b, c), self.sine(b, c, a), self.sine(c, a, b)]
            .into_iter()
            .fold(0.0, |m: f64, s| if s.abs() > m.abs() { s } else { m });
        if best.abs() > FLAT {
            Ok(if best > 0.0 { 1 } else { -1 })
        } else {
            Err("a triangle is flat".into())
        }
    }

    fn crossing(&self, a: Pt, b: Pt, c: Pt, d: Pt) -> Checked<()> {
        if (self.dir(a, b) - self.dir(c, d)).sin().abs() > FLAT {
            Ok(())
        } else {
            Err("two lines that must cross are parallel".into())
        }
    }

    /// Which of three collinear points is between the others.
    fn middle(&self, a: Pt, b: Pt, c: Pt) -> usize {
        if self.dot(a, b, c) < 0.0 {
            0
        } else if self.dot(b, a, c) < 0.0 {
            1
        } else {
            2
        }
    }

    /// The value of a row on the figure, not counting multiples of pi, and the size of its terms.
    fn value(&self, r: &Row) -> Checked<(f64, f64)> {
        let (mut sum, mut size) = (0.0, 0.0);
        for (k, c) in &r.terms {
            let x = match (k, r.table) {
                (Key::Pair(a, b), t) => {
                    self.apart(*a, *b)?;
                    match t {
                        'D' => self.dir(*a, *b) / PI,
                        'M' => self.len(*a, *b).ln(),
                        'L' => self.len(*a, *b),
                        _ => self.len(*a, *b).powi(2),
                    }
                }
                (Key::Const(0), 'D') => 1.0,
                (Key::Const(p), 'M') => f64::from(*p).ln(),
                (Key::Const(0), 'L') => self.unit.ok_or("no unit of length is given")?,
                (Key::Const(0), 'S') => self.unit.ok_or("no unit of length is given")?.powi(2),
                _ => return Err("a constant in the wrong table".into()),
            };
            let x = x * float(c);
            sum += x;
            size += x.abs();
        }
        Ok((sum, if matches!(r.table, 'L' | 'S') { size } else { 1.0 }))
    }

    /// The row with the multiple of pi read off; an error if it is false on the figure.
    fn settle(&self, mut r: Row) -> Checked<Row> {
        let (value, size) = self.value(&r)?;
        let k = if r.table == 'D' { value.round() } else { 0.0 };
        if value.is_nan() || (value - k).abs() > FALSE * size.max(1e-300) {
            return Err("a relation is false on the figure".into());
        }
        if k != 0.0 {
            if r.terms
                .iter()
                .any(|(v, c)| matches!(v, Key::Pair(..)) && !c.is_integer())
            {
                return Err("a relation modulo pi needs integer coefficients".into());
            }
            *r.terms.entry(Key::Const(0)).or_insert_with(Q::zero) -= q(k as i64);
        }
        r.terms.retain(|_, c| !c.is_zero());
        Ok(r)
    }

    fn row(&self, table: char, terms: &[(Pt, Pt, Q)], constants: &[(u32, Q)]) -> Checked<Row> {
        let mut t: BTreeMap<Key, Q> = BTreeMap::new();
        for (a, b, c) in terms {
            self.apart(*a, *b)?;
            *t.entry(Key::Pair(*a.min(b), *a.max(b))).or_insert_with(Q::zero) += c;
        }
        for (k, c) in constants {
            *t.entry(Key::Const(*k)).or_insert_with(Q::zero) += c;
        }
        self.settle(Row { table, terms: t })
    }

    /// `sum of coefficient * direction = kappa pi`, modulo pi.
    fn dirs(&self, terms: &[(Pt, Pt, i64)], kappa: Q) -> Checked<Row> {
        let t: Vec<_> = terms.iter().map(|&(a, b, c)| (a, b, q(c))).collect();
        self.row('D', &t, &[(0, -kappa)])
    }

    /// `sum of coefficient * log length = log ratio * power`.
    fn logs(&self, terms: &[(Pt, Pt, i64)], ratio: &Q, power: Q) -> Checked<Row> {
        let t: Vec<_> = terms.iter().map(|&(a, b, c)| (a, b, q(c))).collect();
        let mut constants = Vec::new();
        let (mut n, mut d) = (
            ratio
                .numer()
                .to_u64()
                .ok_or("a ratio must be positive and small")?,
            ratio
                .denom()
                .to_u64()
                .ok_or("a ratio must be positive and small")?,
        );
        if n == 0 {
            return Err("a ratio is zero".into());
        }
        for p in 2u32..60 {
            let mut e = 0;
            while n % u64::from(p) == 0 {
                n /= u64::from(p);
                e += 1;
            }
            while d % u64::from(p) == 0 {
                d /= u64::from(p);
                e -= 1;
            }
            if e != 0 {
                constants.push((p, -(q(e) * &power)));
            }
        }
        if n != 1 || d != 1 {
            return Err("a ratio has a prime factor above 59".into());
        }
        self.row('M', &t, &constants)
    }

    fn eq(&self, a: Pt, b: Pt, c: Pt, d: Pt) -> Checked<Row> {
        self.logs(&[(a, b, 1), (c, d, -1)], &Q::one(), Q::one())
    }

    fn line(&self, a: Pt, b: Pt, c: Pt) -> Checked<Row> {
        self.dirs(&[(a, b, 1), (a, c, -1)], Q::zero())
    }

    /// Directed angle at p from pa to pb equals that at r from rc to rd (times `s`).
    fn angle(&self, p: [Pt; 3], r: [Pt; 3], s: i64) -> Checked<Row> {
        self.dirs(
            &[
                (p[0], p[2], 1),
                (p[0], p[1], -1),
                (r[0], r[2], -s),
                (r[0], r[1], s),
            ],
            Q::zero(),
        )
    }

    fn circle(&self, a: Pt, b: Pt, c: Pt, x: Pt) -> Checked<Row> {
        self.angle([c, a, b], [x, a, b], 1)
    }

    /// ab : cd = ef : gh.
    fn ratio(&self, p: [Pt; 8]) -> Checked<Row> {
        let t = [
            (p[0], p[1], 1),
            (p[2], p[3], -1),
            (p[4], p[5], -1),
            (p[6], p[7], 1),
        ];
        self.logs(&t, &Q::one(), Q::one())
    }
}

struct Run<'a> {
    f: Figure,
    c: &'a Certificate,
    rows: Vec<Vec<Row>>,
    as_drawn: bool,
}

impl Run<'_> {
    fn whole(&mut self) -> Result<(), Rejected> {
        let at = |place: String| move |reason: String| Rejected { place, reason };
        let h = &self.c.header;
        for (i, text) in h.hypotheses.iter().enumerate() {
            let place = || format!("hypothesis {}", i + 1);
            self.read_unit(text).map_err(at(place()))?;
        }
        let mut facts: Vec<Vec<Row>> = Vec::new();
        for (i, text) in h.hypotheses.iter().enumerate() {
            let place = || format!("hypothesis {} `{text}`", i + 1);
            facts.push(self.predicate(text, h.given_points).map_err(at(place()))?);
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
            self.transversal(&all, x as Pt).map_err(at(place()))?;
        }
        for (i, s) in self.c.steps.iter().enumerate() {
            let place = || format!("step {i} ({})", s.rule);
            let rows = self.step(i, &facts).map_err(at(place()))?;
            self.rows.push(rows);
        }
        for (i, text) in h.goals.iter().enumerate() {
            let place = || format!("goal {} `{text}`", i + 1);
            self.goal(i, text).map_err(at(place()))?;
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
            let pts = s
                .points
                .iter()
                .map(|p| self.point(p, usize::MAX))
                .collect::<Checked<Vec<Pt>>>()?;
            let value = s.number.as_deref().map(number).transpose()?;
            rule(&self.f, &s.rule, &pts, value)?
        };
        if s.premises.len() > 64 {
            return Err("too many premises".into());
        }
        let proved = s
            .premises
            .iter()
            .map(|p| self.sum(p))
            .collect::<Checked<Vec<Row>>>()?;
        for r in required {
            let r = r.normal();
            if !r.terms.is_empty() && !proved.contains(&r) {
                return Err("a premise of the rule is not proved".into());
            }
        }
        let allowed: Vec<Row> = allowed.into_iter().map(Row::normal).collect();
        let mut out = Vec::new();
        for text in &s.rows {
            let row = self.claimed(text)?;
            if !allowed.contains(&row.clone().normal()) {
                return Err("a claimed row is not a conclusion of the rule".into());
            }
            out.push(row);
        }
        Ok(out)
    }

    fn goal(&mut self, i: usize, text: &str) -> Checked<()> {
        let required = self.predicate(text, self.c.header.given_points)?;
        let empty = Vec::new();
        let given = self
            .c
            .goals
            .iter()
            .find(|g| g.goal == i)
            .map_or(&empty, |g| &g.premises);
        let proved = given.iter().map(|p| self.sum(p)).collect::<Checked<Vec<Row>>>()?;
        for r in required {
            let r = r.normal();
            if !r.terms.is_empty() && !proved.contains(&r) {
                return Err("the goal is not proved".into());
            }
        }
        Ok(())
    }

    /// The exact sum of earlier rows, normalised.
    fn sum(&mut self, combination: &Combination) -> Checked<Row> {
        let mut table = None;
        let mut terms: BTreeMap<Key, Q> = BTreeMap::new();
        if combination.len() > 2000 {
            return Err("a combination is too long".into());
        }
        for (step, index, lambda) in combination {
            let row = self
                .rows
                .get(*step)
                .and_then(|s| s.get(*index))
                .ok_or("a premise cites no earlier row")?;
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
        Ok(Row {
            table: table.unwrap_or('?'),
            terms,
        }
        .normal())
    }

    fn point(&self, name: &str, limit: usize) -> Checked<Pt> {
        let i = self.c.header.points.iter().position(|p| p == name);
        i.filter(|i| *i < limit)
            .map(|i| i as Pt)
            .ok_or_else(|| format!("unknown point `{name}`"))
    }

    fn claimed(&self, text: &RowText) -> Checked<Row> {
        let table = match text.table.as_str() {
            "D" => 'D',
            "M" => 'M',
            "L" => 'L',
            "S" => 'S',
            other => return Err(format!("unknown table `{other}`")),
        };
        let (mut terms, mut constants) = (Vec::new(), Vec::new());
        if text.terms.len() > 64 {
            return Err("a row is too long".into());
        }
        for t in &text.terms {
            match t.as_slice() {
                [a, b, c] => terms.push((self.point(a, usize::MAX)?, self.point(b, usize::MAX)?, number(c)?)),
                [k, c] => {
                    let id = match (k.as_str(), table) {
                        ("pi", 'D') | ("unit", 'L') | ("unit2", 'S') => 0,
                        (name, 'M') => name
                            .strip_prefix("log")
                            .and_then(|p| p.parse().ok())
                            .ok_or("an unknown constant")?,
                        _ => return Err(format!("unknown constant `{k}`")),
                    };
                    constants.push((id, number(c)?));
                }
                _ => return Err("a term has two or three parts".into()),
            }
        }
        self.f.row(table, &terms, &constants)
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
        let (points, numbers) = match *name {
            "aconst" | "rconst" | "r2const" => (4, 1),
            "s_angle" => (3, 1),
            "lconst" | "l2const" => (2, 1),
            "distseq" | "sqseq" | "angeq" | "distmeq" => {
                (args.len() / 3 * 2, args.len() - args.len() / 3 * 2)
            }
            "para" | "perp" | "cong" | "npara" | "nperp" | "opposite" | "together" => (4, 0),
            "eqangle" | "eqratio" => (8, 0),
            "midp" | "between" | "obtuse_angle" => (3, 0),
            "simtri" | "simtrir" | "contri" | "contrir" | "sameclock" | "sameside" | "nsameside" => (6, 0),
            "overlap" | "diff" => (2, 0),
            "coll" | "ncoll" => (args.len().max(3), 0),
            "cyclic" | "circle" => (args.len().max(4), 0),
            _ => return Err(format!("unknown predicate `{name}`")),
        };
        if args.len() != points + numbers {
            return Err(format!("`{name}` has the wrong number of arguments"));
        }
        let p = args[..points]
            .iter()
            .map(|a| self.point(a, limit))
            .collect::<Checked<Vec<Pt>>>()?;
        let x = args[points..]
            .iter()
            .map(|a| number(&a.replace("pi", "")))
            .collect::<Checked<Vec<Q>>>()?;
        let holds = |ok: bool| {
            if ok {
                Ok(vec![])
            } else {
                Err("does not hold on the figure".to_string())
            }
        };
        let side = |a: Pt, l: Pt, m: Pt| f.sine(l, m, a);
        let pairs = || p.chunks(2).map(|c| (c[0], c[1]));
        Ok(match *name {
            "coll" => {
                let mut out = Vec::new();
                for k in 2..p.len() {
                    for j in 1..k {
                        out.push(f.line(p[0], p[j], p[k])?);
                    }
                }
                out
            }
            "cyclic" => {
                f.turn(p[0], p[1], p[2])?;
                (3..p.len())
                    .map(|i| f.circle(p[0], p[1], p[2], p[i]))
                    .collect::<Checked<_>>()?
            }
            "circle" => (2..p.len())
                .map(|i| f.eq(p[0], p[1], p[0], p[i]))
                .collect::<Checked<_>>()?,
            "para" => vec![f.dirs(&[(p[0], p[1], 1), (p[2], p[3], -1)], Q::zero())?],
            "perp" => vec![f.dirs(&[(p[0], p[1], 1), (p[2], p[3], -1)], half())?],
            "eqangle" => {
                let t = [
                    (p[2], p[3], 1),
                    (p[0], p[1], -1),
                    (p[6], p[7], -1),
                    (p[4], p[5], 1),
                ];
                vec![f.dirs(&t, Q::zero())?]
            }
            "aconst" => vec![f.dirs(&[(p[2], p[3], 1), (p[0], p[1], -1)], x[0].clone())?],
            "s_angle" => vec![f.dirs(&[(p[1], p[2], 1), (p[1], p[0], -1)], x[0].clone())?],
            "cong" => vec![f.eq(p[0], p[1], p[2], p[3])?],
            "eqratio" => vec![f.ratio([p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7]])?],
            "rconst" => vec![f.logs(&[(p[0], p[1], 1), (p[2], p[3], -1)], &x[0], Q::one())?],
            "r2const" => vec![f.logs(&[(p[0], p[1], 1), (p[2], p[3], -1)], &x[0], half())?],
            "lconst" => vec![
                f.row('L', &[(p[0], p[1], Q::one())], &[(0, -x[0].clone())])?,
                f.row('S', &[(p[0], p[1], Q::one())], &[(0, -(&x[0] * &x[0]))])?,
            ],
            "l2const" => vec![f.row('S', &[(p[0], p[1], Q::one())], &[(0, -x[0].clone())])?],
            "angeq" | "distmeq" => {
                let (coefficients, constant) = x.split_at(p.len() / 2);
                let mut t = Vec::new();
                for ((a, b), c) in pairs().zip(coefficients) {
                    let c = c
                        .to_integer()
                        .to_i64()
                        .filter(|_| c.is_integer())
                        .ok_or("integer coefficients only")?;
                    t.push((a, b, c));
                }
                let k = constant.first().ok_or("a constant is missing")?;
                if *name == "angeq" {
                    vec![f.dirs(&t, -k.clone())?]
                } else if k.is_positive() {
                    vec![f.logs(&t, &k.recip(), Q::one())?]
                } else {
                    return Err("the constant must be positive".into());
                }
            }
            "distseq" | "sqseq" => {
                let t: Vec<(Pt, Pt, Q)> = pairs().zip(&x).map(|((a, b), c)| (a, b, c.clone())).collect();
                vec![f.row(if *name == "distseq" { 'L' } else { 'S' }, &t, &[])?]
            }
            "midp" => vec![f.line(p[0], p[1], p[2])?, f.eq(p[0], p[1], p[0], p[2])?],
            "simtri" | "simtrir" | "contri" | "contrir" => {
                let s = if name.ends_with('r') { -1 } else { 1 };
                let mut out = Vec::new();
                for (i, j, k) in [(0, 1, 2), (1, 2, 0), (2, 0, 1)] {
                    out.push(f.angle([p[i], p[j], p[k]], [p[3 + i], p[3 + j], p[3 + k]], s)?);
                    if name.starts_with("con") {
                        out.push(f.eq(p[i], p[j], p[3 + i], p[3 + j])?);
                    } else {
                        let (a, b, c) = (p[3 + i], p[3 + j], p[3 + k]);
                        out.push(f.ratio([p[i], p[j], p[j], p[k], a, b, b, c])?);
                    }
                }
                out
            }
            "overlap" => {
                if f.len(p[0], p[1]) > 1e-8 {
                    return Err("the points are apart".into());
                }
                let mut out = Vec::new();
                for z in (0..f.p.len() as Pt).filter(|z| *z != p[0] && *z != p[1] && f.len(*z, p[0]) > APART)
                {
                    out.extend(same(f, p[0], p[1], z)?);
                }
                out
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
            _ => holds(side(p[0], p[2], p[3]) * side(p[1], p[2], p[3]) > 0.0)?,
        })
    }

    /// The rows define the point `x`: two equations whose gradients at `x` are independent.
    fn transversal(&mut self, rows: &[Row], x: Pt) -> Checked<()> {
        let [r1, r2] = rows else {
            return Err(format!("{} equations instead of 2", rows.len()));
        };
        const H: f64 = 1e-6;
        let mut gradient = |r: &Row| -> Checked<[f64; 2]> {
            let mut g = [0.0; 2];
            for (axis, slot) in g.iter_mut().enumerate() {
                let mut at = |d: f64| {
                    self.f.p[x as usize][axis] += d;
                    let v = self.f.value(r);
                    self.f.p[x as usize][axis] -= d;
                    v
                };
                let mut d = at(H)?.0 - at(-H)?.0;
                if r.table == 'D' {
                    d -= d.round(); // a direction may have wrapped around
                }
                *slot = d / (2.0 * H);
            }
            Ok(g)
        };
        let (g1, g2) = (gradient(r1)?, gradient(r2)?);
        let size = g1[0].hypot(g1[1]) * g2[0].hypot(g2[1]);
        if (g1[0] * g2[1] - g1[1] * g2[0]).abs() > 1e-5 * size && size > 1e-9 {
            Ok(())
        } else {
            Err("the two defining equations do not cross transversally".into())
        }
    }
}

fn same(f: &Figure, a: Pt, b: Pt, z: Pt) -> Checked<Vec<Row>> {
    let t = [(a, z, Q::one()), (b, z, -Q::one())];
    Ok(vec![
        f.line_pair(a, b, z)?,
        f.row('M', &t, &[])?,
        f.row('L', &t, &[])?,
        f.row('S', &t, &[])?,
    ])
}

impl Figure {
    fn line_pair(&self, a: Pt, b: Pt, z: Pt) -> Checked<Row> {
        self.dirs(&[(a, z, 1), (b, z, -1)], Q::zero())
    }

    /// `v` lies on the line (two points) or circle (three points): no row if it is one of them.
    fn on(&self, locus: &[Pt], v: Pt) -> Checked<Option<Row>> {
        if locus.contains(&v) {
            return Ok(None);
        }
        Ok(Some(match *locus {
            [a, b] => self.line(a, b, v)?,
            [a, b, c] => {
                self.turn(a, b, c)?;
                self.circle(a, b, c, v)?
            }
            _ => return Err("a locus has two or three points".into()),
        }))
    }

    /// Direction of the locus at the place of `x`.
    fn tangent(&self, locus: &[Pt], x: Pt) -> f64 {
        if let [a, b] = *locus {
            return self.dir(a, b);
        }
        let o = {
            let p = self.p[locus[0] as usize];
            let (u, w) = (self.v(locus[0], locus[1]), self.v(locus[0], locus[2]));
            let d = 2.0 * (u[0] * w[1] - u[1] * w[0]);
            let (uu, ww) = (u[0] * u[0] + u[1] * u[1], w[0] * w[0] + w[1] * w[1]);
            [
                p[0] + (w[1] * uu - u[1] * ww) / d,
                p[1] + (u[0] * ww - w[0] * uu) / d,
            ]
        };
        let at = self.p[x as usize];
        (at[1] - o[1]).atan2(at[0] - o[0]) + PI / 2.0
    }
}

/// The rule table: required premises and allowed conclusions.
fn rule(f: &Figure, name: &str, p: &[Pt], value: Option<Q>) -> Checked<(Vec<Row>, Vec<Row>)> {
    let want = match name {
        "iso_angles" | "iso_sides" | "collinear" | "length_sum" => 3,
        "concyclic" | "centre" | "on_circle" | "equal_arcs" | "equal_chords" | "perp_squares"
        | "squares_perp" | "ratio_m" | "ratio_l" | "ratio_s" | "stewart" | "bisector_ratio"
        | "ratio_bisector" | "trapezoid" => 4,
        "centre_of_chords" | "isogonal" => 5,
        "ceva" | "ceva_line" | "same_lines" => 7,
        "same_line_circle" => 8,
        "same_circles" => 9,
        _ => 6,
    };
    if p.len() != want {
        return Err("wrong number of points".into());
    }
    let zero = Q::zero;
    let one = Q::one;
    let positive = || {
        value
            .clone()
            .filter(|v| v.is_positive())
            .ok_or("the rule needs a positive number")
    };
    // the two triangles of a similarity
    let (t1, t2) = if want == 6 {
        ([p[0], p[1], p[2]], [p[3], p[4], p[5]])
    } else {
        ([0; 3], [0; 3])
    };
    let rotate = |t: [Pt; 3], i: usize| [t[i], t[(i + 1) % 3], t[(i + 2) % 3]];
    let angle = |i: usize, s: i64| f.angle(rotate(t1, i), rotate(t2, i), s);
    let sides = |i: usize, j: usize, k: usize, l: usize| {
        f.ratio([t1[i], t1[j], t1[k], t1[l], t2[i], t2[j], t2[k], t2[l]])
    };
    let mirrored = || -> Checked<i64> { Ok(f.turn(p[0], p[1], p[2])? * f.turn(p[3], p[4], p[5])?) };
    Ok(match name {
        "sim_aa" | "sim_sss" | "sim_sas" | "sim_ssa" => {
            let s = mirrored()?;
            let required = match name {
                "sim_aa" => vec![angle(0, s)?, angle(1, s)?],
                "sim_sss" => vec![sides(0, 1, 1, 2)?, sides(1, 2, 2, 0)?],
                "sim_sas" => vec![angle(0, s)?, sides(0, 1, 0, 2)?],
                _ => {
                    for t in [t1, t2] {
                        if f.len(t[1], t[2]) <= f.len(t[0], t[1]) * (1.0 + 1e-8) {
                            return Err("the side opposite the angle is not the longer one".into());
                        }
                    }
                    vec![angle(0, s)?, sides(0, 1, 1, 2)?]
                }
            };
            let allowed = vec![
                angle(0, s)?,
                angle(1, s)?,
                angle(2, s)?,
                sides(0, 1, 1, 2)?,
                sides(1, 2, 2, 0)?,
                sides(2, 0, 0, 1)?,
            ];
            (required, allowed)
        }
        "ssa_other" => {
            // two sides and the angle opposite one fix the sine of the angle opposite the other
            let s = mirrored()?;
            let given = vec![angle(0, s)?, sides(0, 1, 1, 2)?];
            if angle(2, s).is_ok() {
                return Err("the triangles may be similar".into());
            }
            (given, vec![angle(2, -s)?])
        }
        "trapezoid" => {
            f.crossing(p[0], p[3], p[1], p[2])?;
            f.turn(p[0], p[1], p[2])?;
            let parallel = f.dirs(&[(p[0], p[1], 1), (p[2], p[3], -1)], zero())?;
            (
                vec![parallel, f.eq(p[0], p[3], p[1], p[2])?],
                vec![f.circle(p[0], p[1], p[2], p[3])?],
            )
        }
        "iso_angles" | "iso_sides" => {
            f.turn(p[0], p[1], p[2])?;
            let sides = f.eq(p[0], p[1], p[0], p[2])?;
            let angles = f.angle([p[1], p[0], p[2]], [p[2], p[1], p[0]], 1)?;
            if name == "iso_angles" {
                (vec![sides], vec![angles])
            } else {
                (vec![angles], vec![sides])
            }
        }
        "collinear" => {
            let on = f.line(p[0], p[1], p[2])?;
            let m = f.middle(p[0], p[1], p[2]);
            let (x, z) = (p[(m + 1) % 3], p[(m + 2) % 3]);
            let sum = f.row('L', &[(x, p[m], one()), (p[m], z, one()), (x, z, -one())], &[])?;
            (vec![on], vec![f.line(p[1], p[0], p[2])?, sum])
        }
        "length_sum" => {
            let sum = f.row(
                'L',
                &[(p[0], p[1], one()), (p[1], p[2], one()), (p[0], p[2], -one())],
                &[],
            )?;
            (
                vec![sum],
                vec![f.line(p[0], p[1], p[2])?, f.line(p[1], p[0], p[2])?],
            )
        }
        "concyclic" => {
            f.turn(p[0], p[1], p[2])?;
            f.turn(p[0], p[1], p[3])?;
            let other = f.dirs(
                &[
                    (p[0], p[1], 1),
                    (p[2], p[3], 1),
                    (p[0], p[2], -1),
                    (p[1], p[3], -1),
                ],
                zero(),
            )?;
            (vec![f.circle(p[0], p[1], p[2], p[3])?], vec![other])
        }
        "centre" | "on_circle" => {
            f.turn(p[1], p[2], p[3])?;
            let [o, a, b, c] = [p[0], p[1], p[2], p[3]];
            let tangent = f.dirs(&[(a, b, 1), (o, a, -1), (c, b, -1), (c, a, 1)], half())?;
            let (ab, ac) = (f.eq(o, a, o, b)?, f.eq(o, a, o, c)?);
            if name == "centre" {
                (vec![ab, ac], vec![tangent])
            } else {
                (vec![ab, tangent], vec![ac])
            }
        }
        "centre_of_chords" => {
            let [o, a, b, c, d] = [p[0], p[1], p[2], p[3], p[4]];
            f.crossing(a, b, c, d)?;
            f.turn(a, b, c)?;
            f.turn(a, b, d)?;
            (
                vec![f.circle(a, b, c, d)?, f.eq(o, a, o, b)?, f.eq(o, c, o, d)?],
                vec![f.eq(o, a, o, c)?],
            )
        }
        "equal_arcs" | "equal_chords" => {
            let [a, b, c, d] = [p[0], p[1], p[2], p[3]];
            f.turn(a, b, c)?;
            f.turn(a, b, d)?;
            let on = f.circle(a, b, c, d)?;
            let seen = f
                .angle([c, a, b], [a, c, d], 1)
                .or_else(|_| f.angle([c, a, b], [a, c, d], -1))?;
            let chords = f.eq(a, b, c, d)?;
            if name == "equal_arcs" {
                (vec![on, seen], vec![chords])
            } else {
                (vec![on, chords], vec![seen])
            }
        }
        "perp_squares" | "squares_perp" => {
            let [a, b, c, d] = [p[0], p[1], p[2], p[3]];
            let perp = f.dirs(&[(a, b, 1), (c, d, -1)], half())?;
            let all = [(a, c, one()), (a, d, -one()), (b, c, -one()), (b, d, one())];
            let t: Vec<_> = all.into_iter().filter(|x| x.0 != x.1).collect();
            let squares = f.row('S', &t, &[])?;
            if name == "perp_squares" {
                (vec![perp], vec![squares])
            } else {
                (vec![squares], vec![perp])
            }
        }
        "ratio_m" | "ratio_l" | "ratio_s" => {
            // |ab|^2 = value |cd|^2
            let v = positive()?;
            let [a, b, c, d] = [p[0], p[1], p[2], p[3]];
            let m = f.logs(&[(a, b, 1), (c, d, -1)], &v, half());
            let s = f.row('S', &[(a, b, one()), (c, d, -v.clone())], &[])?;
            let root = Q::new(v.numer().sqrt(), v.denom().sqrt());
            let l = if &root * &root == v {
                Some(f.row('L', &[(a, b, one()), (c, d, -root)], &[])?)
            } else {
                None
            };
            let given = match name {
                "ratio_m" => m.clone()?,
                "ratio_l" => l.clone().ok_or("the ratio is no rational square")?,
                _ => s.clone(),
            };
            (vec![given], m.into_iter().chain(l).chain([s]).collect())
        }
        "flat_ratio" => {
            if f.middle(p[0], p[1], p[2]) != f.middle(p[3], p[4], p[5]) {
                return Err("the points are in a different order".into());
            }
            let lines = [f.line(p[0], p[1], p[2])?, f.line(p[3], p[4], p[5])?];
            let [l1, l2] = lines;
            (vec![l1, l2, sides(0, 1, 0, 2)?], vec![sides(0, 1, 1, 2)?])
        }
        "stewart" => {
            let t = value.ok_or("the rule needs a number")?;
            let [a, b, c, x] = [p[0], p[1], p[2], p[3]];
            if t.is_zero() || t.is_one() || (f.dot(a, b, c) > 0.0) != t.is_positive() {
                return Err("the ratio does not fit the figure".into());
            }
            let ratio = f.logs(&[(a, b, 1), (a, c, -1)], &t.abs(), one())?;
            let all = [
                (b, x, one()),
                (a, x, &t - one()),
                (c, x, -t.clone()),
                (a, c, &t * (one() - &t)),
            ];
            let terms: Vec<_> = all.into_iter().filter(|k| k.0 != k.1).collect();
            (vec![f.line(a, b, c)?, ratio], vec![f.row('S', &terms, &[])?])
        }
        "bisector_ratio" | "ratio_bisector" => {
            let [a, b, d, c] = [p[0], p[1], p[2], p[3]];
            f.turn(a, b, c)?;
            let on = f.line(b, d, c)?;
            let bisects = f.angle([a, b, d], [a, d, c], 1)?;
            let ratio = f.ratio([d, b, d, c, a, b, a, c])?;
            if name == "bisector_ratio" {
                (vec![on, bisects], vec![ratio])
            } else {
                (vec![on, ratio], vec![bisects])
            }
        }
        "intercept" | "intercept_para" => {
            let [a, b, c, d, e, g] = [p[0], p[1], p[2], p[3], p[4], p[5]];
            f.turn(a, b, d)?;
            f.crossing(a, d, d, e)?;
            let (l1, l2) = (f.line(a, b, c)?, f.line(d, e, g)?);
            let outer = f.dirs(&[(a, d, 1), (c, g, -1)], zero())?;
            let inner = f.dirs(&[(a, d, 1), (b, e, -1)], zero())?;
            let first = sides(0, 1, 0, 2)?;
            if name == "intercept" {
                (vec![l1, l2, outer, inner], vec![first, sides(0, 1, 1, 2)?])
            } else if f.middle(a, b, c) == f.middle(d, e, g) {
                (vec![l1, l2, outer, first], vec![inner])
            } else {
                return Err("the points are in a different order".into());
            }
        }
        "menelaus" | "menelaus_line" | "ceva" | "ceva_line" => {
            let [a, b, c, d, e, g] = [p[0], p[1], p[2], p[3], p[4], p[5]];
            f.turn(a, b, c)?;
            let mut required = vec![f.line(b, d, c)?, f.line(c, e, a)?, f.line(a, g, b)?];
            let t = [
                (b, d, 1),
                (d, c, -1),
                (c, e, 1),
                (e, a, -1),
                (a, g, 1),
                (g, b, -1),
            ];
            let product = f.logs(&t, &one(), one())?;
            let last = if name.starts_with('m') {
                f.line(d, e, g)?
            } else {
                f.crossing(b, e, c, g)?;
                required.extend([f.line(b, p[6], e)?, f.line(c, p[6], g)?]);
                f.line(a, p[6], d)?
            };
            let (given, shown) = if name.ends_with("line") {
                (product, last)
            } else {
                (last, product)
            };
            required.push(given);
            (required, vec![shown])
        }
        "isogonal" => {
            let [a, b, c, x, y] = [p[0], p[1], p[2], p[3], p[4]];
            f.turn(a, b, c)?;
            f.turn(a, b, x)?;
            f.turn(a, b, y)?;
            let at = |v: Pt, s: Pt, t: Pt| f.dirs(&[(v, x, 1), (v, y, 1), (v, s, -1), (v, t, -1)], zero());
            (vec![at(a, b, c)?, at(b, c, a)?], vec![at(c, a, b)?])
        }
        "same_lines" | "same_line_circle" | "same_circles" => {
            let (x, y, z) = (p[0], p[1], p[2]);
            let (s, t) = match name {
                "same_lines" => (&p[3..5], &p[5..7]),
                "same_line_circle" => (&p[3..5], &p[5..8]),
                _ => (&p[3..6], &p[6..9]),
            };
            if x == y || f.len(x, y) > 1e-8 {
                return Err("the two points are drawn apart".into());
            }
            let mut required = Vec::new();
            for (locus, v) in [(s, x), (s, y), (t, x), (t, y)] {
                required.extend(f.on(locus, v)?);
            }
            if (f.tangent(s, x) - f.tangent(t, x)).sin().abs() < 1e-5 {
                return Err("the loci touch".into());
            }
            (required, same(f, x, y, z)?)
        }
        _ => return Err(format!("unknown rule `{name}`")),
    })
}
