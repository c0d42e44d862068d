//! What a model file says about the model: sizes, rotary embedding, special tokens.
//!
//! Both sources (GGUF metadata, Hugging Face `config.json`) end in one [`ModelConfig`]; the readers are
//! `source/gguf_model.rs` and `source/hf.rs`.

/// The network's family. All are pre-norm decoder-only transformers with RMSNorm, rotary position
/// embedding, grouped-query attention and a SwiGLU feed-forward part; they differ in biases and norms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Architecture {
    /// Llama 1–3.2, SmolLM2, Mistral.
    Llama,
    /// Qwen 2 and 2.5: biases on q, k and v.
    Qwen2,
    /// Qwen 3 dense: RMSNorm of each head of q and k before the rotation.
    Qwen3,
}

impl Architecture {
    /// The name in GGUF's `general.architecture`, which is also the prefix of its keys.
    pub const fn name(self) -> &'static str {
        match self {
            Architecture::Llama => "llama",
            Architecture::Qwen2 => "qwen2",
            Architecture::Qwen3 => "qwen3",
        }
    }
}

/// Which dimensions of a head are rotated together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RopeLayout {
    /// Dimensions `2i` and `2i + 1` (GGUF files of the Llama family: the rows of q and k are stored
    /// permuted for it).
    Interleaved,
    /// Dimensions `i` and `i + dims / 2` (`rotate_half`: every safetensors model, and GGUF Qwen).
    Half,
}

/// How rotary frequencies are stretched for contexts longer than the training length.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RopeScaling {
    /// Not at all.
    None,
    /// All frequencies are divided by `factor`.
    Linear {
        /// The divisor, > 0.
        factor: f32,
    },
    /// Llama 3.1's rule: long wavelengths are divided by `factor`, short ones are kept, those between are
    /// blended ("The Llama 3 Herd of Models", arXiv:2407.21783, §3.4; parameters of `config.json`).
    Llama3 {
        /// The divisor of the longest wavelengths.
        factor: f32,
        /// Wavelengths above `original_context / low_freq_factor` are divided.
        low_freq_factor: f32,
        /// Wavelengths below `original_context / high_freq_factor` are kept.
        high_freq_factor: f32,
        /// Context length of the training before the stretch, tokens.
        original_context: usize,
    },
    /// Per-frequency divisors stored in the file as the tensor `rope_freqs.weight` (`dims / 2` values).
    Factors,
}

/// Rotary position embedding (RoFormer, arXiv:2104.09864).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rope {
    /// The base θ: frequency `i` is `base^(-2i / dims)`.
    pub base: f32,
    /// How many leading dimensions of each head are rotated; even, at most `head_dim`.
    pub dims: usize,
    /// Which dimensions pair up.
    pub layout: RopeLayout,
    /// The stretch.
    pub scaling: RopeScaling,
}

impl Rope {
    /// Radians per position for each of the `dims / 2` pairs, with the scaling applied.
    ///
    /// `factors` are the values of `rope_freqs.weight`, used only with [`RopeScaling::Factors`]; missing
    /// ones count as 1. [`ModelSource::rope_frequencies`](crate::source::ModelSource::rope_frequencies)
    /// passes them.
    pub fn frequencies(&self, factors: &[f32]) -> Vec<f32> {
        (0..self.dims / 2)
            .map(|i| {
                let frequency = f64::from(self.base).powf(-2.0 * i as f64 / self.dims as f64);
                let scaled = match self.scaling {
                    RopeScaling::None => frequency,
                    RopeScaling::Linear { factor } => frequency / f64::from(factor),
                    RopeScaling::Factors => frequency / f64::from(factors.get(i).copied().unwrap_or(1.0)),
                    RopeScaling::Llama3 {
                        factor,
                        low_freq_factor,
                        high_freq_factor,
                        original_context,
                    } => {
                        let (low, high) = (f64::from(low_freq_factor), f64::from(high_freq_factor));
                        let turns = original_context as f64 * frequency / std::f64::consts::TAU;
                        let keep = ((turns - low) / (high - low)).clamp(0.0, 1.0);
                        frequency * (keep + (1.0 - keep) / f64::from(factor))
                    }
                };
                scaled as f32
            })
            .collect()
    }
}

/// Everything about a model but its weights, its tokenizer and its template.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelConfig {
    /// The network's family.
    pub architecture: Architecture,
    /// The model's name as its file gives it, or the file's own name.
    pub name: String,
    /// Rows of the embedding and of the logits; at least the tokenizer's vocabulary, often padded.
    pub vocab_size: usize,
    /// Longest sequence the model was made for, tokens.
    pub context_length: usize,
    /// Width of the residual stream (d).
    pub hidden: usize,
    /// Transformer blocks.
    pub layers: usize,
    /// Query heads.
    pub heads: usize,
    /// Key and value heads; divides `heads`.
    pub kv_heads: usize,
    /// Width of one head. `heads * head_dim` need not be `hidden` (Qwen3).
    pub head_dim: usize,
    /// Width of the feed-forward part.
    pub ffn: usize,
    /// Added to the mean square in RMSNorm.
    pub rms_eps: f32,
    /// Position embedding.
    pub rope: Rope,
    /// Whether the output matrix is the embedding (no `output.weight`).
    pub tied_embeddings: bool,
    /// Whether `blk.N.attn_{q,k,v}.bias` exist.
    pub qkv_bias: bool,
    /// Whether `blk.N.attn_{q,k}_norm.weight` exist (`head_dim` values, shared by the heads).
    pub qk_norm: bool,
    /// Attention reaches back this many positions only (Mistral 7B v0.1), the token itself included.
    pub sliding_window: Option<usize>,
    /// Number of weights in the file.
    pub parameters: u64,
    /// The storage format of most of the weights (`Q4_K`, `BF16`…).
    pub quantisation: String,
}

impl ModelConfig {
    /// Rows of `attn_q`: `heads * head_dim`.
    pub fn q_rows(&self) -> usize {
        self.heads * self.head_dim
    }

    /// Rows of `attn_k` and of `attn_v`: `kv_heads * head_dim`.
    pub fn kv_rows(&self) -> usize {
        self.kv_heads * self.head_dim
    }

    /// Every tensor the network needs, by canonical name, with its rows and columns (1 row for vectors).
    pub fn tensors(&self) -> impl Iterator<Item = (String, usize, usize)> + '_ {
        let d = self.hidden;
        let mut outer = vec![
            ("token_embd.weight".to_owned(), self.vocab_size, d),
            ("output_norm.weight".to_owned(), 1, d),
        ];
        if !self.tied_embeddings {
            outer.push(("output.weight".to_owned(), self.vocab_size, d));
        }
        outer.into_iter().chain((0..self.layers).flat_map(move |layer| {
            let (q, kv) = (self.q_rows(), self.kv_rows());
            let mut block = vec![
                ("attn_norm.weight", 1, d),
                ("attn_q.weight", q, d),
                ("attn_k.weight", kv, d),
                ("attn_v.weight", kv, d),
                ("attn_output.weight", d, q),
                ("ffn_norm.weight", 1, d),
                ("ffn_gate.weight", self.ffn, d),
                ("ffn_up.weight", self.ffn, d),
                ("ffn_down.weight", d, self.ffn),
            ];
            if self.qkv_bias {
                block.extend([
                    ("attn_q.bias", 1, q),
                    ("attn_k.bias", 1, kv),
                    ("attn_v.bias", 1, kv),
                ]);
            }
            if self.qk_norm {
                block.extend([
                    ("attn_q_norm.weight", 1, self.head_dim),
                    ("attn_k_norm.weight", 1, self.head_dim),
                ]);
            }
            block
                .into_iter()
                .map(move |(name, rows, cols)| (format!("blk.{layer}.{name}"), rows, cols))
        }))
    }

    /// What makes the sizes impossible to compute with, if anything.
    pub(crate) fn flaw(&self) -> Option<String> {
        let limit = 1 << 24;
        for (name, value) in [
            ("vocabulary size", self.vocab_size),
            ("context length", self.context_length),
            ("embedding length", self.hidden),
            ("number of layers", self.layers),
            ("number of heads", self.heads),
            ("number of key/value heads", self.kv_heads),
            ("head dimension", self.head_dim),
            ("feed-forward length", self.ffn),
        ] {
            if value == 0 || value > limit {
                return Some(format!("the {name} is {value}, which cannot be"));
            }
        }
        if !self.heads.is_multiple_of(self.kv_heads) {
            return Some(format!(
                "{} query heads do not divide into {} key/value heads",
                self.heads, self.kv_heads
            ));
        }
        if self.heads * self.head_dim > limit {
            return Some(format!(
                "{} heads of {} dimensions cannot be",
                self.heads, self.head_dim
            ));
        }
        let rope = &self.rope;
        if rope.dims == 0 || !rope.dims.is_multiple_of(2) || rope.dims > self.head_dim {
            return Some(format!(
                "{} rotary dimensions do not fit a head of {}",
                rope.dims, self.head_dim
            ));
        }
        let scaling_ok = match rope.scaling {
            RopeScaling::None | RopeScaling::Factors => true,
            RopeScaling::Linear { factor } => factor.is_finite() && factor > 0.0,
            RopeScaling::Llama3 {
                factor,
                low_freq_factor,
                high_freq_factor,
                original_context,
            } => {
                [factor, low_freq_factor, high_freq_factor]
                    .iter()
                    .all(|f| f.is_finite() && *f > 0.0)
                    && low_freq_factor < high_freq_factor
                    && original_context > 0
            }
        };
        if !(rope.base.is_finite() && rope.base > 0.0 && scaling_ok) {
            return Some("the rotary embedding's base or scaling is not a positive number".to_owned());
        }
        if !(self.rms_eps.is_finite() && self.rms_eps >= 0.0) {
            return Some(format!("the RMSNorm epsilon is {}", self.rms_eps));
        }
        None
    }
}
