//! The answer of a chat completion as server-sent events.

use std::convert::Infallible;
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::stream;
use serde_json::{Value, json};
use strawberry_core::{Answer, Usage, Vote};
use strawberry_think::ThinkEvent;

use super::messages::ChatToolCall;
use super::request::StreamOptions;
use super::response::{ApiUsage, Head, Logprobs, Search, finish_reason};
use crate::error::ApiError;
use crate::generate::Piece;
use crate::start::{ChoicePiece, Running};

/// A comment is sent after this silence, so that nothing between server and client gives up.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Streams the choices.
///
/// # Errors
/// Something went wrong before anything was sampled.
pub async fn respond(
    head: Head,
    mut running: Running,
    choices: u32,
    options: StreamOptions,
) -> Result<Response, ApiError> {
    running.begin().await?;
    let writer = Writer {
        head,
        options,
        spent: Usage::default(),
    };
    let mut first = Vec::new();
    for index in 0..choices {
        first.push(writer.delta(index, json!({"role": "assistant", "content": ""})));
    }
    let state = (running, writer, false);
    let rest = stream::unfold(state, |(mut running, mut writer, ended)| async move {
        if ended {
            return None;
        }
        loop {
            let Some(piece) = running.next().await else {
                let last = writer.end();
                return Some((last, (running, writer, true)));
            };
            let failed = piece.1.is_err();
            let chunks = writer.take(piece);
            if failed || !chunks.is_empty() {
                return Some((chunks, (running, writer, failed)));
            }
        }
    });
    let chunks = stream::StreamExt::chain(stream::once(std::future::ready(first)), rest);
    Ok(events(chunks).into_response())
}

/// Chunks as server-sent events.
pub fn events(
    chunks: impl stream::Stream<Item = Vec<Value>> + Send + 'static,
) -> Sse<impl stream::Stream<Item = Result<Event, Infallible>>> {
    let events = stream::StreamExt::flat_map(chunks, |chunks| {
        stream::iter(chunks.into_iter().map(|chunk| {
            Ok(Event::default().data(match chunk {
                Value::String(text) => text,
                other => other.to_string(),
            }))
        }))
    });
    Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
}

struct Writer {
    head: Head,
    options: StreamOptions,
    spent: Usage,
}

impl Writer {
    fn chunk(&self, choices: Value) -> Value {
        let mut chunk = json!({
            "id": self.head.id,
            "object": "chat.completion.chunk",
            "created": self.head.created,
            "model": self.head.model,
            "choices": choices,
        });
        if self.options.include_usage {
            chunk["usage"] = Value::Null;
        }
        chunk
    }

    fn delta(&self, index: u32, delta: Value) -> Value {
        self.chunk(json!([{"index": index, "delta": delta, "logprobs": null, "finish_reason": null}]))
    }

    fn take(&mut self, (index, piece): ChoicePiece) -> Vec<Value> {
        let done = match piece {
            Err(error) => return vec![json!(error.body())],
            Ok(Piece::Reasoning(text)) => {
                return vec![self.delta(index, json!({"reasoning_content": text, "reasoning": text}))];
            }
            Ok(Piece::Content(text, logprobs)) if text.is_empty() && logprobs.is_empty() => {
                return Vec::new();
            }
            Ok(Piece::Content(text, logprobs)) => {
                let mut chunk = self.delta(index, json!({"content": text}));
                if !logprobs.is_empty() {
                    chunk["choices"][0]["logprobs"] = json!(Logprobs::new(&logprobs));
                }
                return vec![chunk];
            }
            Ok(Piece::Search(event)) if self.options.include_search => {
                let mut chunk = self.delta(index, json!({}));
                chunk["choices"][0]["search"] = search_event(&event);
                return vec![chunk];
            }
            Ok(Piece::Search(_)) => return Vec::new(),
            Ok(Piece::Done(done)) => done,
        };
        let mut chunks = Vec::new();
        for (i, call) in done.calls.iter().enumerate() {
            let call = ChatToolCall::from(call.clone());
            let named = json!({"index": i, "id": call.id, "type": "function",
                "function": {"name": call.function.name, "arguments": ""}});
            chunks.push(self.delta(index, json!({"tool_calls": [named]})));
            let arguments = json!({"index": i, "function": {"arguments": call.function.arguments}});
            chunks.push(self.delta(index, json!({"tool_calls": [arguments]})));
        }
        self.spent.add(&done.report.usage);
        let mut last = self.delta(index, json!({}));
        last["choices"][0]["finish_reason"] = finish_reason(&done).into();
        last["choices"][0]["search"] = json!(Search::new(&done.report));
        chunks.push(last);
        chunks
    }

    fn end(&self) -> Vec<Value> {
        let mut chunks = Vec::new();
        if self.options.include_usage {
            let mut chunk = self.chunk(json!([]));
            chunk["usage"] = json!(ApiUsage::from(self.spent));
            chunks.push(chunk);
        }
        chunks.push("[DONE]".into());
        chunks
    }
}

/// An event of the search, for clients that draw it.
fn search_event(event: &ThinkEvent) -> Value {
    match event {
        ThinkEvent::Started { trial } => json!({"event": "started", "trial": trial}),
        ThinkEvent::Text {
            trial,
            channel,
            text,
            tokens,
        } => json!({"event": "text", "trial": trial, "channel": channel, "text": text, "tokens": tokens}),
        ThinkEvent::Ended { attempt } => json!({
            "event": "ended",
            "trial": attempt.trial,
            "answer": attempt.answer.as_ref().map(|a: &Answer| &a.text),
            "tokens": attempt.usage.completion_tokens,
            "logprob": attempt.logprob,
            "finish": attempt.finish,
            "verdict": attempt.judgement.as_ref().map(|j| j.verdict),
        }),
        ThinkEvent::Failed { trial, error } => json!({"event": "failed", "trial": trial, "error": error}),
        ThinkEvent::Votes(votes) => {
            let votes: &Vec<Vote> = votes;
            json!({"event": "votes", "votes": votes})
        }
    }
}
