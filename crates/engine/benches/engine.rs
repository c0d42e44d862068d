//! Tokens per second of the runner, by phase and number of attempts, as one JSON object.
//!
//! `cargo bench -p strawberry-engine --bench engine -- MODEL [--prompt 48] [--new 64] [--attempts 1,16,64]
//! [--threads 2] [--kv auto|half|single|int8]`. Times are wall clock; `cpu_tok_s` divides by processor time instead, which other programs on
//! the machine disturb less.

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use serde_json::{Value, json};
use strawberry_engine::runner::{Logits, LogitsFor, Runner, RunnerOptions, SeqId, StepItem};
use strawberry_engine::source::ModelSource;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let Some(model) = args.first().filter(|arg| !arg.starts_with("--")) else {
        println!(
            "usage: engine MODEL [--prompt N] [--new N] [--attempts N,N] [--threads N] [--kv auto|half|single|int8]"
        );
        return Ok(());
    };
    let option = |name: &str, default: &str| {
        let at = args.iter().position(|arg| arg == name);
        at.and_then(|at| args.get(at + 1))
            .map_or(default, String::as_str)
            .to_owned()
    };
    let (prompt, new): (usize, usize) = (option("--prompt", "48").parse()?, option("--new", "64").parse()?);
    let mut options = RunnerOptions {
        kv_bytes: 8 << 30,
        kv_precision: option("--kv", "auto").parse()?,
        ..RunnerOptions::default()
    };
    if let Ok(threads) = option("--threads", "").parse() {
        options.threads = threads;
    }
    let start = Instant::now();
    let source = ModelSource::open(Path::new(model))?;
    let mut runner = Runner::load(&source, &options)?;
    drop(source);
    let load_s = start.elapsed().as_secs_f64();

    let vocab = runner.config().vocab_size;
    let token = move |i: usize| (i.wrapping_mul(7919).wrapping_add(11) % vocab) as u32;
    let tokens: Vec<u32> = (0..prompt).map(token).collect();
    let mut logits = Logits::default();
    let root = runner.fork(None, 0);
    let prefill = timed(|| {
        for tokens in tokens.chunks(512) {
            runner.step(
                &[StepItem {
                    adapter: None,
                    seq: root,
                    tokens,
                    logits: LogitsFor::Last,
                }],
                &mut logits,
            )?;
        }
        Ok(prompt)
    })?;
    let mut decode = Vec::new();
    for attempts in option("--attempts", "1,16,64").split(',') {
        let attempts: usize = attempts.parse()?;
        let seqs: Vec<SeqId> = (0..attempts).map(|_| runner.fork(Some(root), prompt)).collect();
        let mut entry = timed(|| {
            for step in 0..new {
                let tokens: Vec<[u32; 1]> = (0..attempts).map(|i| [token(i * 131 + step * 17)]).collect();
                let batch: Vec<StepItem<'_>> = seqs
                    .iter()
                    .zip(&tokens)
                    .map(|(&seq, tokens)| StepItem {
                        adapter: None,
                        seq,
                        tokens,
                        logits: LogitsFor::Last,
                    })
                    .collect();
                runner.step(&batch, &mut logits)?;
            }
            Ok(attempts * new)
        })?;
        entry["attempts"] = attempts.into();
        // One prompt and the attempts' own tokens, if memory were taken by the token.
        let least = (prompt + attempts * new) * runner.kv_bytes_per_token();
        entry["kv_bytes"] = runner.kv_usage().bytes.into();
        entry["kv_bytes_least"] = least.into();
        decode.push(entry);
        for seq in seqs {
            runner.free(seq);
        }
    }
    let report = json!({
        "model": model,
        "level": runner.level().name(),
        "threads": options.threads,
        "prompt": prompt,
        "new": new,
        "load_s": load_s,
        "weight_bytes": runner.weight_bytes(),
        "prefill": prefill,
        "decode": decode,
    });
    println!("{report}");
    Ok(())
}

/// Tokens per second of wall clock and of processor time.
fn timed(work: impl FnOnce() -> Result<usize, Box<dyn Error>>) -> Result<Value, Box<dyn Error>> {
    let (wall, cpu) = (Instant::now(), cpu_seconds());
    #[allow(clippy::cast_precision_loss, reason = "a count of tokens")]
    let tokens = work()? as f64;
    let wall = wall.elapsed().as_secs_f64();
    let cpu = cpu_seconds()
        .zip(cpu)
        .map(|(after, before)| tokens / (after - before));
    Ok(json!({ "tok_s": tokens / wall, "cpu_tok_s": cpu }))
}

/// Processor time of this process so far, where the system tells (`/proc/self/schedstat` counts one thread, so
/// the threads' are added up).
fn cpu_seconds() -> Option<f64> {
    let mut nanoseconds = 0.0;
    for task in std::fs::read_dir("/proc/self/task").ok()? {
        let stat = std::fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
        nanoseconds += stat.split(' ').next()?.parse::<f64>().ok()?;
    }
    Some(nanoseconds / 1e9)
}
