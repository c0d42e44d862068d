//! SentencePiece's byte-pair model: the adjacent pair whose joined piece has the highest score is merged
//! first, leftmost on ties (Kudo & Richardson, arXiv:1808.06226). Characters outside the vocabulary become
//! byte tokens.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, HashMap};

/// SentencePiece's visible space, U+2581.
pub(super) const SPACE: char = '\u{2581}';

/// The vocabulary with its scores.
#[derive(Debug)]
pub(super) struct Spm {
    pieces: HashMap<String, (u32, f32)>,
    bytes: Box<[Option<u32>; 256]>,
    unknown: Option<u32>,
    prefix_space: bool,
}

/// A piece being built: a byte range of the text and its neighbours.
struct Symbol {
    start: usize,
    end: usize,
    previous: Option<usize>,
    next: Option<usize>,
}

/// A pair that could be merged, ordered by score, then from left to right.
struct Pair {
    score: f32,
    left: usize,
    right: usize,
    len: usize,
}

impl Ord for Pair {
    fn cmp(&self, other: &Self) -> Ordering {
        self.score
            .total_cmp(&other.score)
            .then_with(|| other.left.cmp(&self.left))
    }
}

impl PartialOrd for Pair {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Pair {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Pair {}

impl Spm {
    /// `pieces` are the tokens that merging may produce, with id and score; `bytes[b]` is the token of
    /// byte `b`; `prefix_space` puts a space before the text (and before text that follows a control
    /// token).
    pub fn new(
        pieces: HashMap<String, (u32, f32)>,
        bytes: Box<[Option<u32>; 256]>,
        unknown: Option<u32>,
        prefix_space: bool,
    ) -> Self {
        Spm {
            pieces,
            bytes,
            unknown,
            prefix_space,
        }
    }

    pub fn encode(&self, text: &str, _at_start: bool, ids: &mut Vec<u32>) {
        let mut escaped = String::with_capacity(text.len() + 3);
        if self.prefix_space {
            escaped.push(SPACE);
        }
        escaped.extend(text.chars().map(|c| if c == ' ' { SPACE } else { c }));
        self.merge(&escaped, ids);
    }

    fn merge(&self, text: &str, ids: &mut Vec<u32>) {
        let mut symbols: Vec<Symbol> = text
            .char_indices()
            .enumerate()
            .map(|(i, (start, c))| Symbol {
                start,
                end: start + c.len_utf8(),
                previous: i.checked_sub(1),
                next: Some(i + 1),
            })
            .collect();
        let Some(last) = symbols.last_mut() else { return };
        last.next = None;

        let mut queue = BinaryHeap::new();
        for left in 0..symbols.len() - 1 {
            self.offer(text, &symbols, left, &mut queue);
        }
        while let Some(pair) = queue.pop() {
            let (left, right) = (&symbols[pair.left], &symbols[pair.right]);
            // A symbol that was merged away is empty; one that grew makes the pair longer.
            if left.start == left.end || right.start == right.end || right.end - left.start != pair.len {
                continue;
            }
            let (end, next) = (right.end, right.next);
            symbols[pair.right].end = symbols[pair.right].start;
            symbols[pair.left].end = end;
            symbols[pair.left].next = next;
            if let Some(next) = next {
                symbols[next].previous = Some(pair.left);
                self.offer(text, &symbols, pair.left, &mut queue);
            }
            if let Some(previous) = symbols[pair.left].previous {
                self.offer(text, &symbols, previous, &mut queue);
            }
        }

        let mut at = Some(0);
        while let Some(i) = at {
            let piece = &text[symbols[i].start..symbols[i].end];
            match self.pieces.get(piece) {
                Some((id, _)) => ids.push(*id),
                None => {
                    ids.extend(
                        piece
                            .bytes()
                            .filter_map(|b| self.bytes[usize::from(b)].or(self.unknown)),
                    );
                }
            }
            at = symbols[i].next;
        }
    }

    /// Queues the merge of symbol `left` with the one after it, if the vocabulary has the result.
    fn offer(&self, text: &str, symbols: &[Symbol], left: usize, queue: &mut BinaryHeap<Pair>) {
        let Some(right) = symbols[left].next else { return };
        let (start, end) = (symbols[left].start, symbols[right].end);
        if let Some((_, score)) = self.pieces.get(&text[start..end]) {
            queue.push(Pair {
                score: *score,
                left,
                right,
                len: end - start,
            });
        }
    }
}
