//! Strawberry's memory: traces, batch jobs and conversations in one SQLite file (`traces.db` in the data folder).
//!
//! | file | what to change there |
//! |---|---|
//! | `schema` | the tables, and how an older file becomes a newer one |
//! | `database` | opening it, transactions, errors in words |
//! | [`traces`] | runs and their events ([`TraceStore`](strawberry_core::TraceStore)) |
//! | [`jobs`] | batch jobs: exactly one result for each problem |
//! | [`api`] | the HTTP API's keys and usage |
//! | [`responses`] | the HTTP API's stored responses, and its background jobs |
//! | [`conversations`] | chats that can be taken up again, as trees of messages |
//! | [`users`] | who may log in, and their sessions |
//!
//! # What is promised
//!
//! - Each call that writes is one transaction: it happens as a whole or not at all. What a call has
//!   returned for survives `kill -9` of the process at any moment. After a power failure the last
//!   transactions may be missing, but the file is whole: with the write-ahead log, `synchronous = NORMAL`
//!   gives up durability against power loss, and nothing else, for not waiting on the disk at every event
//!   (SQLite documentation, "Write-Ahead Logging", section 3.2). A result that is lost so is computed again.
//! - Several processes may use the file at once; writers wait for one another.
//! - A file of a newer version, a damaged one and one that is something else are refused, untouched.

pub mod api;
pub mod conversations;
mod database;
pub mod jobs;
mod messages;
pub mod responses;
mod schema;
pub mod traces;
pub mod users;

pub use api::{ApiKey, ApiUsage};
pub use conversations::{
    Conversation, ConversationChange, ConversationMessage, ConversationSummary, NewMessage,
};
pub use database::Store;
pub use jobs::{JobId, JobResult};
pub use responses::{ResponseStatus, StoredResponse};
pub use users::User;
