use proptest::prelude::*;
use serde_json::json;

use super::*;

/// Reads a whole stream in pieces; returns (thinking, answer, reader).
fn read(pieces: &[&[u8]], streamed: bool) -> Result<(String, String, ResponseReader), ReadError> {
    let mut reader = ResponseReader::new(streamed);
    let mut events = Vec::new();
    for piece in pieces {
        reader.push(piece, &mut events)?;
    }
    reader.end(&mut events)?;
    let (mut thinking, mut answer) = (String::new(), String::new());
    for event in events {
        if let ModelEvent::Text { channel, text, .. } = event {
            match channel {
                Channel::Thinking => thinking.push_str(&text),
                Channel::Answer => answer.push_str(&text),
            }
        }
    }
    Ok((thinking, answer, reader))
}

fn sse(chunks: &[Value]) -> Vec<u8> {
    let mut stream: String = chunks.iter().map(|c| format!("data: {c}\n\n")).collect();
    stream.push_str("data: [DONE]\n\n");
    stream.into_bytes()
}

fn delta(delta: Value) -> Value {
    json!({"choices": [{"index": 0, "delta": delta, "finish_reason": null}]})
}

fn stop() -> Value {
    json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
}

#[test]
fn thinking_comes_in_three_ways() {
    for thought in [
        vec![delta(json!({"reasoning_content": "2+2", "content": null}))],
        vec![delta(json!({"reasoning": "2+2"}))],
        vec![delta(json!({"reasoning": "2+2", "reasoning_content": "2+2"}))],
        vec![
            delta(json!({"content": "<thi"})),
            delta(json!({"content": "nk>2+2</"})),
            delta(json!({"content": "think>"})),
        ],
    ] {
        let mut chunks = vec![delta(json!({"role": "assistant", "content": ""}))];
        chunks.extend(thought);
        chunks.extend([delta(json!({"content": "4"})), stop()]);
        let (thinking, answer, reader) = read(&[&sse(&chunks)], true).unwrap();
        assert_eq!((thinking.as_str(), answer.as_str()), ("2+2", "4"), "{chunks:?}");
        assert_eq!(reader.finish(), Some(Finish::Stop));
        assert!(reader.is_done());
        let usage = reader.usage();
        assert!(usage.estimated && usage.reasoning_tokens > 0);
        assert_eq!(usage.completion_tokens, usage.reasoning_tokens + 1);
    }
}

#[test]
fn usage_is_the_servers_where_it_gives_one() {
    let usage = json!({"choices": [], "usage": {
        "prompt_tokens": 20, "completion_tokens": 9, "prompt_tokens_details": {"cached_tokens": 16},
        "completion_tokens_details": {"reasoning_tokens": 7},
    }});
    let chunks = [
        delta(json!({"reasoning": "hm"})),
        delta(json!({"content": "4"})),
        stop(),
        usage,
    ];
    let (_, _, reader) = read(&[&sse(&chunks)], true).unwrap();
    assert_eq!(
        reader.usage(),
        Usage {
            prompt_tokens: 20,
            prompt_evaluated: 4,
            reasoning_tokens: 7,
            completion_tokens: 9,
            samples: 1,
            ..Usage::default()
        }
    );
}

#[test]
fn reasoning_tokens_that_had_to_be_counted_in_coarse_pieces_are_marked() {
    let usage = |n| json!({"choices": [], "usage": {"prompt_tokens": 20, "completion_tokens": n}});
    let chunks = |n| {
        [
            delta(json!({"reasoning": "hm"})),
            delta(json!({"content": "4"})),
            stop(),
            usage(n),
        ]
    };
    let (_, _, coarse) = read(&[&sse(&chunks(9))], true).unwrap();
    assert!(coarse.usage().estimated);
    let (_, _, exact) = read(&[&sse(&chunks(2))], true).unwrap();
    assert!(!exact.usage().estimated);
    assert_eq!(exact.usage().reasoning_tokens, 1);
}

#[test]
fn log_probabilities_go_with_their_text() {
    let chunk = json!({"choices": [{"delta": {"content": "ab"}, "logprobs": {"content": [
        {"token": "a", "logprob": -0.5, "top_logprobs": [{"token": "a", "logprob": -0.5}, {"token": "c", "logprob": -2}]},
        {"token": "b", "logprob": -1.0, "top_logprobs": []},
    ]}}]});
    let mut reader = ResponseReader::new(true);
    let mut events = Vec::new();
    reader.push(&sse(&[chunk, stop()]), &mut events).unwrap();
    let token = |t: &str, logprob| TokenLogprob {
        token: t.into(),
        logprob,
    };
    assert_eq!(
        events,
        [ModelEvent::Text {
            channel: Channel::Answer,
            text: "ab".into(),
            tokens: 2,
            logprobs: vec![token("a", -0.5), token("b", -1.0)],
            alternatives: vec![vec![token("a", -0.5), token("c", -2.0)], vec![]],
        }]
    );
}

#[test]
fn tool_calls_are_put_together_from_their_pieces() {
    let call = |v: Value| delta(json!({"tool_calls": [v]}));
    let chunks = [
        call(json!({"index": 0, "id": "c1", "function": {"name": "add", "arguments": ""}})),
        call(json!({"index": 0, "function": {"arguments": "{\"a\":"}})),
        call(json!({"index": 1, "function": {"name": "now", "arguments": "{}"}})),
        call(json!({"index": 0, "function": {"arguments": "1}"}})),
        call(json!({"index": 4_000_000_000_u64, "function": {"arguments": "1}"}})),
        json!({"choices": [{"delta": {}, "finish_reason": "tool_calls"}]}),
    ];
    let (_, _, mut reader) = read(&[&sse(&chunks)], true).unwrap();
    let tool = |id: &str, name: &str, arguments: &str| ToolCall {
        id: id.into(),
        name: name.into(),
        arguments: arguments.into(),
    };
    assert_eq!(
        reader.take_tool_calls(),
        [tool("c1", "add", "{\"a\":1}"), tool("call_1", "now", "{}")]
    );
    assert_eq!(reader.finish(), Some(Finish::ToolCalls));
}

#[test]
fn a_whole_completion_is_read_too() {
    let body = json!({
        "choices": [{"message": {"role": "assistant", "content": "<think>a</think>b"}, "finish_reason": "length"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 5},
    });
    let (thinking, answer, reader) = read(&[body.to_string().as_bytes()], false).unwrap();
    assert_eq!((thinking.as_str(), answer.as_str()), ("a", "b"));
    assert_eq!(reader.finish(), Some(Finish::Length));
    assert_eq!(reader.usage().completion_tokens, 5);
}

#[test]
fn what_is_no_completion_is_said_to_be_none() {
    let error = |text: &str| read(&[text.as_bytes()], true).map(|_| ()).unwrap_err();
    assert!(matches!(error("data: {oops\n\n"), ReadError::Malformed(m) if m.contains("{oops")));
    assert!(matches!(error("data: [1]\n\n"), ReadError::Malformed(m) if m.contains("no completion")));
    assert_eq!(
        error("data: {\"error\": {\"message\": \"full\", \"code\": 503}}\n\n"),
        ReadError::Reported {
            status: Some(503),
            message: "full".into()
        }
    );
    assert_eq!(
        error("data: {\"error\": \"full\"}\n\n"),
        ReadError::Reported {
            status: None,
            message: "full".into()
        }
    );
}

#[test]
fn odd_types_are_ignored_and_a_cut_stream_has_no_end() {
    let chunks = [
        json!({"choices": null}),
        json!({"choices": [{"delta": null}]}),
        json!({"choices": [{"delta": {"content": 7, "tool_calls": [3]}}]}),
        json!({"choices": [{"delta": {"content": "x"}, "logprobs": {"content": "?"}}], "usage": 3}),
    ];
    let (_, answer, reader) = read(&[&sse(&chunks)], true).unwrap();
    assert_eq!(answer, "x");
    assert!(reader.is_done() && reader.finish().is_none());
}

proptest! {
    #[test]
    fn no_bytes_can_break_it(bytes in proptest::collection::vec(any::<u8>(), 0..200), streamed: bool) {
        let _ = read(&[&bytes], streamed);
    }

    #[test]
    fn borders_of_pieces_do_not_matter(cut in 0usize..400, texts in proptest::collection::vec("[a</think> >é]{1,8}", 0..6)) {
        let mut chunks: Vec<Value> = texts.iter().map(|t| delta(json!({"content": t}))).collect();
        chunks.push(stop());
        let stream = sse(&chunks);
        let (head, tail) = stream.split_at(cut.min(stream.len()));
        let (t1, a1, r1) = read(&[head, tail], true).unwrap();
        let (t2, a2, r2) = read(&[&stream], true).unwrap();
        prop_assert_eq!((t1, a1, r1.usage()), (t2, a2, r2.usage()));
    }
}
