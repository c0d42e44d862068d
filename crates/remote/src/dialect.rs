//! Which request parameters a server was found to refuse.
//!
//! "OpenAI-compatible" servers differ in what they accept. A request first holds all that was asked for;
//! when the server refuses it and names a parameter it can do without, the request is repeated without
//! that one, and later requests leave it out from the start.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// Parameters a request can do without, at the price that the server decides about them.
const OPTIONAL: [&str; 17] = [
    "add_generation_prompt",
    "chat_template_kwargs",
    "continue_final_message",
    "frequency_penalty",
    "logit_bias",
    "logprobs",
    "min_p",
    "presence_penalty",
    "reasoning_effort",
    "repeat_penalty",
    "repetition_penalty",
    "seed",
    "stream_options",
    "temperature",
    "top_k",
    "top_logprobs",
    "top_p",
];

/// Those of them that OpenAI's own API does not know, to be left out when a refusal names none.
const EXTENSIONS: [&str; 7] = [
    "add_generation_prompt",
    "chat_template_kwargs",
    "continue_final_message",
    "min_p",
    "repeat_penalty",
    "repetition_penalty",
    "top_k",
];

/// Words by which a refusal says that a parameter is not taken at all (rather than that its value is out of range).
const REFUSALS: [&str; 15] = [
    "input should be '",
    "unsupported",
    "not supported",
    "does not support",
    "doesn't support",
    "unknown",
    "unrecognized",
    "unrecognised",
    "unexpected",
    "not permitted",
    "not allowed",
    "extra_forbidden",
    "extra fields",
    "additional properties",
    "not enabled",
];

/// How to speak to one server; learned from its refusals.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Dialect {
    /// Parameters to leave out.
    pub dropped: BTreeSet<&'static str>,
    /// Whether the token limit is called `max_completion_tokens` instead of `max_tokens`.
    pub max_completion_tokens: bool,
    /// Whether a JSON Schema goes into `response_format` as llama.cpp's servers take it
    /// (`{"type": "json_object", "schema": …}`) instead of OpenAI's `json_schema`.
    pub schema_in_json_object: bool,
}

impl Dialect {
    /// Learns from the text of a refusal of the request `sent`. Returns whether there was anything to
    /// learn, so that another request has a chance.
    pub fn learn(&mut self, refusal: &str, sent: &Map<String, Value>) -> bool {
        let refusal = refusal.to_lowercase();
        let names = |name: &str| mentions(&refusal, name);
        let mut learned = false;
        if !self.max_completion_tokens && names("max_completion_tokens") && sent.contains_key("max_tokens") {
            self.max_completion_tokens = true;
            learned = true;
        }
        if !self.schema_in_json_object
            && sent.contains_key("response_format")
            && (names("response_format") || names("json_schema"))
            && !refusal.contains("invalid schema")
        {
            self.schema_in_json_object = true;
            learned = true;
        }
        if learned || !REFUSALS.iter().any(|words| refusal.contains(words)) {
            return learned;
        }
        let named: Vec<_> = OPTIONAL
            .into_iter()
            .filter(|name| sent.contains_key(*name) && names(name))
            .collect();
        let drop: Vec<_> = if named.is_empty() && !refusal.contains("error occurred") {
            EXTENSIONS
                .into_iter()
                .filter(|name| sent.contains_key(*name))
                .collect()
        } else {
            named
        };
        for name in &drop {
            self.dropped.insert(name);
            if *name == "logprobs" {
                self.dropped.insert("top_logprobs");
            }
        }
        !drop.is_empty()
    }
}

/// Whether `text` holds `name` as a whole word.
fn mentions(text: &str, name: &str) -> bool {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(name).any(|(at, _)| {
        !text[..at].chars().next_back().is_some_and(word)
            && !text[at + name.len()..].chars().next().is_some_and(word)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn sent(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap()
    }

    #[test]
    fn drops_the_parameter_that_is_named_and_no_other() {
        let body = sent(json!({"seed": 1, "top_k": 40, "top_p": 0.9, "logprobs": true, "max_tokens": 5}));
        let mut dialect = Dialect::default();
        assert!(dialect.learn("Unrecognized request argument supplied: top_k", &body));
        assert_eq!(dialect.dropped, BTreeSet::from(["top_k"]));
        assert!(dialect.learn(
            "logprobs is not supported for models created with logits_all=False",
            &body
        ));
        assert_eq!(
            dialect.dropped,
            BTreeSet::from(["logprobs", "top_k", "top_logprobs"])
        );
    }

    #[test]
    fn a_value_out_of_range_is_the_users_business() {
        let body = sent(json!({"temperature": 5.0, "top_logprobs": 20}));
        let mut dialect = Dialect::default();
        assert!(!dialect.learn("temperature must be at most 2", &body));
        assert!(!dialect.learn("top_logprobs: 20 is greater than the maximum of 5", &body));
        assert_eq!(dialect, Dialect::default());
    }

    #[test]
    fn learns_the_other_names() {
        let body = sent(json!({"max_tokens": 5, "response_format": {}}));
        let mut dialect = Dialect::default();
        assert!(dialect.learn(
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
            &body
        ));
        assert!(dialect.max_completion_tokens && dialect.dropped.is_empty());
        assert!(dialect.learn(
            "body.response_format.type: Input should be 'text' or 'json_object'",
            &body
        ));
        assert!(dialect.schema_in_json_object);
        assert!(!dialect.learn("response_format is not supported", &body));
        // A schema that the server finds wrong is wrong in either place.
        let refusal = "Invalid schema for response_format 'response': 'required' is required";
        assert!(!Dialect::default().learn(refusal, &body));
    }

    #[test]
    fn a_refusal_that_names_nothing_costs_the_extensions_once() {
        let body = sent(json!({"min_p": 0.1, "seed": 3}));
        let mut dialect = Dialect::default();
        assert!(dialect.learn("unknown field in request", &body));
        assert_eq!(dialect.dropped, BTreeSet::from(["min_p"]));
        assert!(!dialect.learn("unknown field in request", &sent(json!({"seed": 3}))));
    }
}
