//! A report for people and programs: Markdown, a page, a bibliography. JSON is the report itself.

mod bibtex;
mod html;
mod markdown;

pub use bibtex::bibtex;
pub use html::html;
pub use markdown::{markdown, paragraph};

use crate::report::Cited;

/// Year, month and day of a time in milliseconds since the Unix epoch, in UTC (Howard Hinnant, "chrono-compatible
/// low-level date algorithms", `civil_from_days`).
pub(crate) fn date(ms: u64) -> String {
    let days = (ms / 86_400_000) as i64 + 719_468;
    let era = days / 146_097;
    let day_of_era = days - era * 146_097;
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

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

#[cfg(test)]
mod tests {
    #[test]
    fn dates_are_right() {
        assert_eq!(super::date(0), "1970-01-01");
        assert_eq!(super::date(951_782_400_000), "2000-02-29");
        assert_eq!(super::date(1_795_478_400_000), "2026-11-24");
    }
}
