//! The arithmetic of a model step, written once and compiled for each instruction set.
//!
//! | file | to change |
//! |---|---|
//! | `cpu.rs` | which instruction sets there are and how one is chosen |
//! | `simd.rs` | the 16-lane float vector that every float kernel is written over; `exp` |
//! | `x86.rs` | its x86-64 forms |
//! | `int8.rs` | the integer dot products |
//! | `matrix.rs` | how weights are laid out (packing from every quantisation) |
//! | `activations.rs` | how a product's right-hand side is quantised and laid out |
//! | `product.rs` | matrix products |
//! | `pointwise.rs` | RMSNorm, SwiGLU, rotary embedding |
//! | `attention.rs` | attention over pages of the key/value cache |
//! | `attention_float.rs`, `attention_int8.rs` | how a page stores keys and values, and is read |
//! | `pool.rs` | the threads |
//!
//! Results never depend on the level, on the number of threads, or on what else is computed in the same call:
//! every kernel does the same operations in the same order for each output.

#![allow(
    clippy::needless_range_loop,
    reason = "lanes and registers are indexed side by side"
)]

pub(crate) mod activations;
pub(crate) mod attention;
pub(crate) mod attention_float;
pub(crate) mod attention_int8;
mod cpu;
mod int8;
pub(crate) mod matrix;
pub(crate) mod pointwise;
pub(crate) mod pool;
pub(crate) mod product;
pub(crate) mod simd;
#[cfg(target_arch = "x86_64")]
mod x86;

pub use cpu::{Cpu, CpuError, CpuLevel};
pub use pool::Pool;

#[cfg(test)]
mod tests;
