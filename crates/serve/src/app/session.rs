//! Logging in and out; whose session a request belongs to.

use std::sync::Arc;

use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use strawberry_store::User;
use strawberry_think::StrategyKind;

use super::passwords::Guard;
use crate::auth;
use crate::body::JsonBody;
use crate::error::ApiError;
use crate::state::{AppState, now_ms};

const COOKIE: &str = "strawberry_session";
const CSRF: &str = "x-csrf-token";
/// How long a session lasts: 30 days.
const SESSION_S: u64 = 30 * 86_400;

/// Who uses the app. As an extractor it lets a request in, or answers 401.
pub(super) struct Person {
    /// Who is logged in; `None` where nobody has to.
    pub(super) user: Option<User>,
}

impl Person {
    /// The id that owns this person's conversations.
    pub(super) fn owner(&self) -> &str {
        self.user.as_ref().map_or("", |u| u.id.as_str())
    }

    /// Lets administrators pass, and everybody where nobody has to log in.
    pub(super) fn administrator(&self) -> Result<(), ApiError> {
        match &self.user {
            Some(user) if !user.admin => Err(ApiError::forbidden("only administrators may do this")),
            _ => Ok(()),
        }
    }
}

impl FromRequestParts<AppState> for Person {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let user = known(state, &parts.headers).await?;
        if user.is_some() || !auth::needs_key(state).await? {
            return Ok(Person { user });
        }
        Err(ApiError::unauthorised(
            "log in first: there is no session, or it has expired",
        ))
    }
}

/// The id of the user whose session the request belongs to; `None` without a session.
///
/// # Errors
/// The session can't be looked up, or its request is forged.
pub async fn session_user(state: &AppState, headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    Ok(known(state, headers).await?.map(|user| user.id))
}

/// Whether there are users, so that a request without a session or a key is turned away.
///
/// # Errors
/// The store can't be read.
pub async fn has_users(state: &AppState) -> Result<bool, ApiError> {
    Ok(state.store.has_users().await?)
}

async fn known(state: &AppState, headers: &HeaderMap) -> Result<Option<User>, ApiError> {
    let Some(token) = token(headers) else {
        return Ok(None);
    };
    let Some(user) = state.store.session_user(token, now_ms()).await? else {
        return Ok(None);
    };
    if headers
        .get(CSRF)
        .is_none_or(|given| given.as_bytes() != csrf(token).as_bytes())
    {
        return Err(ApiError::forbidden(
            "this request was not made by the web app: it lacks the session's X-CSRF-Token",
        ));
    }
    Ok(Some(user))
}

fn token(headers: &HeaderMap) -> Option<&str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .find_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='))
}

/// The token that proves that a request comes from our own page: only that page can read it. It follows from
/// the session's, which it does not reveal.
fn csrf(token: &str) -> String {
    strawberry_store::users::hash(&format!("csrf:{token}"))
}

/// Who is asking, and what the app has to know before anything else.
#[derive(Serialize)]
pub(super) struct Me {
    user: Option<User>,
    /// Whether a session is needed.
    login: bool,
    /// Whether there is anybody who could log in.
    users: bool,
    csrf: String,
    version: &'static str,
    /// The names of the searches there are.
    strategies: Vec<&'static str>,
}

pub(super) async fn me(State(state): State<AppState>, headers: HeaderMap) -> Result<Json<Me>, ApiError> {
    let token = token(&headers);
    let user = match token {
        Some(token) => state.store.session_user(token, now_ms()).await?,
        None => None,
    };
    Ok(Json(Me {
        login: auth::needs_key(&state).await?,
        users: has_users(&state).await?,
        csrf: token.filter(|_| user.is_some()).map(csrf).unwrap_or_default(),
        user,
        version: env!("CARGO_PKG_VERSION"),
        strategies: StrategyKind::ALL.iter().map(|kind| kind.as_str()).collect(),
    }))
}

#[derive(Deserialize)]
pub(super) struct Login {
    name: String,
    password: String,
}

pub(super) async fn login(
    State(state): State<AppState>,
    Extension(guard): Extension<Arc<Guard>>,
    headers: HeaderMap,
    JsonBody(login): JsonBody<Login>,
) -> Result<Response, ApiError> {
    let (user, hash) = state.store.find_user(&login.name).await?.unzip();
    let right = guard.verify(&login.name, login.password, hash).await?;
    match user {
        Some(user) if right => begin(&state, &headers, &user).await,
        _ => Err(ApiError::unauthorised("the name or the password is wrong")),
    }
}

/// Begins a session of `user`: the cookie that names it.
async fn begin(state: &AppState, headers: &HeaderMap, user: &User) -> Result<Response, ApiError> {
    let mut bytes = [0u8; 32];
    getrandom::fill(&mut bytes).map_err(|e| ApiError::internal(format!("no random numbers: {e}")))?;
    let token: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
    let now = now_ms();
    let expires = now + SESSION_S * 1000;
    state.store.add_session(&user.id, &token, now, expires).await?;
    cookie(headers, &token, SESSION_S)
}

/// Sets the session's cookie. Scripts can't read it, and other sites' requests don't carry it. Behind a proxy
/// that speaks HTTPS it is never sent without.
fn cookie(headers: &HeaderMap, token: &str, seconds: u64) -> Result<Response, ApiError> {
    let https = headers
        .get("x-forwarded-proto")
        .is_some_and(|proto| proto == "https");
    let secure = if https { "; Secure" } else { "" };
    let cookie = format!("{COOKIE}={token}; Path=/; HttpOnly; SameSite=Strict; Max-Age={seconds}{secure}");
    let cookie = HeaderValue::from_str(&cookie).map_err(|e| ApiError::internal(e.to_string()))?;
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)]).into_response())
}

pub(super) async fn logout(
    State(state): State<AppState>,
    _: Person,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    if let Some(token) = token(&headers) {
        state.store.remove_session(token).await?;
    }
    cookie(&headers, "", 0)
}

#[derive(Deserialize)]
pub(super) struct NewPassword {
    old: String,
    password: String,
}

/// Changes one's own password. All sessions end but this one, which is begun anew.
pub(super) async fn change_password(
    State(state): State<AppState>,
    Extension(guard): Extension<Arc<Guard>>,
    person: Person,
    headers: HeaderMap,
    JsonBody(change): JsonBody<NewPassword>,
) -> Result<Response, ApiError> {
    let user = person
        .user
        .ok_or_else(|| ApiError::invalid("nobody is logged in: there is no password to change"))?;
    let hash = state.store.find_user(&user.name).await?.map(|(_, hash)| hash);
    if !guard.verify(&user.name, change.old, hash).await? {
        return Err(ApiError::forbidden("the present password is wrong"));
    }
    let hash = guard.hash(change.password).await?;
    state.store.set_password(&user.id, &hash).await?;
    begin(&state, &headers, &user).await
}
