//! The trainable network: a Llama decoder in f32, forward and backward.
//!
//! | file | what is in it |
//! |---|---|
//! | `weights.rs` | reading a model's weights; names, places and order of the tensors |
//! | `lora.rs` | low-rank adapters |
//! | `linear.rs` | a projection with its adapter, forward and backward |
//! | `layers.rs` | the decoder's layers, forward and backward |
//! | `head.rs` | the output: logits at chosen tokens, in pieces |
//! | `batch.rs` | packed sequences |
//!
//! Rows of q and k are in Hugging Face's order (rotation over the two halves of a head), whatever file they
//! came from.

pub mod batch;
mod head;
mod layers;
mod linear;
pub mod lora;
mod weights;

use strawberry_engine::config::ModelConfig;

use lora::Lora;

pub use layers::{Activations, Keep};
pub use weights::{Part, rotated_heads, stored_row};

/// A named matrix of `rows × cols`, or a vector (one row).
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// GGUF's canonical name; adapters add `.lora_a` and `.lora_b`.
    pub name: String,
    /// Rows (the output dimension).
    pub rows: usize,
    /// Columns (the input dimension).
    pub cols: usize,
    /// The values, row after row.
    pub data: Vec<f32>,
}

/// What is trained.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scope {
    /// Every weight.
    Full,
    /// Adapters on all projections of all layers (Hu et al. 2021, arXiv 2106.09685).
    Lora {
        /// Inner dimension.
        rank: usize,
        /// The product of the factors is scaled by `alpha / rank`.
        alpha: f32,
    },
}

/// A network that is being trained.
#[derive(Clone, Debug)]
pub struct Network {
    config: ModelConfig,
    frequencies: Vec<f32>,
    /// In the order of [`ModelConfig::tensors`].
    tensors: Vec<Tensor>,
    lora: Option<Lora>,
    /// A vector whose product with a hidden state scores it; only verifiers have one.
    scorer: Option<Tensor>,
}

/// Gradients, in the order of [`Network::trainable`]; empty where a tensor is frozen.
#[derive(Clone, Debug)]
pub struct Gradients {
    tensors: Vec<Vec<f32>>,
    lora: Vec<Option<[Vec<f32>; 2]>>,
    scorer: Vec<f32>,
}

impl Network {
    /// Sizes and position embedding.
    pub fn config(&self) -> &ModelConfig {
        &self.config
    }

    /// What is trained.
    pub fn scope(&self) -> Scope {
        match &self.lora {
            Some(lora) => Scope::Lora {
                rank: lora.rank,
                alpha: lora.alpha,
            },
            None => Scope::Full,
        }
    }

    /// The network's own tensors, without adapters.
    pub fn tensors(&self) -> &[Tensor] {
        &self.tensors
    }

    /// The adapters, if that is what is trained.
    pub fn lora(&self) -> Option<&Lora> {
        self.lora.as_ref()
    }

    /// The tensors that are trained.
    pub fn trainable(&self) -> Vec<&Tensor> {
        match &self.lora {
            Some(lora) => lora.pairs().flatten().chain(&self.scorer).collect(),
            None => self.tensors.iter().chain(&self.scorer).collect(),
        }
    }

    /// The tensors that are trained, to change.
    pub fn trainable_mut(&mut self) -> Vec<&mut Tensor> {
        match &mut self.lora {
            Some(lora) => lora.pairs_mut().flatten().chain(&mut self.scorer).collect(),
            None => self.tensors.iter_mut().chain(&mut self.scorer).collect(),
        }
    }

    /// Zero gradients.
    pub fn gradients(&self) -> Gradients {
        let zeros = |t: &Tensor| vec![0.0; t.data.len()];
        let (tensors, lora) = match &self.lora {
            Some(lora) => {
                let pairs = lora
                    .factors
                    .iter()
                    .map(|pair| pair.as_ref().map(|pair| [zeros(&pair[0]), zeros(&pair[1])]));
                (vec![Vec::new(); self.tensors.len()], pairs.collect())
            }
            None => (
                self.tensors.iter().map(zeros).collect(),
                vec![None; self.tensors.len()],
            ),
        };
        Gradients {
            tensors,
            lora,
            scorer: self.scorer.as_ref().map_or_else(Vec::new, zeros),
        }
    }

    /// Adds a scorer of hidden states, zero at first: every score is then one half.
    pub fn add_scorer(&mut self) {
        let cols = self.config.hidden;
        self.scorer.get_or_insert_with(|| Tensor {
            name: "score.weight".to_owned(),
            rows: 1,
            cols,
            data: vec![0.0; cols],
        });
    }

    /// The scorer, if there is one.
    pub fn scorer(&self) -> Option<&Tensor> {
        self.scorer.as_ref()
    }

    /// Leaves out layers: only those at `kept`, in this order, stay (Sanh et al. 2019, arXiv 1910.01108,
    /// start a student from a teacher's layers like this).
    ///
    /// # Panics
    /// When a number in `kept` is no layer, or adapters are present: faults of the caller.
    pub fn keep_layers(&mut self, kept: &[usize]) {
        assert!(
            self.lora.is_none(),
            "layers are dropped before adapters are added"
        );
        let outer = self.outer();
        let per_layer = (self.tensors.len() - outer) / self.config.layers;
        let mut tensors: Vec<Tensor> = self.tensors[..outer].to_vec();
        for (new, &old) in kept.iter().enumerate() {
            for tensor in &self.tensors[outer + old * per_layer..][..per_layer] {
                let name = tensor
                    .name
                    .replacen(&format!("blk.{old}."), &format!("blk.{new}."), 1);
                tensors.push(Tensor {
                    name,
                    ..tensor.clone()
                });
            }
        }
        self.tensors = tensors;
        self.config.layers = kept.len();
    }

    /// How many tensors precede those of the layers.
    fn outer(&self) -> usize {
        if self.config.tied_embeddings { 2 } else { 3 }
    }

    fn at(&self, layer: usize, part: Part) -> usize {
        self.outer() + layer * Part::COUNT + part as usize
    }

    fn data(&self, index: usize) -> &[f32] {
        &self.tensors[index].data
    }
}

impl Gradients {
    /// All gradients, in the order of [`Network::trainable`].
    pub fn parts(&self) -> impl Iterator<Item = &Vec<f32>> {
        let lora = self.lora.iter().flatten().flatten();
        self.tensors
            .iter()
            .chain(lora)
            .chain([&self.scorer])
            .filter(|g| !g.is_empty())
    }

    /// The same, to change.
    pub fn parts_mut(&mut self) -> impl Iterator<Item = &mut Vec<f32>> {
        let lora = self.lora.iter_mut().flatten().flatten();
        self.tensors
            .iter_mut()
            .chain(lora)
            .chain([&mut self.scorer])
            .filter(|g| !g.is_empty())
    }

    /// Sets all to zero.
    pub fn clear(&mut self) {
        self.parts_mut().for_each(|g| g.fill(0.0));
    }

    fn tensor(&mut self, index: usize) -> Option<&mut [f32]> {
        let gradient = &mut self.tensors[index];
        (!gradient.is_empty()).then_some(gradient.as_mut_slice())
    }
}
