//! `/health` (the process runs) and `/ready` (it takes requests).

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

use crate::state::AppState;

/// How the server is.
#[derive(Serialize, JsonSchema)]
pub struct Health {
    /// `ok` or `draining`.
    pub status: &'static str,
    /// Version of the program.
    pub version: &'static str,
    /// Requests at work.
    pub running: usize,
    /// Requests waiting.
    pub waiting: usize,
}

fn health(state: &AppState) -> Health {
    Health {
        status: if state.is_draining() { "draining" } else { "ok" },
        version: env!("CARGO_PKG_VERSION"),
        running: state.queue.at_work(),
        waiting: state.queue.waiting(),
    }
}

/// The process runs.
pub async fn alive(State(state): State<AppState>) -> Json<Health> {
    Json(health(&state))
}

/// It takes requests: 503 while it drains.
pub async fn ready(State(state): State<AppState>) -> (StatusCode, Json<Health>) {
    let status = if state.is_draining() {
        StatusCode::SERVICE_UNAVAILABLE
    } else {
        StatusCode::OK
    };
    (status, Json(health(&state)))
}
