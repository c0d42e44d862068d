//! Speculation by looking up what came before: the same text in fewer steps.

use strawberry_core::{Calculator, Grammar, SampleRequest};

use crate::tiny::{CONTEXT, END, Setup, engine, request, run};

fn greedy(prompt: &str, max_tokens: u32) -> SampleRequest {
    let mut request = request(prompt, 1, max_tokens);
    request.sampling.temperature = 0.0;
    request.sampling.logit_bias = vec![(END, f32::NEG_INFINITY)];
    request
}

#[test]
fn the_text_is_the_same_in_fewer_steps() {
    let (plain, plain_steps) = engine(&Setup::default());
    let (looking, steps) = engine(&Setup {
        lookup: true,
        ..Setup::default()
    });
    let mut requests = vec![
        greedy("again and again and again", 200),
        greedy(&"abc".repeat(60), 150),
        // Up to the end of the context.
        greedy(&"round ".repeat(60), 1000),
    ];
    let mut penalised = greedy("a penalty on what was said", 100);
    penalised.sampling.repetition_penalty = 1.3;
    penalised.sampling.frequency_penalty = 0.2;
    penalised.sampling.top_logprobs = Some(1);
    requests.push(penalised);
    let mut stopped = greedy("stop", 300);
    stopped.sampling.stop = vec!["zzzz".into(), "    ".into(), "\u{fffd}".into()];
    requests.push(stopped);
    let mut constrained = greedy("numbers", 100);
    constrained.grammar = Some(Grammar::Regex("(12345, )*0".into()));
    requests.push(constrained);
    let mut calculated = greedy("forced text", 80);
    calculated.calculator = Some(Calculator::new(|text| {
        text.chars().count().is_multiple_of(7).then(|| "1+1=2".into())
    }));
    requests.push(calculated);
    for request in requests {
        let want = run(&plain, request.clone()).unwrap();
        let got = run(&looking, request).unwrap();
        assert_eq!(got, want);
    }
    let count = |steps: &crate::tiny::Steps| steps.lock().unwrap().len();
    let (fewer, all) = (count(&steps), count(&plain_steps));
    assert!(fewer * 4 < all * 3, "{fewer} steps instead of {all}");
    // The context was used to its end.
    let most = steps
        .lock()
        .unwrap()
        .iter()
        .map(|s| s.iter().map(|i| i.1).sum::<usize>())
        .max();
    assert!(most.unwrap() <= CONTEXT);
}

#[test]
fn company_and_randomness_switch_it_off() {
    let (looking, steps) = engine(&Setup {
        lookup: true,
        ..Setup::default()
    });
    let mut random = greedy(&"abc".repeat(60), 60);
    random.sampling.temperature = 0.7;
    run(&looking, random).unwrap();
    crate::tiny::run_all(&looking, (0..3).map(|_| greedy(&"abc".repeat(60), 60)).collect());
    let steps = steps.lock().unwrap();
    // Besides the prompt's, steps are of one token for each attempt. (Attempts that arrive or end apart may be alone.)
    let together = steps.iter().filter(|s| s.len() > 1);
    assert!(together.flatten().all(|i| i.1 == 1));
    assert!(steps.iter().take(60).skip(1).all(|s| s.iter().all(|i| i.1 == 1)));
}
