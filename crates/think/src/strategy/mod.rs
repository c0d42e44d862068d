//! The searches, one file each.

pub mod ab_mcts;
pub mod beam;
pub mod best_of_n;
pub mod budget_forcing;
pub mod critique;
pub mod deepconf;
pub mod direct;
pub mod dvts;
pub mod majority;
pub mod repair;
pub mod rsa;
pub mod steps;

use strawberry_core::{Attempt, Finish, Message, Role, Sampling, Selection, Thinking, Trial, TrialId};

use crate::vote::Tally;

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
    /// Whether calculations are completed exactly.
    pub calculator: bool,
    /// Whether the program in a response is run.
    pub program: bool,
}

impl AttemptSpec {
    /// Plain sampling of `messages` with at most `max_tokens` tokens.
    pub fn plain(messages: Vec<Message>, max_tokens: u32) -> Self {
        AttemptSpec {
            messages,
            sampling: Sampling::default(),
            max_tokens,
            thinking: Thinking::default(),
            first_greedy: false,
            calculator: false,
            program: false,
        }
    }

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
            calculator: self.calculator,
            program: self.program,
            least_confidence: None,
        }
    }

    /// A trial that continues another conversation than the question's own: no close text, no calculator and no
    /// program belong to it.
    pub fn aside(&self, id: TrialId, messages: Vec<Message>, max_tokens: u32) -> Trial {
        Trial {
            messages,
            max_tokens: max_tokens.min(self.max_tokens),
            thinking: Thinking {
                close_text: None,
                ..self.thinking.clone()
            },
            calculator: false,
            program: false,
            ..self.trial(id)
        }
    }

    /// The question's conversation with `text` added to the question.
    pub fn with_note(&self, text: &str) -> Vec<Message> {
        let mut messages = self.messages.clone();
        if let Some(question) = messages.iter_mut().rev().find(|m| m.role == Role::User) {
            question.content.push_str(text);
        }
        messages
    }
}

/// The longest part of an attempt that is shown to the model again, in characters.
const SHOWN: usize = 4000;

/// The beginning of a text, as much as is shown to the model again.
pub(crate) fn excerpt(text: &str) -> String {
    text.trim().chars().take(SHOWN).collect()
}

/// What is added to a question so that the model improves on an attempt.
pub(crate) fn improvement(attempt: &Attempt) -> String {
    let shown = excerpt(&attempt.text);
    let said = attempt.feedback.as_ref().map_or(String::new(), |f| {
        format!("\n\nWhat was found about it:\n{}", excerpt(f))
    });
    format!(
        "\n\nHere is an attempt at this; it is not right yet:\n{shown}{said}\n\nSay what is wrong with it, then write a complete and right solution."
    )
}

/// The selection of the attempt with the best score; ties to the first. Where `answers` count, attempts with an
/// answer come before those without, and complete responses before cut-off ones.
pub(crate) fn best_scored(
    tally: &Tally,
    answers: bool,
    score: impl Fn(&Attempt) -> Option<f64>,
) -> Option<Selection> {
    let votes = tally.votes(|_| 1.0);
    let rank = |trial: TrialId, attempt: &Attempt| {
        (
            answers && votes.iter().any(|v| v.trials.contains(&trial)),
            answers && attempt.finish == Finish::Stop,
            score(attempt).unwrap_or(f64::NEG_INFINITY),
        )
    };
    let (trial, _) = tally.attempts().reduce(|a, b| {
        let (x, y) = (rank(a.0, &a.1), rank(b.0, &b.1));
        if y.partial_cmp(&x) == Some(std::cmp::Ordering::Greater) {
            b
        } else {
            a
        }
    })?;
    let chosen = votes.iter().find(|v| v.trials.contains(&trial));
    Some(Selection {
        trial,
        answer: chosen.map(|v| v.answer.clone()),
        confidence: chosen
            .filter(|_| tally.len() > 1)
            .map(|v| f64::from(v.votes) / tally.len() as f64),
        votes,
    })
}

/// The seed of a trial: SplitMix64 (Steele, Lea and Flood 2014, OOPSLA, section 5) of run seed and trial
/// number, cut to 53 bits so that every JSON reader keeps it exact.
pub fn trial_seed(run_seed: u64, trial: TrialId) -> u64 {
    let mut z = run_seed.wrapping_add((trial + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (z ^ (z >> 31)) >> 11
}
