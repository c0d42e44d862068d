//! Structured logs: one line per request, never a word of a prompt or an answer.

use std::time::{Instant, SystemTime};

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;

use crate::chat::REQUEST_ID;
use crate::otel::Span;
use crate::state::AppState;

/// Logs a request and counts it.
pub async fn request(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let start = Instant::now();
    let matched = request.extensions().get::<MatchedPath>();
    // A path that matches no route may hold anything, so it is not logged.
    let route = matched.map_or_else(|| "unknown".to_owned(), |m| m.as_str().to_owned());
    let method = request.method().clone();
    let begun = SystemTime::now();
    let parent = request.headers().get("traceparent");
    let parent = parent.and_then(|v| v.to_str().ok()).map(str::to_owned);
    let response = next.run(request).await;
    let (status, elapsed) = (response.status().as_u16(), start.elapsed());
    state.metrics.request(&route, status, elapsed.as_secs_f64());
    let id = response.headers().get(REQUEST_ID).and_then(|v| v.to_str().ok());
    state.tracer.end(|| Span {
        name: format!("{method} {route}"),
        kind: 2,
        start: begun,
        parent,
        failed: status >= 500,
        attributes: vec![
            ("http.request.method", method.as_str().into()),
            ("http.route", route.clone().into()),
            ("http.response.status_code", status.into()),
            ("strawberry.request.id", id.into()),
        ],
    });
    tracing::info!(%method, route, status, ms = elapsed.as_millis() as u64, id, "request");
    response
}

/// Writes logs to standard error, as JSON or for people. `STRAWBERRY_LOG` sets the least level: `error`,
/// `warn`, `info` (default) or `debug`.
pub fn init(json: bool) {
    let level = std::env::var("STRAWBERRY_LOG").ok().and_then(|l| l.parse().ok());
    let builder = tracing_subscriber::fmt()
        .with_max_level(level.unwrap_or(tracing::Level::INFO))
        .with_writer(std::io::stderr)
        .with_target(false);
    // A second call, in a program that has logs already, changes nothing.
    let _ = if json {
        builder.json().flatten_event(true).try_init()
    } else {
        builder.try_init()
    };
}
