//! Prints what this host offers for the sandbox; status 1 when programs can't be run.

use std::process::ExitCode;

use strawberry_sandbox::{Options, capabilities};

fn main() -> ExitCode {
    let found = capabilities(&Options::default());
    print!("{found}");
    if found.usable() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
