//! From tokens to text by channel: whole characters, thinking split off, stop strings cut.

use strawberry_core::{Channel, ThinkSplitter};

use crate::sampler::stop::StopMatcher;
use crate::tokenizer::{Detokenizer, Tokenizer};

/// The text of one response as it grows.
pub struct Response {
    detokenizer: Detokenizer,
    splitter: ThinkSplitter,
    stops: StopMatcher,
    /// The whole text, kept only for who reads it.
    text: Option<String>,
    /// Thinking was seen, or visible answer text was.
    begun: bool,
    stopped: bool,
}

impl Response {
    /// A response that may begin with a thinking block, or is inside one (`inside`); `prefix` is text it
    /// already has; `stops` are its stop strings, which count in the answer only.
    pub fn new(inside: bool, prefix: &str, stops: Vec<String>) -> Self {
        let mut splitter = if inside {
            ThinkSplitter::inside()
        } else {
            ThinkSplitter::new()
        };
        let begun = !splitter.push(prefix).is_empty() || splitter.channel() == Channel::Thinking;
        Response {
            detokenizer: Detokenizer::new(),
            splitter,
            stops: StopMatcher::new(stops),
            text: None,
            begun,
            stopped: false,
        }
    }

    /// Keeps the text from now on, which is `prefix` so far.
    pub fn keep_text(&mut self, prefix: &str) {
        self.text = Some(prefix.to_owned());
    }

    /// The whole text so far, tags and all; `None` unless it is kept.
    pub fn text(&self) -> Option<&str> {
        self.text.as_deref()
    }

    /// Which channel the next text belongs to; `None` while a thinking block may still open.
    pub fn channel(&self) -> Option<Channel> {
        match self.splitter.channel() {
            Channel::Answer if !self.begun => None,
            channel => Some(channel),
        }
    }

    /// Whether a stop string has come.
    pub fn stopped(&self) -> bool {
        self.stopped
    }

    /// Takes a token; returns the text that is decided by it.
    pub fn push(&mut self, token: u32, tokenizer: &Tokenizer) -> Vec<(Channel, String)> {
        let text = self.detokenizer.push(tokenizer, token);
        self.push_text(&text)
    }

    /// Takes text that was not sampled. A character that the tokens before it left incomplete is replaced.
    pub fn force(&mut self, text: &str) -> Vec<(Channel, String)> {
        let text = self.detokenizer.finish() + text;
        self.push_text(&text)
    }

    /// Takes text of whole characters.
    fn push_text(&mut self, text: &str) -> Vec<(Channel, String)> {
        if text.is_empty() {
            return Vec::new();
        }
        if let Some(whole) = &mut self.text {
            whole.push_str(text);
        }
        let pieces = self.splitter.push(text);
        self.begun |= !pieces.is_empty() || self.splitter.channel() == Channel::Thinking;
        self.pass(pieces)
    }

    /// The end of the response: returns what was held back.
    pub fn finish(&mut self) -> Vec<(Channel, String)> {
        let mut pieces = self.splitter.push(&self.detokenizer.finish());
        pieces.extend(self.splitter.finish());
        let mut out = self.pass(pieces);
        let held = self.stops.finish();
        if !held.is_empty() && !self.stopped {
            out.push((Channel::Answer, held));
        }
        out
    }

    fn pass(&mut self, pieces: Vec<(Channel, String)>) -> Vec<(Channel, String)> {
        let mut out = Vec::with_capacity(pieces.len());
        for (channel, text) in pieces {
            if self.stopped {
                break;
            }
            let text = if channel == Channel::Answer {
                let (text, stopped) = self.stops.push(&text);
                self.stopped = stopped;
                text
            } else {
                text
            };
            if !text.is_empty() {
                out.push((channel, text));
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(mut response: Response, pieces: &[&str]) -> (String, String, bool) {
        let mut all = Vec::new();
        for piece in pieces {
            all.extend(response.push_text(piece));
        }
        all.extend(response.finish());
        let of = |c| all.iter().filter(|p| p.0 == c).map(|p| p.1.as_str()).collect();
        (of(Channel::Thinking), of(Channel::Answer), response.stopped())
    }

    #[test]
    fn stop_strings_count_in_the_answer_only() {
        let stops = vec!["\n\n".to_owned()];
        let pieces: [&str; 3] = ["<think>a\n\nb</th", "ink>\n\nc\n", "\nd"];
        assert_eq!(
            run(Response::new(false, "", stops.clone()), &pieces),
            ("a\n\nb".into(), "c".into(), true)
        );
        let inside: [&str; 2] = ["x</think>", "y"];
        assert_eq!(
            run(Response::new(true, "", stops), &inside),
            ("x".into(), "y".into(), false)
        );
    }

    #[test]
    fn a_prefix_counts_as_written_but_is_not_repeated() {
        let mut response = Response::new(false, "<think>so", Vec::new());
        assert_eq!(response.channel(), Some(Channel::Thinking));
        assert_eq!(
            response.push_text(" far"),
            [(Channel::Thinking, " far".to_owned())]
        );
        assert_eq!(
            Response::new(false, "The answer", Vec::new()).channel(),
            Some(Channel::Answer)
        );
        assert_eq!(Response::new(false, " ", Vec::new()).channel(), None);
    }
}
