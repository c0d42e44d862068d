//! Server-sent events: a byte stream, in whatever pieces it comes, into the data of its events.
//!
//! Follows the WHATWG HTML standard, section 9.2.6 "Interpreting an event stream" (line ends LF, CR and
//! CRLF, a byte-order mark, comments, fields other than `data` ignored here), but gives out an event
//! that the stream's end left without its blank line: servers forget that line.

use std::mem;

/// The longest event that is read, in bytes: far above any chunk a chat server sends.
pub const MAX_EVENT_BYTES: usize = 1 << 20;

/// An event was longer than [`MAX_EVENT_BYTES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventTooLong;

/// Reads server-sent events. Holds at most one event.
#[derive(Debug, Default)]
pub struct SseParser {
    /// The unfinished line.
    line: Vec<u8>,
    /// The data lines of the unfinished event, joined by line feeds.
    data: Vec<u8>,
    /// Whether the unfinished event has a data line.
    has_data: bool,
    /// Whether the last byte was a carriage return, so that a line feed now belongs to it.
    after_cr: bool,
    /// Whether the first line has been seen.
    started: bool,
}

impl SseParser {
    /// A parser at the beginning of a stream.
    pub fn new() -> Self {
        SseParser::default()
    }

    /// Takes the next bytes and returns the data of each event they complete (invalid UTF-8 replaced).
    pub fn push(&mut self, mut bytes: &[u8]) -> Result<Vec<String>, EventTooLong> {
        let mut events = Vec::new();
        while !bytes.is_empty() {
            if mem::take(&mut self.after_cr) && bytes[0] == b'\n' {
                bytes = &bytes[1..];
                continue;
            }
            let end = bytes.iter().position(|&b| b == b'\n' || b == b'\r');
            let part = &bytes[..end.unwrap_or(bytes.len())];
            if self.line.len() + self.data.len() + part.len() > MAX_EVENT_BYTES {
                return Err(EventTooLong);
            }
            self.line.extend_from_slice(part);
            let Some(end) = end else { break };
            self.after_cr = bytes[end] == b'\r';
            bytes = &bytes[end + 1..];
            events.extend(self.end_line());
        }
        Ok(events)
    }

    /// The end of the stream: returns the data of an event that lacks its blank line.
    pub fn finish(&mut self) -> Option<String> {
        if !self.line.is_empty() {
            self.end_line();
        }
        self.dispatch()
    }

    fn end_line(&mut self) -> Option<String> {
        let line = mem::take(&mut self.line);
        let mut rest = line.as_slice();
        if !mem::replace(&mut self.started, true) {
            rest = rest.strip_prefix(b"\xef\xbb\xbf").unwrap_or(rest);
        }
        if rest.is_empty() {
            return self.dispatch();
        }
        let (field, value) = match rest.iter().position(|&b| b == b':') {
            Some(colon) => (&rest[..colon], &rest[colon + 1..]),
            None => (rest, &[][..]),
        };
        if field == b"data" {
            if mem::replace(&mut self.has_data, true) {
                self.data.push(b'\n');
            }
            self.data
                .extend_from_slice(value.strip_prefix(b" ").unwrap_or(value));
        }
        None
    }

    fn dispatch(&mut self) -> Option<String> {
        let data = mem::take(&mut self.data);
        mem::take(&mut self.has_data)
            .then(|| String::from_utf8(data).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(pieces: &[&[u8]]) -> Vec<String> {
        let mut parser = SseParser::new();
        let mut events: Vec<String> = pieces.iter().flat_map(|p| parser.push(p).unwrap()).collect();
        events.extend(parser.finish());
        events
    }

    #[test]
    fn reads_every_line_end_comments_and_other_fields() {
        let stream =
            "\u{feff}data: one\r\n\r\n: ping\n\nid: 7\ndata:two\rdata: lines\r\revent: x\ndata\n\ndata: é";
        assert_eq!(read(&[stream.as_bytes()]), ["one", "two\nlines", "", "é"]);
    }

    #[test]
    fn an_event_without_its_blank_line_counts_and_bad_utf8_is_replaced() {
        assert_eq!(read(&[b"data: a\xffb\ndata: c"]), ["a\u{fffd}b\nc"]);
        assert_eq!(read(&[b"event: x\n"]), Vec::<String>::new());
    }

    #[test]
    fn an_endless_line_and_an_endless_event_are_refused() {
        let chunk = vec![b'x'; 1 << 16];
        let mut parser = SseParser::new();
        assert_eq!(
            (0..17).find_map(|_| parser.push(&chunk).err()),
            Some(EventTooLong)
        );
        let mut line = b"data: ".to_vec();
        line.extend_from_slice(&chunk);
        line.push(b'\n');
        let mut parser = SseParser::new();
        assert_eq!((0..17).find_map(|_| parser.push(&line).err()), Some(EventTooLong));
    }

    proptest! {
        #[test]
        fn borders_of_pieces_do_not_matter(
            stream in "(data: ?|: |event:|\r|\n|\r\n|[a-zé]|\u{feff}){0,40}",
            cuts in proptest::collection::vec(0usize..120, 0..8),
        ) {
            let bytes = stream.as_bytes();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|c| c.min(bytes.len())).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|w| &bytes[w[0]..w[1]]).collect();
            prop_assert_eq!(read(&pieces), read(&[bytes]));
        }
    }
}
