//! Runs on a scripted model: durable, deterministic, and honest about what can't be scored.

mod runs;
mod support;
