//! Sampling a whole response from a model.

use futures::StreamExt;
use strawberry_core::{Channel, Finish, Message, Model, ModelError, ModelEvent, SampleRequest, Sampling};

/// How a model is asked.
#[derive(Clone, Debug)]
pub struct Asking {
    /// Responses per question at most.
    pub samples: u32,
    /// The temperature.
    pub temperature: f32,
    /// Tokens of one response at most.
    pub max_tokens: u32,
    /// The seed; response `i` to question `q` has a seed of its own.
    pub seed: u64,
    /// Questions in flight at once.
    pub concurrency: usize,
}

impl Default for Asking {
    fn default() -> Self {
        Asking {
            samples: 4,
            temperature: 0.8,
            max_tokens: 512,
            seed: 0,
            concurrency: 8,
        }
    }
}

/// One whole response: the text outside thinking blocks, and why it ended.
pub async fn respond(
    model: &dyn Model,
    messages: Vec<Message>,
    asking: &Asking,
    seed: u64,
) -> Result<(String, Finish), ModelError> {
    let mut stream = model.sample(SampleRequest {
        messages,
        sampling: Sampling {
            temperature: asking.temperature,
            seed,
            ..Sampling::default()
        },
        max_tokens: asking.max_tokens,
        ..SampleRequest::default()
    });
    let mut text = String::new();
    while let Some(event) = stream.next().await {
        match event? {
            ModelEvent::Text {
                channel: Channel::Answer,
                text: piece,
                ..
            } => text.push_str(&piece),
            ModelEvent::Done { finish, .. } => return Ok((text.trim().to_owned(), finish)),
            _ => {}
        }
    }
    Err(ModelError::Internal(
        "the response ended without saying so".to_owned(),
    ))
}
