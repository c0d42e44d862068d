//! The closure's state: figure, tables, found instances, and the fixpoint loop.

use super::configs::{Config, configs_with};
use super::rows::{Row, Tab, atom_rows, pair, variables};
use super::rules::{Rule, instance};
use crate::algebra::field;
use crate::algebra::table::{Inserted, Table, Var};
use crate::figure::Figure;
use crate::figure::rng::mix;
use crate::lang::atom::{Atom, Frac, Pt};
use num_traits::Zero;
use rustc_hash::{FxHashMap, FxHashSet};
use std::sync::Arc;

/// Where rows come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The `i`-th hypothesis of the statement (auxiliary facts are appended to them).
    Fact(usize),
    /// A rule at points, with its number.
    Rule(Rule, Vec<Pt>, Frac),
}

/// One logged addition.
#[derive(Clone, Debug)]
pub struct Step {
    /// Why the rows hold.
    pub origin: Origin,
    /// The rows.
    pub rows: Vec<Row>,
}

/// A figure with what the passes ask of it often.
#[derive(Clone)]
pub struct Drawn {
    /// The figure.
    pub f: Figure,
    theta: Vec<f64>,
    dist: Vec<f64>,
    turn: Vec<i8>,
    /// Collinear triples of points drawn apart, in the order of their newest point.
    pub(super) flats: Vec<[Pt; 3]>,
    /// Right angles: vertex and the two other points, in both orders.
    pub(super) rights: Vec<[Pt; 3]>,
    /// First triangles with an angle and a side ratio, for [`super::configs`].
    pub(super) ssa: FxHashMap<u64, Vec<[Pt; 3]>>,
    /// Two points are drawn at one place.
    pub(super) twins: bool,
}

impl Drawn {
    fn new(f: Figure) -> Self {
        Drawn {
            f,
            theta: vec![],
            dist: vec![],
            turn: vec![],
            flats: vec![],
            rights: vec![],
            ssa: FxHashMap::default(),
            twins: false,
        }
    }

    /// Fills the tables for the point number `k - 1`.
    fn extend(&mut self, k: usize) {
        let c = (k - 1) as Pt;
        for a in 0..c {
            self.theta.push(self.f.theta(a, c));
            self.dist
                .push(if self.f.same(a, c) { 0.0 } else { self.f.dist(a, c) });
        }
        self.twins |= (0..c).any(|a| !self.apart(a, c));
        for b in 0..c {
            for a in 0..b {
                let flat = self.f.flat(a, b, c);
                if flat && self.apart(a, b) && self.apart(b, c) && self.apart(a, c) {
                    self.flats.push([a, b, c]);
                }
                self.turn.push(if flat {
                    0
                } else {
                    self.f.turn(a, b, c).signum() as i8
                });
            }
        }
    }

    #[inline]
    fn idx(a: Pt, b: Pt) -> usize {
        let (i, j) = if a < b {
            (a as usize, b as usize)
        } else {
            (b as usize, a as usize)
        };
        j * (j - 1) / 2 + i
    }

    /// Direction in [0, pi).
    #[inline]
    pub fn theta(&self, a: Pt, b: Pt) -> f64 {
        self.theta[Self::idx(a, b)]
    }

    /// Distance, exactly 0 for coincident points.
    #[inline]
    pub fn dist(&self, a: Pt, b: Pt) -> f64 {
        self.dist[Self::idx(a, b)]
    }

    /// True if the points are drawn apart.
    #[inline]
    pub fn apart(&self, a: Pt, b: Pt) -> bool {
        a != b && self.dist[Self::idx(a, b)] > 0.0
    }

    /// Orientation of a triple with `a < b < c`: 0 flat (or coincident), +1 counter-clockwise, -1 clockwise.
    #[inline]
    pub fn turn(&self, a: Pt, b: Pt, c: Pt) -> i8 {
        let (a, b, c) = (a as usize, b as usize, c as usize);
        self.turn[c * (c - 1) * (c.max(2) - 2) / 6 + b * (b - 1) / 2 + a]
    }

    /// True if the three points are drawn collinear.
    pub fn flat(&self, a: Pt, b: Pt, c: Pt) -> bool {
        let mut t = [a, b, c];
        t.sort_unstable();
        t[0] == t[1] || t[1] == t[2] || self.turn(t[0], t[1], t[2]) == 0
    }
}

/// The state. Cloning it is how a candidate point is tried.
#[derive(Clone)]
pub struct State {
    /// The figure.
    pub drawn: Drawn,
    /// Number of points.
    pub n: usize,
    pub(super) tables: [Table; 4],
    pub(super) tri: FxHashMap<u64, [Pt; 3]>,
    pub(super) seen_angle: FxHashMap<u64, Pt>,
    done: FxHashSet<u64>,
    /// Configurations of the points the state was made with, shared by clones, and of those added since.
    pub(super) shared: Arc<Vec<Config>>,
    pub(super) own: Vec<Config>,
    /// Versions of D and M when the triangle pass last ran.
    pub(super) swept: [u32; 2],
    pub(super) synced: [u32; 4],
    pub(super) squares_swept: [u32; 2],
    /// Use the law of sines where nothing else helps.
    pub sines: bool,
    /// The facts contradict each other.
    pub contradiction: bool,
    /// Rows refused because they are false on the figure or unproven; a count for diagnosis.
    pub refused: usize,
    /// The log, when kept.
    pub log: Option<Vec<Step>>,
}

/// Result of [`State::close`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    /// The goal rows are known.
    Goal,
    /// Nothing more follows.
    Fixpoint,
    /// Stopped by the caller.
    Stopped,
}

impl State {
    /// A state with the points of the figure and no facts.
    pub fn new(f: &Figure, keep_log: bool) -> Self {
        let n = f.xy.len();
        let mut tables: [Table; 4] = Default::default();
        tables.iter_mut().for_each(|t| t.grow(variables(n)));
        let mut drawn = Drawn::new(f.clone());
        let mut shared = Vec::new();
        for k in 1..=n {
            drawn.extend(k);
            shared.extend(configs_with(&mut drawn, (k - 1) as Pt));
        }
        State {
            drawn,
            n,
            tables,
            tri: FxHashMap::default(),
            seen_angle: FxHashMap::default(),
            done: FxHashSet::default(),
            shared: Arc::new(shared),
            own: Vec::new(),
            swept: [0; 2],
            synced: [u32::MAX; 4],
            squares_swept: [u32::MAX; 2],
            sines: false,
            contradiction: false,
            refused: 0,
            log: keep_log.then(Vec::new),
        }
    }

    /// Adds a point at coordinates on the (normalised) figure.
    pub fn add_point(&mut self, at: [f64; 2]) -> Pt {
        self.drawn.f.xy.push(at);
        self.n += 1;
        self.drawn.extend(self.n);
        let configs = configs_with(&mut self.drawn, (self.n - 1) as Pt);
        self.own.extend(configs);
        // new pairs are dirty: their variables count as changed now
        self.tables.iter_mut().for_each(|t| t.grow(variables(self.n)));
        (self.n - 1) as Pt
    }

    /// Adds the facts of the statement. `false` if one cannot be written on the figure.
    pub fn assume(&mut self, facts: &[Atom], first_index: usize) -> bool {
        let mut fine = true;
        for (i, a) in facts.iter().enumerate() {
            match atom_rows(&self.drawn.f, a) {
                Some(rows) => self.add(Origin::Fact(first_index + i), rows),
                None => fine = false,
            }
        }
        fine
    }

    pub(super) fn add(&mut self, origin: Origin, rows: Vec<Row>) {
        let mut news = false;
        for r in &rows {
            let terms: Vec<(Var, u64)> = r.terms.iter().map(|(v, c)| (*v, field::frac(c))).collect();
            match self.tables[r.tab as usize].insert(&terms) {
                Inserted::New => news = true,
                Inserted::Redundant => {}
                Inserted::Contradiction => self.contradiction = true,
            }
        }
        if news && let Some(log) = &mut self.log {
            log.push(Step { origin, rows });
        }
    }

    /// True if the row follows from the tables.
    pub fn knows(&self, r: &Row) -> bool {
        let t = &self.tables[r.tab as usize];
        let fp = r
            .terms
            .iter()
            .fold(0, |s, (v, c)| field::add(s, field::mul(field::frac(c), t.fp(*v))));
        fp == 0
    }

    /// True if all rows follow.
    pub fn knows_all(&self, rows: &[Row]) -> bool {
        rows.iter().all(|r| self.knows(r))
    }

    /// There is a goal and it is known.
    fn knows_all_of(&self, goal: &[Row]) -> bool {
        !goal.is_empty() && self.knows_all(goal)
    }

    /// Applies a rule if its premises are known; adds the conclusions.
    pub fn apply(&mut self, rule: Rule, p: &[Pt]) {
        self.apply_with(rule, p, Frac::zero());
    }

    /// [`State::apply`] with a number.
    pub fn apply_with(&mut self, rule: Rule, p: &[Pt], q: Frac) {
        let h = fingerprint(rule, p, q);
        if self.done.contains(&h) {
            return;
        }
        let Some(inst) = instance(&self.drawn.f, rule, p, q) else {
            self.refused += 1;
            self.done.insert(h); // the figure does not change: never again
            return;
        };
        if !self.knows_all(&inst.premises) {
            return;
        }
        self.done.insert(h);
        self.add(Origin::Rule(rule, p.to_vec(), q), inst.conclusions);
    }

    /// Marks an instance as done; false if it was already.
    pub(super) fn first_time(&mut self, rule: Rule, p: &[Pt]) -> bool {
        self.done.insert(fingerprint(rule, p, Frac::zero()))
    }

    /// Fingerprint of a direction.
    #[inline]
    pub(super) fn d(&self, a: Pt, b: Pt) -> u64 {
        self.tables[Tab::D as usize].fp(pair(a, b))
    }

    /// Fingerprint of a log length.
    #[inline]
    pub(super) fn m(&self, a: Pt, b: Pt) -> u64 {
        self.tables[Tab::M as usize].fp(pair(a, b))
    }

    /// Fingerprint of a squared length; 0 for coincident points.
    #[inline]
    pub(super) fn s(&self, a: Pt, b: Pt) -> u64 {
        if a == b {
            0
        } else {
            self.tables[Tab::S as usize].fp(pair(a, b))
        }
    }

    pub(super) fn versions(&self) -> [u32; 4] {
        [0, 1, 2, 3].map(|i| self.tables[i].version())
    }

    /// Runs the passes until nothing changes, the goal is known, or `stop` says so.
    pub fn close(&mut self, goal: &[Row], stop: &dyn Fn() -> bool) -> Closed {
        loop {
            let before = self.versions();
            self.triangles();
            self.circles();
            self.sync_lengths();
            self.squares();
            if self.knows_all_of(goal) {
                return Closed::Goal;
            }
            if self.contradiction || stop() {
                return Closed::Stopped;
            }
            if self.versions() == before {
                self.named();
                if self.sines && self.versions() == before && !self.knows_all_of(goal) {
                    self.law_of_sines();
                }
                if self.versions() == before {
                    return if self.knows_all_of(goal) {
                        Closed::Goal
                    } else {
                        Closed::Fixpoint
                    };
                }
            }
        }
    }
}

/// One number for one instance.
fn fingerprint(rule: Rule, p: &[Pt], q: Frac) -> u64 {
    let mut h = mix(rule as u64 + 0x51);
    for &x in p {
        h = mix(h ^ u64::from(x)).wrapping_add(h << 7);
    }
    mix(h ^ (*q.numer() as u64) ^ (*q.denom() as u64) << 32)
}
