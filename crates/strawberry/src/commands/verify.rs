//! `verify`: pairs on standard input, one verdict per line on standard output.

use std::io::{BufReader, BufWriter, Write};

use strawberry_sandbox::Sandbox;

use crate::cli::{VerifyCodeArgs, VerifyCommand, VerifyMathArgs};
use crate::error::CliError;

/// Judges what comes on standard input.
pub fn run(command: VerifyCommand) -> Result<(), CliError> {
    match command {
        VerifyCommand::Math(args) => math(&args),
        VerifyCommand::Code(args) => code(&args),
    }
}

fn code(args: &VerifyCodeArgs) -> Result<(), CliError> {
    let sandbox = Sandbox::new(strawberry_sandbox::Options::default()).map_err(CliError::failure)?;
    let mut writer = BufWriter::new(std::io::stdout().lock());
    strawberry_sandbox::filter_jsonl(BufReader::new(std::io::stdin()), &mut writer, &sandbox, args.json)?;
    writer.flush()?;
    Ok(())
}

fn math(args: &VerifyMathArgs) -> Result<(), CliError> {
    let options = strawberry_verify::Options {
        mode: args.mode,
        ..strawberry_verify::Options::default()
    };
    let mut writer = BufWriter::new(std::io::stdout().lock());
    strawberry_verify::filter_jsonl(BufReader::new(std::io::stdin()), &mut writer, &options)?;
    writer.flush()?;
    Ok(())
}
