//! What a verifier can say. Not a bool.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The outcome of checking one response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Right.
    Correct,
    /// Wrong.
    Incorrect,
    /// The response holds no answer.
    NoAnswer,
    /// An answer was found but could not be understood.
    Unparsed,
    /// The check would exceed its fuel (steps, digits, depth); nothing is claimed.
    TooComplex,
    /// The check ran out of time; nothing is claimed.
    TimedOut,
    /// The reference itself is unusable; such a pair is unscored, not wrong.
    BadReference,
}

impl Verdict {
    /// Whether the pair counts in an accuracy (everything but [`Verdict::BadReference`]).
    pub fn is_scored(self) -> bool {
        self != Verdict::BadReference
    }

    /// The snake-case name used in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::Correct => "correct",
            Verdict::Incorrect => "incorrect",
            Verdict::NoAnswer => "no_answer",
            Verdict::Unparsed => "unparsed",
            Verdict::TooComplex => "too_complex",
            Verdict::TimedOut => "timed_out",
            Verdict::BadReference => "bad_reference",
        }
    }
}

/// A verdict with its reason.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Judgement {
    /// The outcome.
    pub verdict: Verdict,
    /// Which method decided (for example `exact rational`, `assert tests`).
    pub method: String,
    /// Why, in one line a person can read.
    pub evidence: String,
}

impl Judgement {
    /// A judgement from its parts.
    pub fn new(verdict: Verdict, method: impl Into<String>, evidence: impl Into<String>) -> Self {
        Judgement {
            verdict,
            method: method.into(),
            evidence: evidence.into(),
        }
    }
}
