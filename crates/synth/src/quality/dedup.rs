//! Exact and near duplicates.

use std::collections::{HashMap, HashSet};

use crate::quality::{hash, ngrams};
use crate::record::{normalise, question_hash};

/// Hash functions of a signature: 14 bands of 8, which meet at a Jaccard similarity of about 0.75
/// (MinHash: Broder 1997; the parameters are FineWeb's, arXiv 2406.17557, section 3.4).
const BANDS: usize = 14;
const ROWS: usize = 8;
/// Words in a shingle.
const SHINGLE: usize = 5;

/// The Jaccard similarity from which two questions are near duplicates.
const SIMILAR: f64 = 0.75;

/// What near duplicates are found by.
#[derive(Clone, Debug, Default)]
pub struct Signature {
    /// The bands of the MinHash signature; two similar questions probably share one.
    bands: Vec<u64>,
    /// Hashes of the shingles, sorted, each once.
    shingles: Vec<u32>,
}

impl Signature {
    /// The signature of a question over its runs of five words, numbers included. A shorter question is one run.
    pub fn of(question: &str) -> Signature {
        let text = normalise(question);
        let words: Vec<&str> = text.split(' ').collect();
        let hashes = if words.len() < SHINGLE {
            vec![hash(text.as_bytes())]
        } else {
            ngrams(&words, SHINGLE)
        };
        let band = |band: usize| {
            let mut bytes = [0u8; 8 * (ROWS + 1)];
            bytes[..8].copy_from_slice(&(band as u64).to_le_bytes());
            for row in 0..ROWS {
                let key = (band * ROWS + row) as u64;
                let odd = key.wrapping_mul(0xd134_2543_de82_ef95) | 1;
                let mixed = |s: &u64| {
                    (s ^ key.rotate_left(40))
                        .wrapping_mul(odd)
                        .rotate_left(29)
                        .wrapping_mul(odd)
                };
                let least = hashes.iter().map(mixed).min().unwrap_or(0);
                bytes[8 * (row + 1)..8 * (row + 2)].copy_from_slice(&least.to_le_bytes());
            }
            hash(&bytes)
        };
        let bands = (0..BANDS).map(band).collect();
        let mut shingles: Vec<u32> = hashes.iter().map(|h| (h >> 32) as u32).collect();
        shingles.sort_unstable();
        shingles.dedup();
        Signature { bands, shingles }
    }
}

/// Shared members of two sorted sets, as a share of all members.
fn jaccard(a: &[u32], b: &[u32]) -> f64 {
    let shared = a.iter().filter(|x| b.binary_search(x).is_ok()).count();
    shared as f64 / (a.len() + b.len() - shared).max(1) as f64
}

/// Why a question was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duplicate {
    /// The same question up to case, spacing and punctuation.
    Exact,
    /// A question that shares three quarters of its runs of words with an earlier one.
    Near,
}

/// Remembers questions.
#[derive(Debug, Default)]
pub struct Seen {
    exact: HashSet<u64>,
    bands: HashMap<u64, u32>,
    shingles: Vec<Vec<u32>>,
}

impl Seen {
    /// Takes a question unless it repeats an earlier one; without a signature, only exact repetition counts.
    /// A question is compared with the first earlier one in each of its bands.
    pub fn take(&mut self, hash: u64, signature: Option<Signature>) -> Result<(), Duplicate> {
        if self.exact.contains(&hash) {
            return Err(Duplicate::Exact);
        }
        if let Some(Signature { bands, shingles }) = signature {
            let alike = |row: &u32| jaccard(&self.shingles[*row as usize], &shingles) >= SIMILAR;
            if bands.iter().filter_map(|b| self.bands.get(b)).any(alike) {
                return Err(Duplicate::Near);
            }
            let row = self.shingles.len() as u32;
            self.shingles.push(shingles);
            for band in bands {
                self.bands.entry(band).or_insert(row);
            }
        }
        self.exact.insert(hash);
        Ok(())
    }

    /// Takes a question by its text, near duplicates included.
    pub fn take_text(&mut self, question: &str) -> Result<(), Duplicate> {
        self.take(question_hash(question), Some(Signature::of(question)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_exact_and_near_duplicates_and_lets_others_pass() {
        let long = "A farmer has a very long fence around the large green meadow behind the old barn and he wants to paint all of its posts white before the winter comes this year";
        let mut seen = Seen::default();
        assert_eq!(seen.take_text(&format!("{long} with 12 helpers")), Ok(()));
        assert_eq!(
            seen.take_text(&format!("{} WITH 12 helpers!", long.to_uppercase())),
            Err(Duplicate::Exact)
        );
        assert_eq!(
            seen.take_text(&format!("{long} with 13 helpers")),
            Err(Duplicate::Near)
        );
        assert_eq!(
            seen.take_text("Tom has 3 apples and 4 pears. How many pieces of fruit does he have?"),
            Ok(())
        );
        assert_eq!(
            seen.take_text("Tom has 5 apples and 9 pears. How many pieces of fruit does he have?"),
            Ok(())
        );
        assert_eq!(seen.take_text("3 + 4 ="), Ok(()));
        assert_eq!(seen.take_text("3 + 5 ="), Ok(()));
    }
}
