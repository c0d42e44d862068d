//! N attempts; the one with the best score wins.

use std::collections::BTreeMap;
use std::sync::Arc;

use strawberry_core::{Attempt, Message, Outcome, Selection, Strategy, Trial, TrialId};

use super::{AttemptSpec, best_scored, excerpt};
use crate::scorer::{JUDGE, ScoredBy};
use crate::vote::Tally;

/// Sampled tokens of a judge's reply at most.
const VERDICT_TOKENS: u32 = 24;

/// Best of N by any score (Cobbe et al. 2021, arXiv 2110.14168, section 4, where the score is a learned
/// verifier's); by default the mean log-probability per token.
///
/// With the score `judge` half of the attempts are spent on asking the model itself, once for each response,
/// how likely it is to be right (LLM as a judge, Zheng et al. 2023, arXiv 2306.05685, section 3.1, single
/// answer grading). A reply without a number counts as no score.
pub struct BestOfN {
    spec: AttemptSpec,
    by: ScoredBy,
    samples: u32,
    judging: bool,
    stage: u32,
    tally: Tally,
    told: u32,
    judged: BTreeMap<TrialId, f64>,
}

impl BestOfN {
    /// `samples` attempts as `spec` says (with a judge: half of them), ranked by `by`.
    pub fn new(spec: AttemptSpec, samples: u32, by: ScoredBy) -> Self {
        let judging = by.name() == JUDGE;
        BestOfN {
            spec,
            by,
            samples: if judging { (samples / 2).max(1) } else { samples },
            judging,
            stage: 0,
            tally: Tally::new(),
            told: 0,
            judged: BTreeMap::new(),
        }
    }

    fn question(&self, attempt: &Attempt) -> Vec<Message> {
        let question = self.spec.messages.last().map_or("", |m| m.content.as_str());
        vec![Message::user(format!(
            "Question:\n{question}\n\nA response to it:\n{}\n\nHow likely is it that this response is right and complete? \
             Reply with one number from 0 (surely wrong) to 10 (surely right) and nothing else.",
            excerpt(&attempt.text)
        ))]
    }

    fn score(&self, attempt: &Attempt) -> Option<f64> {
        if self.judging {
            self.judged.get(&attempt.trial).copied()
        } else {
            self.by.of(attempt)
        }
    }
}

/// The first number in a judge's reply, as a share of 10.
pub fn verdict(reply: &str) -> Option<f64> {
    let start = reply.find(|c: char| c.is_ascii_digit())?;
    let number: String = reply[start..]
        .chars()
        .take_while(|c| c.is_ascii_digit() || *c == '.')
        .collect();
    let value: f64 = number.trim_end_matches('.').parse().ok()?;
    (0.0..=10.0).contains(&value).then_some(value / 10.0)
}

impl Strategy for BestOfN {
    fn name(&self) -> &'static str {
        "best-of-n"
    }

    fn ask(&mut self) -> Vec<Trial> {
        if self.stage == 0 {
            self.stage = 1;
            return (0..u64::from(self.samples))
                .map(|id| self.spec.trial(id))
                .collect();
        }
        if self.stage == 1 && self.judging && self.told >= self.samples {
            self.stage = 2;
            let sampled: Vec<(TrialId, Arc<Attempt>)> = self.tally.attempts().collect();
            return sampled
                .into_iter()
                .map(|(trial, attempt)| {
                    let id = u64::from(self.samples) + trial;
                    let mut trial = self.spec.aside(id, self.question(&attempt), VERDICT_TOKENS);
                    trial.sampling.temperature = 0.0;
                    trial
                })
                .collect();
        }
        Vec::new()
    }

    fn tell(&mut self, trial: TrialId, outcome: Outcome) {
        let samples = u64::from(self.samples);
        if trial < samples {
            self.told += 1;
        }
        let Outcome::Sampled { attempt, class } = outcome else {
            return;
        };
        if trial < samples {
            self.tally.add(trial, attempt, class);
        } else if let Some(value) = verdict(&attempt.text) {
            self.judged.insert(trial - samples, value);
        }
    }

    fn best(&self) -> Option<Selection> {
        best_scored(&self.tally, true, |a| self.score(a))
    }
}

#[cfg(test)]
mod tests {
    use super::verdict;

    #[test]
    fn a_judges_number_is_read_and_nonsense_is_no_score() {
        assert_eq!(verdict("8"), Some(0.8));
        assert_eq!(verdict("I'd say 7.5/10."), Some(0.75));
        assert_eq!(verdict("100"), None);
        assert_eq!(verdict("good"), None);
    }
}
