//! Atoms as polynomial equations in coordinates, and the conics they are as conditions on one point.

use super::field::Field;
use crate::lang::atom::{Atom, Frac, Pred, Pt};

/// A polynomial equation between coordinates of points.
pub(super) enum Equation {
    /// The product of directions (conjugated for negative powers), turned by `-kappa pi`, is real.
    Direction(Vec<(Pt, Pt, i64)>, Frac),
    /// The product of squared distances to integer powers is a constant.
    Product(Vec<(Pt, Pt, i64)>, Frac),
    /// The sum of squared distances with coefficients is zero.
    Sum(Vec<(Pt, Pt, Frac)>),
    /// One coordinate (0 or 1): twice the first point is the sum of the two others.
    Middle(Pt, Pt, Pt, usize),
}

/// Places of points.
pub(super) type Places = [[u64; 2]];

fn vector(f: Field, at: &Places, a: Pt, b: Pt) -> [u64; 2] {
    let (p, q) = (at[a as usize], at[b as usize]);
    [f.sub(q[0], p[0]), f.sub(q[1], p[1])]
}

fn norm(f: Field, at: &Places, a: Pt, b: Pt) -> u64 {
    let v = vector(f, at, a, b);
    f.add(f.mul(v[0], v[0]), f.mul(v[1], v[1]))
}

impl Equation {
    /// The value that is zero when the equation holds.
    pub fn value(&self, f: Field, at: &Places) -> u64 {
        match self {
            Equation::Direction(terms, kappa) => {
                let mut z = f.rotation(-*kappa.numer(), *kappa.denom()).unwrap_or([1, 0]);
                for &(a, b, c) in terms {
                    let mut v = vector(f, at, a, b);
                    if c < 0 {
                        v[1] = f.sub(0, v[1]);
                    }
                    (0..c.abs()).for_each(|_| z = f.complex(z, v));
                }
                z[1]
            }
            Equation::Product(terms, constant) => {
                let (mut left, mut right) = (1, f.fraction(*constant.numer(), *constant.denom()));
                for &(a, b, c) in terms {
                    let side = if c > 0 { &mut left } else { &mut right };
                    *side = f.mul(*side, f.power(norm(f, at, a, b), c.unsigned_abs()));
                }
                f.sub(left, right)
            }
            Equation::Sum(terms) => terms.iter().fold(0, |s, (a, b, c)| {
                f.add(s, f.mul(f.fraction(*c.numer(), *c.denom()), norm(f, at, *a, *b)))
            }),
            Equation::Middle(m, a, b, axis) => {
                let c = |p: &Pt| at[*p as usize][*axis];
                f.sub(f.add(c(m), c(m)), f.add(c(a), c(b)))
            }
        }
    }

    /// No pair of points whose direction or length is spoken of coincides.
    pub fn proper(&self, at: &Places) -> bool {
        let apart = |a: Pt, b: Pt| at[a as usize] != at[b as usize];
        match self {
            Equation::Direction(t, _) | Equation::Product(t, _) => t.iter().all(|t| apart(t.0, t.1)),
            _ => true,
        }
    }
}

/// The equations of an atom; `None` if it is not polynomial in this form. Diagram checks have none.
pub(super) fn equations(atom: &Atom) -> Option<Vec<Equation>> {
    use Pred::*;
    let p = &atom.pts;
    let zero = Frac::from_integer(0);
    let one = Frac::from_integer(1);
    let dir = |t: &[(Pt, Pt, i64)], k: Frac| {
        let allowed = [1, 2, 3, 4, 6].contains(k.denom());
        allowed.then(|| Equation::Direction(t.to_vec(), k))
    };
    let len = |t: &[(Pt, Pt, i64)], k: Frac| Equation::Product(t.to_vec(), k);
    let cong = |a, b, c, d| len(&[(a, b, 1), (c, d, -1)], one);
    let coll = |a: Pt, b: Pt, c: Pt| dir(&[(a, b, 1), (a, c, -1)], zero);
    Some(match atom.pred {
        Coll => (2..p.len())
            .map(|i| coll(p[0], p[1], p[i]))
            .collect::<Option<_>>()?,
        Cyclic => (3..p.len())
            .map(|i| {
                let t = [
                    (p[2], p[1], 1),
                    (p[2], p[0], -1),
                    (p[i], p[1], -1),
                    (p[i], p[0], 1),
                ];
                dir(&t, zero)
            })
            .collect::<Option<_>>()?,
        Circle => (2..p.len()).map(|i| cong(p[0], p[1], p[0], p[i])).collect(),
        Para => vec![dir(&[(p[0], p[1], 1), (p[2], p[3], -1)], zero)?],
        Perp => vec![dir(&[(p[0], p[1], 1), (p[2], p[3], -1)], Frac::new(1, 2))?],
        EqAngle => {
            let t = [
                (p[2], p[3], 1),
                (p[0], p[1], -1),
                (p[6], p[7], -1),
                (p[4], p[5], 1),
            ];
            vec![dir(&t, zero)?]
        }
        AConst => vec![dir(&[(p[2], p[3], 1), (p[0], p[1], -1)], atom.nums[0])?],
        SAngle => vec![dir(&[(p[1], p[2], 1), (p[1], p[0], -1)], atom.nums[0])?],
        Cong => vec![cong(p[0], p[1], p[2], p[3])],
        EqRatio => vec![len(
            &[
                (p[0], p[1], 1),
                (p[2], p[3], -1),
                (p[4], p[5], -1),
                (p[6], p[7], 1),
            ],
            one,
        )],
        RConst => vec![len(
            &[(p[0], p[1], 1), (p[2], p[3], -1)],
            atom.nums[0] * atom.nums[0],
        )],
        R2Const => vec![len(&[(p[0], p[1], 1), (p[2], p[3], -1)], atom.nums[0])],
        SqSEq => {
            let t = p.chunks_exact(2).zip(&atom.nums).map(|(c, k)| (c[0], c[1], *k));
            vec![Equation::Sum(t.collect())]
        }
        Midp => vec![
            Equation::Middle(p[0], p[1], p[2], 0),
            Equation::Middle(p[0], p[1], p[2], 1),
        ],
        SimTri | SimTriR | ConTri | ConTriR => {
            let s = if matches!(atom.pred, SimTri | ConTri) {
                1
            } else {
                -1
            };
            let mut out = Vec::new();
            for (i, j, k) in [(0, 1, 2), (1, 2, 0)] {
                let t = [
                    (p[i], p[k], 1),
                    (p[i], p[j], -1),
                    (p[3 + i], p[3 + k], -s),
                    (p[3 + i], p[3 + j], s),
                ];
                out.push(dir(&t, zero)?);
            }
            if matches!(atom.pred, ConTri | ConTriR) {
                out.push(cong(p[0], p[1], p[3], p[4]));
            }
            out
        }
        _ if atom.pred.is_diagram_check() => vec![],
        _ => return None,
    })
}

/// `c + x X + y Y + xx X^2 + xy XY + yy Y^2`, in that order.
pub(super) type Conic = [u64; 6];

/// The conic an equation is as a condition on one point; `None` if its degree is higher.
pub(super) fn conic(
    f: Field,
    e: &Equation,
    x: Pt,
    at: &mut Places,
    random: &mut dyn FnMut() -> u64,
) -> Option<Conic> {
    let old = at[x as usize];
    let mut value = |p: [u64; 2]| {
        at[x as usize] = p;
        let v = e.value(f, at);
        at[x as usize] = old;
        v
    };
    let c = value([0, 0]);
    let along = |one: u64, two: u64| {
        // value 1: c + b + a, value 2: c + 2b + 4a
        let a = f.div(f.add(f.sub(two, f.add(one, one)), c), 2);
        (f.sub(f.sub(one, c), a), a)
    };
    let (bx, ax) = along(value([1, 0]), value([2, 0]));
    let (by, ay) = along(value([0, 1]), value([0, 2]));
    let rest = [bx, ax, by, ay].into_iter().fold(c, |s, v| f.add(s, v));
    let q = [c, bx, by, ax, f.sub(value([1, 1]), rest), ay];
    let test = [random(), random()];
    (at_point(f, &q, test) == value(test)).then_some(q)
}

/// The value of a conic.
pub(super) fn at_point(f: Field, q: &Conic, [x, y]: [u64; 2]) -> u64 {
    let terms = [1, x, y, f.mul(x, x), f.mul(x, y), f.mul(y, y)];
    q.iter().zip(terms).fold(0, |s, (a, b)| f.add(s, f.mul(*a, b)))
}
