//! Opening a model: one view of its config and weights over the file formats.
//!
//! `gguf_model.rs` reads a GGUF file, `hf.rs` a Hugging Face folder (with `safetensors.rs` for the header of
//! each weight file and `hf_text.rs` for tokenizer and template); both fill the same [`ModelSource`], whose tensors have GGUF's canonical names. Files
//! are memory-mapped; nothing is copied. All sizes are checked here, once: whoever takes a tensor named in
//! [`ModelConfig::tensors`] from an opened source may rely on its shape.

mod gguf_model;
mod hf;
pub mod hf_names;
mod hf_text;
pub mod safetensors;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use memmap2::{Mmap, MmapMut};
use sha2::{Digest, Sha256};

use crate::config::ModelConfig;
use crate::error::LoadError;
use crate::quant::{DType, SizeMismatch, dequantize};
use crate::template::{self, ChatTemplate, Conversation, Prompt, TemplateError};
use crate::tokenizer::Tokenizer;

/// A matrix or vector in the file: `rows` of `cols` contiguous weights (`cols` is the input dimension).
/// Vectors have one row.
#[derive(Clone, Copy, Debug)]
pub struct TensorView<'a> {
    /// How the weights are stored.
    pub dtype: DType,
    /// Number of rows.
    pub rows: usize,
    /// Weights per row; whole blocks of `dtype`.
    pub cols: usize,
    /// The blocks, row after row.
    pub data: &'a [u8],
}

impl<'a> TensorView<'a> {
    /// Bytes of one row.
    pub fn row_bytes(&self) -> usize {
        self.data.len() / self.rows
    }

    /// The blocks of row `row`.
    ///
    /// # Panics
    /// When `row >= rows`.
    pub fn row(&self, row: usize) -> &'a [u8] {
        let len = self.row_bytes();
        &self.data[row * len..][..len]
    }

    /// Writes row `row` to `out` as f32.
    ///
    /// # Errors
    /// [`SizeMismatch`] unless `out` has `cols` elements.
    ///
    /// # Panics
    /// When `row >= rows`.
    pub fn dequantize_row(&self, row: usize, out: &mut [f32]) -> Result<(), SizeMismatch> {
        dequantize(self.dtype, self.row(row), out)
    }

    /// All `rows * cols` weights as f32.
    pub fn to_f32(&self) -> Vec<f32> {
        let mut out = vec![0.0; self.rows * self.cols];
        let fits = dequantize(self.dtype, self.data, &mut out);
        debug_assert!(fits.is_ok(), "views are checked when the source is opened");
        out
    }
}

/// Where a tensor lies: in file number `file`, at `bytes`.
#[derive(Clone, Debug)]
struct Place {
    file: usize,
    dtype: DType,
    rows: usize,
    cols: usize,
    bytes: Range<usize>,
}

/// An opened model. Cheap to open: weights are mapped, not read.
///
/// The files must not be truncated while the model is open (the operating system answers reads past the
/// new end of a mapped file with a bus error).
#[derive(Debug)]
pub struct ModelSource {
    path: PathBuf,
    files: Vec<Mmap>,
    tensors: HashMap<String, Place>,
    config: ModelConfig,
    tokenizer: Tokenizer,
    template: Option<ChatTemplate>,
    hash: String,
}

impl ModelSource {
    /// Opens a `.gguf` file, or a folder with `config.json`, `*.safetensors` (one file, or shards with
    /// their index) and `tokenizer.json`.
    ///
    /// # Errors
    /// [`LoadError`] when a file is missing, damaged or unsupported, and says which and why.
    pub fn open(path: &Path) -> Result<Self, LoadError> {
        let source = if path.is_dir() {
            hf::open(path)?
        } else {
            gguf_model::open(path)?
        };
        source.check()?;
        Ok(source)
    }

    /// Opens a GGUF file that is in memory. `name` stands for its path in errors.
    ///
    /// # Errors
    /// Like [`ModelSource::open`].
    pub fn from_gguf(bytes: &[u8], name: &str) -> Result<Self, LoadError> {
        let copy = || -> io::Result<Mmap> {
            let mut map = MmapMut::map_anon(bytes.len().max(1))?;
            map[..bytes.len()].copy_from_slice(bytes);
            map.make_read_only()
        };
        let file = copy().map_err(|e| LoadError::io(name, e))?;
        let source = gguf_model::read(file, Path::new(name))?;
        source.check()?;
        Ok(source)
    }

    /// The path it was opened from.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Sizes, position embedding, names.
    pub fn config(&self) -> &ModelConfig {
        &self.config
    }

    /// The vocabulary.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// The chat template that came with the model.
    pub fn template(&self) -> Option<&ChatTemplate> {
        self.template.as_ref()
    }

    /// A conversation as tokens, by the model's template or, when it has none, by
    /// [`ChatTemplate::fallback`]. Nothing in the messages can become a control token.
    ///
    /// # Errors
    /// [`TemplateError`] when the template refuses the conversation or fails.
    pub fn prompt(&self, conversation: &Conversation<'_>) -> Result<Prompt, TemplateError> {
        match &self.template {
            Some(template) => template::prompt(template, &self.tokenizer, conversation),
            None => {
                let template = ChatTemplate::fallback(&self.tokenizer);
                template::prompt(&template, &self.tokenizer, conversation)
            }
        }
    }

    /// Whether the file has a tensor of this canonical name.
    pub fn has_tensor(&self, name: &str) -> bool {
        self.tensors.contains_key(name)
    }

    /// The tensor of this canonical (GGUF) name: `token_embd.weight`, `output_norm.weight`,
    /// `output.weight`, `rope_freqs.weight`, `blk.N.` + `attn_norm.weight`, `attn_{q,k,v}.{weight,bias}`,
    /// `attn_{q,k}_norm.weight`, `attn_output.weight`, `ffn_norm.weight`, `ffn_{gate,up,down}.weight`.
    ///
    /// # Errors
    /// [`LoadError::MissingTensor`].
    pub fn tensor(&self, name: &str) -> Result<TensorView<'_>, LoadError> {
        let place = self.tensors.get(name).ok_or_else(|| LoadError::MissingTensor {
            place: self.path.display().to_string(),
            name: name.to_owned(),
        })?;
        Ok(TensorView {
            dtype: place.dtype,
            rows: place.rows,
            cols: place.cols,
            data: &self.files[place.file][place.bytes.clone()],
        })
    }

    /// The rotary embedding's radians per position for each of its `dims / 2` pairs, scaling and stored
    /// factors applied.
    pub fn rope_frequencies(&self) -> Vec<f32> {
        let factors = self
            .tensor("rope_freqs.weight")
            .map(|t| t.to_f32())
            .unwrap_or_default();
        self.config.rope.frequencies(&factors)
    }

    /// Identifies the model's content: `sha256:` and 64 hex digits over, for each file in name order, its
    /// length, its first and last mebibyte and 256 pages at even distances between. Reads at most 3 MB a
    /// file, so a change elsewhere in a large tensor can go unnoticed; any change of header, vocabulary,
    /// template or size is seen.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// Checks every tensor that the config asks for.
    fn check(&self) -> Result<(), LoadError> {
        let place = || self.path.display().to_string();
        if let Some(flaw) = self.config.flaw() {
            return Err(LoadError::malformed(place(), flaw));
        }
        if self.tokenizer.vocab_size() > self.config.vocab_size {
            return Err(LoadError::malformed(
                place(),
                format!(
                    "the vocabulary has {} tokens, but the embedding only {} rows",
                    self.tokenizer.vocab_size(),
                    self.config.vocab_size
                ),
            ));
        }
        for (name, rows, cols) in self.config.tensors() {
            let tensor = self.tensor(&name)?;
            if (tensor.rows, tensor.cols) != (rows, cols) {
                return Err(LoadError::malformed(
                    place(),
                    format!(
                        "the tensor `{name}` is {} × {}, but the header's sizes make it {rows} × {cols}",
                        tensor.rows, tensor.cols
                    ),
                ));
            }
        }
        for bias in [
            "attn_output.bias",
            "ffn_gate.bias",
            "ffn_up.bias",
            "ffn_down.bias",
        ] {
            if self.has_tensor(&format!("blk.0.{bias}")) {
                return Err(LoadError::unsupported(
                    place(),
                    format!("a model with the bias `{bias}`"),
                    "only q, k and v may have one",
                ));
            }
        }
        if let Ok(factors) = self.tensor("rope_freqs.weight") {
            let wanted = self.config.rope.dims / 2;
            let sound = factors.rows == 1
                && factors.cols == wanted
                && factors.to_f32().iter().all(|f| f.is_finite() && *f > 0.0);
            if !sound {
                return Err(LoadError::malformed(
                    place(),
                    format!("`rope_freqs.weight` is not {wanted} positive numbers"),
                ));
            }
        }
        Ok(())
    }
}

/// Maps a file that is not empty.
pub(crate) fn map(path: &Path) -> Result<Mmap, LoadError> {
    let file = File::open(path).map_err(|e| LoadError::io(path, e))?;
    let meta = file.metadata().map_err(|e| LoadError::io(path, e))?;
    if !meta.is_file() || meta.len() == 0 {
        return Err(LoadError::malformed(
            path.display().to_string(),
            "it is not a file with content",
        ));
    }
    // SAFETY: the mapping is private and read-only. Its bytes are only ever read as `u8` and parsed with
    // checks, so another process that changes the file can spoil results but not memory safety.
    unsafe { Mmap::map(&file) }.map_err(|e| LoadError::io(path, e))
}

/// The template `source`, which may write the texts of `tokenizer`'s BOS and EOS.
fn chat_template(source: &str, tokenizer: &Tokenizer, place: &str) -> Result<ChatTemplate, LoadError> {
    let name = |id: Option<u32>| id.map(|id| String::from_utf8_lossy(tokenizer.token_bytes(id)));
    let (bos, eos) = (name(tokenizer.bos()), name(tokenizer.eos()));
    ChatTemplate::new(source, &bos.unwrap_or_default(), &eos.unwrap_or_default())
        .map_err(|e| LoadError::malformed(place, e.to_string()))
}

/// Adds a file's length and samples to the model's hash, as [`ModelSource::hash`] describes.
pub(crate) fn hash_file(hasher: &mut Sha256, bytes: &[u8]) {
    const EDGE: usize = 1 << 20;
    const PAGE: usize = 4096;
    hasher.update((bytes.len() as u64).to_le_bytes());
    if bytes.len() <= 3 * EDGE {
        hasher.update(bytes);
        return;
    }
    hasher.update(&bytes[..EDGE]);
    let stride = (bytes.len() - 2 * EDGE) / 256;
    for i in 0..256 {
        hasher.update(&bytes[EDGE + i * stride..][..PAGE.min(stride)]);
    }
    hasher.update(&bytes[bytes.len() - EDGE..]);
}

pub(crate) fn finish_hash(hasher: Sha256) -> String {
    hasher
        .finalize()
        .iter()
        .fold("sha256:".to_owned(), |hex, byte| hex + &format!("{byte:02x}"))
}
