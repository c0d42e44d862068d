//! Strawberry sandbox.
