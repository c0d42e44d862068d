//! Atoms on a figure: equations to solve while drawing, and scale-free violations to judge a drawing by.

use super::Figure;
use crate::lang::atom::{Atom, Frac, Pred, Pt};
use std::f64::consts::PI;

fn float(q: &Frac) -> f64 {
    *q.numer() as f64 / *q.denom() as f64
}

/// Appends equations (zero when the atom holds), as smooth in the coordinates as possible: linear where the
/// locus of a point is a line, quadratic where it is a circle.
pub fn equations(atom: &Atom, xy: &[[f64; 2]], out: &mut Vec<f64>) {
    use Pred::*;
    let p = &atom.pts;
    let v = |a: Pt, b: Pt| {
        let (s, t) = (xy[a as usize], xy[b as usize]);
        [t[0] - s[0], t[1] - s[1]]
    };
    let cross = |u: [f64; 2], w: [f64; 2]| u[0] * w[1] - u[1] * w[0];
    let dot = |u: [f64; 2], w: [f64; 2]| u[0] * w[0] + u[1] * w[1];
    let sq = |a: Pt, b: Pt| dot(v(a, b), v(a, b));
    let len = |a: Pt, b: Pt| sq(a, b).sqrt();
    let th = |a: Pt, b: Pt| {
        let u = v(a, b);
        u[1].atan2(u[0])
    };
    let tri_angles = |flip: f64, out: &mut Vec<f64>| {
        let ang = |x: Pt, y: Pt, z: Pt| th(x, z) - th(x, y);
        out.push((ang(p[0], p[1], p[2]) - flip * ang(p[3], p[4], p[5])).sin());
        out.push((ang(p[1], p[2], p[0]) - flip * ang(p[4], p[5], p[3])).sin());
    };
    match atom.pred {
        Coll => (2..p.len()).for_each(|i| out.push(cross(v(p[i], p[0]), v(p[i], p[1])))),
        Cyclic => (3..p.len()).for_each(|i| {
            let s = th(p[2], p[1]) - th(p[2], p[0]) - th(p[i], p[1]) + th(p[i], p[0]);
            out.push(s.sin() * len(p[i], p[0]) * len(p[i], p[1]));
        }),
        Circle => (2..p.len()).for_each(|i| out.push(sq(p[0], p[i]) - sq(p[0], p[1]))),
        Para => out.push(cross(v(p[0], p[1]), v(p[2], p[3]))),
        Perp => out.push(dot(v(p[0], p[1]), v(p[2], p[3]))),
        EqAngle => {
            out.push((th(p[2], p[3]) - th(p[0], p[1]) - th(p[6], p[7]) + th(p[4], p[5])).sin());
        }
        AConst => out.push((th(p[2], p[3]) - th(p[0], p[1]) - PI * float(&atom.nums[0])).sin()),
        SAngle => out.push((th(p[1], p[2]) - th(p[1], p[0]) - PI * float(&atom.nums[0])).sin()),
        Cong => out.push(sq(p[0], p[1]) - sq(p[2], p[3])),
        EqRatio => out.push(len(p[0], p[1]) * len(p[6], p[7]) - len(p[2], p[3]) * len(p[4], p[5])),
        RConst => out.push(len(p[0], p[1]) - float(&atom.nums[0]) * len(p[2], p[3])),
        R2Const => out.push(sq(p[0], p[1]) - float(&atom.nums[0]) * sq(p[2], p[3])),
        LConst => out.push(len(p[0], p[1]) - float(&atom.nums[0])),
        L2Const => out.push(sq(p[0], p[1]) - float(&atom.nums[0])),
        AngEq => {
            let k = p.len() / 2;
            let s: f64 = (0..k)
                .map(|i| float(&atom.nums[i]) * th(p[2 * i], p[2 * i + 1]))
                .sum();
            out.push((s + PI * float(&atom.nums[k])).sin());
        }
        DistMEq => {
            let k = p.len() / 2;
            let s: f64 = (0..k)
                .map(|i| float(&atom.nums[i]) * len(p[2 * i], p[2 * i + 1]).ln())
                .sum();
            out.push(s + float(&atom.nums[k]).abs().ln());
        }
        DistSEq | SqSEq => {
            let f = |a, b| if atom.pred == DistSEq { len(a, b) } else { sq(a, b) };
            out.push(
                (0..p.len() / 2)
                    .map(|i| float(&atom.nums[i]) * f(p[2 * i], p[2 * i + 1]))
                    .sum(),
            );
        }
        Midp => {
            let (a, b) = (v(p[0], p[1]), v(p[0], p[2]));
            out.extend([a[0] + b[0], a[1] + b[1]]);
        }
        SimTri => tri_angles(1.0, out),
        SimTriR => tri_angles(-1.0, out),
        ConTri | ConTriR => {
            for (i, j) in [(0, 1), (1, 2), (2, 0)] {
                out.push(sq(p[i], p[j]) - sq(p[3 + i], p[3 + j]));
            }
            tri_angles(if atom.pred == ConTri { 1.0 } else { -1.0 }, out);
        }
        Same => out.extend(v(p[0], p[1])),
        ACompute | RCompute | NColl | NPara | NPerp | Diff | SameClock | SameSide | NSameSide | Between
        | Obtuse | Opposite | Together => {}
    }
}

/// How wrong the atom is on a normalised figure, without a scale: 0 when true, about 1 when far off.
/// Diagram checks give 0 or 1.
pub fn violation(atom: &Atom, f: &Figure) -> f64 {
    use Pred::*;
    let p = &atom.pts;
    let check = |ok: bool| if ok { 0.0 } else { 1.0 };
    let dot = |o: Pt, a: Pt, b: Pt| {
        let (u, w) = (f.vec(o, a), f.vec(o, b));
        u[0] * w[0] + u[1] * w[1]
    };
    let side = |a: Pt, l: Pt, m: Pt| f.sine(l, m, a);
    match atom.pred {
        Diff => return check(!f.same(p[0], p[1])),
        NColl => {
            let three = (0..p.len()).any(|i| (0..i).any(|j| (0..j).any(|k| !f.flat(p[i], p[j], p[k]))));
            return check(three);
        }
        NPara | NPerp => {
            let d = f.theta(p[0], p[1]) - f.theta(p[2], p[3]);
            return check(
                if atom.pred == NPara {
                    d.sin().abs()
                } else {
                    d.cos().abs()
                } > 1e-6,
            );
        }
        SameClock => return check(f.turn(p[0], p[1], p[2]) * f.turn(p[3], p[4], p[5]) > 0.0),
        SameSide => return check(dot(p[0], p[1], p[2]) * dot(p[3], p[4], p[5]) > 0.0),
        NSameSide => return check(dot(p[0], p[1], p[2]) * dot(p[3], p[4], p[5]) < 0.0),
        Between => return check(f.flat(p[0], p[1], p[2]) && dot(p[0], p[1], p[2]) < 0.0),
        Obtuse => return check(dot(p[1], p[0], p[2]) < 0.0),
        Opposite => return check(side(p[0], p[2], p[3]) * side(p[1], p[2], p[3]) < 0.0),
        Together => return check(side(p[0], p[2], p[3]) * side(p[1], p[2], p[3]) > 0.0),
        ACompute | RCompute => return 0.0,
        Same | Midp => {}
        Coll if p.len() == 3 && (f.same(p[0], p[1]) || f.same(p[1], p[2]) || f.same(p[0], p[2])) => {
            return 0.0;
        }
        _ => {
            // a relation of directions or lengths between coincident points says nothing that can be judged
            let pairs: Vec<(Pt, Pt)> = match atom.pred {
                Coll | Cyclic | Circle | SimTri | SimTriR | ConTri | ConTriR | SAngle => vec![],
                _ => p.chunks(2).map(|c| (c[0], c[1])).collect(),
            };
            let directional = matches!(atom.pred, Para | Perp | EqAngle | AConst | AngEq | SAngle);
            if directional && pairs.iter().any(|(a, b)| f.same(*a, *b)) {
                return 1.0;
            }
        }
    }
    let mut eqs = Vec::new();
    equations(atom, &f.xy, &mut eqs);
    // equations with a length dimension are compared with the lengths involved
    let norm = |i: usize| -> f64 {
        let d = |a: Pt, b: Pt| f.dist(a, b).max(SMALL);
        match atom.pred {
            Coll => d(p[i + 2], p[0]) * d(p[i + 2], p[1]),
            Cyclic => d(p[i + 3], p[0]) * d(p[i + 3], p[1]),
            Para | Perp => d(p[0], p[1]) * d(p[2], p[3]),
            Circle => d(p[0], p[1]).powi(2),
            Cong | R2Const => d(p[0], p[1]).powi(2),
            EqRatio => d(p[0], p[1]) * d(p[6], p[7]),
            RConst => d(p[0], p[1]),
            DistSEq => (0..p.len() / 2).map(|k| d(p[2 * k], p[2 * k + 1])).sum(),
            SqSEq => (0..p.len() / 2).map(|k| d(p[2 * k], p[2 * k + 1]).powi(2)).sum(),
            LConst | L2Const => f64::INFINITY, // a figure is known up to scale; see `lengths_agree`
            Midp => d(p[1], p[2]),
            ConTri | ConTriR if i < 3 => d(p[i], p[(i + 1) % 3]).powi(2),
            _ => 1.0,
        }
    };
    const SMALL: f64 = 1e-12;
    eqs.iter()
        .enumerate()
        .map(|(i, e)| e.abs() / norm(i))
        .fold(0.0, |m: f64, x| if x > m || x.is_nan() { x } else { m })
}

/// Given lengths (`lconst`, `l2const`) must ask for one common scale.
pub fn lengths_agree<'a>(atoms: impl Iterator<Item = &'a Atom>, f: &Figure) -> bool {
    let mut scale: Option<f64> = None;
    for a in atoms {
        let want = match a.pred {
            Pred::LConst => float(&a.nums[0]),
            Pred::L2Const => float(&a.nums[0]).sqrt(),
            _ => continue,
        };
        let s = want / f.dist(a.pts[0], a.pts[1]);
        if scale.is_some_and(|t| (s / t - 1.0).abs() > 1e-8) || !s.is_finite() {
            return false;
        }
        scale.get_or_insert(s);
    }
    true
}

/// True within the tolerance for drawn facts.
pub fn holds(atom: &Atom, f: &Figure) -> bool {
    violation(atom, f) < 1e-8
}
