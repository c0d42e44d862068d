//! The deductive closure: linear tables of directions, log lengths, lengths and squared lengths, and rules
//! that read their premises off the tables by hashing normal forms and add rows.
//!
//! - [`rows`]: how atoms and rules are written as rows; numbers are read off the figure here only.
//! - [`rules`] (with `sine_rules`, `same`): every rule as premises and conclusions. A new rule starts here (and in the checker).
//! - [`state`]: the tables, the log, the fixpoint loop.
//! - `known`: what is known about some points.
//! - `triangles`, `circles`, `lengths`, `named` (over `configs`), `sines`: the passes that find instances of the rules.

pub mod rows;
pub mod rules;
pub mod state;

mod circles;
mod configs;
mod known;
mod lengths;
mod named;
mod objects;
mod same;
mod sine_rules;
mod sines;
mod triangles;
