//! Small problems of our own.

use strawberry_geometry::lang::problem::Problem;
use strawberry_geometry::lang::read::read_file;
use strawberry_geometry::prove::{Options, Outcome, prove};

/// The true statements of `fixtures/problems.txt`.
pub fn problems() -> Vec<Problem> {
    let entries = read_file(include_str!("../fixtures/problems.txt")).expect("the fixture file reads");
    entries
        .into_iter()
        .map(|(name, p)| p.unwrap_or_else(|e| panic!("{name}: {e}")))
        .collect()
}

/// Closure only.
pub fn closure_only() -> Options {
    Options {
        max_points: 0,
        ..Options::default()
    }
}

pub fn run(p: &Problem, o: &Options) -> Outcome {
    prove(p, o, &|_| {}, &|| false)
}
