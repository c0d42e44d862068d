//! What can go wrong, in words a user can act on.

use std::path::{Path, PathBuf};

/// Why data could not be made, read or written.
#[derive(Debug, thiserror::Error)]
pub enum SynthError {
    /// A file can't be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A row of an input file is broken.
    #[error("{path}, line {line}: {reason}")]
    Row {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// There is no family of this name.
    #[error("no family is called '{0}': `strawberry synth list` shows them all")]
    UnknownFamily(String),
    /// An option has a value it can't have.
    #[error("{0}")]
    Option(String),
    /// The model failed.
    #[error("the model failed: {0}")]
    Model(#[from] strawberry_core::ModelError),
}

impl SynthError {
    /// An I/O error with its path.
    pub fn io(path: &Path) -> impl FnOnce(std::io::Error) -> SynthError {
        let path = path.to_owned();
        move |source| SynthError::Io { path, source }
    }
}
