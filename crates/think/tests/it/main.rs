//! The driver and the strategies on a scripted model with a known answer distribution.

mod driver;
mod scripted;
