//! Top-k, top-p and min-p over a row of logits without sorting the row.
//!
//! Each filter keeps the tokens that rank before some point in one order: higher logit first, then lower
//! token id. So filters can be applied in any order; what is left is the smallest of their sets.

use std::cmp::Ordering;

use super::scan::{BLOCK, weight};

/// A token that may be drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pick {
    /// Its logit.
    pub logit: f32,
    /// Its unnormalised probability, 1 for the likeliest token.
    pub weight: f32,
    /// Its id.
    pub token: u32,
}

/// The order of the filters: the likelier token first, the lower id first among equals.
pub fn rank(a: &Pick, b: &Pick) -> Ordering {
    b.logit.total_cmp(&a.logit).then(a.token.cmp(&b.token))
}

/// A row of logits with what the first pass found out about it.
#[derive(Clone, Copy)]
pub struct Row<'a> {
    /// One logit per token; negative infinity for a token that can't be drawn.
    pub logits: &'a [f32],
    /// The largest logit of each block.
    pub maxima: &'a [f32],
    /// The largest of all.
    pub max: f32,
    /// 1 / temperature.
    pub inverse_temperature: f32,
}

impl Row<'_> {
    /// Collects every token whose logit is at least `threshold`, in order of id.
    pub fn collect_above(&self, threshold: f32, picks: &mut Vec<Pick>) {
        picks.clear();
        for (b, _) in self.maxima.iter().enumerate().filter(|&(_, &m)| m >= threshold) {
            let start = b * BLOCK;
            let block = &self.logits[start..(start + BLOCK).min(self.logits.len())];
            for (i, &logit) in block.iter().enumerate() {
                if logit >= threshold && logit > f32::NEG_INFINITY {
                    picks.push(Pick {
                        logit,
                        weight: weight(logit, self.max, self.inverse_temperature),
                        token: (start + i) as u32,
                    });
                }
            }
        }
    }

    /// Collects the `k` likeliest tokens, in no particular but a fixed order.
    ///
    /// The k-th largest block maximum is a bound: at least k tokens reach it, and only blocks whose
    /// maximum reaches it can hold such tokens.
    pub fn collect_top(&self, k: usize, order: &mut Vec<f32>, picks: &mut Vec<Pick>) {
        let threshold = if k <= self.maxima.len() {
            order.clear();
            order.extend_from_slice(self.maxima);
            *order.select_nth_unstable_by(k - 1, |a, b| b.total_cmp(a)).1
        } else {
            f32::NEG_INFINITY
        };
        self.collect_above(threshold, picks);
        if picks.len() > k {
            picks.select_nth_unstable_by(k - 1, rank);
            picks.truncate(k);
        }
    }

    /// Collects the fewest of the likeliest tokens whose weights reach `mass`.
    pub fn collect_mass(&self, mass: f64, picks: &mut Vec<Pick>) {
        let mut depth = 4.0;
        loop {
            self.collect_above(self.max - depth / self.inverse_temperature, picks);
            if depth > 87.0 || total(picks) >= mass {
                return keep_mass(picks, mass);
            }
            depth *= 2.0;
        }
    }
}

/// The sum of the weights.
pub fn total(picks: &[Pick]) -> f64 {
    picks.iter().map(|p| f64::from(p.weight)).sum()
}

/// Keeps the fewest of the likeliest `picks` whose weights reach `mass`, at least one: a quickselect that
/// counts weight instead of elements.
pub fn keep_mass(picks: &mut Vec<Pick>, mass: f64) {
    let (mut lo, mut hi, mut before) = (0, picks.len(), 0.0);
    while hi - lo > 32 {
        let pivot = median(picks[lo], picks[lo + (hi - lo) / 2], picks[hi - 1]);
        let mut split = lo;
        for i in lo..hi {
            if rank(&picks[i], &pivot) != Ordering::Greater {
                picks.swap(i, split);
                split += 1;
            }
        }
        if split == hi {
            // The pivot ranks last: take it out of the search, so that the range shrinks.
            let last = (lo..hi).find(|&i| picks[i] == pivot).unwrap_or(hi - 1);
            picks.swap(last, hi - 1);
            split = hi - 1;
        }
        let here = total(&picks[lo..split]);
        if before + here >= mass {
            hi = split;
        } else {
            before += here;
            lo = split;
        }
    }
    picks[lo..hi].sort_unstable_by(rank);
    while lo < hi && before < mass {
        before += f64::from(picks[lo].weight);
        lo += 1;
    }
    picks.truncate(lo.max(1));
}

fn median(a: Pick, b: Pick, c: Pick) -> Pick {
    let mut three = [a, b, c];
    three.sort_unstable_by(rank);
    three[1]
}
