//! Conversations as files; traces.

use std::fmt::Write;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use strawberry_core::{Role, StoreError, TraceStore};
use strawberry_store::{Conversation, ConversationChange};

use super::conversations::{Said, load, object};
use super::session::Person;
use crate::body::JsonBody;
use crate::error::ApiError;
use crate::state::{AppState, new_id, now_ms};

/// The version of the format of exported conversations.
const FORMAT: u32 = 1;

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Format {
    #[default]
    Json,
    Markdown,
}

#[derive(Deserialize)]
pub(super) struct Wanted {
    #[serde(default)]
    format: Format,
}

pub(super) async fn export(
    State(state): State<AppState>,
    person: Person,
    Path(id): Path<String>,
    Query(wanted): Query<Wanted>,
) -> Result<Response, ApiError> {
    let conversation = load(&state, &person, &id).await?;
    Ok(match wanted.format {
        Format::Json => Json(json!({
            "strawberry_conversation": FORMAT,
            "title": conversation.summary.title,
            "folder": conversation.summary.folder,
            "settings": conversation.settings,
            "leaf": conversation.leaf,
            "messages": conversation.messages,
        }))
        .into_response(),
        Format::Markdown => {
            let kind = [(header::CONTENT_TYPE, "text/markdown; charset=utf-8")];
            (kind, markdown(&conversation)).into_response()
        }
    })
}

/// The branch in use as a document to read.
fn markdown(conversation: &Conversation) -> String {
    let mut out = format!("# {}\n", conversation.summary.title);
    for message in conversation.branch() {
        let who = match message.message.role {
            Role::System => "Instructions",
            Role::User => "Question",
            Role::Assistant => "Answer",
            Role::Tool => "Tool",
        };
        let facts: Vec<String> = ["model", "effort"]
            .iter()
            .filter_map(|key| message.meta.get(key)?.as_str().map(str::to_owned))
            .collect();
        let facts = if facts.is_empty() {
            String::new()
        } else {
            format!(" ({})", facts.join(", "))
        };
        // Writing to a string can't fail.
        let _ = write!(
            out,
            "\n## {who}{facts}\n\n{}\n",
            message.message.content.trim_end()
        );
    }
    out
}

/// An exported conversation.
#[derive(Deserialize)]
pub(super) struct Exported {
    strawberry_conversation: u32,
    #[serde(default)]
    title: String,
    folder: Option<String>,
    #[serde(default)]
    settings: Option<Value>,
    leaf: Option<u64>,
    messages: Vec<Numbered>,
}

#[derive(Deserialize)]
struct Numbered {
    seq: u64,
    #[serde(flatten)]
    said: Said,
}

#[derive(Serialize)]
pub(super) struct Imported {
    id: String,
}

pub(super) async fn import(
    State(state): State<AppState>,
    person: Person,
    JsonBody(exported): JsonBody<Exported>,
) -> Result<(StatusCode, Json<Imported>), ApiError> {
    if exported.strawberry_conversation != FORMAT {
        return Err(ApiError::param(
            "strawberry_conversation",
            format!("this version reads format {FORMAT} only"),
        ));
    }
    let settings = exported.settings.unwrap_or_else(|| json!({}));
    object("settings", &settings)?;
    // Numbers are given anew, from 0 without gaps.
    let mut numbers = std::collections::HashMap::new();
    let mut messages = Vec::with_capacity(exported.messages.len());
    for (i, numbered) in exported.messages.into_iter().enumerate() {
        let mut message = numbered.said.message()?;
        if let Some(parent) = message.parent {
            message.parent = Some(*numbers.get(&parent).ok_or_else(|| {
                let what = format!("messages[{i}].parent: no earlier message has the number {parent}");
                ApiError::param("messages", what)
            })?);
        }
        if numbers.insert(numbered.seq, i as u64).is_some() {
            let what = format!("messages[{i}].seq: two messages have the number {}", numbered.seq);
            return Err(ApiError::param("messages", what));
        }
        messages.push(message);
    }
    let change = ConversationChange {
        title: Some(exported.title).filter(|title| !title.is_empty()),
        folder: Some(exported.folder),
        settings: Some(settings),
        leaf: exported.leaf.and_then(|leaf| numbers.get(&leaf).copied()),
        ..ConversationChange::default()
    };
    let id = new_id("");
    state
        .store
        .create_conversation(person.owner(), &id, now_ms(), &change, &messages)
        .await?;
    Ok((StatusCode::CREATED, Json(Imported { id })))
}

/// The events of a run, one JSON object a line. Whoever knows a run's whole id, which nobody can guess, may
/// read it: the answer it belongs to was shared with them.
pub(super) async fn trace(
    State(state): State<AppState>,
    _: Person,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let unknown = || ApiError::not_found("unknown_trace", "there is no such trace");
    let (run, events) = match state.store.load(&id).await {
        Ok(found) => found,
        Err(StoreError::NoSuchRun(_) | StoreError::Ambiguous(_)) => return Err(unknown()),
        Err(error) => return Err(error.into()),
    };
    if run.0 != id {
        return Err(unknown());
    }
    let mut lines = String::new();
    for event in &events {
        let line = serde_json::to_string(event).map_err(|e| ApiError::internal(e.to_string()))?;
        lines.push_str(&line);
        lines.push('\n');
    }
    Ok(([(header::CONTENT_TYPE, "application/jsonl")], lines).into_response())
}
