//! Ranking of candidate points: how many drawn lines and circles pass through, kind, relation to the goal.

use super::place::Make;
use crate::figure::Figure;

/// Ranks candidates. The heuristic implements it; a learned model may.
pub trait Proposer: Sync {
    /// The value of trying `make`, drawn at `x` on each figure; larger is tried earlier.
    fn value(&self, make: &Make, places: &[[f64; 2]], figures: &[Figure]) -> f64;
}

/// The hand-written ranking: `2 * extra incidences + kind prior + goal relevance`.
pub struct Heuristic {
    /// Relevance of each point to the goal: 1 for goal points, 1/2 for their neighbours in the statement.
    pub relevance: Vec<f64>,
}

impl Proposer for Heuristic {
    fn value(&self, make: &Make, places: &[[f64; 2]], figures: &[Figure]) -> f64 {
        let mut extra = u32::MAX;
        for (f, x) in figures.iter().zip(places).take(2) {
            extra = extra.min(incidences(f, *x).saturating_sub(2));
            if extra == 0 {
                break;
            }
        }
        let built = make.points();
        let near: f64 = built
            .iter()
            .map(|&p| self.relevance.get(p as usize).copied().unwrap_or(0.5))
            .sum::<f64>();
        2.0 * f64::from(extra.min(8)) + make.prior() + near / built.len() as f64
    }
}

/// Lines through at least two and circles through at least three of the figure's points that pass through
/// `x`, plus pairs of points at equal distance from it.
pub fn incidences(f: &Figure, x: [f64; 2]) -> u32 {
    const NEAR: f64 = 1e-8;
    let mut around: Vec<(f64, f64, [f64; 2])> = Vec::with_capacity(f.xy.len());
    for p in &f.xy {
        let v = [p[0] - x[0], p[1] - x[1]];
        let d2 = v[0] * v[0] + v[1] * v[1];
        if d2 > 1e-16 {
            let mut t = v[1].atan2(v[0]);
            if t < 0.0 {
                t += std::f64::consts::PI;
            }
            around.push((t, d2, [v[0] / d2, v[1] / d2]));
        }
    }
    let groups = |keys: &mut Vec<f64>, least: usize, wrap: f64| -> u32 {
        keys.sort_unstable_by(f64::total_cmp);
        let (mut count, mut run) = (0, 1);
        for i in 1..=keys.len() {
            if i < keys.len() && keys[i] - keys[i - 1] < NEAR {
                run += 1;
            } else {
                count += u32::from(run >= least);
                run = 1;
            }
        }
        let ends = keys.len() >= 2 && wrap > 0.0 && keys[0] + wrap - keys[keys.len() - 1] < NEAR;
        count + u32::from(ends)
    };
    let mut angles: Vec<f64> = around.iter().map(|a| a.0).collect();
    let lines = groups(&mut angles, 2, std::f64::consts::PI);
    let mut radii: Vec<f64> = around.iter().map(|a| a.1.sqrt()).collect();
    let equal = groups(&mut radii, 2, 0.0);
    // circles through x are lines of the inverted picture that miss the centre of inversion
    let mut feet: Vec<[f64; 2]> = Vec::with_capacity(around.len() * around.len() / 2);
    for i in 1..around.len() {
        for j in 0..i {
            let (p, q) = (around[i].2, around[j].2);
            let u = [q[0] - p[0], q[1] - p[1]];
            let uu = u[0] * u[0] + u[1] * u[1];
            let t = -(p[0] * u[0] + p[1] * u[1]) / uu;
            let foot = [p[0] + t * u[0], p[1] + t * u[1]];
            if foot[0].abs() + foot[1].abs() > 1e-6 {
                feet.push(foot);
            }
        }
    }
    feet.sort_unstable_by(|a, b| a[0].total_cmp(&b[0]));
    let mut circles = 0;
    let mut i = 0;
    while i < feet.len() {
        let mut j = i + 1;
        while j < feet.len() && feet[j][0] - feet[j - 1][0] < NEAR {
            j += 1;
        }
        if j - i >= 3 {
            let mut ys: Vec<f64> = feet[i..j].iter().map(|p| p[1]).collect();
            circles += groups(&mut ys, 3, 0.0);
        }
        i = j;
    }
    lines + circles + equal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_lines_and_circles() {
        let f = Figure {
            xy: vec![[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.3, 0.4], [0.9, 1.2]],
        };
        // (0, -1): on the unit circle of the first three; equal distance to (1,0) and (-1,0); no line of two
        assert_eq!(incidences(&f, [0.0, -1.0]), 2);
        // the centre: on two lines, three points at distance one
        assert_eq!(incidences(&f, [0.0, 0.0]), 3);
    }

    /// Relevance is looked up for every point a construction uses.
    #[test]
    fn goal_points_count() {
        let f = Figure {
            xy: vec![[1.0, 0.0], [0.0, 1.0], [-1.0, 0.2], [0.3, 0.4]],
        };
        let h = Heuristic {
            relevance: vec![1.0, 1.0, 0.0, 0.0],
        };
        let at = |m: Make| [m.at(&f).unwrap_or_default()];
        let (a, b) = (Make::Midpoint([0, 1]), Make::Midpoint([2, 3]));
        let value = |m: Make| h.value(&m, &at(m), std::slice::from_ref(&f));
        assert!(value(a) > value(b));
    }
}
