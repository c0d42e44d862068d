//! A tiny random Llama whose tokens are single bytes, and a network that records what it is asked to do.

use std::sync::{Arc, Mutex};

use futures::StreamExt;
use futures::executor::block_on;
use futures::stream::BoxStream;
use strawberry_core::{
    Channel, Finish, Message, Model, ModelError, ModelEvent, SampleRequest, Sampling, Usage,
};
use strawberry_engine::engine::{Engine, EngineOptions};
use strawberry_engine::gguf::Writer;
use strawberry_engine::kernels::Pool;
use strawberry_engine::quant::DType;
use strawberry_engine::runner::{KvUsage, Logits, Runner, RunnerOptions, SeqId, StepError, StepItem};
use strawberry_engine::scheduler::forward::Forward;
use strawberry_engine::source::ModelSource;

/// The token that ends a response.
pub const END: u32 = 256;
/// The context length.
pub const CONTEXT: usize = 512;
/// How a prompt looks: one token per byte.
const PLAIN: &str = "{% for m in messages %}{{ m.content }}{% endfor %}>";
/// The same for a model that writes `<think>` blocks.
const REASONING: &str = "{# <think> #}{% for m in messages %}{{ m.content }}{% endfor %}>";

/// The model file's bytes.
fn file(template: &str) -> Vec<u8> {
    let (layers, hidden, heads, kv_heads, ffn) = (2, 32, 2, 1, 64);
    let head = hidden / heads;
    let mut tokens: Vec<String> = (0..=255u8).map(byte_level).collect();
    tokens.extend(["<|end|>", "<think>", "</think>"].map(str::to_owned));
    let kinds: Vec<i32> = (0..tokens.len())
        .map(|t| [1, 3, 4, 4][t.saturating_sub(255)])
        .collect();

    let mut w = Writer::new();
    w.string("general.architecture", "llama");
    w.string("general.name", "tiny");
    w.u32("llama.block_count", layers as u32);
    w.u32("llama.context_length", CONTEXT as u32);
    w.u32("llama.embedding_length", hidden as u32);
    w.u32("llama.feed_forward_length", ffn as u32);
    w.u32("llama.attention.head_count", heads as u32);
    w.u32("llama.attention.head_count_kv", kv_heads as u32);
    w.f32("llama.attention.layer_norm_rms_epsilon", 1e-5);
    w.f32("llama.rope.freq_base", 10_000.0);
    w.u32("llama.rope.dimension_count", head as u32);
    w.string("tokenizer.ggml.model", "gpt2");
    w.string("tokenizer.ggml.pre", "smollm");
    w.strings("tokenizer.ggml.tokens", &tokens);
    w.strings::<&str>("tokenizer.ggml.merges", &[]);
    w.i32s("tokenizer.ggml.token_type", &kinds);
    w.u32("tokenizer.ggml.eos_token_id", END);
    w.bool("tokenizer.ggml.add_bos_token", false);
    w.string("tokenizer.chat_template", template);

    let mut state = 1u64;
    let mut random = |name: &str, cols: usize, rows: usize, scale: f32| {
        let mut data = Vec::with_capacity(cols * rows * 4);
        for _ in 0..cols * rows {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let x = (state >> 40) as f32 / (1u64 << 24) as f32 - 0.5;
            data.extend((x * scale).to_le_bytes());
        }
        w.tensor(name, &[cols, rows], DType::F32, data);
    };
    random("token_embd.weight", hidden, tokens.len(), 2.0);
    random("output.weight", hidden, tokens.len(), 1.5);
    for layer in 0..layers {
        let name = |part: &str| format!("blk.{layer}.{part}.weight");
        random(&name("attn_q"), hidden, heads * head, 0.8);
        random(&name("attn_k"), hidden, kv_heads * head, 0.8);
        random(&name("attn_v"), hidden, kv_heads * head, 0.8);
        random(&name("attn_output"), heads * head, hidden, 0.8);
        random(&name("ffn_gate"), hidden, ffn, 0.8);
        random(&name("ffn_up"), hidden, ffn, 0.8);
        random(&name("ffn_down"), ffn, hidden, 0.8);
    }
    let ones: Vec<u8> = (0..hidden).flat_map(|_| 1f32.to_le_bytes()).collect();
    w.tensor("output_norm.weight", &[hidden], DType::F32, ones.clone());
    for layer in 0..layers {
        for part in ["attn_norm", "ffn_norm"] {
            w.tensor(
                &format!("blk.{layer}.{part}.weight"),
                &[hidden],
                DType::F32,
                ones.clone(),
            );
        }
    }
    w.to_vec()
}

/// The character by which GPT-2's byte-level vocabularies write a byte.
fn byte_level(byte: u8) -> String {
    let printable = |b: u8| matches!(b, 33..=126 | 161..=172 | 174..=255);
    if printable(byte) {
        return char::from(byte).to_string();
    }
    let place = (0..byte).filter(|&b| !printable(b)).count() as u32;
    char::from_u32(256 + place).unwrap().to_string()
}

/// One step: for each item its sequence and how many tokens it gets.
pub type Steps = Arc<Mutex<Vec<Vec<(SeqId, usize)>>>>;

/// What a test does after a step of the network, given how many there were.
pub type Hook = Arc<dyn Fn(usize) + Send + Sync>;

/// A real network that records its steps.
struct Watched {
    runner: Runner,
    steps: Steps,
    hook: Option<Hook>,
}

impl Forward for Watched {
    fn kv_usage(&self) -> KvUsage {
        self.runner.kv_usage()
    }
    fn fork(&mut self, parent: Option<SeqId>, len: usize) -> SeqId {
        self.runner.fork(parent, len)
    }
    fn free(&mut self, seq: SeqId) {
        self.runner.free(seq);
    }
    fn truncate(&mut self, seq: SeqId, len: usize) {
        self.runner.truncate(seq, len);
    }
    fn step(&mut self, batch: &[StepItem<'_>], logits: &mut Logits) -> Result<(), StepError> {
        self.runner.step(batch, logits)?;
        let mut steps = self.steps.lock().unwrap();
        steps.push(batch.iter().map(|i| (i.seq, i.tokens.len())).collect());
        let count = steps.len();
        drop(steps);
        if let Some(hook) = &self.hook {
            hook(count);
        }
        Ok(())
    }
    fn states(&mut self, batch: &[StepItem<'_>], states: &mut Vec<f32>) -> Result<(), StepError> {
        self.runner.states(batch, states)
    }
    fn pool(&mut self) -> &mut Pool {
        self.runner.pool()
    }
}

/// What a test engine is like.
#[derive(Clone)]
pub struct Setup {
    /// Whether the model writes `<think>` blocks.
    pub reasoning: bool,
    /// Threads.
    pub threads: usize,
    /// Pages of 32 tokens for keys and values.
    pub pages: usize,
    /// Attempts that run together at most.
    pub max_attempts: usize,
    /// Whether a lone greedy attempt tries several tokens in a step.
    pub lookup: bool,
    /// Called after each step, on the scheduler's thread.
    pub hook: Option<Hook>,
}

impl Default for Setup {
    fn default() -> Self {
        Setup {
            reasoning: false,
            threads: 2,
            pages: 4096,
            max_attempts: 256,
            lookup: false,
            hook: None,
        }
    }
}

/// An engine on the tiny model, and the record of its steps.
pub fn engine(setup: &Setup) -> (Engine, Steps) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tiny.gguf");
    std::fs::write(&path, file(if setup.reasoning { REASONING } else { PLAIN })).unwrap();
    let source = ModelSource::open(&path).unwrap();
    let options = |kv_bytes| RunnerOptions {
        threads: setup.threads,
        kv_bytes,
        ..RunnerOptions::default()
    };
    let one = Runner::load(&source, &options(1)).unwrap();
    let page = one.kv_bytes_per_token() * one.kv_usage().page_tokens;
    let runner = Runner::load(&source, &options(setup.pages * page)).unwrap();
    assert_eq!(runner.kv_usage().pages_total, setup.pages);
    let steps = Steps::default();
    let watched = Watched {
        runner,
        steps: Arc::clone(&steps),
        hook: setup.hook.clone(),
    };
    let options = EngineOptions {
        max_attempts: setup.max_attempts,
        lookup: setup.lookup,
        ..EngineOptions::default()
    };
    (Engine::with_network(source, watched, &options).unwrap(), steps)
}

/// A request; the prompt is one token per byte and one more.
pub fn request(prompt: &str, seed: u64, max_tokens: u32) -> SampleRequest {
    SampleRequest {
        messages: vec![Message::user(prompt)],
        sampling: Sampling {
            seed,
            ..Sampling::default()
        },
        max_tokens,
        ..SampleRequest::default()
    }
}

/// What came out of an attempt.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// The thinking.
    pub thinking: String,
    /// The answer.
    pub answer: String,
    /// Sampled tokens of each.
    pub tokens: [u32; 2],
    /// The log-probabilities that were reported.
    pub logprobs: Vec<f32>,
    /// Prompt tokens from the cache.
    pub cached: u64,
    /// The end.
    pub end: Option<(Finish, Usage)>,
}

impl Outcome {
    /// Takes an event.
    pub fn take(&mut self, event: ModelEvent) {
        match event {
            ModelEvent::Started { cached_tokens, .. } => self.cached = cached_tokens,
            ModelEvent::Text {
                channel,
                text,
                tokens,
                logprobs,
                ..
            } => {
                let thinking = channel == Channel::Thinking;
                if thinking {
                    &mut self.thinking
                } else {
                    &mut self.answer
                }
                .push_str(&text);
                self.tokens[usize::from(!thinking)] += tokens;
                self.logprobs.extend(logprobs.iter().map(|l| l.logprob));
            }
            ModelEvent::ToolCalls(_) => {}
            ModelEvent::Done { finish, usage } => self.end = Some((finish, usage)),
        }
    }

    /// Its usage.
    pub fn usage(&self) -> Usage {
        self.end.unwrap().1
    }

    /// Why it ended.
    pub fn finish(&self) -> Finish {
        self.end.unwrap().0
    }
}

/// Runs a request to its end.
pub fn run(engine: &Engine, request: SampleRequest) -> Result<Outcome, ModelError> {
    let mut outcome = Outcome::default();
    let mut stream = engine.sample(request);
    while let Some(event) = block_on(stream.next()) {
        outcome.take(event?);
    }
    assert!(outcome.end.is_some(), "a stream ended without an end");
    Ok(outcome)
}

/// Reads a stream to its end, which must not be an error.
pub fn finish(mut stream: BoxStream<'static, Result<ModelEvent, ModelError>>) -> Outcome {
    let mut outcome = Outcome::default();
    while let Some(event) = block_on(stream.next()) {
        outcome.take(event.unwrap());
    }
    assert!(outcome.end.is_some(), "a stream ended without an end");
    outcome
}

/// Runs requests together.
pub fn run_all(engine: &Engine, requests: Vec<SampleRequest>) -> Vec<Outcome> {
    let streams: Vec<_> = requests.into_iter().map(|r| engine.sample(r)).collect();
    streams.into_iter().map(finish).collect()
}
