//! Passages: the pieces of text that are found, shown, quoted and cited; and how a document becomes passages.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A passage grows until it has this many bytes; a paragraph that would make it longer than
/// [`MOST_BYTES`] begins the next one.
const TARGET_BYTES: usize = 900;
/// No passage is longer than this.
pub const MOST_BYTES: usize = 1800;

/// A piece of one document, verbatim.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Passage {
    /// 16 hexadecimal digits, from where the passage stands and what it says: the same text at the same
    /// place has the same id in every index and every run.
    pub id: String,
    /// The document: a path inside the corpus (`tar/README`, `data.jsonl#L12`) or an address.
    pub document: String,
    /// The document's title.
    pub title: String,
    /// The heading above the passage; empty where there is none.
    pub section: String,
    /// Where the passage begins in the document's text, in bytes.
    ///
    /// The text is the file's own for plain text; for HTML, man pages, PDF and other encodings than UTF-8
    /// it is the text that was extracted.
    pub start: u64,
    /// The text.
    pub text: String,
    /// When the document was read, in milliseconds since the Unix epoch.
    pub retrieved_ms: u64,
}

impl Passage {
    /// Where the passage ends in the document's text, in bytes.
    pub fn end(&self) -> u64 {
        self.start + self.text.len() as u64
    }

    /// The id of the passage `text` at byte `start` of `document`.
    pub fn id_of(document: &str, start: u64, text: &str) -> String {
        let mut hash = Sha256::new();
        hash.update((document.len() as u64).to_le_bytes());
        hash.update(document);
        hash.update(start.to_le_bytes());
        hash.update(text);
        hash.finalize()[..8].iter().map(|b| format!("{b:02x}")).collect()
    }
}

/// A document as text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Document {
    /// Its name: a path inside the corpus or an address.
    pub name: String,
    /// Its title.
    pub title: String,
    /// Its text; headings begin with `# `.
    pub text: String,
}

impl Document {
    /// The passages, in order. They don't overlap; blank space between them belongs to none.
    pub fn passages(&self, retrieved_ms: u64) -> Vec<Passage> {
        spans(&self.text)
            .into_iter()
            .map(|(start, end, section)| {
                let text = &self.text[start..end];
                Passage {
                    id: Passage::id_of(&self.name, start as u64, text),
                    document: self.name.clone(),
                    title: self.title.clone(),
                    section,
                    start: start as u64,
                    text: text.to_owned(),
                    retrieved_ms,
                }
            })
            .collect()
    }
}

/// Start, end and heading of each passage of a text.
fn spans(text: &str) -> Vec<(usize, usize, String)> {
    let mut spans = Vec::new();
    let mut section = String::new();
    let mut open: Option<(usize, usize)> = None;
    for (start, end) in paragraphs(text) {
        let paragraph = &text[start..end];
        let heading = heading(paragraph);
        let grows_too_long = open.is_some_and(|(from, _)| end - from > MOST_BYTES);
        if (heading.is_some() || grows_too_long)
            && let Some((from, to)) = open.take()
        {
            cut(text, from, to, &section, &mut spans);
        }
        if let Some(heading) = heading {
            section = heading;
        }
        let from = open.map_or(start, |(from, _)| from);
        open = Some((from, end));
        if end - from >= TARGET_BYTES {
            cut(text, from, end, &section, &mut spans);
            open = None;
        }
    }
    if let Some((from, to)) = open {
        cut(text, from, to, &section, &mut spans);
    }
    spans
}

/// Adds `from..to` in pieces of at most [`MOST_BYTES`], cut after a line or a sentence where there is one.
fn cut(text: &str, mut from: usize, to: usize, section: &str, spans: &mut Vec<(usize, usize, String)>) {
    while to - from > MOST_BYTES {
        let limit = text.floor_char_boundary(from + MOST_BYTES);
        let window = &text[from..limit];
        let at = ["\n", ". ", " "]
            .iter()
            .find_map(|mark| {
                window
                    .rfind(mark)
                    .map(|at| at + mark.len())
                    .filter(|&at| at > MOST_BYTES / 3)
            })
            .unwrap_or(window.len());
        push(text, from, from + at, section, spans);
        from += at;
    }
    push(text, from, to, section, spans);
}

fn push(text: &str, from: usize, to: usize, section: &str, spans: &mut Vec<(usize, usize, String)>) {
    let piece = &text[from..to];
    let start = from + (piece.len() - piece.trim_start_matches(['\n', '\r']).len());
    let end = from + piece.trim_end().len();
    // A heading alone says nothing.
    if start < end
        && text[start..end].chars().any(char::is_alphanumeric)
        && heading(&text[start..end]).is_none()
    {
        spans.push((start, end, section.to_owned()));
    }
}

/// The blocks between blank lines, and headings as blocks of their own.
fn paragraphs(text: &str) -> Vec<(usize, usize)> {
    let mut blocks = Vec::new();
    let mut open: Option<usize> = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let blank = line.trim().is_empty();
        let alone = line.starts_with('#') && heading(line.trim_end()).is_some();
        if (blank || alone)
            && let Some(start) = open.take()
        {
            blocks.push((start, at));
        }
        if alone {
            blocks.push((at, at + line.len()));
        } else if !blank && open.is_none() {
            open = Some(at);
        }
        at += line.len();
    }
    if let Some(start) = open {
        blocks.push((start, at));
    }
    blocks
}

/// The words of a heading (`# Name`, up to six marks).
fn heading(paragraph: &str) -> Option<String> {
    let line = paragraph.trim_end();
    let marks = line.bytes().take_while(|&b| b == b'#').count();
    let words = line.get(marks..)?;
    let is = (1..=6).contains(&marks) && words.starts_with(' ') && !words.contains('\n');
    is.then(|| {
        let words = words.trim().trim_end_matches('#').trim_end();
        words.chars().take(200).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(text: &str) -> Document {
        Document {
            name: "d".into(),
            title: "D".into(),
            text: text.into(),
        }
    }

    #[test]
    fn passages_are_verbatim_bounded_and_know_their_heading() {
        let long = "Ärger über Öl. ".repeat(400);
        let text = format!("Intro.\n\n# One\n\nFirst text.\nMore.\n\n# Two\n{long}\n\nLast.");
        let d = document(&text);
        let passages = d.passages(7);
        for p in &passages {
            assert_eq!(&text[p.start as usize..p.end() as usize], p.text);
            assert!(p.text.len() <= MOST_BYTES && !p.text.trim().is_empty());
        }
        assert_eq!(
            (passages[0].text.as_str(), passages[0].section.as_str()),
            ("Intro.", "")
        );
        assert_eq!(
            (passages[1].text.as_str(), passages[1].section.as_str()),
            ("# One\n\nFirst text.\nMore.", "One")
        );
        assert!(passages.last().unwrap().section == "Two");
        let kept: usize = passages.iter().map(|p| p.text.len()).sum();
        assert!(
            kept + 60 > text.len(),
            "nothing but blanks and a heading is left out"
        );
    }

    #[test]
    fn ids_depend_on_place_and_text_only() {
        let a = document("One.\n\nTwo.").passages(1);
        let b = document("One.\n\nTwo.").passages(2);
        assert_eq!(a[0].id, b[0].id);
        assert_ne!(Passage::id_of("d", 0, "x"), Passage::id_of("d", 1, "x"));
        assert_ne!(Passage::id_of("d", 0, "x"), Passage::id_of("e", 0, "x"));
    }
}
