//! How sure the model was of its tokens, followed while it samples.
//!
//! The measures are those of DeepConf (Fu et al. 2025, arXiv 2508.15260, section 3.1): a token's confidence is the
//! negative mean log-probability of the k likeliest tokens, which is high when the distribution is peaked. A
//! model that reports no alternatives gives the log-probability of the sampled token instead; both grow with
//! certainty, but they are not comparable with each other.

use std::collections::{BTreeMap, VecDeque};

use strawberry_core::TokenLogprob;

/// Tokens in a group. The paper takes 2,048 for chains of ten thousands of tokens; the chains of small models have
/// some hundreds at most.
pub const GROUP: usize = 32;
/// Alternatives to ask the model for where confidence matters.
pub const ALTERNATIVES: u8 = 5;

/// The mean confidence of all tokens.
pub const MEAN: &str = "confidence";
/// The lowest mean confidence of any group of [`GROUP`] neighbouring tokens.
pub const LOWEST_GROUP: &str = "group-confidence";
/// The least log-probability of any token.
pub const LEAST_LOGPROB: &str = "min-logprob";

/// Follows the confidence of one attempt.
#[derive(Debug, Default)]
pub struct Confidence {
    group: VecDeque<f64>,
    group_sum: f64,
    lowest: Option<f64>,
    sum: f64,
    tokens: u64,
    least_logprob: Option<f64>,
}

impl Confidence {
    /// Takes the next tokens with their alternatives (none, or one list for each token).
    pub fn push(&mut self, logprobs: &[TokenLogprob], alternatives: &[Vec<TokenLogprob>]) {
        for (i, token) in logprobs.iter().enumerate() {
            let logprob = f64::from(token.logprob);
            let confidence = match alternatives.get(i).filter(|a| !a.is_empty()) {
                Some(likeliest) => {
                    -likeliest.iter().map(|t| f64::from(t.logprob)).sum::<f64>() / likeliest.len() as f64
                }
                None => logprob,
            };
            // A token the model held impossible (after a forced text) says nothing about its certainty.
            if !confidence.is_finite() || !logprob.is_finite() {
                continue;
            }
            self.least_logprob = Some(self.least_logprob.map_or(logprob, |l| l.min(logprob)));
            self.sum += confidence;
            self.tokens += 1;
            self.group.push_back(confidence);
            self.group_sum += confidence;
            if self.group.len() > GROUP {
                self.group_sum -= self.group.pop_front().unwrap_or(0.0);
            }
            if self.group.len() == GROUP {
                let mean = self.group_sum / GROUP as f64;
                self.lowest = Some(self.lowest.map_or(mean, |l| l.min(mean)));
            }
        }
    }

    /// The lowest group confidence so far; `None` before the first whole group.
    pub fn lowest(&self) -> Option<f64> {
        self.lowest
    }

    /// The measures by name; empty when the model reported no log-probabilities. An attempt shorter than a
    /// group is one group.
    pub fn scores(&self) -> BTreeMap<String, f64> {
        let mut scores = BTreeMap::new();
        let Some(least) = self.least_logprob else {
            return scores;
        };
        let mean = self.sum / self.tokens as f64;
        scores.insert(MEAN.to_owned(), mean);
        scores.insert(LOWEST_GROUP.to_owned(), self.lowest.unwrap_or(mean));
        scores.insert(LEAST_LOGPROB.to_owned(), least);
        scores
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(logprob: f32) -> TokenLogprob {
        TokenLogprob {
            token: "t".into(),
            logprob,
        }
    }

    #[test]
    fn the_lowest_group_is_that_of_the_worst_neighbours() {
        let mut confidence = Confidence::default();
        for i in 0..200 {
            let unsure = (100..100 + GROUP).contains(&i);
            let others = [
                if unsure { -1.0 } else { -8.0 },
                if unsure { -2.0 } else { -12.0 },
            ];
            confidence.push(&[token(-0.5)], &[others.map(token).to_vec()]);
        }
        let scores = confidence.scores();
        assert!((scores[LOWEST_GROUP] - 1.5).abs() < 1e-9);
        let mean = (GROUP as f64 * 1.5 + (200 - GROUP) as f64 * 10.0) / 200.0;
        assert!((scores[MEAN] - mean).abs() < 1e-9);
        assert_eq!(scores[LEAST_LOGPROB], -0.5);
    }

    #[test]
    fn without_alternatives_the_tokens_own_logprob_counts() {
        let mut confidence = Confidence::default();
        confidence.push(&[token(-1.0), token(-3.0), token(f32::NEG_INFINITY)], &[]);
        assert_eq!(confidence.scores()[MEAN], -2.0);
        assert_eq!(confidence.lowest(), None);
        assert!(Confidence::default().scores().is_empty());
    }
}
