//! Drawing the next token of an attempt from a row of logits.
//!
//! The order is: log-probabilities of the untouched row, penalties and bias, the grammar's mask,
//! temperature, top-k, top-p, min-p, and one uniform number that depends on the attempt's seed and on how
//! many tokens it has drawn. So a token depends on its row, its request and its place, never on the batch.
//!
//! | file | what to change there |
//! |---|---|
//! | [`scan`] | the vectorised passes over a whole row |
//! | [`filter`] | top-k, top-p, min-p |
//! | [`random`] | the random numbers |
//! | [`stop`] | stop strings |
//! | [`grammar`] | JSON Schema, regular expressions, Lark grammars |

pub mod filter;
pub mod grammar;
pub mod random;
pub mod scan;
pub mod stop;

use strawberry_core::Sampling;

use filter::{Pick, Row};
use scan::{BLOCK, block_maxima, block_weights};

/// Reused memory of the passes; one per sampling thread.
#[derive(Default)]
pub struct Scratch {
    maxima: Vec<f32>,
    sums: Vec<f32>,
    order: Vec<f32>,
    picks: Vec<Pick>,
}

/// A drawn token.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Draw {
    /// Its id.
    pub token: u32,
    /// Its natural log-probability under the row's softmax at temperature 1, before any change;
    /// `None` unless the request asks for log-probabilities.
    pub logprob: Option<f32>,
}

/// Draws the tokens of one attempt.
pub struct Sampler {
    sampling: Sampling,
    /// The last `repetition_window` tokens, a ring; empty when the penalty is off.
    window: Vec<u32>,
    window_next: usize,
    /// Tokens of the response with their counts; empty when both penalties are off.
    counts: Vec<(u32, u32)>,
    drawn: u64,
    /// Logits changed in the current row, with their old values.
    edits: Vec<(u32, f32)>,
    alternatives: Vec<(u32, f32)>,
}

impl Sampler {
    /// A sampler for one attempt that continues `prompt` (the repetition penalty looks back into it).
    ///
    /// `sampling` must have passed [`Sampling::validate`].
    pub fn new(sampling: Sampling, prompt: &[u32]) -> Self {
        let size = sampling.repetition_window as usize;
        let mut window = Vec::new();
        if sampling.repetition_penalty != 1.0 && size > 0 {
            window.reserve_exact(size.min(1 << 20));
            window.extend_from_slice(&prompt[prompt.len().saturating_sub(size)..]);
        }
        Sampler {
            sampling,
            window,
            window_next: 0,
            counts: Vec::new(),
            drawn: 0,
            edits: Vec::new(),
            alternatives: Vec::new(),
        }
    }

    /// How this sampler draws.
    pub fn sampling(&self) -> &Sampling {
        &self.sampling
    }

    /// The likeliest tokens of the last drawn row with their log-probabilities, likeliest first.
    pub fn alternatives(&self) -> &[(u32, f32)] {
        &self.alternatives
    }

    /// Draws the next token. `logits` is the row (`[vocabulary]`, changed in place); `mask` has one bit per
    /// token (bit `t % 32` of word `t / 32`), set where the token is allowed.
    ///
    /// `None` when no token has a finite logit.
    pub fn draw(&mut self, logits: &mut [f32], mask: Option<&[u32]>, scratch: &mut Scratch) -> Option<Draw> {
        let blocks = logits.len().div_ceil(BLOCK);
        scratch.maxima.resize(blocks, 0.0);
        scratch.sums.resize(blocks, 0.0);
        let raw = self.sampling.top_logprobs.map(|n| {
            block_maxima(logits, &mut scratch.maxima);
            let max = largest(&scratch.maxima);
            block_weights(logits, max, 1.0, &mut scratch.sums);
            let log_total = max + (sum(&scratch.sums).ln() as f32);
            self.note_alternatives(usize::from(n), logits, max, log_total, scratch);
            log_total
        });
        self.edit(logits);
        if let Some(mask) = mask {
            apply_mask(logits, mask);
        }
        if raw.is_none() || mask.is_some() || !self.edits.is_empty() {
            block_maxima(logits, &mut scratch.maxima);
        }
        let token = self.pick(logits, scratch)?;
        let logprob = raw.map(|log_total| {
            let edited = self.edits.iter().find(|(t, _)| *t == token);
            edited.map_or(logits[token as usize], |&(_, old)| old) - log_total
        });
        self.drawn += 1;
        self.note(token, true);
        Some(Draw { token, logprob })
    }

    /// Tells the sampler of a token that was put into the response without being drawn.
    pub fn force(&mut self, token: u32) {
        self.note(token, false);
    }

    fn note(&mut self, token: u32, drawn: bool) {
        if self.sampling.repetition_penalty != 1.0 && self.sampling.repetition_window > 0 {
            if self.window.len() < self.sampling.repetition_window as usize {
                self.window.push(token);
            } else {
                self.window[self.window_next] = token;
                self.window_next = (self.window_next + 1) % self.window.len();
            }
        }
        if drawn && (self.sampling.frequency_penalty != 0.0 || self.sampling.presence_penalty != 0.0) {
            match self.counts.iter_mut().find(|(t, _)| *t == token) {
                Some((_, n)) => *n += 1,
                None => self.counts.push((token, 1)),
            }
        }
    }

    /// Penalties and bias, in place; old values go to `edits`.
    fn edit(&mut self, logits: &mut [f32]) {
        // A bias of infinity means "this token or nothing": the largest finite number does that.
        const LARGEST: f32 = 1e30;
        self.edits.clear();
        let penalty = self.sampling.repetition_penalty;
        for &token in &self.window {
            if let Some(x) = logits.get_mut(token as usize)
                && !self.edits.iter().any(|(t, _)| *t == token)
            {
                self.edits.push((token, *x));
                *x = if *x > 0.0 { *x / penalty } else { *x * penalty };
            }
        }
        let mut change = |token: u32, by: f32| {
            if let Some(x) = logits.get_mut(token as usize) {
                if !self.edits.iter().any(|(t, _)| *t == token) {
                    self.edits.push((token, *x));
                }
                *x = (*x + by).min(LARGEST);
            }
        };
        for &(token, n) in &self.counts {
            change(
                token,
                -self.sampling.presence_penalty - n as f32 * self.sampling.frequency_penalty,
            );
        }
        for &(token, bias) in &self.sampling.logit_bias {
            change(token, bias);
        }
    }

    /// The `n` likeliest tokens of the untouched row.
    fn note_alternatives(
        &mut self,
        n: usize,
        logits: &[f32],
        max: f32,
        log_total: f32,
        scratch: &mut Scratch,
    ) {
        self.alternatives.clear();
        if n == 0 || max == f32::NEG_INFINITY {
            return;
        }
        let row = Row {
            logits,
            maxima: &scratch.maxima,
            max,
            inverse_temperature: 1.0,
        };
        row.collect_top(n, &mut scratch.order, &mut scratch.picks);
        scratch.picks.sort_unstable_by(filter::rank);
        let top = scratch.picks.iter().map(|p| (p.token, p.logit - log_total));
        self.alternatives.extend(top);
    }

    /// The token that the filters and the random number choose.
    fn pick(&self, logits: &[f32], scratch: &mut Scratch) -> Option<u32> {
        let max = largest(&scratch.maxima);
        if !max.is_finite() {
            return None;
        }
        let Sampling {
            temperature,
            top_k,
            top_p,
            min_p,
            ..
        } = self.sampling;
        let inverse_temperature = 1.0 / temperature;
        if temperature == 0.0 || !inverse_temperature.is_finite() || top_k == 1 {
            let block = scratch.maxima.iter().position(|&m| m == max)?;
            let place = logits[block * BLOCK..].iter().position(|&x| x == max)?;
            return Some((block * BLOCK + place) as u32);
        }
        let row = Row {
            logits,
            maxima: &scratch.maxima,
            max,
            inverse_temperature,
        };
        let u = random::uniform(self.sampling.seed, self.drawn);
        let picks = &mut scratch.picks;
        if top_k > 0 && (top_k as usize) < logits.len() {
            row.collect_top(top_k as usize, &mut scratch.order, picks);
            if top_p < 1.0 {
                filter::keep_mass(picks, f64::from(top_p) * filter::total(picks));
            }
        } else if top_p < 1.0 {
            block_weights(logits, max, inverse_temperature, &mut scratch.sums);
            row.collect_mass(f64::from(top_p) * sum(&scratch.sums), picks);
        } else if min_p > 0.0 {
            // The margin keeps tokens that rounding puts on the wrong side; the exact test follows.
            row.collect_above(max + (min_p.ln() - 1e-3) * temperature, picks);
        } else {
            block_weights(logits, max, inverse_temperature, &mut scratch.sums);
            return Some(walk(&row, &scratch.sums, u));
        }
        picks.retain(|p| p.weight >= min_p);
        let target = u * filter::total(picks);
        let mut reached = 0.0;
        let chosen = picks.iter().find(|p| {
            reached += f64::from(p.weight);
            reached > target
        });
        chosen.or(picks.last()).map(|p| p.token)
    }
}

/// The token at share `u` of the row's total weight, in order of id.
fn walk(row: &Row<'_>, sums: &[f32], u: f64) -> u32 {
    let target = u * sum(sums);
    let mut before = 0.0;
    let mut block = 0;
    for (b, &s) in sums.iter().enumerate().filter(|&(_, &s)| s > 0.0) {
        block = b;
        if before + f64::from(s) > target {
            break;
        }
        before += f64::from(s);
    }
    let start = block * BLOCK;
    let mut token = start;
    for (i, &x) in row.logits[start..].iter().take(BLOCK).enumerate() {
        let w = scan::weight(x, row.max, row.inverse_temperature);
        if w > 0.0 {
            token = start + i;
            before += f64::from(w);
            if before > target {
                break;
            }
        }
    }
    token as u32
}

/// Sets the logits of tokens whose bit is clear to negative infinity.
fn apply_mask(logits: &mut [f32], mask: &[u32]) {
    for (i, chunk) in logits.chunks_mut(32).enumerate() {
        match mask.get(i).copied().unwrap_or(0) {
            0 => chunk.fill(f32::NEG_INFINITY),
            u32::MAX => {}
            word => {
                for (bit, x) in chunk.iter_mut().enumerate() {
                    *x = if word >> bit & 1 == 1 {
                        *x
                    } else {
                        f32::NEG_INFINITY
                    };
                }
            }
        }
    }
}

fn largest(maxima: &[f32]) -> f32 {
    maxima.iter().copied().fold(f32::NEG_INFINITY, f32::max)
}

fn sum(sums: &[f32]) -> f64 {
    sums.iter().map(|&s| f64::from(s)).sum()
}

#[cfg(test)]
mod tests;
