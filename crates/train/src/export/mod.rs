//! Trained weights in the forms other programs read.
//!
//! | file | form | read by |
//! |---|---|---|
//! | `adapter.rs` | LoRA factors as `peft` writes them | `peft`, our engine, vLLM |
//! | `folder.rs` | `model.safetensors` and `config.json` | `transformers` |
//! | `gguf.rs`, `quantise.rs` | GGUF in F32, F16, Q8_0, Q4_0 or Q4_K | our engine, llama.cpp |

pub mod adapter;
pub mod folder;
pub mod gguf;
pub mod quantise;
