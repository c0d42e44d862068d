//! The web app: its own API under `/api`, and the static files.

use axum::Router;
use axum::http::HeaderMap;

use crate::error::ApiError;
use crate::state::AppState;

/// The routes of the web app. They are merged with those of the API.
pub fn router() -> Router<AppState> {
    Router::new()
}

/// The id of the user whose session the request belongs to; `None` without a session.
///
/// # Errors
/// The session can't be looked up, or its request is forged.
pub async fn session_user(_state: &AppState, _headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    Ok(None)
}

/// Whether there are users, so that a request without a session or a key is turned away.
///
/// # Errors
/// The store can't be read.
pub async fn has_users(_state: &AppState) -> Result<bool, ApiError> {
    Ok(false)
}
