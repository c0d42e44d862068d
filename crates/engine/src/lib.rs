//! Strawberry engine.

pub mod config;
pub mod error;
pub mod gguf;
pub mod kernels;
pub mod quant;
pub mod runner;
pub mod sampler;
pub mod source;
pub mod template;
pub mod tokenizer;
pub mod testing;
mod weights;
