//! What can go wrong in training.

use std::io;
use std::path::{Path, PathBuf};

/// An error of this crate, in one sentence that says what to do.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// A file can't be read or written.
    #[error("{}: {source}", .path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A row of a data file is broken.
    #[error("{}, line {line}: {reason}", .path.display())]
    Row {
        /// Which file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// A model can't be opened.
    #[error(transparent)]
    Load(#[from] strawberry_engine::error::LoadError),
    /// A model can't be trained by this crate.
    #[error("{0}")]
    Unsupported(String),
    /// A checkpoint or adapter does not fit the model or the run.
    #[error("{}: {reason}", .path.display())]
    Mismatch {
        /// Which file.
        path: PathBuf,
        /// What differs, with the tensor's name.
        reason: String,
    },
    /// A setting is out of range.
    #[error("{0}")]
    Option(String),
    /// Training went wrong numerically.
    #[error("step {step}: {what} is not a finite number; the last good state is {}. Try a lower learning rate",
        .kept.as_ref().map_or_else(|| "the start (no checkpoint was written yet)".to_owned(), |p| p.display().to_string()))]
    NotFinite {
        /// The optimiser step, from 1.
        step: usize,
        /// `the loss`, or `the gradient of …`.
        what: String,
        /// The last checkpoint.
        kept: Option<PathBuf>,
    },
    /// The model can't be sampled.
    #[error("sampling failed: {0}")]
    Sampling(String),
    /// Records can't be read or written.
    #[error(transparent)]
    Synth(#[from] strawberry_synth::SynthError),
    /// The caller asked to stop; the state is kept.
    #[error("stopped at step {step}; the same command goes on from there")]
    Stopped {
        /// Steps done.
        step: usize,
    },
}

impl TrainError {
    /// Names the file of an I/O error.
    pub fn io(path: &Path) -> impl FnOnce(io::Error) -> TrainError + '_ {
        move |source| TrainError::Io {
            path: path.to_owned(),
            source,
        }
    }
}
