//! Verified training data: problems with their solutions, made or converted, checked, and written in the forms
//! that trainers read.
//!
//! ```text
//! family ─generate─► Item ─► Record ─► dedup, ban list ─► JSONL, views, data card
//!           └──resolve── (second way) ──┘
//! traces, other people's files, a model's rewriting ─► the same Record, by the same checks
//! ```
//!
//! | file | what to change there |
//! |---|---|
//! | [`families`] | the problem families; a new one is a type in the file of its group |
//! | [`words`] | word problems and their template language (`templates/*.txt`) |
//! | [`item`] | question, steps, answer, facts; what a right step is |
//! | [`record`] | the record, the step language, splits |
//! | [`judge`] | finding and comparing answers |
//! | [`generate`] | making many records: order, seeds, duplicates |
//! | [`dataset`] | a whole data set in one call, with its card |
//! | [`quality`] | duplicates, ban lists, statistics, the data card |
//! | [`convert`] | other people's files: GSM8K, SVAMP |
//! | [`traces`], [`rationalise`], [`evolve`] | records from a model's work |
//! | [`steps`] | the arithmetic in free text |
//! | [`export`] | the forms trainers read |
//! | [`sink`] | durable files |
//! | [`expr`], [`rational`], [`rng`] | exact arithmetic and portable randomness |

pub mod convert;
pub mod dataset;
pub mod error;
pub mod evolve;
pub mod export;
pub mod expr;
pub mod families;
pub mod generate;
pub mod item;
pub mod judge;
pub mod quality;
pub mod rational;
pub mod rationalise;
pub mod record;
pub mod rng;
pub mod sample;
pub mod sink;
pub mod steps;
pub mod traces;
pub mod words;

pub use error::SynthError;
pub use generate::{Options, Report, generate};
pub use record::{Record, Style};
