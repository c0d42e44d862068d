//! Levenberg–Marquardt on a few unknown points (Marquardt 1963): small dense least squares.

use super::measure::equations;
use crate::lang::atom::{Atom, Pt};

/// Moves the points `unknown` until the atoms hold, starting from where they are in `xy`.
/// Under-determined systems end near the start. True on convergence (`xy` then holds the solution).
pub fn solve(atoms: &[Atom], unknown: &[Pt], xy: &mut [[f64; 2]]) -> bool {
    let n = unknown.len() * 2;
    let eval = |xy: &[[f64; 2]], out: &mut Vec<f64>| {
        out.clear();
        atoms.iter().for_each(|a| equations(a, xy, out));
    };
    let norm = |r: &[f64]| r.iter().map(|x| x * x).sum::<f64>();
    let (mut r, mut r2) = (Vec::new(), Vec::new());
    eval(xy, &mut r);
    let m = r.len();
    if m == 0 {
        return true;
    }
    let mut cost = norm(&r);
    let mut lambda = 1e-3;
    // for each atom: the columns of its unknown coordinates, and its number of equations
    let columns: Vec<Vec<usize>> = atoms
        .iter()
        .map(|a| (0..n).filter(|j| a.pts.contains(&unknown[j / 2])).collect())
        .collect();
    let sizes: Vec<usize> = atoms
        .iter()
        .map(|a| {
            let mut out = Vec::new();
            equations(a, xy, &mut out);
            out.len()
        })
        .collect();
    let mut stalls = 0;
    for _ in 0..80 {
        if !cost.is_finite() {
            return false;
        }
        if cost < 1e-30 {
            break;
        }
        let mut normal = vec![0.0; n * n];
        let mut g = vec![0.0; n];
        let mut from = 0;
        for ((atom, columns), size) in atoms.iter().zip(&columns).zip(&sizes) {
            // central differences in the coordinates of the atom's own points
            let mut slopes: Vec<(usize, Vec<f64>)> = Vec::with_capacity(columns.len());
            for &j in columns {
                let (p, axis) = (unknown[j / 2] as usize, j % 2);
                let old = xy[p][axis];
                let h = 1e-7 * old.abs().max(0.1);
                let mut at = |v: f64| {
                    xy[p][axis] = v;
                    let mut out = Vec::new();
                    equations(atom, xy, &mut out);
                    out
                };
                let (plus, minus) = (at(old + h), at(old - h));
                xy[p][axis] = old;
                let slope = plus.iter().zip(&minus).map(|(a, b)| (a - b) / (2.0 * h));
                slopes.push((j, slope.collect()));
            }
            let count = slopes.first().map_or(0, |s| s.1.len());
            for i in 0..count {
                for (a, da) in &slopes {
                    g[*a] += da[i] * r[from + i];
                    for (b, db) in &slopes {
                        normal[a * n + b] += da[i] * db[i];
                    }
                }
            }
            from += size;
        }
        let trace = (0..n).map(|a| normal[a * n + a]).sum::<f64>() / n as f64 + 1e-30;
        let mut improved = false;
        for _ in 0..8 {
            let mut a = normal.clone();
            (0..n).for_each(|i| a[i * n + i] += lambda * trace);
            let mut step = g.clone();
            if cholesky_solve(&mut a, &mut step, n) {
                let saved: Vec<[f64; 2]> = unknown.iter().map(|&p| xy[p as usize]).collect();
                for (j, s) in step.iter().enumerate() {
                    xy[unknown[j / 2] as usize][j % 2] -= s;
                }
                eval(xy, &mut r2);
                let next = norm(&r2);
                if next < cost {
                    improved = next < cost * 0.99999;
                    cost = next;
                    std::mem::swap(&mut r, &mut r2);
                    lambda = (lambda * 0.1).max(1e-14);
                    break;
                }
                for (&p, s) in unknown.iter().zip(saved) {
                    xy[p as usize] = s;
                }
            }
            lambda *= 10.0;
        }
        if !improved {
            stalls += 1;
            if stalls > 2 {
                break;
            }
        }
    }
    cost < 1e-20
}

/// Where two loci of `p` touch (a double root, on which Newton's method is slow and imprecise), solves the
/// loci together with "their gradients are parallel" (the usual deflation of a double root). Leaves
/// transversal intersections alone.
pub fn polish_tangency(atoms: &[Atom], p: Pt, xy: &mut [[f64; 2]]) {
    let eval = |at: [f64; 2], xy: &mut [[f64; 2]]| -> Vec<f64> {
        let old = xy[p as usize];
        xy[p as usize] = at;
        let mut out = Vec::new();
        atoms.iter().for_each(|a| equations(a, xy, &mut out));
        xy[p as usize] = old;
        out
    };
    // sine between the two gradients; a wide central difference is exact for lines and circles
    let gradients = |at: [f64; 2], xy: &mut [[f64; 2]]| -> Option<(f64, [[f64; 2]; 2])> {
        const H: f64 = 1e-3;
        let mut g = [[0.0; 2]; 2];
        for axis in 0..2 {
            let mut plus = at;
            plus[axis] += H;
            let mut minus = at;
            minus[axis] -= H;
            let (a, b) = (eval(plus, xy), eval(minus, xy));
            if a.len() != 2 {
                return None;
            }
            (0..2).for_each(|i| g[i][axis] = (a[i] - b[i]) / (2.0 * H));
        }
        let n = g[0][0].hypot(g[0][1]) * g[1][0].hypot(g[1][1]);
        Some(((g[0][0] * g[1][1] - g[0][1] * g[1][0]) / n, g))
    };
    let mut at = xy[p as usize];
    match gradients(at, xy) {
        Some((s, _)) if s.abs() < 1e-2 => {}
        _ => return,
    }
    for _ in 0..12 {
        let Some((s, g)) = gradients(at, xy) else { return };
        let f = eval(at, xy);
        let d = |axis: usize, xy: &mut [[f64; 2]]| {
            let mut plus = at;
            plus[axis] += 1e-5;
            let mut minus = at;
            minus[axis] -= 1e-5;
            let v = |q, xy: &mut [[f64; 2]]| gradients(q, xy).map_or(0.0, |r| r.0);
            (v(plus, xy) - v(minus, xy)) / 2e-5
        };
        let rows = [(g[0], f[0]), (g[1], f[1]), ([d(0, xy), d(1, xy)], s)];
        let mut a = [0.0; 4];
        let mut b = [0.0; 2];
        for (r, v) in rows {
            for i in 0..2 {
                b[i] += r[i] * v;
                (0..2).for_each(|j| a[i * 2 + j] += r[i] * r[j]);
            }
        }
        if !cholesky_solve(&mut a, &mut b, 2) {
            return;
        }
        at = [at[0] - b[0], at[1] - b[1]];
    }
    let worst = |r: Vec<f64>| r.into_iter().fold(0.0, |m: f64, x| m.max(x.abs()));
    let old = xy[p as usize];
    let near = (at[0] - old[0]).hypot(at[1] - old[1]) < 1e-2;
    if near && worst(eval(at, xy)) < 1e-12 {
        xy[p as usize] = at;
    }
}

/// Solves `a x = b` for symmetric positive `a` (row major, overwritten); the solution replaces `b`.
fn cholesky_solve(a: &mut [f64], b: &mut [f64], n: usize) -> bool {
    for i in 0..n {
        for j in 0..=i {
            let mut s = a[i * n + j];
            for k in 0..j {
                s -= a[i * n + k] * a[j * n + k];
            }
            if i == j {
                if s.is_nan() || s <= 0.0 {
                    return false;
                }
                a[i * n + i] = s.sqrt();
            } else {
                a[i * n + j] = s / a[j * n + j];
            }
        }
    }
    for i in 0..n {
        for k in 0..i {
            b[i] -= a[i * n + k] * b[k];
        }
        b[i] /= a[i * n + i];
    }
    for i in (0..n).rev() {
        for k in i + 1..n {
            b[i] -= a[k * n + i] * b[k];
        }
        b[i] /= a[i * n + i];
    }
    true
}
