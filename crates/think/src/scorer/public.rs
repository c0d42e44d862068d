//! Scoring a program by the tests that its question shows.

use strawberry_core::{Attempt, Problem};

use super::{Score, Scorer, TESTS};
use crate::programs;

/// The share of the question's own tests that pass. The reference's tests are never used: they are what the
/// answer will be held against.
pub struct PublicTests;

/// The Python `assert` lines in the last user message.
pub fn public_tests(problem: &Problem) -> Vec<String> {
    problem
        .last_user_text()
        .lines()
        .map(str::trim)
        .filter(|l| l.starts_with("assert ") || l.starts_with("assert("))
        .map(str::to_owned)
        .collect()
}

impl Scorer for PublicTests {
    fn name(&self) -> &str {
        TESTS
    }

    fn score(&self, problem: &Problem, attempt: &Attempt) -> Option<Score> {
        let tests = public_tests(problem);
        if tests.is_empty() {
            return None;
        }
        programs::check(&attempt.text, &tests)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_questions_own_tests_are_found() {
        let problem =
            Problem::question("Write f.\nYour code should pass:\n  assert f(1) == 2\nassert f(2) == 3\n");
        assert_eq!(public_tests(&problem), ["assert f(1) == 2", "assert f(2) == 3"]);
        assert!(public_tests(&Problem::question("Do not assert anything.")).is_empty());
    }
}
