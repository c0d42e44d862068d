//! Files and pages as text: bounded readers for what people keep in folders.
//!
//! | file | what to change there |
//! |---|---|
//! | [`decode`] | bytes to characters |
//! | [`html`] | the readable text of a page |
//! | [`roff`] | manual pages |
//! | [`file`] | one file of a folder: its kind, its limits, its documents |

pub mod decode;
pub mod file;
pub mod html;
pub mod roff;
