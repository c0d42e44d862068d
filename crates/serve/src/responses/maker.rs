//! Makes a response from pieces: the items, and the events that tell of them.

use serde_json::{Value, json};
use strawberry_core::Finish;

use super::object::ResponseObject;
use crate::chat::response::{Logprobs, Search};
use crate::error::ApiError;
use crate::generate::{Finished, Piece};
use crate::shape::Scored;
use crate::state::new_id;

/// A response in the making.
pub struct Maker {
    /// The response so far.
    pub response: ResponseObject,
    sequence: u64,
    open: Open,
    summarise: bool,
}

/// The item that is being made.
enum Open {
    None,
    Reasoning { id: String, text: String },
    Message { id: String, text: String },
}

impl Maker {
    /// Makes `response`; with `summarise`, its reasoning gets a summary.
    pub fn new(response: ResponseObject, summarise: bool) -> Self {
        Maker {
            response,
            sequence: 0,
            open: Open::None,
            summarise,
        }
    }

    fn event(&mut self, kind: &str, mut fields: Value) -> Value {
        fields["type"] = kind.into();
        fields["sequence_number"] = self.sequence.into();
        self.sequence += 1;
        fields
    }

    fn with_response(&mut self, kind: &str) -> Value {
        let response = json!(self.response);
        self.event(kind, json!({"response": response}))
    }

    /// The events a stream begins with.
    pub fn begin(&mut self) -> Vec<Value> {
        vec![
            self.with_response("response.created"),
            self.with_response("response.in_progress"),
        ]
    }

    /// Takes a piece; returns the events it makes.
    pub fn take(&mut self, piece: Piece) -> Vec<Value> {
        match piece {
            Piece::Search(_) => Vec::new(),
            Piece::Reasoning(text) => self.reasoning(&text),
            Piece::Content(text, _) if text.is_empty() => Vec::new(),
            Piece::Content(text, logprobs) => self.content(&text, &logprobs),
            Piece::Done(done) => self.done(&done),
        }
    }

    /// The response failed.
    pub fn fail(&mut self, error: &ApiError) -> Vec<Value> {
        let code = error
            .error
            .code
            .clone()
            .unwrap_or_else(|| error.error.kind.clone());
        self.response.error = Some(json!({"code": code, "message": error.error.message}));
        self.response.end("failed");
        vec![self.with_response("response.failed")]
    }

    fn index(&self) -> usize {
        self.response.output.len()
    }

    fn added(&mut self, item: &Value) -> Value {
        let index = self.index();
        self.event(
            "response.output_item.added",
            json!({"output_index": index, "item": item}),
        )
    }

    /// Keeps a whole item and tells of it.
    fn whole(&mut self, item: Value) -> Value {
        let index = self.index();
        self.response.output.push(item.clone());
        self.event(
            "response.output_item.done",
            json!({"output_index": index, "item": item}),
        )
    }

    fn reasoning(&mut self, delta: &str) -> Vec<Value> {
        let mut events = Vec::new();
        if !matches!(self.open, Open::Reasoning { .. }) {
            events.extend(self.close(None));
            let id = new_id("rs_");
            let item =
                json!({"id": id, "type": "reasoning", "status": "in_progress", "summary": [], "content": []});
            events.push(self.added(&item));
            self.open = Open::Reasoning {
                id,
                text: String::new(),
            };
        }
        let index = self.index();
        if let Open::Reasoning { id, text } = &mut self.open {
            text.push_str(delta);
            let fields =
                json!({"item_id": id.clone(), "output_index": index, "content_index": 0, "delta": delta});
            events.push(self.event("response.reasoning_text.delta", fields));
        }
        events
    }

    fn content(&mut self, delta: &str, logprobs: &[Scored]) -> Vec<Value> {
        let mut events = Vec::new();
        if !matches!(self.open, Open::Message { .. }) {
            events.extend(self.close(None));
            let id = new_id("msg_");
            let item = json!({"id": id, "type": "message", "role": "assistant", "status": "in_progress", "content": []});
            events.push(self.added(&item));
            let index = self.index();
            let part = json!({"type": "output_text", "text": "", "annotations": [], "logprobs": []});
            let fields = json!({"item_id": id, "output_index": index, "content_index": 0, "part": part});
            events.push(self.event("response.content_part.added", fields));
            self.open = Open::Message {
                id,
                text: String::new(),
            };
        }
        let index = self.index();
        if let Open::Message { id, text } = &mut self.open {
            text.push_str(delta);
            let logprobs = Logprobs::new(logprobs).content;
            let fields = json!({"item_id": id.clone(), "output_index": index, "content_index": 0, "delta": delta,
                "logprobs": logprobs});
            events.push(self.event("response.output_text.delta", fields));
        }
        events
    }

    /// Ends the item that is being made. `done` is the finished run, when it is known.
    fn close(&mut self, done: Option<&Finished>) -> Vec<Value> {
        let index = self.index();
        match std::mem::replace(&mut self.open, Open::None) {
            Open::None => Vec::new(),
            Open::Reasoning { id, text } => {
                let mut events = Vec::new();
                let fields = json!({"item_id": id, "output_index": index, "content_index": 0, "text": text});
                events.push(self.event("response.reasoning_text.done", fields));
                let item = json!({"id": id, "type": "reasoning", "status": "completed", "summary": [],
                    "content": [{"type": "reasoning_text", "text": text}]});
                events.push(self.whole(item));
                events
            }
            Open::Message { id, text } => {
                // The end of a text may be white space, which the whole answer does without.
                let text = done.map_or(text, |d| d.content.clone());
                let status = if done.is_some_and(|d| d.report.chosen().finish == Finish::Length) {
                    "incomplete"
                } else {
                    "completed"
                };
                let place = json!({"item_id": id, "output_index": index, "content_index": 0});
                let part = json!({"type": "output_text", "text": text, "annotations": [], "logprobs": []});
                let mut fields = place.clone();
                fields["text"] = text.into();
                fields["logprobs"] = json!([]);
                let mut events = vec![self.event("response.output_text.done", fields)];
                let mut fields = place;
                fields["part"] = part.clone();
                events.push(self.event("response.content_part.done", fields));
                let item = json!({"id": id, "type": "message", "role": "assistant", "status": status,
                    "content": [part]});
                events.push(self.whole(item));
                events
            }
        }
    }

    fn done(&mut self, done: &Finished) -> Vec<Value> {
        let mut events = self.close(Some(done));
        if self.summarise {
            events.extend(self.summary(done));
        }
        for call in &done.calls {
            let id = new_id("fc_");
            let item = |arguments: &str, status: &str| {
                json!({"id": id, "type": "function_call", "call_id": call.id, "name": call.name,
                    "arguments": arguments, "status": status})
            };
            events.push(self.added(&item("", "in_progress")));
            let index = self.index();
            let place = json!({"item_id": id, "output_index": index});
            let mut fields = place.clone();
            fields["delta"] = call.arguments.clone().into();
            events.push(self.event("response.function_call_arguments.delta", fields));
            let mut fields = place;
            fields["arguments"] = call.arguments.clone().into();
            fields["name"] = call.name.clone().into();
            events.push(self.event("response.function_call_arguments.done", fields));
            events.push(self.whole(item(&call.arguments, "completed")));
        }
        self.response.usage = Some(done.report.usage.into());
        self.response.search = Some(Search::new(&done.report));
        if done.report.chosen().finish == Finish::Length {
            self.response.incomplete_details = Some(json!({"reason": "max_output_tokens"}));
            self.response.end("incomplete");
            events.push(self.with_response("response.incomplete"));
        } else {
            self.response.end("completed");
            events.push(self.with_response("response.completed"));
        }
        events
    }

    /// Puts a summary of the search into the reasoning item, if there is one.
    fn summary(&mut self, done: &Finished) -> Vec<Value> {
        let text = summary(done);
        let output = self.response.output.iter_mut().enumerate();
        let Some((index, item)) = output.rev().find(|(_, i)| i["type"] == "reasoning") else {
            return Vec::new();
        };
        let part = json!({"type": "summary_text", "text": text});
        item["summary"] = json!([part]);
        let place = json!({"item_id": item["id"], "output_index": index, "summary_index": 0});
        let with = |field: &str, value: Value| {
            let mut fields = place.clone();
            fields[field] = value;
            fields
        };
        vec![
            self.event(
                "response.reasoning_summary_part.added",
                with("part", json!({"type": "summary_text", "text": ""})),
            ),
            self.event(
                "response.reasoning_summary_text.delta",
                with("delta", text.clone().into()),
            ),
            self.event("response.reasoning_summary_text.done", with("text", text.into())),
            self.event("response.reasoning_summary_part.done", with("part", part)),
        ]
    }
}

/// The search in a few lines.
fn summary(done: &Finished) -> String {
    let report = &done.report;
    let mut lines = vec![format!(
        "{} attempts by {}, {} tokens in {:.1} s.",
        report.attempts.len(),
        report.strategy,
        report.usage.completion_tokens,
        report.wall_ms as f64 / 1000.0
    )];
    for vote in report.selection.votes.iter().take(5) {
        lines.push(format!(
            "- {}: {} of {} attempts",
            vote.answer.text,
            vote.votes,
            report.attempts.len()
        ));
    }
    lines.join("\n")
}
