//! The driver and the strategies on a scripted model with a known answer distribution.

mod attempts;
mod closed_forms;
mod driver;
mod laws;
mod scripted;
mod simulate;
