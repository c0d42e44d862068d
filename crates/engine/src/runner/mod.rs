//! Runs a model: token batches in, logits out, with a key/value cache whose prefixes are shared.
//!
//! | file | to change |
//! |---|---|
//! | `mod.rs` | the interface: [`Runner`], its options and errors |
//! | `batch.rs` | how a step's items become rows, and which rows share pages |
//! | `forward.rs` | the network |
//! | `attention.rs` | where keys and values go, and who attends to which |
//! | `low_rank.rs` | the products of adapters |
//! | `kv.rs` | the cache of keys and values |
//!
//! A row of logits is the same to the bit whatever else is in the batch, on any number of threads, at every
//! [`CpuLevel`], and however its prefix came to be cached.

mod attention;
mod batch;
mod forward;
mod kv;
mod low_rank;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use half::f16;

pub use kv::{KvFull, KvUsage, SeqId};

use crate::adapter::Adapter;
use crate::config::ModelConfig;
use crate::error::LoadError;
use crate::kernels::attention_int8::EightBit;
use crate::kernels::{Cpu, CpuLevel, Pool};
use crate::quant::DType;
use crate::source::ModelSource;
use crate::weights::Weights;
use forward::{Buffers, Wanted};
use kv::{Cache, Shape};

/// How keys and values are stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KvPrecision {
    /// 32 bits for models with 32-bit weights, otherwise 16.
    #[default]
    Auto,
    /// IEEE half precision.
    Half,
    /// 32-bit float.
    Single,
    /// 8-bit integers, computed with as such: half the memory of `Half` and faster over long prompts.
    Int8,
}

impl std::str::FromStr for KvPrecision {
    type Err = String;

    /// `auto`, `half`, `single` or `int8`.
    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "auto" => Ok(KvPrecision::Auto),
            "half" => Ok(KvPrecision::Half),
            "single" => Ok(KvPrecision::Single),
            "int8" => Ok(KvPrecision::Int8),
            other => Err(format!(
                "there is no precision `{other}`; use auto, half, single or int8"
            )),
        }
    }
}

/// What a [`Runner`] may use.
#[derive(Clone, Debug)]
pub struct RunnerOptions {
    /// Threads, the caller's included; at least 1.
    pub threads: usize,
    /// Bytes that keys and values may take.
    pub kv_bytes: usize,
    /// Their precision.
    pub kv_precision: KvPrecision,
    /// Instruction set; `None`: the environment variable `STRAWBERRY_CPU`, or the best of this machine.
    pub level: Option<CpuLevel>,
}

impl Default for RunnerOptions {
    /// All cores, 1 GiB of keys and values.
    fn default() -> Self {
        RunnerOptions {
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            kv_bytes: 1 << 30,
            kv_precision: KvPrecision::Auto,
            level: None,
        }
    }
}

/// Which of an item's tokens get a row of logits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogitsFor {
    /// None (a chunk of a prompt that goes on).
    None,
    /// The last one.
    Last,
    /// Every one.
    All,
}

/// Tokens to append to one sequence in a step.
#[derive(Clone, Copy, Debug)]
pub struct StepItem<'a> {
    /// What adapts the model for these tokens: the same for all tokens of a sequence.
    pub adapter: Option<&'a Arc<Adapter>>,
    /// The sequence; at most once in a batch.
    pub seq: SeqId,
    /// What to append: a chunk of a prompt or one sampled token; not empty.
    pub tokens: &'a [u32],
    /// Which logits to compute.
    pub logits: LogitsFor,
}

/// A batch that cannot be run. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StepError {
    /// Too few free pages.
    #[error(transparent)]
    KvFull(#[from] KvFull),
    /// A sequence would grow beyond what the model was made for.
    #[error("{len} tokens are more than the model's context of {limit}")]
    ContextFull {
        /// Tokens that the sequence would have.
        len: usize,
        /// The model's context length.
        limit: usize,
    },
    /// A token that the model does not have.
    #[error("token {token} is outside the vocabulary of {vocab}")]
    UnknownToken {
        /// The token.
        token: u32,
        /// Size of the vocabulary.
        vocab: usize,
    },
    /// A sequence that is not alive, is in the batch twice, or gets no tokens.
    #[error("item {index} of the batch {what}")]
    BadItem {
        /// Its place in the batch.
        index: usize,
        /// What is wrong with it.
        what: &'static str,
    },
}

/// Rows of logits, in the order of the batch; reused from step to step.
#[derive(Clone, Debug, Default)]
pub struct Logits {
    values: Vec<f32>,
    rows: usize,
    vocab: usize,
    stride: usize,
}

impl Logits {
    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Row `row`: one unnormalised log-probability per token of the vocabulary.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn row(&self, row: usize) -> &[f32] {
        assert!(row < self.rows, "row {row} of {}", self.rows);
        &self.values[row * self.stride..][..self.vocab]
    }

    /// The same, to be changed in place (penalties, masks).
    ///
    /// # Panics
    /// If there is no such row.
    pub fn row_mut(&mut self, row: usize) -> &mut [f32] {
        assert!(row < self.rows, "row {row} of {}", self.rows);
        &mut self.values[row * self.stride..][..self.vocab]
    }

    /// All rows.
    pub fn iter(&self) -> impl Iterator<Item = &[f32]> {
        (0..self.rows).map(|row| self.row(row))
    }

    /// All rows, each to be changed by itself.
    pub fn rows_mut(&mut self) -> impl Iterator<Item = &mut [f32]> {
        let vocab = self.vocab;
        let rows = self.rows;
        self.values
            .chunks_mut(self.stride.max(1))
            .take(rows)
            .map(move |row| &mut row[..vocab])
    }

    /// Room for `rows` rows. Rows start on different cache sets: a stride of a power of two would make the
    /// stores of a batch evict one another.
    fn resize(&mut self, rows: usize, vocab: usize) {
        self.rows = rows;
        self.vocab = vocab;
        self.stride = vocab.next_multiple_of(16) + 16;
        self.values.resize(rows * self.stride, 0.0);
    }
}

enum Kv {
    Half(Cache<f16>),
    Single(Cache<f32>),
    Int8(Cache<EightBit>),
}

/// Evaluates an expression for the cache, whatever its precision.
macro_rules! with_cache {
    ($kv:expr, $cache:ident => $e:expr) => {
        match $kv {
            Kv::Half($cache) => $e,
            Kv::Single($cache) => $e,
            Kv::Int8($cache) => $e,
        }
    };
}

/// A loaded model and its cache.
pub struct Runner {
    config: ModelConfig,
    weights: Weights,
    cpu: Cpu,
    pool: Pool,
    kv: Kv,
    buffers: Buffers,
}

impl Runner {
    /// Loads a model: repacks its weights (the source is not needed afterwards) and sets up the cache, whose
    /// memory is taken when used.
    ///
    /// # Errors
    /// [`LoadError`] when a tensor is missing or the CPU level cannot be had.
    pub fn load(source: &ModelSource, options: &RunnerOptions) -> Result<Runner, LoadError> {
        Runner::load_as(source, options, false)
    }

    /// Like [`Runner::load`], but dequantises all matrices and computes in f32: the reference for what the
    /// integer kernels lose, slow and 4 bytes per weight.
    ///
    /// # Errors
    /// As [`Runner::load`].
    pub fn load_dequantised(source: &ModelSource, options: &RunnerOptions) -> Result<Runner, LoadError> {
        Runner::load_as(source, options, true)
    }

    fn load_as(
        source: &ModelSource,
        options: &RunnerOptions,
        dequantised: bool,
    ) -> Result<Runner, LoadError> {
        let config = source.config().clone();
        let cpu = match options.level {
            Some(level) => Cpu::new(level),
            None => Cpu::from_env(),
        }
        .map_err(|error| LoadError::Resources(error.to_string()))?;
        let mut pool = Pool::new(options.threads);
        let weights = Weights::load(source, &mut pool, dequantised)?;
        let shape = Shape {
            layers: config.layers,
            kv_heads: config.kv_heads,
            head_dim: config.head_dim,
        };
        let no_room = |error| {
            LoadError::Resources(format!(
                "{} bytes for keys and values can't be had: {error}; ask for fewer",
                options.kv_bytes
            ))
        };
        let exact = dequantised || config.quantisation == DType::F32.name();
        let kv = match options.kv_precision {
            KvPrecision::Auto if exact => Kv::Single(Cache::new(shape, options.kv_bytes).map_err(no_room)?),
            KvPrecision::Single => Kv::Single(Cache::new(shape, options.kv_bytes).map_err(no_room)?),
            KvPrecision::Auto | KvPrecision::Half => {
                Kv::Half(Cache::new(shape, options.kv_bytes).map_err(no_room)?)
            }
            KvPrecision::Int8 => Kv::Int8(Cache::new(shape, options.kv_bytes).map_err(no_room)?),
        };
        let buffers = Buffers::new(pool.threads());
        Ok(Runner {
            config,
            weights,
            cpu,
            pool,
            kv,
            buffers,
        })
    }

    /// The model's sizes.
    pub fn config(&self) -> &ModelConfig {
        &self.config
    }

    /// The instruction set in use.
    pub fn level(&self) -> CpuLevel {
        self.cpu.level()
    }

    /// The threads, for parallel work between steps (sampling).
    pub fn pool(&mut self) -> &mut Pool {
        &mut self.pool
    }

    /// Bytes of the repacked matrices.
    pub fn weight_bytes(&self) -> usize {
        self.weights.bytes()
    }

    /// A new sequence of the first `len` tokens of `parent` (0 without one). Nothing is copied; a page that is
    /// partly filled is copied when one of its sequences next grows.
    ///
    /// # Panics
    /// If the parent was freed or is shorter.
    pub fn fork(&mut self, parent: Option<SeqId>, len: usize) -> SeqId {
        with_cache!(&mut self.kv, cache => cache.fork(parent, len))
    }

    /// Forgets a sequence; pages that no other shares are freed at once. One that was freed is ignored.
    pub fn free(&mut self, seq: SeqId) {
        with_cache!(&mut self.kv, cache => cache.free(seq));
    }

    /// Shortens a sequence to its first `len` tokens.
    ///
    /// # Panics
    /// If it was freed or is shorter.
    pub fn truncate(&mut self, seq: SeqId, len: usize) {
        with_cache!(&mut self.kv, cache => cache.truncate(seq, len));
    }

    /// Tokens in a sequence.
    ///
    /// # Panics
    /// If it was freed.
    pub fn len(&self, seq: SeqId) -> usize {
        with_cache!(&self.kv, cache => cache.len(seq))
    }

    /// Pages that appending `tokens` tokens to a sequence takes.
    ///
    /// # Panics
    /// If it was freed.
    pub fn pages_needed(&self, seq: SeqId, tokens: usize) -> usize {
        with_cache!(&self.kv, cache => cache.pages_needed(seq, tokens))
    }

    /// How full the cache is.
    pub fn kv_usage(&self) -> KvUsage {
        with_cache!(&self.kv, cache => cache.usage())
    }

    /// Bytes of the cache per token of a sequence.
    pub fn kv_bytes_per_token(&self) -> usize {
        let shape = Shape {
            layers: self.config.layers,
            kv_heads: self.config.kv_heads,
            head_dim: self.config.head_dim,
        };
        let page = match self.kv {
            Kv::Half(_) => shape.page_bytes::<f16>(),
            Kv::Single(_) => shape.page_bytes::<f32>(),
            Kv::Int8(_) => shape.page_bytes::<EightBit>(),
        };
        page / self.kv_usage().page_tokens
    }

    /// Appends the items' tokens and computes the logits asked for, rows in the order of the batch.
    ///
    /// # Errors
    /// [`StepError`]; then no sequence has changed.
    pub fn step(&mut self, batch: &[StepItem<'_>], logits: &mut Logits) -> Result<(), StepError> {
        self.run(batch, Wanted::Logits(logits))
    }

    /// Appends the items' tokens and gives each token's final hidden state (after the last norm): rows of
    /// [`ModelConfig::hidden`] numbers in the order of the batch. What the items say of logits is ignored.
    ///
    /// # Errors
    /// As [`Runner::step`].
    pub fn states(&mut self, batch: &[StepItem<'_>], states: &mut Vec<f32>) -> Result<(), StepError> {
        self.run(batch, Wanted::States(states))
    }

    fn run(&mut self, batch: &[StepItem<'_>], wanted: Wanted<'_>) -> Result<(), StepError> {
        let Runner {
            config,
            weights,
            cpu,
            pool,
            kv,
            buffers,
        } = self;
        let model = forward::Model {
            config,
            weights,
            cpu: *cpu,
        };
        with_cache!(kv, cache => {
            batch::check(config, cache, batch)?;
            buffers.batch.fill(cache, batch);
            forward::forward(model, pool, cache, buffers, wanted);
        });
        Ok(())
    }
}
