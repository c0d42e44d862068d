//! The command line as users meet it: a real binary, a real (tiny, random) model, a real store.

mod ask;
mod bad_input;
mod chat;
mod eval;
mod kill;
mod support;
mod synth;
mod tables;
mod train;
mod verify;
