//! Conversations and their messages.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use strawberry_core::{Message, Role};
use strawberry_store::{
    Conversation, ConversationChange, ConversationMessage, ConversationSummary, NewMessage,
};

use super::session::Person;
use crate::body::JsonBody;
use crate::error::ApiError;
use crate::state::{AppState, new_id, now_ms};

/// Conversations listed at most.
const LISTED: u32 = 1000;
/// Bytes of a conversation's settings at most.
const SETTINGS_BYTES: usize = 256 << 10;

pub(super) fn no_such() -> ApiError {
    ApiError::not_found("unknown_conversation", "there is no such conversation")
}

/// Settings and meta are the app's own business, but they are objects of bounded size.
pub(super) fn object(name: &str, value: &Value) -> Result<(), ApiError> {
    if !value.is_object() || value.to_string().len() > SETTINGS_BYTES {
        let message = format!(
            "{name} must be a JSON object of at most {} KiB",
            SETTINGS_BYTES >> 10
        );
        return Err(ApiError::param(name, message));
    }
    Ok(())
}

fn empty() -> Value {
    Value::Object(Default::default())
}

#[derive(Deserialize)]
pub(super) struct Which {
    #[serde(default)]
    q: String,
    #[serde(default)]
    archived: bool,
}

pub(super) async fn list(
    State(state): State<AppState>,
    person: Person,
    Query(which): Query<Which>,
) -> Result<Json<Vec<ConversationSummary>>, ApiError> {
    let query: String = which.q.chars().take(200).collect();
    let found = state
        .store
        .find_conversations(person.owner(), &query, which.archived, LISTED)
        .await?;
    Ok(Json(found))
}

#[derive(Deserialize)]
pub(super) struct New {
    #[serde(default = "empty")]
    settings: Value,
}

pub(super) async fn create(
    State(state): State<AppState>,
    person: Person,
    JsonBody(new): JsonBody<New>,
) -> Result<(StatusCode, Json<Conversation>), ApiError> {
    object("settings", &new.settings)?;
    let change = ConversationChange {
        settings: Some(new.settings),
        ..ConversationChange::default()
    };
    let id = new_id("");
    state
        .store
        .create_conversation(person.owner(), &id, now_ms(), &change, &[])
        .await?;
    let made = load(&state, &person, &id).await?;
    Ok((StatusCode::CREATED, Json(made)))
}

pub(super) async fn load(state: &AppState, person: &Person, id: &str) -> Result<Conversation, ApiError> {
    state
        .store
        .conversation(person.owner(), id)
        .await?
        .ok_or_else(no_such)
}

pub(super) async fn open(
    State(state): State<AppState>,
    person: Person,
    Path(id): Path<String>,
) -> Result<Json<Conversation>, ApiError> {
    load(&state, &person, &id).await.map(Json)
}

#[derive(Deserialize)]
pub(super) struct Change {
    title: Option<String>,
    pinned: Option<bool>,
    archived: Option<bool>,
    #[serde(default, deserialize_with = "given")]
    folder: Option<Option<String>>,
    settings: Option<Value>,
    leaf: Option<u64>,
}

/// Tells `null` (take it out of its folder) from a field that is not there (leave it).
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

pub(super) async fn change(
    State(state): State<AppState>,
    person: Person,
    Path(id): Path<String>,
    JsonBody(change): JsonBody<Change>,
) -> Result<Json<ConversationSummary>, ApiError> {
    if let Some(settings) = &change.settings {
        object("settings", settings)?;
    }
    let change = ConversationChange {
        title: change.title,
        pinned: change.pinned,
        archived: change.archived,
        folder: change.folder,
        settings: change.settings,
        leaf: change.leaf,
    };
    state
        .store
        .change_conversation(person.owner(), &id, &change)
        .await?;
    let summary = state.store.conversation_summary(person.owner(), &id).await?;
    summary.map(Json).ok_or_else(no_such)
}

pub(super) async fn remove(
    State(state): State<AppState>,
    person: Person,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    match state.store.remove_conversation(person.owner(), &id).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(no_such()),
    }
}

/// A message as the app sends it, and as it is in exported files.
#[derive(Deserialize)]
pub(super) struct Said {
    pub(super) parent: Option<u64>,
    pub(super) role: Role,
    pub(super) content: String,
    pub(super) thinking: Option<String>,
    pub(super) run: Option<String>,
    #[serde(default = "empty")]
    pub(super) meta: Value,
}

impl Said {
    pub(super) fn message(self) -> Result<NewMessage, ApiError> {
        object("meta", &self.meta)?;
        Ok(NewMessage {
            parent: self.parent,
            message: Message {
                thinking: self.thinking,
                ..Message::new(self.role, self.content)
            },
            run: self.run,
            meta: self.meta,
        })
    }
}

pub(super) async fn add_message(
    State(state): State<AppState>,
    person: Person,
    Path(id): Path<String>,
    JsonBody(said): JsonBody<Said>,
) -> Result<(StatusCode, Json<ConversationMessage>), ApiError> {
    let message = said.message()?;
    let parent = message.parent;
    let time_ms = now_ms();
    let conversation = load(&state, &person, &id).await?;
    if parent.is_some_and(|parent| conversation.messages.iter().all(|m| m.seq != parent)) {
        return Err(ApiError::param(
            "parent",
            "parent: the conversation has no such message",
        ));
    }
    let added = state
        .store
        .add_message(person.owner(), &id, time_ms, &message)
        .await?;
    let seq = added.ok_or_else(no_such)?;
    let added = ConversationMessage {
        seq,
        parent,
        message: message.message,
        run: message.run,
        meta: message.meta,
        time_ms,
    };
    Ok((StatusCode::CREATED, Json(added)))
}

#[derive(Deserialize)]
pub(super) struct Update {
    content: String,
    thinking: Option<String>,
    run: Option<String>,
    #[serde(default = "empty")]
    meta: Value,
}

/// Replaces what an answer says: it grows while it is made.
pub(super) async fn update_message(
    State(state): State<AppState>,
    person: Person,
    Path((id, seq)): Path<(String, u64)>,
    JsonBody(update): JsonBody<Update>,
) -> Result<StatusCode, ApiError> {
    object("meta", &update.meta)?;
    let message = Message {
        thinking: update.thinking,
        ..Message::assistant(update.content)
    };
    let updated = state
        .store
        .update_message(
            person.owner(),
            &id,
            seq,
            &message,
            update.run.as_deref(),
            &update.meta,
        )
        .await?;
    match updated {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(ApiError::not_found("unknown_message", "there is no such message")),
    }
}
