//! What can go wrong, and the exit code it gives.

use std::fmt::Display;
use std::io::Write;
use std::process::ExitCode;

/// An error as the user sees it: one line and an exit code.
#[derive(Debug)]
pub enum CliError {
    /// The command was used wrongly (exit 2).
    Usage(String),
    /// The command failed (exit 1).
    Failure(String),
    /// The user stopped it (exit 130); what there was has been printed.
    Interrupted,
}

impl CliError {
    /// A failure with this message.
    pub fn failure(message: impl Display) -> Self {
        CliError::Failure(message.to_string())
    }

    /// A wrong use with this message.
    pub fn usage(message: impl Display) -> Self {
        CliError::Usage(message.to_string())
    }

    /// Prints the error to standard error and gives the exit code.
    pub fn report(self) -> ExitCode {
        let (message, code) = match self {
            CliError::Usage(message) => (message, 2),
            CliError::Failure(message) => (message, 1),
            CliError::Interrupted => return ExitCode::from(130),
        };
        // Nothing can be done about a closed standard error.
        let _ = writeln!(
            std::io::stderr(),
            "{} {message}",
            console::style("error:").red().bold().for_stderr()
        );
        ExitCode::from(code)
    }
}

impl From<std::io::Error> for CliError {
    fn from(error: std::io::Error) -> Self {
        // A reader that went away (`| head`) is the normal end of a pipe.
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            CliError::Interrupted
        } else {
            CliError::failure(error)
        }
    }
}

impl From<serde_json::Error> for CliError {
    fn from(error: serde_json::Error) -> Self {
        CliError::failure(error)
    }
}
