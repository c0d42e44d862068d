//! The engine as its users see it, on tiny random models.

mod calculator;
mod crowd;
mod embed;
mod scheduling;
mod thinking;
mod tiny;
