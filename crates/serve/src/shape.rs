//! Per-request settings that the search itself knows nothing of: stop strings, penalties, tools, grammars.
//!
//! A strategy asks a [`Model`] for attempts and a [`Verifier`] for answers. A request's model and verifier are
//! wrapped here: every attempt is sampled with the request's settings, and what a search can't carry (tool
//! calls, log-probabilities of single tokens) is kept by the attempt's seed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures::StreamExt;
use futures::stream::BoxStream;
use serde_json::Value;
use strawberry_core::{
    Answer, Channel, Embeddings, Grammar, Judgement, Message, Model, ModelError, ModelEvent, ModelInfo,
    Problem, SampleRequest, TokenLogprob, ToolCall, Verifier,
};

use crate::tools;

/// A token of the answer with its alternatives.
#[derive(Clone, Debug, PartialEq)]
pub struct Scored {
    /// The token.
    pub token: TokenLogprob,
    /// The likeliest alternatives.
    pub top: Vec<TokenLogprob>,
}

/// How a request wants every attempt sampled.
#[derive(Clone, Debug, Default)]
pub struct Shape {
    /// Nucleus.
    pub top_p: Option<f32>,
    /// Likeliest tokens.
    pub top_k: Option<u32>,
    /// Least relative probability.
    pub min_p: Option<f32>,
    /// OpenAI's frequency penalty.
    pub frequency_penalty: Option<f32>,
    /// OpenAI's presence penalty.
    pub presence_penalty: Option<f32>,
    /// (token id, bias).
    pub logit_bias: Vec<(u32, f32)>,
    /// Stop strings.
    pub stop: Vec<String>,
    /// Alternatives to report per token.
    pub top_logprobs: Option<u8>,
    /// Tools on offer.
    pub tools: Vec<Value>,
    /// What the text must be.
    pub grammar: Option<Grammar>,
    /// The text is a tool call for certain.
    pub forced_call: bool,
    /// The conversation, where the strategy must not put the question in its own way.
    pub exact: Option<Vec<Message>>,
}

impl Shape {
    /// Whether answers are JSON or calls, compared as such.
    pub fn is_structured(&self) -> bool {
        self.grammar.is_some() || !self.tools.is_empty()
    }
}

/// What one attempt did beside its text.
#[derive(Clone, Debug, Default)]
pub struct Aside {
    /// The tools it wants called.
    pub calls: Vec<ToolCall>,
    /// The tokens of its answer.
    pub logprobs: Vec<Scored>,
    /// How many of them were streamed.
    streamed: usize,
}

/// A model that samples in a request's [`Shape`].
pub struct ShapedModel {
    inner: Arc<dyn Model>,
    shape: Shape,
    asides: Arc<Mutex<HashMap<u64, Aside>>>,
}

impl ShapedModel {
    /// `inner`, sampling in `shape`.
    pub fn new(inner: Arc<dyn Model>, shape: Shape) -> Self {
        ShapedModel {
            inner,
            shape,
            asides: Arc::default(),
        }
    }

    /// What the attempt with this seed did beside its text.
    pub fn aside(&self, seed: u64) -> Aside {
        let all = self.asides.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(&seed).cloned().unwrap_or_default()
    }

    /// The tokens of the only attempt that were not streamed yet; they count as streamed from now on.
    pub fn new_logprobs(&self) -> Vec<Scored> {
        let mut all = self.asides.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(aside) = all.values_mut().next() else {
            return Vec::new();
        };
        let new = aside.logprobs[aside.streamed..].to_vec();
        aside.streamed = aside.logprobs.len();
        new
    }

    fn shaped(&self, mut request: SampleRequest) -> SampleRequest {
        let shape = &self.shape;
        let sampling = &mut request.sampling;
        sampling.top_p = shape.top_p.unwrap_or(sampling.top_p);
        sampling.top_k = shape.top_k.unwrap_or(sampling.top_k);
        sampling.min_p = shape.min_p.unwrap_or(sampling.min_p);
        sampling.frequency_penalty = shape.frequency_penalty.unwrap_or(sampling.frequency_penalty);
        sampling.presence_penalty = shape.presence_penalty.unwrap_or(sampling.presence_penalty);
        sampling.logit_bias.extend(&shape.logit_bias);
        sampling.stop.extend(shape.stop.iter().cloned());
        sampling.top_logprobs = shape.top_logprobs.or(sampling.top_logprobs);
        if let Some(messages) = &shape.exact {
            request.messages = messages.clone();
            request.thinking.close_text = None;
            if !self.inner.info().reasoning {
                request.thinking.budget = None;
            }
        }
        request.tools = shape.tools.clone();
        request.grammar = shape.grammar.clone();
        request
    }
}

impl Model for ShapedModel {
    fn info(&self) -> ModelInfo {
        self.inner.info()
    }

    fn sample(&self, request: SampleRequest) -> BoxStream<'static, Result<ModelEvent, ModelError>> {
        let seed = request.sampling.seed;
        let asides = self.asides.clone();
        let keep_logprobs = self.shape.top_logprobs.is_some();
        let stream = self.inner.sample(self.shaped(request));
        let keep = move |event: &Result<ModelEvent, ModelError>| {
            let mut all = asides.lock().unwrap_or_else(PoisonError::into_inner);
            match event {
                Ok(ModelEvent::Started { .. }) => {
                    all.insert(seed, Aside::default());
                }
                Ok(ModelEvent::ToolCalls(calls)) => {
                    all.entry(seed).or_default().calls.extend_from_slice(calls)
                }
                Ok(ModelEvent::Text {
                    channel: Channel::Answer,
                    logprobs,
                    alternatives,
                    ..
                }) if keep_logprobs => {
                    all.entry(seed)
                        .or_default()
                        .logprobs
                        .extend(scored(logprobs, alternatives));
                }
                _ => {}
            }
        };
        stream.inspect(keep).boxed()
    }

    fn count_tokens(&self, messages: &[Message]) -> Option<u64> {
        self.inner.count_tokens(messages)
    }

    fn embed(&self, texts: &[String]) -> Result<Embeddings, ModelError> {
        self.inner.embed(texts)
    }
}

fn scored<'a>(
    logprobs: &'a [TokenLogprob],
    alternatives: &'a [Vec<TokenLogprob>],
) -> impl Iterator<Item = Scored> + 'a {
    logprobs.iter().enumerate().map(|(i, token)| Scored {
        token: token.clone(),
        top: alternatives.get(i).cloned().unwrap_or_default(),
    })
}

/// A verifier that compares JSON and tool calls as what they are: equal values are equal answers, whatever
/// the order of keys. Responses that are neither go to the inner verifier.
pub struct StructuredVerifier(pub Arc<dyn Verifier>);

impl Verifier for StructuredVerifier {
    fn name(&self) -> &str {
        "structured"
    }

    fn extract(&self, problem: &Problem, response: &str) -> Option<Answer> {
        let Some(value) = tools::json_in(response) else {
            return self.0.extract(problem, response);
        };
        let text = tools::canonical(value).to_string();
        Some(Answer {
            key: Some(text.clone()),
            text,
            rule: "json".to_owned(),
            marked: true,
        })
    }

    fn equivalent(&self, problem: &Problem, a: &Answer, b: &Answer) -> bool {
        a.text == b.text || (a.rule != "json" && b.rule != "json" && self.0.equivalent(problem, a, b))
    }

    fn judge(&self, problem: &Problem, response: &str) -> Option<Judgement> {
        self.0.judge(problem, response)
    }
}
