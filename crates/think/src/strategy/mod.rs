//! The searches, one file each.

pub mod best_of_n;
pub mod budget_forcing;
pub mod direct;
pub mod majority;
pub mod rsa;

use strawberry_core::{Message, Sampling, Thinking, Trial, TrialId};

/// How single attempts are sampled: what all strategies have in common.
#[derive(Clone, Debug)]
pub struct AttemptSpec {
    /// The conversation to be continued.
    pub messages: Vec<Message>,
    /// How to draw; the seed is the run's, from which each trial's own is derived.
    pub sampling: Sampling,
    /// Sampled tokens of one attempt at most.
    pub max_tokens: u32,
    /// What happens to thinking.
    pub thinking: Thinking,
    /// Whether the first attempt is greedy, so that one of the votes is the model's single best guess.
    pub first_greedy: bool,
}

impl AttemptSpec {
    /// The trial numbered `id`.
    pub fn trial(&self, id: TrialId) -> Trial {
        let mut sampling = self.sampling.clone();
        sampling.seed = trial_seed(self.sampling.seed, id);
        if self.first_greedy && id == 0 {
            sampling.temperature = 0.0;
        }
        Trial {
            id,
            messages: self.messages.clone(),
            prefix: None,
            sampling,
            max_tokens: self.max_tokens,
            thinking: self.thinking.clone(),
        }
    }
}

/// The seed of a trial: SplitMix64 (Steele, Lea and Flood 2014, OOPSLA, section 5) of run seed and trial
/// number, cut to 53 bits so that every JSON reader keeps it exact.
pub fn trial_seed(run_seed: u64, trial: TrialId) -> u64 {
    let mut z = run_seed.wrapping_add((trial + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (z ^ (z >> 31)) >> 11
}
