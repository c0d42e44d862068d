//! The rules with names: run once the cheap passes are at rest, over the prepared configurations.

use super::configs::Config;
use super::objects::{Mask, points};
use super::rules::Rule;
use super::state::State;
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
            let lines = self.lines();
            self.same_points(&lines, &circles);
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
                    if self.drawn.apart(x, z) && self.drawn.apart(y, z) && self.d(x, z) == self.d(y, z) {
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
