//! The rules with names: run once the cheap passes are at rest, over the prepared configurations.

use super::configs::Config;
use super::rules::Rule;
use super::state::State;
use crate::algebra::field::sub;
use crate::lang::atom::Pt;

impl State {
    /// One round of all of them.
    pub(super) fn named(&mut self) {
        let circles = self.circle_masks();
        self.circle_rules(&circles);
        let shared = self.shared.clone();
        for c in shared.iter() {
            self.try_config(c);
        }
        let own = std::mem::take(&mut self.own);
        for c in &own {
            self.try_config(c);
        }
        self.own = own;
        if self.drawn.twins {
            self.same_points();
        }
    }

    fn try_config(&mut self, c: &Config) {
        let ready = c
            .premises
            .iter()
            .all(|(tab, terms)| self.tables[*tab as usize].fp_of(terms) == 0);
        if ready {
            self.apply_with(c.rule, &c.pts, c.q);
        }
    }

    /// Two names drawn at one place, both on two loci that cross there.
    fn same_points(&mut self) {
        let n = self.n as Pt;
        for y in 1..n {
            for x in 0..y {
                if self.drawn.apart(x, y) {
                    continue;
                }
                let others: Vec<Pt> = (0..n)
                    .filter(|&z| self.drawn.apart(x, z) && self.drawn.apart(y, z))
                    .collect();
                let known = |s: &State, z: Pt| s.d(x, z) == s.d(y, z) && s.m(x, z) == s.m(y, z);
                if others.iter().all(|&z| known(self, z)) {
                    continue;
                }
                let loci = self.loci(x, y, &others);
                'pairs: for (i, s) in loci.iter().enumerate() {
                    for t in &loci[..i] {
                        let Some(rule) = Rule::same(t.0, s.0) else {
                            continue;
                        };
                        for &z in &others {
                            let p = [&[x, y, z], &t.1[..], &s.1[..]].concat();
                            self.apply(rule, &p);
                            if !known(self, z) {
                                break; // the loci touch
                            }
                        }
                        if others.iter().all(|&z| known(self, z)) {
                            break 'pairs;
                        }
                    }
                }
            }
        }
    }

    /// Loci on which both points are known to be, in the order l, a, o, r of [`Rule::same`].
    fn loci(&self, x: Pt, y: Pt, others: &[Pt]) -> Vec<(u8, Vec<Pt>)> {
        let mut out: Vec<(u8, Vec<Pt>)> = Vec::new();
        for &c in others {
            if self.d(x, c) == self.d(y, c) {
                out.push((b'l', vec![c]));
            }
        }
        let pairs = || {
            others
                .iter()
                .enumerate()
                .flat_map(|(i, &c)| others[..i].iter().map(move |&d| (c, d)))
        };
        for (c, d) in pairs() {
            if !self.drawn.flat(c, d, x) && sub(self.d(x, c), self.d(x, d)) == sub(self.d(y, c), self.d(y, d))
            {
                out.push((b'a', vec![c, d]));
            }
        }
        for &c in others {
            if self.m(x, c) == self.m(y, c) {
                out.push((b'o', vec![c]));
            }
        }
        for (c, d) in pairs() {
            if sub(self.m(x, c), self.m(x, d)) == sub(self.m(y, c), self.m(y, d)) {
                out.push((b'r', vec![c, d]));
            }
        }
        out
    }
}
