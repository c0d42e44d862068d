//! The local model: from a file to sampled text, on ordinary processors.
//!
//! ```text
//! file ─► source ─► weights ─► runner (network, cache) ─► scheduler (one thread) ─► events
//!           └► tokenizer, template ─► engine (a request becomes a job) ──┘  └► sampler
//! ```
//!
//! Thinking costs samples, so everything here is made for many attempts at once: a prompt is evaluated once
//! for all attempts that begin with it, all attempts of all requests run in one batch, and an attempt's
//! tokens depend on its request alone, never on the batch, the threads or the memory.
//!
//! | module | what to change there |
//! |---|---|
//! | [`engine`] | how a request becomes a job; the options users see |
//! | [`scheduler`] | who runs when; the prefix cache; how thoughts are closed; events |
//! | [`sampler`] | how a token is drawn; grammars; stop strings |
//! | [`runner`] | the network, and the cache of keys and values |
//! | [`kernels`] | the inner loops, one per CPU level; the thread pool |
//! | [`adapter`] | LoRA adapters |
//! | [`source`], [`gguf`], [`config`], [`quant`] | reading model files |
//! | [`tokenizer`], [`template`] | text to tokens and back; chat templates |
//! | [`bench`] | measuring all of it |
//! | [`testing`] | tiny models for tests |

pub mod adapter;
pub mod bench;
pub mod config;
pub mod engine;
pub mod error;
pub mod gguf;
pub mod kernels;
pub mod quant;
pub mod runner;
pub mod sampler;
pub mod scheduler;
pub mod source;
pub mod template;
pub mod testing;
pub mod tokenizer;
mod weights;
