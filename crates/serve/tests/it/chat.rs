//! `/v1/chat/completions`.

use std::time::{Duration, Instant};

use http_body_util::BodyExt;
use hyper::Method;
use serde_json::{Value, json};

use crate::support::{Running, chat, endless, until, whole};

fn deltas(chunks: &[Value], field: &str) -> String {
    chunks
        .iter()
        .filter_map(|c| c["choices"][0]["delta"][field].as_str())
        .collect()
}

#[tokio::test]
async fn a_stream_says_what_the_whole_answer_says() {
    let server = Running::new().await;
    let (status, whole) = server.chat(json!({})).await;
    assert_eq!(status, 200, "{whole}");
    let choice = &whole["choices"][0];
    assert_eq!(choice["finish_reason"], "length");
    let usage = &whole["usage"];
    assert_eq!(usage["completion_tokens"], 24);
    assert_eq!(usage["completion_tokens_details"]["reasoning_tokens"], 0);
    assert_eq!(choice["search"]["strategy"], "direct");
    let options = json!({"stream_options": {"include_usage": true}});
    let chunks = server.stream("/v1/chat/completions", chat(options)).await;
    assert_eq!(chunks[0]["choices"][0]["delta"]["role"], "assistant");
    assert_eq!(
        deltas(&chunks, "content").trim_end(),
        choice["message"]["content"].as_str().unwrap()
    );
    let [.., end, last, done] = &chunks[..] else {
        panic!("{chunks:?}")
    };
    assert_eq!(end["choices"][0]["finish_reason"], "length");
    assert!(end["choices"][0]["search"]["trace_id"].is_string());
    // The second time the prompt comes from the cache.
    let mut cached = usage.clone();
    cached["prompt_tokens_details"]["cached_tokens"] = usage["prompt_tokens"].clone();
    assert_eq!((&last["usage"], &last["choices"]), (&cached, &json!([])));
    assert_eq!(done, "[DONE]");
    // It came in pieces, while it was made.
    assert!(chunks.len() > 8, "{}", chunks.len());
}

#[tokio::test]
async fn a_search_streams_its_thinking_and_counts_what_lost() {
    let server = Running::new().await;
    let body = chat(json!({
        "messages": [{"role": "user", "content": "What is 2+2?"}], "reasoning_effort": "low",
        "max_completion_tokens": 400, "stream_options": {"include_usage": true, "include_search": true},
    }));
    let chunks = server.stream("/v1/chat/completions", body).await;
    let thinking = deltas(&chunks, "reasoning_content");
    assert_eq!(thinking, deltas(&chunks, "reasoning"));
    for attempt in 1..=4 {
        assert!(thinking.contains(&format!("**Attempt {attempt}**")), "{thinking}");
    }
    let of = |name: &str| {
        let named = |c: &&Value| c["choices"][0]["search"]["event"] == name;
        chunks.iter().filter(named).count()
    };
    assert_eq!((of("started"), of("ended")), (4, 4));
    let search = chunks
        .iter()
        .find_map(|c| c["choices"][0]["search"].get("candidates"))
        .unwrap();
    let tokens = |c: &Value| c["tokens"].as_u64().unwrap();
    let all: u64 = search.as_array().unwrap().iter().map(tokens).sum();
    let lost: u64 = search
        .as_array()
        .unwrap()
        .iter()
        .filter(|c| c["chosen"] == false)
        .map(tokens)
        .sum();
    let usage = &chunks[chunks.len() - 2]["usage"];
    assert_eq!(usage["completion_tokens"], all);
    assert_eq!(usage["completion_tokens_details"]["reasoning_tokens"], lost);
    let chosen = search
        .as_array()
        .unwrap()
        .iter()
        .find(|c| c["chosen"] == true)
        .unwrap();
    assert_eq!(
        deltas(&chunks, "content"),
        chosen["text"].as_str().unwrap().trim_end()
    );
}

#[tokio::test]
async fn choices_stop_strings_and_logprobs() {
    let server = Running::new().await;
    let (_, several) = server.chat(json!({"n": 3, "temperature": 1.0})).await;
    let choices = several["choices"].as_array().unwrap();
    assert_eq!(choices.len(), 3);
    assert_ne!(choices[0]["message"]["content"], choices[1]["message"]["content"]);
    assert_eq!(several["usage"]["completion_tokens"], 72);
    let (_, scored) = server.chat(json!({"logprobs": true, "top_logprobs": 2})).await;
    let choice = &scored["choices"][0];
    let tokens = choice["logprobs"]["content"].as_array().unwrap();
    assert!(!tokens.is_empty());
    for token in tokens {
        assert!(token["logprob"].as_f64().unwrap() <= 0.0);
        assert_eq!(token["top_logprobs"].as_array().unwrap().len(), 2);
    }
    let body = chat(json!({"logprobs": true, "top_logprobs": 2}));
    let chunks = server.stream("/v1/chat/completions", body).await;
    let streamed: Vec<&Value> = chunks
        .iter()
        .filter_map(|c| c["choices"][0]["logprobs"]["content"].as_array())
        .flatten()
        .collect();
    assert_eq!(streamed, tokens.iter().collect::<Vec<_>>());
    let text = choice["message"]["content"].as_str().unwrap();
    let stop: String = text.chars().skip(3).take(2).collect();
    let (_, stopped) = server.chat(json!({"stop": [stop]})).await;
    assert_eq!(stopped["choices"][0]["finish_reason"], "stop");
    assert!(
        !stopped["choices"][0]["message"]["content"]
            .as_str()
            .unwrap()
            .contains(&stop)
    );
}

#[tokio::test]
async fn structured_answers_and_forced_tools_are_what_was_asked_for() {
    let server = Running::new().await;
    let schema = json!({"type": "object", "properties": {"n": {"type": "integer", "maximum": 99, "minimum": 0}},
        "required": ["n"], "additionalProperties": false});
    for effort in ["none", "low"] {
        let (status, answer) = server
            .chat(
                json!({"reasoning_effort": effort, "max_completion_tokens": 400, "response_format":
                {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}}),
            )
            .await;
        assert_eq!(status, 200, "{answer}");
        let text = answer["choices"][0]["message"]["content"].as_str().unwrap();
        let value: Value = serde_json::from_str(text).unwrap();
        assert!(value["n"].is_u64(), "{text}");
    }
    let tools = json!([{"type": "function", "function": {"name": "look", "parameters": schema}}]);
    let mut call = Value::Null;
    for stream in [false, true] {
        let body = chat(json!({"tools": tools, "tool_choice": "required", "max_completion_tokens": 200}));
        let (name, arguments) = if stream {
            let chunks = server.stream("/v1/chat/completions", body).await;
            let calls: Vec<&Value> = chunks
                .iter()
                .filter_map(|c| c["choices"][0]["delta"]["tool_calls"].as_array())
                .flatten()
                .collect();
            let arguments: String = calls
                .iter()
                .filter_map(|c| c["function"]["arguments"].as_str())
                .collect();
            assert_eq!(
                chunks[chunks.len() - 2]["choices"][0]["finish_reason"],
                "tool_calls"
            );
            assert_eq!(deltas(&chunks, "content"), "");
            (calls[0]["function"]["name"].clone(), arguments)
        } else {
            let (_, answer) = server.post("/v1/chat/completions", &body).await;
            assert_eq!(answer["choices"][0]["finish_reason"], "tool_calls", "{answer}");
            call = answer["choices"][0]["message"]["tool_calls"][0].clone();
            let arguments = call["function"]["arguments"].as_str().unwrap().to_owned();
            (call["function"]["name"].clone(), arguments)
        };
        assert_eq!(name, "look");
        assert!(serde_json::from_str::<Value>(&arguments).unwrap()["n"].is_u64());
    }
    // The result goes back, and the model goes on in words.
    let messages = json!([{"role": "user", "content": "hello"},
        {"role": "assistant", "content": null, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": call["id"], "content": "7"}]);
    let (status, answer) = server
        .chat(json!({"messages": messages, "tools": tools, "tool_choice": "none"}))
        .await;
    assert_eq!(
        (status, answer["choices"][0]["message"]["tool_calls"].clone()),
        (200, Value::Null)
    );
}

#[tokio::test]
async fn what_is_wrong_is_said_with_the_field() {
    let server = Running::new().await;
    for (fields, param) in [
        (json!({"messages": []}), "messages"),
        (
            json!({"messages": [{"role": "robot", "content": "x"}]}),
            "messages[0].role",
        ),
        (json!({"messages": [{"role": "user"}]}), "messages[0].content"),
        (
            json!({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}),
            "messages[0].content",
        ),
        (json!({"temperature": 3}), "temperature"),
        (json!({"temperature": "hot"}), "temperature"),
        (json!({"top_p": 0}), "top_p"),
        (json!({"n": 0}), "n"),
        (json!({"n": -1}), "n"),
        (json!({"max_completion_tokens": 0}), "max_completion_tokens"),
        (json!({"reasoning_effort": "very"}), "reasoning_effort"),
        (json!({"thinking": {"strategy": "magic"}}), "thinking.strategy"),
        (json!({"thinking": {"seconds": -1}}), "thinking.seconds"),
        (json!({"stop": [""]}), "stop"),
        (json!({"tools": [{"type": "retrieval"}]}), "tools[0]"),
        (json!({"tool_choice": "required"}), "tool_choice"),
        (json!({"response_format": {"type": "xml"}}), "response_format"),
        (json!({"logit_bias": {"x": 1}}), "logit_bias"),
        (json!({"top_logprobs": 3}), "top_logprobs"),
    ] {
        let (status, body) = server.chat(fields.clone()).await;
        assert_eq!(
            (status, body["error"]["param"].as_str()),
            (400, Some(param)),
            "{fields} {body}"
        );
        assert_eq!(body["error"]["type"], "invalid_request_error");
    }
    let (status, body) = server.chat(json!({"model": "gpt-9"})).await;
    assert_eq!(
        (status, body["error"]["code"].as_str()),
        (404, Some("model_not_found"))
    );
    let long = "word ".repeat(5000);
    let (status, body) = server
        .chat(json!({"messages": [{"role": "user", "content": long}]}))
        .await;
    assert_eq!(
        (status, body["error"]["code"].as_str()),
        (400, Some("context_length_exceeded"))
    );
    let json = [("Content-Type", "application/json")];
    for raw in ["", "{", "[1,2", "null", "\"x\"", "\u{0}", "{\"messages\": 3}"] {
        let (status, body) = whole(
            server
                .send(Method::POST, "/v1/chat/completions", &json, raw.to_owned())
                .await,
        )
        .await;
        assert_eq!(status, 400, "{raw} {body}");
    }
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    let invalid = vec![b'"', 0xff, 0xfe, b'"'];
    for raw in [deep.into_bytes(), invalid] {
        let (status, _) = whole(
            server
                .send(Method::POST, "/v1/chat/completions", &json, raw)
                .await,
        )
        .await;
        assert_eq!(status, 400);
    }
    let (status, _) = whole(server.send(Method::POST, "/v1/chat/completions", &[], "{}").await).await;
    assert_eq!(status, 415);
    assert_eq!(server.get("/v1/chat/completions").await.0, 405);
    assert_eq!(server.get("/nothing").await.0, 404);
}

#[tokio::test]
async fn a_request_in_flight_answers_now_or_ends_with_its_client() {
    let server = Running::new().await;
    let endless = |id: &'static str| {
        let mut body = chat(endless());
        body["stream"] = true.into();
        let headers = [("Content-Type", "application/json"), ("X-Request-Id", id)];
        (headers, body.to_string())
    };
    // Hurried: it ends early, and properly.
    let (headers, body) = endless("hurry");
    let response = server
        .send(Method::POST, "/v1/chat/completions", &headers, body)
        .await;
    assert_eq!(response.headers()["x-request-id"], "hurry");
    assert_eq!(server.get("/v1/requests").await.1["data"][0]["id"], "hurry");
    let (status, _) = server.post("/v1/requests/hurry/answer_now", &json!({})).await;
    assert_eq!(status, 200);
    let text = response.into_body().collect().await.unwrap().to_bytes();
    let text = String::from_utf8_lossy(&text);
    assert!(text.contains("finish_reason\":\"") && text.ends_with("data: [DONE]\n\n"));
    assert_eq!(server.post("/v1/requests/hurry/cancel", &json!({})).await.0, 404);
    // A client that goes away frees the computer.
    let (headers, body) = endless("gone");
    let mut response = server
        .send(Method::POST, "/v1/chat/completions", &headers, body)
        .await;
    response.frame().await.unwrap().unwrap();
    let start = Instant::now();
    drop(response);
    until(async || server.state.in_flight.is_empty() && server.state.queue.at_work() == 0).await;
    assert!(start.elapsed() < Duration::from_secs(5));
}
