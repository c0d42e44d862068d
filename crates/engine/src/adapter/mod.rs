//! Low-rank adapters (LoRA, Hu et al. 2021, arXiv:2106.09685), applied beside a model's weights at run time.
//!
//! An adapter adds `scale · B·(A·x)` to what a projection gives for `x`, with `A` of `rank × inputs` and `B` of
//! `outputs × rank`. The model's own weights stay as they are, so attempts with different adapters, or none,
//! share them in one batch. `peft.rs` reads Hugging Face PEFT folders, `gguf.rs` llama.cpp's adapter files; the
//! products are in `runner/low_rank.rs`.

mod gguf;
mod peft;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::config::{ModelConfig, RopeLayout};
use crate::error::LoadError;
use crate::kernels::matrix::Matrix;
use crate::quant::DType;
use crate::weights::stored_row;

/// The projections of a transformer block that can be adapted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Projection {
    Q,
    K,
    V,
    Output,
    Gate,
    Up,
    Down,
}

/// Projections that have the same input and whose outputs lie side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Site {
    Qkv,
    Output,
    GateUp,
    Down,
}

impl Projection {
    /// With the names in GGUF and in Hugging Face's models.
    const ALL: [(Projection, &str, &str); 7] = [
        (Projection::Q, "attn_q", "self_attn.q_proj"),
        (Projection::K, "attn_k", "self_attn.k_proj"),
        (Projection::V, "attn_v", "self_attn.v_proj"),
        (Projection::Output, "attn_output", "self_attn.o_proj"),
        (Projection::Gate, "ffn_gate", "mlp.gate_proj"),
        (Projection::Up, "ffn_up", "mlp.up_proj"),
        (Projection::Down, "ffn_down", "mlp.down_proj"),
    ];

    /// Outputs and inputs.
    fn sizes(self, config: &ModelConfig) -> (usize, usize) {
        match self {
            Projection::Q => (config.q_rows(), config.hidden),
            Projection::K | Projection::V => (config.kv_rows(), config.hidden),
            Projection::Output => (config.hidden, config.q_rows()),
            Projection::Gate | Projection::Up => (config.ffn, config.hidden),
            Projection::Down => (config.hidden, config.ffn),
        }
    }

    /// Where its output lies: the site, and the first column there.
    fn place(self, config: &ModelConfig) -> (Site, usize) {
        match self {
            Projection::Q => (Site::Qkv, 0),
            Projection::K => (Site::Qkv, config.q_rows()),
            Projection::V => (Site::Qkv, config.q_rows() + config.kv_rows()),
            Projection::Output => (Site::Output, 0),
            Projection::Gate => (Site::GateUp, 0),
            Projection::Up => (Site::GateUp, config.ffn),
            Projection::Down => (Site::Down, 0),
        }
    }
}

/// One adapted projection.
pub(crate) struct Part {
    /// First column in the site's output.
    pub offset: usize,
    /// `A`: rank × inputs.
    pub down: Matrix,
    /// `B`: outputs × rank.
    pub up: Matrix,
    /// What `B·(A·x)` is multiplied with.
    pub scale: f32,
}

/// A loaded adapter. It belongs to the model for which it was opened.
pub struct Adapter {
    id: u64,
    name: String,
    hash: String,
    /// Per layer and [`Site`], the parts in the order of their offsets.
    layers: Vec<[Vec<Part>; 4]>,
    sizes: [usize; 4],
}

impl std::fmt::Debug for Adapter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Adapter")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// One of a projection's two matrices, as a file has it.
struct Stored<'a> {
    layer: usize,
    projection: Projection,
    /// `B`, not `A`.
    up: bool,
    rows: usize,
    cols: usize,
    dtype: DType,
    data: &'a [u8],
}

impl Adapter {
    /// Opens a Hugging Face PEFT folder (`adapter_config.json`, `adapter_model.safetensors`) or a llama.cpp
    /// adapter (`.gguf`) for the model `config` describes.
    ///
    /// # Errors
    /// [`LoadError`] when a file is missing, damaged, of another model, or adapts what can't be adapted here.
    pub fn open(path: &Path, config: &ModelConfig) -> Result<Arc<Adapter>, LoadError> {
        let adapter = if path.is_dir() {
            peft::open(path, config)?
        } else {
            gguf::open(path, config)?
        };
        Ok(Arc::new(adapter))
    }

    /// The file's or folder's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Identifies the content, as [`ModelSource::hash`](crate::source::ModelSource::hash) does a model's.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// Different for all adapters of this process.
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// What is adapted at a site of a layer.
    pub(crate) fn parts(&self, layer: usize, site: Site) -> &[Part] {
        &self.layers[layer][site as usize]
    }

    /// Whether it was opened for a model of these sizes.
    pub(crate) fn fits(&self, config: &ModelConfig) -> bool {
        self.layers.len() == config.layers && self.sizes == sizes(config)
    }

    /// Puts the matrices of a file together. `scale(layer, projection, rank)` is what a product counts;
    /// `layout` says in which order the file has the outputs of q and k.
    fn build(
        place: &Path,
        hash: String,
        config: &ModelConfig,
        layout: RopeLayout,
        stored: &[Stored<'_>],
        scale: impl Fn(usize, Projection, usize) -> f32,
    ) -> Result<Adapter, LoadError> {
        let bad = |what: String| LoadError::malformed(place.display().to_string(), what);
        if stored.is_empty() {
            return Err(bad("it adapts nothing: it has no LoRA matrices".to_owned()));
        }
        let mut order = config.clone();
        order.rope.layout = layout;
        let mut layers: Vec<[Vec<Part>; 4]> = (0..config.layers).map(|_| Default::default()).collect();
        let find = |layer, projection, up| {
            let same = |s: &&Stored<'_>| (s.layer, s.projection, s.up) == (layer, projection, up);
            stored.iter().find(same)
        };
        for a in stored {
            let (layer, projection) = (a.layer, a.projection);
            let name = || format!("layer {layer}'s {projection:?} projection");
            if layer >= config.layers {
                return Err(bad(format!(
                    "it adapts layer {layer}, but the model has {}: it was made for another",
                    config.layers
                )));
            }
            if a.up {
                if find(layer, projection, false).is_none() {
                    return Err(bad(format!("{} has a B matrix, but no A", name())));
                }
                continue;
            }
            let Some(b) = find(layer, projection, true) else {
                return Err(bad(format!("{} has an A matrix, but no B", name())));
            };
            let (outputs, inputs) = projection.sizes(config);
            let rank = a.rows;
            if (a.cols, b.rows, b.cols) != (inputs, outputs, rank) || rank == 0 {
                return Err(bad(format!(
                    "{} has A of {} × {} and B of {} × {}, but the model needs rank × {inputs} and {outputs} × rank: \
                     it was made for another",
                    name(),
                    a.rows,
                    a.cols,
                    b.rows,
                    b.cols
                )));
            }
            let scale = scale(layer, projection, rank);
            if !scale.is_finite() {
                return Err(bad(format!("the scale of {} is not a number", name())));
            }
            let rotated = matches!(projection, Projection::Q | Projection::K);
            let row_at = |i| if rotated { stored_row(&order, i) } else { i };
            let (site, offset) = projection.place(config);
            let parts = &mut layers[layer][site as usize];
            parts.push(Part {
                offset,
                down: Matrix::pack(a.dtype, rank, inputs, a.data, |i| i),
                up: Matrix::pack(b.dtype, outputs, rank, b.data, row_at),
                scale,
            });
            parts.sort_by_key(|part| part.offset);
        }
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let name = place.file_name().unwrap_or(place.as_os_str());
        Ok(Adapter {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            name: name.to_string_lossy().into_owned(),
            hash,
            layers,
            sizes: sizes(config),
        })
    }
}

fn sizes(config: &ModelConfig) -> [usize; 4] {
    [config.hidden, config.q_rows(), config.kv_rows(), config.ffn]
}
