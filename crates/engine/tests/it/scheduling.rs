//! Sharing, fairness, cancellation, failure.

use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::StreamExt;
use futures::executor::block_on;
use strawberry_core::{Control, Finish, Grammar, Message, Model, ModelError, SampleRequest};
use strawberry_engine::engine::Engine;

use crate::tiny::{CONTEXT, END, Hook, Setup, engine, finish, request, run, run_all};

/// A request that does not end before its limit.
fn endless(prompt: &str, seed: u64, max_tokens: u32) -> SampleRequest {
    let mut request = request(prompt, seed, max_tokens);
    request.sampling.logit_bias = vec![(END, f32::NEG_INFINITY)];
    request
}

#[test]
fn a_prompt_is_evaluated_once_for_all_its_attempts() {
    let (engine, steps) = engine(&Setup::default());
    let prompt = "p".repeat(299);
    let outcomes = run_all(&engine, (0..16).map(|seed| endless(&prompt, seed, 5)).collect());
    let evaluated: u64 = outcomes.iter().map(|o| o.usage().prompt_evaluated).sum();
    assert_eq!(evaluated, 300);
    assert!(outcomes.iter().all(|o| o.usage().prompt_tokens == 300));
    assert_eq!(outcomes.iter().map(|o| 300 - o.cached).sum::<u64>(), 300);
    // 300 for the prompt, and four for each attempt: its last token need not be seen.
    let fed: usize = steps.lock().unwrap().iter().flatten().map(|i| i.1).sum();
    assert_eq!(fed, 300 + 16 * 4);
    // Later, the prompt is still there, and so is its beginning for another.
    let again = run(&engine, endless(&prompt, 0, 5)).unwrap();
    assert_eq!((again.usage().prompt_evaluated, again.cached), (0, 300));
    assert_eq!(again.answer, outcomes[0].answer);
    let other = format!("{}{}", "p".repeat(200), "q".repeat(50));
    let other = run(&engine, endless(&other, 0, 5)).unwrap();
    assert_eq!((other.usage().prompt_evaluated, other.cached), (51, 200));
}

#[test]
fn prompts_that_arrive_together_share_their_beginning() {
    let (engine, _) = engine(&Setup::default());
    let requests = (0..8).map(|i| endless(&format!("{}{i}", "s".repeat(250)), i, 3));
    let outcomes = run_all(&engine, requests.collect());
    let evaluated: u64 = outcomes.iter().map(|o| o.usage().prompt_evaluated).sum();
    assert_eq!(evaluated, 252 + 7 * 2);
}

/// A hook that holds the engine in step `at` until the other end is used or dropped.
fn gate(at: usize) -> (Hook, Sender<()>) {
    let (open, gate) = channel();
    let gate = Mutex::new(gate);
    let hook = move |step| {
        if step == at {
            let _ = gate.lock().unwrap().recv();
        }
    };
    (Arc::new(hook), open)
}

#[test]
fn a_long_prompt_does_not_stall_a_running_stream() {
    let (hook, open) = gate(5);
    let setup = Setup {
        hook: Some(hook),
        ..Setup::default()
    };
    let (engine, steps) = engine(&setup);
    let mut running = engine.sample(endless("a", 1, 400));
    block_on(running.next());
    let long = engine.sample(endless(&"b".repeat(450), 1, 1));
    drop(open);
    finish(long);
    drop(running);
    let steps = steps.lock().unwrap();
    let long: Vec<_> = steps.iter().filter(|s| s.iter().any(|i| i.1 > 2)).collect();
    assert!(long.len() >= 4, "{long:?}");
    for step in long {
        assert!(
            step.iter().any(|i| i.1 == 1),
            "the stream stood still in {step:?}"
        );
        assert!(step.iter().all(|i| i.1 <= 128), "{step:?}");
    }
}

#[test]
fn a_late_request_does_not_wait_for_all_of_an_earlier_one() {
    let (hook, open) = gate(5);
    let setup = Setup {
        hook: Some(hook),
        max_attempts: 4,
        ..Setup::default()
    };
    let (engine, steps) = engine(&setup);
    let crowd: Vec<_> = (0..40)
        .map(|seed| engine.sample(endless("many", seed, 50)))
        .collect();
    let one = engine.sample(endless("one", 7, 50));
    drop(open);
    finish(one);
    for stream in crowd {
        finish(stream);
    }
    // Its prompt is the only one of four tokens.
    let steps = steps.lock().unwrap();
    let begun = steps.iter().position(|s| s.iter().any(|i| i.1 == 4)).unwrap();
    let all = steps.len();
    assert!(
        all >= 500 && begun < all / 4,
        "the late request began in step {begun} of {all}"
    );
}

#[test]
fn cancelling_takes_effect_within_a_step() {
    let control = Control::new();
    let cancel = control.clone();
    let hook: Hook = Arc::new(move |step| {
        if step == 20 {
            cancel.cancel();
        }
    });
    let setup = Setup {
        hook: Some(hook),
        ..Setup::default()
    };
    let (engine, steps) = engine(&setup);
    let request = SampleRequest {
        control,
        ..endless("cancel me", 1, 400)
    };
    let outcome = run(&engine, request).unwrap();
    assert_eq!(outcome.finish(), Finish::Cancelled);
    assert_eq!(steps.lock().unwrap().len(), 20);
    // One step for the prompt, and the token of the step in which it was cancelled.
    assert_eq!(outcome.usage().completion_tokens, 20);
}

#[test]
fn dropping_a_stream_stops_the_work() {
    let (engine, steps) = engine(&Setup::default());
    let streams: Vec<_> = (0..8)
        .map(|i| engine.sample(endless("drop me", i, 400)))
        .collect();
    drop(streams);
    run(&engine, endless("other", 1, 2)).unwrap();
    let seen = steps.lock().unwrap().len();
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(steps.lock().unwrap().len(), seen, "somebody is still working");
}

#[test]
fn a_reader_that_does_not_read_stalls_nobody() {
    let (engine, _) = engine(&Setup::default());
    let unread = engine.sample(endless("unread", 1, 450));
    let others = run_all(&engine, (0..4).map(|i| endless("read", i, 450)).collect());
    assert!(others.iter().all(|o| o.usage().completion_tokens == 450));
    let outcome = finish(unread);
    assert_eq!(outcome.tokens[0] + outcome.tokens[1], 450);
}

#[test]
fn a_panic_fails_the_attempts_and_the_engine_goes_on() {
    let (held, open) = gate(1);
    let hook: Hook = Arc::new(move |step| {
        held(step);
        assert!(step != 20, "step {step} was made to fail");
    });
    let setup = Setup {
        hook: Some(hook),
        ..Setup::default()
    };
    let (engine, _) = engine(&setup);
    let streams: Vec<_> = (0..3).map(|i| engine.sample(endless("boom", i, 400))).collect();
    drop(open);
    for mut stream in streams {
        let mut last = None;
        while let Some(event) = block_on(stream.next()) {
            last = Some(event);
        }
        let Some(Err(ModelError::Internal(message))) = last else {
            panic!("{last:?}")
        };
        assert!(message.contains("step 20 was made to fail"), "{message}");
    }
    let outcome = run(&engine, endless("after", 1, 10)).unwrap();
    assert_eq!(outcome.usage().completion_tokens, 10);
}

#[test]
fn memory_stays_flat() {
    // Only 40 pages for what would take thousands if anything were kept.
    let setup = Setup {
        pages: 40,
        ..Setup::default()
    };
    let (engine, _) = engine(&setup);
    for round in 0..40u64 {
        let prompt = format!("{round} {}", "m".repeat(100));
        let streams: Vec<_> = (0..8).map(|i| engine.sample(endless(&prompt, i, 60))).collect();
        for (i, mut stream) in streams.into_iter().enumerate() {
            // Half of them are dropped on the way.
            let mut count = 0;
            while let Some(event) = block_on(stream.next()) {
                event.unwrap();
                count += 1;
                if i % 2 == 0 && count == 7 {
                    break;
                }
            }
        }
    }
}

#[test]
fn an_engine_may_go_before_its_streams() {
    let (engine, _) = engine(&Setup::default());
    let stream = engine.sample(endless("last words", 1, 100));
    drop(engine);
    assert_eq!(finish(stream).usage().completion_tokens, 100);
}

fn error(engine: &Engine, request: SampleRequest) -> String {
    run(engine, request).unwrap_err().to_string()
}

#[test]
fn bad_requests_get_one_clear_error() {
    let (engine, _) = engine(&Setup {
        pages: 10,
        ..Setup::default()
    });
    let long = error(&engine, request(&"l".repeat(CONTEXT), 0, 1));
    assert!(long.contains("513 tokens") && long.contains("512"), "{long}");
    let memory = error(&engine, request(&"m".repeat(300), 0, 1));
    assert!(
        memory.contains("301 tokens") && memory.contains("holds 256"),
        "{memory}"
    );
    assert!(error(&engine, request("p", 0, 0)).contains("max_tokens is 0"));
    let empty = SampleRequest {
        max_tokens: 1,
        ..SampleRequest::default()
    };
    assert!(error(&engine, empty).contains("empty"));
    let mut hot = request("p", 0, 1);
    hot.sampling.temperature = -1.0;
    assert!(error(&engine, hot).contains("temperature"));
    let mut grammar = request("p", 0, 1);
    grammar.grammar = Some(Grammar::Regex("(".into()));
    assert!(error(&engine, grammar).contains("regular expression"));
    assert_eq!(engine.count_tokens(&[Message::user("four")]), Some(5));
}

#[test]
fn the_context_ends_an_attempt() {
    let (engine, _) = engine(&Setup::default());
    let outcome = run(&engine, endless(&"c".repeat(CONTEXT - 11), 1, 1000)).unwrap();
    assert_eq!(outcome.finish(), Finish::Length);
    assert_eq!(outcome.usage().completion_tokens, 10);
}

#[test]
fn a_benchmark_reports_what_it_ran() {
    use strawberry_engine::bench::{BenchOptions, run as bench};
    let (engine, steps) = engine(&Setup::default());
    let options = BenchOptions {
        prompt: 48,
        new: 8,
        attempts: 4,
        repeats: 3,
    };
    let report = block_on(bench(&engine, &options)).unwrap();
    assert_eq!(
        (report.prompt, report.new, report.attempts, report.repeats),
        (48, 8, 4, 3)
    );
    assert!(report.prefill_tok_s > 0.0 && report.decode_tok_s > 0.0 && report.memory_gb_s > 0.0);
    assert!(report.decode_range[0] <= report.decode_tok_s && report.decode_tok_s <= report.decode_range[1]);
    block_on(bench(&engine, &options)).unwrap();
    // Eight runs: each prompt is new, and each attempt's tokens but the last are seen.
    let fed: usize = steps.lock().unwrap().iter().flatten().map(|i| i.1).sum();
    assert_eq!(fed, 8 * (48 + 4 * 7));
    let long = BenchOptions {
        prompt: CONTEXT,
        ..options
    };
    let error = block_on(bench(&engine, &long)).unwrap_err().to_string();
    assert!(error.contains("context of 512"), "{error}");
}
