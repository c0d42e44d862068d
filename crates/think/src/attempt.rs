//! Samples one trial to its end.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::StreamExt;
use strawberry_core::{
    Attempt, Channel, Control, Finish, Model, ModelError, ModelEvent, SampleRequest, Trial, TrialId, Usage,
};
use tokio::sync::mpsc;

use crate::calculator::calculator;
use crate::confidence::Confidence;
use crate::driver::ThinkEvent;

/// Samples one trial to its end.
pub(crate) async fn sample(
    model: Arc<dyn Model>,
    trial: Trial,
    control: Control,
    events: Option<mpsc::UnboundedSender<ThinkEvent>>,
) -> (TrialId, Result<Attempt, ModelError>) {
    let id = trial.id;
    let mut attempt = Attempt {
        trial: id,
        seed: trial.sampling.seed,
        temperature: trial.sampling.temperature,
        thinking: None,
        text: trial.prefix.clone().unwrap_or_default(),
        answer: None,
        finish: Finish::Cancelled,
        usage: Usage {
            samples: 1,
            ..Usage::default()
        },
        logprob: None,
        scores: BTreeMap::new(),
        feedback: None,
        judgement: None,
    };
    let mut confidence = Confidence::default();
    let mut stream = model.sample(SampleRequest {
        messages: trial.messages,
        prefix: trial.prefix,
        sampling: trial.sampling,
        max_tokens: trial.max_tokens,
        thinking: trial.thinking,
        grammar: None,
        calculator: trial.calculator.then(calculator),
        tools: Vec::new(),
        control,
    });
    while let Some(event) = stream.next().await {
        match event {
            Err(error) => return (id, Err(error)),
            Ok(ModelEvent::ToolCalls(_)) => {}
            Ok(ModelEvent::Started {
                prompt_tokens,
                cached_tokens,
            }) => {
                attempt.usage.prompt_tokens = prompt_tokens;
                attempt.usage.prompt_evaluated = prompt_tokens.saturating_sub(cached_tokens);
            }
            Ok(ModelEvent::Text {
                channel,
                text,
                tokens,
                logprobs,
                alternatives,
            }) => {
                confidence.push(&logprobs, &alternatives);
                attempt.usage.completion_tokens += u64::from(tokens);
                if channel == Channel::Thinking {
                    attempt.usage.reasoning_tokens += u64::from(tokens);
                }
                if !logprobs.is_empty() {
                    *attempt.logprob.get_or_insert(0.0) +=
                        logprobs.iter().map(|t| f64::from(t.logprob)).sum::<f64>();
                }
                match channel {
                    Channel::Thinking => attempt.thinking.get_or_insert_default().push_str(&text),
                    Channel::Answer => attempt.text.push_str(&text),
                }
                if let Some(events) = &events {
                    let _ = events.send(ThinkEvent::Text {
                        trial: id,
                        channel,
                        text,
                        tokens,
                    });
                }
                let low = trial.least_confidence.zip(confidence.lowest());
                if low.is_some_and(|(least, lowest)| lowest < least) {
                    // Dropping the stream cancels it; what was counted so far is what it cost.
                    attempt.scores = confidence.scores();
                    return (id, Ok(attempt));
                }
            }
            Ok(ModelEvent::Done { finish, usage }) => {
                attempt.finish = finish;
                attempt.usage = Usage { samples: 1, ..usage };
                attempt.scores = confidence.scores();
                return (id, Ok(attempt));
            }
        }
    }
    (
        id,
        Err(ModelError::Internal(
            "the model ended without saying how".to_owned(),
        )),
    )
}
