//! Any text as a chat template: rendered or refused, within the bounds on time and memory.
#![no_main]

use std::time::UNIX_EPOCH;

use libfuzzer_sys::fuzz_target;
use strawberry_core::message::{Message, Role, ToolCall};
use strawberry_engine::template::{ChatTemplate, Conversation};

fuzz_target!(|source: &str| {
    strawberry_fuzz::bounded(source.len(), || {
        let Ok(template) = ChatTemplate::new(source, "<s>", "</s>") else { return };
        let mut assistant = Message::assistant("");
        assistant.thinking = Some("Let me see.".to_owned());
        assistant.tool_calls = vec![ToolCall {
            id: "1".to_owned(),
            name: "add".to_owned(),
            arguments: r#"{"a": 1, "b": [2]}"#.to_owned(),
        }];
        let messages = [
            Message::system("Be brief."),
            Message::user("1 + 2?"),
            assistant,
            Message::new(Role::Tool, "3"),
            Message::user("Thanks."),
        ];
        let tool = r#"{"type": "function", "function": {"name": "add", "parameters": {}}}"#;
        let tools = [serde_json::from_str(tool).expect("valid")];
        let conversation = Conversation {
            tools: &tools,
            thinking: Some(true),
            now: UNIX_EPOCH,
            ..Conversation::new(&messages)
        };
        let _ = template.render(&conversation);
    });
});
