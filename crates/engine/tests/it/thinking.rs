//! Thinking blocks, budgets, "answer now", grammars, stop strings.

use std::sync::Arc;

use futures::StreamExt;
use futures::executor::block_on;
use strawberry_core::{Control, Finish, Grammar, Model, SampleRequest, Thinking};

use crate::tiny::{END, Hook, Outcome, Setup, engine, request, run};

const OPEN: u32 = END + 1;
const CLOSE: u32 = END + 2;

fn reasoning() -> Setup {
    Setup {
        reasoning: true,
        ..Setup::default()
    }
}

/// A request to a model which opens no and closes no block by itself, and does not end.
fn endless(max_tokens: u32) -> SampleRequest {
    let mut request = request("think", 3, max_tokens);
    request.sampling.logit_bias = [END, OPEN, CLOSE].map(|t| (t, f32::NEG_INFINITY)).to_vec();
    // Letters only, so that text has as many characters as tokens.
    let other = (0..256).filter(|t| !(97..=122).contains(t));
    request
        .sampling
        .logit_bias
        .extend(other.map(|t| (t, f32::NEG_INFINITY)));
    request
}

#[test]
fn a_budget_closes_the_block_and_leaves_tokens_for_the_answer() {
    let (engine, _) = engine(&reasoning());
    let mut request = endless(100);
    request.prefix = Some("<think>".into());
    request.thinking = Thinking {
        budget: Some(12),
        answer_tokens: 7,
        ..Thinking::default()
    };
    let outcome = run(&engine, request.clone()).unwrap();
    assert_eq!(
        (outcome.thinking.len(), outcome.answer.len()),
        (12, 7),
        "{outcome:?}"
    );
    assert_eq!(outcome.tokens, [12, 7]);
    let usage = outcome.usage();
    assert_eq!((usage.reasoning_tokens, usage.completion_tokens), (12, 19));
    // "\n</think>\n\n": three line ends and the tag.
    assert_eq!(usage.forced_tokens, 4);
    assert_eq!(outcome.finish(), Finish::Length);
    // The request's own words follow the tag.
    request.thinking.close_text = Some("So: ".into());
    let outcome = run(&engine, request.clone()).unwrap();
    assert!(
        outcome.answer.starts_with("So: ") && outcome.answer.len() == 11,
        "{outcome:?}"
    );
    // The limit on all tokens holds above all.
    request.max_tokens = 15;
    assert_eq!(run(&engine, request).unwrap().usage().completion_tokens, 15);
}

#[test]
fn thinking_can_be_switched_off() {
    let (engine, _) = engine(&reasoning());
    for prefix in [None, Some("<think>\n".to_owned())] {
        let mut request = endless(9);
        request.prefix = prefix;
        request.thinking.enabled = false;
        let outcome = run(&engine, request).unwrap();
        assert_eq!(
            (outcome.thinking.as_str(), outcome.answer.len()),
            ("", 9),
            "{outcome:?}"
        );
        assert_eq!(outcome.usage().reasoning_tokens, 0);
    }
}

#[test]
fn a_plain_chain_of_thought_is_closed_by_its_own_words() {
    let (engine, _) = engine(&Setup::default());
    let mut request = endless(100);
    request.thinking = Thinking {
        budget: Some(10),
        close_text: Some("\n\nFinal answer: ".into()),
        answer_tokens: 4,
        ..Thinking::default()
    };
    let outcome = run(&engine, request.clone()).unwrap();
    let (thought, answer) = outcome.answer.split_once("\n\nFinal answer: ").unwrap();
    assert_eq!((thought.len(), answer.len()), (10, 4));
    assert_eq!(outcome.usage().forced_tokens, 16);
    // The thought is the beginning of what it would have been without a budget.
    assert!(run(&engine, endless(100)).unwrap().answer.starts_with(thought));
    // Without such words, the budget ends the attempt.
    request.thinking.close_text = None;
    let outcome = run(&engine, request).unwrap();
    assert_eq!((outcome.answer.len(), outcome.finish()), (10, Finish::Length));
}

#[test]
fn answer_now_closes_the_thought_at_once() {
    let control = Control::new();
    let hurry = control.clone();
    let hook: Hook = Arc::new(move |step| {
        if step == 10 {
            hurry.answer_now();
        }
    });
    let (engine, _) = engine(&Setup {
        hook: Some(hook),
        ..reasoning()
    });
    let mut request = endless(400);
    request.prefix = Some("<think>".into());
    request.thinking.answer_tokens = 5;
    request.control = control;
    let outcome = run(&engine, request).unwrap();
    // One step for the prompt, so ten tokens were drawn after step ten.
    assert_eq!(
        (outcome.thinking.len(), outcome.answer.len()),
        (10, 5),
        "{outcome:?}"
    );
    // Asked before it has begun, it does not think at all.
    let mut request = endless(400);
    request.thinking.answer_tokens = 5;
    request.control.answer_now();
    let outcome = run(&engine, request).unwrap();
    assert_eq!((outcome.tokens, outcome.answer.len()), ([0, 5], 5));
}

#[test]
fn a_grammar_holds_in_the_answer_and_not_in_the_thought() {
    let grammar = Some(Grammar::Regex("[0-9]{3}".into()));
    let (plain, _) = engine(&Setup::default());
    for seed in 0..5 {
        let mut request = request("count", seed, 100);
        request.grammar.clone_from(&grammar);
        let outcome = run(&plain, request).unwrap();
        assert!(
            outcome.answer.len() == 3 && outcome.answer.parse::<u32>().is_ok(),
            "{outcome:?}"
        );
        assert_eq!(outcome.finish(), Finish::Stop);
    }
    let (thinker, _) = engine(&reasoning());
    let mut request = endless(100);
    request.sampling.logit_bias.clear();
    request.sampling.logit_bias = vec![(END, f32::NEG_INFINITY), (CLOSE, f32::NEG_INFINITY)];
    request.grammar = grammar;
    request.thinking.budget = Some(20);
    let outcome = run(&thinker, request).unwrap();
    assert!(
        outcome.answer.len() == 3 && outcome.answer.parse::<u32>().is_ok(),
        "{outcome:?}"
    );
    assert_eq!(outcome.usage().reasoning_tokens, 20);
}

#[test]
fn a_stop_string_ends_the_answer_before_itself() {
    let (engine, _) = engine(&Setup::default());
    let mut request = request("stop", 1, 100);
    request.grammar = Some(Grammar::Regex("aaabc[a-z]{20}".into()));
    request.sampling.stop = vec!["bc".into()];
    let outcome = run(&engine, request).unwrap();
    assert_eq!((outcome.answer.as_str(), outcome.finish()), ("aaa", Finish::Stop));
    assert_eq!(outcome.usage().completion_tokens, 5);
}

#[test]
fn tool_calls_are_reported_whole() {
    let (engine, _) = engine(&Setup::default());
    let mut request = request("add", 1, 100);
    request.tools = vec![serde_json::json!({"type": "function", "function": {"name": "add"}})];
    request.grammar = Some(Grammar::Regex(
        r#"<tool_call>\{"name": "add", "arguments": \{"a": 1\}\}</tool_call>"#.into(),
    ));
    let mut stream = engine.sample(request);
    let mut calls = Vec::new();
    let mut outcome = Outcome::default();
    while let Some(event) = block_on(stream.next()) {
        let event = event.unwrap();
        if let strawberry_core::ModelEvent::ToolCalls(list) = &event {
            calls.clone_from(list);
        }
        outcome.take(event);
    }
    assert_eq!(outcome.finish(), Finish::ToolCalls);
    assert_eq!(
        (calls[0].name.as_str(), calls[0].arguments.as_str()),
        ("add", r#"{"a":1}"#)
    );
}
