//! A report for people and programs: Markdown, a page, a bibliography. JSON is the report itself.

mod bibtex;
mod html;
mod markdown;

pub use bibtex::bibtex;
pub use html::html;
pub use markdown::{markdown, paragraph};

use crate::report::Cited;

/// Title and heading of a source, in one.
pub(crate) fn name(source: &Cited) -> String {
    if source.section.is_empty() || source.title == source.section {
        source.title.clone()
    } else {
        format!("{}, {}", source.title, source.section)
    }
}

/// Whether a document's name is an address that readers can follow.
pub(crate) fn is_link(document: &str) -> bool {
    document.starts_with("https://") || document.starts_with("http://")
}
