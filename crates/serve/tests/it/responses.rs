//! `/v1/responses`.

use http_body_util::BodyExt;
use hyper::Method;
use serde_json::{Value, json};

use crate::support::{Running, events, until, whole};

fn body(fields: Value) -> Value {
    let mut body = json!({"model": "tiny", "input": "hello", "seed": 1, "reasoning": {"effort": "none"},
        "max_output_tokens": 24});
    body.as_object_mut()
        .unwrap()
        .extend(fields.as_object().unwrap().clone());
    body
}

fn text(response: &Value) -> String {
    let output = response["output"].as_array().unwrap();
    let message = output.iter().find(|i| i["type"] == "message").unwrap();
    message["content"][0]["text"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_conversation_goes_on_from_a_stored_response() {
    let server = Running::new().await;
    let (status, first) = server
        .post("/v1/responses", &body(json!({"metadata": {"k": "v"}})))
        .await;
    assert_eq!(status, 200, "{first}");
    assert_eq!(first["status"], "incomplete");
    assert_eq!(first["incomplete_details"]["reason"], "max_output_tokens");
    assert_eq!(first["usage"]["output_tokens"], 24);
    let id = first["id"].as_str().unwrap();
    let (_, fetched) = server.get(&format!("/v1/responses/{id}")).await;
    assert_eq!(fetched, first);
    let (_, items) = server.get(&format!("/v1/responses/{id}/input_items")).await;
    assert_eq!(items["data"][0]["content"], "hello");
    let next = body(json!({"previous_response_id": id, "input": "more"}));
    let (status, second) = server.post("/v1/responses", &next).await;
    assert_eq!(status, 200, "{second}");
    // The same conversation in full is the same prompt, so it has the same answer.
    let in_full = body(json!({"input": [
        {"role": "user", "content": "hello"},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text(&first)}]},
        {"role": "user", "content": [{"type": "input_text", "text": "more"}]}]}));
    let (_, whole) = server.post("/v1/responses", &in_full).await;
    assert_eq!(text(&whole), text(&second));
    assert_eq!(whole["usage"]["input_tokens"], second["usage"]["input_tokens"]);
    let (status, gone) = {
        let response = server
            .send(Method::DELETE, &format!("/v1/responses/{id}"), &[], "")
            .await;
        crate::support::whole(response).await
    };
    assert_eq!((status, &gone["deleted"]), (200, &true.into()));
    let (status, error) = server.post("/v1/responses", &next).await;
    assert_eq!(
        (status, &error["error"]["code"]),
        (404, &"previous_response_not_found".into())
    );
    let (_, unkept) = server.post("/v1/responses", &body(json!({"store": false}))).await;
    let id = unkept["id"].as_str().unwrap();
    assert_eq!(server.get(&format!("/v1/responses/{id}")).await.0, 404);
}

#[tokio::test]
async fn the_events_of_a_stream_make_the_response() {
    let server = Running::new().await;
    let ask = body(
        json!({"input": "What is 2+2?", "reasoning": {"effort": "low", "summary": "auto"},
        "max_output_tokens": 300}),
    );
    let events = server.stream("/v1/responses", ask).await;
    let (done, events) = events.split_last().unwrap();
    assert_eq!(done, "[DONE]");
    for (i, event) in events.iter().enumerate() {
        assert_eq!(event["sequence_number"], i);
    }
    let kinds: Vec<&str> = events.iter().map(|e| e["type"].as_str().unwrap()).collect();
    assert_eq!(
        kinds[..3],
        [
            "response.created",
            "response.in_progress",
            "response.output_item.added"
        ]
    );
    for kind in [
        "response.reasoning_text.delta",
        "response.reasoning_text.done",
        "response.reasoning_summary_text.done",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
    ] {
        assert!(kinds.contains(&kind), "{kind} is missing: {kinds:?}");
    }
    let last = events.last().unwrap();
    let response = &last["response"];
    assert_eq!(
        last["type"].as_str().unwrap(),
        format!("response.{}", response["status"].as_str().unwrap())
    );
    let joined = |kind: &str| -> String {
        let of = events.iter().filter(|e| e["type"] == kind);
        of.filter_map(|e| e["delta"].as_str()).collect()
    };
    assert_eq!(joined("response.output_text.delta").trim_end(), text(response));
    let reasoning = &response["output"][0];
    assert_eq!(
        joined("response.reasoning_text.delta"),
        reasoning["content"][0]["text"].as_str().unwrap()
    );
    assert!(
        reasoning["summary"][0]["text"]
            .as_str()
            .unwrap()
            .contains("attempts by majority")
    );
    let id = response["id"].as_str().unwrap();
    assert_eq!(
        &server.get(&format!("/v1/responses/{id}")).await.1["output"],
        &response["output"]
    );
}

#[tokio::test]
async fn tools_and_formats() {
    let server = Running::new().await;
    let schema = json!({"type": "object", "properties": {"n": {"type": "integer", "minimum": 0, "maximum": 9}},
        "required": ["n"], "additionalProperties": false});
    let tools = json!([{"type": "function", "name": "look", "parameters": schema}]);
    let ask = body(
        json!({"tools": tools, "tool_choice": {"type": "function", "name": "look"},
        "max_output_tokens": 200}),
    );
    let (_, called) = server.post("/v1/responses", &ask).await;
    let call = &called["output"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(
        (&call["type"], &call["name"]),
        (&"function_call".into(), &"look".into()),
        "{called}"
    );
    let streamed = server.stream("/v1/responses", ask).await;
    let done = streamed
        .iter()
        .find(|e| e["type"] == "response.function_call_arguments.done")
        .unwrap();
    assert_eq!(done["arguments"], call["arguments"]);
    let output = json!({"type": "function_call_output", "call_id": call["call_id"], "output": "7"});
    let next = body(json!({"previous_response_id": called["id"], "input": [output]}));
    assert_eq!(server.post("/v1/responses", &next).await.0, 200);
    let format = json!({"format": {"type": "json_schema", "name": "n", "schema": schema}});
    let (_, answer) = server
        .post(
            "/v1/responses",
            &body(json!({"text": format, "max_output_tokens": 100})),
        )
        .await;
    assert!(
        serde_json::from_str::<Value>(&text(&answer)).unwrap()["n"].is_u64(),
        "{answer}"
    );
}

#[tokio::test]
async fn what_is_wrong_is_said_with_the_field() {
    let server = Running::new().await;
    for (fields, status, param) in [
        (json!({"input": null}), 400, "input"),
        (json!({"input": []}), 400, "input"),
        (json!({"input": [{"type": "computer_call"}]}), 400, "input[0]"),
        (json!({"input": [{"role": "user"}]}), 400, "input[0].content"),
        (
            json!({"input": [{"role": "pope", "content": "x"}]}),
            400,
            "input[0].role",
        ),
        (json!({"max_output_tokens": 0}), 400, "max_output_tokens"),
        (json!({"temperature": -1}), 400, "temperature"),
        (
            json!({"text": {"format": {"type": "json_schema"}}}),
            400,
            "text.format",
        ),
        (json!({"background": true, "store": false}), 400, "background"),
        (json!({"model": "x"}), 404, "model"),
        (
            json!({"previous_response_id": "resp_none"}),
            404,
            "previous_response_id",
        ),
    ] {
        let (got, error) = server.post("/v1/responses", &body(fields.clone())).await;
        assert_eq!(
            (got, error["error"]["param"].as_str()),
            (status, Some(param)),
            "{fields} {error}"
        );
    }
}

#[tokio::test]
async fn a_background_response_is_polled_watched_and_cancelled() {
    let server = Running::new().await;
    let (status, queued) = server
        .post("/v1/responses", &body(json!({"background": true})))
        .await;
    assert_eq!((status, &queued["status"]), (200, &"queued".into()), "{queued}");
    let path = format!("/v1/responses/{}", queued["id"].as_str().unwrap());
    until(async || server.get(&path).await.1["status"] == "incomplete").await;
    let (_, made) = server.get(&path).await;
    // The same request in the foreground gives the same answer.
    let (_, plain) = server.post("/v1/responses", &body(json!({}))).await;
    assert_eq!(text(&made), text(&plain));
    assert_eq!(made["usage"]["output_tokens"], plain["usage"]["output_tokens"]);
    // Its end can be watched afterwards, too.
    let watched = server
        .send(Method::GET, &format!("{path}?stream=true"), &[], "")
        .await;
    let watched = watched.into_body().collect().await.unwrap().to_bytes();
    let watched = events(std::str::from_utf8(&watched).unwrap());
    assert_eq!(watched[0]["response"]["output"], made["output"]);
    // One that is streamed while it is made goes on when nobody watches.
    let long = body(json!({"background": true, "stream": true, "max_output_tokens": 200}));
    let json = [("Content-Type", "application/json")];
    let mut response = server
        .send(Method::POST, "/v1/responses", &json, long.to_string())
        .await;
    let first = response.frame().await.unwrap().unwrap().into_data().unwrap();
    let created = events(std::str::from_utf8(&first).unwrap());
    let path = format!("/v1/responses/{}", created[0]["response"]["id"].as_str().unwrap());
    drop(response);
    until(async || {
        let status = server.get(&path).await.1["status"].clone();
        status == "incomplete" || status == "completed"
    })
    .await;
    // Cancelled: it stops, and stays cancelled.
    let endless = body(
        json!({"background": true, "max_output_tokens": 1_000_000, "temperature": 1.0,
        "input": "What is 2+2?", "reasoning": null, "thinking": {"samples": 512, "strategy": "majority"}}),
    );
    let (_, queued) = server.post("/v1/responses", &endless).await;
    let path = format!("/v1/responses/{}", queued["id"].as_str().unwrap());
    let (status, cancelled) = server.post(&format!("{path}/cancel"), &json!({})).await;
    assert_eq!((status, &cancelled["status"]), (200, &"cancelled".into()));
    until(async || server.state.in_flight.is_empty()).await;
    assert_eq!(server.get(&path).await.1["status"], "cancelled");
    assert_eq!(
        server.post(&format!("{path}/cancel"), &json!({})).await.1["status"],
        "cancelled"
    );
    let (status, _) = whole(
        server
            .send(Method::POST, "/v1/responses/resp_x/cancel", &[], "")
            .await,
    )
    .await;
    assert_eq!(status, 404);
}
