//! Strategies driven without a model: outcomes are drawn from known distributions.

use std::collections::BTreeMap;
use std::sync::Arc;

use strawberry_core::*;
use strawberry_think::strategy::AttemptSpec;

/// A small generator (SplitMix64), so that every run draws the same numbers on every machine.
pub struct Rng(pub u64);

impl Rng {
    /// Uniform from 0 to 1.
    pub fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    pub fn chance(&mut self, p: f64) -> bool {
        self.uniform() < p
    }
}

/// What a drawn attempt is like.
#[derive(Clone, Debug, Default)]
pub struct Drawn {
    /// Its answer, which is also its class; `None` for an attempt without one.
    pub answer: Option<usize>,
    pub text: String,
    pub logprob: f64,
    pub scores: BTreeMap<String, f64>,
    pub cancelled: bool,
    pub feedback: Option<String>,
}

impl Drawn {
    pub fn answer(answer: usize) -> Self {
        Drawn {
            answer: Some(answer),
            text: format!("The answer is {answer}."),
            logprob: -10.0,
            ..Drawn::default()
        }
    }

    pub fn scored(mut self, name: &str, value: f64) -> Self {
        self.scores.insert(name.to_owned(), value);
        self
    }

    pub fn outcome(self, trial: &Trial) -> Outcome {
        let attempt = Attempt {
            trial: trial.id,
            seed: trial.sampling.seed,
            temperature: trial.sampling.temperature,
            thinking: None,
            text: format!("{}{}", trial.prefix.as_deref().unwrap_or(""), self.text),
            answer: self.answer.map(|a| Answer::text(a.to_string())),
            finish: if self.cancelled {
                Finish::Cancelled
            } else {
                Finish::Stop
            },
            usage: Usage {
                completion_tokens: 10,
                samples: 1,
                ..Usage::default()
            },
            logprob: Some(self.logprob),
            scores: self.scores,
            feedback: self.feedback,
            judgement: None,
        };
        Outcome::Sampled {
            attempt: Arc::new(attempt),
            class: self.answer,
        }
    }
}

/// How attempts are put in these tests.
pub fn spec(seed: u64) -> AttemptSpec {
    let mut spec = AttemptSpec::plain(vec![Message::user("What is it?")], 1000);
    spec.sampling.seed = seed;
    spec
}

/// Runs a strategy to its end; gives what it chose and how many trials it took.
pub fn run(strategy: &mut dyn Strategy, mut draw: impl FnMut(&Trial) -> Drawn) -> (Option<Selection>, usize) {
    let mut trials = 0;
    loop {
        let asked = strategy.ask();
        if asked.is_empty() {
            return (strategy.best(), trials);
        }
        trials += asked.len();
        for trial in asked {
            let outcome = draw(&trial).outcome(&trial);
            strategy.tell(trial.id, outcome);
        }
    }
}

/// The chosen answer.
pub fn answer(selection: &Option<Selection>) -> Option<usize> {
    selection.as_ref()?.answer.as_ref()?.text.parse().ok()
}

/// The share of `runs` seeds for which `right(seed)`.
pub fn share(runs: u64, mut right: impl FnMut(u64) -> bool) -> f64 {
    (0..runs).filter(|&seed| right(seed)).count() as f64 / runs as f64
}

/// Four standard deviations of a share over `runs`.
pub fn close(measured: f64, expected: f64, runs: u64) {
    let tolerance = 4.0 * (expected * (1.0 - expected) / runs as f64).sqrt() + 1e-9;
    assert!(
        (measured - expected).abs() <= tolerance,
        "{measured} is not {expected} ± {tolerance}"
    );
}
