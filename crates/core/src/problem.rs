//! What is asked.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::message::{Message, Role};

/// One input/output pair of a program under test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TestCase {
    /// Text given on standard input.
    pub stdin: String,
    /// Text expected on standard output (trailing white space is ignored).
    pub stdout: String,
}

/// What a response is held against, where something is known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reference {
    /// The right answer, as text a verifier can parse.
    Answer(String),
    /// Statements a program must pass (for example Python `assert` lines).
    Tests(Vec<String>),
    /// Input/output pairs a program must reproduce.
    Cases(Vec<TestCase>),
    /// A formal goal, in the language of the verifier that proves it.
    Goal(String),
}

/// A question: the conversation so far, and what is known about the right answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Problem {
    /// Identifies the problem within its source; empty for a question typed by a user.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// The conversation; the last message is the user's.
    pub messages: Vec<Message>,
    /// The reference, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<Reference>,
    /// Where the problem comes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The licence of the problem's text (SPDX identifier where one exists).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub licence: Option<String>,
}

impl Problem {
    /// A problem that is one question of a user.
    pub fn question(text: impl Into<String>) -> Self {
        Problem::chat(vec![Message::user(text)])
    }

    /// A problem that is the next turn of a conversation.
    pub fn chat(messages: Vec<Message>) -> Self {
        Problem {
            id: String::new(),
            messages,
            reference: None,
            source: None,
            licence: None,
        }
    }

    /// The text of the last user message; empty if there is none.
    pub fn last_user_text(&self) -> &str {
        self.messages
            .iter()
            .rev()
            .find(|m| m.role == Role::User)
            .map_or("", |m| m.content.as_str())
    }
}
