//! How fast an engine is, measured through everything a user's request goes through.
//!
//! One run evaluates a prompt nobody has seen and samples attempts from it until each has its tokens; the
//! time until the first attempt starts is the prefill, the rest is decoding. Tokens are random: the work does
//! not depend on which they are.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use futures::StreamExt;
use serde::Serialize;
use strawberry_core::{Control, Model, ModelError, ModelEvent, Sampling};

use crate::engine::Engine;
use crate::sampler::random;

/// What to measure.
#[derive(Clone, Copy, Debug)]
pub struct BenchOptions {
    /// Tokens of the prompt.
    pub prompt: usize,
    /// Tokens that each attempt samples.
    pub new: usize,
    /// Attempts that run together.
    pub attempts: usize,
    /// Runs; the report gives medians. A further run before them warms up.
    pub repeats: usize,
}

/// What was measured: medians over the runs.
#[derive(Clone, Debug, Serialize)]
pub struct BenchReport {
    /// The model's name.
    pub model: String,
    /// Its weight format.
    pub quantisation: String,
    /// Threads in use.
    pub threads: usize,
    /// Tokens of the prompt.
    pub prompt: usize,
    /// Tokens sampled by each attempt.
    pub new: usize,
    /// Attempts that ran together.
    pub attempts: usize,
    /// Runs.
    pub repeats: usize,
    /// Prompt tokens evaluated in a second.
    pub prefill_tok_s: f64,
    /// Tokens sampled in a second, over all attempts.
    pub decode_tok_s: f64,
    /// The slowest and the fastest run's `decode_tok_s`.
    pub decode_range: [f64; 2],
    /// Milliseconds of one decoding step.
    pub step_ms: f64,
    /// Gigabytes of weights read in a second while decoding: all weights once a step.
    pub gb_s: f64,
    /// Gigabytes that the same threads read in a second when they do nothing else.
    pub memory_gb_s: f64,
    /// `gb_s / memory_gb_s`: 1 is the limit of small batches.
    pub memory_share: f64,
    /// 10^9 multiplications and additions by weights in a second while decoding: two per parameter and token.
    pub gop_s: f64,
    /// The same during prefill.
    pub prefill_gop_s: f64,
}

/// Measures `engine`.
///
/// # Errors
/// [`ModelError`] when the engine refuses: the prompt and the new tokens must fit its context.
pub async fn run(engine: &Engine, options: &BenchOptions) -> Result<BenchReport, ModelError> {
    let info = engine.info();
    let context = info.context_length.unwrap_or(u64::MAX);
    if options.prompt == 0 || options.new < 2 || options.attempts == 0 {
        return Err(ModelError::InvalidRequest(
            "a benchmark needs a prompt, at least 2 new tokens and at least 1 attempt".to_owned(),
        ));
    }
    if (options.prompt + options.new) as u64 > context {
        return Err(ModelError::InvalidRequest(format!(
            "{} prompt tokens and {} new ones are more than the model's context of {context}",
            options.prompt, options.new
        )));
    }
    let (mut prefill, mut decode) = (Vec::new(), Vec::new());
    for repeat in 0..=options.repeats.max(1) {
        let seconds = once(engine, options).await?;
        if repeat > 0 {
            prefill.push(seconds[0]);
            decode.push(seconds[1]);
        }
    }
    prefill.sort_by(f64::total_cmp);
    decode.sort_by(f64::total_cmp);
    let (prefill_s, decode_s) = (prefill[prefill.len() / 2], decode[decode.len() / 2]);
    let sampled = (options.attempts * options.new) as f64;
    // The first token of each attempt comes from the prompt's logits.
    let steps = (options.new - 1) as f64;
    let operations = 2.0 * info.parameters.unwrap_or(0) as f64 / 1e9;
    let gb_s = engine.weight_bytes() as f64 * steps / decode_s / 1e9;
    let memory_gb_s = memory_gb_s(engine.threads());
    Ok(BenchReport {
        model: info.name,
        quantisation: info.quantisation.unwrap_or_default(),
        threads: engine.threads(),
        prompt: options.prompt,
        new: options.new,
        attempts: options.attempts,
        repeats: decode.len(),
        prefill_tok_s: options.prompt as f64 / prefill_s,
        decode_tok_s: sampled / decode_s,
        decode_range: [sampled / decode[decode.len() - 1], sampled / decode[0]],
        step_ms: decode_s / steps * 1e3,
        gb_s,
        memory_gb_s,
        memory_share: gb_s / memory_gb_s,
        gop_s: operations * sampled / decode_s,
        prefill_gop_s: operations * options.prompt as f64 / prefill_s,
    })
}

/// One run: seconds of prefill and of decoding.
async fn once(engine: &Engine, options: &BenchOptions) -> Result<[f64; 2], ModelError> {
    /// Numbers the prompts of this process: a prompt that was seen before would come from the cache.
    static RUNS: AtomicU64 = AtomicU64::new(0);
    let run = RUNS.fetch_add(1, Ordering::Relaxed);
    let tokenizer = engine.source().tokenizer();
    let size = tokenizer.vocab_size() as f64;
    let token = |i: usize| (random::uniform(run, i as u64) * size) as u32;
    let prompt: Arc<[u32]> = (0..options.prompt).map(token).collect();
    let start = Instant::now();
    let sample = |seed: usize| {
        let sampling = Sampling {
            seed: seed as u64,
            logit_bias: tokenizer
                .end_tokens()
                .iter()
                .map(|&t| (t, f32::NEG_INFINITY))
                .collect(),
            ..Sampling::default()
        };
        engine.sample_tokens(Arc::clone(&prompt), sampling, options.new as u32, Control::new())
    };
    let mut streams = (0..options.attempts).map(sample).collect::<Result<Vec<_>, _>>()?;
    let mut started = None;
    for stream in &mut streams {
        while let Some(event) = stream.next().await {
            if let ModelEvent::Started { .. } = event? {
                started.get_or_insert_with(Instant::now);
            }
        }
    }
    let started = started.unwrap_or(start);
    Ok([(started - start).as_secs_f64(), started.elapsed().as_secs_f64()])
}

/// Gigabytes that `threads` threads read from memory in a second: the best of five passes over 256 MiB.
fn memory_gb_s(threads: usize) -> f64 {
    let words = vec![1u64; (256 << 20) / 8];
    let share = words.len().div_ceil(threads.max(1));
    let pass = || {
        let start = Instant::now();
        std::thread::scope(|scope| {
            for part in words.chunks(share) {
                scope.spawn(|| std::hint::black_box(part.iter().fold(0u64, |a, &b| a.wrapping_add(b))));
            }
        });
        (words.len() * 8) as f64 / start.elapsed().as_secs_f64() / 1e9
    };
    (0..5).map(|_| pass()).fold(0.0, f64::max)
}

/// The heading of a table of reports.
pub const TABLE_HEAD: &str =
    "prompt    new  attempts  prefill tok/s  decode tok/s  step ms   GB/s  of memory  Gop/s";

impl fmt::Display for BenchReport {
    /// A line under [`TABLE_HEAD`].
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:>6} {:>6} {:>9} {:>14.1} {:>13.1} {:>8.2} {:>6.1} {:>9.0}% {:>6.0}",
            self.prompt,
            self.new,
            self.attempts,
            self.prefill_tok_s,
            self.decode_tok_s,
            self.step_ms,
            self.gb_s,
            self.memory_share * 100.0,
            self.gop_s
        )
    }
}
