//! The request of a chat completion.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use strawberry_core::{Budget, Effort};
use strawberry_think::StrategyKind;

use super::messages::ChatMessage;
use crate::error::ApiError;
use crate::generate::Ask;
use crate::shape::Shape;
use crate::state::AppState;
use crate::tools::{self, Choice};

/// The request of a chat completion. Fields that are not listed are ignored.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ChatRequest {
    /// One of `/v1/models`; without it, the server's first.
    pub model: Option<String>,
    /// The conversation.
    pub messages: Vec<ChatMessage>,
    /// Whether the answer comes as server-sent events while it is made.
    pub stream: Option<bool>,
    /// What the stream tells beside the answer.
    pub stream_options: Option<StreamOptions>,
    /// Answers to give, each from a search of its own.
    #[schemars(range(min = 1, max = 16))]
    pub n: Option<u32>,
    /// How hard to think: none, minimal, low, medium, high, xhigh or max.
    pub reasoning_effort: Option<Effort>,
    /// How long to think, and how.
    pub thinking: Option<ThinkingOptions>,
    /// Sampled tokens at most, thinking included.
    #[schemars(range(min = 1))]
    pub max_completion_tokens: Option<u64>,
    /// The older name of `max_completion_tokens`.
    #[schemars(range(min = 1))]
    pub max_tokens: Option<u64>,
    /// Softmax temperature, 0 to 2; without it, what suits the search.
    #[schemars(range(min = 0.0, max = 2.0))]
    pub temperature: Option<f32>,
    /// Nucleus sampling.
    pub top_p: Option<f32>,
    /// Only the k likeliest tokens.
    pub top_k: Option<u32>,
    /// Only tokens at least this likely, relative to the likeliest.
    pub min_p: Option<f32>,
    /// -2 to 2.
    pub frequency_penalty: Option<f32>,
    /// -2 to 2.
    pub presence_penalty: Option<f32>,
    /// Added to the logits of tokens, by token id.
    pub logit_bias: Option<BTreeMap<String, f32>>,
    /// Where to stop.
    pub stop: Option<Stop>,
    /// The same seed gives the same answer on a local model.
    pub seed: Option<i64>,
    /// Whether to report the log-probabilities of the answer's tokens.
    pub logprobs: Option<bool>,
    /// Alternatives to report for each token.
    #[schemars(range(min = 0, max = 20))]
    pub top_logprobs: Option<u8>,
    /// Functions the model may call.
    pub tools: Option<Vec<Value>>,
    /// `auto`, `none`, `required`, or `{"type": "function", "function": {"name": …}}`.
    pub tool_choice: Option<Value>,
    /// Whether several calls may be made at once (`false` keeps the first).
    pub parallel_tool_calls: Option<bool>,
    /// What the answer must be.
    pub response_format: Option<ResponseFormat>,
    /// `false`: the run is not recorded as a trace.
    pub store: Option<bool>,
}

/// What a stream tells beside the answer.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct StreamOptions {
    /// A last chunk with the usage.
    pub include_usage: bool,
    /// Chunks with the events of the search: attempts as they start, speak and end, and the votes.
    pub include_search: bool,
}

/// How long to think, and how: any limit replaces the effort's.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ThinkingOptions {
    /// Seconds at most.
    pub seconds: Option<f64>,
    /// Sampled tokens at most.
    pub tokens: Option<u64>,
    /// Attempts at most.
    pub samples: Option<u32>,
    /// The search, by name.
    pub strategy: Option<String>,
}

/// One stop string, or several.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "a text or a list of texts")]
pub enum Stop {
    /// One.
    One(String),
    /// Several.
    Many(Vec<String>),
}

/// What the answer must be.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct ResponseFormat {
    /// `text`, `json_object` or `json_schema`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The schema, for `json_schema`.
    #[serde(default)]
    pub json_schema: Option<JsonSchemaFormat>,
}

/// A schema with a name.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct JsonSchemaFormat {
    /// A name for people.
    #[serde(default)]
    pub name: Option<String>,
    /// The schema.
    #[serde(default)]
    pub schema: Option<Value>,
}

/// The schema a format asks for.
///
/// # Errors
/// The type is unknown, or the schema is missing or is none.
pub fn schema(kind: &str, schema: Option<&Value>, param: &str) -> Result<Option<Value>, ApiError> {
    match (kind, schema) {
        ("text", _) => Ok(None),
        ("json_object", _) => Ok(Some(json!({"type": "object"}))),
        ("json_schema", Some(schema @ Value::Object(_))) => Ok(Some(schema.clone())),
        ("json_schema", _) => Err(ApiError::param(
            param,
            format!("{param} needs a JSON Schema object"),
        )),
        (other, _) => {
            let other: String = other.chars().take(40).collect();
            Err(ApiError::param(
                param,
                format!("{param}: type '{other}' is unknown; use text, json_object or json_schema"),
            ))
        }
    }
}

/// Reads `tool_choice` in the shape of chat completions or of responses.
///
/// # Errors
/// It is neither.
pub fn tool_choice(value: Option<&Value>) -> Result<Choice, ApiError> {
    let name = |v: &Value| {
        let name = v.pointer("/function/name").or_else(|| v.get("name"))?;
        Some(Choice::Named(name.as_str()?.to_owned()))
    };
    match value {
        None | Some(Value::Null) => Ok(Choice::Auto),
        Some(Value::String(word)) => match word.as_str() {
            "auto" => Ok(Choice::Auto),
            "none" => Ok(Choice::None),
            "required" => Ok(Choice::Required),
            _ => Err(ApiError::param(
                "tool_choice",
                "tool_choice takes auto, none, required or a function's name",
            )),
        },
        Some(value) => name(value).ok_or_else(|| {
            ApiError::param(
                "tool_choice",
                "tool_choice takes auto, none, required or {\"type\": \"function\", \"function\": {\"name\": …}}",
            )
        }),
    }
}

impl ThinkingOptions {
    /// The limits.
    ///
    /// # Errors
    /// The time is no time.
    pub fn budget(&self) -> Result<Budget, ApiError> {
        let wall_ms = match self.seconds {
            None => None,
            Some(s) if s > 0.0 && s <= 604_800.0 => Some((s * 1000.0).ceil() as u64),
            Some(_) => {
                return Err(ApiError::param(
                    "thinking.seconds",
                    "thinking.seconds must be above 0 and at most 604800",
                ));
            }
        };
        Ok(Budget {
            samples: self.samples,
            tokens: self.tokens,
            wall_ms,
            ..Budget::default()
        })
    }

    /// The search.
    ///
    /// # Errors
    /// There is none of this name.
    pub fn strategy(&self) -> Result<Option<StrategyKind>, ApiError> {
        let parse = |name: &String| {
            let name: String = name.chars().take(40).collect();
            name.parse()
                .map_err(|e: String| ApiError::param("thinking.strategy", e))
        };
        self.strategy.as_ref().map(parse).transpose()
    }
}

/// Whether a number is in range.
fn within(name: &str, value: Option<f32>, least: f32, most: f32) -> Result<(), ApiError> {
    match value {
        Some(v) if !(least..=most).contains(&v) => Err(ApiError::param(
            name,
            format!("{name} must be between {least} and {most}"),
        )),
        _ => Ok(()),
    }
}

/// The seed of a request that gives none.
pub fn random_seed() -> u64 {
    let mut bytes = [0; 8];
    // Without random numbers every request gets the seed 0, which is as good as any.
    let _ = getrandom::fill(&mut bytes);
    u64::from_le_bytes(bytes) >> 11
}

impl ChatRequest {
    /// What the stream tells.
    pub fn stream_options(&self) -> StreamOptions {
        self.stream_options.unwrap_or_default()
    }

    /// How many answers to give.
    ///
    /// # Errors
    /// None, or too many.
    pub fn choices(&self, state: &AppState) -> Result<u32, ApiError> {
        let most = state.settings.limits.choices;
        match self.n {
            None => Ok(1),
            Some(n) if n >= 1 && n <= most => Ok(n),
            Some(_) => Err(ApiError::param("n", format!("n must be between 1 and {most}"))),
        }
    }

    /// The request in Strawberry's own terms.
    ///
    /// # Errors
    /// 400 with the field that is wrong.
    pub fn ask(&self, state: &AppState) -> Result<Ask, ApiError> {
        if self.messages.is_empty() {
            return Err(ApiError::param(
                "messages",
                "messages is empty: give at least one",
            ));
        }
        let most = state.settings.limits.messages;
        if self.messages.len() > most {
            return Err(ApiError::param(
                "messages",
                format!("messages has more than {most} entries"),
            ));
        }
        let messages = self
            .messages
            .iter()
            .enumerate()
            .map(|(i, m)| m.message(i))
            .collect::<Result<Vec<_>, _>>()?;
        let tools = self.tools.clone().unwrap_or_default();
        for (i, tool) in tools.iter().enumerate() {
            tools::check(tool, i)?;
        }
        let schema = match &self.response_format {
            None => None,
            Some(format) => schema(
                &format.kind,
                format.json_schema.as_ref().and_then(|s| s.schema.as_ref()),
                "response_format",
            )?,
        };
        let thinking = self.thinking.clone().unwrap_or_default();
        Ok(Ask {
            model: state.model_index(self.model.as_deref())?,
            messages,
            tools,
            choice: tool_choice(self.tool_choice.as_ref())?,
            single_call: self.parallel_tool_calls == Some(false),
            schema,
            shape: self.shape()?,
            effort: self.reasoning_effort,
            budget: thinking.budget()?,
            max_tokens: self.most_tokens()?,
            strategy: thinking.strategy()?,
            temperature: self.temperature,
            seed: self.seed.map_or_else(random_seed, |s| s as u64),
            record: self.store.unwrap_or(true),
        })
    }

    fn most_tokens(&self) -> Result<Option<u64>, ApiError> {
        let (name, most) = match self.max_completion_tokens {
            Some(n) => ("max_completion_tokens", Some(n)),
            None => ("max_tokens", self.max_tokens),
        };
        match most {
            Some(0) => Err(ApiError::param(name, format!("{name} must be at least 1"))),
            // More than any model can write is no limit.
            other => Ok(other.map(|n| n.min(1_000_000_000))),
        }
    }

    /// The settings of every attempt.
    ///
    /// # Errors
    /// One is out of range.
    pub fn shape(&self) -> Result<Shape, ApiError> {
        within("temperature", self.temperature, 0.0, 2.0)?;
        within("frequency_penalty", self.frequency_penalty, -2.0, 2.0)?;
        within("presence_penalty", self.presence_penalty, -2.0, 2.0)?;
        within("min_p", self.min_p, 0.0, 1.0)?;
        if self.top_p.is_some_and(|p| !(p > 0.0 && p <= 1.0)) {
            return Err(ApiError::param("top_p", "top_p must be above 0 and at most 1"));
        }
        let stop = match &self.stop {
            None => Vec::new(),
            Some(Stop::One(text)) => vec![text.clone()],
            Some(Stop::Many(texts)) => texts.clone(),
        };
        if stop.len() > 16 || stop.iter().any(String::is_empty) {
            return Err(ApiError::param("stop", "stop takes up to 16 non-empty texts"));
        }
        let bias = |(token, bias): (&String, &f32)| {
            let id = token.parse().map_err(|_| {
                ApiError::param("logit_bias", "logit_bias takes token ids as keys: whole numbers")
            })?;
            within("logit_bias", Some(*bias), -100.0, 100.0)?;
            Ok((id, *bias))
        };
        let logit_bias = self
            .logit_bias
            .iter()
            .flatten()
            .map(bias)
            .collect::<Result<Vec<_>, ApiError>>()?;
        if self.top_logprobs.is_some_and(|n| n > 20) {
            return Err(ApiError::param(
                "top_logprobs",
                "top_logprobs must be between 0 and 20",
            ));
        }
        let wants = self.logprobs.unwrap_or(false);
        if !wants && self.top_logprobs.is_some_and(|n| n > 0) {
            return Err(ApiError::param(
                "top_logprobs",
                "top_logprobs needs 'logprobs': true",
            ));
        }
        Ok(Shape {
            top_p: self.top_p,
            top_k: self.top_k,
            min_p: self.min_p,
            frequency_penalty: self.frequency_penalty,
            presence_penalty: self.presence_penalty,
            logit_bias,
            stop,
            top_logprobs: wants.then_some(self.top_logprobs.unwrap_or(0)),
            ..Shape::default()
        })
    }
}
