//! What is in a data set: counts, lengths, diversity.

use std::collections::{BTreeMap, HashSet};

use serde::Serialize;

use crate::quality::hash;
use crate::record::{Record, normalise};

/// Counts of a data set, collected record by record.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Stats {
    /// Records.
    pub rows: usize,
    /// Different problems.
    pub problems: usize,
    /// Records whose problem can't be answered.
    pub unanswerable: usize,
    /// Records with a wrong completion (negatives).
    pub negatives: usize,
    /// Records by family.
    pub families: BTreeMap<String, usize>,
    /// Records by kind within families (templates, for example).
    pub kinds: BTreeMap<String, usize>,
    /// Records by difficulty.
    pub difficulty: BTreeMap<u8, usize>,
    /// Records by split.
    pub splits: BTreeMap<String, usize>,
    /// Records by source and licence.
    pub sources: BTreeMap<String, usize>,
    /// Records by number of steps with arithmetic (6 stands for more).
    pub steps: BTreeMap<usize, usize>,
    /// Words of questions, by tens (10 stands for 10 to 19).
    pub question_words: BTreeMap<usize, usize>,
    /// Characters of all completions.
    pub completion_chars: usize,
    /// Share of different runs of 1, 2 and 3 words among all runs in questions (distinct-n, Li et al. 2016, arXiv 1510.03055).
    pub distinct: [f64; 3],
    /// Entropy of the kinds, in bits.
    pub kind_entropy: f64,
    /// Steps with arithmetic whose stated value is right, of all of them.
    pub exact_steps: (usize, usize),
    #[serde(skip)]
    seen: HashSet<String>,
    #[serde(skip)]
    grams: [HashSet<u64>; 3],
    #[serde(skip)]
    gram_count: [usize; 3],
}

impl Stats {
    /// Counts a record.
    pub fn add(&mut self, record: &Record) {
        self.rows += 1;
        self.problems += usize::from(self.seen.insert(record.problem.clone()));
        self.unanswerable += usize::from(!record.answerable);
        self.negatives += usize::from(record.reward < 0);
        *self.families.entry(record.stem().to_owned()).or_default() += 1;
        *self.kinds.entry(record.family.clone()).or_default() += 1;
        *self.difficulty.entry(record.difficulty).or_default() += 1;
        *self.splits.entry(record.split.clone()).or_default() += 1;
        *self
            .sources
            .entry(format!("{} ({})", record.source, record.license))
            .or_default() += 1;
        let arithmetic = record.steps.iter().filter(|s| !s.expr.is_empty());
        let count = arithmetic.clone().count();
        *self.steps.entry(count.min(6)).or_default() += 1;
        self.exact_steps.1 += count;
        self.exact_steps.0 += arithmetic
            .filter(|s| crate::item::step_holds(&s.expr, &s.value))
            .count();
        self.completion_chars += record.completion.len();
        let text = normalise(record.question());
        let words: Vec<&str> = text.split(' ').collect();
        *self.question_words.entry(words.len() / 10 * 10).or_default() += 1;
        for n in 1..=3 {
            for window in words.windows(n) {
                self.gram_count[n - 1] += 1;
                self.grams[n - 1].insert(hash(window.join(" ").as_bytes()));
            }
        }
    }

    /// Computes the shares that need all records.
    pub fn finish(mut self) -> Stats {
        for n in 0..3 {
            self.distinct[n] = self.grams[n].len() as f64 / self.gram_count[n].max(1) as f64;
        }
        self.kind_entropy = self
            .kinds
            .values()
            .map(|c| {
                let p = *c as f64 / self.rows.max(1) as f64;
                -p * p.log2()
            })
            .sum();
        self
    }
}
