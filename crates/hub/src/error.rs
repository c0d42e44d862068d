//! What can go wrong.

use std::fmt::Display;
use std::io;
use std::path::Path;

/// Why a model could not be fetched or found.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// There is no place to keep models.
    #[error(
        "no home folder is known: set STRAWBERRY_HOME to the folder where models and traces shall be kept"
    )]
    NoHome,
    /// The model is not on this machine.
    #[error("{0}")]
    NotHere(String),
    /// The name can't be a model's.
    #[error(
        "'{0}' is no model: give `default`, a .gguf file, a safetensors folder, or a Hugging Face repo id like owner/name"
    )]
    BadName(String),
    /// None of the sources gave the model; each line says why.
    #[error("{0}")]
    NoSource(String),
    /// What came is not what was wanted.
    #[error("{file}: the SHA-256 is {got}, not {want}; the file was removed, fetch it again")]
    WrongHash {
        /// The file.
        file: String,
        /// Its hash.
        got: String,
        /// The hash it should have.
        want: String,
    },
    /// Reading or writing failed.
    #[error("{what}: {error}{hint}")]
    Io {
        /// What was done to what.
        what: String,
        /// The system's reason.
        error: io::Error,
        /// What to do about it.
        hint: &'static str,
    },
}

impl HubError {
    /// A failed operation on a path.
    pub(crate) fn io(what: impl Display, path: &Path, error: io::Error) -> Self {
        let hint = match error.kind() {
            io::ErrorKind::StorageFull => {
                "; free some space, or set STRAWBERRY_HOME to another disk, and run the command again: it goes on from here"
            }
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                "; set STRAWBERRY_HOME to a folder you can write to"
            }
            _ => "",
        };
        HubError::Io {
            what: format!("{what} {}", path.display()),
            error,
            hint,
        }
    }
}
