//! Strawberry hub.
