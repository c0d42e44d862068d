//! The trait a language model implements, and the request it takes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use futures::stream::BoxStream;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::budget::Usage;
use crate::message::Message;

/// How tokens are drawn. The defaults are plain sampling at temperature 1 without any filter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Sampling {
    /// Softmax temperature; 0 is greedy.
    pub temperature: f32,
    /// Keep only the k likeliest tokens; 0 keeps all.
    pub top_k: u32,
    /// Keep the smallest set of tokens whose probabilities sum to at least this; 1 keeps all
    /// (nucleus sampling, Holtzman et al. 2020, arXiv 1904.09751).
    pub top_p: f32,
    /// Drop tokens less likely than this share of the likeliest one; 0 drops none (arXiv 2407.01082).
    pub min_p: f32,
    /// Divide (multiply, when negative) the logits of tokens seen in the window by this; 1 is off
    /// (Keskar et al. 2019, arXiv 1909.05858, section 4.1).
    pub repetition_penalty: f32,
    /// How many last tokens the repetition penalty looks at.
    pub repetition_window: u32,
    /// Subtracted from a token's logit once per earlier occurrence in the response (OpenAI's definition).
    pub frequency_penalty: f32,
    /// Subtracted from a token's logit if it occurred in the response at all (OpenAI's definition).
    pub presence_penalty: f32,
    /// Added to the logits of single tokens: (token id, bias).
    pub logit_bias: Vec<(u32, f32)>,
    /// Seed; the same request with the same seed gives the same tokens on the local engine.
    pub seed: u64,
    /// How many alternatives to report for each token; `None` reports no log-probabilities at all.
    pub top_logprobs: Option<u8>,
    /// Sampling ends before any of these strings would be emitted.
    pub stop: Vec<String>,
}

impl Default for Sampling {
    fn default() -> Self {
        Sampling {
            temperature: 1.0,
            top_k: 0,
            top_p: 1.0,
            min_p: 0.0,
            repetition_penalty: 1.0,
            repetition_window: 64,
            frequency_penalty: 0.0,
            presence_penalty: 0.0,
            logit_bias: Vec::new(),
            seed: 0,
            top_logprobs: None,
            stop: Vec::new(),
        }
    }
}

impl Sampling {
    /// Checks ranges. The error says which field is wrong and what it may be.
    pub fn validate(&self) -> Result<(), ModelError> {
        let check = |ok: bool, what: &str| {
            if ok {
                Ok(())
            } else {
                Err(ModelError::InvalidRequest(what.to_owned()))
            }
        };
        check(
            (0.0..=100.0).contains(&self.temperature),
            "temperature must be between 0 and 100",
        )?;
        check(
            self.top_p > 0.0 && self.top_p <= 1.0,
            "top_p must be above 0 and at most 1",
        )?;
        check((0.0..=1.0).contains(&self.min_p), "min_p must be between 0 and 1")?;
        check(
            self.repetition_penalty > 0.0 && self.repetition_penalty.is_finite(),
            "repetition_penalty must be a finite number above 0",
        )?;
        check(
            self.frequency_penalty.is_finite() && self.presence_penalty.is_finite(),
            "frequency_penalty and presence_penalty must be finite numbers",
        )?;
        check(
            self.logit_bias.iter().all(|(_, b)| !b.is_nan()),
            "logit_bias values must be numbers",
        )?;
        check(
            self.stop.len() <= 16 && self.stop.iter().all(|s| !s.is_empty()),
            "stop takes up to 16 non-empty strings",
        )
    }
}

/// What happens to thinking: whether the model may think before it answers, for how long, and with
/// which words a thought is cut off.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Thinking {
    /// Whether a reasoning model may open a `<think>` block (models that don't know the tag ignore this).
    pub enabled: bool,
    /// Sampled thinking tokens after which the thought is closed; `None` leaves it open-ended.
    /// For a model without thinking blocks the whole response counts as thinking.
    pub budget: Option<u32>,
    /// What closes the thought, when the budget is used up or on "answer now". `None` picks the model's
    /// own: `</think>` for a reasoning model; a model without thinking blocks simply stops.
    pub close_text: Option<String>,
    /// Tokens allowed after the thought was closed.
    pub answer_tokens: u32,
}

impl Default for Thinking {
    fn default() -> Self {
        Thinking {
            enabled: true,
            budget: None,
            close_text: None,
            answer_tokens: 512,
        }
    }
}

/// A constraint on the text of a response.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Grammar {
    /// A JSON document that satisfies a JSON Schema.
    JsonSchema(serde_json::Value),
    /// Text that matches a regular expression as a whole.
    Regex(String),
    /// Text of a Lark grammar.
    Lark(String),
}

const RUN: u8 = 0;
const ANSWER_NOW: u8 = 1;
const CANCEL: u8 = 2;

/// A handle on attempts in flight, shared between who asks and who samples.
#[derive(Clone, Debug, Default)]
pub struct Control(Arc<AtomicU8>);

impl Control {
    /// A handle that asks for nothing.
    pub fn new() -> Self {
        Control::default()
    }

    /// Asks the model to stop thinking and answer. A cancelled attempt stays cancelled.
    pub fn answer_now(&self) {
        let _ = self
            .0
            .compare_exchange(RUN, ANSWER_NOW, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Asks the model to stop at once.
    pub fn cancel(&self) {
        self.0.store(CANCEL, Ordering::Relaxed);
    }

    /// Whether an answer is wanted now.
    pub fn wants_answer(&self) -> bool {
        self.0.load(Ordering::Relaxed) == ANSWER_NOW
    }

    /// Whether the attempt was cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed) == CANCEL
    }
}

/// Computes what a model should not guess: given the response so far, the text that must follow, if any.
///
/// In the step language of the training data (`<<3*12=36>>`) it is called with text that ends in `<<3*12=`
/// and gives `36>>`. A local model asks it after every sampled token and continues with the forced text;
/// servers can't be interrupted and ignore it.
#[derive(Clone)]
pub struct Calculator(Arc<Complete>);

type Complete = dyn Fn(&str) -> Option<String> + Send + Sync;

impl Calculator {
    /// A calculator that completes with `complete`, which must be quick: it runs between two tokens.
    pub fn new(complete: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        Calculator(Arc::new(complete))
    }

    /// The text that must follow `response`, if any.
    pub fn complete(&self, response: &str) -> Option<String> {
        (self.0)(response)
    }
}

impl std::fmt::Debug for Calculator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Calculator")
    }
}

/// One attempt to be sampled.
#[derive(Clone, Debug, Default)]
pub struct SampleRequest {
    /// The conversation.
    pub messages: Vec<Message>,
    /// Text with which the response already begins (not counted as sampled, not repeated in the events).
    pub prefix: Option<String>,
    /// How to draw.
    pub sampling: Sampling,
    /// Sampled tokens at most, thinking included.
    pub max_tokens: u32,
    /// What happens to thinking.
    pub thinking: Thinking,
    /// A constraint on the answer's text.
    pub grammar: Option<Grammar>,
    /// What completes calculations in the response.
    pub calculator: Option<Calculator>,
    /// Tools offered to the model, as OpenAI `tools` objects.
    pub tools: Vec<serde_json::Value>,
    /// The handle by which the attempt can be hurried or cancelled.
    pub control: Control,
}

/// Which part of a response a piece of text belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    /// Inside a thinking block.
    Thinking,
    /// The response proper.
    Answer,
}

/// A token with its natural log-probability.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TokenLogprob {
    /// The token's text (lossy where it is not whole UTF-8).
    pub token: String,
    /// Natural log-probability under the model at temperature 1, before any filter.
    pub logprob: f32,
}

/// Why sampling ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Finish {
    /// The model ended its response, or a stop string came.
    Stop,
    /// The token limit or the context was used up.
    Length,
    /// The model asks for tools.
    ToolCalls,
    /// The attempt was cancelled.
    Cancelled,
    /// The model failed in the middle; the text so far stands.
    Failed,
}

/// What a model reports while it samples: `Started`, any number of `Text`, `Done`.
#[derive(Clone, Debug, PartialEq)]
pub enum ModelEvent {
    /// The prompt is evaluated. `prompt_tokens` is its length, `cached_tokens` how much of it was not computed anew.
    Started {
        /// Prompt length in tokens.
        prompt_tokens: u64,
        /// How many of them came from a cache or another attempt.
        cached_tokens: u64,
    },
    /// A piece of the response: usually one token; several when text was held back.
    Text {
        /// Which part it belongs to.
        channel: Channel,
        /// The text (whole UTF-8; may be empty for a token that completes nothing).
        text: String,
        /// Sampled tokens in this piece; 0 for forced text.
        tokens: u32,
        /// The log-probabilities of those tokens, when asked for.
        logprobs: Vec<TokenLogprob>,
        /// The likeliest alternatives to each of those tokens, when asked for.
        alternatives: Vec<Vec<TokenLogprob>>,
    },
    /// The model wants tools called (whole calls, after their text is complete).
    ToolCalls(Vec<crate::message::ToolCall>),
    /// The end.
    Done {
        /// Why.
        finish: Finish,
        /// What it cost.
        usage: Usage,
    },
}

/// Why a model could not sample.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ModelError {
    /// The request itself is wrong.
    #[error("{0}")]
    InvalidRequest(String),
    /// The prompt does not fit.
    #[error(
        "the prompt has {prompt} tokens, but the model's context holds {limit}: shorten the prompt or use a model with a longer context"
    )]
    ContextOverflow {
        /// Length of the prompt.
        prompt: u64,
        /// Length of the context.
        limit: u64,
    },
    /// The server can't be reached.
    #[error("{0}")]
    Unreachable(String),
    /// The server refused the credentials.
    #[error("{0}")]
    Unauthorised(String),
    /// The server is too busy, after all retries.
    #[error("{0}")]
    RateLimited(String),
    /// The server did not answer in time.
    #[error("{0}")]
    TimedOut(String),
    /// The server answered something that can't be understood, or failed.
    #[error("{0}")]
    Server(String),
    /// A part of this program failed; the message says which.
    #[error("{0}")]
    Internal(String),
}

/// What is known about a model.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ModelInfo {
    /// Its name.
    pub name: String,
    /// A hash of its weights; `None` for remote models.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
    /// The family (for example `llama`), or `remote`.
    pub architecture: String,
    /// Context length in tokens, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context_length: Option<u64>,
    /// Number of parameters, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters: Option<u64>,
    /// Weight format, where known (for example `Q4_1`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantisation: Option<String>,
    /// The adapter it answers with, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adapter: Option<String>,
    /// Whether the model writes `<think>` blocks of its own.
    pub reasoning: bool,
}

/// Texts as vectors.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Embeddings {
    /// One vector per text, all of the same dimension, of Euclidean length 1.
    pub vectors: Vec<Vec<f32>>,
    /// Tokens evaluated.
    pub prompt_tokens: u64,
}

/// A language model: local or remote.
pub trait Model: Send + Sync {
    /// What is known about it.
    fn info(&self) -> ModelInfo;

    /// Samples one attempt. Many attempts run at once by calling this many times; a local model
    /// evaluates a prompt they share once. Dropping the stream cancels the attempt.
    ///
    /// An error item ends the stream. Without one, the last item is [`ModelEvent::Done`].
    fn sample(&self, request: SampleRequest) -> BoxStream<'static, Result<ModelEvent, ModelError>>;

    /// The length of a conversation in tokens as the model would see it; `None` if it can't be known.
    fn count_tokens(&self, messages: &[Message]) -> Option<u64>;

    /// A vector of length 1 for each text, in order, whose dot products measure likeness. Blocks while it
    /// computes.
    ///
    /// # Errors
    /// The model does not embed (what this default says), a text does not fit its context, or it failed.
    fn embed(&self, _texts: &[String]) -> Result<Embeddings, ModelError> {
        Err(ModelError::InvalidRequest(format!(
            "the model '{}' does not embed texts",
            self.info().name
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cancel_wins_over_answer_now() {
        let control = Control::new();
        control.answer_now();
        assert!(control.wants_answer());
        control.cancel();
        control.answer_now();
        assert!(control.is_cancelled() && !control.wants_answer());
    }

    #[test]
    fn absurd_sampling_is_refused_with_the_field_named() {
        let bad = Sampling {
            top_p: 0.0,
            ..Sampling::default()
        };
        assert!(bad.validate().unwrap_err().to_string().contains("top_p"));
        let nan = Sampling {
            temperature: f32::NAN,
            ..Sampling::default()
        };
        assert!(nan.validate().unwrap_err().to_string().contains("temperature"));
        assert!(Sampling::default().validate().is_ok());
    }
}
