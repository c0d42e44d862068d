//! Proofs: rebuilding one from the closure's log with exact arithmetic, and the certificate it is written as.

pub mod certificate;
pub mod certify;
pub mod extract;
