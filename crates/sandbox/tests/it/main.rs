//! Real programs in real sandboxes. Everything here needs a kernel that [`strawberry_sandbox::capabilities`]
//! calls usable; without one the tests fail rather than pass for want of a sandbox.

mod filter;
mod hostile_files;
mod hostile_kernel;
mod hostile_resources;
mod native;
mod orphans;
mod support;
mod tamper;
mod verdicts;
