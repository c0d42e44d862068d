//! Tests of the whole crate on a tiny real model.

mod engine;
mod export;
mod gradients;
mod methods;
mod resume;

use strawberry_engine::config::Architecture;
use strawberry_engine::source::ModelSource;
use strawberry_engine::testing::TinyModel;
use strawberry_train::network::batch::Sequence;

/// A Llama of two layers, four query heads and two key heads.
fn tiny() -> ModelSource {
    ModelSource::from_gguf(&tiny_file(), "tiny.gguf").unwrap()
}

fn tiny_file() -> Vec<u8> {
    let mut model = TinyModel::new(Architecture::Llama);
    model.config.hidden = 32;
    model.config.head_dim = 8;
    model.config.rope.dims = 8;
    model.config.ffn = 64;
    model.gguf()
}

/// Sequences that begin alike, of different lengths.
fn sequences() -> Vec<Sequence> {
    let row = |prompt: &[u32], completion: &[u32]| Sequence {
        tokens: [prompt, completion].concat(),
        prompt: prompt.len(),
    };
    vec![
        row(&[1, 40, 41, 42, 50, 51], &[60, 61, 2]),
        row(&[1, 40, 41, 42, 70], &[71, 72, 73, 74, 2]),
        row(&[1, 40, 41, 42], &[80, 2]),
    ]
}
