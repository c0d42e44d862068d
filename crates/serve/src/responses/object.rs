//! The response object.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};
use strawberry_core::Usage;

use super::request::ResponseRequest;
use crate::chat::response::Search;
use crate::state::now_ms;

/// A response, in OpenAI's shape.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ResponseObject {
    /// Its id.
    pub id: String,
    /// `response`.
    pub object: &'static str,
    /// When it was asked, in seconds since the Unix epoch.
    pub created_at: u64,
    /// When it was whole.
    pub completed_at: Option<u64>,
    /// `queued`, `in_progress`, `completed`, `incomplete`, `failed` or `cancelled`.
    pub status: &'static str,
    /// Whether it is made in the background.
    pub background: bool,
    /// What went wrong.
    pub error: Option<Value>,
    /// Why it is incomplete: `{"reason": "max_output_tokens"}`.
    pub incomplete_details: Option<Value>,
    /// The model's name.
    pub model: String,
    /// Items: reasoning, a message, function calls.
    pub output: Vec<Value>,
    /// What it cost.
    pub usage: Option<ResponseUsage>,
    /// How the answer was found.
    pub search: Option<Search>,
    /// What was asked for, repeated.
    #[serde(flatten)]
    pub request: Echo,
}

/// What a response repeats of its request.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Echo {
    /// Standing instructions.
    pub instructions: Option<String>,
    /// Sampled tokens at most.
    pub max_output_tokens: Option<u64>,
    /// Whether several calls may be made at once.
    pub parallel_tool_calls: bool,
    /// The response before.
    pub previous_response_id: Option<String>,
    /// `{"effort": …, "summary": …}`.
    pub reasoning: Value,
    /// Whether it is kept.
    pub store: bool,
    /// The temperature; 1 where none was given, and the search chooses.
    pub temperature: f32,
    /// Nucleus sampling; 1 where it was not given, and the search chooses.
    pub top_p: f32,
    /// Always 0.
    pub presence_penalty: f32,
    /// Always 0.
    pub frequency_penalty: f32,
    /// Always 0: a response has no log-probabilities.
    pub top_logprobs: u32,
    /// Always `null`: the server calls no tools itself.
    pub max_tool_calls: Option<u32>,
    /// Always `default`.
    pub service_tier: &'static str,
    /// Always `null`.
    pub user: Option<String>,
    /// Always `null`.
    pub safety_identifier: Option<String>,
    /// Always `null`: prompts are cached by their text.
    pub prompt_cache_key: Option<String>,
    /// `{"format": …}`.
    pub text: Value,
    /// Which tools may be called.
    pub tool_choice: Value,
    /// The tools.
    pub tools: Vec<Value>,
    /// `disabled`: a conversation that does not fit is refused.
    pub truncation: &'static str,
    /// Texts kept with the response.
    pub metadata: Value,
}

/// What a response cost.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct ResponseUsage {
    /// Tokens of the prompt.
    pub input_tokens: u64,
    /// `cached_tokens`: those not computed anew.
    pub input_tokens_details: InputDetails,
    /// Sampled tokens.
    pub output_tokens: u64,
    /// `reasoning_tokens`: of thinking, and of attempts that were not chosen.
    pub output_tokens_details: OutputDetails,
    /// Both.
    pub total_tokens: u64,
}

/// The prompt in detail.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct InputDetails {
    /// Tokens that were not computed anew.
    pub cached_tokens: u64,
}

/// The sampled tokens in detail.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct OutputDetails {
    /// Tokens of thinking, and of attempts that were not chosen.
    pub reasoning_tokens: u64,
}

impl From<Usage> for ResponseUsage {
    fn from(usage: Usage) -> Self {
        ResponseUsage {
            input_tokens: usage.prompt_tokens,
            input_tokens_details: InputDetails {
                cached_tokens: usage.prompt_tokens.saturating_sub(usage.prompt_evaluated),
            },
            output_tokens: usage.completion_tokens,
            output_tokens_details: OutputDetails {
                reasoning_tokens: usage.reasoning_tokens,
            },
            total_tokens: usage.prompt_tokens + usage.completion_tokens,
        }
    }
}

impl ResponseObject {
    /// The response to `request` before anything was made.
    pub fn new(id: &str, created_ms: u64, model: &str, request: &ResponseRequest) -> Self {
        let reasoning = request.reasoning.clone().unwrap_or_default();
        let format = request.text.as_ref().and_then(|t| t.format.as_ref());
        ResponseObject {
            id: id.to_owned(),
            object: "response",
            created_at: created_ms / 1000,
            completed_at: None,
            status: "in_progress",
            background: request.background.unwrap_or(false),
            error: None,
            incomplete_details: None,
            model: model.to_owned(),
            output: Vec::new(),
            usage: None,
            search: None,
            request: Echo {
                instructions: request.instructions.clone(),
                max_output_tokens: request.max_output_tokens,
                parallel_tool_calls: request.parallel_tool_calls.unwrap_or(true),
                previous_response_id: request.previous_response_id.clone(),
                reasoning: json!(reasoning),
                store: request.store.unwrap_or(true),
                temperature: request.temperature.unwrap_or(1.0),
                top_p: request.top_p.unwrap_or(1.0),
                presence_penalty: 0.0,
                frequency_penalty: 0.0,
                top_logprobs: 0,
                max_tool_calls: None,
                service_tier: "default",
                user: None,
                safety_identifier: None,
                prompt_cache_key: None,
                text: json!({"format": format.map_or_else(|| json!({"type": "text"}), |f| json!(f))}),
                tool_choice: request.tool_choice.clone().unwrap_or_else(|| "auto".into()),
                tools: request.tools.clone().unwrap_or_default(),
                truncation: "disabled",
                metadata: json!(request.metadata.clone().unwrap_or_default()),
            },
        }
    }

    /// It came to its end.
    pub fn end(&mut self, status: &'static str) {
        self.status = status;
        if status == "completed" {
            self.completed_at = Some(now_ms() / 1000);
        }
    }
}
