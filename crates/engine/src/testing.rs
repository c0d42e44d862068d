//! Small models with random weights, for tests here and in other crates.
//!
//! [`TinyModel`] writes the same network as a GGUF file and as a Hugging Face folder, with a byte-level
//! vocabulary and a ChatML template, so that a test can load it both ways or hand it to another program.
//! `text.rs` has the vocabulary, `weights.rs` the random numbers.

mod adapter;
mod text;
mod weights;

use std::io;
use std::path::Path;

use crate::config::{Architecture, ModelConfig, Rope, RopeLayout, RopeScaling};
use crate::gguf::Writer;
use crate::quant::{DType, dequantize};
use crate::source::hf_names::{self, hf_name};

pub use adapter::TinyAdapter;
pub use weights::random_blocks;

/// A network to write. Change the fields as needed; sizes must fit `dtype`'s blocks.
#[derive(Clone, Debug)]
pub struct TinyModel {
    /// Sizes and kind. `rope.layout`, `parameters` and `quantisation` are ignored.
    pub config: ModelConfig,
    /// Storage of the matrices; vectors are F32.
    pub dtype: DType,
    /// Seed of the weights.
    pub seed: u64,
    /// An adapter that is merged into the weights, which must be F32.
    pub merged: Option<TinyAdapter>,
}

/// A matrix or vector in GGUF's naming and Hugging Face's row order.
struct Tensor {
    name: String,
    rows: usize,
    cols: usize,
    dtype: DType,
    data: Vec<u8>,
}

impl TinyModel {
    /// Two layers of four heads (two for keys and values), matrices in F32.
    pub fn new(architecture: Architecture) -> Self {
        let config = ModelConfig {
            architecture,
            name: format!("tiny {}", architecture.name()),
            vocab_size: text::VOCAB_SIZE + 3,
            context_length: 512,
            hidden: 64,
            layers: 2,
            heads: 4,
            kv_heads: 2,
            head_dim: 16,
            ffn: 96,
            rms_eps: 1e-5,
            rope: Rope {
                base: 10_000.0,
                dims: 16,
                layout: RopeLayout::Half,
                scaling: RopeScaling::None,
            },
            tied_embeddings: architecture == Architecture::Llama,
            qkv_bias: architecture == Architecture::Qwen2,
            qk_norm: architecture == Architecture::Qwen3,
            sliding_window: None,
            parameters: 0,
            quantisation: String::new(),
        };
        TinyModel {
            config,
            dtype: DType::F32,
            seed: 1,
            merged: None,
        }
    }

    /// The same with matrices in `dtype`, widened where its blocks need it.
    pub fn with_dtype(mut self, dtype: DType) -> Self {
        let block = dtype.block_size();
        self.dtype = dtype;
        self.config.hidden = self.config.hidden.next_multiple_of(block);
        self.config.ffn = self.config.ffn.next_multiple_of(block);
        self.config.head_dim =
            (self.config.heads * self.config.head_dim).next_multiple_of(block) / self.config.heads;
        self.config.rope.dims = self.config.head_dim;
        self
    }

    fn tensors(&self) -> Vec<Tensor> {
        let make = |(name, rows, cols): (String, usize, usize)| {
            let mut random = weights::Random::new(self.seed, &name);
            let (dtype, data) = if rows == 1 {
                let around = if name.contains("norm") { 1.0 } else { 0.0 };
                (DType::F32, weights::vector(&mut random, cols, around))
            } else {
                let scale = if name == "token_embd.weight" {
                    1.0
                } else {
                    1.0 / (cols as f32).sqrt()
                };
                (
                    self.dtype,
                    random_blocks(self.dtype, rows * cols, scale, &mut random.source()),
                )
            };
            let mut tensor = Tensor {
                name,
                rows,
                cols,
                dtype,
                data,
            };
            if let Some(data) = self.merged.and_then(|adapter| adapter.merge(&tensor)) {
                tensor.data = data;
            }
            tensor
        };
        self.config.tensors().map(make).collect()
    }

    /// The model as a GGUF file.
    pub fn gguf(&self) -> Vec<u8> {
        let c = &self.config;
        let arch = c.architecture.name();
        let mut w = Writer::new();
        w.string("general.architecture", arch);
        w.string("general.name", &c.name);
        let key = |suffix: &str| format!("{arch}.{suffix}");
        for (suffix, value) in [
            ("context_length", c.context_length),
            ("embedding_length", c.hidden),
            ("block_count", c.layers),
            ("feed_forward_length", c.ffn),
            ("attention.head_count", c.heads),
            ("attention.head_count_kv", c.kv_heads),
            ("attention.key_length", c.head_dim),
            ("attention.value_length", c.head_dim),
            ("rope.dimension_count", c.rope.dims),
            ("vocab_size", c.vocab_size),
        ] {
            w.u32(&key(suffix), value as u32);
        }
        if let Some(window) = c.sliding_window {
            w.u32(&key("attention.sliding_window"), window as u32);
        }
        w.f32(&key("attention.layer_norm_rms_epsilon"), c.rms_eps);
        w.f32(&key("rope.freq_base"), c.rope.base);
        match c.rope.scaling {
            RopeScaling::Linear { factor } => {
                w.string(&key("rope.scaling.type"), "linear");
                w.f32(&key("rope.scaling.factor"), factor);
            }
            RopeScaling::Llama3 { .. } | RopeScaling::Factors => {
                // GGUF has Llama 3's rule as the quotients it comes to.
                let plain = Rope {
                    scaling: RopeScaling::None,
                    ..c.rope
                }
                .frequencies(&[]);
                let scaled = c.rope.frequencies(&[]);
                let data = plain.iter().zip(&scaled).flat_map(|(p, s)| (p / s).to_le_bytes());
                w.tensor(
                    "rope_freqs.weight",
                    &[c.rope.dims / 2],
                    DType::F32,
                    data.collect(),
                );
            }
            RopeScaling::None => {}
        }
        text::write_gguf(&mut w, c.vocab_size);
        for tensor in self.tensors() {
            let Tensor {
                name,
                rows,
                cols,
                dtype,
                data,
            } = tensor;
            let heads = if name.contains("attn_q.") {
                c.heads
            } else {
                c.kv_heads
            };
            let rotated = name.contains("attn_q.") || name.contains("attn_k.");
            if rows == 1 {
                w.tensor(&name, &[cols], dtype, data);
            } else if rotated && c.architecture == Architecture::Llama {
                w.tensor(&name, &[cols, rows], dtype, interleave(&data, rows, heads));
            } else {
                w.tensor(&name, &[cols, rows], dtype, data);
            }
        }
        w.to_vec()
    }

    /// Writes `config.json`, `model.safetensors`, `tokenizer.json` and `tokenizer_config.json` into `dir`.
    /// Quantised matrices are written as the F32 values they stand for.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write_hf(&self, dir: &Path) -> io::Result<()> {
        std::fs::write(dir.join("config.json"), self.config_json().to_string())?;
        std::fs::write(dir.join("model.safetensors"), self.safetensors())?;
        std::fs::write(dir.join("tokenizer.json"), text::tokenizer_json())?;
        std::fs::write(dir.join("tokenizer_config.json"), text::tokenizer_config_json())
    }

    /// The weights as a safetensors file.
    pub fn safetensors(&self) -> Vec<u8> {
        let tensor = |Tensor {
                          name,
                          rows,
                          cols,
                          dtype,
                          data,
                      }: Tensor| {
            let (dtype, data) = match dtype {
                DType::F32 | DType::F16 | DType::BF16 => (dtype, data),
                quantised => {
                    let mut values = vec![0.0; rows * cols];
                    let fits = dequantize(quantised, &data, &mut values);
                    debug_assert!(fits.is_ok(), "made to size");
                    (DType::F32, values.iter().flat_map(|v| v.to_le_bytes()).collect())
                }
            };
            let shape = if rows == 1 { vec![cols] } else { vec![rows, cols] };
            (hf_name(&name), shape, dtype, data)
        };
        safetensors_file(self.tensors().into_iter().map(tensor))
    }

    /// `config.json` as `transformers` reads it.
    pub fn config_json(&self) -> serde_json::Value {
        let json = hf_names::config_json(&self.config, Some(text::BOS), Some(text::EOS));
        json.expect("tiny models have no stored rotary factors")
    }
}

/// A safetensors file of tensors by name, with their shapes and types.
fn safetensors_file(tensors: impl Iterator<Item = (String, Vec<usize>, DType, Vec<u8>)>) -> Vec<u8> {
    let mut header = serde_json::Map::new();
    let mut body = Vec::new();
    for (name, shape, dtype, data) in tensors {
        let offsets = [body.len(), body.len() + data.len()];
        body.extend(data);
        header.insert(
            name,
            serde_json::json!({ "dtype": dtype.name(), "shape": shape, "data_offsets": offsets }),
        );
    }
    let mut header = serde_json::Value::Object(header).to_string();
    header.push_str(&" ".repeat(header.len().next_multiple_of(8) - header.len()));
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend(header.into_bytes());
    file.extend(body);
    file
}

/// Reorders each head's rows from halves (`i`, `i + n/2`) to neighbours (`2i`, `2i + 1`), as GGUF stores q
/// and k of the Llama family.
fn interleave(data: &[u8], rows: usize, heads: usize) -> Vec<u8> {
    let row = data.len() / rows;
    let half = rows / heads / 2;
    let source = |r: usize| {
        let (head, within) = (r / (2 * half), r % (2 * half));
        head * 2 * half + within % 2 * half + within / 2
    };
    (0..rows)
        .flat_map(|r| &data[source(r) * row..][..row])
        .copied()
        .collect()
}
