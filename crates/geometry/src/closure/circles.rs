//! Circles with centres: equal distances from a point, centres of chords.

use super::objects::{Mask, points};
use super::rules::Rule;
use super::state::State;
use crate::lang::atom::Pt;

impl State {
    /// Points at equal distance from `o`, as masks of at least two points.
    pub(super) fn distance_classes(&self, o: Pt) -> Vec<Mask> {
        let mut by: Vec<(u64, Mask)> = Vec::new();
        for a in 0..self.n as Pt {
            if self.drawn.apart(o, a) {
                let k = self.m(o, a);
                match by.iter_mut().find(|x| x.0 == k) {
                    Some(x) => x.1 |= 1 << a,
                    None => by.push((k, 1 << a)),
                }
            }
        }
        by.into_iter()
            .map(|x| x.1)
            .filter(|m| m.count_ones() >= 2)
            .collect()
    }

    /// Tangent rows of circles with a known centre.
    pub(super) fn circles(&mut self) {
        for o in 0..self.n as Pt {
            for m in self.distance_classes(o) {
                if m.count_ones() < 3 {
                    continue;
                }
                let p: Vec<Pt> = points(m).collect();
                for i in 0..p.len() {
                    let (j, k) = match i {
                        0 => (1, 2),
                        1 => (0, 2),
                        _ => (0, 1),
                    };
                    self.apply(Rule::Centre, &[o, p[i], p[j], p[k]]);
                }
            }
        }
    }

    /// Rules on proven circles: a point equidistant from the ends of two chords; equal chords and arcs.
    pub(super) fn circle_rules(&mut self, circles: &[Mask]) {
        for o in 0..self.n as Pt {
            let classes = self.distance_classes(o);
            for &c in circles {
                for &m in classes.iter().filter(|m| (**m & c).count_ones() >= 3) {
                    let p: Vec<Pt> = points(m & c).take(2).collect();
                    for x in points(c & !m) {
                        self.apply(Rule::OnCircle, &[o, p[0], p[1], x]);
                    }
                }
                let inside: Vec<Vec<Pt>> = classes
                    .iter()
                    .map(|m| points(m & c).collect::<Vec<_>>())
                    .filter(|v| v.len() >= 2)
                    .collect();
                if let [first, rest @ ..] = &inside[..] {
                    for r in rest {
                        self.apply(Rule::CentreOfChords, &[o, first[0], first[1], r[0], r[1]]);
                    }
                }
            }
        }
        for &c in circles {
            let p: Vec<Pt> = points(c).collect();
            let mut chords: Vec<(Pt, Pt)> = Vec::new();
            for (i, &a) in p.iter().enumerate() {
                chords.extend(p[..i].iter().map(|&b| (b, a)));
            }
            for (i, &(a, b)) in chords.iter().enumerate() {
                for &(x, y) in &chords[..i] {
                    let disjoint = a != x && a != y && b != x && b != y;
                    let equal = (self.drawn.dist(a, b) - self.drawn.dist(x, y)).abs() < 1e-9;
                    if disjoint && equal {
                        if self.m(a, b) == self.m(x, y) {
                            self.apply(Rule::EqualChords, &[a, b, x, y]);
                        } else {
                            self.apply(Rule::EqualArcs, &[a, b, x, y]);
                        }
                    }
                }
            }
        }
    }
}
