//! Olympiad geometry: figures, a deductive closure, auxiliary points, checked and readable proofs.
//!
//! A problem (text) is read, drawn numerically, closed under deduction, helped by auxiliary points if need be,
//! and the proof is rebuilt with exact arithmetic and accepted by an independent checker before anything is
//! called proved.
//!
//! Where to look:
//! - [`lang`]: the problem languages; `data/constructions.txt` lists the constructions;
//! - [`figure`]: drawing, and judging predicates on a drawing;
//! - [`algebra`]: the incremental linear tables;
//! - [`closure`]: the rules and the passes that apply them;
//! - [`proof`]: the certificate and how it is extracted from the closure's log;
//! - [`search`]: auxiliary points;
//! - [`coordinates`]: a second opinion: is the goal an algebraic identity?
//! - [`checker`]: the independent checker of certificates;
//! - [`text`]: words, SVG, HTML;
//! - [`picture`]: the figure alone; [`bench`]: whole files of problems;
//! - [`told`]: a problem given as text, answered in words;
//! - [`prove`]: the whole way from a problem to an outcome.

pub mod algebra;
pub mod bench;
pub mod checker;
pub mod closure;
pub mod coordinates;
pub mod figure;
pub mod lang;
pub mod picture;
pub mod proof;
pub mod prove;
pub mod search;
pub mod text;
pub mod told;

pub use bench::bench;
pub use checker::check;
pub use picture::picture;
pub use prove::{Options, Outcome, Progress, Status, prove};
pub use told::{Told, prove_text, tell};
