//! Strawberry engine.

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
