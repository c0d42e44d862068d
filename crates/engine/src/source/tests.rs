use std::fs;

use super::*;
use crate::config::{Architecture, Rope, RopeLayout, RopeScaling};
use crate::gguf::Writer;
use crate::testing::TinyModel;

const FAMILIES: [Architecture; 3] = [Architecture::Llama, Architecture::Qwen2, Architecture::Qwen3];

fn open_gguf(bytes: &[u8]) -> Result<ModelSource, LoadError> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("tiny.gguf");
    fs::write(&path, bytes).unwrap();
    ModelSource::open(&path)
}

fn open_hf(model: &TinyModel, change: impl FnOnce(&Path)) -> Result<ModelSource, LoadError> {
    let dir = tempfile::tempdir().unwrap();
    model.write_hf(dir.path()).unwrap();
    change(dir.path());
    ModelSource::open(dir.path())
}

/// Undoes the row order that GGUF uses for q and k of the Llama family.
fn halves(tensor: &TensorView<'_>, heads: usize) -> Vec<f32> {
    let values = tensor.to_f32();
    let rows = tensor.rows / heads;
    let source = |r: usize| {
        let (head, within) = (r / rows, r % rows);
        head * rows + within % (rows / 2) * 2 + within / (rows / 2)
    };
    (0..tensor.rows)
        .flat_map(|r| &values[source(r) * tensor.cols..][..tensor.cols])
        .copied()
        .collect()
}

#[test]
fn both_formats_give_the_same_model() {
    for family in FAMILIES {
        let tiny = TinyModel::new(family);
        let gguf = open_gguf(&tiny.gguf()).unwrap();
        let hf = open_hf(&tiny, |_| ()).unwrap();
        let (a, b) = (gguf.config(), hf.config());
        assert_eq!(
            (
                a.layers,
                a.heads,
                a.kv_heads,
                a.head_dim,
                a.ffn,
                a.vocab_size,
                a.parameters
            ),
            (
                b.layers,
                b.heads,
                b.kv_heads,
                b.head_dim,
                b.ffn,
                b.vocab_size,
                b.parameters
            ),
        );
        assert_eq!(
            (a.tied_embeddings, a.qkv_bias, a.qk_norm),
            (b.tied_embeddings, b.qkv_bias, b.qk_norm)
        );
        assert_eq!(a.tied_embeddings, family == Architecture::Llama);
        assert_eq!(a.qkv_bias, family == Architecture::Qwen2);
        assert_eq!(a.qk_norm, family == Architecture::Qwen3);
        assert_eq!(b.rope.layout, RopeLayout::Half);
        assert_eq!(gguf.rope_frequencies(), hf.rope_frequencies());
        assert_eq!(a.quantisation, "F32");
        for (name, rows, cols) in a.tensors() {
            let (x, y) = (gguf.tensor(&name).unwrap(), hf.tensor(&name).unwrap());
            assert_eq!(
                (x.rows, x.cols, y.rows, y.cols),
                (rows, cols, rows, cols),
                "{name}"
            );
            let interleaved = a.rope.layout == RopeLayout::Interleaved;
            let x = match name.as_str() {
                n if interleaved && n.ends_with("attn_q.weight") => halves(&x, a.heads),
                n if interleaved && n.ends_with("attn_k.weight") => halves(&x, a.kv_heads),
                _ => x.to_f32(),
            };
            assert_eq!(x, y.to_f32(), "{name}");
        }
    }
}

#[test]
fn every_format_loads() {
    for dtype in DType::ALL {
        let tiny = TinyModel::new(Architecture::Qwen2).with_dtype(dtype);
        let source = open_gguf(&tiny.gguf()).unwrap();
        assert_eq!(source.config().quantisation, dtype.name());
        let up = source.tensor("blk.1.ffn_up.weight").unwrap();
        assert_eq!(up.dtype, dtype);
        let values = up.to_f32();
        let mean_square = values.iter().map(|v| v * v).sum::<f32>() / values.len() as f32;
        let size = mean_square.sqrt() * (up.cols as f32).sqrt();
        assert!((0.5..2.0).contains(&size), "{dtype}: weights of size {size}");
        let mut row = vec![0.0; up.cols];
        up.dequantize_row(3, &mut row).unwrap();
        assert_eq!(row, values[3 * up.cols..4 * up.cols]);
    }
}

#[test]
fn llama_3_scaling_agrees_between_the_formats() {
    let mut tiny = TinyModel::new(Architecture::Llama);
    tiny.config.rope.scaling = RopeScaling::Llama3 {
        factor: 8.0,
        low_freq_factor: 1.0,
        high_freq_factor: 4.0,
        original_context: 64,
    };
    let gguf = open_gguf(&tiny.gguf()).unwrap();
    let hf = open_hf(&tiny, |_| ()).unwrap();
    assert_eq!(gguf.config().rope.scaling, RopeScaling::Factors);
    assert_eq!(hf.config().rope.scaling, tiny.config.rope.scaling);
    for (a, b) in gguf.rope_frequencies().iter().zip(hf.rope_frequencies()) {
        assert!((a / b - 1.0).abs() < 1e-6, "{a} {b}");
    }
}

#[test]
fn llama_3_frequencies_follow_the_published_rule() {
    // Llama 3.2 1B: base 500 000, 64 dimensions, factor 32, bounds 1 and 4, context 8192. Values computed
    // with `transformers`' `_compute_llama3_parameters`.
    let rope = Rope {
        base: 500_000.0,
        dims: 64,
        layout: RopeLayout::Half,
        scaling: RopeScaling::Llama3 {
            factor: 32.0,
            low_freq_factor: 1.0,
            high_freq_factor: 4.0,
            original_context: 8192,
        },
    };
    let frequencies = rope.frequencies(&[]);
    let plain = Rope {
        scaling: RopeScaling::None,
        ..rope
    }
    .frequencies(&[]);
    for (i, (scaled, plain)) in frequencies.iter().zip(&plain).enumerate() {
        let wavelength = std::f32::consts::TAU / plain;
        if wavelength < 8192.0 / 4.0 {
            assert_eq!(scaled, plain, "{i}");
        } else if wavelength > 8192.0 {
            assert!((scaled * 32.0 / plain - 1.0).abs() < 1e-6, "{i}");
        } else {
            assert!(*scaled < *plain && *scaled > plain / 32.0, "{i}");
        }
    }
}

#[test]
fn the_hash_follows_the_content() {
    let tiny = TinyModel::new(Architecture::Llama);
    let mut bytes = tiny.gguf();
    let first = open_gguf(&bytes).unwrap().hash().to_owned();
    assert_eq!(first, open_gguf(&bytes).unwrap().hash());
    assert!(first.starts_with("sha256:") && first.len() == 71);
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    assert_ne!(first, open_gguf(&bytes).unwrap().hash());
    let hf = open_hf(&tiny, |_| ()).unwrap().hash().to_owned();
    let edited = open_hf(&tiny, |dir| {
        let path = dir.join("tokenizer_config.json");
        let text = fs::read_to_string(&path)
            .unwrap()
            .replace("assistant", "Assistant");
        fs::write(path, text).unwrap();
    });
    assert_ne!(hf, edited.unwrap().hash());
}

#[test]
fn shards_are_put_together() {
    let tiny = TinyModel::new(Architecture::Qwen3);
    let split = |dir: &Path, second: &str| {
        // The whole file under one shard's name and an empty second shard.
        fs::rename(dir.join("model.safetensors"), dir.join("a.safetensors")).unwrap();
        fs::write(dir.join("b.safetensors"), b"\x02\0\0\0\0\0\0\0{}").unwrap();
        let index = format!(r#"{{"metadata":{{}},"weight_map":{{"x":"a.safetensors","y":"{second}"}}}}"#);
        fs::write(dir.join("model.safetensors.index.json"), index).unwrap();
    };
    assert!(open_hf(&tiny, |dir| split(dir, "b.safetensors")).is_ok());
    let message = open_hf(&tiny, |dir| split(dir, "../b.safetensors"))
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("`../b.safetensors` is not a file name"),
        "{message}"
    );
    let message = open_hf(&tiny, |dir| split(dir, "c.safetensors"))
        .unwrap_err()
        .to_string();
    assert!(message.contains("c.safetensors"), "{message}");
}

#[test]
fn missing_and_misshapen_tensors_are_named() {
    let mut tiny = TinyModel::new(Architecture::Llama);
    let message = open_hf(&tiny, |dir| {
        let config = tiny
            .config_json()
            .to_string()
            .replace(r#""num_hidden_layers":2"#, r#""num_hidden_layers":3"#);
        fs::write(dir.join("config.json"), config).unwrap();
    });
    let message = message.unwrap_err().to_string();
    assert!(
        message.contains("has no tensor `blk.2.attn_norm.weight`"),
        "{message}"
    );

    let message = open_hf(&tiny, |dir| {
        let config = tiny
            .config_json()
            .to_string()
            .replace(r#""intermediate_size":96"#, r#""intermediate_size":64"#);
        fs::write(dir.join("config.json"), config).unwrap();
    });
    let message = message.unwrap_err().to_string();
    assert!(
        message.contains("`blk.0.ffn_gate.weight` is 96 × 64, but the header's sizes make it 64 × 64"),
        "{message}"
    );

    tiny.config.kv_heads = 3;
    let message = open_gguf(&tiny.gguf()).unwrap_err().to_string();
    assert!(
        message.contains("4 query heads do not divide into 3"),
        "{message}"
    );
}

#[test]
fn unsupported_models_are_named() {
    let mut w = Writer::new();
    w.string("general.architecture", "mamba");
    let message = open_gguf(&w.to_vec()).unwrap_err().to_string();
    assert!(
        message.contains("the architecture `mamba` is not supported"),
        "{message}"
    );

    let tiny = TinyModel::new(Architecture::Llama);
    for (from, to, wanted) in [
        (
            r#""model_type":"llama""#,
            r#""model_type":"gemma""#,
            "the architecture `gemma`",
        ),
        (
            r#""hidden_act":"silu""#,
            r#""hidden_act":"gelu""#,
            "the activation `gelu`",
        ),
        (
            r#""hidden_act""#,
            r#""quantization_config":{"quant_method":"awq"},"hidden_act""#,
            "the quantisation awq",
        ),
        (
            r#""hidden_act""#,
            r#""rope_scaling":{"type":"yarn","factor":4},"hidden_act""#,
            "the rotary scaling `yarn`",
        ),
    ] {
        let message = open_hf(&tiny, |dir| {
            let config = tiny.config_json().to_string();
            assert!(config.contains(from));
            fs::write(dir.join("config.json"), config.replace(from, to)).unwrap();
        });
        let message = message.unwrap_err().to_string();
        assert!(
            message.contains(wanted) && message.contains("config.json"),
            "{message}"
        );
    }
}

#[test]
fn bad_paths_are_named() {
    let message = ModelSource::open(Path::new("/no/such/file.gguf"))
        .unwrap_err()
        .to_string();
    assert!(message.starts_with("cannot read /no/such/file.gguf"), "{message}");
    let dir = tempfile::tempdir().unwrap();
    let message = ModelSource::open(dir.path()).unwrap_err().to_string();
    assert!(message.contains("config.json"), "{message}");
    fs::write(dir.path().join("empty.gguf"), b"").unwrap();
    let message = ModelSource::open(&dir.path().join("empty.gguf"))
        .unwrap_err()
        .to_string();
    assert!(message.contains("empty.gguf"), "{message}");
}

#[test]
fn newer_config_files_keep_rope_apart() {
    let tiny = TinyModel::new(Architecture::Llama);
    let source = open_hf(&tiny, |dir| {
        let config = tiny.config_json().to_string().replace(
            r#""rope_theta":10000.0"#,
            r#""rope_parameters":{"rope_type":"default","rope_theta":5000.0}"#,
        );
        fs::write(dir.join("config.json"), config).unwrap();
    });
    assert_eq!(source.unwrap().config().rope.base, 5000.0);
}
