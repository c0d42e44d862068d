//! `bench engine`: speed of the local engine on this machine.

use strawberry_engine::bench::{self, BenchOptions};

use crate::cli::{BenchCommand, BenchEngineArgs};
use crate::error::CliError;
use crate::{open, out};

/// Measures and prints.
pub async fn run(command: BenchCommand) -> Result<(), CliError> {
    let BenchCommand::Engine(args) = command;
    engine(&args).await
}

async fn engine(args: &BenchEngineArgs) -> Result<(), CliError> {
    let engine = open::local(&args.model).await?;
    let options = BenchOptions {
        prompt: args.prompt,
        new: args.new,
        attempts: args.attempts,
        repeats: args.repeats.max(1),
    };
    let report = bench::run(&engine, &options).await.map_err(CliError::failure)?;
    if args.json {
        out::json(&report)
    } else {
        out::line(report.to_string())
    }
}
