//! The vocabulary of Strawberry, and nothing else: no I/O, no clock, no randomness.
//!
//! One loop runs everything in this system:
//!
//! ```text
//! Problem ─► Strategy ─asks─► Model ─► Attempts ─► Verifier ─► Verdicts ─tells─► Strategy ─► Answer
//!                └───────────── Budget (one ledger) ─────────────┘         every step ─► Trace
//! ```
//!
//! | file | what to change there |
//! |---|---|
//! | [`message`] | what a chat message is |
//! | [`problem`] | what can be asked, and what a reference answer may be |
//! | [`answer`] | what is extracted from a response and voted on |
//! | [`attempt`] | one sampled line of thought |
//! | [`verdict`] | what a verifier can say |
//! | [`budget`] | what may be spent, what was spent, the effort table |
//! | [`model`] | the trait a language model implements, and the request it takes |
//! | [`verifier`] | the trait a judge implements |
//! | [`strategy`] | the ask/tell trait a search implements |
//! | [`trace`] | the event log of a run, and the trait a store implements |
//! | [`think_tags`] | splitting `<think>` blocks out of streamed text |
//! | [`date`] | days as dates |
//! | [`schema`] | the published JSON Schema of all of these |

pub mod answer;
pub mod attempt;
pub mod budget;
pub mod date;
pub mod message;
pub mod model;
pub mod problem;
pub mod schema;
pub mod strategy;
pub mod think_tags;
pub mod trace;
pub mod verdict;
pub mod verifier;

pub use answer::Answer;
pub use attempt::Attempt;
pub use budget::{Budget, Effort, EffortRow, Usage};
pub use message::{Message, Role, ToolCall};
pub use model::{
    Calculator, Channel, Control, Embeddings, Finish, Grammar, Model, ModelError, ModelEvent, ModelInfo,
    SampleRequest, Sampling, Thinking, TokenLogprob,
};
pub use problem::{Problem, Reference, TestCase};
pub use strategy::{Outcome, Selection, Strategy, Trial, TrialId, Vote};
pub use think_tags::ThinkSplitter;
pub use trace::{RunId, RunSummary, StoreError, TraceEvent, TraceStore};
pub use verdict::{Judgement, Verdict};
pub use verifier::Verifier;
