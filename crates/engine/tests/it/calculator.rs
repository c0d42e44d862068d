//! Text that the engine computes instead of the model.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use strawberry_core::{Calculator, Finish, Grammar};

use crate::tiny::{CONTEXT, END, Setup, engine, request, run, run_all};

#[test]
fn it_is_asked_after_every_token_with_the_whole_response() {
    let (engine, _) = engine(&Setup::default());
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let mut request = request("watch", 1, 20);
    request.prefix = Some("12=".into());
    // Plain letters, so that each token is a character.
    request.sampling.logit_bias = (0..=END + 2)
        .filter(|t| !(97..=122).contains(t))
        .map(|t| (t, f32::NEG_INFINITY))
        .collect();
    let note = Arc::clone(&seen);
    request.calculator = Some(Calculator::new(move |text| {
        note.lock().unwrap().push(text.to_owned());
        None
    }));
    let with = run(&engine, request.clone()).unwrap();
    request.calculator = None;
    let without = run(&engine, request).unwrap().answer;
    assert_eq!(without, with.answer, "a silent calculator changes nothing");
    let seen = seen.lock().unwrap();
    // Not after the last token, which ends the attempt.
    assert_eq!(seen.len(), 19);
    for (i, text) in seen.iter().enumerate() {
        assert_eq!(*text, format!("12={}", &with.answer[..=i]));
    }
}

#[test]
fn what_it_says_is_forced_and_the_model_goes_on_from_there() {
    let (engine, _) = engine(&Setup::default());
    let crowd: Vec<_> = (0..6u64)
        .map(|seed| {
            let mut request = request("compute", seed, 30);
            request.sampling.logit_bias = vec![(END, f32::NEG_INFINITY)];
            let sampled = Arc::new(AtomicUsize::new(0));
            request.sampling.top_logprobs = Some(0);
            request.calculator = Some(Calculator::new(move |_| {
                let n = sampled.fetch_add(1, Ordering::Relaxed) + 1;
                n.is_multiple_of(10).then(|| format!("[forced {n}]"))
            }));
            request
        })
        .collect();
    for outcome in run_all(&engine, crowd) {
        let answer = &outcome.answer;
        assert!(
            answer.contains("[forced 10]") && answer.contains("[forced 20]"),
            "{answer}"
        );
        assert!(!answer.contains("[forced 30]"), "the limit came first");
        let usage = outcome.usage();
        assert_eq!((usage.completion_tokens, usage.forced_tokens), (30, 22));
        assert_eq!((outcome.tokens, outcome.logprobs.len()), ([0, 30], 30));
    }
}

#[test]
fn forced_text_is_seen_by_the_model() {
    // Greedy: the response after the forced text is that after the same text as a prefix.
    let (engine, _) = engine(&Setup::default());
    let mut request = request("see", 0, 8);
    request.sampling.temperature = 0.0;
    request.sampling.logit_bias = (0..=END + 2)
        .filter(|t| !(32..127).contains(t))
        .map(|t| (t, f32::NEG_INFINITY))
        .collect();
    let mut calculated = request.clone();
    calculated.calculator = Some(Calculator::new(|text| {
        (text.len() == 3).then(|| "<end>36".into())
    }));
    let outcome = run(&engine, calculated).unwrap();
    let (before, after) = outcome.answer.split_once("<end>36").unwrap();
    request.prefix = Some(format!("{before}<end>36"));
    request.max_tokens = 5;
    assert_eq!(run(&engine, request).unwrap().answer, after);
}

#[test]
fn it_respects_stop_strings_the_context_and_grammars() {
    let (engine, _) = engine(&Setup::default());
    let mut stopped = request("stop", 0, 50);
    stopped.sampling.logit_bias = vec![(END, f32::NEG_INFINITY)];
    stopped.sampling.stop = vec!["####".into()];
    stopped.calculator = Some(Calculator::new(|text| {
        (text.chars().count() >= 3).then(|| "so ####".into())
    }));
    let outcome = run(&engine, stopped).unwrap();
    assert!(
        outcome.answer.ends_with("so ") && outcome.finish() == Finish::Stop,
        "{outcome:?}"
    );

    let mut long = request(&"c".repeat(CONTEXT - 30), 0, 50);
    long.sampling.logit_bias = vec![(END, f32::NEG_INFINITY)];
    long.calculator = Some(Calculator::new(|_| Some("0123456789".into())));
    let outcome = run(&engine, long).unwrap();
    assert_eq!(outcome.finish(), Finish::Length);
    assert_eq!(outcome.usage().completion_tokens, 3);

    let mut grammar = request("count", 1, 50);
    grammar.grammar = Some(Grammar::Regex("[0-9]{4}".into()));
    grammar.calculator = Some(Calculator::new(|_| Some("x".into())));
    let outcome = run(&engine, grammar).unwrap();
    assert!(
        outcome.answer.len() == 4 && outcome.answer.parse::<u32>().is_ok(),
        "{outcome:?}"
    );
}
