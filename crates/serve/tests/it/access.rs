//! Keys, limits, other origins, draining.

use std::time::{Duration, Instant};

use http_body_util::BodyExt;
use hyper::Method;
use serde_json::{Value, json};
use strawberry_serve::state::now_ms;
use strawberry_serve::{Limits, Server, Settings, auth};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{Running, chat, endless, until, whole};

#[tokio::test]
async fn with_a_key_everybody_needs_one_and_its_budget_holds() {
    let server = Running::new().await;
    assert_eq!(server.get("/v1/models").await.0, 200);
    let (key, secret) = auth::new_key("tight", Some(3), Some(100)).unwrap();
    server.state.store.add_api_key(&key, &secret).await.unwrap();
    let (other, other_secret) = auth::new_key("other", None, None).unwrap();
    server
        .state
        .store
        .add_api_key(&other, &other_secret)
        .await
        .unwrap();
    let (status, error) = server.get("/v1/models").await;
    assert_eq!(
        (status, &error["error"]["code"]),
        (401, &"invalid_api_key".into())
    );
    let bearer = |secret: &str| format!("Bearer {secret}");
    let path = "/v1/chat/completions";
    let wrong = bearer("sb-wrong");
    assert_eq!(
        server
            .post_as(path, &[("Authorization", &wrong)], &chat(json!({})))
            .await
            .0,
        401
    );
    let right = bearer(&secret);
    let mut statuses = Vec::new();
    let mut last = Value::Null;
    for _ in 0..4 {
        let (status, body) = server
            .post_as(path, &[("Authorization", &right)], &chat(json!({})))
            .await;
        statuses.push(status);
        last = body;
    }
    assert_eq!(statuses, [200, 200, 200, 429], "{last}");
    assert_eq!(last["error"]["code"], "rate_limit_exceeded");
    let caller = format!("key:{}", key.id);
    let spent = server
        .state
        .store
        .api_tokens_of_day(&caller, now_ms())
        .await
        .unwrap();
    assert!(spent >= 3 * 24, "{spent}");
    // What one key made, another one can't see.
    let other = bearer(&other_secret);
    let ask = json!({"input": "hi", "max_output_tokens": 4, "reasoning": {"effort": "none"}});
    let (_, made) = server
        .post_as("/v1/responses", &[("Authorization", &other)], &ask)
        .await;
    assert_eq!(made["object"], "response");
    let (spender, spender_secret) = auth::new_key("spender", None, Some(1)).unwrap();
    server
        .state
        .store
        .add_api_key(&spender, &spender_secret)
        .await
        .unwrap();
    let spender = bearer(&spender_secret);
    let found = server
        .send(
            Method::GET,
            &format!("/v1/responses/{}", made["id"].as_str().unwrap()),
            &[("Authorization", &spender)],
            "",
        )
        .await;
    assert_eq!(found.status(), 404);
    assert_eq!(
        server
            .post_as(path, &[("Authorization", &spender)], &chat(json!({})))
            .await
            .0,
        200
    );
    until(async || {
        let (status, body) = server
            .post_as(path, &[("Authorization", &spender)], &chat(json!({})))
            .await;
        status == 429 && body["error"]["code"] == "token_budget_exceeded"
    })
    .await;
    assert!(server.get("/health").await.0 == 200 && server.get("/ready").await.0 == 200);
}

#[tokio::test]
async fn too_much_at_once_is_told_to_come_back() {
    let limits = Limits {
        running: 1,
        waiting: 1,
        ..Limits::default()
    };
    let server = Running::with(Settings {
        limits,
        ..Settings::default()
    })
    .await;
    let mut long = chat(endless());
    long["stream"] = true.into();
    let json_type = [("Content-Type", "application/json")];
    let first = server
        .send(Method::POST, "/v1/chat/completions", &json_type, long.to_string())
        .await;
    assert_eq!(first.status(), 200);
    let (second, third) = tokio::join!(server.chat(json!({})), async {
        until(async || server.state.queue.waiting() == 1).await;
        let body = chat(json!({})).to_string();
        let third = server
            .send(Method::POST, "/v1/chat/completions", &json_type, body)
            .await;
        let after = third
            .headers()
            .get("retry-after")
            .and_then(|v| v.to_str().ok()?.parse::<u64>().ok());
        let third = (after, whole(third).await);
        drop(first);
        third
    });
    assert_eq!(second.0, 200, "{}", second.1);
    assert!(third.0.is_some_and(|s| s >= 1));
    assert_eq!(
        (third.1.0, &third.1.1["error"]["code"]),
        (429, &"server_busy".into())
    );
}

#[tokio::test]
async fn other_origins_and_names_are_turned_away() {
    let allowed = vec!["https://good.example".to_owned()];
    let server = Running::with(Settings {
        cors_origins: allowed,
        ..Settings::default()
    })
    .await;
    for (headers, status) in [
        (("Origin", "https://evil.example"), 403),
        (("Origin", "https://good.example"), 200),
        (("X-Nothing", "x"), 200),
    ] {
        let response = server.send(Method::GET, "/v1/models", &[headers], "").await;
        assert_eq!(response.status(), status, "{headers:?}");
    }
    let mut stream = tokio::net::TcpStream::connect(server.address).await.unwrap();
    stream
        .write_all(b"GET /v1/models HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n")
        .await
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
    let public = Server::bind(([0, 0, 0, 0], 0).into(), server.state.clone()).await;
    assert!(public.err().unwrap().to_string().contains("serve key add"));
}

#[tokio::test]
async fn slow_and_huge_bodies_end() {
    let limits = Limits {
        body_bytes: 1000,
        read_timeout: Duration::from_millis(300),
        ..Limits::default()
    };
    let server = Running::with(Settings {
        limits,
        ..Settings::default()
    })
    .await;
    let (status, _) = server
        .chat(json!({"messages": [{"role": "user", "content": "x".repeat(2000)}]}))
        .await;
    assert_eq!(status, 413);
    let start = Instant::now();
    for head in [
        "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{",
        "POST /v1/chat/completions HTTP/1.1\r\nHost: loc",
    ] {
        let mut stream = tokio::net::TcpStream::connect(server.address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let read = stream.read_to_end(&mut answer);
        tokio::time::timeout(Duration::from_secs(5), read)
            .await
            .expect("the server hangs up")
            .unwrap();
    }
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn a_server_that_is_told_to_stop_ends_what_it_began() {
    let mut server = Running::new().await;
    let body = chat(json!({"stream": true, "max_completion_tokens": 400, "temperature": 1.0}));
    let json_type = [("Content-Type", "application/json")];
    let response = server
        .send(Method::POST, "/v1/chat/completions", &json_type, body.to_string())
        .await;
    server.stop.take().unwrap().send(()).unwrap();
    let text = response.into_body().collect().await.unwrap().to_bytes();
    assert!(text.ends_with(b"data: [DONE]\n\n"));
    (&mut server.ended).await.unwrap();
    assert!(tokio::net::TcpStream::connect(server.address).await.is_err());
}
