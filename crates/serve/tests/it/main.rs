//! A real server on a local port, with a tiny random model, spoken to over real HTTP.

mod chat;
mod support;
