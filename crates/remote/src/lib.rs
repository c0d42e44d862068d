//! Strawberry remote.
