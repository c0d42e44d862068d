//! A model folder in Hugging Face's layout: `config.json`, safetensors weights, tokenizer files.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::io::Read;
use std::path::Path;

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::hf_names::gguf_name;
use super::{ModelSource, Place, finish_hash, hash_file, hf_text, map, safetensors};
use crate::config::{Architecture, ModelConfig, Rope, RopeLayout, RopeScaling};
use crate::error::LoadError;
use crate::quant::DType;

/// Largest JSON file read besides the tokenizer's, bytes.
pub(super) const MAX_JSON: u64 = 16 << 20;

pub(super) fn open(dir: &Path) -> Result<ModelSource, LoadError> {
    let config_path = dir.join("config.json");
    let config_json = read(&config_path, MAX_JSON)?;
    let mut hasher = Sha256::new();
    hash_file(&mut hasher, &config_json);

    let mut files = Vec::new();
    let mut tensors = HashMap::new();
    for name in weight_files(dir)? {
        let path = dir.join(name);
        let file = map(&path)?;
        hash_file(&mut hasher, &file);
        let place = path.display().to_string();
        for (hf_name, t) in safetensors::parse(&file, &place, |n| gguf_name(n).is_some())? {
            let Some(name) = gguf_name(&hf_name) else {
                continue;
            };
            let (rows, cols) = match t.shape[..] {
                [cols] => (1, cols),
                [rows, cols] => (rows, cols),
                _ => {
                    let what = format!("the tensor `{hf_name}` has the shape {:?}", t.shape);
                    return Err(LoadError::malformed(place, what));
                }
            };
            let tensor = Place {
                file: files.len(),
                dtype: t.dtype,
                rows,
                cols,
                bytes: t.bytes,
            };
            if tensors.insert(name, tensor).is_some() {
                let what = format!("the tensor `{hf_name}` is in more than one file");
                return Err(LoadError::malformed(place, what));
            }
        }
        files.push(file);
    }

    let place = config_path.display().to_string();
    let raw: RawConfig = serde_json::from_slice(&config_json)
        .map_err(|e| LoadError::malformed(&place, format!("it is not a model's config.json: {e}")))?;
    let name = dir
        .file_name()
        .map(|n| n.to_string_lossy().into_owned())
        .unwrap_or_default();
    let config = raw.into_config(&place, name, &tensors)?;
    if config.tied_embeddings {
        // Some files repeat the embedding under the output's name.
        tensors.remove("output.weight");
    }
    let (tokenizer, template) = hf_text::read_text(dir, &config_json, &mut hasher)?;
    let hash = finish_hash(hasher);
    Ok(ModelSource {
        path: dir.to_owned(),
        files,
        tensors,
        config,
        tokenizer,
        template,
        hash,
    })
}

/// Reads a file of at most `limit` bytes.
pub(super) fn read(path: &Path, limit: u64) -> Result<Vec<u8>, LoadError> {
    let file = fs::File::open(path).map_err(|e| LoadError::io(path, e))?;
    let mut bytes = Vec::new();
    file.take(limit + 1)
        .read_to_end(&mut bytes)
        .map_err(|e| LoadError::io(path, e))?;
    if bytes.len() as u64 > limit {
        let what = format!("it is larger than {} MiB", limit >> 20);
        return Err(LoadError::malformed(path.display().to_string(), what));
    }
    Ok(bytes)
}

/// The names of the weight files, in order: one `model.safetensors`, or the shards its index lists, or any
/// `*.safetensors` when neither is there.
fn weight_files(dir: &Path) -> Result<Vec<String>, LoadError> {
    #[derive(Deserialize)]
    struct Index {
        weight_map: HashMap<String, String>,
    }
    let index_path = dir.join("model.safetensors.index.json");
    if dir.join("model.safetensors").is_file() {
        return Ok(vec!["model.safetensors".to_owned()]);
    }
    if index_path.is_file() {
        let place = || index_path.display().to_string();
        let index: Index = serde_json::from_slice(&read(&index_path, MAX_JSON)?)
            .map_err(|e| LoadError::malformed(place(), format!("it is not an index of shards: {e}")))?;
        let names: BTreeSet<String> = index.weight_map.into_values().collect();
        return match names
            .iter()
            .find(|n| Path::new(n).file_name() != Some(n.as_ref()))
        {
            Some(name) => Err(LoadError::malformed(
                place(),
                format!("the shard `{name}` is not a file name in the same folder"),
            )),
            None => Ok(names.into_iter().collect()),
        };
    }
    let entries = fs::read_dir(dir).map_err(|e| LoadError::io(dir, e))?;
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.ends_with(".safetensors"))
        .collect();
    names.sort();
    if names.is_empty() {
        let what = "the folder has no .safetensors file; for a .gguf file, name the file itself";
        return Err(LoadError::malformed(dir.display().to_string(), what));
    }
    Ok(names)
}

/// The keys of `config.json` that matter.
#[derive(Deserialize)]
struct RawConfig {
    model_type: String,
    vocab_size: usize,
    hidden_size: usize,
    intermediate_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    num_key_value_heads: Option<usize>,
    head_dim: Option<usize>,
    max_position_embeddings: usize,
    rms_norm_eps: Option<f32>,
    hidden_act: Option<String>,
    rope_theta: Option<f32>,
    rope_scaling: Option<RawRope>,
    /// Newer files put base and scaling here.
    rope_parameters: Option<RawRope>,
    partial_rotary_factor: Option<f32>,
    tie_word_embeddings: Option<bool>,
    sliding_window: Option<usize>,
    use_sliding_window: Option<bool>,
    quantization_config: Option<RawQuantisation>,
}

#[derive(Deserialize)]
struct RawQuantisation {
    quant_method: Option<String>,
}

#[derive(Deserialize)]
struct RawRope {
    rope_theta: Option<f32>,
    #[serde(alias = "type")]
    rope_type: Option<String>,
    factor: Option<f32>,
    low_freq_factor: Option<f32>,
    high_freq_factor: Option<f32>,
    original_max_position_embeddings: Option<usize>,
}

impl RawRope {
    fn scaling(&self, place: &str) -> Result<RopeScaling, LoadError> {
        let missing = |key: &str| LoadError::malformed(place, format!("the rotary scaling has no `{key}`"));
        let factor = || self.factor.ok_or_else(|| missing("factor"));
        match self.rope_type.as_deref() {
            None | Some("default") => Ok(RopeScaling::None),
            Some("linear") => Ok(RopeScaling::Linear { factor: factor()? }),
            Some("llama3") => Ok(RopeScaling::Llama3 {
                factor: factor()?,
                low_freq_factor: self.low_freq_factor.ok_or_else(|| missing("low_freq_factor"))?,
                high_freq_factor: self.high_freq_factor.ok_or_else(|| missing("high_freq_factor"))?,
                original_context: self
                    .original_max_position_embeddings
                    .ok_or_else(|| missing("original_max_position_embeddings"))?,
            }),
            Some(other) => Err(LoadError::unsupported(
                place,
                format!("the rotary scaling `{other}`"),
                "remove it from config.json to use the model at its original context length",
            )),
        }
    }
}

impl RawConfig {
    fn into_config(
        self,
        place: &str,
        name: String,
        tensors: &HashMap<String, Place>,
    ) -> Result<ModelConfig, LoadError> {
        let architecture = match self.model_type.as_str() {
            "llama" | "mistral" | "smollm2" => Architecture::Llama,
            "qwen2" => Architecture::Qwen2,
            "qwen3" => Architecture::Qwen3,
            other => {
                return Err(LoadError::unsupported(
                    place,
                    format!("the architecture `{other}`"),
                    "this engine runs llama, mistral, qwen2 and qwen3",
                ));
            }
        };
        if let Some(act) = self.hidden_act.filter(|act| act != "silu") {
            return Err(LoadError::unsupported(
                place,
                format!("the activation `{act}`"),
                "the model must use silu",
            ));
        }
        if let Some(quantised) = self.quantization_config {
            let method = quantised
                .quant_method
                .unwrap_or_else(|| "of an unnamed kind".to_owned());
            return Err(LoadError::unsupported(
                place,
                format!("the quantisation {method}"),
                "use the model's F32, F16 or BF16 weights, or a GGUF file",
            ));
        }
        let has = |name: &str| tensors.contains_key(name);
        let head_dim = self.head_dim.unwrap_or_else(|| {
            self.hidden_size
                .checked_div(self.num_attention_heads)
                .unwrap_or(0)
        });
        let rope = self.rope_parameters.as_ref().or(self.rope_scaling.as_ref());
        let base = self
            .rope_theta
            .or(rope.and_then(|r| r.rope_theta))
            .unwrap_or(10_000.0);
        let scaling = rope.map_or(Ok(RopeScaling::None), |r| r.scaling(place))?;
        let rotated = self.partial_rotary_factor.unwrap_or(1.0);
        let tied = !has("output.weight") || self.tie_word_embeddings == Some(true);
        let sliding = self
            .use_sliding_window
            .unwrap_or(architecture == Architecture::Llama);
        Ok(ModelConfig {
            architecture,
            name,
            vocab_size: self.vocab_size,
            context_length: self.max_position_embeddings,
            hidden: self.hidden_size,
            layers: self.num_hidden_layers,
            heads: self.num_attention_heads,
            kv_heads: self.num_key_value_heads.unwrap_or(self.num_attention_heads),
            head_dim,
            ffn: self.intermediate_size,
            rms_eps: self.rms_norm_eps.unwrap_or(1e-6),
            rope: Rope {
                base,
                dims: (head_dim as f32 * rotated) as usize,
                layout: RopeLayout::Half,
                scaling,
            },
            tied_embeddings: tied,
            qkv_bias: has("blk.0.attn_q.bias"),
            qk_norm: has("blk.0.attn_q_norm.weight"),
            sliding_window: self.sliding_window.filter(|w| sliding && *w > 0),
            parameters: tensors.values().map(|t| (t.rows * t.cols) as u64).sum(),
            quantisation: main_format(tensors),
        })
    }
}

/// The type that holds the most weights.
fn main_format(tensors: &HashMap<String, Place>) -> String {
    let weights = |dtype: DType| -> usize {
        tensors
            .values()
            .filter(|t| t.dtype == dtype)
            .map(|t| t.rows * t.cols)
            .sum()
    };
    [DType::BF16, DType::F16, DType::F32]
        .into_iter()
        .max_by_key(|dtype| weights(*dtype))
        .map_or_else(String::new, |dtype| dtype.name().to_owned())
}
