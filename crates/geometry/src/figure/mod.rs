//! Figures: coordinates for every point, how far an atom is from true on them, and drawing from clauses.

pub mod draw;
pub mod measure;
pub mod rng;
pub mod solve;

use std::f64::consts::PI;

/// Points nearer than this (in units of the figure's size) are the same point.
pub const SAME_POINT: f64 = 1e-9;
/// The sine below which three points count as collinear.
pub const FLAT: f64 = 1e-7;

/// A drawing: one coordinate pair a point, scaled to unit size about the origin.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// Coordinates by point id.
    pub xy: Vec<[f64; 2]>,
}

impl Figure {
    /// Scales and moves `xy` to root-mean-square radius 1 about the origin. `None` if all points coincide
    /// or a coordinate is not finite.
    pub fn normalised(xy: &[[f64; 2]]) -> Option<Figure> {
        let n = xy.len() as f64;
        let (mut cx, mut cy) = (0.0, 0.0);
        for p in xy {
            cx += p[0] / n;
            cy += p[1] / n;
        }
        let r2 = xy
            .iter()
            .map(|p| (p[0] - cx).powi(2) + (p[1] - cy).powi(2))
            .sum::<f64>()
            / n;
        let r = r2.sqrt();
        if !(r.is_finite() && r > 1e-300) {
            return None;
        }
        Some(Figure {
            xy: xy.iter().map(|p| [(p[0] - cx) / r, (p[1] - cy) / r]).collect(),
        })
    }

    /// Vector from `a` to `b`.
    pub fn vec(&self, a: u8, b: u8) -> [f64; 2] {
        let (p, q) = (self.xy[a as usize], self.xy[b as usize]);
        [q[0] - p[0], q[1] - p[1]]
    }

    /// Distance.
    pub fn dist(&self, a: u8, b: u8) -> f64 {
        let v = self.vec(a, b);
        // a figure is of unit size: no square overflows
        (v[0] * v[0] + v[1] * v[1]).sqrt()
    }

    /// True if the two points are drawn at the same place.
    pub fn same(&self, a: u8, b: u8) -> bool {
        a == b || self.dist(a, b) < SAME_POINT
    }

    /// Direction of the line `ab` in [0, pi).
    pub fn theta(&self, a: u8, b: u8) -> f64 {
        let v = self.vec(a, b);
        let t = v[1].atan2(v[0]);
        let t = if t < 0.0 { t + PI } else { t };
        if t >= PI { t - PI } else { t }
    }

    /// Sine of the angle at `a` from `ab` to `ac` (positive counter-clockwise).
    pub fn sine(&self, a: u8, b: u8, c: u8) -> f64 {
        let (u, v) = (self.vec(a, b), self.vec(a, c));
        let (uu, vv) = (u[0] * u[0] + u[1] * u[1], v[0] * v[0] + v[1] * v[1]);
        (u[0] * v[1] - u[1] * v[0]) / (uu * vv).sqrt()
    }

    /// The largest of the three sines of a triangle, signed by its orientation; 0 if flat.
    pub fn turn(&self, a: u8, b: u8, c: u8) -> f64 {
        let s = [self.sine(a, b, c), self.sine(b, c, a), self.sine(c, a, b)];
        s.into_iter()
            .fold(0.0, |m: f64, x| if x.abs() > m.abs() { x } else { m })
    }

    /// True if the three points are (drawn) collinear or two of them coincide.
    pub fn flat(&self, a: u8, b: u8, c: u8) -> bool {
        self.same(a, b) || self.same(b, c) || self.same(a, c) || self.turn(a, b, c).abs() < FLAT
    }

    /// Number of pairs of points drawn at one place.
    pub fn coincidences(&self) -> usize {
        let n = self.xy.len() as u8;
        (0..n).map(|a| (0..a).filter(|&b| self.same(a, b)).count()).sum()
    }

    /// How generic the figure is: the smallest relative distance of two different points and the smallest
    /// sine of three points that are not collinear, whichever is worse. Coincidences that are exact
    /// (below the tolerances) do not count.
    pub fn margin(&self) -> f64 {
        let n = self.xy.len() as u8;
        let mut m = f64::INFINITY;
        for a in 0..n {
            for b in 0..a {
                if !self.same(a, b) {
                    m = m.min(self.dist(a, b));
                }
                for c in 0..b {
                    if !(self.same(a, b) || self.same(b, c) || self.same(a, c)) {
                        let t = self.turn(a, b, c).abs();
                        if t > FLAT {
                            m = m.min(t);
                        } else if t > FLAT * 1e-2 {
                            return 0.0;
                        }
                    }
                }
            }
        }
        m
    }
}
