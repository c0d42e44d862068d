//! `/v1/completions`: the older API, one prompt as one question.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use futures::stream;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use strawberry_core::{Budget, Effort, Usage};

use crate::auth::Caller;
use crate::body::JsonBody;
use crate::chat::request::{ChatRequest, Stop, StreamOptions, ThinkingOptions, random_seed};
use crate::chat::response::{ApiUsage, finish_reason};
use crate::chat::{request_id, stream::events};
use crate::error::ApiError;
use crate::generate::{Ask, Piece};
use crate::start::{Running, start};
use crate::state::{AppState, now_ms};

/// The request of a completion. The prompt is put to the model as a user's message; without an effort it is
/// answered at once.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct CompletionRequest {
    /// One of `/v1/models`; without it, the server's first.
    pub model: Option<String>,
    /// The prompt, or a list with one prompt.
    pub prompt: Option<Stop>,
    /// Sampled tokens at most.
    #[schemars(range(min = 1))]
    pub max_tokens: Option<u64>,
    /// Softmax temperature, 0 to 2.
    #[schemars(range(min = 0.0, max = 2.0))]
    pub temperature: Option<f32>,
    /// Nucleus sampling.
    pub top_p: Option<f32>,
    /// Answers to give.
    #[schemars(range(min = 1, max = 16))]
    pub n: Option<u32>,
    /// Where to stop.
    pub stop: Option<Stop>,
    /// The same seed gives the same answer on a local model.
    pub seed: Option<i64>,
    /// Whether the prompt is repeated before the answer.
    pub echo: Option<bool>,
    /// Whether the answer comes as server-sent events.
    pub stream: Option<bool>,
    /// What the stream tells beside the answer.
    pub stream_options: Option<StreamOptions>,
    /// How hard to think.
    pub reasoning_effort: Option<Effort>,
    /// How long to think, and how.
    pub thinking: Option<ThinkingOptions>,
}

/// Tokens of an answer where nothing is said, as in OpenAI's API.
const DEFAULT_TOKENS: u64 = 16;

impl CompletionRequest {
    fn prompt(&self) -> Result<&str, ApiError> {
        match &self.prompt {
            Some(Stop::One(prompt)) => Ok(prompt),
            Some(Stop::Many(prompts)) if prompts.len() == 1 => Ok(&prompts[0]),
            _ => Err(ApiError::param("prompt", "prompt takes one text")),
        }
    }

    fn ask(&self, state: &AppState) -> Result<Ask, ApiError> {
        let thinking = self.thinking.clone().unwrap_or_default();
        let budget = thinking.budget()?;
        let sampling = ChatRequest {
            temperature: self.temperature,
            top_p: self.top_p,
            stop: self.stop.clone(),
            ..ChatRequest::default()
        };
        if self.max_tokens == Some(0) {
            return Err(ApiError::param("max_tokens", "max_tokens must be at least 1"));
        }
        Ok(Ask {
            model: state.model_index(self.model.as_deref())?,
            messages: vec![strawberry_core::Message::user(self.prompt()?)],
            shape: sampling.shape()?,
            effort: self
                .reasoning_effort
                .or((budget == Budget::default()).then_some(Effort::None)),
            budget,
            max_tokens: Some(self.max_tokens.unwrap_or(DEFAULT_TOKENS).min(1_000_000_000)),
            strategy: thinking.strategy()?,
            temperature: self.temperature,
            seed: self.seed.map_or_else(random_seed, |s| s as u64),
            record: true,
            ..Ask::default()
        })
    }
}

/// Answers a prompt.
pub async fn create(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    JsonBody(request): JsonBody<CompletionRequest>,
) -> Result<Response, ApiError> {
    let id = request_id(&headers, "cmpl-")?;
    let ask = request.ask(&state)?;
    let choices = ChatRequest {
        n: request.n,
        ..ChatRequest::default()
    }
    .choices(&state)?;
    let turn = state.queue.turn().await?;
    let mut running = start(&state, &caller.0, &id, &ask, choices, turn)?;
    running.begin().await?;
    let head = json!({"id": id, "object": "text_completion", "created": now_ms() / 1000,
        "model": state.models[ask.model].id});
    let echo = if request.echo == Some(true) {
        request.prompt()?.to_owned()
    } else {
        String::new()
    };
    if request.stream.unwrap_or(false) {
        let usage = request.stream_options.unwrap_or_default().include_usage;
        return Ok(stream(head, running, echo, choices, usage));
    }
    let mut texts = vec![(echo, Value::Null); choices as usize];
    let mut spent = Usage::default();
    while let Some((index, piece)) = running.next().await {
        let text = &mut texts[index as usize];
        match piece? {
            Piece::Done(done) => {
                text.0.push_str(&done.content);
                text.1 = finish_reason(&done).into();
                spent.add(&done.report.usage);
            }
            Piece::Search(_) | Piece::Reasoning(_) | Piece::Content(..) => {}
        }
    }
    let choice = |(i, (text, finish)): (usize, (String, Value))| json!({"index": i, "text": text, "logprobs": null, "finish_reason": finish});
    let mut answer = head;
    answer["choices"] = texts.into_iter().enumerate().map(choice).collect();
    answer["usage"] = json!(ApiUsage::from(spent));
    Ok(Json(answer).into_response())
}

fn stream(head: Value, running: Running, echo: String, choices: u32, usage: bool) -> Response {
    let chunk = move |index: u32, text: &str, finish: Value| {
        let mut chunk = head.clone();
        chunk["choices"] = json!([{"index": index, "text": text, "logprobs": null, "finish_reason": finish}]);
        chunk
    };
    let mut first = Vec::new();
    if !echo.is_empty() {
        first.extend((0..choices).map(|i| chunk(i, &echo, Value::Null)));
    }
    let state = (running, Usage::default(), false);
    let rest = stream::unfold(state, move |(mut running, mut spent, ended)| {
        let chunk = chunk.clone();
        async move {
            if ended {
                return None;
            }
            loop {
                let (chunks, over) = match running.next().await {
                    None => {
                        let mut last = Vec::new();
                        if usage {
                            let mut chunk = chunk(0, "", Value::Null);
                            chunk["choices"] = json!([]);
                            chunk["usage"] = json!(ApiUsage::from(spent));
                            last.push(chunk);
                        }
                        last.push("[DONE]".into());
                        (last, true)
                    }
                    Some((_, Err(error))) => (vec![json!(error.body())], true),
                    Some((index, Ok(Piece::Content(text, _)))) if !text.is_empty() => {
                        (vec![chunk(index, &text, Value::Null)], false)
                    }
                    Some((index, Ok(Piece::Done(done)))) => {
                        spent.add(&done.report.usage);
                        (vec![chunk(index, "", finish_reason(&done).into())], false)
                    }
                    Some(_) => continue,
                };
                return Some((chunks, (running, spent, over)));
            }
        }
    });
    let chunks = stream::StreamExt::chain(stream::once(std::future::ready(first)), rest);
    events(chunks).into_response()
}
