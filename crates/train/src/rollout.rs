//! Sampling from the network being trained, on the engine: the weights are handed over in memory, rounded to
//! Q8_0.

use futures::executor::block_on;
use futures::{StreamExt, stream};
use strawberry_core::{
    Calculator, Channel, Finish, Message, Model, ModelError, ModelEvent, SampleRequest, Sampling,
};
use strawberry_engine::engine::{Engine, EngineOptions};
use strawberry_engine::quant::DType;
use strawberry_engine::runner::{Runner, RunnerOptions};
use strawberry_engine::source::ModelSource;
use strawberry_engine::tokenizer::Special;
use strawberry_synth::rng::Rng;

use crate::data::prompt_tokens;
use crate::error::TrainError;
use crate::export::gguf;
use crate::network::Network;
use crate::network::batch::Sequence;

/// How responses are drawn.
#[derive(Clone, Debug)]
pub struct Drawing {
    /// Responses per prompt.
    pub samples: usize,
    /// The temperature.
    pub temperature: f32,
    /// Tokens of a response at most.
    pub max_tokens: u32,
    /// Each response has a seed of its own, derived from this.
    pub seed: u64,
    /// What completes calculations.
    pub calculator: Option<Calculator>,
    /// Threads of the engine; `None` uses every core.
    pub threads: Option<usize>,
}

/// One response.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Response {
    /// Its pieces, and whether the model drew them (else the calculator wrote them).
    pub pieces: Vec<(String, bool)>,
    /// Whether the model ended it, rather than the limit.
    pub finished: bool,
}

impl Response {
    /// The whole text.
    pub fn text(&self) -> String {
        self.pieces.iter().map(|(text, _)| text.as_str()).collect()
    }

    /// Prompt and response as a sequence, and for each learned token whether the model drew it.
    ///
    /// # Errors
    /// When the prompt is refused by the template.
    pub fn sequence(
        &self,
        source: &ModelSource,
        messages: &[Message],
    ) -> Result<(Sequence, Vec<bool>), TrainError> {
        let mut tokens = prompt_tokens(source, messages)?;
        let prompt = tokens.len();
        let mut drawn = Vec::new();
        let tokenizer = source.tokenizer();
        for (text, sampled) in &self.pieces {
            let piece = tokenizer.encode(text, Special::AsText);
            let piece = piece.map_err(|e| TrainError::Sampling(e.to_string()))?;
            drawn.extend(std::iter::repeat_n(*sampled, piece.len()));
            tokens.extend(piece);
        }
        if self.finished
            && let Some(end) = tokenizer.eos()
        {
            tokens.push(end);
            drawn.push(true);
        }
        Ok((Sequence { tokens, prompt }, drawn))
    }
}

/// An engine on a network's current weights.
pub struct Sampler {
    engine: Engine,
}

impl Sampler {
    /// Hands the weights over.
    ///
    /// # Errors
    /// When the start model is not a GGUF file, or memory is short.
    pub fn new(
        network: &Network,
        source: &ModelSource,
        threads: Option<usize>,
    ) -> Result<Sampler, TrainError> {
        let file = gguf::bytes(network, source, DType::Q8_0)?;
        let copy = ModelSource::from_gguf(&file, "the model in training")?;
        drop(file);
        let mut options = RunnerOptions::default();
        if let Some(threads) = threads {
            options.threads = threads.max(1);
        }
        let runner = Runner::load(&copy, &options)?;
        let engine = Engine::with_network(copy, runner, &EngineOptions::default())?;
        Ok(Sampler { engine })
    }

    /// Draws responses to every prompt; all run together in one batch. Response `j` to prompt `i` depends on
    /// `keys[i]`, `j` and the seed alone.
    ///
    /// # Errors
    /// When a prompt is too long for the model or the engine fails.
    pub fn draw(
        &self,
        prompts: &[Vec<Message>],
        keys: &[u64],
        drawing: &Drawing,
    ) -> Result<Vec<Vec<Response>>, TrainError> {
        let work = prompts.iter().zip(keys).flat_map(|(messages, key)| {
            (0..drawing.samples).map(move |j| {
                let seed = Rng::derive(drawing.seed, &[*key, j as u64]);
                self.one(messages.clone(), drawing, seed)
            })
        });
        let all: Vec<Result<Response, ModelError>> = block_on(stream::iter(work).buffered(128).collect());
        let all: Result<Vec<Response>, ModelError> = all.into_iter().collect();
        let all = all.map_err(|e| TrainError::Sampling(e.to_string()))?;
        Ok(all
            .chunks(drawing.samples.max(1))
            .map(<[Response]>::to_vec)
            .collect())
    }

    async fn one(
        &self,
        messages: Vec<Message>,
        drawing: &Drawing,
        seed: u64,
    ) -> Result<Response, ModelError> {
        let mut stream = self.engine.sample(SampleRequest {
            messages,
            sampling: Sampling {
                temperature: drawing.temperature,
                seed,
                ..Sampling::default()
            },
            max_tokens: drawing.max_tokens,
            calculator: drawing.calculator.clone(),
            ..SampleRequest::default()
        });
        let mut response = Response::default();
        while let Some(event) = stream.next().await {
            match event? {
                ModelEvent::Text {
                    channel: Channel::Answer,
                    text,
                    tokens,
                    ..
                } if !text.is_empty() => response.pieces.push((text, tokens > 0)),
                ModelEvent::Done { finish, .. } => response.finished = finish == Finish::Stop,
                _ => {}
            }
        }
        Ok(response)
    }
}
