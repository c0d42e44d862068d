//! An incremental reduced row echelon form with fingerprints.
//!
//! Every variable is free or a pivot whose row expresses it in free variables. Normal forms are canonical,
//! so two linear forms are equal exactly when their fingerprints (the value of the normal form at random
//! points of the field) agree, up to the failure probability stated in [`super`].

use super::field::{self, add, inv, mul, neg, sub};

/// A variable of a table.
pub type Var = u16;
/// The first so many variables are constants: never pivots.
pub const CONSTANTS: u16 = 16;

/// Outcome of [`Table::insert`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inserted {
    /// Already known.
    Redundant,
    /// New; normal forms changed.
    New,
    /// It would make a relation between constants only: the facts contradict each other.
    Contradiction,
}

/// The table.
#[derive(Clone, Default)]
pub struct Table {
    /// Normal form of each pivot, sorted by variable; empty and `!pivot` for free variables.
    rows: Vec<Vec<(Var, u64)>>,
    pivot: Vec<bool>,
    fp: Vec<u64>,
    uses: Vec<u16>,
    /// The value of [`Table::version`] when a variable's normal form last changed.
    changed: Vec<u32>,
    version: u32,
    /// Variables from here on become pivots before others do.
    first: Var,
}

impl Table {
    /// Prefers the variables from `first` on as pivots: rows with another pivot then speak of the variables
    /// below `first` only.
    pub fn eliminate_from(&mut self, first: Var) {
        self.first = first;
    }

    /// Grows to `n` variables.
    pub fn grow(&mut self, n: usize) {
        if n > self.rows.len() {
            self.version += 1; // new variables count as changed
        }
        for v in self.rows.len()..n {
            self.rows.push(Vec::new());
            self.pivot.push(false);
            self.fp.push(field::random(v as u16));
            self.uses.push(0);
            self.changed.push(self.version);
        }
    }

    /// Counts insertions that changed something.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// Version at which the normal form of `v` last changed.
    #[inline]
    pub fn changed(&self, v: Var) -> u32 {
        self.changed[v as usize]
    }

    /// Fingerprint of the variable's normal form.
    #[inline]
    pub fn fp(&self, v: Var) -> u64 {
        self.fp[v as usize]
    }

    /// Fingerprint of a linear form.
    pub fn fp_of(&self, terms: &[(Var, u64)]) -> u64 {
        terms
            .iter()
            .fold(0, |s, &(v, c)| add(s, mul(c, self.fp[v as usize])))
    }

    /// The normal form of a variable: itself if free.
    pub fn form(&self, v: Var) -> Vec<(Var, u64)> {
        if self.pivot[v as usize] {
            self.rows[v as usize].clone()
        } else {
            vec![(v, 1)]
        }
    }

    /// Reduces a linear form to free variables, sorted.
    pub fn reduce(&self, terms: &[(Var, u64)]) -> Vec<(Var, u64)> {
        let mut acc: Vec<(Var, u64)> = Vec::with_capacity(terms.len() * 3);
        for &(v, c) in terms {
            if self.pivot[v as usize] {
                acc.extend(self.rows[v as usize].iter().map(|&(w, d)| (w, mul(c, d))));
            } else {
                acc.push((v, c));
            }
        }
        acc.sort_unstable_by_key(|t| t.0);
        let mut out: Vec<(Var, u64)> = Vec::with_capacity(acc.len());
        for (v, c) in acc {
            match out.last_mut() {
                Some(l) if l.0 == v => l.1 = add(l.1, c),
                _ => out.push((v, c)),
            }
        }
        out.retain(|t| t.1 != 0);
        out
    }

    /// Adds the equation `sum of terms = 0`.
    pub fn insert(&mut self, terms: &[(Var, u64)]) -> Inserted {
        if self.fp_of(terms) == 0 {
            return Inserted::Redundant;
        }
        let mut form = self.reduce(terms);
        // the pivot with the fewest uses; among equals the newest variable
        let best = form
            .iter()
            .enumerate()
            .filter(|(_, t)| t.0 >= CONSTANTS)
            .min_by_key(|(_, t)| (t.0 < self.first, self.uses[t.0 as usize], u16::MAX - t.0));
        let Some((i, &(v, c))) = best else {
            return if form.is_empty() {
                Inserted::Redundant
            } else {
                Inserted::Contradiction
            };
        };
        form.remove(i);
        let scale = neg(inv(c));
        form.iter_mut().for_each(|t| t.1 = mul(t.1, scale));
        self.version += 1;
        let new_fp = self.fp_of(&form);
        let delta = sub(new_fp, self.fp[v as usize]);
        if self.uses[v as usize] > 0 {
            for p in 0..self.rows.len() {
                if let Ok(k) = self.rows[p].binary_search_by_key(&v, |t| t.0) {
                    let c = self.rows[p][k].1;
                    let merged = merge(&self.rows[p], v, c, &form, &mut self.uses);
                    self.rows[p] = merged;
                    self.fp[p] = add(self.fp[p], mul(c, delta));
                    self.changed[p] = self.version;
                }
            }
        }
        self.fp[v as usize] = new_fp;
        self.changed[v as usize] = self.version;
        form.iter().for_each(|t| self.uses[t.0 as usize] += 1);
        self.uses[v as usize] = 0;
        self.rows[v as usize] = form;
        self.pivot[v as usize] = true;
        Inserted::New
    }
}

/// `row` with variable `v` (coefficient `c`) replaced by `form`, keeping the use counts.
fn merge(row: &[(Var, u64)], v: Var, c: u64, form: &[(Var, u64)], uses: &mut [u16]) -> Vec<(Var, u64)> {
    let mut out = Vec::with_capacity(row.len() + form.len());
    let (mut i, mut j) = (0, 0);
    while i < row.len() || j < form.len() {
        let a = row.get(i).map_or(u16::MAX, |t| t.0);
        let b = form.get(j).map_or(u16::MAX, |t| t.0);
        if a < b {
            if a != v {
                out.push(row[i]);
            }
            i += 1;
        } else if b < a {
            uses[b as usize] += 1;
            out.push((b, mul(c, form[j].1)));
            j += 1;
        } else {
            let s = add(row[i].1, mul(c, form[j].1));
            if s != 0 {
                out.push((a, s));
            } else {
                uses[a as usize] -= 1;
            }
            i += 1;
            j += 1;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn small_system() {
        let mut t = Table::default();
        t.grow(20);
        let one = 1;
        let minus = neg(1);
        assert_eq!(t.insert(&[(16, one), (17, minus)]), Inserted::New);
        assert_eq!(t.insert(&[(17, one), (18, minus)]), Inserted::New);
        assert_eq!(t.insert(&[(16, one), (18, minus)]), Inserted::Redundant);
        assert_eq!(t.fp(16), t.fp(18));
        assert_eq!(
            t.insert(&[(16, one), (18, minus), (0, one)]),
            Inserted::Contradiction
        );
    }

    proptest! {
        /// Fingerprints equal the fingerprint of the reduced form, whatever was inserted.
        #[test]
        fn fingerprints_follow_normal_forms(eqs in prop::collection::vec(
            prop::collection::vec((16u16..28, 1i64..5), 1..5), 1..12)) {
            let mut t = Table::default();
            t.grow(28);
            for e in &eqs {
                let terms: Vec<(u16, u64)> = e.iter().map(|&(v, c)| (v, field::int(c - 3))).collect();
                t.insert(&terms);
                prop_assert_eq!(t.reduce(&terms), vec![]);
                for v in 0..28u16 {
                    let f = t.form(v);
                    prop_assert_eq!(t.reduce(&f), f.clone());
                    let direct = f.iter().fold(0, |s, &(w, c)| add(s, mul(c, field::random(w))));
                    prop_assert_eq!(direct, t.fp(v));
                }
            }
        }
    }
}
