//! Research: a question, sources, a budget; and a report in which every citation is a stored passage.
//!
//! ```text
//! brief ─► plan (approved) ─► search and read ─► gaps? ─► write ─► judge ─► report
//!              every step is in the store before the next begins; a killed run goes on where it was
//! ```
//!
//! | file | what to change there |
//! |---|---|
//! | [`run`] | the loop, its events, budget and approval |
//! | [`plan`] | the parts of a question, and how deep an effort goes |
//! | [`source`] | what a source is; how several become one list |
//! | [`corpus`] | folders as sources: crawler, index |
//! | [`web`] | search servers and a polite fetcher |
//! | [`text`] | files and pages as text |
//! | [`passage`], [`sentence`], [`words`] | pieces of text |
//! | `gather` | rounds of searching and reading |
//! | `extract` | which sentences answer a question |
//! | `write` | claims with citations |
//! | [`support`] | whether a passage says what a claim says |
//! | `ask` | the prompts |
//! | `journal` | finished steps |
//! | [`report`], [`render`] | what comes out, and how it is shown |
//!
//! # What can't happen
//!
//! A report cites passages of this run and nothing else: a model knows passages by labels, labels that were not shown
//! are removed, and addresses that a model writes are taken out. Text of sources is data: it is never in a planning
//! call or in the system role, and no call that sees it can search or read anything.

mod ask;
pub mod corpus;
mod extract;
mod gather;
mod journal;
pub mod passage;
pub mod plan;
pub mod render;
pub mod report;
pub mod run;
pub mod sentence;
mod similar;
pub mod source;
pub mod support;
pub mod text;
pub mod web;
pub mod words;
mod write;

pub use report::{Mode, Report};
pub use run::{Brief, ResearchError, ResearchEvent, Researcher};
