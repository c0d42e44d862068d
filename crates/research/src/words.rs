//! Words: the stems that are indexed and compared, and the words that carry no meaning of their own.

use std::cell::RefCell;
use std::collections::BTreeSet;

use tantivy::tokenizer::{Language, LowerCaser, RemoveLongFilter, SimpleTokenizer, Stemmer, TextAnalyzer};

/// The analyzer of index and queries: letters and digits, lower case, English stems (Porter 2).
pub(crate) fn analyzer() -> TextAnalyzer {
    TextAnalyzer::builder(SimpleTokenizer::default())
        .filter(RemoveLongFilter::limit(64))
        .filter(LowerCaser)
        .filter(Stemmer::new(Language::English))
        .build()
}

thread_local! {
    static ANALYZER: RefCell<TextAnalyzer> = RefCell::new(analyzer());
}

/// The stems of a text, in order, without words that carry no meaning.
pub fn stems(text: &str) -> Vec<String> {
    let mut stems = Vec::new();
    ANALYZER.with_borrow_mut(|analyzer| {
        let mut stream = analyzer.token_stream(text);
        while stream.advance() {
            let token = stream.token();
            let word = text[token.offset_from..token.offset_to].to_lowercase();
            if !is_stop(&word) {
                stems.push(token.text.clone());
            }
        }
    });
    stems
}

/// The different stems of a text.
pub fn stem_set(text: &str) -> BTreeSet<String> {
    stems(text).into_iter().collect()
}

/// The numbers of a text as they are written, without thousands separators.
pub fn numbers(text: &str) -> BTreeSet<String> {
    let bytes = text.as_bytes();
    let mut found = BTreeSet::new();
    let mut at = 0;
    while at < bytes.len() {
        if !bytes[at].is_ascii_digit() {
            at += 1;
            continue;
        }
        let start = at;
        while at < bytes.len()
            && (bytes[at].is_ascii_digit()
                || (matches!(bytes[at], b'.' | b',') && bytes.get(at + 1).is_some_and(u8::is_ascii_digit)))
        {
            at += 1;
        }
        found.insert(text[start..at].replace(',', ""));
    }
    found
}

/// Whether a text denies something.
pub fn denies(text: &str) -> bool {
    text.split(|c: char| !c.is_alphanumeric() && c != '\'' && c != '’')
        .any(|word| {
            let word = word.to_lowercase().replace('’', "'");
            matches!(
                word.as_str(),
                "not" | "no" | "never" | "none" | "neither" | "nor" | "cannot" | "without" | "nobody"
            ) || word.ends_with("n't")
        })
}

fn is_stop(word: &str) -> bool {
    STOP.binary_search(&word).is_ok()
}

/// English function words and the words of which questions are made, sorted.
const STOP: [&str; 121] = [
    "a", "about", "after", "all", "also", "am", "an", "and", "any", "are", "as", "at", "be", "because",
    "been", "before", "being", "between", "but", "by", "called", "can", "could", "describe", "did", "do",
    "does", "doing", "each", "explain", "find", "for", "from", "give", "had", "happens", "has", "have",
    "having", "he", "her", "him", "his", "how", "i", "if", "in", "into", "is", "it", "its", "just", "list",
    "many", "may", "me", "mean", "means", "might", "more", "most", "much", "must", "my", "name", "of", "on",
    "one", "or", "other", "our", "out", "over", "please", "s", "say", "shall", "she", "should", "so", "some",
    "such", "t", "tell", "than", "that", "the", "their", "them", "then", "there", "these", "they", "this",
    "those", "through", "to", "too", "under", "us", "very", "was", "we", "were", "what", "whats", "when",
    "where", "whether", "which", "while", "who", "whom", "whose", "why", "will", "with", "would", "you",
    "your", "yours",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stems_are_folded_and_question_words_dropped() {
        assert_eq!(
            stems("What are the Options of extracting?"),
            ["option", "extract"]
        );
    }

    #[test]
    fn numbers_are_read_with_separators_and_points() {
        let found = numbers("1,234 people, 3.5 km, v2 in 1999.");
        assert_eq!(
            found.into_iter().collect::<Vec<_>>(),
            ["1234", "1999", "2", "3.5"]
        );
    }

    #[test]
    fn denial_is_a_word_not_a_syllable() {
        assert!(denies("It doesn't work") && denies("There is no such file") && !denies("A note on knots"));
    }
}
