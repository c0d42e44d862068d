//! Strawberry geometry.
