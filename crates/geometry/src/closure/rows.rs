//! Rows: linear relations between directions (unit pi), log lengths, lengths or squared lengths of point pairs.

use crate::algebra::table::{CONSTANTS, Var};
use crate::figure::Figure;
use crate::lang::atom::{Atom, Frac, MAX_POINTS, Pred, Pt};
use num_traits::{Signed, Zero};

/// The four tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tab {
    /// Directions; constant variable 0 is pi.
    D = 0,
    /// Logarithms of lengths; constant variable `i` is the logarithm of the `i`-th prime.
    M = 1,
    /// Lengths; constant variable 0 is the unit of given lengths.
    L = 2,
    /// Squared lengths; constant variable 0 is the squared unit.
    S = 3,
}

/// All tables.
pub const TABS: [Tab; 4] = [Tab::D, Tab::M, Tab::L, Tab::S];

/// Primes whose logarithms are constants of table M.
pub const PRIMES: [i64; CONSTANTS as usize] = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53];

/// Numeric tolerance for rows on a normalised figure.
const NEAR: f64 = 1e-6;

/// `sum of coefficient * variable = 0` in one table; terms sorted by variable, no zero coefficient.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Row {
    /// Which table.
    pub tab: Tab,
    /// The terms.
    pub terms: Vec<(Var, Frac)>,
}

/// The variable of a pair of points. Pairs are numbered so that new points append.
#[inline]
pub fn pair(a: Pt, b: Pt) -> Var {
    let (i, j) = if a < b {
        (a as u16, b as u16)
    } else {
        (b as u16, a as u16)
    };
    CONSTANTS + j * (j - 1) / 2 + i
}

/// Number of variables of a table for `n` points.
pub fn variables(n: usize) -> usize {
    CONSTANTS as usize + n * n.saturating_sub(1) / 2
}

/// Sines are spoken of in figures of at most so many points.
pub const MAX_SINE_POINTS: usize = 40;
/// The first variable of table M that is the logarithm of a sine.
pub const SINES: Var = 0x8000;

/// The variable (table M) of log |sin| of the angle at `v` between `x` and `y`; points below
/// [`MAX_SINE_POINTS`].
pub fn sine(v: Pt, x: Pt, y: Pt) -> Var {
    SINES + (pair(x, y) - CONSTANTS) * MAX_SINE_POINTS as Var + Var::from(v)
}

/// Vertex and sides of a sine variable.
pub fn sine_of(var: Var) -> Option<(Pt, Pt, Pt)> {
    let k = var.checked_sub(SINES)?;
    let (x, y) = pair_of(k / MAX_SINE_POINTS as Var + CONSTANTS)?;
    Some(((k % MAX_SINE_POINTS as Var) as Pt, x, y))
}

/// The pair of a variable.
pub fn pair_of(v: Var) -> Option<(Pt, Pt)> {
    let k = v.checked_sub(CONSTANTS)?;
    let j = (1..=MAX_POINTS as u16).find(|j| k < j * (j + 1) / 2)?;
    Some(((k - j * (j - 1) / 2) as Pt, j as Pt))
}

/// One term over a pair of points.
pub type Term = (Pt, Pt, i64);

fn collect(tab: Tab, terms: impl Iterator<Item = (Var, Frac)>) -> Row {
    let mut t: Vec<(Var, Frac)> = terms.collect();
    t.sort_unstable_by_key(|x| x.0);
    let mut out: Vec<(Var, Frac)> = Vec::with_capacity(t.len());
    for (v, c) in t {
        match out.last_mut() {
            Some(l) if l.0 == v => l.1 += c,
            _ => out.push((v, c)),
        }
    }
    out.retain(|x| !x.1.is_zero());
    Row { tab, terms: out }
}

fn apart(f: &Figure, terms: &[Term]) -> bool {
    terms.iter().all(|t| !f.same(t.0, t.1))
}

fn int(k: i64) -> Frac {
    Frac::from_integer(k)
}

fn float(q: &Frac) -> f64 {
    *q.numer() as f64 / *q.denom() as f64
}

/// `sum of coefficient * direction = kappa` modulo pi; the multiple of pi is read off the figure.
/// `None` if a pair coincides or the relation is false on the figure.
pub fn dir_row(f: &Figure, terms: &[Term], kappa: Frac) -> Option<Row> {
    if !apart(f, terms) {
        return None;
    }
    let value: f64 = terms.iter().map(|t| t.2 as f64 * f.theta(t.0, t.1)).sum::<f64>() / std::f64::consts::PI;
    let value = value - float(&kappa);
    let k = value.round();
    if (value - k).abs() > NEAR {
        return None;
    }
    let constant = -(kappa + int(k as i64));
    Some(collect(
        Tab::D,
        terms
            .iter()
            .map(|t| (pair(t.0, t.1), int(t.2)))
            .chain([(0, constant)]),
    ))
}

/// Prime factorisation over [`PRIMES`]; `None` if another prime divides.
pub fn factor(q: &Frac) -> Option<Vec<(Var, i64)>> {
    if !q.is_positive() {
        return None;
    }
    let (mut n, mut d) = (*q.numer(), *q.denom());
    let mut out = Vec::new();
    for (i, p) in PRIMES.iter().enumerate() {
        let mut e = 0;
        while n % p == 0 {
            n /= p;
            e += 1;
        }
        while d % p == 0 {
            d /= p;
            e -= 1;
        }
        if e != 0 {
            out.push((i as Var, e));
        }
    }
    (n == 1 && d == 1).then_some(out)
}

/// `sum of coefficient * log length = half * log q`, halves allowed through `half` = 1/2.
pub fn log_row(f: &Figure, terms: &[Term], q: Frac, half: Frac) -> Option<Row> {
    sine_row(f, terms, &[], q, half)
}

/// A sine in a row: vertex, two points on the sides, coefficient.
pub type SineTerm = (Pt, Pt, Pt, i64);

/// [`log_row`] with logarithms of sines added.
pub fn sine_row(f: &Figure, terms: &[Term], sines: &[SineTerm], q: Frac, half: Frac) -> Option<Row> {
    let wild = |s: &SineTerm| f.flat(s.0, s.1, s.2) || f.xy.len() > MAX_SINE_POINTS;
    if !apart(f, terms) || sines.iter().any(wild) {
        return None;
    }
    let value: f64 = terms.iter().map(|t| t.2 as f64 * f.dist(t.0, t.1).ln()).sum();
    let sine_value = |s: &SineTerm| s.3 as f64 * f.sine(s.0, s.1, s.2).abs().ln();
    let value = value + sines.iter().map(sine_value).sum::<f64>();
    if (value - float(&half) * float(&q).ln()).abs() > NEAR {
        return None;
    }
    let constants = factor(&q)?;
    let constants = constants.into_iter().map(|(v, e)| (v, -half * int(e)));
    Some(collect(
        Tab::M,
        terms
            .iter()
            .map(|t| (pair(t.0, t.1), int(t.2)))
            .chain(sines.iter().map(|s| (sine(s.0, s.1, s.2), int(s.3))))
            .chain(constants),
    ))
}

/// `sum of coefficient * length (or squared length) = 0`.
pub fn sum_row(f: &Figure, tab: Tab, terms: &[(Pt, Pt, Frac)]) -> Option<Row> {
    if terms.iter().any(|t| f.same(t.0, t.1)) {
        return None;
    }
    let power = if tab == Tab::L { 1 } else { 2 };
    let (mut value, mut size) = (0.0, 0.0);
    for t in terms {
        let x = float(&t.2) * f.dist(t.0, t.1).powi(power);
        value += x;
        size += x.abs();
    }
    (value.abs() <= NEAR * size).then(|| collect(tab, terms.iter().map(|t| (pair(t.0, t.1), t.2))))
}

/// `|ab| = |cd|` in table M.
pub fn cong(f: &Figure, a: Pt, b: Pt, c: Pt, d: Pt) -> Option<Row> {
    log_row(f, &[(a, b, 1), (c, d, -1)], int(1), int(1))
}

/// `a`, `b`, `c` on a line: direction ab = direction ac.
pub fn coll(f: &Figure, a: Pt, b: Pt, c: Pt) -> Option<Row> {
    dir_row(f, &[(a, b, 1), (a, c, -1)], int(0))
}

/// `c` and `x` see `ab` under the same directed angle.
pub fn cyclic(f: &Figure, a: Pt, b: Pt, c: Pt, x: Pt) -> Option<Row> {
    dir_row(f, &[(c, b, 1), (c, a, -1), (x, b, -1), (x, a, 1)], int(0))
}

/// The rows an atom stands for. `None` if one of them cannot be written on the figure (coincident points, false).
/// `given lengths` use the unit constants.
pub fn atom_rows(f: &Figure, atom: &Atom) -> Option<Vec<Row>> {
    use Pred::*;
    let p = &atom.pts;
    let zero = int(0);
    let one = int(1);
    let dirs = |t: &[Term], k: Frac| dir_row(f, t, k);
    Some(match atom.pred {
        Coll => {
            let mut out = Vec::new();
            for k in 2..p.len() {
                for j in 1..k {
                    let [a, b, c] = [p[0], p[j], p[k]];
                    // two of them may be drawn at one place: seen from the third
                    let sees = |o: Pt, x: Pt, y: Pt| !f.same(o, x) && !f.same(o, y);
                    out.push(if sees(a, b, c) {
                        coll(f, a, b, c)?
                    } else if sees(b, a, c) {
                        coll(f, b, a, c)?
                    } else {
                        coll(f, c, a, b)?
                    });
                }
            }
            out
        }
        Cyclic => (3..p.len())
            .map(|i| cyclic(f, p[0], p[1], p[2], p[i]))
            .collect::<Option<_>>()?,
        Circle => (2..p.len())
            .map(|i| cong(f, p[0], p[1], p[0], p[i]))
            .collect::<Option<_>>()?,
        Para => vec![dirs(&[(p[0], p[1], 1), (p[2], p[3], -1)], zero)?],
        Perp => vec![dirs(&[(p[0], p[1], 1), (p[2], p[3], -1)], Frac::new(1, 2))?],
        EqAngle => {
            vec![dirs(
                &[
                    (p[2], p[3], 1),
                    (p[0], p[1], -1),
                    (p[6], p[7], -1),
                    (p[4], p[5], 1),
                ],
                zero,
            )?]
        }
        AConst => vec![dirs(&[(p[2], p[3], 1), (p[0], p[1], -1)], atom.nums[0])?],
        SAngle => vec![dirs(&[(p[1], p[2], 1), (p[1], p[0], -1)], atom.nums[0])?],
        Cong => vec![cong(f, p[0], p[1], p[2], p[3])?],
        EqRatio => vec![log_row(
            f,
            &[
                (p[0], p[1], 1),
                (p[2], p[3], -1),
                (p[4], p[5], -1),
                (p[6], p[7], 1),
            ],
            one,
            one,
        )?],
        RConst => vec![log_row(
            f,
            &[(p[0], p[1], 1), (p[2], p[3], -1)],
            atom.nums[0],
            one,
        )?],
        R2Const => vec![log_row(
            f,
            &[(p[0], p[1], 1), (p[2], p[3], -1)],
            atom.nums[0],
            Frac::new(1, 2),
        )?],
        LConst => {
            let q = atom.nums[0];
            vec![
                collect(Tab::L, [(pair(p[0], p[1]), one), (0, -q)].into_iter()),
                collect(Tab::S, [(pair(p[0], p[1]), one), (0, -q * q)].into_iter()),
            ]
        }
        L2Const => vec![collect(
            Tab::S,
            [(pair(p[0], p[1]), one), (0, -atom.nums[0])].into_iter(),
        )],
        AngEq => {
            let k = p.len() / 2;
            let denominator = atom.nums[..k].iter().map(|q| *q.denom()).max().unwrap_or(1);
            if denominator != 1 {
                return None; // directions are known modulo pi only
            }
            let terms: Vec<Term> = (0..k)
                .map(|i| (p[2 * i], p[2 * i + 1], *atom.nums[i].numer()))
                .collect();
            vec![dirs(&terms, -atom.nums[k])?]
        }
        DistMEq => {
            let k = p.len() / 2;
            if atom.nums[..k].iter().any(|q| *q.denom() != 1) {
                return None;
            }
            let terms: Vec<Term> = (0..k)
                .map(|i| (p[2 * i], p[2 * i + 1], *atom.nums[i].numer()))
                .collect();
            vec![log_row(f, &terms, atom.nums[k].recip(), one)?]
        }
        DistSEq | SqSEq => {
            let tab = if atom.pred == DistSEq { Tab::L } else { Tab::S };
            let terms: Vec<(Pt, Pt, Frac)> = (0..p.len() / 2)
                .map(|i| (p[2 * i], p[2 * i + 1], atom.nums[i]))
                .collect();
            vec![sum_row(f, tab, &terms)?]
        }
        Midp => vec![coll(f, p[0], p[1], p[2])?, cong(f, p[0], p[1], p[0], p[2])?],
        SimTri | SimTriR | ConTri | ConTriR => {
            let s = if matches!(atom.pred, SimTri | ConTri) {
                1
            } else {
                -1
            };
            let mut out = Vec::new();
            for (i, j, k) in [(0, 1, 2), (1, 2, 0), (2, 0, 1)] {
                out.push(dirs(
                    &[
                        (p[i], p[k], 1),
                        (p[i], p[j], -1),
                        (p[3 + i], p[3 + k], -s),
                        (p[3 + i], p[3 + j], s),
                    ],
                    zero,
                )?);
                if matches!(atom.pred, ConTri | ConTriR) {
                    out.push(cong(f, p[i], p[j], p[3 + i], p[3 + j])?);
                } else {
                    out.push(log_row(
                        f,
                        &[
                            (p[i], p[j], 1),
                            (p[j], p[k], -1),
                            (p[3 + i], p[3 + j], -1),
                            (p[3 + j], p[3 + k], 1),
                        ],
                        one,
                        one,
                    )?);
                }
            }
            out
        }
        Same => {
            let mut out = Vec::new();
            for x in 0..f.xy.len() as Pt {
                if !f.same(x, p[0]) && !f.same(x, p[1]) {
                    out.extend(same_rows(f, p[0], p[1], x)?);
                }
            }
            out
        }
        _ => return None,
    })
}

/// `a` and `b` are one point: every pair with `x` agrees.
pub fn same_rows(f: &Figure, a: Pt, b: Pt, x: Pt) -> Option<Vec<Row>> {
    let one = int(1);
    Some(vec![
        dir_row(f, &[(a, x, 1), (b, x, -1)], int(0))?,
        cong(f, a, x, b, x)?,
        sum_row(f, Tab::L, &[(a, x, one), (b, x, -one)])?,
        sum_row(f, Tab::S, &[(a, x, one), (b, x, -one)])?,
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_numbered_back_and_forth() {
        for b in 1..MAX_POINTS as Pt {
            for a in 0..b {
                assert_eq!(pair_of(pair(a, b)), Some((a, b)));
                assert_eq!(pair(a, b), pair(b, a));
            }
        }
        assert!((pair(58, 59) as usize) < variables(MAX_POINTS));
        assert_eq!(pair_of(3), None);
        assert_eq!(pair_of(sine(39, 38, 37)), None);
        for (v, x, y) in [(0, 1, 2), (39, 37, 38), (1, 0, 39)] {
            assert_eq!(sine_of(sine(v, y, x)), Some((v, x, y)));
        }
    }
}
