//! Attempts that are hurried, cut off or given up.

use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::StreamExt;
use serde_json::json;
use strawberry_core::{Finish, Model, ModelEvent};

use crate::server::{Script, Server, Step, answer, delta, error, stream_head};
use crate::{connect, request, sample};

/// A response that thinks three tokens and then goes on for ever.
fn endless_thought() -> Script {
    let mut steps = vec![stream_head()];
    steps.extend((0..3).map(|i| delta(json!({"reasoning": format!("t{i} ")}))));
    steps.push(Step::Hang);
    steps
}

fn endless_answer() -> Script {
    let mut steps = vec![stream_head()];
    steps.extend((0..3).map(|i| delta(json!({"content": format!("a{i} ")}))));
    steps.push(Step::Hang);
    steps
}

/// Waits for the server to notice that `n` connections were closed.
async fn hung_up(server: &Server, n: usize) {
    while server.hung_up.load(Ordering::SeqCst) < n {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_thought_over_its_budget_is_closed_and_the_answer_asked_for() {
    let server = Server::start(
        &["tiny"],
        |n, _| if n == 0 { endless_thought() } else { answer("42") },
    )
    .await;
    let mut wanted = request("6*7?");
    wanted.thinking.budget = Some(3);
    wanted.thinking.close_text = Some("So:</think>".into());
    wanted.thinking.answer_tokens = 20;
    let sampled = sample(&connect(&server).await, wanted).await.unwrap();
    assert_eq!(sampled.thinking, "t0 t1 t2 \nSo:");
    assert_eq!(sampled.answer, "42");
    assert_eq!(sampled.finish, Some(Finish::Stop));
    assert_eq!(sampled.usage.reasoning_tokens, 3);
    assert_eq!(sampled.usage.completion_tokens, 4);
    assert_eq!(sampled.usage.samples, 1);
    assert!(sampled.usage.estimated);
    let second = &server.chats()[1].body;
    assert_eq!(second["messages"][1]["role"], "assistant");
    assert_eq!(second["messages"][1]["content"], "t0 t1 t2 \nSo:");
    assert_eq!(second["messages"][2]["role"], "user");
    assert_eq!(second["chat_template_kwargs"], json!({"enable_thinking": false}));
    assert_eq!(second["max_tokens"], 20);
    hung_up(&server, 1).await;
}

#[tokio::test]
async fn a_thought_stands_when_the_answer_can_not_be_asked_for() {
    let server = Server::start(&["tiny"], |n, _| {
        if n == 0 {
            endless_thought()
        } else {
            error("500 Internal Server Error", "boom")
        }
    })
    .await;
    let mut wanted = request("6*7?");
    wanted.thinking.budget = Some(3);
    let sampled = sample(&connect(&server).await, wanted).await.unwrap();
    assert_eq!(sampled.thinking, "t0 t1 t2 ");
    assert_eq!(sampled.finish, Some(Finish::Failed));
    assert_eq!(sampled.usage.completion_tokens, 3);
}

#[tokio::test]
async fn answer_now_closes_the_thought() {
    let server = Server::start(
        &["tiny"],
        |n, _| if n == 0 { endless_thought() } else { answer("42") },
    )
    .await;
    let wanted = request("6*7?");
    let control = wanted.control.clone();
    let model = connect(&server).await;
    let hurry = async {
        while !model.info().reasoning {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        control.answer_now();
    };
    let (sampled, ()) = tokio::join!(sample(&model, wanted), hurry);
    assert_eq!(sampled.unwrap().answer, "42");
}

#[tokio::test]
async fn a_model_without_thinking_stops_at_its_budget() {
    let server = Server::start(&["tiny"], |_, _| endless_answer()).await;
    let mut wanted = request("?");
    wanted.thinking.budget = Some(3);
    let sampled = sample(&connect(&server).await, wanted).await.unwrap();
    assert_eq!(sampled.answer, "a0 a1 a2 ");
    assert_eq!(sampled.finish, Some(Finish::Length));
    assert_eq!(server.chats().len(), 1);
}

#[tokio::test]
async fn a_server_that_ignores_the_limit_is_cut_off() {
    let server = Server::start(&["tiny"], |_, _| {
        let mut steps = vec![stream_head()];
        steps.extend((0..500).map(|_| delta(json!({"content": "a"}))));
        steps.push(Step::Hang);
        steps
    })
    .await;
    let sampled = sample(&connect(&server).await, request("?")).await.unwrap();
    assert_eq!(sampled.finish, Some(Finish::Length));
    assert!(sampled.answer.len() > 100);
}

#[tokio::test]
async fn a_model_without_thinking_can_be_asked_to_come_to_its_end() {
    let server = Server::start(
        &["tiny"],
        |n, _| if n == 0 { endless_answer() } else { answer("42") },
    )
    .await;
    let mut wanted = request("?");
    wanted.thinking.budget = Some(3);
    wanted.thinking.close_text = Some("The answer is".into());
    let sampled = sample(&connect(&server).await, wanted).await.unwrap();
    assert_eq!(
        server.chats()[1].body["messages"][1]["content"],
        "a0 a1 a2 \nThe answer is"
    );
    assert_eq!(sampled.answer, "a0 a1 a2 \nThe answer is42");
}

#[tokio::test]
async fn cancelling_ends_the_attempt_with_what_there_is() {
    let server = Server::start(&["tiny"], |_, _| endless_answer()).await;
    let wanted = request("?");
    let control = wanted.control.clone();
    let model = connect(&server).await;
    let mut events = model.sample(wanted);
    let mut last = None;
    while let Some(event) = events.next().await {
        let event = event.unwrap();
        if matches!(&event, ModelEvent::Text { text, .. } if text == "a2 ") {
            control.cancel();
        }
        last = Some(event);
    }
    let Some(ModelEvent::Done { finish, usage }) = last else {
        panic!("{last:?}");
    };
    assert_eq!(finish, Finish::Cancelled);
    assert_eq!(usage.completion_tokens, 3);
    hung_up(&server, 1).await;

    let wanted = request("?");
    wanted.control.cancel();
    let sampled = sample(&model, wanted).await.unwrap();
    assert_eq!(sampled.finish, Some(Finish::Cancelled));
}

#[tokio::test]
async fn dropping_the_stream_closes_the_connection() {
    let server = Server::start(&["tiny"], |_, _| endless_answer()).await;
    let model = connect(&server).await;
    let mut events = model.sample(request("?"));
    assert!(matches!(
        events.next().await,
        Some(Ok(ModelEvent::Started { .. }))
    ));
    drop(events);
    hung_up(&server, 1).await;
    // The permit came back as well.
    let server = Server::start(&["tiny"], |_, _| answer("ok")).await;
    let mut one = crate::options();
    one.concurrency = 1;
    let model = strawberry_remote::RemoteModel::connect(&server.base, one)
        .await
        .unwrap();
    drop(model.sample(request("?")));
    assert_eq!(sample(&model, request("?")).await.unwrap().answer, "ok");
}
