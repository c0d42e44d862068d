//! Proofs for people: words (English, Chinese), figures (SVG), a page that walks through the proof (HTML).
//!
//! Everything here is made from an accepted certificate; nothing is added to it.

pub mod html;
pub mod narrate;
pub mod svg;
pub mod words;

use serde::Serialize;

/// Language of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// English.
    English,
    /// Simplified Chinese.
    Chinese,
}
