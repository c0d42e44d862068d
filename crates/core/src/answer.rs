//! What is extracted from a response, compared and voted on.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An extracted answer: never the whole response.
///
/// Two answers with the same `key` are equal without further work; with different keys, or without
/// one, the verifier's equivalence decides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Answer {
    /// The answer as the response wrote it, trimmed (for example `\frac{1}{2}` or `$42`).
    pub text: String,
    /// The verifier's exact normal form, where it has one (for example `1/2`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Which rule found the answer (for example `boxed`, `the answer is`, `last number`).
    #[serde(default)]
    pub rule: String,
    /// Whether the response marked this as its answer; false for last-resort guesses.
    #[serde(default)]
    pub marked: bool,
}

impl Answer {
    /// An answer with a text and nothing else known.
    pub fn text(text: impl Into<String>) -> Self {
        Answer {
            text: text.into(),
            key: None,
            rule: String::new(),
            marked: true,
        }
    }
}
