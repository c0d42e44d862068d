//! Strawberry engine.
