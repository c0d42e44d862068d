//! A random LoRA adapter for a tiny model, in both formats and merged.

use std::io;
use std::path::Path;

use serde_json::json;

use super::{Tensor, TinyModel, interleave, weights};
use crate::config::Architecture;
use crate::gguf::Writer;
use crate::quant::DType;
use crate::source::hf_names::hf_name;

/// An adapter of all seven projections of every block, matrices in F32.
#[derive(Clone, Copy, Debug)]
pub struct TinyAdapter {
    /// Rank of the matrices.
    pub rank: usize,
    /// LoRA's alpha.
    pub alpha: f32,
    /// Whether the product counts alpha/√rank instead of alpha/rank.
    pub rslora: bool,
    /// Seed of the matrices.
    pub seed: u64,
}

impl TinyAdapter {
    fn scale(self) -> f32 {
        let rank = self.rank as f32;
        self.alpha / if self.rslora { rank.sqrt() } else { rank }
    }

    /// A (rank × inputs) and B (outputs × rank) of a model's matrix; `None` where it has none.
    fn pair(self, tensor: &Tensor) -> Option<[Vec<u8>; 2]> {
        if !tensor.name.starts_with("blk.") || tensor.rows == 1 {
            return None;
        }
        let random = |side: &str, count: usize, scale: f32| {
            let random = weights::Random::new(self.seed, &format!("{}{side}", tensor.name));
            super::random_blocks(DType::F32, count, scale, &mut random.source())
        };
        let scale = 1.0 / (tensor.cols as f32).sqrt();
        Some([
            random("A", self.rank * tensor.cols, scale),
            random("B", tensor.rows * self.rank, 0.3),
        ])
    }

    /// The matrix `data` (F32) of a model with the adapter added.
    pub(super) fn merge(self, tensor: &Tensor) -> Option<Vec<u8>> {
        let [a, b] = self.pair(tensor)?.map(floats);
        let mut merged = floats(tensor.data.clone());
        for (row, weights) in merged.chunks_exact_mut(tensor.cols).enumerate() {
            for (col, weight) in weights.iter_mut().enumerate() {
                let product =
                    |k: usize| f64::from(b[row * self.rank + k]) * f64::from(a[k * tensor.cols + col]);
                let sum: f64 = (0..self.rank).map(product).sum();
                *weight = (f64::from(*weight) + f64::from(self.scale()) * sum) as f32;
            }
        }
        Some(merged.iter().flat_map(|x| x.to_le_bytes()).collect())
    }

    /// Writes `adapter_config.json` and `adapter_model.safetensors` for `model` into `folder`.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write_peft(self, model: &TinyModel, folder: &Path) -> io::Result<()> {
        let config = json!({
            "peft_type": "LORA",
            "r": self.rank,
            "lora_alpha": self.alpha,
            "use_rslora": self.rslora,
            "bias": "none",
            "fan_in_fan_out": false,
        });
        std::fs::write(folder.join("adapter_config.json"), config.to_string())?;
        let mut tensors = Vec::new();
        for tensor in model.tensors() {
            let Some([a, b]) = self.pair(&tensor) else {
                continue;
            };
            let name = hf_name(&tensor.name);
            let stem = format!("base_model.model.{}", name.trim_end_matches(".weight"));
            tensors.push((format!("{stem}.lora_A.weight"), [self.rank, tensor.cols], a));
            tensors.push((format!("{stem}.lora_B.weight"), [tensor.rows, self.rank], b));
        }
        let tensors = tensors
            .into_iter()
            .map(|(name, shape, data)| (name, shape.to_vec(), DType::F32, data));
        std::fs::write(
            folder.join("adapter_model.safetensors"),
            super::safetensors_file(tensors),
        )
    }

    /// As llama.cpp's converter writes it. That format has no `rslora`: the scale is put into alpha.
    pub fn gguf(self, model: &TinyModel) -> Vec<u8> {
        let mut w = Writer::new();
        let config = &model.config;
        w.string("general.type", "adapter");
        w.string("general.architecture", config.architecture.name());
        w.string("adapter.type", "lora");
        w.f32("adapter.lora.alpha", self.scale() * self.rank as f32);
        for tensor in model.tensors() {
            let Some([a, b]) = self.pair(&tensor) else {
                continue;
            };
            let b = match (config.architecture, tensor.name.split('.').nth(2)) {
                (Architecture::Llama, Some("attn_q")) => interleave(&b, tensor.rows, config.heads),
                (Architecture::Llama, Some("attn_k")) => interleave(&b, tensor.rows, config.kv_heads),
                _ => b,
            };
            w.tensor(
                &format!("{}.lora_a", tensor.name),
                &[tensor.cols, self.rank],
                DType::F32,
                a,
            );
            w.tensor(
                &format!("{}.lora_b", tensor.name),
                &[self.rank, tensor.rows],
                DType::F32,
                b,
            );
        }
        w.to_vec()
    }
}

fn floats(bytes: Vec<u8>) -> Vec<f32> {
    bytes
        .as_chunks::<4>()
        .0
        .iter()
        .map(|b| f32::from_le_bytes(*b))
        .collect()
}
