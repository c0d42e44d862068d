//! The checker's figures and rows.

use num_rational::BigRational as Q;
use num_traits::{One, Signed, ToPrimitive, Zero};
use std::collections::BTreeMap;
use std::f64::consts::PI;

const FALSE: f64 = 1e-6;
pub(super) const APART: f64 = 1e-7;
pub(super) const FLAT: f64 = 1e-7;

pub(super) type Pt = u8;

/// A variable: a pair of points, the sine of an angle (vertex first), or a constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    Pair(Pt, Pt),
    Sine(Pt, Pt, Pt),
    Const(u32),
}

/// A variable with its coefficient.
pub(super) type Term = (Key, Q);

pub(super) fn pair(a: Pt, b: Pt, c: Q) -> Term {
    (Key::Pair(a.min(b), a.max(b)), c)
}

pub(super) fn sine(x: Pt, v: Pt, y: Pt, c: Q) -> Term {
    (Key::Sine(v, x.min(y), x.max(y)), c)
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row {
    pub table: char,
    pub terms: BTreeMap<Key, Q>,
}

impl Row {
    /// Scaled so that the first coefficient is 1: equal equations compare equal.
    pub fn normal(mut self) -> Row {
        self.terms.retain(|_, c| !c.is_zero());
        if let Some(c) = self.terms.values().next().cloned() {
            self.terms.values_mut().for_each(|x| *x /= &c);
        }
        self
    }
}

pub(super) type Checked<T> = Result<T, String>;

pub(super) fn q(n: i64) -> Q {
    Q::from_integer(n.into())
}

pub(super) fn number(text: &str) -> Checked<Q> {
    if text.len() > 400 {
        return Err("a number is too long".into());
    }
    text.parse()
        .map_err(|_| format!("`{text}` is neither a known point nor a rational number"))
}

pub(super) fn float(x: &Q) -> f64 {
    x.to_f64().unwrap_or(f64::NAN)
}

/// Coordinates scaled to unit size about the origin.
pub(super) struct Figure {
    pub p: Vec<[f64; 2]>,
    /// Length of the given unit, where lengths are given.
    pub unit: Option<f64>,
}

impl Figure {
    pub fn new(xy: &[[f64; 2]], n: usize) -> Checked<Self> {
        if xy.len() != n || n == 0 || xy.iter().flatten().any(|v| !v.is_finite() || v.abs() > 1e12) {
            return Err("a figure needs one finite coordinate pair for each point".into());
        }
        let mean = |g: &dyn Fn(&[f64; 2]) -> f64| xy.iter().map(g).sum::<f64>() / n as f64;
        let c = [mean(&|p| p[0]), mean(&|p| p[1])];
        let r = mean(&|p| (p[0] - c[0]).powi(2) + (p[1] - c[1]).powi(2)).sqrt();
        if r < 1e-200 {
            return Err("all points coincide".into());
        }
        let p = xy
            .iter()
            .map(|p| [(p[0] - c[0]) / r, (p[1] - c[1]) / r])
            .collect();
        Ok(Figure { p, unit: None })
    }

    pub fn v(&self, a: Pt, b: Pt) -> [f64; 2] {
        let (s, t) = (self.p[a as usize], self.p[b as usize]);
        [t[0] - s[0], t[1] - s[1]]
    }

    pub fn len(&self, a: Pt, b: Pt) -> f64 {
        let v = self.v(a, b);
        v[0].hypot(v[1])
    }

    pub fn apart(&self, a: Pt, b: Pt) -> Checked<()> {
        let apart = a != b && self.len(a, b) > APART;
        apart
            .then_some(())
            .ok_or("two points of a relation coincide".into())
    }

    pub fn dir(&self, a: Pt, b: Pt) -> f64 {
        // the pair is unordered: always from the smaller id
        let v = if a < b { self.v(a, b) } else { self.v(b, a) };
        let t = v[1].atan2(v[0]).rem_euclid(PI);
        if t >= PI { 0.0 } else { t }
    }

    pub fn dot(&self, o: Pt, a: Pt, b: Pt) -> f64 {
        let (u, w) = (self.v(o, a), self.v(o, b));
        u[0] * w[0] + u[1] * w[1]
    }

    pub fn sine(&self, o: Pt, a: Pt, b: Pt) -> f64 {
        let (u, w) = (self.v(o, a), self.v(o, b));
        (u[0] * w[1] - u[1] * w[0]) / (u[0].hypot(u[1]) * w[0].hypot(w[1]))
    }

    /// The angle at `o`, between 0 and pi.
    pub fn angle(&self, o: Pt, a: Pt, b: Pt) -> f64 {
        let size = self.len(o, a) * self.len(o, b);
        (self.sine(o, a, b).abs() * size).atan2(self.dot(o, a, b))
    }

    /// Orientation +1 or -1; an error if flat.
    pub fn turn(&self, a: Pt, b: Pt, c: Pt) -> Checked<i64> {
        for (x, y) in [(a, b), (b, c), (a, c)] {
            self.apart(x, y)?;
        }
        let all = [self.sine(a, b, c), self.sine(b, c, a), self.sine(c, a, b)];
        let turn = all.into_iter().find(|s| s.abs() > FLAT);
        turn.map(|s| s.signum() as i64).ok_or("a triangle is flat".into())
    }

    pub fn crossing(&self, a: Pt, b: Pt, c: Pt, d: Pt) -> Checked<()> {
        let cross = (self.dir(a, b) - self.dir(c, d)).sin().abs() > FLAT;
        cross
            .then_some(())
            .ok_or("two lines that must cross are parallel".into())
    }

    /// Which of three collinear points is between the others.
    pub fn middle(&self, a: Pt, b: Pt, c: Pt) -> usize {
        let negative = [self.dot(a, b, c), self.dot(b, a, c)].map(|d| d < 0.0);
        negative.iter().position(|n| *n).unwrap_or(2)
    }

    /// The value of a variable.
    fn variable(&self, k: Key, table: char) -> Checked<f64> {
        Ok(match (k, table) {
            (Key::Pair(a, b), t) => {
                self.apart(a, b)?;
                match t {
                    'D' => self.dir(a, b) / PI,
                    'M' => self.len(a, b).ln(),
                    'L' => self.len(a, b),
                    _ => self.len(a, b).powi(2),
                }
            }
            (Key::Sine(v, x, y), 'M') => {
                self.turn(v, x, y)?;
                self.sine(v, x, y).abs().ln()
            }
            (Key::Const(0), 'D') => 1.0,
            (Key::Const(p), 'M') if p > 1 => f64::from(p).ln(),
            (Key::Const(0), 'L') => self.unit.ok_or("no unit of length is given")?,
            (Key::Const(0), 'S') => self.unit.ok_or("no unit of length is given")?.powi(2),
            _ => return Err("a variable in the wrong table".into()),
        })
    }

    /// The value of a row on the figure, not counting multiples of pi, and the size of its terms.
    fn value(&self, r: &Row) -> Checked<(f64, f64)> {
        let (mut sum, mut size) = (0.0, 0.0);
        for (k, c) in &r.terms {
            let x = self.variable(*k, r.table)? * float(c);
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
            let mut pairs = r.terms.iter().filter(|t| !matches!(t.0, Key::Const(_)));
            if pairs.any(|t| !t.1.is_integer()) {
                return Err("a relation modulo pi needs integer coefficients".into());
            }
            *r.terms.entry(Key::Const(0)).or_insert_with(Q::zero) -= q(k as i64);
        }
        r.terms.retain(|_, c| !c.is_zero());
        Ok(r)
    }

    /// A row; an error if points of it coincide or it is false on the figure.
    pub fn row(&self, table: char, all: impl IntoIterator<Item = Term>) -> Checked<Row> {
        let mut terms: BTreeMap<Key, Q> = BTreeMap::new();
        for (k, c) in all {
            if !matches!(k, Key::Const(_)) {
                self.variable(k, table)?;
            }
            *terms.entry(k).or_insert_with(Q::zero) += c;
        }
        terms.retain(|_, c| !c.is_zero());
        self.settle(Row { table, terms })
    }

    /// `sum of terms = log ratio` in table M.
    pub fn log_row(&self, mut terms: Vec<Term>, ratio: &Q) -> Checked<Row> {
        for (mut n, sign) in [(ratio.numer().clone(), -1), (ratio.denom().clone(), 1)] {
            for p in 2u32..60 {
                while n.is_positive() && (&n % p).is_zero() {
                    n /= p;
                    terms.push((Key::Const(p), q(sign)));
                }
            }
            if !n.is_one() {
                return Err("a ratio must be positive, without prime factors above 59".into());
            }
        }
        self.row('M', terms)
    }

    /// Two rows define the point `x`: their gradients as functions of `x` are independent.
    pub fn transversal(&self, rows: &[Row], x: Pt) -> Checked<()> {
        let gradient = |r: &Row| -> Checked<[f64; 2]> {
            let mut g = [0.0; 2];
            for (k, c) in &r.terms {
                let other = match *k {
                    Key::Pair(a, b) if a == x => b,
                    Key::Pair(a, b) if b == x => a,
                    Key::Sine(..) => return Err("a sine defines no point".into()),
                    _ => continue,
                };
                let v = self.v(other, x);
                let d = self.len(other, x);
                let (v, power) = match r.table {
                    'D' => ([-v[1] / PI, v[0] / PI], 2),
                    'M' => (v, 2),
                    'L' => (v, 1),
                    _ => ([2.0 * v[0], 2.0 * v[1]], 0),
                };
                (0..2).for_each(|i| g[i] += float(c) * v[i] / d.powi(power));
            }
            Ok(g)
        };
        let [r, s] = rows else {
            return Err(format!("{} equations instead of 2", rows.len()));
        };
        let (g, h) = (gradient(r)?, gradient(s)?);
        let size = g[0].hypot(g[1]) * h[0].hypot(h[1]);
        let crossing = size > 1e-9 && (g[0] * h[1] - g[1] * h[0]).abs() > 1e-5 * size;
        crossing
            .then_some(())
            .ok_or("the two defining equations do not cross transversally".into())
    }
}
