//! The JSON body of a chat completion request.

use serde_json::{Map, Value, json};
use strawberry_core::{Grammar, Message, ModelError, Role, SampleRequest};

use crate::dialect::Dialect;

/// One request to be sent for (a part of) an attempt.
pub(crate) struct Call<'a> {
    /// The attempt as it was asked for.
    pub request: &'a SampleRequest,
    /// The conversation to send.
    pub messages: Vec<Message>,
    /// Text with which the response begins; sent as an assistant message to be continued.
    pub prefix: Option<&'a str>,
    /// Sampled tokens at most.
    pub max_tokens: u32,
    /// Whether the model may think first.
    pub think: bool,
}

impl Call<'_> {
    /// The body, without the parameters that the server is known to refuse. Parameters at their
    /// neutral values are not sent at all.
    pub fn body(&self, model: &str, dialect: &Dialect) -> Result<Map<String, Value>, ModelError> {
        let sampling = &self.request.sampling;
        let mut messages: Vec<Value> = self.messages.iter().map(message).collect();
        let mut body = Map::new();
        let mut put = |name: &str, wanted: bool, value: Value| {
            if wanted && !dialect.dropped.contains(name) {
                body.insert(name.to_owned(), value);
            }
        };
        put("model", true, json!(model));
        put("stream", true, json!(true));
        put("stream_options", true, json!({"include_usage": true}));
        let limit = if dialect.max_completion_tokens {
            "max_completion_tokens"
        } else {
            "max_tokens"
        };
        put(limit, true, json!(self.max_tokens));
        put("temperature", true, number(sampling.temperature));
        put("top_p", sampling.top_p < 1.0, number(sampling.top_p));
        put("top_k", sampling.top_k > 0, json!(sampling.top_k));
        put("min_p", sampling.min_p > 0.0, number(sampling.min_p));
        let penalised = sampling.repetition_penalty != 1.0;
        // One name is vLLM's and SGLang's, the other llama.cpp's.
        put(
            "repetition_penalty",
            penalised,
            number(sampling.repetition_penalty),
        );
        put("repeat_penalty", penalised, number(sampling.repetition_penalty));
        put(
            "frequency_penalty",
            sampling.frequency_penalty != 0.0,
            number(sampling.frequency_penalty),
        );
        put(
            "presence_penalty",
            sampling.presence_penalty != 0.0,
            number(sampling.presence_penalty),
        );
        let bias: Map<String, Value> = sampling
            .logit_bias
            .iter()
            .map(|(token, bias)| (token.to_string(), number(*bias)))
            .collect();
        put("logit_bias", !bias.is_empty(), Value::Object(bias));
        put("seed", true, json!(seed(sampling.seed)));
        put("logprobs", sampling.top_logprobs.is_some(), json!(true));
        put(
            "top_logprobs",
            sampling.top_logprobs.is_some_and(|n| n > 0),
            json!(sampling.top_logprobs),
        );
        put("stop", !sampling.stop.is_empty(), json!(sampling.stop));
        put("tools", !self.request.tools.is_empty(), json!(self.request.tools));
        put(
            "chat_template_kwargs",
            !self.think,
            json!({"enable_thinking": false}),
        );
        put("reasoning_effort", !self.think, json!("none"));
        if let Some(grammar) = &self.request.grammar {
            put("response_format", true, response_format(grammar, dialect)?);
        }
        if let Some(prefix) = self.prefix {
            messages.push(json!({"role": "assistant", "content": prefix}));
            put("continue_final_message", true, json!(true));
            put("add_generation_prompt", true, json!(false));
        }
        put("messages", true, Value::Array(messages));
        Ok(body)
    }
}

/// A number as the shortest decimal that reads back as the same f32 (0.7, not 0.699999988079071).
fn number(x: f32) -> Value {
    x.to_string().parse::<f64>().map_or(Value::Null, |x| json!(x))
}

/// Folds a seed to 31 bits: servers differ in the width they take, and some read all ones as "random".
fn seed(seed: u64) -> u32 {
    (((seed >> 31) ^ seed ^ (seed >> 62)) & 0x7fff_ffff) as u32
}

fn response_format(grammar: &Grammar, dialect: &Dialect) -> Result<Value, ModelError> {
    let Grammar::JsonSchema(schema) = grammar else {
        return Err(ModelError::InvalidRequest(
            "a remote server can be held to a JSON Schema only, not to a regular expression or a Lark grammar: \
             use a local model for those"
                .into(),
        ));
    };
    Ok(if dialect.schema_in_json_object {
        json!({"type": "json_object", "schema": schema})
    } else {
        json!({"type": "json_schema", "json_schema": {"name": "response", "strict": true, "schema": schema}})
    })
}

fn message(message: &Message) -> Value {
    let mut out = json!({"role": message.role.as_str(), "content": message.content});
    if !message.tool_calls.is_empty() {
        out["tool_calls"] = message
            .tool_calls
            .iter()
            .map(|call| {
                json!({
                    "id": call.id,
                    "type": "function",
                    "function": {"name": call.name, "arguments": call.arguments},
                })
            })
            .collect();
        // Thinking goes back to the server only together with tool calls: there some servers insist on
        // it, elsewhere they ignore or refuse it.
        if let Some(thinking) = &message.thinking {
            out["reasoning_content"] = json!(thinking);
        }
    }
    if message.role == Role::Tool {
        out["tool_call_id"] = json!(message.tool_call_id);
    }
    out
}

#[cfg(test)]
mod tests {
    use strawberry_core::{Sampling, ToolCall};

    use super::*;

    fn body(request: &SampleRequest, prefix: Option<&str>, think: bool, dialect: &Dialect) -> Value {
        let call = Call {
            request,
            messages: request.messages.clone(),
            prefix,
            max_tokens: request.max_tokens,
            think,
        };
        Value::Object(call.body("m", dialect).unwrap())
    }

    #[test]
    fn neutral_parameters_are_not_sent() {
        let request = SampleRequest {
            messages: vec![Message::user("hi")],
            max_tokens: 9,
            ..SampleRequest::default()
        };
        assert_eq!(
            body(&request, None, true, &Dialect::default()),
            json!({
                "model": "m", "stream": true, "stream_options": {"include_usage": true}, "max_tokens": 9,
                "temperature": 1.0, "seed": 0, "messages": [{"role": "user", "content": "hi"}],
            })
        );
    }

    #[test]
    fn everything_asked_for_is_sent_but_what_is_known_to_be_refused() {
        let mut assistant = Message::assistant("");
        assistant.thinking = Some("hm".into());
        assistant.tool_calls.push(ToolCall {
            id: "c".into(),
            name: "f".into(),
            arguments: "{}".into(),
        });
        let request = SampleRequest {
            messages: vec![assistant],
            max_tokens: 9,
            sampling: Sampling {
                temperature: 0.7,
                top_k: 40,
                top_p: 0.9,
                min_p: 0.05,
                repetition_penalty: 1.1,
                frequency_penalty: 0.5,
                presence_penalty: -0.5,
                logit_bias: vec![(7, -100.0)],
                seed: u64::MAX,
                top_logprobs: Some(3),
                stop: vec!["END".into()],
                ..Sampling::default()
            },
            grammar: Some(Grammar::JsonSchema(json!({"type": "object"}))),
            tools: vec![json!({"type": "function"})],
            ..SampleRequest::default()
        };
        let dialect = Dialect {
            dropped: ["seed", "top_k"].into(),
            max_completion_tokens: true,
            schema_in_json_object: true,
        };
        assert_eq!(
            body(&request, Some("So"), false, &dialect),
            json!({
                "model": "m", "stream": true, "stream_options": {"include_usage": true},
                "max_completion_tokens": 9, "temperature": 0.7, "top_p": 0.9, "min_p": 0.05,
                "repetition_penalty": 1.1, "repeat_penalty": 1.1, "frequency_penalty": 0.5,
                "presence_penalty": -0.5, "logit_bias": {"7": -100.0}, "logprobs": true, "top_logprobs": 3,
                "stop": ["END"], "tools": [{"type": "function"}],
                "chat_template_kwargs": {"enable_thinking": false}, "reasoning_effort": "none",
                "response_format": {"type": "json_object", "schema": {"type": "object"}},
                "continue_final_message": true, "add_generation_prompt": false,
                "messages": [
                    {"role": "assistant", "content": "", "reasoning_content": "hm", "tool_calls": [
                        {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}},
                    ]},
                    {"role": "assistant", "content": "So"},
                ],
            })
        );
    }

    #[test]
    fn other_grammars_are_refused() {
        let request = SampleRequest {
            grammar: Some(Grammar::Regex("a+".into())),
            ..SampleRequest::default()
        };
        let call = Call {
            request: &request,
            messages: Vec::new(),
            prefix: None,
            max_tokens: 1,
            think: true,
        };
        assert!(
            call.body("m", &Dialect::default())
                .unwrap_err()
                .to_string()
                .contains("JSON Schema only")
        );
    }

    #[test]
    fn seeds_of_neighbouring_attempts_stay_apart() {
        let seeds: std::collections::HashSet<u32> = (0..1000).map(seed).collect();
        assert_eq!(seeds.len(), 1000);
        assert!(seed(u64::MAX) <= 0x7fff_ffff);
    }
}
