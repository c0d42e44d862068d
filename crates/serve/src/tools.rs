//! Tools: describing them to a model whose template doesn't, forcing a call, reading one, and holding one
//! back from the stream of text.

use serde_json::{Value, json};
use strawberry_core::{Grammar, Message, Role, ToolCall};

use crate::error::ApiError;
use crate::state::new_id;

/// Which tools may or must be called.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Choice {
    /// The model decides.
    #[default]
    Auto,
    /// None.
    None,
    /// Any one must be called.
    Required,
    /// This one must be called.
    Named(String),
}

/// Name and parameters of a tool in OpenAI's shape, of chat completions or of responses.
///
/// # Errors
/// It is no function, or has no name.
pub fn check(tool: &Value, index: usize) -> Result<(), ApiError> {
    let param = format!("tools[{index}]");
    let function = function(tool);
    let name = function.get("name").and_then(Value::as_str).unwrap_or("");
    let kind = tool.get("type").and_then(Value::as_str).unwrap_or("function");
    let good = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    if kind != "function" {
        return Err(ApiError::param(
            &param,
            format!("{param}: only tools of type 'function' are supported, not '{kind}'"),
        ));
    }
    if name.is_empty() || name.len() > 128 || !name.chars().all(good) {
        return Err(ApiError::param(
            &param,
            format!("{param}: the function needs a name of 1 to 128 letters, digits, '_', '-' or '.'"),
        ));
    }
    match function.get("parameters") {
        None | Some(Value::Null | Value::Object(_)) => Ok(()),
        Some(_) => Err(ApiError::param(
            &param,
            format!("{param}: parameters must be a JSON Schema object"),
        )),
    }
}

fn function(tool: &Value) -> &Value {
    tool.get("function").unwrap_or(tool)
}

fn name(tool: &Value) -> &str {
    function(tool).get("name").and_then(Value::as_str).unwrap_or("")
}

/// The tool in the shape chat templates expect, whichever of OpenAI's two shapes it came in.
pub fn normal(tool: &Value) -> Value {
    let mut function = function(tool).clone();
    if let Value::Object(map) = &mut function {
        map.remove("type");
        map.remove("strict");
    }
    json!({"type": "function", "function": function})
}

/// A grammar that leaves nothing but a call of one of the tools allowed by `choice`.
///
/// # Errors
/// The tool named does not exist, or none was given.
pub fn forced(tools: &[Value], choice: &Choice) -> Result<Option<Grammar>, ApiError> {
    let wanted: Vec<&Value> = match choice {
        Choice::Auto | Choice::None => return Ok(None),
        Choice::Required => tools.iter().collect(),
        Choice::Named(wanted) => tools.iter().filter(|t| name(t) == wanted).collect(),
    };
    if wanted.is_empty() {
        return Err(ApiError::param(
            "tool_choice",
            "tool_choice asks for a tool that is not among tools",
        ));
    }
    let call = |tool: &&Value| {
        let parameters = match function(tool).get("parameters") {
            Some(Value::Object(map)) if !map.is_empty() => Value::Object(map.clone()),
            _ => json!({"type": "object"}),
        };
        json!({
            "type": "object",
            "properties": {"name": {"const": name(tool)}, "arguments": parameters},
            "required": ["name", "arguments"],
            "additionalProperties": false,
        })
    };
    let mut calls: Vec<Value> = wanted.iter().map(call).collect();
    let schema = if calls.len() == 1 {
        calls.remove(0)
    } else {
        json!({"anyOf": calls})
    };
    Ok(Some(Grammar::JsonSchema(schema)))
}

/// Adds `text` to the system message, making one if there is none.
pub fn instruct(messages: &mut Vec<Message>, text: &str) {
    match messages.first_mut().filter(|m| m.role == Role::System) {
        Some(system) => system.content = format!("{}\n\n{text}", system.content.trim_end()),
        None => messages.insert(0, Message::system(text)),
    }
}

/// Writes tools, calls and their results into plain messages, in the format that Hermes and Qwen models
/// know, for a model whose template does not.
pub fn describe(messages: &[Message], tools: &[Value]) -> Vec<Message> {
    let mut out: Vec<Message> = messages
        .iter()
        .map(|message| {
            let mut plain = message.clone();
            for call in std::mem::take(&mut plain.tool_calls) {
                let arguments: Value = serde_json::from_str(&call.arguments).unwrap_or(Value::Null);
                let call = json!({"name": call.name, "arguments": arguments});
                plain.content += &format!("<tool_call>\n{call}\n</tool_call>");
            }
            if message.role == Role::Tool {
                plain.role = Role::User;
                plain.tool_call_id = None;
                plain.content = format!("<tool_response>\n{}\n</tool_response>", message.content);
            }
            plain
        })
        .collect();
    if !tools.is_empty() {
        let list: Vec<String> = tools.iter().map(Value::to_string).collect();
        let text = format!(
            "You may call these functions:\n<tools>\n{}\n</tools>\nTo call one, write\n<tool_call>\n{{\"name\": NAME, \
             \"arguments\": OBJECT}}\n</tool_call>\nand nothing else.",
            list.join("\n")
        );
        instruct(&mut out, &text);
    }
    out
}

/// The JSON that a response is as a whole, or that its first `<tool_call>` block holds.
pub fn json_in(response: &str) -> Option<Value> {
    let text = response.trim();
    let body = match text.split_once("<tool_call>") {
        Some((_, rest)) => rest.split("</tool_call>").next().unwrap_or(rest),
        None => text,
    };
    serde_json::from_str(body.trim())
        .ok()
        .filter(|v: &Value| v.is_object() || v.is_array())
}

/// The value with the keys of all objects in order, so that equal values have equal texts.
pub fn canonical(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.into_iter().map(|(k, v)| (k, canonical(v))).collect();
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(entries.into_iter().collect())
        }
        Value::Array(items) => items.into_iter().map(canonical).collect(),
        other => other,
    }
}

/// The call that a response is as a whole, where a grammar forced one.
pub fn forced_call(response: &str) -> Option<ToolCall> {
    let value = json_in(response)?;
    Some(ToolCall {
        id: String::new(),
        name: value.get("name")?.as_str()?.to_owned(),
        arguments: value.get("arguments")?.to_string(),
    })
}

/// Gives every call an id of its own.
pub fn with_ids(calls: Vec<ToolCall>) -> Vec<ToolCall> {
    calls
        .into_iter()
        .map(|call| ToolCall {
            id: new_id("call_"),
            ..call
        })
        .collect()
}

const MARKS: [&str; 2] = ["<tool_call>", "[TOOL_CALLS]"];

/// Lets text pass that can't be part of a tool call, and holds back the rest.
#[derive(Default)]
pub struct Gate {
    held: String,
    passed: bool,
    closed: bool,
}

impl Gate {
    /// Takes text; returns what may be shown.
    pub fn push(&mut self, text: &str) -> String {
        self.held.push_str(text);
        let visible = self.held.trim_start();
        if !self.passed && (visible.is_empty() || visible.starts_with(['{', '['])) {
            return String::new();
        }
        if self.closed {
            return String::new();
        }
        let safe = match MARKS.iter().filter_map(|m| self.held.find(m)).min() {
            Some(at) => {
                self.closed = true;
                at
            }
            None => {
                let tail = |mark: &str| {
                    (1..mark.len())
                        .rev()
                        .find(|&n| self.held.ends_with(&mark[..n]))
                        .unwrap_or(0)
                };
                self.held.len() - MARKS.iter().map(|m| tail(m)).max().unwrap_or(0)
            }
        };
        self.passed |= safe > 0;
        self.held.drain(..safe).collect()
    }

    /// The end of a response that called no tool after all: what was held back.
    pub fn finish(self) -> String {
        self.held
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes(pieces: &[&str]) -> (String, String) {
        let mut gate = Gate::default();
        let shown = pieces.iter().map(|p| gate.push(p)).collect();
        (shown, gate.finish())
    }

    #[test]
    fn text_passes_and_calls_are_held_back() {
        assert_eq!(
            passes(&["Hel", "lo <b", "> x"]),
            ("Hello <b> x".into(), "".into())
        );
        assert_eq!(
            passes(&["Sure. <tool", "_call>{}", "</tool_call>"]),
            ("Sure. ".into(), "<tool_call>{}</tool_call>".into())
        );
        assert_eq!(
            passes(&[" {\"name\"", ": 1} x"]),
            ("".into(), " {\"name\": 1} x".into())
        );
    }

    #[test]
    fn a_forced_call_is_read_and_equal_values_have_equal_texts() {
        let call = forced_call(r#"{"name": "add", "arguments": {"b": 1, "a": 2}}"#).unwrap();
        let arguments: Value = serde_json::from_str(&call.arguments).unwrap();
        assert_eq!((call.name.as_str(), arguments), ("add", json!({"a": 2, "b": 1})));
        let texts = [r#"[{"b":1,"a":{"d":2,"c":3}}]"#, r#"[{"a":{"c":3,"d":2},"b":1}]"#]
            .map(|text| canonical(json_in(text).unwrap()).to_string());
        assert_eq!(texts[0], texts[1]);
        let tools = [json!({"type": "function", "function": {"name": "add"}})];
        assert!(forced(&tools, &Choice::Named("sub".into())).is_err());
        assert!(forced(&tools, &Choice::Required).unwrap().is_some());
    }

    #[test]
    fn a_model_without_tools_in_its_template_is_told_in_words() {
        let mut call = Message::assistant("");
        call.tool_calls.push(ToolCall {
            id: "1".into(),
            name: "add".into(),
            arguments: "{\"a\":1}".into(),
        });
        let messages = [
            Message::user("1+1?"),
            call,
            Message {
                role: Role::Tool,
                ..Message::user("2")
            },
        ];
        let plain = describe(&messages, &[json!({"type": "function"})]);
        assert_eq!(plain[0].role, Role::System);
        assert!(plain[2].content.contains("\"name\":\"add\""));
        assert!(plain[3].role == Role::User && plain[3].content.contains("<tool_response>\n2"));
    }
}
