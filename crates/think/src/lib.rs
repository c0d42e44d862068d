//! Strawberry think.
