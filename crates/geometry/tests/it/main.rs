//! Integration tests: languages, closure and proofs, soundness, the checker.

mod fixtures;
mod languages;
mod proofs;
mod soundness;
mod telling;
