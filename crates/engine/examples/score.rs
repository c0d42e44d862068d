//! Feeds token lists through a model: what `scripts/parity.py` compares with other programs.
//!
//! `score MODEL [--exact] [--kv PRECISION] [LOGITS]` reads JSON lines `{"tokens": [..], "greedy": N}` and answers each with a line
//! `{"nll": .., "greedy": [..], "gaps": [..]}`: the sum of -ln p of every token but the first, N tokens chosen
//! greedily after them, and by how much each choice's logit was above the next best. With LOGITS, the logits of
//! every given token are written to that file (f32, little-endian, one row per token). `--exact` computes in f32
//! on dequantised weights; `--kv` is the precision of keys and values: auto, half, single or int8.

use std::error::Error;
use std::fs::File;
use std::io::{BufRead, BufWriter, Write, stdin};
use std::path::Path;

use serde::{Deserialize, Serialize};
use strawberry_engine::runner::{Logits, LogitsFor, Runner, RunnerOptions, StepItem};
use strawberry_engine::source::ModelSource;

#[derive(Deserialize)]
struct Request {
    tokens: Vec<u32>,
    #[serde(default)]
    greedy: usize,
}

#[derive(Default, Serialize)]
struct Reply {
    nll: f64,
    greedy: Vec<u32>,
    gaps: Vec<f32>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut args: Vec<String> = std::env::args().skip(1).collect();
    let exact = args.iter().any(|arg| arg == "--exact");
    args.retain(|arg| arg != "--exact");
    let mut options = RunnerOptions::default();
    if let Some(at) = args.iter().position(|arg| arg == "--kv") {
        options.kv_precision = args.get(at + 1).ok_or("--kv needs a precision")?.parse()?;
        args.drain(at..at + 2);
    }
    let model = args
        .first()
        .ok_or("usage: score MODEL [--exact] [--kv PRECISION] [LOGITS] < requests.jsonl")?;
    let mut file = args.get(1).map(File::create).transpose()?.map(BufWriter::new);
    let source = ModelSource::open(Path::new(&model))?;
    let load = if exact {
        Runner::load_dequantised
    } else {
        Runner::load
    };
    let mut runner = load(&source, &options)?;
    for line in stdin().lock().lines() {
        let request: Request = serde_json::from_str(&line?)?;
        println!(
            "{}",
            serde_json::to_string(&answer(&mut runner, &request, &mut file)?)?
        );
    }
    Ok(())
}

fn answer(
    runner: &mut Runner,
    request: &Request,
    file: &mut Option<BufWriter<File>>,
) -> Result<Reply, Box<dyn Error>> {
    let seq = runner.fork(None, 0);
    let mut reply = Reply::default();
    let mut logits = Logits::default();
    let mut seen = 0;
    for tokens in request.tokens.chunks(128) {
        runner.step(
            &[StepItem {
                adapter: None,
                seq,
                tokens,
                logits: LogitsFor::All,
            }],
            &mut logits,
        )?;
        for row in logits.iter() {
            seen += 1;
            if let Some(&next) = request.tokens.get(seen) {
                reply.nll += surprise(row, next);
            }
            if let Some(file) = file {
                for x in row {
                    file.write_all(&x.to_le_bytes())?;
                }
            }
        }
    }
    for _ in 0..request.greedy {
        let (token, gap) = best(logits.row(logits.rows() - 1));
        reply.greedy.push(token);
        reply.gaps.push(gap);
        runner.step(
            &[StepItem {
                adapter: None,
                seq,
                tokens: &[token],
                logits: LogitsFor::Last,
            }],
            &mut logits,
        )?;
    }
    runner.free(seq);
    Ok(reply)
}

/// -ln of the softmax at `token`.
fn surprise(row: &[f32], token: u32) -> f64 {
    let max = f64::from(row.iter().copied().fold(f32::NEG_INFINITY, f32::max));
    let sum: f64 = row.iter().map(|&x| (f64::from(x) - max).exp()).sum();
    sum.ln() + max - f64::from(row[token as usize])
}

/// The first largest element and its distance to the next.
fn best(row: &[f32]) -> (u32, f32) {
    let (mut token, mut first, mut second) = (0, f32::NEG_INFINITY, f32::NEG_INFINITY);
    for (i, &x) in row.iter().enumerate() {
        if x > first {
            (token, first, second) = (i as u32, x, first);
        } else if x > second {
            second = x;
        }
    }
    (token, first - second)
}
