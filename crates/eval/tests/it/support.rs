//! A model whose answers depend on question and seed alone, and a small data folder.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::StreamExt;
use futures::stream::BoxStream;
use strawberry_core::*;

/// Answers `a+b` rightly with a probability that depends on the question, else one too many. After
/// `breaks_after` attempts it can't be reached any more.
pub struct Adder {
    pub calls: AtomicUsize,
    pub breaks_after: usize,
}

impl Adder {
    pub fn new(breaks_after: usize) -> Arc<Self> {
        Arc::new(Adder {
            calls: AtomicUsize::new(0),
            breaks_after,
        })
    }
}

impl Model for Adder {
    fn info(&self) -> ModelInfo {
        ModelInfo {
            name: "adder".into(),
            architecture: "scripted".into(),
            ..ModelInfo::default()
        }
    }

    fn sample(&self, request: SampleRequest) -> BoxStream<'static, Result<ModelEvent, ModelError>> {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        let broken = call >= self.breaks_after;
        let question = request
            .messages
            .last()
            .map_or(String::new(), |m| m.content.clone());
        let numbers: Vec<u64> = question
            .split(|c: char| !c.is_ascii_digit())
            .filter_map(|n| n.parse().ok())
            .collect();
        let thinking = request.thinking.enabled;
        let hard = question.contains("carefully");
        // A greedy direct answer to a hard question is wrong; thinking helps three times in four.
        let right =
            !hard || (thinking && !(request.sampling.seed + numbers.get(1).unwrap_or(&0)).is_multiple_of(4));
        let text = if question.contains("silence") {
            String::new()
        } else if question.contains("loop") {
            "I go on and on. ".repeat(40)
        } else {
            let sum: u64 = numbers.iter().take(2).sum();
            format!(
                "I add.\nThe answer is {}.",
                sum + u64::from(!right) * (1 + request.sampling.seed % 3)
            )
        };
        let too_long = question.contains("endless");
        let seed = request.sampling.seed;
        futures::stream::once(async move {
            // Different attempts take different times, so that they end in another order than they began.
            tokio::time::sleep(Duration::from_micros(seed % 700)).await;
            if broken {
                return vec![Err(ModelError::Unreachable("the server is gone".into()))];
            }
            if too_long {
                return vec![Err(ModelError::ContextOverflow {
                    prompt: 9000,
                    limit: 2048,
                })];
            }
            let tokens = text.split_whitespace().count().max(1) as u32;
            let logprobs = (0..tokens)
                .map(|_| TokenLogprob {
                    token: "t".into(),
                    logprob: if right { -0.2 } else { -0.9 },
                })
                .collect();
            let usage = Usage {
                completion_tokens: tokens.into(),
                samples: 1,
                ..Usage::default()
            };
            vec![
                Ok(ModelEvent::Text {
                    channel: Channel::Answer,
                    text,
                    tokens,
                    logprobs,
                    alternatives: Vec::new(),
                }),
                Ok(ModelEvent::Done {
                    finish: Finish::Stop,
                    usage,
                }),
            ]
        })
        .flat_map(futures::stream::iter)
        .boxed()
    }

    fn count_tokens(&self, _: &[Message]) -> Option<u64> {
        Some(7)
    }
}

/// Twelve easy and twelve hard sums, three troublesome ones, and three rows that are no problems.
pub fn data(dir: &Path) {
    let mut rows = String::new();
    for i in 0..24 {
        let how = if i % 2 == 0 { "quickly" } else { "carefully" };
        rows.push_str(&format!(
            "{{\"q\": \"What is {} + {} , {how}?\", \"a\": {}}}\n",
            10 + i,
            3 * i,
            10 + 4 * i
        ));
    }
    for word in ["silence", "loop", "endless"] {
        rows.push_str(&format!(
            "{{\"q\": \"What is 1 + 1 in {word}?\", \"a\": \"2\"}}\n"
        ));
    }
    rows.push_str("{\"q\": \"No reference?\"}\n{\"q\": \n{\"a\": 3}\n");
    std::fs::write(dir.join("sums.jsonl"), rows).unwrap();
    std::fs::write(
        dir.join("sums.toml"),
        "source = \"sums.jsonl\"\nquestion = \"{q}\"\nanswer = \"{a}\"\n",
    )
    .unwrap();
}
