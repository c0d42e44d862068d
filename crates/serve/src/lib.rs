//! An OpenAI-compatible HTTP API that thinks, and the web app.
//!
//! ```text
//! connection ─► server ─► router ─► auth, body ─► chat │ responses │ completions │ embeddings
//!                                                   └──► Ask ─► start ─► generate ─► think (the search)
//!                                    pieces, as they come ◄────────────────┘  ▲ shape, tools: the request's
//!                                                                               own settings for every attempt
//! ```
//!
//! | module | what to change there |
//! |---|---|
//! | [`server`] | listening, connections, draining |
//! | [`router`] | the routes, and what all of them share |
//! | [`state`] | what all handlers share; settings and limits |
//! | [`auth`], [`quota`] | keys, who asks, what they may spend |
//! | [`queue`] | who may start working; 429 |
//! | [`body`], [`error`] | reading JSON; errors in OpenAI's shape |
//! | [`chat`] | `/v1/chat/completions` |
//! | [`responses`] | `/v1/responses`, and its background jobs |
//! | [`completions`], [`embeddings`], [`models`], [`requests`], [`health`] | the small endpoints |
//! | [`metrics`], [`log`], [`otel`], [`openapi`] | what operators and programs see |
//! | [`start`], [`generate`] | one request of any endpoint: plan, runs, pieces |
//! | [`shape`], [`tools`] | settings the search knows nothing of: stop strings, grammars, tools |
//! | [`narrate`] | many attempts as one readable text |
//! | [`inflight`] | "answer now", cancelling, clients that went away |
//! | [`app`] | the web app |

pub mod app;
pub mod auth;
pub mod body;
pub mod chat;
pub mod completions;
pub mod embeddings;
pub mod error;
pub mod generate;
pub mod health;
pub mod inflight;
pub mod log;
pub mod metrics;
pub mod models;
pub mod narrate;
pub mod openapi;
pub mod otel;
pub mod queue;
pub mod quota;
pub mod requests;
pub mod responses;
pub mod router;
pub mod server;
pub mod shape;
pub mod start;
pub mod state;
pub mod tools;

pub use error::ApiError;
pub use router::router;
pub use server::{Server, ServerError};
pub use state::{AppState, Limits, ModelEntry, Settings};
