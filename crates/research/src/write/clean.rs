//! What a model's sentence may not hold: addresses, markup, and quotations that stand nowhere.

use crate::sentence::on_one_line;
use crate::support::locate;

/// Words of a quotation from which on it must stand in a source.
const QUOTATION: usize = 3;

/// The sentence without markup, labels and addresses, on one line.
pub(crate) fn sentence(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            // `[text](address)` and `![text](address)`: the text stays. `[S1]` goes.
            '!' if chars.peek() == Some(&'[') => {}
            '[' => {
                let inside: String = chars.by_ref().take_while(|&c| c != ']').collect();
                if chars.peek() == Some(&'(') {
                    let _ = chars.by_ref().take_while(|&c| c != ')').count();
                }
                let label = inside
                    .split([',', ' '])
                    .all(|l| l.trim_start_matches(['S', 's', '#']).parse::<u32>().is_ok() || l.is_empty());
                if !label {
                    out.push_str(&inside);
                }
            }
            '<' if chars
                .peek()
                .is_some_and(|n| n.is_ascii_alphabetic() || matches!(n, '/' | '!')) =>
            {
                let _ = chars.by_ref().take_while(|&c| c != '>').count();
            }
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    let words: Vec<&str> = out.split_whitespace().filter(|w| !is_address(w)).collect();
    on_one_line(&words.join(" "))
        .replace(" .", ".")
        .replace(" ,", ",")
}

/// Whether a word is, or holds, an address on the web.
pub(crate) fn is_address(word: &str) -> bool {
    let word = word.to_ascii_lowercase();
    word.contains("://")
        || word.contains("www.")
        || word.contains("javascript:")
        || word.contains("data:")
        || word.contains("mailto:")
}

/// The sentence with the marks taken off quotations that stand in none of the `texts`.
pub(crate) fn quotations(sentence: &str, texts: &[&str]) -> String {
    let mut out = String::with_capacity(sentence.len());
    let mut rest = sentence;
    while let Some(at) = rest.find(['"', '“', '„']) {
        let mark = rest[at..].chars().next().map_or(1, char::len_utf8);
        out.push_str(&rest[..at]);
        let after = &rest[at + mark..];
        let Some(end) = after.find(['"', '”', '“']) else {
            out.push_str(&rest[at..]);
            return out;
        };
        let closing = after[end..].chars().next().map_or(1, char::len_utf8);
        let inside = &after[..end];
        let long = inside.split_whitespace().count() >= QUOTATION;
        let inner = inside.trim_end_matches(['.', ',']);
        if long && !texts.iter().any(|t| locate(inner, t).is_some()) {
            out.push_str(inside);
        } else {
            out.push_str(&rest[at..at + mark + end + closing]);
        }
        rest = &after[end + closing..];
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_markup_and_labels_go() {
        assert_eq!(
            sentence("See [the docs](http://evil.example/x) ![p](http://e/x.png)\nand <b>bold</b> [S1, S2]."),
            "See the docs p and bold."
        );
        assert_eq!(
            sentence("Visit https://evil.example/?q=1 now, or www.evil.example."),
            "Visit now, or"
        );
        assert_eq!(sentence("a < b and 3 > 2"), "a < b and 3 > 2");
        assert_eq!(sentence("[unclosed"), "unclosed");
    }

    #[test]
    fn only_real_quotations_keep_their_marks() {
        let texts = ["The keeper said that the lamp\nnever failed."];
        assert_eq!(
            quotations(
                "He said \"the lamp never failed\" and \"the lamp often failed\".",
                &texts
            ),
            "He said \"the lamp never failed\" and the lamp often failed."
        );
        assert_eq!(
            quotations("The \"lamp\" and “one two three” and \"open", &texts),
            "The \"lamp\" and one two three and \"open"
        );
    }
}
