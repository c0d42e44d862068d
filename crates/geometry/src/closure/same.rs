//! Two names of one point: both on two loci that cross there.

use super::rows::{Row, cong, dir_row, log_row, same_rows};
use super::rules::{Instance, Rule};
use crate::figure::Figure;
use crate::lang::atom::{Frac, Pt};
use num_traits::{One, Zero};

/// [`super::rules::instance`] for the rules of two points x, y drawn at one place; z is any other point.
pub(super) fn same_instance(f: &Figure, rule: Rule, p: &[Pt]) -> Option<Instance> {
    let [x, y, z] = [p[0], p[1], p[2]];
    if !f.same(x, y) || x == y {
        return None;
    }
    let mut kinds = rule.name().bytes().rev().take(2).collect::<Vec<u8>>();
    kinds.reverse();
    let (first, second) = p[3..].split_at(if matches!(kinds[0], b'l' | b'o') { 1 } else { 2 });
    let (g, premise) = locus(f, kinds[0], first, x, y)?;
    let (h, other) = locus(f, kinds[1], second, x, y)?;
    let size = g[0].hypot(g[1]) * h[0].hypot(h[1]);
    if (g[0] * h[1] - g[1] * h[0]).abs() < 1e-4 * size {
        return None;
    }
    Some(Instance {
        premises: vec![premise, other],
        conclusions: same_rows(f, x, y, z)?,
    })
}

/// "`x` and `y` are on one locus" as a row, and the locus's normal at `x`. Kinds: `l` the line from c, `a` the
/// circle of an equal angle over cd, `o` the circle about c, `r` the points with one ratio of distances to c, d.
fn locus(f: &Figure, kind: u8, l: &[Pt], x: Pt, y: Pt) -> Option<([f64; 2], Row)> {
    let inverse = |c: Pt| {
        let v = f.vec(c, x);
        let d2 = v[0] * v[0] + v[1] * v[1];
        [v[0] / d2, v[1] / d2]
    };
    if l.iter().any(|&c| f.same(c, x)) {
        return None;
    }
    let one = Frac::one();
    let u = inverse(l[0]);
    let difference = || {
        let w = inverse(l[1]);
        [u[0] - w[0], u[1] - w[1]]
    };
    let turned = |g: [f64; 2]| [-g[1], g[0]];
    Some(match kind {
        b'l' => (
            turned(u),
            dir_row(f, &[(l[0], x, 1), (l[0], y, -1)], Frac::zero())?,
        ),
        b'o' => (u, cong(f, l[0], x, l[0], y)?),
        b'a' => {
            let t = [(l[0], x, 1), (l[1], x, -1), (l[0], y, -1), (l[1], y, 1)];
            (
                turned(difference()),
                dir_row(f, &t, Frac::zero()).filter(|_| !f.flat(l[0], l[1], x))?,
            )
        }
        _ => {
            let t = [(l[0], x, 1), (l[1], x, -1), (l[0], y, -1), (l[1], y, 1)];
            (difference(), log_row(f, &t, one, one)?)
        }
    })
}
