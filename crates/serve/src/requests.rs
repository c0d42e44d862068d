//! `/v1/requests`: requests in flight can be told to answer now, or to stop.

use axum::Json;
use axum::extract::{Path, State};
use schemars::JsonSchema;
use serde::Serialize;
use strawberry_think::RunControl;

use crate::auth::Caller;
use crate::error::ApiError;
use crate::inflight::Flight;
use crate::state::AppState;

/// A request in flight.
#[derive(Serialize, JsonSchema)]
pub struct RequestObject {
    /// Its id: that of the chat completion or the response, or the client's own (`X-Request-Id`).
    pub id: String,
    /// `request`.
    pub object: &'static str,
    /// The model's name.
    pub model: String,
    /// When it began, in seconds since the Unix epoch.
    pub created: u64,
}

/// Requests in flight.
#[derive(Serialize, JsonSchema)]
pub struct RequestList {
    /// `list`.
    pub object: &'static str,
    /// The requests, oldest first.
    pub data: Vec<RequestObject>,
}

fn object(id: String, flight: &Flight) -> RequestObject {
    RequestObject {
        id,
        object: "request",
        model: flight.model.clone(),
        created: flight.time_ms / 1000,
    }
}

/// The caller's requests in flight.
pub async fn list(State(state): State<AppState>, caller: Caller) -> Json<RequestList> {
    let all = state.in_flight.list(&caller.0);
    Json(RequestList {
        object: "list",
        data: all.into_iter().map(|(id, f)| object(id, &f)).collect(),
    })
}

fn tell(
    state: &AppState,
    caller: &Caller,
    id: String,
    what: fn(&RunControl),
) -> Result<Json<RequestObject>, ApiError> {
    let flight = state.in_flight.find(&id, &caller.0).ok_or_else(|| {
        ApiError::not_found(
            "request_not_found",
            "no request with this id is in flight: it has ended, or is not yours",
        )
    })?;
    flight.controls.iter().for_each(what);
    Ok(Json(object(id, &flight)))
}

/// Tells a request to stop thinking and answer.
pub async fn answer_now(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<RequestObject>, ApiError> {
    tell(&state, &caller, id, RunControl::answer_now)
}

/// Tells a request to stop at once with the best answer so far.
pub async fn cancel(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<RequestObject>, ApiError> {
    tell(&state, &caller, id, RunControl::interrupt)
}
