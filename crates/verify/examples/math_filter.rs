//! Verdicts for pairs on standard input: `cargo run --release -p strawberry-verify --example math_filter [strict|standard|lenient] < pairs.jsonl`

use std::io;

use strawberry_verify::{Mode, Options, filter_jsonl};

fn main() -> io::Result<()> {
    let mode = match std::env::args().nth(1).as_deref() {
        Some("strict") => Mode::Strict,
        Some("lenient") => Mode::Lenient,
        _ => Mode::Standard,
    };
    let options = Options {
        mode,
        ..Options::default()
    };
    let summary = filter_jsonl(
        io::stdin().lock(),
        io::BufWriter::new(io::stdout().lock()),
        &options,
    )?;
    eprintln!(
        "{} lines, {} of {} correct, {} malformed",
        summary.lines, summary.correct, summary.scored, summary.malformed
    );
    Ok(())
}
