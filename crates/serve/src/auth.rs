//! Who asks: an API key, a user of the web app, or anybody where neither exists.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use strawberry_store::ApiKey;

use crate::app;
use crate::error::ApiError;
use crate::state::{AppState, new_id, now_ms};

/// Who asks: `key:ID`, `user:ID`, or empty where no key is needed. As an extractor it lets a request in, or
/// answers 401 or 429.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller(pub String);

impl FromRequestParts<AppState> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        caller(state, &parts.headers).await
    }
}

async fn caller(state: &AppState, headers: &HeaderMap) -> Result<Caller, ApiError> {
    if let Some(secret) = bearer(headers)
        && let Some(key) = state.store.find_api_key(secret).await?
    {
        state.quotas.take(&key, &state.store).await?;
        return Ok(Caller(format!("key:{}", key.id)));
    }
    if let Some(user) = app::session_user(state, headers).await? {
        return Ok(Caller(format!("user:{user}")));
    }
    if !needs_key(state).await? {
        return Ok(Caller(String::new()));
    }
    Err(ApiError::unauthorised(if bearer(headers).is_some() {
        "this API key is not known here: `strawberry serve key add NAME` makes one"
    } else {
        "an API key is needed: send it as 'Authorization: Bearer …' (`strawberry serve key add NAME` makes one)"
    }))
}

/// Whether a request without a key or a session is turned away.
pub(crate) async fn needs_key(state: &AppState) -> Result<bool, ApiError> {
    Ok(state.settings.require_key
        || !state.store.list_api_keys().await?.is_empty()
        || app::has_users(state).await?)
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, secret) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(secret.trim())
}

/// A new API key and its secret, of 256 random bits.
///
/// # Errors
/// The system gives no random numbers.
pub fn new_key(
    name: &str,
    requests_per_minute: Option<u32>,
    tokens_per_day: Option<u64>,
) -> Result<(ApiKey, String), getrandom::Error> {
    let mut bytes = [0u8; 32];
    getrandom::fill(&mut bytes)?;
    let secret = bytes
        .iter()
        .fold("sb-".to_owned(), |s, b| s + &format!("{b:02x}"));
    let id = new_id("");
    let key = ApiKey {
        // The random end of the id, short enough to type.
        id: id[id.len() - 10..].to_owned(),
        name: name.to_owned(),
        time_ms: now_ms(),
        requests_per_minute,
        tokens_per_day,
    };
    Ok((key, secret))
}
