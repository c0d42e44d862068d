//! Languages: what a problem is, and the readers that make one out of text.

pub mod atom;
pub mod constructions;
pub mod problem;
pub mod read;
mod relation;
pub mod suggest;
