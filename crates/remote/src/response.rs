//! A chat completion response, in whatever pieces it comes, into what the model reports.
//!
//! Pure: bytes in, pieces out, so that it can be tested and fuzzed without a server. Lenient in what it
//! takes (fields missing, null or of another type are ignored; `reasoning_content`, `reasoning` and
//! leading `<think>` blocks are all thinking; a whole JSON completion in place of a stream), strict in
//! one thing: a response is complete only if it says why it ended.

use serde_json::Value;
use strawberry_core::{Channel, Finish, ModelEvent, ThinkSplitter, TokenLogprob, ToolCall, Usage};

use crate::sse::{MAX_EVENT_BYTES, SseParser};

/// The longest response that is not streamed, in bytes.
const MAX_DOCUMENT_BYTES: usize = 4 << 20;

/// Tool calls in one response at most.
const MAX_TOOL_CALLS: usize = 128;

/// Why a response could not be read.
#[derive(Clone, Debug, PartialEq)]
pub enum ReadError {
    /// It is not what the API describes; the message says what it is.
    Malformed(String),
    /// The server reported an error within the stream.
    Reported {
        /// The HTTP status the server names, if it names one.
        status: Option<u16>,
        /// Its message.
        message: String,
    },
}

/// What was counted while reading.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Tokens of thinking: log-probability entries where there are any, else streamed pieces.
    pub thinking: u64,
    /// Tokens of the answer, counted the same way.
    pub answer: u64,
}

/// Reads one response.
#[derive(Debug)]
pub struct ResponseReader {
    sse: SseParser,
    /// The bytes of a response that is one JSON document; `None` for an event stream.
    document: Option<Vec<u8>>,
    splitter: ThinkSplitter,
    channel: Channel,
    tool_calls: Vec<ToolCall>,
    finish: Option<Finish>,
    done: bool,
    usage: Option<Value>,
    counts: Counts,
    /// Tokens counted whose channel is not known yet.
    undecided: u64,
    /// Whether every token counted has a log-probability, so that the counts are exact.
    counts_exact: bool,
}

impl ResponseReader {
    /// For an event stream (`Content-Type: text/event-stream`) or, when not `streamed`, one JSON document.
    pub fn new(streamed: bool) -> Self {
        ResponseReader {
            sse: SseParser::new(),
            document: (!streamed).then(Vec::new),
            splitter: ThinkSplitter::new(),
            channel: Channel::Answer,
            tool_calls: Vec::new(),
            finish: None,
            done: false,
            usage: None,
            counts: Counts::default(),
            undecided: 0,
            counts_exact: true,
        }
    }

    /// Takes the next bytes and adds the text they complete to `out`, as [`ModelEvent::Text`]; after an
    /// error, `out` has what came before it.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<ModelEvent>) -> Result<(), ReadError> {
        let too_long = |limit| ReadError::Malformed(format!("a piece longer than {limit} bytes"));
        if let Some(document) = &mut self.document {
            if document.len() + bytes.len() > MAX_DOCUMENT_BYTES {
                return Err(too_long(MAX_DOCUMENT_BYTES));
            }
            document.extend_from_slice(bytes);
            return Ok(());
        }
        for event in self.sse.push(bytes).map_err(|_| too_long(MAX_EVENT_BYTES))? {
            self.event(&event, out)?;
        }
        Ok(())
    }

    /// The end of the response: adds what was held back to `out`.
    pub fn end(&mut self, out: &mut Vec<ModelEvent>) -> Result<(), ReadError> {
        let last = match self.document.take() {
            Some(document) => Some(String::from_utf8_lossy(&document).into_owned()),
            None => self.sse.finish(),
        };
        let result = last.map_or(Ok(()), |event| self.event(&event, out));
        for (channel, text) in self.splitter.finish() {
            out.push(text_event(channel, text, 0));
        }
        result
    }

    /// Whether the server said `[DONE]`: nothing more is to come.
    pub fn is_done(&self) -> bool {
        self.done
    }

    /// Why the response ended; `None` while it has not, or when the connection was cut.
    pub fn finish(&self) -> Option<Finish> {
        self.finish
    }

    /// The channel that the last text belongs to.
    pub fn channel(&self) -> Channel {
        self.channel
    }

    /// What was counted so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// The tools the model wants called, complete once [`ResponseReader::finish`] is known.
    pub fn take_tool_calls(&mut self) -> Vec<ToolCall> {
        let mut calls = std::mem::take(&mut self.tool_calls);
        for (i, call) in calls.iter_mut().enumerate() {
            if call.id.is_empty() {
                call.id = format!("call_{i}");
            }
        }
        calls
    }

    /// What the response cost: the server's numbers, or else what was counted, marked as `estimated`.
    pub fn usage(&self) -> Usage {
        let counted = self.counts.thinking + self.counts.answer + self.undecided;
        let number = |pointer: &str| self.usage.as_ref().and_then(|u| u.pointer(pointer)?.as_u64());
        let prompt = number("/prompt_tokens");
        let completion = number("/completion_tokens");
        let reasoning = number("/completion_tokens_details/reasoning_tokens").filter(|&n| n > 0);
        let exact = self.counts_exact || completion == Some(counted);
        let completion_tokens = completion.unwrap_or(counted);
        let prompt_tokens = prompt.unwrap_or(0);
        let cached = number("/prompt_tokens_details/cached_tokens").unwrap_or(0);
        Usage {
            prompt_tokens,
            prompt_evaluated: prompt_tokens.saturating_sub(cached),
            reasoning_tokens: reasoning.unwrap_or(self.counts.thinking).min(completion_tokens),
            completion_tokens,
            samples: 1,
            estimated: prompt.is_none()
                || (completion.is_none() && !exact)
                || (reasoning.is_none() && self.counts.thinking > 0 && !exact),
            ..Usage::default()
        }
    }

    fn event(&mut self, data: &str, out: &mut Vec<ModelEvent>) -> Result<(), ReadError> {
        let data = data.trim();
        if data.is_empty() || self.done {
            return Ok(());
        }
        if data == "[DONE]" {
            self.done = true;
            return Ok(());
        }
        let chunk: Value = serde_json::from_str(data)
            .map_err(|e| ReadError::Malformed(format!("'{}', which is not JSON ({e})", excerpt(data))))?;
        if let Some(message) = error_message(&chunk) {
            let status = ["/error/code", "/error/status", "/code", "/status"]
                .iter()
                .find_map(|p| chunk.pointer(p)?.as_u64())
                .and_then(|n| u16::try_from(n).ok());
            return Err(ReadError::Reported { status, message });
        }
        if !chunk.is_object() {
            let shown = excerpt(data);
            return Err(ReadError::Malformed(format!("'{shown}', which is no completion")));
        }
        if let Some(usage) = chunk.get("usage").filter(|u| u.is_object()) {
            self.usage = Some(usage.clone());
        }
        let Some(choice) = chunk.pointer("/choices/0") else {
            return Ok(());
        };
        if let Some(delta) = choice.get("delta").or_else(|| choice.get("message")) {
            self.delta(delta, choice.pointer("/logprobs/content"), out);
        }
        if let Some(reason) = choice.get("finish_reason").and_then(Value::as_str) {
            self.finish = Some(match reason {
                "length" | "max_tokens" => Finish::Length,
                "tool_calls" | "function_call" => Finish::ToolCalls,
                "content_filter" | "error" => Finish::Failed,
                _ => Finish::Stop,
            });
        }
        Ok(())
    }

    fn delta(&mut self, delta: &Value, logprobs: Option<&Value>, out: &mut Vec<ModelEvent>) {
        let text = |name: &str| delta.get(name).and_then(Value::as_str).filter(|t| !t.is_empty());
        let thinking = text("reasoning_content").or_else(|| text("reasoning"));
        let content = text("content").or_else(|| text("refusal"));
        let (logprobs, alternatives) = read_logprobs(logprobs);
        if let Some(calls) = delta.get("tool_calls").and_then(Value::as_array) {
            self.tool_call_deltas(calls);
        } else if thinking.is_none() && content.is_none() && logprobs.is_empty() {
            return;
        }
        let from = out.len();
        if let Some(thinking) = thinking {
            out.push(text_event(Channel::Thinking, thinking.to_owned(), 0));
        }
        for (channel, text) in content.map(|c| self.splitter.push(c)).unwrap_or_default() {
            out.push(text_event(channel, text, 0));
        }
        let held = out.len() == from;
        if held {
            // The text of a tool call, or one that may turn out to be a tag: still a token.
            out.push(text_event(self.channel, String::new(), 0));
        } else if let Some(ModelEvent::Text { channel, .. }) = out.last() {
            self.channel = *channel;
        }
        self.counts_exact &= !logprobs.is_empty();
        let count = u32::try_from(logprobs.len().max(1)).unwrap_or(u32::MAX);
        if let ModelEvent::Text {
            channel,
            tokens,
            logprobs: l,
            alternatives: a,
            ..
        } = &mut out[from]
        {
            *tokens = count;
            *l = logprobs;
            *a = alternatives;
            // A tag that opens a thought is part of it, which is known only once the thought begins.
            self.undecided += u64::from(count);
            match channel {
                Channel::Thinking => self.counts.thinking += std::mem::take(&mut self.undecided),
                Channel::Answer if held => {}
                Channel::Answer => self.counts.answer += std::mem::take(&mut self.undecided),
            }
        }
    }

    fn tool_call_deltas(&mut self, deltas: &[Value]) {
        for (position, delta) in deltas.iter().enumerate() {
            let index = delta
                .get("index")
                .and_then(Value::as_u64)
                .and_then(|i| usize::try_from(i).ok())
                .unwrap_or(position);
            if index >= MAX_TOOL_CALLS {
                continue;
            }
            while self.tool_calls.len() <= index {
                self.tool_calls.push(ToolCall {
                    id: String::new(),
                    name: String::new(),
                    arguments: String::new(),
                });
            }
            let call = &mut self.tool_calls[index];
            let text = |pointer: &str| delta.pointer(pointer).and_then(Value::as_str).unwrap_or("");
            if call.id.is_empty() {
                call.id = text("/id").to_owned();
            }
            if call.name.is_empty() {
                call.name = text("/function/name").to_owned();
            }
            call.arguments.push_str(text("/function/arguments"));
        }
    }
}

fn text_event(channel: Channel, text: String, tokens: u32) -> ModelEvent {
    ModelEvent::Text {
        channel,
        text,
        tokens,
        logprobs: Vec::new(),
        alternatives: Vec::new(),
    }
}

/// The log-probabilities of a chunk's tokens, and the alternatives to each. Entries without a number are left out.
fn read_logprobs(content: Option<&Value>) -> (Vec<TokenLogprob>, Vec<Vec<TokenLogprob>>) {
    let one = |v: &Value| {
        Some(TokenLogprob {
            token: v.get("token").and_then(Value::as_str).unwrap_or("").to_owned(),
            logprob: v.get("logprob")?.as_f64()? as f32,
        })
    };
    let list = |v: Option<&Value>| v.and_then(Value::as_array).cloned().unwrap_or_default();
    list(content)
        .iter()
        .filter_map(|v| {
            let top = list(v.get("top_logprobs"));
            Some((one(v)?, top.iter().filter_map(one).collect()))
        })
        .unzip()
}

/// The message of an error body, in any of the shapes servers use; `None` when it is no error.
pub(crate) fn error_message(body: &Value) -> Option<String> {
    let text = |v: &Value| match v {
        Value::Null => None,
        Value::String(s) => Some(s.clone()),
        other => Some(other.to_string()),
    };
    if let Some(error) = body.get("error").filter(|e| !e.is_null()) {
        return error.get("message").and_then(text).or_else(|| text(error));
    }
    if let Some(detail) = body.get("detail") {
        return text(detail);
    }
    (body.get("object").and_then(Value::as_str) == Some("error"))
        .then(|| body.get("message").and_then(text).unwrap_or_default())
}

/// The beginning of a text, on one line, for messages.
pub(crate) fn excerpt(text: &str) -> String {
    let line: String = text
        .chars()
        .take(200)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if text.chars().nth(200).is_some() {
        format!("{line}…")
    } else {
        line
    }
}

#[cfg(test)]
#[path = "response_tests.rs"]
mod tests;
