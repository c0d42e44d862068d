//! Tests of the whole crate through its public API.
mod convert;
mod families;
mod golden;
mod model;
mod pipeline;
