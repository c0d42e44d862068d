//! Thinking: strategies decide what to try, the driver tries it under a budget and records a trace.
//!
//! | file | what to change there |
//! |---|---|
//! | [`plan`] | how effort, overrides and the kind of model become a strategy with its parameters |
//! | [`kind`] | the strategies by name |
//! | [`auto`] | which strategy is taken when none is named |
//! | [`prompt`] | how a question is put to a model so that it thinks and marks its answer |
//! | [`strategy`] | the searches, one file each; a new one is one file and one line in [`plan`] |
//! | [`scorer`] | what says how good an attempt is; a learned verifier is one |
//! | [`confidence`] | how sure a model was of its tokens |
//! | [`calibration`] | what a confidence is worth |
//! | [`calculator`], [`programs`] | exact arithmetic and sandboxed programs for attempts |
//! | [`judge`] | what happens to an attempt when it has been sampled |
//! | [`vote`] | equivalence classes of answers and their tally |
//! | [`driver`] | the loop: concurrency, deadlines, streaming |
//! | [`record`] | writing the trace |
//! | [`report`] | what comes out of a run |
//! | [`control`] | how a run is hurried or stopped from outside |
//! | [`ledger`] | the one place where a budget is debited |
//! | [`replay`] | running a strategy again on a recorded trace |
//! | [`revote`] | all aggregations of a recorded trace |
//!
//! A run with a seed and without a wall-time limit is deterministic: outcomes are told to the strategy in
//! trial order, whatever order they came in, and only whole waves of trials are started.

mod attempt;
pub mod auto;
pub mod calculator;
pub mod calibration;
pub mod confidence;
pub mod control;
pub mod driver;
pub mod judge;
pub mod kind;
pub mod ledger;
pub mod plan;
pub mod programs;
pub mod prompt;
pub mod record;
pub mod replay;
pub mod report;
pub mod revote;
pub mod scorer;
mod spec;
pub mod strategy;
pub mod vote;

pub use calibration::Calibration;
pub use control::RunControl;
pub use driver::{ThinkError, ThinkEvent, Thinker};
pub use kind::StrategyKind;
pub use plan::{Plan, PlanError, PlanOptions};
pub use record::Recorder;
pub use report::RunReport;
pub use scorer::{Score, ScoredBy, Scorer};
