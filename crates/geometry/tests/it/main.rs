//! Integration tests: languages, closure and proofs, soundness, the checker.

mod coordinates;
mod fixtures;
mod languages;
mod proofs;
mod random;
mod soundness;
mod telling;
