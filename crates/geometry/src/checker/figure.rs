//! The checker's figures and rows.

use num_rational::BigRational as Q;
use num_traits::{ToPrimitive, Zero};
use std::collections::BTreeMap;
use std::f64::consts::PI;

const FALSE: f64 = 1e-6;
pub(super) const APART: f64 = 1e-7;
pub(super) const FLAT: f64 = 1e-7;

pub(super) type Pt = u8;

/// A variable: a pair of points or a constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    Pair(Pt, Pt),
    Const(u32),
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
        .map_err(|_| format!("`{text}` is not a rational number"))
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

    pub fn v(&self, a: Pt, b: Pt) -> [f64; 2] {
        let (s, t) = (self.p[a as usize], self.p[b as usize]);
        [t[0] - s[0], t[1] - s[1]]
    }

    pub fn len(&self, a: Pt, b: Pt) -> f64 {
        let v = self.v(a, b);
        v[0].hypot(v[1])
    }

    pub fn apart(&self, a: Pt, b: Pt) -> Checked<()> {
        if a != b && self.len(a, b) > APART {
            Ok(())
        } else {
            Err("two points of a relation coincide".into())
        }
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

    /// Orientation +1 or -1; an error if flat.
    pub fn turn(&self, a: Pt, b: Pt, c: Pt) -> Checked<i64> {
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

    pub fn crossing(&self, a: Pt, b: Pt, c: Pt, d: Pt) -> Checked<()> {
        if (self.dir(a, b) - self.dir(c, d)).sin().abs() > FLAT {
            Ok(())
        } else {
            Err("two lines that must cross are parallel".into())
        }
    }

    /// Which of three collinear points is between the others.
    pub fn middle(&self, a: Pt, b: Pt, c: Pt) -> usize {
        if self.dot(a, b, c) < 0.0 {
            0
        } else if self.dot(b, a, c) < 0.0 {
            1
        } else {
            2
        }
    }

    /// The value of a row on the figure, not counting multiples of pi, and the size of its terms.
    pub fn value(&self, r: &Row) -> Checked<(f64, f64)> {
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
    pub fn settle(&self, mut r: Row) -> Checked<Row> {
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

    pub fn row(&self, table: char, terms: &[(Pt, Pt, Q)], constants: &[(u32, Q)]) -> Checked<Row> {
        let mut t: BTreeMap<Key, Q> = BTreeMap::new();
        for (a, b, c) in terms {
            self.apart(*a, *b)?;
            *t.entry(Key::Pair(*a.min(b), *a.max(b))).or_insert_with(Q::zero) += c;
        }
        for (k, c) in constants {
            *t.entry(Key::Const(*k)).or_insert_with(Q::zero) += c;
        }
        t.retain(|_, c| !c.is_zero());
        self.settle(Row { table, terms: t })
    }

    /// `sum of coefficient * log length = log ratio`.
    pub fn log_row(&self, terms: &[(Pt, Pt, Q)], ratio: &Q) -> Checked<Row> {
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
                constants.push((p, q(-e)));
            }
        }
        if n != 1 || d != 1 {
            return Err("a ratio has a prime factor above 59".into());
        }
        self.row('M', terms, &constants)
    }

    /// Direction at the place of `x` of the line through two points or the circle through three.
    pub fn tangent(&self, locus: &[Pt], x: Pt) -> Checked<f64> {
        if let [a, b] = *locus {
            return Ok(self.dir(a, b));
        }
        self.turn(locus[0], locus[1], locus[2])?;
        let (u, w) = (self.v(locus[0], locus[1]), self.v(locus[0], locus[2]));
        let d = 2.0 * (u[0] * w[1] - u[1] * w[0]);
        let (uu, ww) = (u[0] * u[0] + u[1] * u[1], w[0] * w[0] + w[1] * w[1]);
        let p = self.p[locus[0] as usize];
        let o = [
            p[0] + (w[1] * uu - u[1] * ww) / d,
            p[1] + (u[0] * ww - w[0] * uu) / d,
        ];
        let at = self.p[x as usize];
        Ok((at[1] - o[1]).atan2(at[0] - o[0]) + PI / 2.0)
    }

    /// Cosine of the angle at `o`.
    pub fn cosine(&self, o: Pt, a: Pt, b: Pt) -> f64 {
        self.dot(o, a, b) / (self.len(o, a) * self.len(o, b))
    }
}
