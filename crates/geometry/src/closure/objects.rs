//! Circles as point sets, read off the tables.

use super::rows::Tab;
use super::state::State;
use crate::algebra::field::{add, sub};
use crate::lang::atom::Pt;
use rustc_hash::FxHashMap;

/// A set of points.
pub(super) type Mask = u64;

/// Points of a mask.
pub(super) fn points(mut m: Mask) -> impl Iterator<Item = Pt> {
    std::iter::from_fn(move || {
        (m != 0).then(|| {
            let i = m.trailing_zeros();
            m &= m - 1;
            i as Pt
        })
    })
}

impl State {
    /// Maximal proven circles with at least four points.
    pub(super) fn circle_masks(&self) -> Vec<Mask> {
        let n = self.n as Pt;
        let pi = self.tables[Tab::D as usize].fp(0);
        let mut out: Vec<Mask> = Vec::new();
        let mut by: FxHashMap<u64, Mask> = FxHashMap::default();
        for b in 1..n {
            for a in 0..b {
                if !self.drawn.apart(a, b) {
                    continue;
                }
                by.clear();
                for c in 0..n {
                    if c == a || c == b || self.drawn.flat(a, b, c) {
                        continue;
                    }
                    let v = sub(self.d(b, c), self.d(a, c));
                    let v = if self.drawn.theta(b, c) > self.drawn.theta(a, c) {
                        v
                    } else {
                        add(v, pi)
                    };
                    *by.entry(v).or_insert(0) |= 1 << c;
                }
                for m in by.values() {
                    let m = m | 1 << a | 1 << b;
                    let low =
                        m.trailing_zeros() == u32::from(a) && (m & (m - 1)).trailing_zeros() == u32::from(b);
                    if m.count_ones() >= 4 && low {
                        out.push(m);
                    }
                }
            }
        }
        out.sort_unstable();
        out
    }
}
