//! The request of a response, and its input in Strawberry's terms.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use strawberry_core::{Effort, Message, Role, ToolCall};

use crate::chat::request::{ChatRequest, ThinkingOptions, schema, tool_choice};
use crate::chat::{Content, random_seed};
use crate::error::ApiError;
use crate::generate::Ask;
use crate::state::AppState;
use crate::tools;

/// The request of a response. Fields that are not listed are ignored.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ResponseRequest {
    /// One of `/v1/models`; without it, the server's first.
    pub model: Option<String>,
    /// A question, or a list of items: messages, tool calls and their results, earlier thinking.
    pub input: Option<Input>,
    /// Standing instructions. They are not taken over from an earlier response.
    pub instructions: Option<String>,
    /// The response that this one goes on from.
    pub previous_response_id: Option<String>,
    /// Whether the answer comes as server-sent events while it is made.
    pub stream: Option<bool>,
    /// Whether to answer at once with a job that is worked on in the background.
    pub background: Option<bool>,
    /// `false`: the response is not kept, and its run not recorded.
    pub store: Option<bool>,
    /// How hard to think.
    pub reasoning: Option<ReasoningOptions>,
    /// How long to think, and how.
    pub thinking: Option<ThinkingOptions>,
    /// Sampled tokens at most, thinking included.
    #[schemars(range(min = 1))]
    pub max_output_tokens: Option<u64>,
    /// Softmax temperature, 0 to 2.
    #[schemars(range(min = 0.0, max = 2.0))]
    pub temperature: Option<f32>,
    /// Nucleus sampling.
    pub top_p: Option<f32>,
    /// The same seed gives the same answer on a local model.
    pub seed: Option<i64>,
    /// What the answer must be.
    pub text: Option<TextOptions>,
    /// Functions the model may call.
    pub tools: Option<Vec<Value>>,
    /// `auto`, `none`, `required`, or `{"type": "function", "name": …}`.
    pub tool_choice: Option<Value>,
    /// Whether several calls may be made at once.
    pub parallel_tool_calls: Option<bool>,
    /// Up to 16 texts that are kept with the response.
    pub metadata: Option<Map<String, Value>>,
}

/// What a response is made from.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "a text or a list of items")]
pub enum Input {
    /// A question.
    Text(String),
    /// Items.
    Items(Vec<Item>),
}

/// An item: a message (`role`, `content`), a `function_call`, a `function_call_output`, or `reasoning`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Item {
    /// Its type; without it, `message`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Its id, where it came from a response.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Who speaks (message): user, assistant, system or developer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// The text (message, reasoning).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<Content>,
    /// Which call it is or answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call_id: Option<String>,
    /// The function's name (function_call).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The arguments as JSON text (function_call).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arguments: Option<String>,
    /// The result (function_call_output).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<Content>,
}

/// How hard to think.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ReasoningOptions {
    /// none, minimal, low, medium, high, xhigh or max.
    pub effort: Option<Effort>,
    /// `auto`, `concise` or `detailed`: the reasoning item gets a summary of the search.
    pub summary: Option<String>,
}

/// What the answer must be.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct TextOptions {
    /// The format.
    pub format: Option<TextFormat>,
}

/// A format of text.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct TextFormat {
    /// `text`, `json_object` or `json_schema`.
    #[serde(rename = "type")]
    pub kind: String,
    /// A name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The schema, for `json_schema`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<Value>,
    /// Accepted; the schema always holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strict: Option<bool>,
}

impl Input {
    /// As items.
    pub fn items(&self) -> Vec<Item> {
        match self {
            Input::Items(items) => items.clone(),
            Input::Text(text) => vec![Item {
                kind: Some("message".to_owned()),
                role: Some("user".to_owned()),
                content: Some(Content::Text(text.clone())),
                ..Item::default()
            }],
        }
    }
}

/// Items as messages. Thinking and tool calls join the assistant's message they belong to.
///
/// # Errors
/// An item of an unknown type, or one that says too little.
pub fn messages(items: &[Item]) -> Result<Vec<Message>, ApiError> {
    let mut out: Vec<Message> = Vec::new();
    let mut thinking: Option<String> = None;
    for (i, item) in items.iter().enumerate() {
        let place = format!("input[{i}]");
        let need = |value: &Option<String>, field: &str| {
            value.clone().ok_or_else(|| {
                ApiError::param(&format!("{place}.{field}"), format!("{place}.{field} is missing"))
            })
        };
        let text = |content: &Option<Content>, field: &str| {
            let place = format!("{place}.{field}");
            match content {
                Some(content) => content.text(&place),
                None => Err(ApiError::param(&place, format!("{place} is missing"))),
            }
        };
        match item.kind.as_deref().unwrap_or("message") {
            "message" => {
                let role = match need(&item.role, "role")?.as_str() {
                    "user" => Role::User,
                    "assistant" => Role::Assistant,
                    "system" | "developer" => Role::System,
                    _ => {
                        return Err(ApiError::param(
                            &format!("{place}.role"),
                            format!("{place}.role takes user, assistant, system or developer"),
                        ));
                    }
                };
                let mut message = Message::new(role, text(&item.content, "content")?);
                if role == Role::Assistant {
                    message.thinking = thinking.take();
                }
                out.push(message);
            }
            "reasoning" => {
                if let Some(content) = &item.content {
                    thinking = Some(content.text(&format!("{place}.content"))?).filter(|t| !t.is_empty());
                }
            }
            "function_call" => {
                let call = ToolCall {
                    id: need(&item.call_id, "call_id")?,
                    name: need(&item.name, "name")?,
                    arguments: need(&item.arguments, "arguments")?,
                };
                if out.last().is_none_or(|m| m.role != Role::Assistant) {
                    out.push(Message {
                        thinking: thinking.take(),
                        ..Message::assistant("")
                    });
                }
                if let Some(last) = out.last_mut() {
                    last.tool_calls.push(call);
                }
            }
            "function_call_output" => out.push(Message {
                tool_call_id: Some(need(&item.call_id, "call_id")?),
                ..Message::new(Role::Tool, text(&item.output, "output")?)
            }),
            other => {
                let other: String = other.chars().take(40).collect();
                return Err(ApiError::param(
                    &place,
                    format!("{place}: items of type '{other}' are not supported"),
                ));
            }
        }
    }
    Ok(out)
}

impl ResponseRequest {
    /// The input as items.
    ///
    /// # Errors
    /// There is none.
    pub fn items(&self) -> Result<Vec<Item>, ApiError> {
        let items = self.input.as_ref().map(Input::items).unwrap_or_default();
        if items.is_empty() {
            return Err(ApiError::param(
                "input",
                "input is missing: give a text or a list of items",
            ));
        }
        Ok(items)
    }

    /// Fixes what would otherwise be drawn anew each time the request is carried out.
    pub fn settle(&mut self) {
        self.seed.get_or_insert_with(|| random_seed() as i64);
    }

    /// The request in Strawberry's own terms; `earlier` are the items of the responses before it.
    ///
    /// # Errors
    /// 400 with the field that is wrong.
    pub fn ask(&self, state: &AppState, earlier: Vec<Item>) -> Result<Ask, ApiError> {
        let mut items = earlier;
        items.extend(self.items()?);
        if items.len() > state.settings.limits.messages {
            return Err(ApiError::param(
                "input",
                "the conversation has too many items: begin a new one",
            ));
        }
        let mut messages = messages(&items)?;
        if let Some(instructions) = self.instructions.as_ref().filter(|t| !t.is_empty()) {
            messages.insert(0, Message::system(instructions));
        }
        let most_metadata = self.metadata.as_ref().is_some_and(|m| m.len() > 16);
        if most_metadata {
            return Err(ApiError::param("metadata", "metadata takes up to 16 entries"));
        }
        let tools = self.tools.clone().unwrap_or_default();
        for (i, tool) in tools.iter().enumerate() {
            tools::check(tool, i)?;
        }
        let format = self.text.as_ref().and_then(|t| t.format.as_ref());
        let schema = match format {
            None => None,
            Some(format) => schema(&format.kind, format.schema.as_ref(), "text.format")?,
        };
        if self.max_output_tokens == Some(0) {
            return Err(ApiError::param(
                "max_output_tokens",
                "max_output_tokens must be at least 1",
            ));
        }
        let thinking = self.thinking.clone().unwrap_or_default();
        let sampling = ChatRequest {
            temperature: self.temperature,
            top_p: self.top_p,
            ..ChatRequest::default()
        };
        Ok(Ask {
            model: state.model_index(self.model.as_deref())?,
            messages,
            tools,
            choice: tool_choice(self.tool_choice.as_ref())?,
            single_call: self.parallel_tool_calls == Some(false),
            schema,
            shape: sampling.shape()?,
            effort: self.reasoning.as_ref().and_then(|r| r.effort),
            budget: thinking.budget()?,
            max_tokens: self.max_output_tokens.map(|n| n.min(1_000_000_000)),
            strategy: thinking.strategy()?,
            temperature: self.temperature,
            seed: self.seed.map_or_else(random_seed, |s| s as u64),
            record: self.store.unwrap_or(true),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn items_become_messages_with_their_thinking_and_calls() {
        let items: Vec<Item> = serde_json::from_value(json!([
            {"role": "user", "content": [{"type": "input_text", "text": "hi"}]},
            {"type": "reasoning", "id": "rs", "summary": [], "content": [{"type": "reasoning_text", "text": "hm"}]},
            {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c", "output": "7"},
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "seven"}]},
        ]))
        .unwrap();
        let messages = messages(&items).unwrap();
        assert_eq!(messages.len(), 4);
        assert_eq!(messages[1].thinking.as_deref(), Some("hm"));
        assert_eq!(messages[1].tool_calls[0].name, "f");
        assert_eq!(
            (messages[2].role, messages[2].content.as_str()),
            (Role::Tool, "7")
        );
        let bad = [Item {
            kind: Some("computer_call".into()),
            ..Item::default()
        }];
        assert!(super::messages(&bad).is_err());
    }
}
