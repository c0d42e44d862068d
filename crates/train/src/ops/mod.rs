//! The arithmetic of the network, each operation with its derivative, on plain row-major slices.

pub mod attention;
pub mod exp;
pub mod loss;
pub mod matmul;
pub mod norm;
pub mod rope;
pub mod swiglu;
