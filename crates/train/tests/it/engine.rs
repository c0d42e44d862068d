//! The trainable network against the engine, which was written apart from it.

use strawberry_core::{Control, ModelEvent, Sampling};
use strawberry_engine::engine::{Engine, EngineOptions};
use strawberry_engine::runner::KvPrecision;
use strawberry_train::network::batch::{Batch, Sequence};
use strawberry_train::network::{Keep, Network, Scope};

use crate::{tiny, tiny_file};

#[test]
fn it_computes_the_likelihoods_of_the_engine() {
    let source = tiny();
    let network = Network::load(&source, Scope::Full, 0).unwrap();
    let vocab = network.config().vocab_size;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("tiny.gguf");
    std::fs::write(&path, tiny_file()).unwrap();
    let options = EngineOptions {
        threads: Some(1),
        kv_precision: KvPrecision::Single,
        ..EngineOptions::default()
    };
    let engine = Engine::load(&path, &options).unwrap();
    let tokens: Vec<u32> = (0..40).map(|i| (i * 37 + 11) % 200).collect();
    for len in [1, 2, 3, 7, 16, 17, 39] {
        // The likeliest next token's log-probability, by both.
        let sequence = Sequence {
            tokens: tokens[..=len].to_vec(),
            prompt: len,
        };
        let batch = Batch::new(&[&sequence], vocab).unwrap();
        let mut ours = f32::NAN;
        let activations = network.forward(&batch, Keep::Nothing);
        network.logits(&batch, &activations, |_, logits| {
            let top = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            ours = -logits.iter().map(|l| (l - top).exp()).sum::<f32>().ln();
        });
        let sampling = Sampling {
            temperature: 0.0,
            top_logprobs: Some(0),
            ..Sampling::default()
        };
        let stream = engine
            .sample_tokens(tokens[..len].into(), sampling, 1, Control::new())
            .unwrap();
        let theirs = futures::executor::block_on_stream(stream)
            .find_map(|event| match event {
                Ok(ModelEvent::Text { logprobs, .. }) => logprobs.first().map(|l| l.logprob),
                _ => None,
            })
            .expect("one token was sampled");
        assert!(
            (ours - theirs).abs() < 2e-4,
            "after {len} tokens: {ours} {theirs}"
        );
    }
}
