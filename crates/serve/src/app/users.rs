//! Who may log in; what everybody used.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::{Extension, Json, RequestExt};
use serde::{Deserialize, Serialize};
use strawberry_core::date;
use strawberry_store::User;

use super::passwords::Guard;
use super::session::{Person, has_users};
use crate::auth::Caller;
use crate::body::JsonBody;
use crate::error::ApiError;
use crate::state::{AppState, new_id, now_ms};

/// Usage is shown for so many days.
const DAYS: u64 = 30;
const DAY_MS: u64 = 86_400_000;

pub(super) async fn list(State(state): State<AppState>, person: Person) -> Result<Json<Vec<User>>, ApiError> {
    person.administrator()?;
    Ok(Json(state.store.list_users().await?))
}

#[derive(Deserialize)]
struct NewUser {
    name: String,
    password: String,
    #[serde(default)]
    admin: bool,
}

/// Adds a user. The first one is added by whoever may use the server (without a key, or with one), and is an
/// administrator; all others by administrators.
pub(super) async fn add(
    State(state): State<AppState>,
    Extension(guard): Extension<Arc<Guard>>,
    mut request: Request,
) -> Result<(StatusCode, Json<User>), ApiError> {
    let first = !has_users(&state).await?;
    if first {
        request.extract_parts_with_state::<Caller, _>(&state).await?;
    } else {
        let person: Person = request.extract_parts_with_state(&state).await?;
        person.administrator()?;
    }
    let JsonBody(new): JsonBody<NewUser> = request.extract_with_state(&state).await?;
    let name = new.name.trim();
    if name.is_empty() || name.chars().count() > 64 || name.chars().any(char::is_control) {
        return Err(ApiError::param("name", "a name needs 1 to 64 characters"));
    }
    let user = User {
        id: new_id(""),
        name: name.to_owned(),
        admin: new.admin || first,
    };
    let hash = guard.hash(new.password).await?;
    if state.store.add_user(&user, &hash, now_ms(), first).await? {
        return Ok((StatusCode::CREATED, Json(user)));
    }
    let conflict = format!("there is a user named '{name}' already, or another first user was faster");
    Err(ApiError::new(
        StatusCode::CONFLICT,
        "invalid_request_error",
        Some("name_taken"),
        conflict,
    ))
}

pub(super) async fn remove(
    State(state): State<AppState>,
    person: Person,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    person.administrator()?;
    if person.owner() == id {
        return Err(ApiError::invalid(
            "nobody can remove themselves: let another administrator do it",
        ));
    }
    match state.store.remove_user(&id).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(ApiError::not_found("unknown_user", "there is no such user")),
    }
}

/// What somebody used of one model on one day.
#[derive(Serialize)]
pub(super) struct UsageRow {
    /// The day (UTC), as `2026-11-24`.
    day: String,
    /// `user` or `key`.
    kind: &'static str,
    /// Their name; empty for whoever used the server without either.
    name: String,
    model: String,
    requests: u64,
    prompt_tokens: u64,
    completion_tokens: u64,
    reasoning_tokens: u64,
}

pub(super) async fn usage(
    State(state): State<AppState>,
    person: Person,
) -> Result<Json<Vec<UsageRow>>, ApiError> {
    person.administrator()?;
    let users: HashMap<_, _> = state
        .store
        .list_users()
        .await?
        .into_iter()
        .map(|u| (u.id, u.name))
        .collect();
    let keys: HashMap<_, _> = state
        .store
        .list_api_keys()
        .await?
        .into_iter()
        .map(|k| (k.id, k.name))
        .collect();
    let rows = state
        .store
        .list_api_usage(now_ms().saturating_sub(DAYS * DAY_MS))
        .await?;
    let name = |names: &HashMap<String, String>, id: &str| {
        names
            .get(id)
            .cloned()
            .unwrap_or_else(|| format!("{id} (removed)"))
    };
    let rows = rows.into_iter().map(|row| {
        let (kind, name) = match row.caller.split_once(':') {
            Some(("key", id)) => ("key", name(&keys, id)),
            Some((_, id)) => ("user", name(&users, id)),
            None => ("user", String::new()),
        };
        UsageRow {
            day: date::of_days(row.day),
            kind,
            name,
            model: row.model,
            requests: row.requests,
            prompt_tokens: row.prompt_tokens,
            completion_tokens: row.completion_tokens,
            reasoning_tokens: row.reasoning_tokens,
        }
    });
    Ok(Json(rows.collect()))
}
