//! The engine as a [`Model`]: requests in, streams of events out.
//!
//! Here a request is checked and made into a job: the conversation becomes tokens, the grammar a matcher.
//! The scheduler's thread does the rest.

mod options;

use std::path::Path;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use futures::StreamExt;
use futures::stream::{BoxStream, once};
use strawberry_core::{
    Control, Embeddings, Message, Model, ModelError, ModelEvent, ModelInfo, SampleRequest, Sampling, Thinking,
};

use crate::adapter::Adapter;
use crate::error::LoadError;
use crate::runner::{Runner, RunnerOptions};
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

pub use options::EngineOptions;
use options::default_kv_bytes;

/// A loaded model, sampling on a thread of its own. Dropping it lets the attempts in flight end first.
///
/// [`Engine::with_adapter`] gives another view of the same model; the requests to all views run together.
pub struct Engine {
    shared: Arc<Shared>,
    adapter: Option<Arc<Adapter>>,
    info: ModelInfo,
}

/// What all views of a model have in common.
struct Shared {
    source: Arc<ModelSource>,
    tasks: Sender<Task>,
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
        Engine::start(source, runner, options, weight_bytes)
    }

    /// An engine on a network that is already there.
    pub fn with_network<F: Forward + 'static>(
        source: ModelSource,
        network: F,
        options: &EngineOptions,
    ) -> Result<Self, LoadError> {
        Engine::start(source, network, options, 0)
    }

    fn start<F: Forward + 'static>(
        source: ModelSource,
        mut network: F,
        options: &EngineOptions,
        weight_bytes: usize,
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
            adapter: None,
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
                lookup: options.lookup,
            },
            queue,
        );
        std::thread::Builder::new()
            .name("scheduler".to_owned())
            .spawn(move || scheduler.run())
            .map_err(|e| LoadError::Resources(format!("the engine's thread can't be started: {e}")))?;
        let engine = Engine {
            shared: Arc::new(Shared {
                source,
                tasks,
                limits,
                weight_bytes,
                threads,
                grammars: OnceLock::new(),
                last: Mutex::new(None),
            }),
            adapter: None,
            info,
        };
        match &options.adapter {
            Some(path) => Ok(engine.with_adapter(engine.load_adapter(path)?)),
            None => Ok(engine),
        }
    }

    /// Reads a LoRA adapter for this model: a Hugging Face PEFT folder or a llama.cpp adapter file.
    ///
    /// # Errors
    /// [`LoadError`] as [`Adapter::open`].
    pub fn load_adapter(&self, path: &Path) -> Result<Arc<Adapter>, LoadError> {
        Adapter::open(path, self.shared.source.config())
    }

    /// The same model with an adapter (instead of the one this view has, if any). Nothing is copied: requests
    /// to all views run in the same batches and read the same weights.
    pub fn with_adapter(&self, adapter: Arc<Adapter>) -> Engine {
        let model = &self.shared.source;
        let info = ModelInfo {
            name: format!("{}+{}", model.config().name, adapter.name()),
            hash: Some(format!("{}+{}", model.hash(), adapter.hash())),
            adapter: Some(adapter.name().to_owned()),
            ..self.info.clone()
        };
        Engine {
            shared: Arc::clone(&self.shared),
            adapter: Some(adapter),
            info,
        }
    }

    /// The model's file.
    pub fn source(&self) -> &ModelSource {
        &self.shared.source
    }

    /// Bytes of weights that one step reads.
    pub fn weight_bytes(&self) -> usize {
        self.shared.weight_bytes
    }

    /// Threads in use.
    pub fn threads(&self) -> usize {
        self.shared.threads
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
            adapter: self.adapter.clone(),
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

    fn begin(&self, request: SampleRequest) -> Result<EventStream, ModelError> {
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
            adapter: self.adapter.clone(),
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
        self.shared.tasks.send(task).map_err(|_| {
            ModelError::Internal("the engine has stopped after a failure: load the model again".to_owned())
        })
    }

    /// Refuses a prompt of `len` tokens that leaves no room for a token after it.
    fn check_length(&self, len: usize) -> Result<(), ModelError> {
        if len >= self.shared.limits.context {
            return Err(ModelError::ContextOverflow {
                prompt: len as u64,
                limit: self.shared.limits.context as u64,
            });
        }
        if len >= self.shared.limits.memory {
            return Err(ModelError::InvalidRequest(format!(
                "the prompt has {len} tokens, but the memory for keys and values holds {}: shorten the prompt or allow more memory",
                self.shared.limits.memory
            )));
        }
        Ok(())
    }

    fn render(&self, key: PromptKey) -> Result<Rendered, ModelError> {
        let mut last = self.shared.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, rendered)) = last.as_ref().filter(|(k, _)| *k == key) {
            return Ok(rendered.clone());
        }
        let invalid = |e: &dyn std::fmt::Display| ModelError::InvalidRequest(e.to_string());
        let conversation = Conversation {
            tools: &key.tools,
            thinking: Some(key.thinking),
            ..Conversation::new(&key.messages)
        };
        let prompt = self
            .shared
            .source
            .prompt(&conversation)
            .map_err(|e| invalid(&e))?;
        let mut tokens = prompt.tokens;
        if let Some(prefix) = &key.prefix {
            let prefix = self.shared.source.tokenizer().encode(prefix, Special::AsText);
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
        let compiler = self.shared.grammars.get_or_init(|| {
            let tokenizer = self.shared.source.tokenizer();
            let size = self.shared.source.config().vocab_size as u32;
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
        match self.begin(request) {
            Ok(stream) => stream.boxed(),
            Err(error) => once(std::future::ready(Err(error))).boxed(),
        }
    }

    fn count_tokens(&self, messages: &[Message]) -> Option<u64> {
        let prompt = self.shared.source.prompt(&Conversation::new(messages)).ok()?;
        Some(prompt.tokens.len() as u64)
    }

    fn embed(&self, texts: &[String]) -> Result<Embeddings, ModelError> {
        let tokenizer = self.shared.source.tokenizer();
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
        self.send(Task::Embed(Embedding::new(tokens, self.adapter.clone(), reply)))?;
        let vectors = vectors.recv().map_err(|_| {
            ModelError::Internal("the engine stopped before the texts were embedded".to_owned())
        })??;
        Ok(Embeddings {
            vectors,
            prompt_tokens,
        })
    }
}
