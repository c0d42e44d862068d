//! What a closed state knows about some points, for a goal that was not reached.

use super::objects::{Mask, points};
use super::rows::Tab;
use super::state::State;
use crate::algebra::field::{add, inv, mul};
use crate::lang::atom::{Atom, Pred, Pt};

/// The most relations listed.
const MOST: usize = 24;

impl State {
    /// Known lines and circles with at least two of the points `about`, and parallels, perpendiculars and equal
    /// segments between a pair of them and a pair with at least one of them; at most 24, lines first.
    pub fn known_about(&self, about: &[Pt]) -> Vec<Atom> {
        let inside = |p: Pt| about.contains(&p);
        let near = |m: &Mask| points(*m).filter(|&p| inside(p)).count() >= 2;
        let mut out: Vec<Atom> = Vec::new();
        for (masks, pred) in [(self.lines(), Pred::Coll), (self.circle_masks(), Pred::Cyclic)] {
            let all = masks.into_iter().filter(near);
            out.extend(all.map(|m| Atom::new(pred, &points(m).collect::<Vec<Pt>>())));
        }
        let pi = self.tables[Tab::D as usize].fp(0);
        let half = mul(pi, inv(2));
        let pairs: Vec<(Pt, Pt)> = (0..self.n as Pt)
            .flat_map(|b| (0..b).map(move |a| (a, b)))
            .filter(|&(a, b)| self.drawn.apart(a, b) && (inside(a) || inside(b)))
            .collect();
        for (i, &(a, b)) in pairs.iter().enumerate() {
            for &(c, d) in &pairs[..i] {
                if !(inside(a) && inside(b) || inside(c) && inside(d)) {
                    continue;
                }
                let apart = a != c && a != d && b != c && b != d;
                let (x, y) = (self.d(a, b), self.d(c, d));
                let four = [c, d, a, b];
                if x == y && apart && !self.drawn.flat(a, b, c) {
                    out.push(Atom::new(Pred::Para, &four));
                }
                if x == add(y, half) || y == add(x, half) {
                    out.push(Atom::new(Pred::Perp, &four));
                }
                if self.m(a, b) == self.m(c, d) {
                    out.push(Atom::new(Pred::Cong, &four));
                }
            }
        }
        out.truncate(MOST);
        out
    }

    /// Maximal known lines with at least three points.
    fn lines(&self) -> Vec<Mask> {
        let mut out: Vec<Mask> = Vec::new();
        for a in 0..self.n as Pt {
            let others = || (a + 1..self.n as Pt).filter(|&b| self.drawn.apart(a, b));
            for b in others() {
                let on = others().filter(|&c| self.d(a, b) == self.d(a, c));
                let m = on.fold(1 << a, |m: Mask, c| m | 1 << c);
                if m.count_ones() >= 3 && !out.iter().any(|l| l & m == m) {
                    out.push(m);
                }
            }
        }
        out
    }
}
