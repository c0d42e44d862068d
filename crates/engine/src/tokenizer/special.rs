//! Tokens that are found whole in text: control tokens and user-defined ones.

use std::borrow::Cow;
use std::collections::HashMap;

use aho_corasick::{AhoCorasick, Input, MatchKind};

use super::Special;

/// A token found whole in text.
#[derive(Clone, Debug)]
pub(super) struct Added {
    pub id: u32,
    /// As written in text; not empty.
    pub text: String,
    /// Whether it is a mark of structure by the file's word.
    pub control: bool,
    /// Whether white space before it belongs to it.
    pub strip_left: bool,
    /// Whether white space after it belongs to it.
    pub strip_right: bool,
}

impl Added {
    /// A word or a run of white space that merely has a token of its own; anyone may write it. Everything
    /// else (`<think>`, `[INST]`) is structure, even when the file calls it user-defined.
    fn is_literal(&self) -> bool {
        !self.control && !self.text.contains(['<', '>', '[', ']', '{', '}', '|', '/'])
    }
}

/// A stretch of the text to encode.
pub(super) enum Part<'a> {
    Token(u32),
    Text(Cow<'a, str>),
}

/// Finds the added tokens of a vocabulary; of those that begin at one place, the longest.
#[derive(Debug)]
pub(super) struct Specials {
    added: Vec<Added>,
    ids: HashMap<String, u32>,
    all: Option<AhoCorasick>,
    /// Only what [`Added::is_literal`] allows; `literal_index` maps its patterns to `added`.
    literal: Option<AhoCorasick>,
    literal_index: Vec<usize>,
    /// Longest text of a structural token, bytes.
    longest: usize,
}

fn matcher(texts: &[&str]) -> Option<AhoCorasick> {
    if texts.is_empty() {
        return None;
    }
    AhoCorasick::builder()
        .match_kind(MatchKind::LeftmostLongest)
        .build(texts)
        .ok()
}

impl Specials {
    pub fn new(added: Vec<Added>) -> Self {
        let texts: Vec<&str> = added.iter().map(|a| a.text.as_str()).collect();
        let literal_index: Vec<usize> = (0..added.len()).filter(|i| added[*i].is_literal()).collect();
        let literal: Vec<&str> = literal_index.iter().map(|i| texts[*i]).collect();
        Specials {
            all: matcher(&texts),
            literal: matcher(&literal),
            literal_index,
            longest: added
                .iter()
                .filter(|a| !a.is_literal())
                .map(|a| a.text.len())
                .max()
                .unwrap_or(0),
            ids: added.iter().map(|a| (a.text.clone(), a.id)).collect(),
            added,
        }
    }

    pub fn id(&self, text: &str) -> Option<u32> {
        self.ids.get(text).copied()
    }

    /// The next token at or after `from` that may be taken: its index in `added` and its place.
    fn next(
        &self,
        text: &str,
        mut from: usize,
        special: Special,
        guard: Option<char>,
    ) -> Option<(usize, usize, usize)> {
        let matcher = match special {
            Special::Parse => self.all.as_ref()?,
            Special::AsText => self.literal.as_ref()?,
        };
        loop {
            let found = matcher.find(Input::new(text).range(from..))?;
            let index = match special {
                Special::Parse => found.pattern().as_usize(),
                Special::AsText => self.literal_index[found.pattern().as_usize()],
            };
            let guarded = guard.is_some_and(|guard| text[..found.start()].ends_with(guard));
            if !guarded || self.added[index].is_literal() {
                return Some((index, found.start(), found.end()));
            }
            from = text.ceil_char_boundary(found.start() + 1);
        }
    }

    /// Cuts `text` at the tokens in it and drops guards from what is between.
    pub fn split<'a>(&self, text: &'a str, special: Special, guard: Option<char>) -> Vec<Part<'a>> {
        let mut parts = Vec::new();
        let plain = |text: &'a str| match guard {
            Some(guard) if text.contains(guard) => Cow::Owned(text.replace(guard, "")),
            _ => Cow::Borrowed(text),
        };
        let push_text = |parts: &mut Vec<Part<'a>>, text: &'a str| {
            let text = plain(text);
            if !text.is_empty() {
                parts.push(Part::Text(text));
            }
        };
        let mut at = 0;
        while let Some((index, start, end)) = self.next(text, at, special, guard) {
            let added = &self.added[index];
            let before = &text[at..start];
            push_text(
                &mut parts,
                if added.strip_left {
                    before.trim_end()
                } else {
                    before
                },
            );
            parts.push(Part::Token(added.id));
            at = end;
            if added.strip_right {
                at = text.len() - text[end..].trim_start().len();
            }
        }
        push_text(&mut parts, &text[at..]);
        parts
    }

    /// See [`Tokenizer::shield`](super::Tokenizer::shield).
    pub fn shield(&self, text: &str, guard: char) -> String {
        let structural = || self.added.iter().filter(|a| !a.is_literal());
        let mut places = Vec::new();
        if let Some(matcher) = &self.all {
            // Every start of a token, overlapping ones too.
            let mut from = 0;
            while let Some(found) = matcher.find(Input::new(text).range(from..)) {
                places.push(found.start());
                from = text.ceil_char_boundary(found.start() + 1);
            }
        }
        // A token whose beginning is the end of this text, white space after it aside: the template may
        // trim that and supply the rest.
        let trimmed = text.trim_end();
        let tails = trimmed
            .char_indices()
            .rev()
            .take_while(|(at, _)| trimmed.len() - at < self.longest);
        for (at, _) in tails {
            let tail = &trimmed[at..];
            if structural().any(|a| a.text.len() > tail.len() && a.text.starts_with(tail)) {
                places.push(at);
            }
        }
        // And one whose end is the beginning of this text.
        let start = text.len() - text.trim_start().len();
        let heads = text[start..]
            .char_indices()
            .skip(1)
            .map(|(at, _)| start + at)
            .chain([text.len()]);
        let mut heads = heads.take_while(|at| at - start < self.longest);
        if start < text.len()
            && heads.any(|at| {
                let head = &text[start..at];
                structural().any(|a| a.text.len() > head.len() && a.text.ends_with(head))
            })
        {
            places.push(start);
        }
        places.sort_unstable();
        places.dedup();
        let mut shielded = String::with_capacity(text.len() + places.len() * guard.len_utf8());
        let mut at = 0;
        for place in places {
            shielded.push_str(&text[at..place]);
            shielded.push(guard);
            at = place;
        }
        shielded + &text[at..]
    }
}

/// Bounds the finder's automaton: files with more text in such tokens are not vocabularies.
pub(super) fn check(added: &[Added]) -> Result<(), String> {
    let bytes: usize = added.iter().map(|a| a.text.len()).sum();
    if added.len() > 1 << 16 || bytes > 1 << 20 {
        return Err(format!(
            "its vocabulary has {} control and user-defined tokens of {bytes} bytes together",
            added.len()
        ));
    }
    Ok(())
}
