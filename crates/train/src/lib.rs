//! Training a model on verified reasoning: forward and backward through a Llama in f32, adapters or all weights,
//! and runs that go on where they were killed.
//!
//! ```text
//! rows ─data─► sequences ─plan─► packs ─network─► gradients ─optimiser─► weights ─export─► adapter, folder, GGUF
//!                                         run: metrics, checkpoints, resuming
//! ```
//!
//! | module | what to change there |
//! |---|---|
//! | [`network`] | the network, forward and backward; adapters; packing |
//! | [`ops`] | the arithmetic, each operation with its derivative |
//! | [`optimiser`] | AdamW, clipping, the learning rate |
//! | [`data`], [`plan`] | rows to tokens; their order |
//! | [`run`], [`checkpoint`] | the loop; what is on disk |
//! | [`sft`], [`star`], [`dpo`], [`grpo`], [`distill`], [`verifier`] | the kinds of training |
//! | [`rollout`] | sampling from the network in training |
//! | [`measure`] | accuracy alone and by vote |
//! | [`flywheel`] | the whole circle as one job |
//! | [`export`] | what other programs read |
//! | [`report`] | a run's curves as a page |
//!
//! The network is written by hand on the kernels of `gemm` rather than on a framework. Measured for this
//! project, the framework at hand took 16 minutes to compile from clean on two busy cores; and by hand, logits are
//! computed for learned tokens only, attention for the diagonal blocks only, a beginning shared by all prompts once, and
//! frozen weights get no gradient. All of it is checked against finite differences and PyTorch.

pub mod checkpoint;
pub mod data;
pub mod distill;
pub mod dpo;
pub mod error;
pub mod export;
pub mod flywheel;
pub mod grpo;
pub mod measure;
pub mod network;
pub mod ops;
pub mod optimiser;
pub mod plan;
pub mod report;
pub mod rollout;
pub mod run;
pub mod sft;
pub mod star;
pub mod verifier;

pub use error::TrainError;
