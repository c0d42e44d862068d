//! Packed sequences: many rows computed side by side, none seeing another.

use std::ops::Range;

use crate::error::TrainError;

/// One training sequence.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sequence {
    /// Prompt and completion.
    pub tokens: Vec<u32>,
    /// Tokens of the prompt: nothing is learned from them.
    pub prompt: usize,
}

impl Sequence {
    /// Tokens that are learned.
    pub fn learned(&self) -> usize {
        self.tokens.len() - self.prompt
    }
}

/// A token to be predicted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// The place in the batch whose output predicts it.
    pub at: u32,
    /// The token.
    pub token: u32,
    /// Which sequence of the batch it belongs to.
    pub sequence: u32,
}

/// Sequences in one piece. What all prompts begin with is stored and computed once, and seen by all.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// All inputs: the shared beginning, then the rest of each sequence but its last token, which predicts nothing.
    pub tokens: Vec<u32>,
    /// Tokens of the shared beginning.
    pub prefix: usize,
    /// Where each sequence's rest lies.
    pub sequences: Vec<Range<usize>>,
    /// What is to be predicted, sequence after sequence.
    pub targets: Vec<Target>,
}

impl Batch {
    /// Packs sequences. Each must have a prompt and something to learn.
    ///
    /// # Errors
    /// When a sequence has no prompt or no completion, or a token is not below `vocab`.
    pub fn new(rows: &[&Sequence], vocab: usize) -> Result<Batch, TrainError> {
        for (i, row) in rows.iter().enumerate() {
            if row.prompt == 0 || row.prompt >= row.tokens.len() {
                return Err(TrainError::Option(format!(
                    "sequence {i} of a batch has {} prompt tokens of {}; both prompt and completion are needed",
                    row.prompt,
                    row.tokens.len()
                )));
            }
            if let Some(token) = row.tokens.iter().find(|t| **t as usize >= vocab) {
                return Err(TrainError::Option(format!(
                    "the token {token} is outside the vocabulary of {vocab}: was the data tokenised for another model?"
                )));
            }
        }
        let prefix = shared(rows);
        let mut batch = Batch {
            tokens: rows
                .first()
                .map_or_else(Vec::new, |r| r.tokens[..prefix].to_vec()),
            prefix,
            ..Batch::default()
        };
        for (i, row) in rows.iter().enumerate() {
            let start = batch.tokens.len();
            batch.tokens.extend(&row.tokens[prefix..row.tokens.len() - 1]);
            batch.sequences.push(start..batch.tokens.len());
            let place = |position: usize| {
                if position < prefix {
                    position
                } else {
                    start + position - prefix
                }
            };
            batch
                .targets
                .extend((row.prompt..row.tokens.len()).map(|p| Target {
                    at: place(p - 1) as u32,
                    token: row.tokens[p],
                    sequence: i as u32,
                }));
        }
        Ok(batch)
    }

    /// The position of each token in its own sequence.
    pub fn positions(&self) -> Vec<u32> {
        let shared = 0..self.prefix;
        let rest = self.sequences.iter().flat_map(|range| {
            let len = range.len();
            self.prefix..self.prefix + len
        });
        shared.chain(rest).map(|p| p as u32).collect()
    }
}

/// Tokens with which all prompts begin. One sequence alone shares nothing.
fn shared(rows: &[&Sequence]) -> usize {
    let [first, others @ ..] = rows else { return 0 };
    if others.is_empty() {
        return 0;
    }
    others.iter().fold(first.prompt, |len, row| {
        let same = first.tokens.iter().zip(&row.tokens).take_while(|(a, b)| a == b);
        len.min(row.prompt).min(same.count())
    })
}
