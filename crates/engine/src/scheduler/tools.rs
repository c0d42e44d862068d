//! Tool calls in the text of a response.
//!
//! Models write them in one of three ways: `<tool_call>{…}</tool_call>` blocks (Hermes, Qwen), the whole
//! response as a JSON object with `name` and `parameters` (Llama 3), or `[TOOL_CALLS]` and a JSON list
//! (Mistral).

use serde_json::Value;
use strawberry_core::ToolCall;

/// The calls in `text`; empty if it has none that can be read.
pub fn parse(text: &str) -> Vec<ToolCall> {
    let text = text.trim();
    let values: Vec<Value> = if text.contains("<tool_call>") {
        let blocks = text.split("<tool_call>").skip(1);
        let bodies = blocks.map(|b| b.split("</tool_call>").next().unwrap_or(b));
        bodies
            .filter_map(|b| serde_json::from_str(b.trim()).ok())
            .collect()
    } else {
        let body = text.strip_prefix("[TOOL_CALLS]").unwrap_or(text);
        match serde_json::from_str(body.trim()) {
            Ok(Value::Array(list)) => list,
            Ok(value) => vec![value],
            Err(_) => Vec::new(),
        }
    };
    let call = |(i, value): (usize, &Value)| {
        let name = value.get("name")?.as_str()?.to_owned();
        let arguments = value.get("arguments").or_else(|| value.get("parameters"))?;
        Some(ToolCall {
            id: format!("call_{i}"),
            name,
            arguments: match arguments {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            },
        })
    };
    values.iter().enumerate().filter_map(call).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calls(text: &str) -> Vec<(String, String)> {
        parse(text).into_iter().map(|c| (c.name, c.arguments)).collect()
    }

    #[test]
    fn every_way_of_writing_a_call_is_read() {
        let want = [("add".to_owned(), r#"{"a":1}"#.to_owned())];
        let hermes = "Sure.\n<tool_call>\n{\"name\": \"add\", \"arguments\": {\"a\": 1}}\n</tool_call>";
        assert_eq!(calls(hermes), want);
        assert_eq!(calls("{\"name\": \"add\", \"parameters\": {\"a\": 1}}"), want);
        assert_eq!(
            calls("[TOOL_CALLS][{\"name\": \"add\", \"arguments\": {\"a\": 1}}]"),
            want
        );
        let two = format!("{hermes}{hermes}");
        assert_eq!(calls(&two).len(), 2);
        assert_eq!(parse(&two)[1].id, "call_1");
    }

    #[test]
    fn other_text_has_no_calls() {
        for text in [
            "",
            "4",
            "{\"answer\": 4}",
            "<tool_call>add(1)</tool_call>",
            "[1, 2]",
        ] {
            assert!(calls(text).is_empty(), "{text}");
        }
    }
}
