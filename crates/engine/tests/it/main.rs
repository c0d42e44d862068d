//! The engine as its users see it, on tiny random models.

mod adapters;
mod calculator;
mod crowd;
mod embed;
mod lookup;
mod scheduling;
mod thinking;
mod tiny;
