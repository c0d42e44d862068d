//! What makes a data set good: no duplicates, no overlap with tests, known contents.
//!
//! | file | what to change there |
//! |---|---|
//! | [`dedup`] | exact and near duplicates |
//! | [`banlist`] | overlap with files that must not be trained on |
//! | [`stats`] | counts, lengths, diversity |
//! | [`card`] | the data card |

pub mod banlist;
pub mod card;
pub mod dedup;
pub mod stats;

/// Hashes bytes to 64 bits (FNV-1a, Fowler, Noll and Vo), then mixes them: the same on every machine.
pub fn hash(bytes: &[u8]) -> u64 {
    let mut h = 0xcbf2_9ce4_8422_2325u64;
    for b in bytes {
        h = (h ^ u64::from(*b)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    h ^= h >> 32;
    h.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (h >> 29)
}

/// Hashes of all runs of `n` words.
pub fn ngrams(words: &[&str], n: usize) -> Vec<u64> {
    words.windows(n).map(|w| hash(w.join(" ").as_bytes())).collect()
}
