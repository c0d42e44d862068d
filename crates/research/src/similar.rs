//! Passages that say the same: copies and near-copies.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::passage::Passage;

/// Shared shingles (as a share of all shingles of both) from which on two passages are copies.
const COPY: f64 = 0.8;
/// Words of a shingle.
const SHINGLE: usize = 4;

/// The passages without those that are nearly a copy of one before them (Broder 1997, "On the resemblance and
/// containment of documents": the Jaccard index of word shingles). Numbers are words: a passage that differs from
/// another in a figure, short as it may be, is kept.
pub(crate) fn distinct(passages: Vec<Passage>) -> Vec<Passage> {
    let mut kept: Vec<(HashSet<u64>, HashSet<String>)> = Vec::new();
    passages
        .into_iter()
        .filter(|passage| {
            let numbers: HashSet<String> = crate::words::numbers(&passage.text).into_iter().collect();
            let shingles = shingles(&passage.text);
            let copy = kept
                .iter()
                .any(|(s, n)| *n == numbers && resemblance(s, &shingles) >= COPY);
            if !copy {
                kept.push((shingles, numbers));
            }
            !copy
        })
        .collect()
}

fn shingles(text: &str) -> HashSet<u64> {
    let words: Vec<String> = text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|w| !w.is_empty())
        .map(str::to_lowercase)
        .collect();
    words
        .windows(SHINGLE.min(words.len()).max(1))
        .map(|window| {
            let mut hasher = DefaultHasher::new();
            window.hash(&mut hasher);
            hasher.finish()
        })
        .collect()
}

fn resemblance(a: &HashSet<u64>, b: &HashSet<u64>) -> f64 {
    let shared = a.intersection(b).count();
    let all = a.len() + b.len() - shared;
    if all == 0 { 1.0 } else { shared as f64 / all as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passage(text: &str) -> Passage {
        Passage {
            id: text.into(),
            document: "d".into(),
            title: String::new(),
            section: String::new(),
            start: 0,
            text: text.into(),
            retrieved_ms: 0,
        }
    }

    #[test]
    fn copies_go_and_other_figures_stay() {
        let base = "The lighthouse of Varn was built in 1871 by the harbour board and has 212 steps to the lamp room.";
        let kept = distinct(vec![
            passage(base),
            passage(&base.replace("The lighthouse", "the  lighthouse")),
            passage(&base.replace("1871", "1872")),
            passage("Something else."),
        ]);
        assert_eq!(kept.len(), 3);
    }
}
