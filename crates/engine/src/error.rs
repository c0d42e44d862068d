//! What can go wrong while a model is loaded, said so that a user can act on it.

use std::io;
use std::path::PathBuf;

/// A model file or folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A file cannot be opened or read.
    #[error("cannot read {}: {source}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file is damaged, truncated, or not what its name says.
    #[error("{place} is not a usable model: {what}")]
    Malformed {
        /// The file.
        place: String,
        /// What is wrong and where.
        what: String,
    },
    /// The file is sound, but holds something this engine does not do.
    #[error("{place}: {what} is not supported; {hint}")]
    Unsupported {
        /// The file.
        place: String,
        /// The thing, by name.
        what: String,
        /// What to use instead.
        hint: String,
    },
    /// A tensor which the model needs is not there.
    #[error("{place} has no tensor `{name}`; the file is incomplete or of another architecture")]
    MissingTensor {
        /// The file.
        place: String,
        /// The tensor's canonical name.
        name: String,
    },
    /// The model does not fit the machine or the options.
    #[error("{0}")]
    Resources(String),
}

impl LoadError {
    pub(crate) fn io(path: impl Into<PathBuf>, source: io::Error) -> Self {
        LoadError::Io {
            path: path.into(),
            source,
        }
    }

    pub(crate) fn malformed(place: impl Into<String>, what: impl Into<String>) -> Self {
        LoadError::Malformed {
            place: place.into(),
            what: what.into(),
        }
    }

    pub(crate) fn unsupported(
        place: impl Into<String>,
        what: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        LoadError::Unsupported {
            place: place.into(),
            what: what.into(),
            hint: hint.into(),
        }
    }
}
