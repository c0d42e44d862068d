//! What can go wrong outside the program under test.

/// The sandbox could not do its work; says nothing about the program.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SandboxError {
    /// The kernel lacks or forbids a piece; nothing was run.
    #[error("the sandbox is not available here: {step} failed: {cause}{hint}")]
    Unavailable {
        /// Which piece (for example `new namespaces`).
        step: &'static str,
        /// The kernel's answer.
        cause: String,
        /// What to do about it; empty or starting with `; `.
        hint: &'static str,
    },
    /// An interpreter or compiler is missing.
    #[error("{0}")]
    MissingTool(String),
    /// The sandbox could not be prepared.
    #[error("the sandbox could not be set up: {0}")]
    Setup(String),
}

impl SandboxError {
    /// An error of the operating system while `doing` something.
    pub(crate) fn os(doing: &str, error: std::io::Error) -> Self {
        SandboxError::Setup(format!("{doing}: {error}"))
    }
}
