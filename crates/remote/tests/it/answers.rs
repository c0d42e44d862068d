//! What is sent, and what comes back when all goes well.

use std::sync::atomic::Ordering;

use futures::future::join_all;
use serde_json::json;
use strawberry_core::{Finish, Grammar, Model, Usage};
use strawberry_remote::{RemoteModel, RemoteOptions};

use crate::server::{Server, Step, answer, delta, ending, error, event, http, stream_head};
use crate::{connect, options, request, sample};

#[tokio::test]
async fn an_answer_is_streamed_with_its_usage() {
    let server = Server::start(&["tiny"], |_, _| {
        let mut steps = vec![
            stream_head(),
            Step::Send(": ping\r\n\r\n".into()),
            delta(json!({"role": "assistant", "content": ""})),
            delta(json!({"reasoning_content": "hm"})),
            delta(json!({"content": "4"})),
            delta(json!({"content": "2"})),
        ];
        steps.extend(ending(12, 3));
        steps
    })
    .await;
    let options = RemoteOptions {
        api_key: Some("key".into()),
        ..options()
    };
    let model = RemoteModel::connect(&server.base, options).await.unwrap();
    assert!(!model.info().reasoning);
    let sampled = sample(&model, request("6*7?")).await.unwrap();
    assert_eq!((sampled.thinking.as_str(), sampled.answer.as_str()), ("hm", "42"));
    assert_eq!(sampled.finish, Some(Finish::Stop));
    assert_eq!(
        sampled.usage,
        Usage {
            prompt_tokens: 12,
            prompt_evaluated: 12,
            reasoning_tokens: 1,
            completion_tokens: 3,
            samples: 1,
            ..Usage::default()
        }
    );
    let chat = &server.chats()[0];
    assert_eq!(chat.path, "/v1/chat/completions");
    assert_eq!(chat.headers["authorization"], "Bearer key");
    assert_eq!(chat.body["model"], "tiny");
    assert_eq!(
        chat.body["messages"],
        json!([{"role": "user", "content": "6*7?"}])
    );
    assert_eq!(model.info().name, format!("{}#tiny", server.base));
    assert!(model.info().reasoning);
}

#[tokio::test]
async fn a_server_that_does_not_stream_is_understood() {
    let server = Server::start(&["tiny"], |_, _| {
        let body = json!({
            "choices": [{"message": {"content": "42"}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 5, "completion_tokens": 2},
        });
        vec![Step::Send(http("200 OK", "application/json", &body.to_string()))]
    })
    .await;
    let sampled = sample(&connect(&server).await, request("?")).await.unwrap();
    assert_eq!(sampled.answer, "42");
    assert_eq!(sampled.usage.completion_tokens, 2);
    assert!(!sampled.usage.estimated);
}

#[tokio::test]
async fn tool_calls_are_reported() {
    let server = Server::start(&["tiny"], |_, _| {
        let call = json!({"index": 0, "id": "c", "function": {"name": "f", "arguments": "{}"}});
        vec![
            stream_head(),
            delta(json!({"tool_calls": [call]})),
            event(&json!({"choices": [{"delta": {}, "finish_reason": "tool_calls"}]})),
        ]
    })
    .await;
    let sampled = sample(&connect(&server).await, request("?")).await.unwrap();
    assert_eq!(sampled.finish, Some(Finish::ToolCalls));
    assert_eq!(
        (sampled.calls[0].id.as_str(), sampled.calls[0].name.as_str()),
        ("c", "f")
    );
}

#[tokio::test]
async fn what_the_server_refuses_is_left_out_from_then_on() {
    let server = Server::start(&["tiny"], |_, request| {
        if request.body.get("seed").is_some() {
            error("400 Bad Request", "Unrecognized request argument supplied: seed")
        } else if request.body.get("max_tokens").is_some() {
            error(
                "400 Bad Request",
                "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.",
            )
        } else {
            answer("ok")
        }
    })
    .await;
    let model = connect(&server).await;
    assert_eq!(sample(&model, request("?")).await.unwrap().answer, "ok");
    assert_eq!(server.chats().len(), 3);
    assert_eq!(sample(&model, request("?")).await.unwrap().answer, "ok");
    assert_eq!(server.chats().len(), 4);
    assert_eq!(server.chats()[3].body["max_completion_tokens"], 100);
    assert_eq!(model.refused_parameters(), ["seed"]);
}

#[tokio::test]
async fn many_attempts_learn_together() {
    let server = Server::start(&["tiny"], |_, request| {
        if request.body.get("seed").is_some() {
            error("422 Unprocessable Entity", "extra_forbidden: seed")
        } else {
            answer("ok")
        }
    })
    .await;
    let model = connect(&server).await;
    let all = join_all((0..8).map(|_| sample(&model, request("?")))).await;
    assert!(all.into_iter().all(|s| s.unwrap().answer == "ok"));
}

#[tokio::test]
async fn a_schema_is_sent_the_way_the_server_takes_it() {
    let server = Server::start(&["tiny"], |_, request| {
        if request.body["response_format"]["type"] == "json_schema" {
            error(
                "422 Unprocessable Entity",
                "body.response_format.type: Input should be 'json_object'",
            )
        } else {
            answer("{}")
        }
    })
    .await;
    let mut wanted = request("?");
    wanted.grammar = Some(Grammar::JsonSchema(json!({"type": "object"})));
    assert_eq!(
        sample(&connect(&server).await, wanted).await.unwrap().answer,
        "{}"
    );
    assert_eq!(
        server.chats()[1].body["response_format"],
        json!({"type": "json_object", "schema": {"type": "object"}})
    );
}

#[tokio::test]
async fn no_more_requests_at_once_than_allowed() {
    // llama-cpp-python's server would interrupt one for the other.
    for (owner, allowed) in [("test", 3), ("me", 1)] {
        let server = Server::start_owned(&["tiny"], owner, |_, _| {
            let mut steps = vec![Step::Wait(std::time::Duration::from_millis(20))];
            steps.extend(answer("ok"));
            steps
        })
        .await;
        let options = RemoteOptions {
            concurrency: 3,
            ..options()
        };
        let model = RemoteModel::connect(&server.base, options).await.unwrap();
        let all = join_all((0..9).map(|_| sample(&model, request("?")))).await;
        assert!(all.iter().all(|s| s.is_ok()));
        assert_eq!(server.most_at_once.load(Ordering::SeqCst), allowed);
    }
}
