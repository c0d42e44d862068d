//! Samples attempts at one prompt and prints them:
//! `generate MODEL PROMPT [ATTEMPTS] [MAX_TOKENS] [TEMPERATURE] [LOOKUP] [ADAPTER]`, LOOKUP being true or
//! false and ADAPTER a PEFT folder or a llama.cpp adapter file.
use std::time::Instant;

use futures::StreamExt;
use futures::executor::block_on;
use strawberry_core::{Message, Model, ModelEvent, SampleRequest, Sampling};
use strawberry_engine::engine::{Engine, EngineOptions};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [model, prompt, rest @ ..] = &args[..] else {
        return Err(
            "usage: generate MODEL PROMPT [ATTEMPTS] [MAX_TOKENS] [TEMPERATURE] [LOOKUP] [ADAPTER]".into(),
        );
    };
    let attempts: u64 = rest.first().map_or(Ok(1), |s| s.parse())?;
    let max_tokens: u32 = rest.get(1).map_or(Ok(64), |s| s.parse())?;
    let temperature: f32 = rest.get(2).map_or(Ok(0.7), |s| s.parse())?;
    let mut options = EngineOptions::default();
    if let Some(lookup) = rest.get(3) {
        options.lookup = lookup.parse()?;
    }
    options.adapter = rest.get(4).map(Into::into);
    let loading = Instant::now();
    let engine = Engine::load(model.as_ref(), &options)?;
    eprintln!("{:?} loaded in {:.2?}", engine.info(), loading.elapsed());
    let start = Instant::now();
    let streams: Vec<_> = (0..attempts)
        .map(|seed| {
            engine.sample(SampleRequest {
                messages: vec![Message::user(prompt)],
                sampling: Sampling {
                    temperature,
                    seed,
                    ..Sampling::default()
                },
                max_tokens,
                ..SampleRequest::default()
            })
        })
        .collect();
    let mut tokens = 0;
    for (seed, mut stream) in streams.into_iter().enumerate() {
        let mut text = String::new();
        while let Some(event) = block_on(stream.next()) {
            match event? {
                ModelEvent::Text { text: piece, .. } => text.push_str(&piece),
                ModelEvent::Done { finish, usage } => {
                    tokens += usage.completion_tokens;
                    println!("--- seed {seed}: {finish:?}, {usage:?}\n{text}");
                }
                _ => {}
            }
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    eprintln!(
        "{tokens} tokens in {seconds:.2} s: {:.1} tokens/s",
        tokens as f64 / seconds
    );
    Ok(())
}
