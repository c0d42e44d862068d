//! What a grammar costs: `grammar_cost MODEL [ATTEMPTS] [RUNS]` samples the same number of tokens with and without
//! a JSON Schema, in turns, and prints the processor time of a token each way and the ratio's median and range.

use std::error::Error;
use std::path::Path;

use futures::StreamExt;
use futures::executor::block_on;
use strawberry_core::{Grammar, Message, Model, ModelEvent, SampleRequest, Sampling};
use strawberry_engine::engine::{Engine, EngineOptions};

const NEW: u32 = 64;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let model = args
        .first()
        .ok_or("usage: grammar_cost MODEL [ATTEMPTS] [RUNS]")?;
    let number = |i: usize, default: usize| args.get(i).map_or(Ok(default), |text| text.parse());
    let (attempts, runs) = (number(1, 16)?, number(2, 5)?);
    let engine = Engine::load(Path::new(model), &EngineOptions::default())?;
    let schema = serde_json::json!({
        "type": "object",
        "properties": {
            "name": {"type": "string", "minLength": 20},
            "steps": {"type": "array", "minItems": 8, "items": {"type": "string", "minLength": 40}},
            "answer": {"type": "number"},
        },
        "required": ["name", "steps", "answer"],
        "additionalProperties": false,
    });
    let grammar = Some(Grammar::JsonSchema(schema));
    sample(&engine, attempts, None)?; // the prompt is in the cache after this
    sample(&engine, 1, grammar.clone())?; // and the grammar is compiled
    let mut ratios = Vec::new();
    for _ in 0..runs {
        let free = sample(&engine, attempts, None)?;
        let bound = sample(&engine, attempts, grammar.clone())?;
        println!("{:.3} ms a token without, {:.3} ms with", free * 1e3, bound * 1e3);
        ratios.push(bound / free);
    }
    ratios.sort_by(f64::total_cmp);
    println!(
        "{attempts} attempts: a grammar multiplies the cost by {:.3} [{:.3}, {:.3}]",
        ratios[runs / 2],
        ratios[0],
        ratios[runs - 1]
    );
    Ok(())
}

/// Seconds of processor time per sampled token.
fn sample(engine: &Engine, attempts: usize, grammar: Option<Grammar>) -> Result<f64, Box<dyn Error>> {
    let ends = engine.source().tokenizer().end_tokens();
    let before = cpu_seconds()?;
    let streams: Vec<_> = (0..attempts)
        .map(|seed| {
            engine.sample(SampleRequest {
                messages: vec![Message::user("Describe how to bake bread, as JSON.")],
                sampling: Sampling {
                    seed: seed as u64,
                    logit_bias: ends.iter().map(|&t| (t, f32::NEG_INFINITY)).collect(),
                    ..Sampling::default()
                },
                max_tokens: NEW,
                grammar: grammar.clone(),
                ..SampleRequest::default()
            })
        })
        .collect();
    let mut tokens = 0;
    for mut stream in streams {
        while let Some(event) = block_on(stream.next()) {
            if let ModelEvent::Text { tokens: count, .. } = event? {
                tokens += count;
            }
        }
    }
    Ok((cpu_seconds()? - before) / f64::from(tokens))
}

/// Processor time of this process's threads so far.
fn cpu_seconds() -> Result<f64, Box<dyn Error>> {
    let mut nanoseconds = 0.0;
    for task in std::fs::read_dir("/proc/self/task")? {
        let stat = std::fs::read_to_string(task?.path().join("schedstat"))?;
        nanoseconds += stat
            .split(' ')
            .next()
            .ok_or("no processor time")?
            .parse::<f64>()?;
    }
    Ok(nanoseconds / 1e9)
}
