//! Strawberry engine.

pub mod config;
pub mod error;
pub mod gguf;
pub mod quant;
pub mod sampler;
pub mod source;
pub mod template;
pub mod tokenizer;
pub mod testing;
