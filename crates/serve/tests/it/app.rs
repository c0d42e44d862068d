//! The web app's own API: sessions, owners, forged requests, files.

use hyper::Method;
use serde_json::{Value, json};

use crate::support::{Running, whole};

/// A browser's session.
struct Session {
    cookie: String,
    csrf: String,
}

async fn first_user(server: &Running, name: &str) {
    let user = json!({"name": name, "password": "a long password"});
    let (status, made) = server.post("/api/users", &user).await;
    assert_eq!((status, &made["admin"]), (201, &json!(true)), "{made}");
}

async fn login(server: &Running, name: &str) -> Session {
    let body = json!({"name": name, "password": "a long password"}).to_string();
    let json = [("Content-Type", "application/json")];
    let response = server.send(Method::POST, "/api/login", &json, body).await;
    assert_eq!(response.status(), 204);
    let set = response.headers()["set-cookie"].to_str().unwrap().to_owned();
    assert!(
        set.contains("HttpOnly") && set.contains("SameSite=Strict"),
        "{set}"
    );
    let cookie = set.split(';').next().unwrap().to_owned();
    let me = server
        .send(Method::GET, "/api/me", &[("Cookie", &cookie)], "")
        .await;
    let (_, me) = whole(me).await;
    let csrf = me["csrf"].as_str().unwrap().to_owned();
    assert_eq!(csrf.len(), 64);
    Session { cookie, csrf }
}

impl Session {
    async fn call(&self, server: &Running, method: Method, path: &str, body: Value) -> (u16, Value) {
        let headers = [
            ("Cookie", self.cookie.as_str()),
            ("X-CSRF-Token", self.csrf.as_str()),
            ("Content-Type", "application/json"),
        ];
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        whole(server.send(method, path, &headers, body).await).await
    }
}

#[tokio::test]
async fn nobody_logs_in_until_there_is_a_user_and_then_everybody_does() {
    let server = Running::new().await;
    let (_, me) = server.get("/api/me").await;
    assert_eq!(
        (&me["login"], &me["users"], &me["user"]),
        (&json!(false), &json!(false), &json!(null))
    );
    let (status, made) = server
        .post("/api/conversations", &json!({"settings": {"effort": "low"}}))
        .await;
    assert_eq!((status, &made["settings"]["effort"]), (201, &json!("low")));
    first_user(&server, "Ann").await;
    for path in [
        "/api/conversations",
        "/api/users",
        "/api/usage",
        "/api/traces/x",
        "/v1/models",
    ] {
        assert_eq!(server.get(path).await.0, 401, "{path}");
    }
    let user = json!({"name": "Eve", "password": "a long password"});
    assert_eq!(server.post("/api/users", &user).await.0, 401);
    // The first user has what was there before.
    let ann = login(&server, "ann").await;
    let (status, list) = ann
        .call(&server, Method::GET, "/api/conversations", json!(null))
        .await;
    assert_eq!((status, list.as_array().unwrap().len()), (200, 1));
    let (status, _) = ann.call(&server, Method::POST, "/api/logout", json!(null)).await;
    assert_eq!(status, 204);
    let (status, _) = ann
        .call(&server, Method::GET, "/api/conversations", json!(null))
        .await;
    assert_eq!(status, 401);
}

#[tokio::test]
async fn where_there_are_keys_the_first_user_needs_one() {
    let server = Running::new().await;
    let (key, secret) = strawberry_serve::auth::new_key("k", None, None).unwrap();
    server.state.store.add_api_key(&key, &secret).await.unwrap();
    let (_, me) = server.get("/api/me").await;
    assert_eq!((&me["login"], &me["users"]), (&json!(true), &json!(false)));
    let user = json!({"name": "Ann", "password": "a long password"});
    assert_eq!(server.post("/api/users", &user).await.0, 401);
    let bearer = format!("Bearer {secret}");
    let (status, _) = server
        .post_as("/api/users", &[("Authorization", &bearer)], &user)
        .await;
    assert_eq!(status, 201);
    // A key does not open the app.
    let response = server
        .send(Method::GET, "/api/users", &[("Authorization", &bearer)], "")
        .await;
    assert_eq!(response.status(), 401);
}

#[tokio::test]
async fn requests_that_other_sites_forge_are_refused() {
    let server = Running::new().await;
    first_user(&server, "Ann").await;
    let ann = login(&server, "Ann").await;
    let cookie = ("Cookie", ann.cookie.as_str());
    let json = ("Content-Type", "application/json");
    for csrf in ["", "0", &"0".repeat(64)] {
        for (method, path) in [
            (Method::POST, "/api/conversations"),
            (Method::POST, "/api/logout"),
            (Method::GET, "/api/users"),
            (Method::POST, "/v1/chat/completions"),
        ] {
            let headers = [cookie, json, ("X-CSRF-Token", csrf)];
            let response = server.send(method, path, &headers, r#"{"messages":[]}"#).await;
            assert_eq!(response.status(), 403, "{path}");
        }
    }
    let headers = [
        cookie,
        json,
        ("X-CSRF-Token", &ann.csrf),
        ("Origin", "https://evil.example"),
    ];
    let response = server
        .send(Method::POST, "/api/conversations", &headers, "{}")
        .await;
    assert_eq!(response.status(), 403);
    // The same with the token is let in.
    let (status, _) = ann
        .call(&server, Method::POST, "/api/conversations", json!({}))
        .await;
    assert_eq!(status, 201);
    // A cookie that is no session is nobody's.
    let strange = ("Cookie", "strawberry_session=; other=1; strawberry_session=zz");
    let response = server
        .send(Method::GET, "/api/conversations", &[strange], "")
        .await;
    assert_eq!(response.status(), 401);
}

#[tokio::test]
async fn users_have_their_own_and_only_administrators_see_the_others() {
    let server = Running::new().await;
    first_user(&server, "Ann").await;
    let ann = login(&server, "Ann").await;
    let bob = json!({"name": "Bob", "password": "a long password"});
    let (status, made) = ann.call(&server, Method::POST, "/api/users", bob.clone()).await;
    assert_eq!((status, &made["admin"]), (201, &json!(false)));
    assert_eq!(ann.call(&server, Method::POST, "/api/users", bob).await.0, 409);
    let bob = login(&server, "BOB").await;
    let (_, made) = ann
        .call(&server, Method::POST, "/api/conversations", json!({}))
        .await;
    let id = made["summary"]["id"].as_str().unwrap();
    let path = format!("/api/conversations/{id}");
    let said = json!({"parent": null, "role": "user", "content": "secret"});
    let (status, message) = ann
        .call(&server, Method::POST, &format!("{path}/messages"), said.clone())
        .await;
    assert_eq!((status, &message["seq"]), (201, &json!(0)));
    for (method, path, body) in [
        (Method::GET, path.clone(), json!(null)),
        (Method::PATCH, path.clone(), json!({"title": "mine"})),
        (Method::DELETE, path.clone(), json!(null)),
        (Method::GET, format!("{path}/export?format=markdown"), json!(null)),
        (Method::POST, format!("{path}/messages"), said),
        (Method::PUT, format!("{path}/messages/0"), json!({"content": "x"})),
    ] {
        assert_eq!(bob.call(&server, method, &path, body).await.0, 404, "{path}");
    }
    for path in ["/api/users", "/api/usage"] {
        assert_eq!(
            bob.call(&server, Method::GET, path, json!(null)).await.0,
            403,
            "{path}"
        );
    }
    // What somebody asked through the app is counted as theirs.
    let question = json!({"model": "tiny", "messages": [{"role": "user", "content": "hello"}], "reasoning_effort": "none",
        "max_completion_tokens": 4});
    let (status, answer) = bob
        .call(&server, Method::POST, "/v1/chat/completions", question)
        .await;
    assert_eq!(status, 200, "{answer}");
    let trace = answer["choices"][0]["search"]["trace_id"].as_str().unwrap();
    let (status, events) = bob
        .call(&server, Method::GET, &format!("/api/traces/{trace}"), json!(null))
        .await;
    assert!(status == 200 && events.as_str().unwrap().contains("\"event\":\"finished\""));
    // The beginning of an id, which can be guessed, opens nothing.
    let prefix = format!("/api/traces/{}", &trace[..10]);
    assert_eq!(bob.call(&server, Method::GET, &prefix, json!(null)).await.0, 404);
    let (_, rows) = ann.call(&server, Method::GET, "/api/usage", json!(null)).await;
    let row = rows
        .as_array()
        .unwrap()
        .iter()
        .find(|r| r["name"] == "Bob")
        .unwrap();
    assert_eq!(
        (&row["requests"], &row["completion_tokens"]),
        (&json!(1), &answer["usage"]["completion_tokens"])
    );
    // Nobody removes themselves, so there is always an administrator.
    let (_, me) = ann.call(&server, Method::GET, "/api/me", json!(null)).await;
    let own = format!("/api/users/{}", me["user"]["id"].as_str().unwrap());
    assert_eq!(ann.call(&server, Method::DELETE, &own, json!(null)).await.0, 400);
}

#[tokio::test]
async fn guessing_passwords_is_slowed_down() {
    let server = Running::new().await;
    first_user(&server, "Ann").await;
    let wrong = json!({"name": "ann", "password": "not the right one"});
    for _ in 0..5 {
        assert_eq!(server.post("/api/login", &wrong).await.0, 401);
    }
    let right = json!({"name": "Ann", "password": "a long password"});
    assert_eq!(server.post("/api/login", &right).await.0, 429);
    // Another name is not held up, and what nobody is called looks like a wrong password.
    let nobody = json!({"name": "nobody", "password": "not the right one"});
    let (status, answer) = server.post("/api/login", &nobody).await;
    assert_eq!(status, 401);
    assert!(
        answer["error"]["message"]
            .as_str()
            .unwrap()
            .contains("the name or the password")
    );
    for password in ["short", &"x".repeat(300)] {
        let new = json!({"name": "x", "password": password});
        // Refused for want of a session before the password is looked at.
        assert_eq!(server.post("/api/users", &new).await.0, 401);
    }
}

#[tokio::test]
async fn wrong_bodies_are_refused_with_the_field_named() {
    let server = Running::new().await;
    let (_, made) = server.post("/api/conversations", &json!({})).await;
    let path = format!("/api/conversations/{}", made["summary"]["id"].as_str().unwrap());
    let messages = format!("{path}/messages");
    for (path, body, word) in [
        ("/api/conversations", json!({"settings": 7}), "settings"),
        (&messages, json!({"role": "user"}), "content"),
        (&messages, json!({"role": "nobody", "content": ""}), "role"),
        (
            &messages,
            json!({"role": "user", "content": "", "meta": []}),
            "meta",
        ),
        (
            "/api/users",
            json!({"name": " ", "password": "a long password"}),
            "name",
        ),
        (
            "/api/users",
            json!({"name": "x", "password": "short"}),
            "password",
        ),
        (
            "/api/import",
            json!({"strawberry_conversation": 2, "messages": []}),
            "format",
        ),
        (
            "/api/import",
            json!({"strawberry_conversation": 1, "messages": [{"seq": 0, "parent": 0, "role": "user", "content": ""}]}),
            "parent",
        ),
    ] {
        let (status, answer) = server.post(path, &body).await;
        assert_eq!(status, 400, "{path} {body}: {answer}");
        assert!(
            answer["error"]["message"].as_str().unwrap().contains(word),
            "{answer}"
        );
    }
    // A message that goes on from one that does not exist.
    let orphan = json!({"role": "user", "content": "?", "parent": 5});
    assert_eq!(server.post(&messages, &orphan).await.0, 400);
}

#[tokio::test]
async fn the_page_is_sent_with_a_strict_policy() {
    let server = Running::new().await;
    let response = server.send(Method::GET, "/", &[], "").await;
    assert_eq!(response.status(), 200);
    let policy = response.headers()["content-security-policy"].to_str().unwrap();
    assert!(
        policy.contains("default-src 'none'") && !policy.contains("unsafe"),
        "{policy}"
    );
    assert_eq!(response.headers()["x-content-type-options"], "nosniff");
    assert!(
        response.headers()["content-type"]
            .to_str()
            .unwrap()
            .starts_with("text/html")
    );
    for path in [
        "/assets/nothing.js",
        "/assets/..%2Findex.html",
        "/assets/%2e%2e/%2e%2e/etc/passwd",
    ] {
        assert_eq!(server.get(path).await.0, 404, "{path}");
    }
}
