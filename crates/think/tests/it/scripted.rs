//! A model that says what it is told to, a verifier that reads "The answer is X.", and a store in memory.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use strawberry_core::*;

/// What the scripted model does for the attempt with a given seed.
#[derive(Clone, Debug)]
pub struct Script {
    /// The answer it gives; `None` makes it fail.
    pub answer: Option<String>,
    /// Tokens it wants to sample, one every `step`.
    pub tokens: u32,
    /// Time per token.
    pub step: Duration,
    /// Log-probability of every token.
    pub logprob: f32,
    /// The whole response, in place of steps and answer.
    pub text: Option<String>,
}

impl Script {
    pub fn says(answer: &str) -> Self {
        Script {
            answer: Some(answer.to_owned()),
            tokens: 10,
            step: Duration::ZERO,
            logprob: -1.0,
            text: None,
        }
    }

    /// A response word for word.
    pub fn writes(text: &str) -> Self {
        Script {
            text: Some(text.to_owned()),
            ..Script::says("")
        }
    }
}

type Say = dyn Fn(u64, &SampleRequest) -> Script + Send + Sync;

/// Calls `script(call number, request)` for every attempt.
pub struct ScriptedModel {
    pub script: Box<Say>,
    pub requests: Mutex<Vec<SampleRequest>>,
}

impl ScriptedModel {
    pub fn new(script: impl Fn(u64, &SampleRequest) -> Script + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(ScriptedModel {
            script: Box::new(script),
            requests: Mutex::default(),
        })
    }
}

impl Model for ScriptedModel {
    fn info(&self) -> ModelInfo {
        ModelInfo {
            name: "scripted".into(),
            architecture: "scripted".into(),
            ..ModelInfo::default()
        }
    }

    fn sample(&self, request: SampleRequest) -> BoxStream<'static, Result<ModelEvent, ModelError>> {
        let call = {
            let mut requests = self.requests.lock().unwrap();
            requests.push(request.clone());
            requests.len() as u64 - 1
        };
        let script = (self.script)(call, &request);
        let (send, receive) = tokio::sync::mpsc::unbounded_channel();
        tokio::spawn(async move {
            let _ = send.send(Ok(ModelEvent::Started {
                prompt_tokens: 7,
                cached_tokens: if call == 0 { 0 } else { 7 },
            }));
            let Some(answer) = script.answer else {
                let _ = send.send(Err(ModelError::Server("scripted failure".into())));
                return;
            };
            let text = |text: String, tokens| ModelEvent::Text {
                channel: Channel::Answer,
                text,
                tokens,
                logprobs: vec![
                    TokenLogprob {
                        token: "t".into(),
                        logprob: script.logprob
                    };
                    tokens as usize
                ],
                alternatives: Vec::new(),
            };
            let (mut sampled, mut finish) = (0, Finish::Stop);
            while sampled < script.tokens {
                tokio::time::sleep(script.step).await;
                if request.control.is_cancelled() {
                    finish = Finish::Cancelled;
                    break;
                }
                if request.control.wants_answer() {
                    break;
                }
                if sampled == request.max_tokens {
                    finish = Finish::Length;
                    break;
                }
                sampled += 1;
                let piece = match &script.text {
                    Some(_) => String::new(),
                    None => format!("step {sampled}. "),
                };
                if send.send(Ok(text(piece, 1))).is_err() {
                    return;
                }
            }
            if finish == Finish::Stop {
                let end = script.text.unwrap_or_else(|| format!("The answer is {answer}."));
                let _ = send.send(Ok(text(end, 0)));
            }
            let usage = Usage {
                prompt_tokens: 7,
                prompt_evaluated: if call == 0 { 7 } else { 0 },
                completion_tokens: u64::from(sampled),
                samples: 1,
                ..Usage::default()
            };
            let _ = send.send(Ok(ModelEvent::Done { finish, usage }));
        });
        futures::stream::unfold(receive, |mut r| async move { r.recv().await.map(|e| (e, r)) }).boxed()
    }

    fn count_tokens(&self, _: &[Message]) -> Option<u64> {
        Some(7)
    }
}

/// Reads the text between the last "The answer is " and the full stop.
pub struct PlainVerifier;

impl Verifier for PlainVerifier {
    fn name(&self) -> &str {
        "plain"
    }

    fn extract(&self, _: &Problem, response: &str) -> Option<Answer> {
        let (_, rest) = response.rsplit_once("The answer is ")?;
        let text = rest.trim_end_matches('.').to_owned();
        Some(Answer {
            key: Some(text.trim_start_matches('0').to_owned()),
            ..Answer::text(text)
        })
    }

    fn equivalent(&self, _: &Problem, a: &Answer, b: &Answer) -> bool {
        a.key == b.key
    }

    fn judge(&self, problem: &Problem, response: &str) -> Option<Judgement> {
        let Some(Reference::Answer(reference)) = &problem.reference else {
            return None;
        };
        let right = self
            .extract(problem, response)
            .is_some_and(|a| a.text == *reference);
        Some(Judgement::new(
            if right {
                Verdict::Correct
            } else {
                Verdict::Incorrect
            },
            "text",
            "",
        ))
    }
}

/// Keeps events in memory.
#[derive(Default)]
pub struct MemoryStore(pub Mutex<Vec<TraceEvent>>);

impl TraceStore for MemoryStore {
    fn append<'a>(&'a self, _: &'a RunId, event: &'a TraceEvent) -> BoxFuture<'a, Result<(), StoreError>> {
        self.0.lock().unwrap().push(event.clone());
        Box::pin(async { Ok(()) })
    }

    fn load<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<(RunId, Vec<TraceEvent>), StoreError>> {
        let events = self.0.lock().unwrap().clone();
        Box::pin(async move { Ok((RunId(id.to_owned()), events)) })
    }

    fn list(&self, _: u32) -> BoxFuture<'_, Result<Vec<RunSummary>, StoreError>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn remove<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<RunId, StoreError>> {
        Box::pin(async move { Ok(RunId(id.to_owned())) })
    }
}
