//! Models on this machine: fetched, listed, resolved, removed.
//!
//! | file | what to change there |
//! |---|---|
//! | [`path`] | where things are kept |
//! | `store` | the folder of models: list, find, remove ([`Hub`]) |
//! | `package` | the default model, from inside a Python package |
//! | `web` | files of a Hugging Face repository, resumable and hash-checked |
//! | [`error`] | what can go wrong, in words |
//!
//! A model is a folder below `models/`: `models/<name>/…` with either one `.gguf` file or a Hugging Face
//! folder. What is being fetched has the ending `.part` and gets its name when it is whole and its hash
//! is right, so that a name always means a usable file.

pub mod error;
mod package;
pub mod path;
mod store;
mod web;

pub use error::HubError;
pub use path::data_dir;
pub use store::{Hub, Progress, StoredModel};
