//! Runs untrusted programs against tests, in a sandbox, and says what happened.
//!
//! ```no_run
//! use strawberry_sandbox::{Against, CodeCheck, Language, Options, Outcome, Sandbox};
//! # fn main() -> Result<(), strawberry_sandbox::SandboxError> {
//! let sandbox = Sandbox::new(Options::default())?;
//! let report = sandbox.check(&CodeCheck {
//!     language: Language::Python,
//!     code: "def double(x): return 2 * x".into(),
//!     against: Against::Tests { setup: String::new(), tests: vec!["assert double(4) == 8".into()] },
//! });
//! assert_eq!(report.outcome, Outcome::Passed);
//! # Ok(())
//! # }
//! ```
//!
//! | file | what to change there |
//! |---|---|
//! | `pool.rs` | how checks get a slot and a ready interpreter ([`Sandbox`]) |
//! | `tests.rs`, `python/judge.py`, `python/program.py`, `python/codec.py` | assert tests: who asks, who answers, what crosses |
//! | `cases.rs` | input/output pairs and checkers |
//! | `native.rs` | C and Rust |
//! | `spawn.rs`, `child.rs`, `root.rs`, `seccomp.rs`, `landlock.rs`, `cgroup.rs` | the walls |
//! | `process.rs`, `limits.rs` | time, memory, output |
//! | `extract.rs`, `filter.rs`, `verifier.rs` | responses, JSONL, the [`strawberry_core::Verifier`] |
//! | `capabilities.rs` | what `doctor` prints |
//!
//! # What is promised, and against whom
//!
//! The program is hostile. It gets fresh user, pid, net, ipc, uts and mount namespaces, an unprivileged
//! identity without capabilities, a read-only root holding the interpreter and nothing of the host's
//! data, a small `/tmp`, five devices, no `/proc`, no network, an allow-list of system calls, Landlock, limits,
//! one processor, and an empty environment. Where the kernel lacks a piece, nothing runs
//! ([`SandboxError::Unavailable`]); [`capabilities()`] says which.
//!
//! The verdict is out of its reach. Tests and expected values never enter the program's process: the
//! tests run in a judge's process, which asks for calls and compares plain data with its own `==`; input
//! and output are compared by this library. So a program that exits, patches built-ins, overrides
//! `__eq__`, reads frames or writes to its descriptors can only give wrong answers. What remains:
//!
//! - Where a test gives the program what it expects, the program can agree: comparing two objects of the
//!   program's own classes, `in` with a container of a class the tests name, a method called with the
//!   expected value. Comparing or calculating with plain data never asks it.
//! - A test that uses a built-in's name and no other name of the program's means the program's own
//!   definition of that name. Lists, dictionaries and sets that a test passes can be changed in place, as
//!   in any Python call.
//! - The tests, checkers and set-up code come from whoever owns the data set: they are confined like
//!   programs, but they decide verdicts, also (by leaving processes behind in a judge) those of later
//!   checks in the same pool.
//! - A program sees how it is called, so a program that knows the data set by heart passes it.
//! - Time is shared: a program can warm the caches and the memory bus of its neighbours.
//! - The kernel is trusted.
#![cfg(target_os = "linux")]

mod capabilities;
mod cases;
mod cgroup;
mod check;
mod child;
mod error;
mod extract;
mod filter;
mod landlock;
mod limits;
mod native;
mod pool;
mod process;
mod python;
mod report;
mod root;
mod seccomp;
mod spawn;
mod tests;
mod verifier;
mod worker;

pub use capabilities::{Capabilities, Capability, capabilities};
pub use check::{Against, CodeCheck, Language};
pub use error::SandboxError;
pub use extract::{Found, extract};
pub use filter::{FilterSummary, filter_jsonl};
pub use limits::Limits;
pub use pool::{Options, Sandbox};
pub use report::{CodeReport, Outcome};
pub use verifier::CodeVerifier;
