//! `/v1/chat/completions`.

mod messages;
pub mod request;
pub mod response;
pub(crate) mod stream;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};

use crate::auth::Caller;
use crate::body::JsonBody;
use crate::error::ApiError;
use crate::start::{Running, start};
use crate::state::{AppState, new_id, now_ms};
use request::ChatRequest;
use response::{ChatCompletion, Head};

pub use messages::{ChatMessage, Content};
pub(crate) use request::random_seed;

/// The header by which a client may name its request, and by which it is told the name.
pub const REQUEST_ID: &str = "x-request-id";

/// The id of a request: the client's own, or a new one.
///
/// # Errors
/// The client's is no good.
pub fn request_id(headers: &HeaderMap, prefix: &str) -> Result<String, ApiError> {
    let Some(value) = headers.get(REQUEST_ID) else {
        return Ok(new_id(prefix));
    };
    let good = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let id = value.to_str().unwrap_or("");
    if id.is_empty() || id.len() > 128 || !id.chars().all(good) {
        return Err(ApiError::invalid(
            "the header X-Request-Id takes 1 to 128 letters, digits, '-' and '_'",
        ));
    }
    Ok(id.to_owned())
}

/// Answers a conversation.
pub async fn create(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    JsonBody(request): JsonBody<ChatRequest>,
) -> Result<Response, ApiError> {
    let id = request_id(&headers, "chatcmpl-")?;
    let ask = request.ask(&state)?;
    let choices = request.choices(&state)?;
    let turn = state.queue.turn().await?;
    let running = start(&state, &caller.0, &id, &ask, choices, turn)?;
    let head = Head {
        id: id.clone(),
        created: now_ms() / 1000,
        model: state.models[ask.model].id.clone(),
    };
    let mut response = if request.stream.unwrap_or(false) {
        stream::respond(head, running, choices, request.stream_options()).await?
    } else {
        axum::Json(whole(head, running, request.logprobs.unwrap_or(false)).await?).into_response()
    };
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    Ok(response)
}

async fn whole(head: Head, mut running: Running, logprobs: bool) -> Result<ChatCompletion, ApiError> {
    let mut completion = ChatCompletion::new(head);
    while let Some((index, piece)) = running.next().await {
        completion.take(index, piece?, logprobs);
    }
    completion.finish();
    Ok(completion)
}
