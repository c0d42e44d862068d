//! The law of sines: sines of the angles of triangles as further variables beside the logarithms of lengths.
//!
//! Costly, so it is tried when the other rules are at rest. Equal angles have one sine; sines of 30°, 45°, 60°,
//! 90° are constants. A triangle takes part when at least two of its sines occur elsewhere or are constants.
//! Eliminating the sines leaves relations of lengths; equal sines, or equal ratios of the sines of the two parts
//! of equal angles, give equal angles.

use super::rows::{MAX_SINE_POINTS, Tab, pair, variables};
use super::rules::{Rule, instance};
use super::state::{Origin, State};
use crate::algebra::field::{self, inv, mul, neg, sub};
use crate::algebra::table::{Table, Var};
use crate::lang::atom::{Frac, Pt};
use num_traits::Zero;
use rustc_hash::FxHashMap;

/// An angle: vertex and two points on its sides.
type Angle = [Pt; 3];

/// Sines by value.
#[derive(Default)]
struct Classes {
    of: FxHashMap<u64, usize>,
    first: Vec<Angle>,
    /// How many live triangles have such an angle.
    count: Vec<usize>,
    constant: Vec<Option<Rule>>,
}

struct Triangle {
    angles: [Angle; 3],
    class: [usize; 3],
}

impl State {
    /// One round; new rows appear in tables M and D.
    pub(super) fn law_of_sines(&mut self) {
        if self.n > MAX_SINE_POINTS {
            return;
        }
        let (classes, triangles) = self.sine_classes();
        let base = variables(self.n) as Var;
        let mut t = self.tables[Tab::M as usize].clone();
        t.eliminate_from(base);
        t.grow(base as usize + classes.first.len());
        self.write_laws(&mut t, &classes, &triangles, base);
        for b in 1..self.n as Pt {
            for a in 0..b {
                let v = pair(a, b);
                if t.fp(v) != self.tables[Tab::M as usize].fp(v) {
                    let mut terms = t.form(v);
                    terms.push((v, neg(1)));
                    self.tables[Tab::M as usize].insert(&terms);
                }
            }
        }
        self.equal_sines(&t, &classes, base);
        self.sine_ratios(&t, &classes, base);
    }

    /// The class of an angle: equal and supplementary angles share one.
    fn sine_key(&self, [v, x, y]: Angle) -> u64 {
        let d = &self.drawn;
        let pi = self.tables[Tab::D as usize].fp(0);
        let mut turn = d.theta(v, y) - d.theta(v, x);
        let mut key = sub(self.d(v, y), self.d(v, x));
        if turn < 0.0 {
            turn += std::f64::consts::PI;
            key = field::add(key, pi);
        }
        let other = sub(pi, key); // the same where a right angle is known
        let right = std::f64::consts::FRAC_PI_2;
        if turn < right + 1e-9 { key } else { other }
    }

    /// Sines that can help, and the triangles they occur in.
    fn sine_classes(&self) -> (Classes, Vec<Triangle>) {
        let pi = self.tables[Tab::D as usize].fp(0);
        let constants = [
            (6, Rule::Sine30),
            (4, Rule::Sine45),
            (3, Rule::Sine60),
            (2, Rule::Sine90),
        ];
        let constants = constants.map(|(n, r)| (mul(pi, inv(n)), r));
        let mut c = Classes::default();
        let mut triangles = Vec::new();
        let n = self.n as Pt;
        for z in 2..n {
            for y in 1..z {
                for x in 0..y {
                    if self.drawn.turn(x, y, z) == 0 {
                        continue;
                    }
                    let angles = [[x, y, z], [y, x, z], [z, x, y]];
                    let class = angles.map(|a| {
                        let key = self.sine_key(a);
                        *c.of.entry(key).or_insert_with(|| {
                            c.first.push(a);
                            c.count.push(0);
                            c.constant
                                .push(constants.iter().find(|k| k.0 == key).map(|k| k.1));
                            c.first.len() - 1
                        })
                    });
                    class.iter().for_each(|&i| c.count[i] += 1);
                    triangles.push(Triangle { angles, class });
                }
            }
        }
        loop {
            let before = triangles.len();
            triangles.retain(|t| {
                let useful = |i: &&usize| c.constant[**i].is_some() || c.count[**i] > 1;
                let keep = t.class.iter().filter(useful).count() >= 2;
                if !keep {
                    t.class.iter().for_each(|&i| c.count[i] -= 1);
                }
                keep
            });
            if triangles.len() == before {
                return (c, triangles);
            }
        }
    }

    /// Writes the laws into `t`, and into the log with the sines of the triangles themselves.
    fn write_laws(&mut self, t: &mut Table, c: &Classes, triangles: &[Triangle], base: Var) {
        let var = |i: usize| base + i as Var;
        for (i, rule) in c.constant.iter().enumerate() {
            if let Some(rule) = *rule
                && c.count[i] > 0
                && let Some(inst) = instance(&self.drawn.f, rule, &c.first[i], Frac::zero())
            {
                // the row is a sine and constants; only the sine is renamed
                let terms = inst.conclusions[0].terms.iter();
                let terms: Vec<(Var, u64)> = terms
                    .map(|(v, q)| (if *v < base { *v } else { var(i) }, field::frac(q)))
                    .collect();
                t.insert(&terms);
                self.note(rule, &c.first[i]);
            }
        }
        for tri in triangles {
            for (k, a) in tri.angles.iter().enumerate() {
                let first = c.first[tri.class[k]];
                if first != *a {
                    self.note(Rule::SineEqual, &[first, *a].concat());
                }
            }
            let [x, y, z] = tri.angles.map(|a| a[0]);
            let [i, j, k] = tri.class.map(var);
            for (p, q, s, u) in [((y, z), (z, x), i, j), ((z, x), (x, y), j, k)] {
                t.insert(&[(pair(p.0, p.1), 1), (pair(q.0, q.1), neg(1)), (s, neg(1)), (u, 1)]);
            }
            self.note(Rule::LawOfSines, &[x, y, z]);
        }
    }

    /// Logs an instance whose rows speak of sines: they are not in the state's own tables.
    fn note(&mut self, rule: Rule, p: &[Pt]) {
        if self.log.is_none() || !self.first_time(rule, p) {
            return;
        }
        if let Some(inst) = instance(&self.drawn.f, rule, p, Frac::zero())
            && let Some(log) = &mut self.log
        {
            log.push(super::state::Step {
                origin: Origin::Rule(rule, p.to_vec(), Frac::zero()),
                rows: inst.conclusions,
            });
        }
    }

    /// Adds the angles an instance concludes; its sines were found equal in the extended table.
    fn conclude(&mut self, rule: Rule, p: &[Pt]) {
        if let Some(inst) = instance(&self.drawn.f, rule, p, Frac::zero())
            && !self.knows_all(&inst.conclusions)
            && inst.premises[1..].iter().all(|r| self.knows(r))
        {
            self.add(Origin::Rule(rule, p.to_vec(), Frac::zero()), inst.conclusions);
        }
    }

    fn equal_sines(&mut self, t: &Table, c: &Classes, base: Var) {
        let mut by: FxHashMap<u64, usize> = FxHashMap::default();
        for i in (0..c.first.len()).filter(|&i| c.count[i] > 0) {
            let j = *by.entry(t.fp(base + i as Var)).or_insert(i);
            if j != i {
                self.conclude(Rule::SineAngle, &[c.first[j], c.first[i]].concat());
            }
        }
    }

    fn sine_ratios(&mut self, t: &Table, c: &Classes, base: Var) {
        const NONE: usize = usize::MAX;
        let n = self.n as Pt;
        let mut by: FxHashMap<(usize, u64, bool), ([Pt; 4], usize)> = FxHashMap::default();
        let mut found = Vec::new();
        for v in 0..n {
            // one point for each known line through v, and the class of each angle between two of them
            let mut rays: Vec<Pt> = Vec::new();
            for x in (0..n).filter(|&x| self.drawn.apart(v, x)) {
                if rays.iter().all(|&r| self.d(v, r) != self.d(v, x)) {
                    rays.push(x);
                }
            }
            let k = rays.len();
            let mut class = vec![NONE; k * k];
            for j in 1..k {
                for i in (0..j).filter(|&i| !self.drawn.flat(v, rays[i], rays[j])) {
                    let key = self.sine_key([v, rays[i], rays[j]]);
                    let id = c.of.get(&key).copied().unwrap_or(NONE);
                    class[i * k + j] = id;
                    class[j * k + i] = id;
                }
            }
            let live = |i: usize, j: usize| match class[i * k + j] {
                NONE => None,
                id => (c.count[id] > 0).then_some(id),
            };
            for (i, &x) in rays.iter().enumerate() {
                for (j, &w) in rays.iter().enumerate() {
                    let Some(s) = live(i, j) else { continue };
                    for (l, &y) in rays.iter().enumerate() {
                        let (Some(u), whole) = (live(j, l), class[i * k + l]) else {
                            continue;
                        };
                        if whole == NONE {
                            continue;
                        }
                        let ratio = sub(t.fp(base + s as Var), t.fp(base + u as Var));
                        let here = [v, x, w, y];
                        let key = (whole, ratio, self.splits_inside(here));
                        let first = *by.entry(key).or_insert((here, s));
                        // equal first parts are known already
                        if first.1 != s {
                            found.push([first.0, here].concat());
                        }
                    }
                }
            }
        }
        found.iter().for_each(|p| self.conclude(Rule::SineRatio, p));
    }

    /// Which of the two ways with the same ratio of sines line vw splits the angle of lines vx and vy
    /// (for right angles the two are mirror images).
    fn splits_inside(&self, [v, x, w, y]: [Pt; 4]) -> bool {
        use std::f64::consts::{FRAC_PI_2, PI};
        let turn = |p: Pt| {
            let t = self.drawn.theta(v, p) - self.drawn.theta(v, x);
            if t < 0.0 { t + PI } else { t }
        };
        let whole = turn(y);
        (whole - FRAC_PI_2).abs() < 1e-9 || turn(w) < whole
    }
}
