//! What a GGUF file's metadata says about a language model.

use std::collections::HashMap;
use std::path::Path;

use memmap2::Mmap;
use sha2::{Digest, Sha256};

use super::{ModelSource, Place, chat_template, finish_hash, hash_file, map};
use crate::config::{Architecture, ModelConfig, Rope, RopeLayout, RopeScaling};
use crate::error::LoadError;
use crate::gguf::{Gguf, Value};
use crate::tokenizer::Tokenizer;

pub(super) fn open(path: &Path) -> Result<ModelSource, LoadError> {
    read(map(path)?, path)
}

/// Reads the mapped `file`, known as `path`.
pub(super) fn read(file: Mmap, path: &Path) -> Result<ModelSource, LoadError> {
    let place = path.display().to_string();
    let gguf = Gguf::parse(&file, &place)?;
    let stem = path
        .file_stem()
        .map(|s| s.to_string_lossy().into_owned())
        .unwrap_or_default();
    let config = config(&gguf, &stem)?;
    let tokenizer = Tokenizer::from_gguf(&gguf, &file)?;
    let template = gguf
        .str("tokenizer.chat_template")?
        .map(|source| chat_template(source, &tokenizer, &place))
        .transpose()?;
    let tensors = gguf
        .tensors
        .iter()
        .map(|(name, t)| {
            let place = Place {
                file: 0,
                dtype: t.dtype,
                rows: t.dims[1..].iter().product(),
                cols: t.dims[0],
                bytes: t.bytes.clone(),
            };
            (name.clone(), place)
        })
        .collect();
    let mut hasher = Sha256::new();
    hash_file(&mut hasher, &file);
    Ok(ModelSource {
        path: path.to_owned(),
        files: vec![file],
        tensors,
        config,
        tokenizer,
        template,
        hash: finish_hash(hasher),
    })
}

/// Reads the sizes out of the header. `fallback_name` is used when the file does not name its model.
pub(crate) fn config(gguf: &Gguf, fallback_name: &str) -> Result<ModelConfig, LoadError> {
    let bad = |what: String| LoadError::malformed(gguf.place(), what);
    let name = gguf.str("general.architecture")?.ok_or_else(|| {
        bad("it has no `general.architecture`; is it a vocabulary or an adapter only?".to_owned())
    })?;
    let architecture = [Architecture::Llama, Architecture::Qwen2, Architecture::Qwen3]
        .into_iter()
        .find(|a| a.name() == name)
        .ok_or_else(|| {
            LoadError::unsupported(
                gguf.place(),
                format!("the architecture `{name}`"),
                "this engine runs llama (Llama 1–3.2, SmolLM2, Mistral), qwen2 and qwen3",
            )
        })?;
    let key = |suffix: &str| format!("{name}.{suffix}");
    if gguf.usize(&key("expert_count"))?.unwrap_or(0) > 0 {
        return Err(LoadError::unsupported(
            gguf.place(),
            "a mixture of experts",
            "use a dense model of the Llama, Qwen2 or Qwen3 family",
        ));
    }

    let hidden = gguf.require_usize(&key("embedding_length"))?;
    let heads = per_layer(gguf, &key("attention.head_count"))?.ok_or_else(|| {
        bad(format!(
            "the metadata key `{}` is missing",
            key("attention.head_count")
        ))
    })?;
    let kv_heads = per_layer(gguf, &key("attention.head_count_kv"))?.unwrap_or(heads);
    let head_dim = match gguf.usize(&key("attention.key_length"))? {
        Some(n) => n,
        None => hidden.checked_div(heads).unwrap_or(0),
    };
    let value_dim = gguf.usize(&key("attention.value_length"))?.unwrap_or(head_dim);
    if value_dim != head_dim {
        return Err(LoadError::unsupported(
            gguf.place(),
            format!("a value head of {value_dim} beside a key head of {head_dim}"),
            "use a model whose heads are alike",
        ));
    }
    let embedding = gguf
        .tensors
        .get("token_embd.weight")
        .filter(|t| t.dims.len() == 2)
        .ok_or_else(|| LoadError::MissingTensor {
            place: gguf.place().to_owned(),
            name: "token_embd.weight".to_owned(),
        })?;
    let rope = Rope {
        base: gguf.f32(&key("rope.freq_base"))?.unwrap_or(10_000.0),
        dims: gguf.usize(&key("rope.dimension_count"))?.unwrap_or(head_dim),
        layout: match architecture {
            Architecture::Llama => RopeLayout::Interleaved,
            Architecture::Qwen2 | Architecture::Qwen3 => RopeLayout::Half,
        },
        scaling: scaling(gguf, &key)?,
    };
    Ok(ModelConfig {
        architecture,
        name: gguf.str("general.name")?.unwrap_or(fallback_name).to_owned(),
        vocab_size: embedding.dims[1],
        context_length: gguf.require_usize(&key("context_length"))?,
        hidden,
        layers: gguf.require_usize(&key("block_count"))?,
        heads,
        kv_heads,
        head_dim,
        ffn: per_layer(gguf, &key("feed_forward_length"))?.ok_or_else(|| {
            bad(format!(
                "the metadata key `{}` is missing",
                key("feed_forward_length")
            ))
        })?,
        rms_eps: gguf
            .f32(&key("attention.layer_norm_rms_epsilon"))?
            .unwrap_or(1e-5),
        rope,
        tied_embeddings: !gguf.tensors.contains_key("output.weight"),
        qkv_bias: gguf.tensors.contains_key("blk.0.attn_q.bias"),
        qk_norm: gguf.tensors.contains_key("blk.0.attn_q_norm.weight"),
        sliding_window: gguf.usize(&key("attention.sliding_window"))?.filter(|w| *w > 0),
        parameters: gguf.tensors.values().map(|t| t.weights() as u64).sum(),
        quantisation: main_format(gguf),
    })
}

/// A size that some files write once per layer; all layers must agree.
fn per_layer(gguf: &Gguf, key: &str) -> Result<Option<usize>, LoadError> {
    match gguf.metadata.get(key) {
        Some(Value::Array { .. }) => Err(LoadError::unsupported(
            gguf.place(),
            format!("a different `{key}` in each layer"),
            "use a model whose layers are alike",
        )),
        _ => gguf.usize(key),
    }
}

fn scaling(gguf: &Gguf, key: &impl Fn(&str) -> String) -> Result<RopeScaling, LoadError> {
    if gguf.tensors.contains_key("rope_freqs.weight") {
        return Ok(RopeScaling::Factors);
    }
    let factor = match gguf.f32(&key("rope.scaling.factor"))? {
        Some(factor) => Some(factor),
        None => gguf.f32(&key("rope.scale_linear"))?,
    };
    match (gguf.str(&key("rope.scaling.type"))?, factor) {
        (Some("none"), _) | (None | Some("linear"), None) => Ok(RopeScaling::None),
        (None | Some("linear"), Some(factor)) => Ok(RopeScaling::Linear { factor }),
        (Some(other), _) => Err(LoadError::unsupported(
            gguf.place(),
            format!("the rotary scaling `{other}`"),
            "use a file with none, linear or Llama 3 scaling",
        )),
    }
}

/// The format that holds the most weights; ties go to the first in [`DType`]'s order.
fn main_format(gguf: &Gguf) -> String {
    let mut weights = HashMap::new();
    for t in gguf.tensors.values() {
        *weights.entry(t.dtype).or_insert(0u64) += t.weights() as u64;
    }
    weights
        .into_iter()
        .max_by_key(|(dtype, n)| (*n, std::cmp::Reverse(*dtype)))
        .map_or_else(String::new, |(dtype, _)| dtype.name().to_owned())
}
