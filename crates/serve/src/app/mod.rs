//! The web app: its own API under `/api`, and the static files.
//!
//! | file | what to change there |
//! |---|---|
//! | `files` | the embedded files and the content security policy |
//! | `session` | logging in and out; whose session a request belongs to |
//! | `passwords` | hashing, and slowing guesses down |
//! | `users` | who may log in; usage, for administrators |
//! | `conversations` | conversations and their messages |
//! | `transfer` | conversations as files; traces |
//!
//! While there is no user and no API key, whoever can reach the server (which then listens on loopback only)
//! may do everything, and conversations belong to nobody. The first user is an administrator and takes them
//! over; from then on everybody logs in. A session is a cookie that scripts can't read; every request it
//! accompanies must also carry a token that other sites can't know (`X-CSRF-Token`).

mod conversations;
mod files;
mod passwords;
mod session;
mod transfer;
mod users;

use std::sync::Arc;

use axum::routing::{get, post, put};
use axum::{Extension, Router};

use crate::state::AppState;

pub use session::{has_users, session_user};

/// The routes of the web app. They are merged with those of the API.
pub fn router() -> Router<AppState> {
    Router::new()
        .route("/api/me", get(session::me))
        .route("/api/login", post(session::login))
        .route("/api/logout", post(session::logout))
        .route("/api/password", post(session::change_password))
        .route("/api/users", get(users::list).post(users::add))
        .route("/api/users/{id}", axum::routing::delete(users::remove))
        .route("/api/usage", get(users::usage))
        .route(
            "/api/conversations",
            get(conversations::list).post(conversations::create),
        )
        .route(
            "/api/conversations/{id}",
            get(conversations::open)
                .patch(conversations::change)
                .delete(conversations::remove),
        )
        .route(
            "/api/conversations/{id}/messages",
            post(conversations::add_message),
        )
        .route(
            "/api/conversations/{id}/messages/{seq}",
            put(conversations::update_message),
        )
        .route("/api/conversations/{id}/export", get(transfer::export))
        .route("/api/import", post(transfer::import))
        .route("/api/traces/{id}", get(transfer::trace))
        .layer(Extension(Arc::new(passwords::Guard::default())))
        .merge(files::router())
}
