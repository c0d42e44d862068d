//! Other people's data, read from where it lies and never copied into this project.

pub mod gsm8k;
pub mod svamp;

use std::collections::BTreeMap;

/// What came of a conversion.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Converted {
    /// Rows read.
    pub read: usize,
    /// Records made.
    pub kept: usize,
    /// Rows left out, by reason.
    pub dropped: BTreeMap<String, usize>,
}

impl Converted {
    pub(crate) fn drop_row(&mut self, reason: &str) {
        *self.dropped.entry(reason.to_owned()).or_default() += 1;
    }
}
