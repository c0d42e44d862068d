//! Rules found by going through lines and circles: run once the cheap passes are at rest.

use super::objects::{Mask, points};
use super::rows::Tab;
use super::rules::{Rule, along};
use super::state::State;
use crate::algebra::field::{add, sub};
use crate::lang::atom::{Frac, Pt};

impl State {
    /// One round of all of them.
    pub(super) fn named(&mut self) {
        let lines = self.lines();
        let circles = self.circle_masks();
        self.circle_rules(&circles);
        self.bisectors(&lines);
        self.stewart(&lines);
        self.isogonal();
        self.line_pairs(&lines);
        self.quadrilaterals(&lines);
        self.length_sums();
        self.trapezoids();
        self.other_triangles();
        self.same_points(&lines, &circles);
    }

    fn triples(lines: &[Mask]) -> Vec<[Pt; 3]> {
        let mut out = Vec::new();
        for &m in lines {
            let p: Vec<Pt> = points(m).collect();
            for k in 2..p.len() {
                for j in 1..k {
                    out.extend((0..j).map(|i| [p[i], p[j], p[k]]));
                }
            }
        }
        out
    }

    /// Angle bisectors against ratios on the opposite side.
    fn bisectors(&mut self, lines: &[Mask]) {
        for [x, y, z] in Self::triples(lines) {
            for [b, d, c] in [[x, y, z], [y, x, z], [x, z, y]] {
                for a in 0..self.n as Pt {
                    if self.drawn.flat(a, b, c) || !self.drawn.apart(a, d) {
                        continue;
                    }
                    let t = self.drawn.theta(a, d) * 2.0 - self.drawn.theta(a, b) - self.drawn.theta(a, c);
                    if t.sin().abs() > 1e-7 {
                        continue;
                    }
                    let p = [a, b, d, c];
                    self.apply(Rule::BisectorRatio, &p);
                    self.apply(Rule::RatioBisector, &p);
                }
            }
        }
    }

    /// Points dividing a segment in a rational ratio.
    fn stewart(&mut self, lines: &[Mask]) {
        for [x, y, z] in Self::triples(lines) {
            // one order suffices: the relation is the same
            let [a, b, c] = match super::rules::middle(&self.drawn.f, x, y, z) {
                0 => [y, x, z],
                1 => [x, y, z],
                _ => [x, z, y],
            };
            let t = along(&self.drawn.f, a, b, c);
            let Some(q) = small_ratio(t) else { continue };
            for p in 0..self.n as Pt {
                self.apply_with(Rule::Stewart, &[a, b, c, p], q);
            }
        }
    }

    /// Isogonal lines at two vertices are isogonal at the third (bisectors concur as the case x = y).
    fn isogonal(&mut self) {
        let n = self.n as Pt;
        let pi = self.tables[Tab::D as usize].fp(0);
        for c in 2..n {
            for b in 1..c {
                for a in 0..b {
                    if self.drawn.flat(a, b, c) {
                        continue;
                    }
                    for y in 0..n {
                        if [a, b, c].contains(&y) {
                            continue;
                        }
                        for x in 0..=y {
                            if [a, b, c].contains(&x) {
                                continue;
                            }
                            let known = |v: Pt, s: Pt, t: Pt| {
                                if ![s, t, x, y].iter().all(|&w| self.drawn.apart(v, w)) {
                                    return false;
                                }
                                let z = sub(add(self.d(v, x), self.d(v, y)), add(self.d(v, s), self.d(v, t)));
                                z == 0 || z == pi || z == sub(0, pi)
                            };
                            let k = [known(a, b, c), known(b, c, a), known(c, a, b)];
                            match k {
                                [true, true, false] => self.apply(Rule::Isogonal, &[a, b, c, x, y]),
                                [true, false, true] => self.apply(Rule::Isogonal, &[a, c, b, x, y]),
                                [false, true, true] => self.apply(Rule::Isogonal, &[b, c, a, x, y]),
                                _ => {}
                            }
                        }
                    }
                }
            }
        }
    }

    /// Two lines with three points each: parallel transversals and equal divisions.
    fn line_pairs(&mut self, lines: &[Mask]) {
        let triples = Self::triples(lines);
        if triples.len() > 400 {
            return;
        }
        const ORDERS: [[usize; 3]; 6] = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
        for (i, t) in triples.iter().enumerate() {
            for u in &triples[..=i] {
                let mine = along(&self.drawn.f, t[0], t[1], t[2]);
                for o in ORDERS {
                    let w = [u[o[0]], u[o[1]], u[o[2]]];
                    if w == *t {
                        continue;
                    }
                    let theirs = along(&self.drawn.f, w[0], w[1], w[2]);
                    if (mine - theirs).abs() > 1e-7 * (1.0 + mine.abs()) {
                        continue;
                    }
                    let p = [t[0], t[1], t[2], w[0], w[1], w[2]];
                    for [x, y, z] in [[0, 1, 2], [1, 0, 2], [2, 0, 1]] {
                        let q = [p[x], p[y], p[z], p[3 + x], p[3 + y], p[3 + z]];
                        self.apply(Rule::FlatRatio, &q);
                    }
                    if (0..3).any(|k| !self.drawn.apart(t[k], w[k])) {
                        continue;
                    }
                    self.apply(Rule::Intercept, &p);
                    for [x, y, z] in ORDERS {
                        self.apply(
                            Rule::InterceptPara,
                            &[p[x], p[y], p[z], p[3 + x], p[3 + y], p[3 + z]],
                        );
                    }
                }
            }
        }
    }

    /// Menelaus and Ceva, with converses, on triangles whose sides carry points.
    fn quadrilaterals(&mut self, lines: &[Mask]) {
        let n = self.n as Pt;
        let full = |a: Pt, b: Pt| -> Mask {
            lines
                .iter()
                .copied()
                .find(|m| m >> a & 1 == 1 && m >> b & 1 == 1)
                .unwrap_or(0)
        };
        for c in 2..n {
            for b in 1..c {
                for a in 0..b {
                    if self.drawn.flat(a, b, c) {
                        continue;
                    }
                    let (bc, ca, ab) = (full(b, c), full(c, a), full(a, b));
                    let corners: Mask = 1 << a | 1 << b | 1 << c;
                    for d in points(bc & !corners) {
                        for e in points(ca & !corners) {
                            for g in points(ab & !corners) {
                                if self.drawn.flat(d, e, g) {
                                    let p = [a, b, c, d, e, g];
                                    self.apply(Rule::Menelaus, &p);
                                    self.apply(Rule::MenelausLine, &p);
                                } else {
                                    self.ceva([a, b, c, d, e, g]);
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    fn ceva(&mut self, [a, b, c, d, e, g]: [Pt; 6]) {
        for x in 0..self.n as Pt {
            if [a, b, c, d, e, g].contains(&x) {
                continue;
            }
            let f = &self.drawn;
            if f.flat(a, x, d) && f.flat(b, x, e) && f.flat(c, x, g) {
                let p = [a, b, c, d, e, g, x];
                self.apply(Rule::Ceva, &p);
                self.apply(Rule::CevaLine, &p);
                self.apply(Rule::CevaLine, &[b, c, a, e, g, d, x]);
                self.apply(Rule::CevaLine, &[c, a, b, g, d, e, x]);
            }
        }
    }

    /// Parallel chords between equal legs.
    fn trapezoids(&mut self) {
        let n = self.n as Pt;
        let mut by: rustc_hash::FxHashMap<u64, Vec<(Pt, Pt)>> = rustc_hash::FxHashMap::default();
        for b in 1..n {
            for a in 0..b {
                if self.drawn.apart(a, b) {
                    by.entry(self.d(a, b)).or_default().push((a, b));
                }
            }
        }
        let mut found: Vec<[Pt; 4]> = Vec::new();
        for pairs in by.values() {
            for (i, &(a, b)) in pairs.iter().enumerate() {
                for &(x, y) in &pairs[..i] {
                    if a == x || a == y || b == x || b == y || self.drawn.flat(a, b, x) {
                        continue;
                    }
                    for (c, d) in [(x, y), (y, x)] {
                        if self.m(a, d) == self.m(b, c) && self.d(a, d) != self.d(b, c) {
                            found.push([a, b, c, d]);
                        }
                    }
                }
            }
        }
        found.sort_unstable();
        for p in found {
            self.apply(Rule::Trapezoid, &p);
        }
    }

    /// Two sides and the angle opposite one of them, drawn as two different triangles.
    fn other_triangles(&mut self) {
        let n = self.n as Pt;
        let pi = self.tables[Tab::D as usize].fp(0);
        let mut by: rustc_hash::FxHashMap<(u64, u64), Vec<[Pt; 3]>> = rustc_hash::FxHashMap::default();
        let mut found: Vec<[Pt; 6]> = Vec::new();
        for a in 0..n {
            for b in 0..n {
                for c in 0..n {
                    if a == b || b == c || a == c || self.drawn.flat(a, b, c) {
                        continue;
                    }
                    let v = sub(self.d(a, c), self.d(a, b));
                    let t = self.drawn.theta(a, c) - self.drawn.theta(a, b);
                    let mut angle = v;
                    if t < 0.0 {
                        angle = add(angle, pi);
                    }
                    // the turn from ab to ac is the interior angle of a counter-clockwise triangle
                    let ccw = self.drawn.f.sine(a, b, c) > 0.0;
                    let inner = if ccw { angle } else { sub(pi, angle) };
                    let list = by.entry((inner, sub(self.m(a, b), self.m(b, c)))).or_default();
                    if list.len() < 8 {
                        list.push([a, b, c]);
                    }
                }
            }
        }
        for list in by.values() {
            for (i, x) in list.iter().enumerate() {
                for y in &list[..i] {
                    found.push([x[0], x[1], x[2], y[0], y[1], y[2]]);
                }
            }
        }
        found.sort_unstable();
        for p in found {
            self.apply(Rule::SsaOther, &p);
        }
    }

    /// Lengths that add up put a point on a segment.
    fn length_sums(&mut self) {
        let n = self.n as Pt;
        for c in 0..n {
            for b in 0..c {
                for a in 0..b {
                    if !self.drawn.flat(a, b, c) || self.d(a, b) == self.d(a, c) {
                        continue;
                    }
                    let p = match super::rules::middle(&self.drawn.f, a, b, c) {
                        0 => [b, a, c],
                        1 => [a, b, c],
                        _ => [a, c, b],
                    };
                    self.apply(Rule::LengthSum, &p);
                }
            }
        }
    }

    /// Two names drawn at one place, both on two loci that cross there.
    fn same_points(&mut self, lines: &[Mask], circles: &[Mask]) {
        let n = self.n as Pt;
        for y in 1..n {
            for x in 0..y {
                if self.drawn.apart(x, y) {
                    continue;
                }
                let both = |m: &Mask| m >> x & 1 == 1 || m >> y & 1 == 1;
                let mut loci: Vec<Vec<Pt>> = Vec::new();
                for (set, size) in [(lines, 2), (circles, 3)] {
                    for m in set.iter().filter(|m| both(m)) {
                        let p: Vec<Pt> = points(*m).filter(|&v| v != x && v != y).take(size).collect();
                        if p.len() == size {
                            loci.push(p);
                        }
                    }
                }
                // a line through two points one of which is x or y itself
                for z in 0..n {
                    if self.drawn.apart(x, z) && self.d(x, z) == self.d(y, z) {
                        loci.push(vec![z, x]);
                    }
                }
                for i in 0..loci.len() {
                    for j in 0..i {
                        let (s, t) = if loci[i].len() <= loci[j].len() {
                            (&loci[i], &loci[j])
                        } else {
                            (&loci[j], &loci[i])
                        };
                        let rule = match (s.len(), t.len()) {
                            (2, 2) => Rule::SameLines,
                            (2, _) => Rule::SameLineCircle,
                            _ => Rule::SameCircles,
                        };
                        for z in 0..n {
                            if self.drawn.apart(x, z) && self.drawn.apart(y, z) {
                                let mut p = vec![x, y, z];
                                p.extend(s);
                                p.extend(t);
                                self.apply(rule, &p);
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The small rational a number is (denominator at most 12).
fn small_ratio(t: f64) -> Option<Frac> {
    (1..=12i64).find_map(|d| {
        let n = (t * d as f64).round();
        ((t * d as f64 - n).abs() < 1e-8 && n != 0.0 && n.abs() < 1e4).then(|| Frac::new(n as i64, d))
    })
}
