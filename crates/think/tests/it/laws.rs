//! What holds for every strategy: order and repetition of outcomes change nothing, failures are survived, and
//! no more is asked than was allowed.

use proptest::prelude::*;
use strawberry_core::*;
use strawberry_think::{Plan, PlanOptions, StrategyKind};

use crate::simulate::{Drawn, Rng};

const QUESTION: &str = "What is f? It must satisfy:\nassert f(1) == 2";

fn plan(kind: StrategyKind, samples: u32, seed: u64) -> Plan {
    let options = PlanOptions {
        strategy: Some(kind),
        budget: Budget {
            samples: Some(samples),
            ..Budget::default()
        },
        seed,
        ..PlanOptions::default()
    };
    Plan::new(&Problem::question(QUESTION), &ModelInfo::default(), &options).unwrap()
}

/// Plays a plan; outcomes depend on the trial alone. `shuffle` changes the order within each round and tells
/// some outcomes twice.
fn play(
    kind: StrategyKind,
    samples: u32,
    seed: u64,
    shuffle: Option<u64>,
) -> (Option<Selection>, Vec<TrialId>) {
    let mut plan = plan(kind, samples, seed);
    let mut order = Rng(shuffle.unwrap_or(0));
    let mut asked = Vec::new();
    loop {
        let mut trials = plan.strategy.ask();
        if trials.is_empty() {
            return (plan.strategy.best(), asked);
        }
        asked.extend(trials.iter().map(|t| t.id));
        assert!(
            asked.len() as u32 <= plan.trials,
            "{kind} asked {} of {}",
            asked.len(),
            plan.trials
        );
        if shuffle.is_some() {
            for i in (1..trials.len()).rev() {
                trials.swap(i, (order.uniform() * (i + 1) as f64) as usize);
            }
        }
        for trial in &trials {
            let mut rng = Rng(trial.sampling.seed);
            let outcome = if rng.chance(0.15) {
                Outcome::Failed
            } else {
                let answer = (rng.uniform() * 3.0) as usize;
                let mut drawn = Drawn::answer(answer)
                    .scored("tests", 0.5 * rng.uniform())
                    .scored("group-confidence", rng.uniform());
                drawn.logprob = -10.0 * rng.uniform();
                drawn.outcome(trial)
            };
            plan.strategy.tell(trial.id, outcome.clone());
            if shuffle.is_some() && order.chance(0.3) {
                plan.strategy.tell(trial.id, outcome);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_strategy_is_order_independent_idempotent_and_within_bounds(
        samples in 1u32..24, seed in any::<u64>(), shuffle in any::<u64>(),
    ) {
        for kind in StrategyKind::ALL {
            if kind == StrategyKind::Critique && samples < 6 {
                continue;
            }
            let straight = play(kind, samples, seed, None);
            prop_assert_eq!(&straight, &play(kind, samples, seed, Some(shuffle)), "{}", kind);
            // Trials are numbered from 0 without gaps, whatever the strategy.
            prop_assert_eq!(&straight.1, &(0..straight.1.len() as u64).collect::<Vec<_>>(), "{}", kind);
        }
    }
}
