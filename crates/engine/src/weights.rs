//! A model's weights in the form that the kernels compute with.

use std::sync::OnceLock;

use crate::config::{ModelConfig, RopeLayout};
use crate::error::LoadError;
use crate::kernels::Pool;
use crate::kernels::activations::Forms;
use crate::kernels::matrix::Matrix;
use crate::source::ModelSource;

/// All weights. Matrices are repacked, vectors are f32.
pub(crate) struct Weights {
    pub embedding: Matrix,
    /// `None`: the embedding.
    pub output: Option<Matrix>,
    pub output_norm: Vec<f32>,
    pub layers: Vec<Layer>,
    /// Radians per position of each rotated pair.
    pub frequencies: Vec<f32>,
}

/// One transformer block.
pub(crate) struct Layer {
    pub attention_norm: Vec<f32>,
    pub q: Matrix,
    pub k: Matrix,
    pub v: Matrix,
    /// Biases of q, k and v, end to end.
    pub qkv_bias: Option<Vec<f32>>,
    pub q_norm: Option<Vec<f32>>,
    pub k_norm: Option<Vec<f32>>,
    pub attention_output: Matrix,
    pub ffn_norm: Vec<f32>,
    pub gate: Matrix,
    pub up: Matrix,
    pub down: Matrix,
}

impl Weights {
    /// Repacks all of a model's tensors.
    pub fn load(source: &ModelSource, pool: &mut Pool) -> Result<Weights, LoadError> {
        let config = source.config();
        let layers: Vec<_> = (0..config.layers).map(|_| OnceLock::new()).collect();
        pool.run(layers.len(), &|index, _| {
            layers[index].get_or_init(|| Layer::load(source, index));
        });
        let layers = layers
            .into_iter()
            .filter_map(OnceLock::into_inner)
            .collect::<Result<_, _>>()?;
        let output = if config.tied_embeddings {
            None
        } else {
            Some(matrix(source, "output.weight", |i| i)?)
        };
        Ok(Weights {
            embedding: matrix(source, "token_embd.weight", |i| i)?,
            output,
            output_norm: vector(source, "output_norm.weight")?,
            layers,
            frequencies: source.rope_frequencies(),
        })
    }

    /// The matrix of the logits.
    pub fn output(&self) -> &Matrix {
        self.output.as_ref().unwrap_or(&self.embedding)
    }

    /// Bytes held by the matrices.
    pub fn bytes(&self) -> usize {
        let layers = self.layers.iter().flat_map(Layer::matrices);
        layers
            .chain(&self.output)
            .chain([&self.embedding])
            .map(Matrix::bytes)
            .sum()
    }
}

impl Layer {
    fn load(source: &ModelSource, layer: usize) -> Result<Layer, LoadError> {
        let config = source.config();
        let name = |part: &str| format!("blk.{layer}.{part}");
        let order = |i: usize| stored_row(config, i);
        let qkv_bias = if config.qkv_bias {
            let mut bias = Vec::new();
            for part in ["attn_q.bias", "attn_k.bias"] {
                let stored = vector(source, &name(part))?;
                bias.extend((0..stored.len()).map(|i| stored[order(i)]));
            }
            bias.extend(vector(source, &name("attn_v.bias"))?);
            Some(bias)
        } else {
            None
        };
        let head_norm = |part: &str| {
            if !config.qk_norm {
                return Ok(None);
            }
            let stored = vector(source, &name(part))?;
            Ok(Some((0..stored.len()).map(|i| stored[order(i)]).collect()))
        };
        Ok(Layer {
            attention_norm: vector(source, &name("attn_norm.weight"))?,
            q: matrix(source, &name("attn_q.weight"), order)?,
            k: matrix(source, &name("attn_k.weight"), order)?,
            v: matrix(source, &name("attn_v.weight"), |i| i)?,
            qkv_bias,
            q_norm: head_norm("attn_q_norm.weight")?,
            k_norm: head_norm("attn_k_norm.weight")?,
            attention_output: matrix(source, &name("attn_output.weight"), |i| i)?,
            ffn_norm: vector(source, &name("ffn_norm.weight"))?,
            gate: matrix(source, &name("ffn_gate.weight"), |i| i)?,
            up: matrix(source, &name("ffn_up.weight"), |i| i)?,
            down: matrix(source, &name("ffn_down.weight"), |i| i)?,
        })
    }

    fn matrices(&self) -> [&Matrix; 7] {
        [
            &self.q,
            &self.k,
            &self.v,
            &self.attention_output,
            &self.gate,
            &self.up,
            &self.down,
        ]
    }

    /// Forms that the projections q, k and v take.
    pub fn qkv_forms(&self) -> Forms {
        self.q.forms().or(self.k.forms()).or(self.v.forms())
    }
}

/// Where the row (or element) that belongs at `i` of q or k is stored: interleaved pairs are laid out as
/// halves, so that there is one rotation to compute. Scores do not change, q and k being permuted alike.
fn stored_row(config: &ModelConfig, i: usize) -> usize {
    let (head, at) = (i / config.head_dim, i % config.head_dim);
    let half = config.rope.dims / 2;
    let stored = match config.rope.layout {
        RopeLayout::Interleaved if at < half => 2 * at,
        RopeLayout::Interleaved if at < 2 * half => 2 * (at - half) + 1,
        _ => at,
    };
    head * config.head_dim + stored
}

/// A tensor, repacked.
fn matrix(source: &ModelSource, name: &str, row_at: impl Fn(usize) -> usize) -> Result<Matrix, LoadError> {
    let tensor = source.tensor(name)?;
    Ok(Matrix::pack(
        tensor.dtype,
        tensor.rows,
        tensor.cols,
        tensor.data,
        row_at,
    ))
}

fn vector(source: &ModelSource, name: &str) -> Result<Vec<f32>, LoadError> {
    Ok(source.tensor(name)?.to_f32())
}
