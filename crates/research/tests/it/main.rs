//! Tests of the crate as its users see it.

mod adversary;
mod corpus;
mod hostile;
mod kill;
mod questions;
mod readers;
mod support;
