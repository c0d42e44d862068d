//! Strawberry verify.
