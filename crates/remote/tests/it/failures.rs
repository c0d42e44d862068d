//! Servers that fail, and what is said about it.

use std::time::Duration;

use serde_json::json;
use strawberry_core::{Finish, ModelError, SampleRequest};
use strawberry_remote::{RemoteModel, RemoteOptions};

use crate::server::{Server, Step, answer, delta, error, event, http, stream_head};
use crate::{connect, error_of, options, request, sample};

#[tokio::test]
async fn busy_and_failing_servers_are_asked_again() {
    for first in [
        vec![Step::Send(
            "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n".into(),
        )],
        error("503 Service Unavailable", "Loading model"),
        vec![], // hangs up without a word
        vec![stream_head()],
        vec![
            stream_head(),
            event(&json!({"error": {"message": "overloaded", "code": 503}})),
        ],
        vec![stream_head(), Step::Send("data: [DONE]\n\n".into())],
    ] {
        let script = first.clone();
        let server = Server::start(
            &["tiny"],
            move |n, _| {
                if n < 2 { script.clone() } else { answer("ok") }
            },
        )
        .await;
        let sampled = sample(&connect(&server).await, request("?")).await;
        assert_eq!(sampled.unwrap().answer, "ok", "{first:?}");
        assert_eq!(server.chats().len(), 3);
    }
}

#[tokio::test]
async fn patience_ends() {
    let server = Server::start(&["tiny"], |_, _| error("429 Too Many Requests", "quota")).await;
    let failed = sample(&connect(&server).await, request("?")).await;
    assert!(matches!(failed, Err(ModelError::RateLimited(m)) if m.contains("quota")));
    assert_eq!(server.chats().len(), 3);

    let server = Server::start(&["tiny"], |_, _| {
        vec![Step::Send(
            "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 86400\r\nContent-Length: 0\r\n\r\n".into(),
        )]
    })
    .await;
    assert!(error_of(&server).await.contains("too busy"));
    assert_eq!(server.chats().len(), 1);
}

#[tokio::test]
async fn what_was_sampled_before_a_failure_stands() {
    for rest in [
        vec![],
        vec![Step::Send("data: {oops\n\n".into())],
        vec![event(&json!({"error": {"message": "out of memory"}}))],
        vec![Step::Wait(Duration::from_millis(400))],
    ] {
        let script = rest.clone();
        let server = Server::start(&["tiny"], move |_, _| {
            let mut steps = vec![stream_head(), delta(json!({"content": "The ans"}))];
            steps.extend(script.clone());
            steps
        })
        .await;
        let options = RemoteOptions {
            idle_timeout: Duration::from_millis(100),
            ..options()
        };
        let model = RemoteModel::connect(&server.base, options).await.unwrap();
        let sampled = sample(&model, request("?")).await.unwrap();
        assert_eq!(sampled.answer, "The ans", "{rest:?}");
        assert_eq!(sampled.finish, Some(Finish::Failed));
        assert_eq!(sampled.usage.completion_tokens, 1);
        assert!(sampled.usage.estimated);
        assert_eq!(server.chats().len(), 1);
    }
}

#[tokio::test]
async fn a_silent_server_is_given_up() {
    let server = Server::start(&["tiny"], |_, _| vec![Step::Hang]).await;
    let options = RemoteOptions {
        first_byte_timeout: Duration::from_millis(50),
        ..options()
    };
    let model = RemoteModel::connect(&server.base, options).await.unwrap();
    let failed = sample(&model, request("?")).await;
    assert!(matches!(failed, Err(ModelError::TimedOut(m)) if m.contains("0.05 s")));
}

#[tokio::test]
async fn refusals_are_explained() {
    for (status, message, parts) in [
        ("401 Unauthorized", "bad key", ["STRAWBERRY_API_KEY", "bad key"]),
        (
            "400 Bad Request",
            "temperature must be at most 2",
            ["refuses the request", "at most 2"],
        ),
        ("500 Internal Server Error", "boom", ["failed (500", "boom"]),
    ] {
        let server = Server::start(&["tiny"], move |_, _| error(status, message)).await;
        let said = error_of(&server).await;
        assert!(parts.iter().all(|p| said.contains(p)), "{said}");
        assert!(said.contains(&server.base), "{said}");
    }
}

#[tokio::test]
async fn an_unknown_model_gets_the_list_of_those_there_are() {
    let server = Server::start(&["a", "b"], |_, _| error("404 Not Found", "no such model")).await;
    let model = RemoteModel::connect(&format!("{}#c", server.base), options())
        .await
        .unwrap();
    let said = sample(&model, request("?")).await.unwrap_err().to_string();
    assert!(said.contains("no model 'c'") && said.contains("a, b"), "{said}");

    let said = RemoteModel::connect(&server.base, options())
        .await
        .err()
        .unwrap()
        .to_string();
    assert!(said.contains("several models") && said.contains("#a"), "{said}");

    let server = Server::start(&["tiny"], |_, _| {
        vec![Step::Send(http("404 Not Found", "text/html", "<h1>nothing</h1>"))]
    })
    .await;
    let said = error_of(&server).await;
    assert!(
        said.contains("no OpenAI-compatible API") && said.contains("/v1"),
        "{said}"
    );
}

#[tokio::test]
async fn malformed_responses_are_shown() {
    let server = Server::start(&["tiny"], |_, _| {
        vec![stream_head(), Step::Send("data: <html>busy</html>\n\n".into())]
    })
    .await;
    let said = error_of(&server).await;
    assert!(
        said.contains("<html>busy</html>") && said.contains("not JSON"),
        "{said}"
    );

    let server = Server::start(&["tiny"], |_, _| vec![Step::Send("SSH-2.0-OpenSSH\r\n".into())]).await;
    assert!(error_of(&server).await.contains(&server.base));
}

#[tokio::test]
async fn addresses_where_nothing_or_something_else_listens() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let failed = |spec: String| async move { RemoteModel::connect(&spec, options()).await.err().unwrap() };
    let error = failed(format!("http://127.0.0.1:{port}/v1")).await;
    assert!(
        matches!(&error, ModelError::Unreachable(m) if m.contains("check the address") && m.contains("refused")),
        "{error}"
    );

    let server = Server::start(&["tiny"], |_, _| answer("ok")).await;
    let error = failed(server.base.replace("http:", "https:")).await;
    assert!(
        matches!(&error, ModelError::Unreachable(m) if m.contains("secure connection") || m.contains("TLS")),
        "{error}"
    );
    let error = failed(server.base.replace("/v1", "/v2")).await;
    assert!(error.to_string().contains("/v2"), "{error}");
}

#[tokio::test]
async fn impossible_requests_are_not_sent() {
    let server = Server::start(&["tiny"], |_, _| answer("ok")).await;
    let model = connect(&server).await;
    let mut no_tokens = request("?");
    no_tokens.max_tokens = 0;
    let mut hot = request("?");
    hot.sampling.temperature = -1.0;
    let empty = SampleRequest {
        max_tokens: 1,
        ..SampleRequest::default()
    };
    for wrong in [no_tokens, hot, empty] {
        assert!(matches!(
            sample(&model, wrong).await,
            Err(ModelError::InvalidRequest(_))
        ));
    }
    assert!(server.chats().is_empty());
}
