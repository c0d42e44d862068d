//! Times every pair on standard input (JSON Lines with `reference` and `response`) and prints one JSON object:
//! `{"per_s", "median_us", "p999_ms", "slowest_ms", "verdicts"}`. `benches/peers/math_verify.py` runs it beside
//! Math-Verify.

use std::io;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use strawberry_verify::{MathVerifier, Options};

fn main() -> io::Result<()> {
    let mut pairs = Vec::new();
    for line in io::stdin().lines() {
        let value: Value = serde_json::from_str(&line?)?;
        let text = |name: &str| value[name].as_str().unwrap_or("").to_owned();
        pairs.push((text("reference"), text("response")));
    }
    let verifier = MathVerifier::new(Options::default());
    let mut verdicts = Vec::with_capacity(pairs.len());
    let mut times: Vec<Duration> = Vec::with_capacity(pairs.len());
    for (reference, response) in &pairs {
        let start = Instant::now();
        let report = verifier.check(reference, response);
        times.push(start.elapsed());
        verdicts.push(report.judgement.verdict.as_str());
    }
    let total: Duration = times.iter().sum();
    times.sort_unstable();
    let at = |part: usize| times.get(times.len() * part / 1000).copied().unwrap_or_default();
    let ms = |d: Duration| d.as_secs_f64() * 1e3;
    println!(
        "{}",
        json!({
            "per_s": pairs.len() as f64 / total.as_secs_f64(),
            "median_us": ms(at(500)) * 1e3,
            "p999_ms": ms(at(999)),
            "slowest_ms": ms(times.last().copied().unwrap_or_default()),
            "verdicts": verdicts,
        })
    );
    Ok(())
}
