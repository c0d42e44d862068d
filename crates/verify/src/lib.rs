//! Mathematical answers: found in free text, parsed into a typed expression, compared exactly.
//!
//! | file | what to change there |
//! |---|---|
//! | [`verifier`] | the judge: extraction, parsing and comparison put together |
//! | [`options`] | the modes and the fuel |
//! | [`extract`] | where an answer stands in a response |
//! | [`lex`], [`words`], [`units`] | characters, names, units |
//! | [`parse`] | the grammar |
//! | [`expr`] | the typed expression |
//! | [`compare`] | when two answers are the same |

pub mod compare;
pub mod expr;
pub mod extract;
pub mod fuel;
pub mod jsonl;
pub mod lex;
pub mod norm;
pub mod number;
pub mod numeric;
pub mod options;
pub mod parse;
pub mod scalar;
pub mod units;
pub mod verifier;
pub mod words;

pub use jsonl::{Summary, filter_jsonl};
pub use options::{Fuel, Mode, Options};
pub use verifier::{MathVerifier, Report};
