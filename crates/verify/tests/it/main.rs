//! Integration tests of the mathematics verifier.

mod extraction;
mod hostile;
mod properties;
mod table;
