//! What may be spent, what was spent, and the published table of efforts.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An upper bound on what one run may spend. `None` means "not limited by this".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Budget {
    /// Attempts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub samples: Option<u32>,
    /// Sampled tokens over all attempts, thinking included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
    /// Sampled tokens of one attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt_tokens: Option<u32>,
    /// Wall time in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wall_ms: Option<u64>,
    /// Tool calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_calls: Option<u32>,
}

/// What was spent. Every number is counted, never estimated, unless `estimated` says so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Usage {
    /// Length of the prompt in tokens (of one attempt, or the longest prompt of a run).
    pub prompt_tokens: u64,
    /// Prompt tokens that were really computed, over all attempts; the rest came from a cache or was shared.
    pub prompt_evaluated: u64,
    /// Sampled tokens that are thinking: `<think>` blocks, and every token of attempts that were not chosen.
    pub reasoning_tokens: u64,
    /// All sampled tokens, thinking included, of losing attempts too.
    pub completion_tokens: u64,
    /// Tokens put into the stream without sampling (a closed thought, "the answer is").
    #[serde(default)]
    pub forced_tokens: u64,
    /// Attempts started.
    pub samples: u32,
    /// Tools called.
    #[serde(default)]
    pub tool_calls: u32,
    /// True when a remote server reported no usage, so that streamed pieces were counted instead of tokens.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub estimated: bool,
}

impl Usage {
    /// Adds another usage of the same run: the prompt length is a maximum, all else is a sum.
    pub fn add(&mut self, other: &Usage) {
        self.prompt_tokens = self.prompt_tokens.max(other.prompt_tokens);
        self.prompt_evaluated += other.prompt_evaluated;
        self.reasoning_tokens += other.reasoning_tokens;
        self.completion_tokens += other.completion_tokens;
        self.forced_tokens += other.forced_tokens;
        self.samples += other.samples;
        self.tool_calls += other.tool_calls;
        self.estimated |= other.estimated;
    }
}

/// How hard to think, in the words the OpenAI API uses.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Effort {
    /// Answer at once.
    None,
    /// One short chain of thought.
    Minimal,
    /// A few attempts.
    Low,
    /// The default.
    #[default]
    Medium,
    /// Many attempts.
    High,
    /// Twice as many as `high`.
    Xhigh,
    /// As many as ever pays.
    Max,
}

/// One row of the effort table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EffortRow {
    /// The effort.
    pub effort: Effort,
    /// What it allows.
    pub budget: Budget,
}

impl Effort {
    /// All efforts, least first.
    pub const ALL: [Effort; 7] = [
        Effort::None,
        Effort::Minimal,
        Effort::Low,
        Effort::Medium,
        Effort::High,
        Effort::Xhigh,
        Effort::Max,
    ];

    /// The lower-case name.
    pub fn as_str(self) -> &'static str {
        match self {
            Effort::None => "none",
            Effort::Minimal => "minimal",
            Effort::Low => "low",
            Effort::Medium => "medium",
            Effort::High => "high",
            Effort::Xhigh => "xhigh",
            Effort::Max => "max",
        }
    }

    /// What the effort allows: attempts, tokens in one attempt, tokens in all.
    pub fn budget(self) -> Budget {
        let (samples, attempt_tokens) = match self {
            Effort::None => (1, 1024),
            Effort::Minimal => (1, 2048),
            Effort::Low => (4, 2048),
            Effort::Medium => (8, 4096),
            Effort::High => (16, 8192),
            Effort::Xhigh => (32, 16384),
            Effort::Max => (64, 32768),
        };
        Budget {
            samples: Some(samples),
            tokens: Some(u64::from(samples) * u64::from(attempt_tokens)),
            attempt_tokens: Some(attempt_tokens),
            wall_ms: None,
            tool_calls: None,
        }
    }

    /// The published table.
    pub fn table() -> Vec<EffortRow> {
        Effort::ALL
            .iter()
            .map(|&effort| EffortRow {
                effort,
                budget: effort.budget(),
            })
            .collect()
    }
}

impl fmt::Display for Effort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Effort {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        Effort::ALL.into_iter().find(|e| e.as_str() == s).ok_or_else(|| {
            format!("unknown effort '{s}': use none, minimal, low, medium, high, xhigh or max")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn efforts_never_allow_less_than_the_one_before() {
        for pair in Effort::table().windows(2) {
            assert!(pair[0].budget.samples <= pair[1].budget.samples);
            assert!(pair[0].budget.tokens < pair[1].budget.tokens);
        }
    }

    #[test]
    fn efforts_round_trip_through_their_names() {
        for effort in Effort::ALL {
            assert_eq!(effort.as_str().parse::<Effort>(), Ok(effort));
            assert_eq!(serde_json::to_string(&effort).unwrap(), format!("\"{effort}\""));
        }
        assert!("very".parse::<Effort>().unwrap_err().contains("none, minimal"));
    }

    #[test]
    fn usage_adds_counts_and_keeps_the_prompt_length() {
        let one = Usage {
            prompt_tokens: 10,
            prompt_evaluated: 10,
            completion_tokens: 5,
            samples: 1,
            ..Usage::default()
        };
        let two = Usage {
            prompt_evaluated: 0,
            ..one
        };
        let mut sum = Usage::default();
        sum.add(&one);
        sum.add(&two);
        assert_eq!(
            (
                sum.prompt_tokens,
                sum.prompt_evaluated,
                sum.completion_tokens,
                sum.samples
            ),
            (10, 10, 10, 2)
        );
    }
}
