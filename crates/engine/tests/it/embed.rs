//! Texts as vectors.

use strawberry_core::{Model, ModelError};
use strawberry_engine::quant::DType;
use strawberry_engine::runner::{LogitsFor, Runner, RunnerOptions, StepItem};
use strawberry_engine::source::ModelSource;
use strawberry_engine::testing::TinyModel;

use crate::tiny::{END, Setup, engine, request};

fn texts() -> Vec<String> {
    let long = "strawberries are red ".repeat(15);
    ["a", "strawberries are red", &long, "green", &long[3..], "b"]
        .map(str::to_owned)
        .to_vec()
}

#[test]
fn a_vector_depends_on_its_text_alone() {
    let (alone, _) = engine(&Setup::default());
    // So little memory that attempts are sent back, and the texts wait.
    let (busy, _) = engine(&Setup {
        pages: 24,
        ..Setup::default()
    });
    let all = alone.embed(&texts()).unwrap();
    assert_eq!(
        all.prompt_tokens,
        texts().iter().map(|t| t.len() as u64).sum::<u64>()
    );
    let streams: Vec<_> = (0..8)
        .map(|seed| {
            let mut request = request("company", seed, 200);
            request.sampling.logit_bias = vec![(END, f32::NEG_INFINITY)];
            busy.sample(request)
        })
        .collect();
    for (text, vector) in texts().into_iter().zip(&all.vectors) {
        let length = vector.iter().map(|x| x * x).sum::<f32>();
        assert!((length - 1.0).abs() < 1e-5 && vector.len() == 32);
        assert_eq!(
            alone.embed(std::slice::from_ref(&text)).unwrap().vectors[0],
            *vector
        );
        assert_eq!(busy.embed(&[text]).unwrap().vectors[0], *vector);
    }
    for stream in streams {
        assert_eq!(crate::tiny::finish(stream).usage().completion_tokens, 200);
    }
    assert!(alone.embed(&[]).unwrap().vectors.is_empty());
}

#[test]
fn bad_texts_get_one_clear_error() {
    let (engine, _) = engine(&Setup::default());
    let error = engine
        .embed(&["a".into(), String::new()])
        .unwrap_err()
        .to_string();
    assert!(error.contains("text 2 of 2 is empty"), "{error}");
    let error = engine.embed(&["l".repeat(600)]).unwrap_err();
    assert!(matches!(
        error,
        ModelError::ContextOverflow {
            prompt: 600,
            limit: 512
        }
    ));
}

#[test]
fn states_are_those_the_logits_come_from() {
    // With an f32 model, a state times the output matrix is the row of logits.
    let model = TinyModel::new(strawberry_engine::config::Architecture::Llama).with_dtype(DType::F32);
    let source = ModelSource::from_gguf(&model.gguf(), "tiny").unwrap();
    let mut runner = Runner::load(&source, &RunnerOptions::default()).unwrap();
    let tokens = [5, 70, 200, 3, 17];
    let mut item = StepItem {
        adapter: None,
        seq: runner.fork(None, 0),
        tokens: &tokens,
        logits: LogitsFor::All,
    };
    let (mut logits, mut states) = (Default::default(), Vec::new());
    runner.step(&[item], &mut logits).unwrap();
    item.seq = runner.fork(None, 0);
    runner.states(&[item], &mut states).unwrap();
    let output = source.tensor("token_embd.weight").unwrap().to_f32();
    for (row, state) in states.chunks_exact(model.config.hidden).enumerate() {
        for (logit, weights) in logits
            .row(row)
            .iter()
            .zip(output.chunks_exact(model.config.hidden))
        {
            let dot: f32 = weights.iter().zip(state).map(|(w, x)| w * x).sum();
            assert!((dot - logit).abs() < 1e-3, "{dot} {logit}");
        }
    }
}
