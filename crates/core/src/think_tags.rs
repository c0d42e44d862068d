//! Splits `<think>…</think>` blocks out of text that arrives in pieces.

use crate::model::Channel;

/// The opening and closing tags that models are known to write.
const TAGS: [(&str, &str); 4] = [
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<reasoning>", "</reasoning>"),
    ("<thought>", "</thought>"),
];

/// Splits a stream of text into thinking and answer, whatever the borders of its pieces.
///
/// A block opens only at the start of the response (white space aside), so an answer that merely
/// mentions a tag stays whole. Text that may turn out to be part of a tag is held back until it is
/// decided. The tags themselves and the white space around them are dropped.
#[derive(Clone, Debug)]
pub struct ThinkSplitter {
    state: State,
    held: String,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    /// Nothing but white space so far.
    Start,
    /// Inside the block closed by `TAGS[i].1`; `true` before its first visible character.
    Inside(usize, bool),
    /// After the block; white space is dropped until visible text comes.
    After,
    /// Plain answer text.
    Answer,
}

impl Default for ThinkSplitter {
    fn default() -> Self {
        ThinkSplitter::new()
    }
}

impl ThinkSplitter {
    /// For a response that may begin with a tag.
    pub fn new() -> Self {
        ThinkSplitter {
            state: State::Start,
            held: String::new(),
        }
    }

    /// For a response whose block was already opened, by the chat template (`<think>` at the end of the prompt).
    pub fn inside() -> Self {
        ThinkSplitter {
            state: State::Inside(0, true),
            held: String::new(),
        }
    }

    /// The channel that the next visible text belongs to, as far as is known.
    pub fn channel(&self) -> Channel {
        if matches!(self.state, State::Inside(..)) {
            Channel::Thinking
        } else {
            Channel::Answer
        }
    }

    /// Takes a piece and returns what is decided by it, in order.
    pub fn push(&mut self, piece: &str) -> Vec<(Channel, String)> {
        self.held.push_str(piece);
        let mut out = Vec::new();
        while self.advance(&mut out) {}
        out
    }

    /// The end of the response: returns what was held back.
    pub fn finish(&mut self) -> Vec<(Channel, String)> {
        let rest = std::mem::take(&mut self.held);
        let rest = match self.state {
            State::Inside(_, true) | State::After => rest.trim_start(),
            _ => rest.as_str(),
        };
        if rest.is_empty() {
            Vec::new()
        } else {
            vec![(self.channel(), rest.to_owned())]
        }
    }

    /// One decision; false when more text is needed or none is left.
    fn advance(&mut self, out: &mut Vec<(Channel, String)>) -> bool {
        match self.state {
            State::Start => {
                let visible = self.held.trim_start();
                if visible.is_empty() {
                    return false;
                }
                if let Some(i) = TAGS.iter().position(|(open, _)| visible.starts_with(open)) {
                    self.held = visible[TAGS[i].0.len()..].to_owned();
                    self.state = State::Inside(i, true);
                    return true;
                }
                if TAGS.iter().any(|(open, _)| open.starts_with(visible)) {
                    return false;
                }
                self.state = State::Answer;
                true
            }
            State::Inside(i, fresh) => {
                if fresh {
                    self.held = self.held.trim_start().to_owned();
                    if self.held.is_empty() {
                        return false;
                    }
                    self.state = State::Inside(i, false);
                }
                let close = TAGS[i].1;
                if let Some(at) = self.held.find(close) {
                    let thought = self.held[..at].trim_end();
                    if !thought.is_empty() {
                        out.push((Channel::Thinking, thought.to_owned()));
                    }
                    self.held = self.held[at + close.len()..].to_owned();
                    self.state = State::After;
                    return true;
                }
                // Hold back a possible beginning of the closing tag, and white space that may precede it.
                let keep = longest_suffix_that_begins(&self.held, close);
                let sure = self.held[..self.held.len() - keep].trim_end().len();
                if sure > 0 {
                    out.push((Channel::Thinking, self.held[..sure].to_owned()));
                    self.held.drain(..sure);
                }
                false
            }
            State::After => {
                let trimmed = self.held.trim_start().to_owned();
                self.held = trimmed;
                if self.held.is_empty() {
                    return false;
                }
                self.state = State::Answer;
                true
            }
            State::Answer => {
                if !self.held.is_empty() {
                    out.push((Channel::Answer, std::mem::take(&mut self.held)));
                }
                false
            }
        }
    }
}

/// Length of the longest suffix of `text` that is a proper prefix of `tag`.
fn longest_suffix_that_begins(text: &str, tag: &str) -> usize {
    (1..tag.len().min(text.len() + 1))
        .rev()
        .find(|&n| text.ends_with(&tag[..n]))
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn split(pieces: &[&str], mut splitter: ThinkSplitter) -> (String, String) {
        let (mut thinking, mut answer) = (String::new(), String::new());
        let mut all: Vec<_> = pieces.iter().flat_map(|p| splitter.push(p)).collect();
        all.extend(splitter.finish());
        for (channel, text) in all {
            match channel {
                Channel::Thinking => thinking.push_str(&text),
                Channel::Answer => answer.push_str(&text),
            }
        }
        (thinking, answer)
    }

    #[test]
    fn splits_a_block_whose_tags_are_cut_in_pieces() {
        let pieces = ["\n<th", "ink>\nIs 2", " < 3? yes </", "thi", "nk>\n\nYes", "."];
        assert_eq!(
            split(&pieces, ThinkSplitter::new()),
            ("Is 2 < 3? yes".into(), "Yes.".into())
        );
    }

    #[test]
    fn an_open_block_is_thinking_to_the_end() {
        assert_eq!(
            split(&["a ", "b </th"], ThinkSplitter::inside()),
            ("a b </th".into(), String::new())
        );
    }

    #[test]
    fn tags_inside_an_answer_are_text() {
        let text = "Use <think> and </think>.";
        assert_eq!(split(&[text], ThinkSplitter::new()), (String::new(), text.into()));
    }

    proptest! {
        #[test]
        fn borders_of_pieces_do_not_matter(
            text in "( |\n)?(<think>)?[a<>/ thinké]{0,20}(</think>)?[a<>/ thinké\n]{0,20}",
            cuts in proptest::collection::vec(0usize..60, 0..6),
        ) {
            let mut cuts: Vec<usize> = cuts.into_iter().filter(|&c| c <= text.len() && text.is_char_boundary(c)).collect();
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            let pieces: Vec<&str> = cuts.windows(2).map(|w| &text[w[0]..w[1]]).collect();
            prop_assert_eq!(split(&pieces, ThinkSplitter::new()), split(&[&text], ThinkSplitter::new()));
        }
    }
}
