//! Reading a model's weights into a trainable network.

use rayon::prelude::*;
use strawberry_engine::config::{Architecture, ModelConfig, RopeLayout};
use strawberry_engine::source::ModelSource;

use super::lora::Lora;
use super::{Network, Scope, Tensor};
use crate::error::TrainError;

/// The tensors of a layer, in the order of [`ModelConfig::tensors`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Norm before attention.
    AttentionNorm,
    /// Queries.
    Q,
    /// Keys.
    K,
    /// Values.
    V,
    /// Output of attention.
    O,
    /// Norm before the feed-forward part.
    FfnNorm,
    /// Gate of the feed-forward part.
    Gate,
    /// Its upward projection.
    Up,
    /// Its downward projection.
    Down,
}

impl Part {
    /// Tensors per layer.
    pub const COUNT: usize = 9;
    /// The projections.
    pub const LINEAR: [Part; 7] = [
        Part::Q,
        Part::K,
        Part::V,
        Part::O,
        Part::Gate,
        Part::Up,
        Part::Down,
    ];
}

/// How many heads a tensor has whose rows are rotated (q and k); `None` for all others.
pub fn rotated_heads(config: &ModelConfig, name: &str) -> Option<usize> {
    if name.contains("attn_q.") {
        Some(config.heads)
    } else if name.contains("attn_k.") {
        Some(config.kv_heads)
    } else {
        None
    }
}

/// Where row `row` of q or k (in Hugging Face's order: halves) lies in a GGUF file of the Llama family, which
/// pairs neighbours.
pub fn stored_row(config: &ModelConfig, row: usize) -> usize {
    let (head, at) = (row / config.head_dim, row % config.head_dim);
    let half = config.rope.dims / 2;
    let stored = if at < half {
        2 * at
    } else if at < 2 * half {
        2 * (at - half) + 1
    } else {
        at
    };
    head * config.head_dim + stored
}

impl Network {
    /// Reads and dequantises a model's weights, and adds fresh adapters drawn from `seed` if `scope` says so.
    ///
    /// # Errors
    /// [`TrainError::Unsupported`] for networks other than Llama's (biases, norms of heads, windows).
    pub fn load(source: &ModelSource, scope: Scope, seed: u64) -> Result<Network, TrainError> {
        let config = source.config().clone();
        let unsupported = if config.architecture != Architecture::Llama {
            Some(config.architecture.name())
        } else if config.qkv_bias {
            Some("a Llama with biases")
        } else if config.sliding_window.is_some() {
            Some("a Llama with a sliding window")
        } else {
            None
        };
        if let Some(what) = unsupported {
            return Err(TrainError::Unsupported(format!(
                "{}: {what} can't be trained yet; use a model of the Llama family (Llama, SmolLM2)",
                source.path().display()
            )));
        }
        let wanted: Vec<_> = config.tensors().collect();
        let interleaved = config.rope.layout == RopeLayout::Interleaved;
        let tensors = wanted
            .into_par_iter()
            .map(|(name, rows, cols)| {
                let mut data = source.tensor(&name)?.to_f32();
                if interleaved && rotated_heads(&config, &name).is_some() {
                    data = (0..rows)
                        .flat_map(|row| data[stored_row(&config, row) * cols..][..cols].to_vec())
                        .collect();
                }
                Ok(Tensor {
                    name,
                    rows,
                    cols,
                    data,
                })
            })
            .collect::<Result<Vec<_>, TrainError>>()?;
        let mut network = Network {
            frequencies: source.rope_frequencies(),
            config,
            tensors,
            lora: None,
            scorer: None,
        };
        network.set_scope(scope, seed)?;
        Ok(network)
    }

    /// Merges adapters there may be, and adds fresh ones, drawn from `seed`, if `scope` says so.
    ///
    /// # Errors
    /// When the rank is 0.
    pub fn set_scope(&mut self, scope: Scope, seed: u64) -> Result<(), TrainError> {
        self.merge();
        if let Scope::Lora { rank, alpha } = scope {
            if rank == 0 || rank > 4096 {
                return Err(TrainError::Option(format!(
                    "a LoRA rank of {rank} makes no sense: give one from 1 to 4096"
                )));
            }
            self.lora = Some(Lora::new(&self.tensors, rank, alpha, seed));
        }
        Ok(())
    }
}
