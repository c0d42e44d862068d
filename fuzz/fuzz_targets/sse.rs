//! Bytes a chat server may send: read without a crash, and to the same end however they are cut in pieces.
#![no_main]

use libfuzzer_sys::fuzz_target;
use strawberry_core::{Channel, ModelEvent, Usage};
use strawberry_remote::response::{ReadError, ResponseReader};

/// Thinking, answer, usage, number of tool calls, and the error if there was one.
type Read = (String, String, Usage, usize, Option<ReadError>);

fn read(pieces: &[&[u8]], streamed: bool) -> Read {
    let mut reader = ResponseReader::new(streamed);
    let mut events = Vec::new();
    let result = pieces
        .iter()
        .try_for_each(|piece| reader.push(piece, &mut events))
        .and_then(|()| reader.end(&mut events));
    let (mut thinking, mut answer) = (String::new(), String::new());
    for event in events {
        if let ModelEvent::Text { channel, text, .. } = event {
            match channel {
                Channel::Thinking => thinking.push_str(&text),
                Channel::Answer => answer.push_str(&text),
            }
        }
    }
    let calls = reader.take_tool_calls().len();
    (thinking, answer, reader.usage(), calls, result.err())
}

fuzz_target!(|data: &[u8]| {
    let [shape, bytes @ ..] = data else { return };
    let streamed = shape & 1 == 0;
    let size = usize::from(shape >> 1) + 1;
    let pieces: Vec<&[u8]> = bytes.chunks(size).collect();
    strawberry_fuzz::bounded(data.len(), || {
        assert_eq!(read(&pieces, streamed), read(&[bytes], streamed));
    });
});
