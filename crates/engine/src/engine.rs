//! The engine as a [`Model`]: requests in, streams of events out.
//!
//! Here a request is checked and made into a job: the conversation becomes tokens, the grammar a matcher.
//! The scheduler's thread does the rest.

use std::path::Path;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use futures::StreamExt;
use futures::stream::{BoxStream, once};
use strawberry_core::{
    Control, Embeddings, Message, Model, ModelError, ModelEvent, ModelInfo, SampleRequest, Sampling, Thinking,
};

use crate::error::LoadError;
use crate::kernels::CpuLevel;
use crate::runner::{KvPrecision, Runner, RunnerOptions};
use crate::sampler::Sampler;
use crate::sampler::grammar::GrammarCompiler;
use crate::scheduler::attempt::Job;
use crate::scheduler::embed::Embedding;
use crate::scheduler::events::{EventStream, channel as events};
use crate::scheduler::forward::Forward;
use crate::scheduler::response::Response;
use crate::scheduler::{Scheduler, SchedulerOptions, Task};
use crate::source::ModelSource;
use crate::template::{Conversation, Thinks};
use crate::tokenizer::Special;

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
    /// Instruction set; `None`: `STRAWBERRY_CPU`, or the best of this machine.
    pub level: Option<CpuLevel>,
    /// Attempts that run together at most; more wait in a queue.
    pub max_attempts: usize,
}

impl Default for EngineOptions {
    fn default() -> Self {
        EngineOptions {
            threads: None,
            kv_bytes: None,
            kv_precision: KvPrecision::Auto,
            level: None,
            max_attempts: 256,
        }
    }
}

/// A loaded model, sampling on a thread of its own. Dropping it lets the attempts in flight end first.
pub struct Engine {
    source: Arc<ModelSource>,
    tasks: Sender<Task>,
    info: ModelInfo,
    limits: Limits,
    weight_bytes: usize,
    threads: usize,
    grammars: OnceLock<Result<GrammarCompiler, ModelError>>,
    /// The last prompt: attempts at one problem come one after another.
    last: Mutex<Option<(PromptKey, Rendered)>>,
}

/// Tokens a sequence may have.
#[derive(Clone, Copy)]
struct Limits {
    /// By the model.
    context: usize,
    /// By the memory for keys and values.
    memory: usize,
}

/// What a prompt is made from.
#[derive(Clone, PartialEq)]
struct PromptKey {
    messages: Vec<Message>,
    tools: Vec<serde_json::Value>,
    prefix: Option<String>,
    thinking: bool,
}

#[derive(Clone)]
struct Rendered {
    tokens: Arc<[u32]>,
    inside: bool,
}

impl Engine {
    /// Loads a model: a `.gguf` file, or a folder with safetensors.
    ///
    /// # Errors
    /// [`LoadError`] names what is wrong with which file.
    pub fn load(path: &Path, options: &EngineOptions) -> Result<Self, LoadError> {
        let source = ModelSource::open(path)?;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let runner = Runner::load(
            &source,
            &RunnerOptions {
                threads: options.threads.unwrap_or(cores).max(1),
                kv_bytes: options.kv_bytes.unwrap_or_else(default_kv_bytes),
                kv_precision: options.kv_precision,
                level: options.level,
            },
        )?;
        let weight_bytes = runner.weight_bytes();
        let mut engine = Engine::with_network(source, runner, options)?;
        engine.weight_bytes = weight_bytes;
        Ok(engine)
    }

    /// An engine on a network that is already there.
    pub fn with_network<F: Forward + 'static>(
        source: ModelSource,
        mut network: F,
        options: &EngineOptions,
    ) -> Result<Self, LoadError> {
        let source = Arc::new(source);
        let config = source.config();
        let usage = network.kv_usage();
        // A prompt and its attempt may each have a partly filled page.
        let limits = Limits {
            context: config.context_length,
            memory: usage.pages_total.saturating_sub(2) * usage.page_tokens,
        };
        if limits.memory == 0 {
            return Err(LoadError::Resources(
                "the memory for keys and values holds less than three pages: allow more".to_owned(),
            ));
        }
        let info = ModelInfo {
            name: config.name.clone(),
            hash: Some(source.hash().to_owned()),
            architecture: config.architecture.name().to_owned(),
            context_length: Some(config.context_length as u64),
            parameters: Some(config.parameters),
            quantisation: Some(config.quantisation.clone()),
            reasoning: source.template().is_some_and(|t| t.thinks() != Thinks::Never),
        };
        let threads = network.pool().threads();
        let (tasks, queue) = channel();
        let scheduler = Scheduler::new(
            network,
            Arc::clone(&source),
            SchedulerOptions {
                max_attempts: options.max_attempts.max(1),
                chunk: 128,
                idle_chunk: 512,
                context: limits.context.min(limits.memory),
            },
            queue,
        );
        std::thread::Builder::new()
            .name("scheduler".to_owned())
            .spawn(move || scheduler.run())
            .map_err(|e| LoadError::Resources(format!("the engine's thread can't be started: {e}")))?;
        Ok(Engine {
            source,
            tasks,
            info,
            limits,
            weight_bytes: 0,
            threads,
            grammars: OnceLock::new(),
            last: Mutex::new(None),
        })
    }

    /// The model's file.
    pub fn source(&self) -> &ModelSource {
        &self.source
    }

    /// Bytes of weights that one step reads.
    pub fn weight_bytes(&self) -> usize {
        self.weight_bytes
    }

    /// Threads in use.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// Samples a continuation of tokens, without a conversation and a template.
    ///
    /// # Errors
    /// [`ModelError`] when the sampling settings are wrong or the prompt is empty or too long.
    pub fn sample_tokens(
        &self,
        prompt: Arc<[u32]>,
        sampling: Sampling,
        max_tokens: u32,
        control: Control,
    ) -> Result<EventStream, ModelError> {
        sampling.validate()?;
        let response = Response::new(false, "", sampling.stop.clone());
        let (events, stream) = events();
        self.submit(Job {
            sampler: Sampler::new(sampling, &prompt),
            prompt,
            response,
            grammar: None,
            calculator: None,
            max_tokens,
            thinking: Thinking::default(),
            reasoning: false,
            tools: false,
            control,
            events,
        })?;
        Ok(stream)
    }

    fn start(&self, request: SampleRequest) -> Result<EventStream, ModelError> {
        request.sampling.validate()?;
        if request.messages.is_empty() {
            return Err(ModelError::InvalidRequest(
                "the conversation is empty: give at least one message".to_owned(),
            ));
        }
        let grammar = match &request.grammar {
            Some(grammar) => Some(self.compiler()?.compile(grammar)?),
            None => None,
        };
        let SampleRequest {
            messages,
            prefix,
            sampling,
            max_tokens,
            thinking,
            calculator,
            tools,
            control,
            ..
        } = request;
        let offers_tools = !tools.is_empty();
        let rendered = self.render(PromptKey {
            messages,
            tools,
            prefix: prefix.clone(),
            thinking: thinking.enabled,
        })?;
        let prefix = prefix.as_deref().unwrap_or("");
        let mut response = Response::new(rendered.inside, prefix, sampling.stop.clone());
        if calculator.is_some() {
            response.keep_text(prefix);
        }
        let (events, stream) = events();
        self.submit(Job {
            response,
            sampler: Sampler::new(sampling, &rendered.tokens),
            prompt: rendered.tokens,
            grammar,
            calculator,
            max_tokens,
            thinking,
            reasoning: self.info.reasoning,
            tools: offers_tools,
            control,
            events,
        })?;
        Ok(stream)
    }

    fn submit(&self, job: Job) -> Result<(), ModelError> {
        if job.prompt.is_empty() {
            return Err(ModelError::InvalidRequest("the prompt is empty".to_owned()));
        }
        if job.max_tokens == 0 {
            return Err(ModelError::InvalidRequest(
                "max_tokens is 0: allow at least one token".to_owned(),
            ));
        }
        self.check_length(job.prompt.len())?;
        self.send(Task::Sample(Box::new(job)))
    }

    fn send(&self, task: Task) -> Result<(), ModelError> {
        self.tasks.send(task).map_err(|_| {
            ModelError::Internal("the engine has stopped after a failure: load the model again".to_owned())
        })
    }

    /// Refuses a prompt of `len` tokens that leaves no room for a token after it.
    fn check_length(&self, len: usize) -> Result<(), ModelError> {
        if len >= self.limits.context {
            return Err(ModelError::ContextOverflow {
                prompt: len as u64,
                limit: self.limits.context as u64,
            });
        }
        if len >= self.limits.memory {
            return Err(ModelError::InvalidRequest(format!(
                "the prompt has {len} tokens, but the memory for keys and values holds {}: shorten the prompt or allow more memory",
                self.limits.memory
            )));
        }
        Ok(())
    }

    fn render(&self, key: PromptKey) -> Result<Rendered, ModelError> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, rendered)) = last.as_ref().filter(|(k, _)| *k == key) {
            return Ok(rendered.clone());
        }
        let invalid = |e: &dyn std::fmt::Display| ModelError::InvalidRequest(e.to_string());
        let conversation = Conversation {
            tools: &key.tools,
            thinking: Some(key.thinking),
            ..Conversation::new(&key.messages)
        };
        let prompt = self.source.prompt(&conversation).map_err(|e| invalid(&e))?;
        let mut tokens = prompt.tokens;
        if let Some(prefix) = &key.prefix {
            let prefix = self.source.tokenizer().encode(prefix, Special::AsText);
            tokens.extend(prefix.map_err(|e| invalid(&e))?);
        }
        let rendered = Rendered {
            tokens: tokens.into(),
            inside: prompt.opens_thinking,
        };
        *last = Some((key, rendered.clone()));
        Ok(rendered)
    }

    fn compiler(&self) -> Result<&GrammarCompiler, ModelError> {
        let compiler = self.grammars.get_or_init(|| {
            let tokenizer = self.source.tokenizer();
            let size = self.source.config().vocab_size as u32;
            let words: Vec<Vec<u8>> = (0..size).map(|t| tokenizer.visible_bytes(t).to_vec()).collect();
            GrammarCompiler::new(&words, tokenizer.end_tokens())
        });
        compiler.as_ref().map_err(Clone::clone)
    }
}

impl Model for Engine {
    fn info(&self) -> ModelInfo {
        self.info.clone()
    }

    fn sample(&self, request: SampleRequest) -> BoxStream<'static, Result<ModelEvent, ModelError>> {
        match self.start(request) {
            Ok(stream) => stream.boxed(),
            Err(error) => once(std::future::ready(Err(error))).boxed(),
        }
    }

    fn count_tokens(&self, messages: &[Message]) -> Option<u64> {
        let prompt = self.source.prompt(&Conversation::new(messages)).ok()?;
        Some(prompt.tokens.len() as u64)
    }

    fn embed(&self, texts: &[String]) -> Result<Embeddings, ModelError> {
        let tokenizer = self.source.tokenizer();
        let mut tokens: Vec<Arc<[u32]>> = Vec::with_capacity(texts.len());
        for (i, text) in texts.iter().enumerate() {
            let encoded = tokenizer.encode(text, Special::AsText);
            let encoded = encoded.map_err(|e| ModelError::InvalidRequest(e.to_string()))?;
            if encoded.is_empty() {
                return Err(ModelError::InvalidRequest(format!(
                    "text {} of {} is empty: there is nothing to embed",
                    i + 1,
                    texts.len()
                )));
            }
            self.check_length(encoded.len())?;
            tokens.push(encoded.into());
        }
        let prompt_tokens = tokens.iter().map(|t| t.len() as u64).sum();
        let (reply, vectors) = channel();
        self.send(Task::Embed(Embedding::new(tokens, reply)))?;
        let vectors = vectors.recv().map_err(|_| {
            ModelError::Internal("the engine stopped before the texts were embedded".to_owned())
        })??;
        Ok(Embeddings {
            vectors,
            prompt_tokens,
        })
    }
}

/// A quarter of the free memory, within bounds.
fn default_kv_bytes() -> usize {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = text.lines().find_map(|l| l.strip_prefix("MemAvailable:"));
    let kib = line.and_then(|l| l.trim().trim_end_matches(" kB").parse::<usize>().ok());
    kib.map_or(1 << 30, |kib| (kib / 4 * 1024).clamp(256 << 20, 8 << 30))
}
