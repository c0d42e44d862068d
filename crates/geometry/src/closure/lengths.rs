//! Keeping the three length tables in step, and perpendiculars against squared lengths.

use super::rows::{PRIMES, Tab, pair, pair_of};
use super::rules::Rule;
use super::state::State;
use crate::algebra::field::{self, add, inv, mul, sub};
use crate::algebra::table::{CONSTANTS, Var};
use crate::lang::atom::{Frac, Pt};
use num_traits::Signed;
use rustc_hash::FxHashMap;

impl State {
    /// Lengths whose ratio is a constant in one table have it in the others.
    pub(super) fn sync_lengths(&mut self) {
        for (tab, rule) in [
            (Tab::M, Rule::RatioM),
            (Tab::L, Rule::RatioL),
            (Tab::S, Rule::RatioS),
        ] {
            let t = &self.tables[tab as usize];
            if self.synced[tab as usize] == t.version() {
                continue;
            }
            self.synced[tab as usize] = t.version();
            let mut found: Vec<(Var, Var, Frac, Rule)> = Vec::new();
            let mut first: FxHashMap<u64, (Var, Vec<(Var, u64)>)> = FxHashMap::default();
            for b in 1..self.n as Pt {
                for a in 0..b {
                    if !self.drawn.apart(a, b) {
                        continue;
                    }
                    let v = pair(a, b);
                    let form = t.form(v);
                    let k = if tab == Tab::M {
                        form.iter()
                            .filter(|x| x.0 >= CONSTANTS)
                            .fold(1, |s, &(w, c)| add(s, mul(c, field::random(w))))
                    } else {
                        let Some(&(_, lead)) = form.last() else { continue };
                        mul(t.fp(v), inv(lead))
                    };
                    match first.get(&k) {
                        None => {
                            first.insert(k, (v, form));
                        }
                        Some((w, other)) => {
                            let q = match tab {
                                Tab::M => constant_ratio(&form, other),
                                _ => field::reconstruct(mul(
                                    form.last().map_or(0, |x| x.1),
                                    inv(other.last().map_or(1, |x| x.1)),
                                )),
                            };
                            if let Some(q) = q.filter(|q| q.is_positive()) {
                                match (tab, root(&q)) {
                                    (Tab::M, None) => found.push((v, *w, q, Rule::RatioM2)),
                                    (Tab::M, Some(r)) => found.push((v, *w, r, rule)),
                                    _ => found.push((v, *w, q, rule)),
                                }
                            }
                        }
                    }
                }
            }
            for (v, w, q, rule) in found {
                if let (Some((a, b)), Some((c, d))) = (pair_of(v), pair_of(w)) {
                    self.apply_with(rule, &[a, b, c, d], q);
                }
            }
        }
    }

    /// Perpendicular lines give squared-length rows and the other way round.
    pub(super) fn squares(&mut self) {
        let now = [
            self.tables[Tab::D as usize].version(),
            self.tables[Tab::S as usize].version(),
        ];
        if self.squares_swept == now {
            return;
        }
        self.squares_swept = now;
        let n = self.n as Pt;
        let pi = self.tables[Tab::D as usize].fp(0);
        let half_pi = mul(pi, inv(2));
        let mut classes: FxHashMap<u64, Vec<(Pt, Pt)>> = FxHashMap::default();
        let mut order: Vec<u64> = Vec::new();
        for b in 1..n {
            for a in 0..b {
                if self.drawn.apart(a, b) {
                    let k = self.d(a, b);
                    classes.entry(k).or_insert_with(|| {
                        order.push(k);
                        Vec::new()
                    });
                    if let Some(v) = classes.get_mut(&k) {
                        v.push((a, b));
                    }
                }
            }
        }
        for k in order {
            let Some(other) = classes.get(&add(k, half_pi)) else {
                continue;
            };
            for &(a, b) in &classes[&k] {
                for &(c, d) in other {
                    let left = sub(self.s(a, c), self.s(a, d));
                    let right = sub(self.s(b, c), self.s(b, d));
                    if left != right {
                        self.apply(Rule::PerpSquares, &[a, b, c, d]);
                    }
                }
            }
        }
        let mut by: FxHashMap<u64, Pt> = FxHashMap::default();
        for d in 1..n {
            for c in 0..d {
                if !self.drawn.apart(c, d) {
                    continue;
                }
                by.clear();
                for a in 0..n {
                    let k = sub(self.s(a, c), self.s(a, d));
                    let b = *by.entry(k).or_insert(a);
                    if b == a || !self.drawn.apart(a, b) {
                        continue;
                    }
                    let turned = sub(self.d(a, b), self.d(c, d));
                    if turned != half_pi && turned != sub(0, half_pi) {
                        self.apply(Rule::SquaresPerp, &[a, b, c, d]);
                    }
                }
            }
        }
    }
}

/// Rational square root.
fn root(q: &Frac) -> Option<Frac> {
    let r = |n: i64| {
        let s = (n as f64).sqrt().round() as i64;
        (s.checked_mul(s) == Some(n)).then_some(s)
    };
    Some(Frac::new(r(*q.numer())?, r(*q.denom())?))
}

/// The square of the ratio of two lengths whose log forms differ by constants only.
fn constant_ratio(x: &[(Var, u64)], y: &[(Var, u64)]) -> Option<Frac> {
    let mut q = Frac::from_integer(1);
    for (i, &p) in PRIMES.iter().enumerate() {
        let of = |f: &[(Var, u64)]| f.iter().find(|t| t.0 == i as Var).map_or(0, |t| t.1);
        let e = field::reconstruct(mul(2, sub(of(x), of(y))))?;
        if *e.denom() != 1 || e.numer().abs() > 12 {
            return None;
        }
        for _ in 0..e.numer().abs() {
            let r = if e.is_positive() {
                Frac::from_integer(p)
            } else {
                Frac::new(1, p)
            };
            let (n, d) = (
                q.numer().checked_mul(*r.numer())?,
                q.denom().checked_mul(*r.denom())?,
            );
            q = Frac::new(n, d);
        }
    }
    Some(q)
}
