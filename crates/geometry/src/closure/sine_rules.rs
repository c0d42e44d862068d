//! The rules that speak of sines.

use super::rows::{Row, dir_row, sine_row};
use super::rules::{Instance, Rule};
use crate::figure::Figure;
use crate::lang::atom::{Frac, Pt};
use num_traits::{One, Zero};

/// [`super::rules::instance`] for the rules of sines.
pub(super) fn sine_instance(f: &Figure, rule: Rule, p: &[Pt]) -> Option<Instance> {
    let (zero, one, half) = (Frac::zero(), Frac::one(), Frac::new(1, 2));
    let nonflat = |a: Pt, b: Pt, c: Pt| (!f.flat(a, b, c)).then_some(());
    let out = |premises: Vec<Row>, conclusions: Vec<Row>| {
        Some(Instance {
            premises,
            conclusions,
        })
    };
    match rule {
        Rule::LawOfSines => {
            let [a, b, c] = [p[0], p[1], p[2]];
            let law = |a: Pt, b: Pt, c: Pt| {
                sine_row(
                    f,
                    &[(b, c, 1), (c, a, -1)],
                    &[(a, b, c, -1), (b, c, a, 1)],
                    one,
                    one,
                )
            };
            out(vec![], vec![law(a, b, c)?, law(b, c, a)?])
        }
        Rule::Sine30 | Rule::Sine45 | Rule::Sine60 | Rule::Sine90 => {
            let (angle, square) = match rule {
                Rule::Sine30 => (Frac::new(1, 6), Frac::new(1, 4)),
                Rule::Sine45 => (Frac::new(1, 4), half),
                Rule::Sine60 => (Frac::new(1, 3), Frac::new(3, 4)),
                _ => (half, one),
            };
            let turn = |s: i64| dir_row(f, &[(p[0], p[1], s), (p[0], p[2], -s)], angle);
            let sine = sine_row(f, &[], &[(p[0], p[1], p[2], 1)], square, half)?;
            out(vec![turn(1).or_else(|| turn(-1))?], vec![sine])
        }
        Rule::SineEqual | Rule::SineAngle => {
            let sines = sine_row(f, &[], &[(p[0], p[1], p[2], 1), (p[3], p[4], p[5], -1)], one, one)?;
            let turn = |s: i64| {
                let t = [
                    (p[0], p[1], 1),
                    (p[0], p[2], -1),
                    (p[3], p[4], -s),
                    (p[3], p[5], s),
                ];
                dir_row(f, &t, zero)
            };
            let angles = turn(1).or_else(|| turn(-1))?;
            if rule == Rule::SineEqual {
                return out(vec![angles], vec![sines]);
            }
            // right angles do not tell which
            let (u, v) = (f.vec(p[0], p[1]), f.vec(p[0], p[2]));
            let dot = u[0] * v[0] + u[1] * v[1];
            if dot.abs() < 1e-6 * f.dist(p[0], p[1]) * f.dist(p[0], p[2]) {
                return None;
            }
            out(vec![sines], vec![angles])
        }
        Rule::SineRatio => {
            // at a: sin bac : sin cad, at e: sin feg : sin geh, and the angles bad, feh are equal
            let [a, b, c, d, e, g, h, i] = [p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7]];
            nonflat(a, b, d)?;
            nonflat(e, g, i)?;
            let s = [(a, b, c, 1), (a, c, d, -1), (e, g, h, -1), (e, h, i, 1)];
            let sines = sine_row(f, &[], &s, one, one)?;
            let turn =
                |s: i64, x: Pt, y: Pt| dir_row(f, &[(a, b, 1), (a, x, -1), (e, g, -s), (e, y, s)], zero);
            let both = |s: i64| Some((turn(s, d, i)?, turn(s, c, h)?));
            let (whole, part) = both(1).or_else(|| both(-1))?;
            out(vec![sines, whole], vec![part])
        }
        _ => None,
    }
}
