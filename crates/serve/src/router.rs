//! The routes, and what all of them share.

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::{AllowHeaders, AllowMethods, AllowOrigin, CorsLayer};

use crate::error::ApiError;
use crate::state::AppState;
use crate::{app, chat, completions, embeddings, health, log, metrics, models, openapi, requests, responses};

/// All routes of a server.
pub fn router(state: AppState) -> Router {
    let origins = state.settings.cors_origins.iter();
    let origins: Vec<HeaderValue> = origins.filter_map(|o| HeaderValue::from_str(o).ok()).collect();
    let router = api()
        .merge(app::router())
        .fallback(unknown)
        .method_not_allowed_fallback(wrong_method)
        .layer(middleware::from_fn_with_state(state.clone(), guard))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn_with_state(state.clone(), log::request))
        .with_state(state);
    if origins.is_empty() {
        return router;
    }
    let cors = CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_methods(AllowMethods::list([Method::GET, Method::POST, Method::DELETE]))
        .allow_headers(AllowHeaders::list([header::AUTHORIZATION, header::CONTENT_TYPE]));
    router.layer(cors)
}

fn api() -> Router<AppState> {
    Router::new()
        .route("/health", get(health::alive))
        .route("/ready", get(health::ready))
        .route("/metrics", get(metrics::text))
        .route("/openapi.json", get(openapi::get))
        .route("/v1/completions", post(completions::create))
        .route("/v1/embeddings", post(embeddings::create))
        .route("/v1/models", get(models::list))
        .route("/v1/models/{*id}", get(models::get))
        .route("/v1/chat/completions", post(chat::create))
        .route("/v1/responses", post(responses::create))
        .route(
            "/v1/responses/{id}",
            get(responses::get).delete(responses::delete),
        )
        .route("/v1/responses/{id}/cancel", post(responses::cancel))
        .route("/v1/responses/{id}/input_items", get(responses::input_items))
        .route("/v1/requests", get(requests::list))
        .route("/v1/requests/{id}/answer_now", post(requests::answer_now))
        .route("/v1/requests/{id}/cancel", post(requests::cancel))
}

async fn unknown(uri: Uri) -> ApiError {
    let path: String = uri.path().chars().take(100).collect();
    ApiError::not_found("unknown_url", format!("there is nothing at {path}"))
}

async fn wrong_method(method: Method, uri: Uri) -> ApiError {
    let path: String = uri.path().chars().take(100).collect();
    ApiError::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "invalid_request_error",
        None,
        format!("{path} does not take {method}"),
    )
}

fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    ApiError::internal("a part of the server failed; please report it").into_response()
}

/// What every request passes: web pages of other origins are turned away, unless they were allowed by name,
/// and a server without keys answers only to its own local names, so that a page that makes its name point
/// here (DNS rebinding) gets nothing.
async fn guard(State(state): State<AppState>, request: Request, next: Next) -> Response {
    match admit(&state, request.headers()) {
        Ok(()) => next.run(request).await,
        Err(error) => error.into_response(),
    }
}

fn admit(state: &AppState, headers: &HeaderMap) -> Result<(), ApiError> {
    let text = |name| headers.get(name).and_then(|v: &HeaderValue| v.to_str().ok());
    let host = text(header::HOST).unwrap_or("");
    if state.settings.local_only && !is_local(host) {
        return Err(ApiError::forbidden(
            "this server answers to localhost only: start it with --host to be reached by another name",
        ));
    }
    if let Some(origin) = text(header::ORIGIN) {
        let same = origin.split_once("://").is_some_and(|(_, o)| o == host);
        if !same && !state.settings.cors_origins.iter().any(|o| o == origin) {
            return Err(ApiError::forbidden(
                "web pages of other origins may not use this server: allow them with --cors-origin",
            ));
        }
    }
    Ok(())
}

/// Whether a `Host` header names this machine itself.
fn is_local(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or(""),
        None => host.split(':').next().unwrap_or(""),
    };
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::is_local;

    #[test]
    fn only_names_of_this_machine_are_local() {
        for host in [
            "localhost",
            "localhost:8080",
            "127.0.0.1:1",
            "[::1]:80",
            "LOCALHOST",
        ] {
            assert!(is_local(host), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "127.0.0.1.evil.example",
            "localhost.evil:80",
            "10.0.0.1",
        ] {
            assert!(!is_local(host), "{host}");
        }
    }
}
