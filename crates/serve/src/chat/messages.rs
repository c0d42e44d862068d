//! Messages as clients send them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strawberry_core::{Message, Role, ToolCall};

use crate::error::ApiError;

/// One message of a conversation.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct ChatMessage {
    /// Who speaks.
    pub role: ChatRole,
    /// The text.
    #[serde(default)]
    pub content: Option<Content>,
    /// Earlier thinking, as this server sent it.
    #[serde(default)]
    pub reasoning_content: Option<String>,
    /// The same under its other name.
    #[serde(default)]
    pub reasoning: Option<String>,
    /// Tools the assistant wanted called.
    #[serde(default)]
    pub tool_calls: Option<Vec<ChatToolCall>>,
    /// Which call a tool message answers.
    #[serde(default)]
    pub tool_call_id: Option<String>,
}

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ChatRole {
    /// Standing instructions.
    System,
    /// The same.
    Developer,
    /// The person who asks.
    User,
    /// The model.
    Assistant,
    /// The result of a tool call.
    Tool,
}

/// The text of a message: as it is, or in parts.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(
    untagged,
    expecting = "a text, or a list of parts {\"type\": \"text\", \"text\": …}"
)]
pub enum Content {
    /// As it is.
    Text(String),
    /// In parts.
    Parts(Vec<Part>),
}

/// A part of a message.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Part {
    /// `text`, or one of the Responses API's names for it; images, sound and files are not supported.
    #[serde(rename = "type")]
    pub kind: String,
    /// The text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Why the model refused, in an earlier answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<String>,
}

/// A call of a tool.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct ChatToolCall {
    /// Identifies the call.
    pub id: String,
    /// `function`.
    #[serde(rename = "type", default = "function")]
    pub kind: String,
    /// Which function, with which arguments.
    pub function: FunctionCall,
}

fn function() -> String {
    "function".to_owned()
}

/// Which function is called, with which arguments.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct FunctionCall {
    /// Its name.
    pub name: String,
    /// The arguments as JSON text.
    pub arguments: String,
}

impl Content {
    /// The text; `place` says where it stands in the request.
    ///
    /// # Errors
    /// It holds something that is no text.
    pub fn text(&self, place: &str) -> Result<String, ApiError> {
        let parts = match self {
            Content::Text(text) => return Ok(text.clone()),
            Content::Parts(parts) => parts,
        };
        let texts: Result<Vec<&str>, ApiError> = parts
            .iter()
            .enumerate()
            .map(|(i, part)| match part.kind.as_str() {
                "text" | "input_text" | "output_text" | "summary_text" | "reasoning_text" => {
                    part.text.as_deref().ok_or_else(|| {
                        ApiError::param(place, format!("{place}[{i}] is a text part without a text"))
                    })
                }
                "refusal" => Ok(part.refusal.as_deref().unwrap_or("")),
                kind => {
                    let kind: String = kind.chars().take(40).collect();
                    Err(ApiError::param(
                        place,
                        format!("{place}[{i}]: parts of type '{kind}' are not supported, only text"),
                    ))
                }
            })
            .collect();
        Ok(texts?.join("\n"))
    }
}

impl ChatMessage {
    /// The message in Strawberry's own terms; `index` is its place.
    ///
    /// # Errors
    /// It holds something that is no text, or says too little.
    pub fn message(&self, index: usize) -> Result<Message, ApiError> {
        let place = format!("messages[{index}].content");
        let role = match self.role {
            ChatRole::System | ChatRole::Developer => Role::System,
            ChatRole::User => Role::User,
            ChatRole::Assistant => Role::Assistant,
            ChatRole::Tool => Role::Tool,
        };
        let calls = self.tool_calls.as_deref().unwrap_or_default();
        let text = match &self.content {
            Some(content) => content.text(&place)?,
            None if role == Role::Assistant => String::new(),
            None => return Err(ApiError::param(&place, format!("{place} is missing"))),
        };
        if role == Role::Tool && self.tool_call_id.is_none() {
            let place = format!("messages[{index}].tool_call_id");
            return Err(ApiError::param(
                &place,
                format!("{place} is missing: which call is answered?"),
            ));
        }
        let thinking = self.reasoning_content.as_ref().or(self.reasoning.as_ref());
        Ok(Message {
            thinking: thinking
                .filter(|t| role == Role::Assistant && !t.is_empty())
                .cloned(),
            tool_calls: calls.iter().map(ChatToolCall::call).collect(),
            tool_call_id: self.tool_call_id.clone(),
            ..Message::new(role, text)
        })
    }
}

impl ChatToolCall {
    fn call(&self) -> ToolCall {
        ToolCall {
            id: self.id.clone(),
            name: self.function.name.clone(),
            arguments: self.function.arguments.clone(),
        }
    }
}

impl From<ToolCall> for ChatToolCall {
    fn from(call: ToolCall) -> Self {
        ChatToolCall {
            id: call.id,
            kind: function(),
            function: FunctionCall {
                name: call.name,
                arguments: call.arguments,
            },
        }
    }
}
