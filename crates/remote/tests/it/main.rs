//! The client against a real server on a local port.

mod answers;
mod control;
mod failures;
mod server;

use std::time::Duration;

use futures::StreamExt;
use strawberry_core::{
    Channel, Finish, Message, Model, ModelError, ModelEvent, SampleRequest, ToolCall, Usage,
};
use strawberry_remote::{RemoteModel, RemoteOptions};

use crate::server::Server;

/// What came of an attempt.
#[derive(Debug, Default)]
struct Sampled {
    thinking: String,
    answer: String,
    calls: Vec<ToolCall>,
    finish: Option<Finish>,
    usage: Usage,
}

fn options() -> RemoteOptions {
    RemoteOptions {
        retry_wait: Duration::from_millis(1),
        max_retries: 2,
        ..RemoteOptions::default()
    }
}

fn request(question: &str) -> SampleRequest {
    SampleRequest {
        messages: vec![Message::user(question)],
        max_tokens: 100,
        ..SampleRequest::default()
    }
}

async fn connect(server: &Server) -> RemoteModel {
    RemoteModel::connect(&server.base, options()).await.unwrap()
}

async fn sample(model: &RemoteModel, request: SampleRequest) -> Result<Sampled, ModelError> {
    let mut events = model.sample(request);
    let (mut out, mut started) = (Sampled::default(), false);
    while let Some(event) = events.next().await {
        assert!(out.finish.is_none(), "{event:?} after the end");
        match event? {
            ModelEvent::Started { .. } => assert!(!std::mem::replace(&mut started, true)),
            ModelEvent::Text { channel, text, .. } => {
                assert!(started);
                match channel {
                    Channel::Thinking => out.thinking.push_str(&text),
                    Channel::Answer => out.answer.push_str(&text),
                }
            }
            ModelEvent::ToolCalls(calls) => out.calls = calls,
            ModelEvent::Done { finish, usage } => (out.finish, out.usage) = (Some(finish), usage),
        }
    }
    assert!(out.finish.is_some(), "the stream ended without an end");
    Ok(out)
}

async fn error_of(server: &Server) -> String {
    let model = connect(server).await;
    sample(&model, request("?")).await.unwrap_err().to_string()
}
