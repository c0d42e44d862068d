//! A real server on a local port, with a tiny random model, spoken to over real HTTP.

mod access;
mod app;
mod chat;
mod jobs;
mod responses;
mod small;
mod support;
