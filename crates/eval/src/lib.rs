//! Measuring: does more thinking buy better answers, and what does it cost?
//!
//! ```text
//! task file ─► problems ─► one pool of attempts per problem and seed ─► every budget, every aggregation ─► report
//!                              (durable: journal.jsonl)                     (no sampling)
//! ```
//!
//! | file | what to change there |
//! |---|---|
//! | [`task`] | what a task file may say (`tasks/*.toml` are built in) |
//! | [`source`] | reading rows and making problems of them |
//! | [`check`] | how answers of each kind are found and judged |
//! | [`sample`] | what is sampled for a problem, and the row kept of it |
//! | [`run`] | a run: resuming, concurrency, final files |
//! | [`ladder`] | budgets and aggregations from the pools |
//! | [`stats`] | intervals and tests |
//! | [`summary`], [`compare`] | the numbers |
//! | [`chart`], [`page`], [`viewer`] | the pages |
//!
//! # Files of a run
//!
//! `settings.json` (what decides the results; another run can't be continued here), `journal.jsonl` (a line
//! for each thing sampled, appended as it comes), `timing.jsonl` (measured seconds), and at the end `samples.jsonl`,
//! `results.jsonl`, `summary.json`, `report.html`, `samples.html`. The first three of the final files depend on
//! the settings alone: killed and resumed runs give the same bytes. The pages also show measured seconds.
//!
//! `results.jsonl` has one row for each problem, seed, budget and strategy: `task`, `id`, `seed`, `effort`, `strategy`,
//! `correct`, `scored`, `answer`, `reference`, `confidence`, `samples`, `tokens`. For lm-evaluation-harness's
//! `samples_*.jsonl` take `doc_id` from `id`, `target` from `reference`, `resps` from `samples.jsonl` (`attempts[].text`),
//! `filtered_resps` from `answer` and `acc` from `correct`; for inspect_ai's `EvalSample` take `id`, `epoch` from `seed`,
//! `target` from `reference`, `output` from the chosen attempt and `scores` from `correct`.

pub mod chart;
pub mod check;
pub mod compare;
pub mod ladder;
pub mod page;
pub mod run;
pub mod sample;
pub mod source;
pub mod stats;
pub mod summary;
pub mod task;
pub mod viewer;

/// Why a measurement could not be made.
#[derive(Debug, thiserror::Error)]
pub enum EvalError {
    /// A task file says something that can't be carried out: which file, line and field.
    #[error("{0}")]
    Task(String),
    /// A file can't be read or written.
    #[error("{0}")]
    File(String),
    /// The options contradict each other, or the folder belongs to another run.
    #[error("{0}")]
    Options(String),
    /// The model or the sandbox failed in a way that no other problem would survive either.
    #[error("{0}")]
    Failed(String),
    /// The user stopped the run; the same command goes on.
    #[error("stopped; the same command goes on from here")]
    Interrupted,
}

impl EvalError {
    /// A file error that names the path.
    pub(crate) fn file(path: &std::path::Path, error: impl std::fmt::Display) -> Self {
        EvalError::File(format!("{}: {error}", path.display()))
    }
}
