//! Sentences of a passage, as byte ranges, so that what is quoted is what stands there.

/// Sentences longer than this are not quoted.
pub const MOST_BYTES: usize = 600;

/// The byte ranges of the sentences of `text`, in order. Blank lines, headings and list items end a
/// sentence; a line break alone does not.
pub fn sentences(text: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut start = 0;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let body = line.trim_start();
        if body.is_empty() || begins_block(body) {
            push(text, start, at, &mut found);
            start = at;
        }
        let mut from = at;
        while let Some(end) = stop(text, from, at + line.len()) {
            push(text, start, end, &mut found);
            start = end;
            from = end;
        }
        at += line.len();
        // A heading is no part of the sentence below it.
        if body.starts_with("# ") || body.starts_with("##") {
            start = at;
        }
    }
    push(text, start, at, &mut found);
    found
}

/// Whether a line begins a list item or a heading.
fn begins_block(line: &str) -> bool {
    let marked = ["- ", "* ", "+ ", "• ", "# ", "## ", "### ", "| "];
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let numbered = (1..=3).contains(&digits)
        && matches!(line.as_bytes().get(digits), Some(b'.' | b')'))
        && line.as_bytes().get(digits + 1) == Some(&b' ');
    numbered || marked.iter().any(|m| line.starts_with(m))
}

/// The end of the sentence that ends first in `from..to`.
fn stop(text: &str, from: usize, to: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    (from..to).find_map(|at| {
        if !matches!(bytes[at], b'.' | b'!' | b'?') {
            return None;
        }
        let mut end = at + 1;
        while end < to && matches!(bytes[end], b'"' | b'\'' | b')' | b']' | b'*' | b'`') {
            end += 1;
        }
        let followed = text[end..].chars().next().is_none_or(char::is_whitespace);
        let next = text[end..].trim_start().chars().next();
        let goes_on = next.is_some_and(|c| c.is_lowercase());
        (followed && !goes_on && !(bytes[at] == b'.' && abbreviates(&text[from..at]))).then_some(end)
    })
}

/// Whether the point after `before` belongs to an abbreviation.
fn abbreviates(before: &str) -> bool {
    let word = before
        .rsplit(|c: char| c.is_whitespace() || c == '(')
        .next()
        .unwrap_or("");
    let known = [
        "e.g", "i.e", "etc", "vs", "cf", "Mr", "Mrs", "Ms", "Dr", "Prof", "St", "No", "Fig", "al", "approx",
    ];
    let initial = word.chars().count() == 1 && word.chars().all(char::is_uppercase);
    // A list's number: "1." at the beginning.
    let number = before.trim_start() == word && word.len() <= 3 && word.bytes().all(|b| b.is_ascii_digit());
    known.contains(&word) || initial || number
}

fn push(text: &str, from: usize, to: usize, found: &mut Vec<(usize, usize)>) {
    let piece = &text[from..to];
    let start = from + (piece.len() - piece.trim_start().len());
    let end = from + piece.trim_end().len();
    if start < end && text[start..end].chars().any(char::is_alphanumeric) {
        found.push((start, end));
    }
}

/// The text with every run of blanks as one space: how a sentence that spans lines is shown.
pub fn on_one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> Vec<&str> {
        sentences(text).into_iter().map(|(a, b)| &text[a..b]).collect()
    }

    #[test]
    fn sentences_end_at_points_blank_lines_and_items() {
        assert_eq!(
            cut(
                "# Head\nDr. Who lives at 3.5 km, e.g. here. Is it\nso? Yes!\n\nNo end\n- item one\n- item two. \"Quoted.\" End"
            ),
            [
                "Dr. Who lives at 3.5 km, e.g. here.",
                "Is it\nso?",
                "Yes!",
                "No end",
                "- item one",
                "- item two.",
                "\"Quoted.\"",
                "End"
            ]
        );
    }

    #[test]
    fn other_alphabets_and_nothing_at_all() {
        assert_eq!(cut("Über Öl. Ça va?"), ["Über Öl.", "Ça va?"]);
        assert!(cut(" \n\n--- \n").is_empty());
    }
}
