//! The exact normal form: rational functions with rational coefficients in *generators* (variables, π, e, i,
//! roots of primes, logarithms of primes, and functions that stay as they are).
//!
//! Products of roots of different primes are linearly independent over the rationals (Besicovitch 1940), i is
//! independent of real numbers, and π of algebraic ones (Lindemann 1882), so over these generators a normal form
//! is zero only if it is empty. Over the others an empty form still proves equality, but a non-empty one
//! proves nothing.

mod convert;
mod function;
mod key;
mod poly;
mod ratio;
mod root;

pub use convert::{Converter, to_ratio};
pub use key::{poly_key, ratio_key};
pub use poly::{Frac, Gen, Mono, Poly};
pub use ratio::Ratio;
