//! The trait a judge implements.

use crate::answer::Answer;
use crate::problem::Problem;
use crate::verdict::Judgement;

/// Finds answers in responses, compares them, and holds them against a reference.
///
/// Implementations are deterministic, thread-safe and bounded by fuel, never by signals. Calls may
/// take milliseconds (mathematics) to seconds (programs), so asynchronous callers use a blocking thread.
pub trait Verifier: Send + Sync {
    /// The verifier's name, as written into traces.
    fn name(&self) -> &str;

    /// The answer in a response to `problem`, or `None` when there is none to be found.
    fn extract(&self, problem: &Problem, response: &str) -> Option<Answer>;

    /// Whether two answers to `problem` are the same answer. `false` when that can't be established.
    fn equivalent(&self, problem: &Problem, a: &Answer, b: &Answer) -> bool;

    /// Holds a response against the problem's reference. `None` when the problem has no reference
    /// that this verifier can use.
    fn judge(&self, problem: &Problem, response: &str) -> Option<Judgement>;
}
