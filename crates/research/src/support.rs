//! Whether a passage supports a claim: quotations are located, everything else is scored.
//!
//! The scorer here is lexical: it compares words, numbers and denials, and knows nothing of meaning. It errs on
//! the side of "unsupported". A model can judge on
//! top of it; figures, names and denials that disagree it can't overrule.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::sentence::sentences;
use crate::words::{denies, numbers, stem_set};

/// How a claim stands to the passages that it cites.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Support {
    /// Nothing that is cited says so.
    Unsupported,
    /// What is cited says a part of it.
    Partly,
    /// What is cited says so in other words.
    Supported,
    /// It stands there word by word.
    Quoted,
}

impl Support {
    /// The name shown to people.
    pub fn as_str(self) -> &'static str {
        match self {
            Support::Unsupported => "unsupported",
            Support::Partly => "partly",
            Support::Supported => "supported",
            Support::Quoted => "quoted",
        }
    }
}

/// Share of the claim's stems that its evidence must have for [`Support::Supported`].
const SUPPORTED: f64 = 0.85;
/// The same for the one sentence that says most of it.
const IN_ONE_SENTENCE: f64 = 0.6;
/// The same for [`Support::Partly`].
const PARTLY: f64 = 0.5;

/// The bytes of `text` in which `quote` stands, blanks of any kind and number being equal; `None` where it does not.
pub fn locate(quote: &str, text: &str) -> Option<(usize, usize)> {
    let wanted = crate::sentence::on_one_line(quote);
    if wanted.is_empty() {
        return None;
    }
    let mut line = String::with_capacity(text.len());
    // For each byte of `line`, where it stands in `text`.
    let mut places = Vec::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        if c.is_whitespace() {
            if !line.is_empty() && !line.ends_with(' ') {
                line.push(' ');
                places.push(at);
            }
        } else {
            line.push(c);
            places.extend(at..at + c.len_utf8());
        }
    }
    let found = line.find(&wanted)?;
    let last = places[found + wanted.len() - 1];
    Some((places[found], last + 1))
}

/// A verdict on a claim against one passage.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Judged {
    /// How well it is supported.
    pub support: Support,
    /// The bytes of the passage's text that say it best.
    pub evidence: (usize, usize),
    /// Share of the claim's stems that the passage has.
    pub coverage: f64,
    /// Whether every figure and name of the claim is in the passage, and both affirm or both deny. Where this is
    /// false, no judge may call the claim supported.
    pub consistent: bool,
}

/// Judges `claim` against the text of a passage; `about` (titles, headings, the question) may name things that the
/// text calls "it".
pub fn judge(claim: &str, text: &str, about: &str) -> Judged {
    if let Some(evidence) = locate(claim, text) {
        return Judged {
            support: Support::Quoted,
            evidence,
            coverage: 1.0,
            consistent: true,
        };
    }
    let wanted = stem_set(claim);
    let known: BTreeSet<String> = stem_set(text).union(&stem_set(about)).cloned().collect();
    let share = |has: &BTreeSet<String>| {
        if wanted.is_empty() {
            0.0
        } else {
            wanted.intersection(has).count() as f64 / wanted.len() as f64
        }
    };
    let coverage = share(&known);
    let best = sentences(text)
        .into_iter()
        .map(|(a, b)| (share(&stem_set(&text[a..b])), a, b))
        .max_by(|x, y| x.0.total_cmp(&y.0).then(y.1.cmp(&x.1)))
        .unwrap_or((0.0, 0, text.len()));
    let (in_one, start, end) = best;
    let sentence = &text[start..end];
    let figures = numbers(claim).is_subset(&numbers(text));
    let names = names(claim)
        .iter()
        .all(|n| text.contains(n.as_str()) || about.contains(n.as_str()));
    let agrees = denies(claim) == denies(sentence);
    let consistent = figures && names && agrees;
    let support = if !consistent {
        Support::Unsupported
    } else if coverage >= SUPPORTED && in_one >= IN_ONE_SENTENCE {
        Support::Supported
    } else if coverage >= PARTLY {
        Support::Partly
    } else {
        Support::Unsupported
    };
    Judged {
        support,
        evidence: (start, end),
        coverage,
        consistent,
    }
}

/// Capitalised words inside the sentence.
fn names(claim: &str) -> Vec<String> {
    claim
        .split_whitespace()
        .skip(1)
        .map(|w| w.trim_matches(|c: char| !c.is_alphanumeric()))
        .filter(|w| w.chars().count() > 2 && w.chars().next().is_some_and(char::is_uppercase))
        .map(|w| {
            w.strip_suffix("'s")
                .or(w.strip_suffix("’s"))
                .unwrap_or(w)
                .to_owned()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "The lighthouse of Varn was\nbuilt in 1871 by the harbour board. It has 212 steps.\n\nIt is not \
                        open in winter.";

    fn support(claim: &str) -> Support {
        judge(claim, TEXT, "Varn lighthouse").support
    }

    #[test]
    fn quotations_are_located_across_lines() {
        let (a, b) = locate("Varn was built in  1871", TEXT).unwrap();
        assert_eq!(&TEXT[a..b], "Varn was\nbuilt in 1871");
        assert_eq!(locate("Varn was built in 1872", TEXT), None);
        assert_eq!(locate("", TEXT), None);
        let (a, b) = locate("Öl", "das Öl").unwrap();
        assert_eq!(&"das Öl"[a..b], "Öl");
    }

    #[test]
    fn figures_names_and_denials_must_agree() {
        assert_eq!(support("It has 212 steps."), Support::Quoted);
        assert_eq!(
            support("In 1871 the harbour board built the lighthouse of Varn."),
            Support::Supported
        );
        assert_eq!(
            support("In 1872 the harbour board built the lighthouse of Varn."),
            Support::Unsupported
        );
        assert_eq!(
            support("In 1871 the harbour board of Telmar built the lighthouse."),
            Support::Unsupported
        );
        assert_eq!(support("The lighthouse is open in winter."), Support::Unsupported);
        assert_eq!(
            support("The harbour board built a famous lighthouse in 1871."),
            Support::Partly
        );
        assert_eq!(support("Cats sleep a lot."), Support::Unsupported);
        assert_eq!(support("!!!"), Support::Unsupported);
    }
}
