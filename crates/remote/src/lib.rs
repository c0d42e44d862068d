//! Any OpenAI-compatible chat server (vLLM, SGLang, llama-server, Ollama, hosted APIs, …) as a
//! [`Model`](strawberry_core::Model).
//!
//! ```text
//! SampleRequest ─► request (JSON body, in the server's dialect) ─► http (POST, errors named)
//!                                                                      │ bytes
//! ModelEvents ◄─ attempt (retries, time-outs, thinking budget) ◄─ response ◄─ sse
//! ```
//!
//! | file | what to change there |
//! |---|---|
//! | [`sse`] | how a byte stream is cut into server-sent events |
//! | [`response`] | how events become text, thinking, tool calls and usage |
//! | `request` | which parameters are sent, and under which names |
//! | `dialect` | which of them a server may refuse, and how that is noticed |
//! | `http` | one HTTP exchange; what went wrong, in words |
//! | `attempt` | one attempt: retries, time-outs, closing a thought, cancelling |
//! | `model` | connecting, choosing a model, the `Model` trait |
//! | [`options`] | the settings and their defaults |
//!
//! # What differs from the local engine
//!
//! - Every attempt is one HTTP request with `n` left at 1: many servers ignore `n`, and an attempt of
//!   its own can be stopped, retried and counted on its own. Servers with a prefix cache still evaluate
//!   a shared prompt once.
//! - `Started` reports 0 prompt tokens unless the server tells them early; the usage in `Done` has them.
//! - Usage is the server's. Where it sends none (or the stream was cut on purpose), streamed pieces
//!   are counted and the usage is marked `estimated`.
//! - A thinking budget and "answer now" are emulated: the stream is closed, and a second request holds
//!   the thinking so far as an assistant message and asks for the answer. For a server that thinks
//!   elsewhere than in `reasoning_content`, `reasoning` or a leading `<think>` block, all is answer.
//! - A seed is passed on (folded to 31 bits); whether it reproduces anything is up to the server.
//! - The only grammar a server can be given portably is a JSON Schema; others are refused.

mod address;
mod attempt;
mod dialect;
mod http;
mod model;
pub mod options;
mod request;
pub mod response;
pub mod sse;

pub use model::{ListedModel, RemoteModel};
pub use options::RemoteOptions;
