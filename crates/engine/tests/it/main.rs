//! The engine as its users see it, on tiny random models.

mod crowd;
mod scheduling;
mod thinking;
mod tiny;
