//! Strawberry core.
