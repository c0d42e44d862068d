//! Rigorous numbers: enclosures by intervals, residues modulo a prime, and bounds below which an algebraic
//! number is zero.

mod bound;
mod complex;
mod eval;
mod interval;
mod modular;

pub use bound::zero_bound;
pub use complex::Complex;
pub use eval::{Evaluator, NoValue};
pub use interval::{Fixed, Interval};
pub use modular::{Residues, residue};
