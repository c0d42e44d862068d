//! The command line: parses arguments, calls the library crates, prints. Nothing else happens here.
//!
//! One file per command under `commands/`; [`cli`] has all arguments, [`error`] the exit codes,
//! [`open`] turns `--model` into a model, [`view`] draws thinking in a terminal.

mod adapter;
mod cli;
mod commands;
mod error;
mod open;
mod out;
mod view;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    match commands::run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => error.report(),
    }
}
