//! Prompt-lookup speculation: while one greedy attempt runs alone, what followed an earlier occurrence of its last
//! tokens is tried in the same step, since a step of one token is bound by reading the weights (Saxena 2023,
//! "Prompt Lookup Decoding"; Yang et al. 2023, arXiv:2304.04487). A tried token counts only if the sampler draws
//! it, so the text is the same with and without.

use super::Scheduler;
use super::attempt::{Attempt, State};
use super::forward::Forward;

/// Last tokens that must have occurred before.
const MATCH: usize = 3;
/// Tokens tried in one step.
const MOST: usize = 4;

/// The tokens that followed the latest earlier occurrence of the last [`MATCH`] of `tokens`.
fn guess(tokens: &[u32]) -> &[u32] {
    let Some(known) = tokens.len().checked_sub(MATCH) else {
        return &[];
    };
    let last = &tokens[known..];
    let found = (0..known).rev().find(|&at| tokens[at..at + MATCH] == *last);
    found.map_or(&[], |at| {
        let next = &tokens[at + MATCH..];
        &next[..next.len().min(MOST)]
    })
}

/// What to try after `attempt`'s last token, if anything: only where nothing is drawn at random, and where the
/// context and the memory have room.
pub(super) fn draft(attempt: &Attempt, context: usize, forward: &impl Forward) -> Vec<u32> {
    if attempt.job.sampler.sampling().temperature > 0.0 || forward.kv_usage().pages_free < 4 {
        return Vec::new();
    }
    let tokens = attempt.all_tokens();
    let room = context.saturating_sub(tokens.len() + 1);
    let guess = guess(&tokens);
    guess[..guess.len().min(room)].to_vec()
}

/// Draws after a step in which the lone attempt at `index` had a draft, as far as the draws agree with it.
pub(super) fn verify<F: Forward>(scheduler: &mut Scheduler<F>, index: usize) {
    let Scheduler {
        forward,
        source,
        attempts,
        logits,
        scratch,
        ..
    } = scheduler;
    let attempt = &mut attempts[index];
    let State::Running(seq, _) = attempt.state else {
        return;
    };
    let draft = std::mem::take(&mut attempt.draft);
    let before = attempt.tokens.len();
    let mut agreed = 0;
    for row in 0..=draft.len() {
        super::batch::draw_one(attempt, logits.row_mut(row), source.tokenizer(), &scratch[0]);
        let next = draft.get(row);
        // Text may have been forced after the drawn token.
        let goes_on = attempt.finish.is_none() && attempt.tokens.len() == before + row + 1;
        if !goes_on || next != attempt.tokens.last() {
            break;
        }
        agreed += 1;
    }
    attempt.in_step = false;
    attempt.fed = before + agreed;
    let len = attempt.job.prompt.len() + attempt.fed;
    forward.truncate(seq, len);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_occurrence_is_continued() {
        assert_eq!(
            guess(&[1, 2, 3, 9, 1, 2, 3, 8, 7, 6, 5, 4, 1, 2, 3]),
            [8, 7, 6, 5]
        );
        assert_eq!(guess(&[7, 7, 7, 7]), [7]);
        assert!(guess(&[1, 2, 3, 4, 5]).is_empty());
        assert!(guess(&[1, 2]).is_empty());
        assert!(guess(&[]).is_empty());
    }
}
