//! The embedded files of the web app.

use axum::Router;
use axum::extract::Path;
use axum::http::header::{self, HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::error::ApiError;
use crate::state::AppState;

/// Name and content of every file that `make web` made, from `web/dist`; empty when it was not run. Scripts
/// and styles are compressed (`.gz`).
static FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/web.rs"));

/// What the page may do: run its own scripts, use its own styles, fonts and images, and talk to this server.
/// Nothing inline, nothing from elsewhere, in no frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Shown where the app was not built.
const NOT_BUILT: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Strawberry</title>\
    <h1>The web app is not in this program</h1><p>It was compiled without it. Run <code>make web</code>, which \
    needs Node.js 20 or newer, then build the program again. The API under <code>/v1</code> works without it.</p>";

/// The routes of the files.
pub(super) fn router() -> Router<AppState> {
    Router::new()
        .route("/", get(index))
        .route("/icon.svg", get(|| async { file("icon.svg") }))
        .route("/assets/{name}", get(asset))
}

fn find(name: &str) -> Option<&'static [u8]> {
    FILES.iter().find(|(n, _)| *n == name).map(|(_, bytes)| *bytes)
}

async fn index() -> Response {
    let page = find("index.html").unwrap_or(NOT_BUILT.as_bytes());
    respond("index.html", page, "no-cache")
}

async fn asset(Path(name): Path<String>) -> Result<Response, ApiError> {
    file(&format!("assets/{name}"))
}

fn file(name: &str) -> Result<Response, ApiError> {
    // Names of assets hold a hash of their content.
    let caching = if name.starts_with("assets/") {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    if let Some(bytes) = find(name) {
        return Ok(respond(name, bytes, caching));
    }
    let bytes = find(&format!("{name}.gz"))
        .ok_or_else(|| ApiError::not_found("unknown_url", "the web app has no such file"))?;
    let mut response = respond(name, bytes, caching);
    let encoding = HeaderValue::from_static("gzip");
    response.headers_mut().insert(header::CONTENT_ENCODING, encoding);
    Ok(response)
}

fn respond(name: &str, bytes: &'static [u8], caching: &'static str) -> Response {
    let kind = match name.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("woff2") => "font/woff2",
        _ => "application/octet-stream",
    };
    let headers: [(HeaderName, &'static str); 6] = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, caching),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
    ];
    (headers, bytes).into_response()
}
