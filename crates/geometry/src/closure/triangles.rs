//! Triples of points: similar and isosceles triangles, collinear triples, equal inscribed angles.
//!
//! Only triples with a side whose normal form changed since the last sweep are hashed again. Old entries stay
//! in the maps: an entry that still matches a current normal form is still true.

use super::rows::{Tab, pair};
use super::rules::Rule;
use super::state::State;
use crate::algebra::field::{add, inv, mul, sub};
use crate::figure::rng::mix;
use crate::lang::atom::Pt;

/// Marks a centre among the values of the angle map.
const CENTRE: Pt = 0x80;
const TIE: f64 = 1e-9;

fn key(tag: u64, a: u64, b: u64) -> u64 {
    mix(mix(a ^ tag << 62).wrapping_add(b)) ^ tag
}

impl State {
    /// Interior angle at `a` of a triangle whose orientation (a, b, c) is counter-clockwise, as a fingerprint.
    #[inline]
    fn interior(&self, pi: u64, a: Pt, b: Pt, c: Pt) -> u64 {
        let v = sub(self.d(a, c), self.d(a, b));
        if self.drawn.theta(a, c) > self.drawn.theta(a, b) {
            v
        } else {
            add(v, pi)
        }
    }

    /// One sweep over the changed triples.
    pub(super) fn triangles(&mut self) {
        let pi = self.tables[Tab::D as usize].fp(0);
        let half_pi = mul(pi, inv(2));
        let since = self.swept;
        let first = since == [0, 0];
        let now = [
            self.tables[Tab::D as usize].version(),
            self.tables[Tab::M as usize].version(),
        ];
        let n = self.n as Pt;
        let mut dirty = vec![0u8; super::rows::variables(self.n)];
        for b in 1..n {
            for a in 0..b {
                let v = pair(a, b);
                let d = first || self.tables[Tab::D as usize].changed(v) >= since[0];
                let m = first || self.tables[Tab::M as usize].changed(v) >= since[1];
                dirty[v as usize] = u8::from(d) | u8::from(m) << 1;
            }
        }
        for c in 2..n {
            for b in 1..c {
                let bc = dirty[pair(b, c) as usize];
                for a in 0..b {
                    let touched = bc | dirty[pair(a, b) as usize] | dirty[pair(a, c) as usize];
                    if touched == 0 {
                        continue;
                    }
                    match self.drawn.turn(a, b, c) {
                        0 => self.flat_triple(a, b, c, half_pi, pi),
                        1 => self.triple([a, b, c], pi, half_pi, touched),
                        _ => self.triple([a, c, b], pi, half_pi, touched),
                    }
                }
            }
        }
        // everything changed after `now` is swept again; +1 because changes at version `now` are done
        self.swept = [now[0] + 1, now[1] + 1];
    }

    fn flat_triple(&mut self, a: Pt, b: Pt, c: Pt, half_pi: u64, pi: u64) {
        let d = &self.drawn;
        if !(d.apart(a, b) && d.apart(b, c) && d.apart(a, c)) {
            return;
        }
        let (ab, ac, bc) = (self.d(a, b), self.d(a, c), self.d(b, c));
        if ab == ac || ab == bc || ac == bc {
            let p = if ab == ac {
                [a, b, c]
            } else if ab == bc {
                [b, a, c]
            } else {
                [c, a, b]
            };
            self.apply(Rule::Collinear, &p);
            for [o, x, y] in [[a, b, c], [b, a, c], [c, a, b]] {
                if self.m(o, x) == self.m(o, y) {
                    self.centre_key(o, x, y, half_pi, pi);
                }
            }
        }
    }

    /// A centre of a circle through `x` and `y` enters the angle map of the pair: tangent-chord angle.
    fn centre_key(&mut self, o: Pt, x: Pt, y: Pt, half_pi: u64, pi: u64) {
        let (x, y) = if x < y { (x, y) } else { (y, x) };
        let mut v = sub(sub(self.d(x, y), self.d(o, x)), half_pi);
        let t = (self.drawn.theta(x, y) - self.drawn.theta(o, x)) / std::f64::consts::PI - 0.5;
        let mut k = t.floor();
        while k < 0.0 {
            v = add(v, pi);
            k += 1.0;
        }
        self.angle_entry(x, y, v, o | CENTRE);
    }

    /// `who` sees the pair under the directed angle with fingerprint `v` (or is a centre with that tangent).
    fn angle_entry(&mut self, x: Pt, y: Pt, v: u64, who: Pt) {
        let of_points = key(1, u64::from(pair(x, y)), v);
        let of_centres = key(10, u64::from(pair(x, y)), v);
        if who & CENTRE != 0 {
            self.seen_angle.entry(of_centres).or_insert(who);
            if let Some(&c) = self.seen_angle.get(&of_points) {
                self.apply(Rule::OnCircle, &[who & !CENTRE, x, y, c]);
            }
            return;
        }
        if let Some(&o) = self.seen_angle.get(&of_centres) {
            self.apply(Rule::OnCircle, &[o & !CENTRE, x, y, who]);
        }
        let old = *self.seen_angle.entry(of_points).or_insert(who);
        if old != who {
            self.apply(Rule::Concyclic, &[x, y, old, who]);
        }
    }

    /// `t` is counter-clockwise.
    fn triple(&mut self, t: [Pt; 3], pi: u64, half_pi: u64, touched: u8) {
        let angle = [
            self.interior(pi, t[0], t[1], t[2]),
            self.interior(pi, t[1], t[2], t[0]),
            self.interior(pi, t[2], t[0], t[1]),
        ];
        let side = [self.m(t[1], t[2]), self.m(t[2], t[0]), self.m(t[0], t[1])];
        let size = [
            self.drawn.dist(t[1], t[2]),
            self.drawn.dist(t[2], t[0]),
            self.drawn.dist(t[0], t[1]),
        ];
        if touched & 1 != 0 {
            // the vertex i sees the opposite side: turn from ray to ray, taken from the smaller point id
            for i in 0..3 {
                let (y, z) = (t[(i + 1) % 3], t[(i + 2) % 3]);
                let (v, x, w) = if y < z {
                    (angle[i], y, z)
                } else {
                    (sub(pi, angle[i]), z, y)
                };
                self.angle_entry(x, w, v, t[i]);
            }
        }
        let mut order = [0usize, 1, 2];
        order.sort_by(|&i, &j| size[i].total_cmp(&size[j]));
        let near = |i: usize, j: usize| (size[i] - size[j]).abs() < TIE * (size[i] + size[j]);
        let (low, high) = (near(order[0], order[1]), near(order[1], order[2]));
        for (i, j, tie) in [
            (order[0], order[1], low),
            (order[1], order[2], high),
            (order[0], order[2], low && high),
        ] {
            if tie {
                let apex = t[3 - i - j];
                if side[i] == side[j] {
                    self.apply(Rule::IsoAngles, &[apex, t[i], t[j]]);
                    self.centre_key(apex, t[i], t[j], half_pi, pi);
                } else if angle[i] == angle[j] {
                    self.apply(Rule::IsoSides, &[apex, t[i], t[j]]);
                }
            }
        }
        let mut orders: [[usize; 3]; 6] = [order; 6];
        let mut count = 1;
        let [x, y, z] = order;
        if low {
            orders[count] = [y, x, z];
            count += 1;
        }
        if high {
            orders[count] = [x, z, y];
            count += 1;
        }
        if low && high {
            orders[count] = [y, z, x];
            orders[count + 1] = [z, x, y];
            orders[count + 2] = [z, y, x];
            count += 3;
        }
        for o in &orders[..count] {
            let p = [t[o[0]], t[o[1]], t[o[2]]];
            let a = [angle[o[0]], angle[o[1]], angle[o[2]]];
            let s = [side[o[0]], side[o[1]], side[o[2]]];
            let r = [sub(s[1], s[2]), sub(s[2], s[0]), sub(s[0], s[1])];
            // keys: two angles; two ratios; angle and adjacent ratio; angle and ratio to a longer opposite side
            self.sim_key(key(2, a[0], a[1]), p, Rule::SimAa, [0, 1, 2]);
            self.sim_key(key(3, r[0], r[1]), p, Rule::SimSss, [0, 1, 2]);
            self.sim_key(key(4, a[0], r[0]), p, Rule::SimSas, [0, 1, 2]);
            self.sim_key(key(5, a[1], r[1]), p, Rule::SimSas, [1, 0, 2]);
            self.sim_key(key(6, a[2], r[2]), p, Rule::SimSas, [2, 0, 1]);
            // angle at i, opposite side i, known side j (< i): rule wants [i, k, j] with side ik = side j
            self.sim_key(key(7, a[1], r[2]), p, Rule::SimSsa, [1, 2, 0]);
            self.sim_key(key(8, a[2], r[1]), p, Rule::SimSsa, [2, 1, 0]);
            self.sim_key(key(9, a[2], r[0]), p, Rule::SimSsa, [2, 0, 1]);
        }
    }

    fn sim_key(&mut self, k: u64, p: [Pt; 3], rule: Rule, pick: [usize; 3]) {
        let old = *self.tri.entry(k).or_insert(p);
        if old == p {
            return;
        }
        if self.similar(old, p) {
            return;
        }
        let q = [
            old[pick[0]],
            old[pick[1]],
            old[pick[2]],
            p[pick[0]],
            p[pick[1]],
            p[pick[2]],
        ];
        self.apply(rule, &q);
    }

    /// Already known similar (sides and angles).
    fn similar(&self, a: [Pt; 3], b: [Pt; 3]) -> bool {
        let r = |t: [Pt; 3], i: usize, j: usize, k: usize| sub(self.m(t[i], t[j]), self.m(t[j], t[k]));
        if r(a, 0, 1, 2) != r(b, 0, 1, 2) || r(a, 1, 2, 0) != r(b, 1, 2, 0) {
            return false;
        }
        let pi = self.tables[Tab::D as usize].fp(0);
        let angle = |t: [Pt; 3], i: usize| {
            let (x, y, z) = (t[i], t[(i + 1) % 3], t[(i + 2) % 3]);
            let mut s = t;
            s.sort_unstable();
            let ccw = (self.drawn.turn(s[0], s[1], s[2]) == 1) == even(t);
            if ccw {
                self.interior(pi, x, y, z)
            } else {
                self.interior(pi, x, z, y)
            }
        };
        angle(a, 0) == angle(b, 0) && angle(a, 1) == angle(b, 1)
    }
}

/// True if `t` is an even permutation of its sorted order.
fn even(t: [Pt; 3]) -> bool {
    t[(0..3).min_by_key(|&i| t[i]).map_or(1, |i| i + 1) % 3]
        < t[(0..3).min_by_key(|&i| t[i]).map_or(2, |i| i + 2) % 3]
}
