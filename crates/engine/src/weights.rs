//! A model's weights in the form that the kernels compute with.

use std::ops::Range;
use std::sync::OnceLock;

use crate::config::{ModelConfig, RopeLayout};
use crate::error::LoadError;
use crate::kernels::Pool;
use crate::kernels::activations::Forms;
use crate::kernels::matrix::Matrix;
use crate::quant::DType;
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
    /// Repacks all of a model's tensors, `dequantised` to f32 or as they are.
    pub fn load(source: &ModelSource, pool: &mut Pool, dequantised: bool) -> Result<Weights, LoadError> {
        let config = source.config();
        let matrix = |name: &str| matrix(source, name, dequantised, |i| i);
        let layers: Vec<_> = (0..config.layers).map(|_| OnceLock::new()).collect();
        pool.run(layers.len(), &|index, _| {
            layers[index].get_or_init(|| Layer::load(source, index, dequantised));
        });
        let layers = layers
            .into_iter()
            .filter_map(OnceLock::into_inner)
            .collect::<Result<_, _>>()?;
        let output = if config.tied_embeddings {
            None
        } else {
            Some(matrix("output.weight")?)
        };
        let weights = Weights {
            embedding: matrix("token_embd.weight")?,
            output,
            output_norm: vector(source, "output_norm.weight")?,
            layers,
            frequencies: source.rope_frequencies(),
        };
        use_huge_pages(weights.matrices().map(Matrix::memory).collect());
        Ok(weights)
    }

    fn matrices(&self) -> impl Iterator<Item = &Matrix> {
        let layers = self.layers.iter().flat_map(Layer::matrices);
        layers.chain(&self.output).chain([&self.embedding])
    }

    /// The matrix of the logits.
    pub fn output(&self) -> &Matrix {
        self.output.as_ref().unwrap_or(&self.embedding)
    }

    /// Bytes held by the matrices.
    pub fn bytes(&self) -> usize {
        self.matrices().map(Matrix::bytes).sum()
    }
}

impl Layer {
    fn load(source: &ModelSource, layer: usize, dequantised: bool) -> Result<Layer, LoadError> {
        let config = source.config();
        let name = |part: &str| format!("blk.{layer}.{part}");
        let order = |i: usize| stored_row(config, i);
        let plain = |part: &str| matrix(source, &name(part), dequantised, |i| i);
        let rotated = |part: &str| matrix(source, &name(part), dequantised, order);
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
            q: rotated("attn_q.weight")?,
            k: rotated("attn_k.weight")?,
            v: plain("attn_v.weight")?,
            qkv_bias,
            q_norm: head_norm("attn_q_norm.weight")?,
            k_norm: head_norm("attn_k_norm.weight")?,
            attention_output: plain("attn_output.weight")?,
            ffn_norm: vector(source, &name("ffn_norm.weight"))?,
            gate: plain("ffn_gate.weight")?,
            up: plain("ffn_up.weight")?,
            down: plain("ffn_down.weight")?,
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
pub(crate) fn stored_row(config: &ModelConfig, i: usize) -> usize {
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
fn matrix(
    source: &ModelSource,
    name: &str,
    dequantised: bool,
    row_at: impl Fn(usize) -> usize,
) -> Result<Matrix, LoadError> {
    let tensor = source.tensor(name)?;
    if dequantised {
        let values = tensor.to_f32();
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        return Ok(Matrix::pack(DType::F32, tensor.rows, tensor.cols, &bytes, row_at));
    }
    Ok(Matrix::pack(
        tensor.dtype,
        tensor.rows,
        tensor.cols,
        tensor.data,
        row_at,
    ))
}

/// Asks the system to back memory by huge pages: a step reads all weights, and with pages of 4 KiB that is a
/// quarter of a million address translations per gigabyte. Works as well, but slower, where it says no.
fn use_huge_pages(mut ranges: Vec<Range<usize>>) {
    #[cfg(target_os = "linux")]
    {
        // The system merges neighbouring allocations; only a merged range holds whole huge pages.
        const NEAR: usize = 64 << 10;
        ranges.sort_by_key(|range| range.start);
        let mut merged: Vec<Range<usize>> = Vec::new();
        for range in ranges {
            match merged.last_mut() {
                Some(last) if range.start <= last.end + NEAR => last.end = last.end.max(range.end),
                _ => merged.push(range),
            }
        }
        for range in merged {
            let start = range.start.next_multiple_of(4096);
            let len = (range.end / 4096 * 4096).saturating_sub(start);
            for advice in [libc::MADV_HUGEPAGE, libc::MADV_COLLAPSE] {
                // SAFETY: both kinds of advice leave the memory's contents as they are, also those of the gaps.
                unsafe { libc::madvise(start as *mut libc::c_void, len, advice) };
            }
        }
    }
    #[cfg(not(target_os = "linux"))]
    ranges.clear();
}

fn vector(source: &ModelSource, name: &str) -> Result<Vec<f32>, LoadError> {
    Ok(source.tensor(name)?.to_f32())
}
