//! Strawberry store.
