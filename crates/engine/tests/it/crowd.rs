//! An attempt's tokens depend on its request alone: not on who runs beside it, nor on memory, nor on threads.

use futures::StreamExt;
use futures::executor::block_on;
use strawberry_core::{Finish, Model, SampleRequest, Sampling};

use crate::tiny::{END, Outcome, Setup, engine, request, run};

/// A little generator for the tests' own choices.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n
    }
}

/// Requests of every kind: prompts that are the same, share a beginning, or differ; all sorts of sampling.
fn requests(count: usize, dice: &mut Dice) -> Vec<SampleRequest> {
    let system = "You count sheep, and nothing else, all night long. ".repeat(3);
    let one = |i: usize| {
        let prompt = match dice.below(3) {
            0 => format!("{system}How many?"),
            1 => format!("{system}{}", "zzz ".repeat(dice.below(20))),
            _ => "x".repeat(1 + dice.below(90)),
        };
        let mut request = request(&prompt, i as u64, 1 + dice.below(60) as u32);
        request.sampling = Sampling {
            temperature: [0.0, 0.7, 1.0, 1.5][dice.below(4)],
            top_k: [0, 5, 40][dice.below(3)],
            top_p: [1.0, 0.9][dice.below(2)],
            min_p: [0.0, 0.05][dice.below(2)],
            repetition_penalty: [1.0, 1.2][dice.below(2)],
            frequency_penalty: [0.0, 0.3][dice.below(2)],
            top_logprobs: [None, Some(2)][dice.below(2)],
            ..request.sampling
        };
        request
    };
    (0..count).map(one).collect()
}

/// What must be the same: everything but what the cache did.
fn essence(outcome: &Outcome) -> (String, [u32; 2], Vec<f32>, Finish, u64) {
    let usage = outcome.usage();
    (
        outcome.answer.clone(),
        outcome.tokens,
        outcome.logprobs.clone(),
        outcome.finish(),
        usage.completion_tokens,
    )
}

/// Runs the requests with random arrivals, and drops about one in six in the middle. Returns the outcomes
/// of those that were left to end.
fn crowd(setup: &Setup, requests: &[SampleRequest], dice: &mut Dice) -> Vec<Option<Outcome>> {
    let (engine, _) = engine(setup);
    let mut outcomes: Vec<Option<Outcome>> = vec![None; requests.len()];
    let mut live = Vec::new();
    let mut next = 0;
    while next < requests.len() || !live.is_empty() {
        if next < requests.len() && (live.is_empty() || dice.below(4) == 0) {
            live.push((next, engine.sample(requests[next].clone()), Outcome::default()));
            next += 1;
            continue;
        }
        let at = dice.below(live.len());
        if dice.below(300) == 0 {
            drop(live.swap_remove(at));
            continue;
        }
        let (i, stream, outcome) = &mut live[at];
        match block_on(stream.next()) {
            Some(event) => outcome.take(event.unwrap()),
            None => {
                outcomes[*i] = Some(std::mem::take(outcome));
                drop(live.swap_remove(at));
            }
        }
    }
    outcomes
}

fn check(setup: &Setup, count: usize, seed: u64) {
    let mut dice = Dice(seed);
    let requests = requests(count, &mut dice);
    let outcomes = crowd(setup, &requests, &mut dice);
    let (engine, _) = engine(&Setup {
        threads: 1,
        max_attempts: 1,
        ..Setup::default()
    });
    let mut compared = 0;
    for (request, outcome) in requests.iter().zip(&outcomes) {
        if let Some(outcome) = outcome {
            let alone = run(&engine, request.clone()).unwrap();
            assert_eq!(essence(outcome), essence(&alone), "{request:?}");
            compared += 1;
        }
    }
    assert!(
        compared > count / 2,
        "only {compared} of {count} were left to end"
    );
}

#[test]
fn the_same_seed_gives_the_same_tokens_alone_and_in_a_crowd() {
    check(&Setup::default(), 64, 1);
}

#[test]
fn little_memory_changes_nothing_but_time() {
    // Room for one long attempt and little more: attempts are sent back again and again.
    let setup = Setup {
        pages: 18,
        threads: 1,
        ..Setup::default()
    };
    check(&setup, 64, 2);
}

#[test]
fn few_places_change_nothing_but_time() {
    let setup = Setup {
        max_attempts: 3,
        ..Setup::default()
    };
    check(&setup, 40, 3);
}

/// The same on a real model: set `STRAWBERRY_TEST_MODEL` to its path.
#[test]
fn a_real_model_gives_the_same_tokens_alone_and_in_a_crowd() {
    use strawberry_engine::engine::{Engine, EngineOptions};
    let Some(path) = std::env::var_os("STRAWBERRY_TEST_MODEL") else {
        return;
    };
    let engine = Engine::load(path.as_ref(), &EngineOptions::default()).unwrap();
    let all: Vec<_> = (0..64)
        .map(|i| {
            request(
                ["Tell me about the sea.", "What is 17 + 25?"][i % 2],
                i as u64,
                40,
            )
        })
        .collect();
    let together = crate::tiny::run_all(&engine, all.clone());
    for (request, outcome) in all.into_iter().zip(together).step_by(9) {
        let alone = run(&engine, request).unwrap();
        assert_eq!(essence(&alone), essence(&outcome));
    }
}

#[test]
fn tokens_add_up_however_an_attempt_ends() {
    let (engine, _) = engine(&Setup::default());
    let mut ends = [0, 0];
    for seed in 0..60 {
        let outcome = run(&engine, request("hello", seed, 40)).unwrap();
        let usage = outcome.usage();
        assert_eq!(
            u64::from(outcome.tokens[0] + outcome.tokens[1]),
            usage.completion_tokens
        );
        assert_eq!(u64::from(outcome.tokens[0]), usage.reasoning_tokens);
        assert_eq!(usage.prompt_tokens, 6);
        ends[usize::from(outcome.finish() == Finish::Stop)] += 1;
        assert_eq!(
            outcome.finish() == Finish::Length,
            usage.completion_tokens == 40,
            "{outcome:?}"
        );
    }
    assert!(ends[0] > 0, "no attempt reached its limit");
    let mut ending = request("hello", 0, 40);
    ending.sampling.logit_bias = vec![(END, 100.0)];
    let outcome = run(&engine, ending).unwrap();
    assert_eq!((outcome.finish(), outcome.answer.as_str()), (Finish::Stop, ""));
    assert_eq!(outcome.usage().completion_tokens, 1);
}
