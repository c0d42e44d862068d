//! Linear algebra of the closure: a prime field standing for the rationals, and four incremental tables.
//!
//! The closure computes modulo 2^61 - 1. A wrong equality has probability about 2^-61 a comparison and could
//! not survive: every proof is rebuilt with exact rationals and then checked by the checker.

pub mod field;
pub mod table;
