//! The small endpoints.

use http_body_util::BodyExt;
use hyper::Method;
use serde_json::{Value, json};

use crate::support::Running;

#[tokio::test]
async fn models_are_listed_and_described() {
    let server = Running::new().await;
    let (_, list) = server.get("/v1/models").await;
    assert_eq!(
        (&list["object"], &list["data"][0]["id"]),
        (&"list".into(), &"tiny".into())
    );
    assert_eq!(server.get("/v1/models/tiny").await.1["context_length"], 4096);
    assert_eq!(server.get("/v1/models/none/such").await.0, 404);
}

#[tokio::test]
async fn prompts_are_completed() {
    let server = Running::new().await;
    let ask =
        json!({"model": "tiny", "prompt": "hello", "seed": 1, "max_tokens": 12, "n": 2, "temperature": 1.0});
    let (status, answer) = server.post("/v1/completions", &ask).await;
    assert_eq!(
        (status, answer["usage"]["completion_tokens"].as_u64()),
        (200, Some(24)),
        "{answer}"
    );
    let chunks = server.stream("/v1/completions", ask).await;
    for i in 0..2 {
        let of = chunks.iter().filter(|c| c["choices"][0]["index"] == i);
        let text: String = of.filter_map(|c| c["choices"][0]["text"].as_str()).collect();
        assert_eq!(text.trim_end(), answer["choices"][i]["text"].as_str().unwrap());
    }
    let (_, echoed) = server
        .post("/v1/completions", &json!({"prompt": ["hello"], "echo": true}))
        .await;
    assert!(
        echoed["choices"][0]["text"]
            .as_str()
            .unwrap()
            .starts_with("hello")
    );
    for bad in [
        json!({}),
        json!({"prompt": ["a", "b"]}),
        json!({"prompt": "a", "max_tokens": 0}),
    ] {
        assert_eq!(server.post("/v1/completions", &bad).await.0, 400, "{bad}");
    }
}

#[tokio::test]
async fn texts_become_vectors() {
    let server = Running::new().await;
    let ask = json!({"model": "tiny", "input": ["hello", "hello", "12 and the"]});
    let (status, answer) = server.post("/v1/embeddings", &ask).await;
    assert_eq!(status, 200, "{answer}");
    let vector = |i: usize| -> Vec<f64> {
        let list = answer["data"][i]["embedding"].as_array().unwrap();
        list.iter().map(|v| v.as_f64().unwrap()).collect()
    };
    let norm: f64 = vector(0).iter().map(|v| v * v).sum();
    assert!((norm - 1.0).abs() < 1e-3);
    assert_eq!(vector(0), vector(1));
    assert_ne!(vector(0), vector(2));
    assert!(answer["usage"]["prompt_tokens"].as_u64().unwrap() >= 3);
    let (_, packed) = server
        .post(
            "/v1/embeddings",
            &json!({"input": "hello", "encoding_format": "base64"}),
        )
        .await;
    let packed = packed["data"][0]["embedding"].as_str().unwrap().len();
    assert_eq!(packed, (vector(0).len() * 4).div_ceil(3) * 4);
    for bad in [
        json!({}),
        json!({"input": []}),
        json!({"input": ""}),
        json!({"input": [[1, 2]]}),
    ] {
        assert_eq!(server.post("/v1/embeddings", &bad).await.0, 400, "{bad}");
    }
}

#[tokio::test]
async fn what_happens_is_counted_and_described() {
    let server = Running::new().await;
    server.chat(json!({})).await;
    server.get("/nothing/at/all").await;
    let text = server
        .send(Method::GET, "/metrics", &[], "")
        .await
        .into_body()
        .collect()
        .await
        .unwrap();
    let text = String::from_utf8(text.to_bytes().to_vec()).unwrap();
    for line in [
        "strawberry_requests_total{route=\"/v1/chat/completions\",status=\"200\"} 1",
        "strawberry_requests_total{route=\"unknown\",status=\"404\"} 1",
        "strawberry_tokens_total{model=\"tiny\",kind=\"answer\"} 24",
        "strawberry_first_token_seconds_count 1",
        "# EOF",
    ] {
        assert!(text.contains(line), "{line} is missing in\n{text}");
    }
    let (_, api) = server.get("/openapi.json").await;
    let schema =
        &api["paths"]["/v1/chat/completions"]["post"]["requestBody"]["content"]["application/json"]["schema"];
    let name = schema["$ref"].as_str().unwrap().rsplit('/').next().unwrap();
    assert!(api["components"]["schemas"][name]["properties"]["reasoning_effort"].is_object());
    let refs = unresolved(&api, &api);
    assert!(refs.is_empty(), "{refs:?}");
}

/// The references that lead nowhere.
fn unresolved(api: &Value, at: &Value) -> Vec<String> {
    match at {
        Value::Object(map) => map
            .iter()
            .flat_map(|(key, value)| match value.as_str() {
                Some(to) if key == "$ref" && api.pointer(&to[1..]).is_none() => vec![to.to_owned()],
                _ => unresolved(api, value),
            })
            .collect(),
        Value::Array(list) => list.iter().flat_map(|v| unresolved(api, v)).collect(),
        _ => Vec::new(),
    }
}
