//! The readable text of a page.
//!
//! The page is read as a stream of tags, so that depth costs nothing. What readers don't see (scripts, hidden
//! elements, comments, attributes) and what surrounds the text (navigation, forms, footers, lists of links)
//! is left out; where a page marks its `<main>` or `<article>`, that is the text.

use std::cell::RefCell;

use html5ever::buffer_queue::BufferQueue;
use html5ever::tendril::StrTendril;
use html5ever::tokenizer::states::RawKind;
use html5ever::tokenizer::{Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts};

/// Open elements looked at for the one that an end tag closes.
const LOOK_BACK: usize = 256;
/// Text in `<main>` or `<article>` from which on it is taken for the page's text, in bytes.
const MAIN_BYTES: usize = 200;

/// Elements without an end.
const VOID: [&str; 14] = [
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track",
    "wbr",
];
/// Elements whose content is not the page's text.
const SKIPPED: [&str; 18] = [
    "script", "style", "noscript", "template", "nav", "header", "footer", "aside", "form", "button",
    "select", "textarea", "iframe", "object", "svg", "math", "canvas", "dialog",
];
/// Elements inside a line.
const INLINE: [&str; 28] = [
    "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em", "font",
    "i", "ins", "kbd", "label", "mark", "q", "s", "samp", "small", "span", "strong", "sub", "sup", "time",
];

/// Title and text of a page. Headings begin with `# `.
pub fn text(page: &str) -> (String, String) {
    let tokenizer = Tokenizer::new(Sink::default(), TokenizerOpts::default());
    let input = BufferQueue::default();
    input.push_back(StrTendril::from(page));
    let _ = tokenizer.feed(&input);
    tokenizer.end();
    tokenizer.sink.0.into_inner().finish()
}

#[derive(Default)]
struct Sink(RefCell<Reader>);

impl TokenSink for Sink {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        let mut reader = self.0.borrow_mut();
        match token {
            Token::TagToken(tag) if tag.kind == TagKind::StartTag => {
                reader.open(&tag);
                match tag.name.as_ref() {
                    "script" => return TokenSinkResult::RawData(RawKind::ScriptData),
                    "style" | "iframe" | "noscript" | "xmp" => {
                        return TokenSinkResult::RawData(RawKind::Rawtext);
                    }
                    "title" | "textarea" => return TokenSinkResult::RawData(RawKind::Rcdata),
                    _ => {}
                }
            }
            Token::TagToken(tag) => reader.close(tag.name.as_ref()),
            Token::CharacterTokens(text) => reader.characters(&text),
            _ => {}
        }
        TokenSinkResult::Continue
    }
}

/// A piece of text between block elements.
#[derive(Default)]
struct Block {
    text: String,
    heading: bool,
    item: bool,
    link_bytes: usize,
    main: bool,
}

#[derive(Default)]
struct Reader {
    open: Vec<String>,
    /// The depth at which skipping began.
    skip: Option<usize>,
    main: usize,
    links: usize,
    pre: usize,
    title: String,
    in_title: bool,
    blocks: Vec<Block>,
    current: Block,
}

impl Reader {
    fn open(&mut self, tag: &Tag) {
        let name = tag.name.as_ref();
        if !INLINE.contains(&name) {
            self.end_block();
        }
        if VOID.contains(&name) || tag.self_closing {
            return;
        }
        // `<p>` ends an open `<p>`, and so on.
        if matches!(name, "p" | "li" | "dt" | "dd" | "tr" | "td" | "th" | "option")
            && self.open.last().is_some_and(|o| o == name)
        {
            self.close(name);
        }
        self.open.push(name.to_owned());
        if self.skip.is_none() && (SKIPPED.contains(&name) || hidden(tag)) {
            self.skip = Some(self.open.len());
        }
        match name {
            "title" => self.in_title = self.title.is_empty(),
            "main" | "article" => self.main += 1,
            "a" => self.links += 1,
            "pre" => self.pre += 1,
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => self.current.heading = true,
            "li" => self.current.item = true,
            _ => {}
        }
    }

    fn close(&mut self, name: &str) {
        if !INLINE.contains(&name) {
            self.end_block();
        }
        let from = self.open.len().saturating_sub(LOOK_BACK);
        let Some(at) = self.open[from..].iter().rposition(|o| o == name) else {
            return;
        };
        for closed in self.open.drain(from + at..) {
            match closed.as_str() {
                "title" => self.in_title = false,
                "main" | "article" => self.main = self.main.saturating_sub(1),
                "a" => self.links = self.links.saturating_sub(1),
                "pre" => self.pre = self.pre.saturating_sub(1),
                _ => {}
            }
        }
        if self.skip.is_some_and(|depth| self.open.len() < depth) {
            self.skip = None;
        }
    }

    fn characters(&mut self, text: &str) {
        if self.in_title {
            self.title.push_str(text);
            return;
        }
        if self.skip.is_some() || (self.current.text.is_empty() && text.trim().is_empty()) {
            return;
        }
        self.current.main |= self.main > 0;
        let before = self.current.text.len();
        if self.pre > 0 {
            self.current.text.push_str(text);
        } else {
            for c in text.chars() {
                if !c.is_whitespace() {
                    self.current.text.push(c);
                } else if !self.current.text.ends_with([' ', '\n']) {
                    self.current.text.push(' ');
                }
            }
        }
        if self.links > 0 {
            self.current.link_bytes += self.current.text.len() - before;
        }
    }

    fn end_block(&mut self) {
        let block = std::mem::take(&mut self.current);
        if !block.text.trim().is_empty() {
            self.blocks.push(block);
        } else if block.item {
            // The item's text comes in an element of its own.
            self.current.item = true;
        }
    }

    fn finish(mut self) -> (String, String) {
        self.end_block();
        let main: usize = self.blocks.iter().filter(|b| b.main).map(|b| b.text.len()).sum();
        let mut title = super::super::sentence::on_one_line(&self.title);
        let mut text = String::new();
        for block in &self.blocks {
            let words = block.text.trim_end();
            let links_only = block.link_bytes * 2 > words.len() && words.len() < 200;
            if (main >= MAIN_BYTES && !block.main) || (links_only && !block.heading && !block.main) {
                continue;
            }
            if title.is_empty() && block.heading {
                title = words.trim().to_owned();
            }
            if !text.is_empty() {
                text.push_str(if block.item { "\n" } else { "\n\n" });
            }
            match (block.heading, block.item) {
                (true, _) => text.push_str("# "),
                (_, true) => text.push_str("- "),
                _ => {}
            }
            text.push_str(if block.heading { words.trim() } else { words });
        }
        (title, text)
    }
}

/// Whether an element is not shown to readers.
fn hidden(tag: &Tag) -> bool {
    tag.attrs.iter().any(|attribute| {
        let value = attribute.value.to_ascii_lowercase();
        let value: String = value.chars().filter(|c| !c.is_whitespace()).collect();
        match attribute.name.local.as_ref() {
            "hidden" => true,
            "aria-hidden" => value == "true",
            "style" => [
                "display:none",
                "visibility:hidden",
                "font-size:0",
                "opacity:0;",
                "left:-9999",
            ]
            .iter()
            .any(|mark| value.contains(mark)),
            _ => false,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_that_readers_see_is_kept() {
        let page = "<html><head><title> A  page</title><script>var x = '<p>no</p>';</script></head><body>\
            <nav><a href=/>Home</a> menu</nav><h1>Head</h1><p>First <b>bold</b>\n text.<p>Second.</p>\
            <ul><li>one<li><p>two</p></ul><pre>a\n  b</pre><!-- secret --><div style='display: none'>hid<div>den</div></div>\
            <p hidden>gone</p><p>&Uuml;ber &lt;tags&gt;</p><ul><li><a href=x>Only a link</a></ul><footer>foot</footer>";
        let (title, text) = text(page);
        assert_eq!(title, "A page");
        assert_eq!(
            text,
            "# Head\n\nFirst bold text.\n\nSecond.\n- one\n- two\n\na\n  b\n\nÜber <tags>"
        );
    }

    #[test]
    fn a_marked_main_part_is_the_text() {
        let long = "Real text. ".repeat(30);
        let (_, text) = text(&format!(
            "<div>around</div><article><p>{long}</p></article><div>after</div>"
        ));
        assert_eq!(text, long.trim());
    }

    #[test]
    fn depth_and_nonsense_cost_nothing() {
        let deep = format!("{}text{}", "<div>".repeat(200_000), "</b></div>".repeat(200_000));
        assert_eq!(text(&deep).1, "text");
        assert_eq!(text("<p").1, "");
        assert_eq!(text("").1, "");
    }
}
