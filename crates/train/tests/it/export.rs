//! Exports are read back, by the engine's readers and by ours.

use std::path::Path;

use strawberry_engine::config::Architecture;
use strawberry_engine::quant::DType;
use strawberry_engine::source::ModelSource;
use strawberry_engine::testing::TinyModel;
use strawberry_train::TrainError;
use strawberry_train::export::{adapter, folder, gguf};
use strawberry_train::network::batch::Batch;
use strawberry_train::network::{Keep, Network, Scope};

use crate::{sequences, tiny, tiny_file};

const LORA: Scope = Scope::Lora { rank: 4, alpha: 8.0 };

fn run(network: &Network) -> Vec<f32> {
    let rows = sequences();
    let batch = Batch::new(&rows.iter().collect::<Vec<_>>(), network.config().vocab_size).unwrap();
    network.log_probabilities(&batch, &network.forward(&batch, Keep::Nothing))
}

fn close(a: &[f32], b: &[f32], within: f32) {
    assert_eq!(a.len(), b.len());
    for (a, b) in a.iter().zip(b) {
        assert!((a - b).abs() <= within, "{a} {b}");
    }
}

fn adapted(source: &ModelSource) -> Network {
    let mut network = Network::load(source, LORA, 5).unwrap();
    for (i, t) in network.trainable_mut().into_iter().enumerate() {
        for (j, w) in t.data.iter_mut().enumerate() {
            *w += ((i * 31 + j) as f32 * 0.7).sin() * 0.1;
        }
    }
    network
}

#[test]
fn an_adapter_comes_back_in_half_precision() {
    let dir = tempfile::tempdir().unwrap();
    let source = tiny();
    let network = adapted(&source);
    adapter::write(dir.path(), &network, "tiny").unwrap();
    let mut back = Network::load(&source, Scope::Full, 0).unwrap();
    adapter::read(dir.path(), &mut back).unwrap();
    assert_eq!(back.scope(), LORA);
    close(&run(&network), &run(&back), 5e-3);
    for (a, b) in network.trainable().iter().zip(back.trainable()) {
        assert_eq!(a.name, b.name);
        close(&a.data, &b.data, 1e-3);
    }
}

#[test]
fn an_adapter_of_another_model_is_refused_by_its_tensor() {
    let dir = tempfile::tempdir().unwrap();
    adapter::write(dir.path(), &adapted(&tiny()), "tiny").unwrap();
    let other = TinyModel::new(Architecture::Llama).gguf();
    let other = ModelSource::from_gguf(&other, "other.gguf").unwrap();
    let mut network = Network::load(&other, Scope::Full, 0).unwrap();
    let error = adapter::read(dir.path(), &mut network).unwrap_err();
    let message = error.to_string();
    assert!(
        message.contains("layers.0.self_attn.q_proj") && message.contains("another model"),
        "{message}"
    );
    std::fs::write(dir.path().join("adapter_model.safetensors"), b"nonsense").unwrap();
    let error = adapter::read(dir.path(), &mut network).unwrap_err();
    assert!(matches!(error, TrainError::Mismatch { .. }), "{error}");
}

#[test]
fn gguf_comes_back_exactly_in_f32_and_nearly_when_quantised() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("tiny.gguf");
    std::fs::write(&path, tiny_file()).unwrap();
    let source = ModelSource::open(&path).unwrap();
    let mut network = adapted(&source);
    network.merge();
    let wanted = run(&network);
    for (dtype, within) in [
        (DType::F32, 0.0),
        (DType::F16, 2e-2),
        (DType::Q8_0, 0.2),
        (DType::Q4_0, 2.5),
        (DType::Q4K, 2.5),
    ] {
        let out = dir.path().join("out.gguf");
        gguf::write(&out, &network, &source, dtype).unwrap();
        let back = ModelSource::open(&out).unwrap();
        assert_eq!(back.tokenizer().vocab_size(), source.tokenizer().vocab_size());
        assert_eq!(
            back.template().map(|t| t.source().to_owned()),
            source.template().map(|t| t.source().to_owned())
        );
        close(
            &wanted,
            &run(&Network::load(&back, Scope::Full, 0).unwrap()),
            within,
        );
    }
}

#[test]
fn a_folder_comes_back_exactly() {
    let dir = tempfile::tempdir().unwrap();
    let (from, to) = (dir.path().join("from"), dir.path().join("to"));
    std::fs::create_dir_all(&from).unwrap();
    TinyModel::new(Architecture::Llama).write_hf(&from).unwrap();
    let source = ModelSource::open(&from).unwrap();
    let mut network = adapted(&source);
    folder::write(&to, &network, &source).unwrap();
    network.merge();
    let back = ModelSource::open(&to).unwrap();
    close(
        &run(&network),
        &run(&Network::load(&back, Scope::Full, 0).unwrap()),
        0.0,
    );
    let refused = gguf::write(Path::new("never.gguf"), &network, &source, DType::F32);
    assert!(refused.unwrap_err().to_string().contains("GGUF start model"));
}

#[test]
fn dropping_layers_keeps_the_others() {
    let source = tiny();
    let mut network = Network::load(&source, Scope::Full, 0).unwrap();
    let second = network.tensors()[2 + 9].clone();
    network.keep_layers(&[1]);
    assert_eq!(network.config().layers, 1);
    assert_eq!(network.tensors()[2].data, second.data);
    assert_eq!(network.tensors()[2].name, "blk.0.attn_norm.weight");
    assert!(run(&network).iter().all(|l| l.is_finite()));
}
