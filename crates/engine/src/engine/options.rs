//! What an engine may use.

use std::path::PathBuf;

use crate::kernels::CpuLevel;
use crate::runner::KvPrecision;

/// What an engine may use.
#[derive(Clone, Debug)]
pub struct EngineOptions {
    /// Threads; `None` uses every core.
    pub threads: Option<usize>,
    /// Bytes for keys and values; `None` takes a quarter of the memory that is free, at least 256 MiB and at
    /// most 8 GiB. Memory is taken as it is needed.
    pub kv_bytes: Option<usize>,
    /// Precision of keys and values.
    pub kv_precision: KvPrecision,
    /// A LoRA adapter for all requests: a Hugging Face PEFT folder or a llama.cpp adapter file.
    pub adapter: Option<PathBuf>,
    /// Instruction set; `None`: `STRAWBERRY_CPU`, or the best of this machine.
    pub level: Option<CpuLevel>,
    /// Whether a greedy attempt that runs alone tries several tokens in a step where its text repeats itself.
    /// The text is the same either way.
    pub lookup: bool,
    /// Attempts that run together at most; more wait in a queue.
    pub max_attempts: usize,
}

impl Default for EngineOptions {
    fn default() -> Self {
        EngineOptions {
            threads: None,
            kv_bytes: None,
            kv_precision: KvPrecision::Auto,
            adapter: None,
            level: None,
            lookup: true,
            max_attempts: 256,
        }
    }
}

/// A quarter of the free memory, within bounds.
pub(super) fn default_kv_bytes() -> usize {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = text.lines().find_map(|l| l.strip_prefix("MemAvailable:"));
    let kib = line.and_then(|l| l.trim().trim_end_matches(" kB").parse::<usize>().ok());
    kib.map_or(1 << 30, |kib| (kib / 4 * 1024).clamp(256 << 20, 8 << 30))
}
