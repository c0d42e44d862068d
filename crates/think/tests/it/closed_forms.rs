//! Expected accuracy and cost of every strategy against closed forms, on outcomes of known distribution.

use std::sync::Arc;

use strawberry_core::*;
use strawberry_think::ScoredBy;
use strawberry_think::confidence::LOWEST_GROUP;
use strawberry_think::strategy::ab_mcts::AbMcts;
use strawberry_think::strategy::beam::Beam;
use strawberry_think::strategy::best_of_n::BestOfN;
use strawberry_think::strategy::critique::Critique;
use strawberry_think::strategy::deepconf::Deepconf;
use strawberry_think::strategy::dvts::Dvts;
use strawberry_think::strategy::majority::{Majority, Weighing, leader_probability};
use strawberry_think::strategy::repair::Repair;

use crate::simulate::*;

const RUNS: u64 = 4000;

fn majority(seed: u64, samples: u32, threshold: f64) -> Majority {
    Majority::new("majority", spec(seed), samples, threshold, Weighing::Equal)
}

fn binomial(n: u32, k: u32, p: f64) -> f64 {
    let choose = (0..k).fold(1.0, |c, i| c * f64::from(n - i) / f64::from(i + 1));
    choose * p.powi(k as i32) * (1.0 - p).powi((n - k) as i32)
}

#[test]
fn majority_of_n_is_right_as_often_as_the_binomial_says() {
    for (n, p) in [(5, 0.6), (15, 0.6), (15, 0.4)] {
        let expected: f64 = (n / 2 + 1..=n).map(|k| binomial(n, k, p)).sum();
        let measured = share(RUNS, |seed| {
            let mut rng = Rng(seed);
            // A threshold above 1 never stops a vote that could still turn.
            let (best, _) = run(&mut majority(seed, n, 2.0), |_| {
                Drawn::answer(usize::from(rng.chance(p)))
            });
            answer(&best) == Some(1)
        });
        close(measured, expected, RUNS);
    }
}

/// Exact accuracy and cost of the adaptive vote of two answers, by going through all states after each wave.
fn adaptive(p: f64, samples: u32, threshold: f64) -> (f64, f64) {
    fn go(right: u32, wrong: u32, asked: u32, wave: u32, p: f64, samples: u32, threshold: f64) -> (f64, f64) {
        let (a, b) = (right.max(wrong), right.min(wrong));
        let left = samples - asked;
        let decided = asked > 0 && (a > b + left || leader_probability(a, b) > threshold);
        if decided || left == 0 {
            // A tie goes to the answer seen first, each equally often by symmetry of order only when p = 1/2;
            // odd numbers of attempts have none.
            let accuracy = if right > wrong { 1.0 } else { 0.0 };
            return (accuracy, f64::from(asked));
        }
        let wave = wave.min(left);
        (0..=wave).fold((0.0, 0.0), |sum, k| {
            let weight = binomial(wave, k, p);
            let next = go(
                right + k,
                wrong + wave - k,
                asked + wave,
                (asked + wave).clamp(4, 32),
                p,
                samples,
                threshold,
            );
            (sum.0 + weight * next.0, sum.1 + weight * next.1)
        })
    }
    go(0, 0, 0, 4, p, samples, threshold)
}

#[test]
fn the_adaptive_vote_costs_and_errs_as_computed_exactly() {
    for p in [0.5, 0.65, 0.9] {
        let (accuracy, cost) = adaptive(p, 15, 0.95);
        let mut total = 0;
        let measured = share(RUNS, |seed| {
            let mut rng = Rng(seed);
            let (best, used) = run(&mut majority(seed, 15, 0.95), |_| {
                Drawn::answer(usize::from(rng.chance(p)))
            });
            total += used;
            answer(&best) == Some(1)
        });
        close(measured, accuracy, RUNS);
        let mean = total as f64 / RUNS as f64;
        // Costs lie between 4 and 15: a standard deviation of at most 5.5.
        assert!(
            (mean - cost).abs() < 4.0 * 5.5 / (RUNS as f64).sqrt(),
            "{mean} is not {cost}"
        );
        let full: f64 = (8..=15).map(|k| binomial(15, k, p)).sum();
        assert!(
            full - accuracy < 0.03,
            "stopping early costs {} at p = {p}",
            full - accuracy
        );
    }
    assert!(adaptive(0.9, 15, 0.95).1 < 7.0, "an easy question must be cheap");
}

#[test]
fn a_vote_that_stops_early_is_wrong_about_the_majority_at_most_as_often_as_its_bound_says() {
    // The bound holds when every probability is equally likely beforehand; stopping early does not weaken it.
    let (mut stopped, mut wrong) = (0, 0);
    for seed in 0..20_000 {
        let mut rng = Rng(seed);
        let p = rng.uniform();
        let (best, used) = run(&mut majority(seed, 64, 0.95), |_| {
            Drawn::answer(usize::from(rng.chance(p)))
        });
        if used < 64 {
            stopped += 1;
            wrong += usize::from(answer(&best) != Some(usize::from(p > 0.5)));
        }
    }
    let rate = f64::from(wrong as u32) / f64::from(stopped);
    assert!(stopped > 15_000 && rate < 0.05, "{rate} of {stopped}");
}

#[test]
fn weighted_votes_follow_their_weights() {
    // Right answers weigh 0.9, wrong ones 0.4: two wrong ones (0.8) lose against one right one.
    let p = 0.4;
    let expected = 1.0 - (1.0f64 - p).powi(3);
    let measured = share(RUNS, |seed| {
        let mut rng = Rng(seed);
        let weighing = Weighing::Score(ScoredBy::recorded("s"));
        let mut strategy = Majority::new("weighted", spec(seed), 3, 2.0, weighing);
        let (best, _) = run(&mut strategy, |_| {
            let right = rng.chance(p);
            Drawn::answer(usize::from(right)).scored("s", if right { 0.9 } else { 0.4 })
        });
        answer(&best) == Some(1)
    });
    close(measured, expected, RUNS);
}

#[test]
fn best_of_n_is_as_good_as_its_scorer() {
    let (n, p) = (8, 0.2);
    for (informed, expected) in [(true, 1.0 - (1.0f64 - p).powi(8)), (false, p)] {
        let measured = share(RUNS, |seed| {
            let mut rng = Rng(seed);
            let mut strategy = BestOfN::new(spec(seed), n, ScoredBy::recorded("s"));
            let (best, used) = run(&mut strategy, |_| {
                let (right, luck) = (rng.chance(p), rng.uniform());
                Drawn::answer(usize::from(right))
                    .scored("s", luck + if right && informed { 1.0 } else { 0.0 })
            });
            assert_eq!(used, 8);
            answer(&best) == Some(1)
        });
        close(measured, expected, RUNS);
    }
}

#[test]
fn a_judge_spends_half_of_the_attempts_and_picks_what_it_rates_highest() {
    let mut strategy = BestOfN::new(spec(1), 8, "judge".parse().unwrap());
    let (best, used) = run(&mut strategy, |trial| {
        let question = &trial.messages.last().unwrap().content;
        if question.starts_with("Question:") {
            let rating = if question.contains("The answer is 2.") {
                "9"
            } else {
                "I think 3/10"
            };
            Drawn {
                text: rating.into(),
                ..Drawn::default()
            }
        } else {
            Drawn::answer(trial.id as usize)
        }
    });
    assert_eq!((used, answer(&best)), (8, Some(2)));
}

#[test]
fn unconfident_attempts_are_given_up_and_do_not_vote() {
    // Right attempts are confident, wrong ones are not; half of them are wrong, and a plain vote is a coin toss.
    let (mut killed, mut later) = (0, 0);
    let measured = share(1000, |seed| {
        let mut rng = Rng(seed);
        let mut strategy = Deepconf::new(spec(seed), 64);
        let (best, _) = run(&mut strategy, |trial| {
            let right = rng.chance(0.5);
            let confidence = rng.uniform() + if right { 9.0 } else { 3.0 };
            let cancelled = trial.least_confidence.is_some_and(|least| confidence < least);
            later += usize::from(trial.least_confidence.is_some());
            killed += usize::from(cancelled);
            let mut drawn = Drawn::answer(usize::from(right)).scored(LOWEST_GROUP, confidence);
            if cancelled {
                (drawn.answer, drawn.cancelled) = (None, true);
            }
            drawn
        });
        answer(&best) == Some(1)
    });
    // The vote of 64 with weights about 9.5 against 3.5 is all but sure.
    assert!(measured > 0.99, "{measured}");
    // The threshold keeps nine in ten of the warm-up, so about one in sixteen to one in ten later ones fall below it.
    let rate = killed as f64 / later as f64;
    assert!((0.04..0.16).contains(&rate), "{rate}");
}

/// A line of thought of three steps and an answer line; each step is good with probability `p`, and one bad step
/// spoils the answer. The scorer sees good steps.
fn stepped(trial: &Trial, rng: &mut Rng, p: f64) -> Drawn {
    let before = trial.prefix.clone().unwrap_or_default();
    let good_so_far = !before.contains("bad");
    let good = good_so_far && rng.chance(p);
    let step = if good { "good" } else { "bad" };
    let steps = before.lines().filter(|l| !l.is_empty()).count();
    let mut drawn = Drawn {
        text: step.to_owned(),
        logprob: -1.0,
        ..Drawn::default()
    };
    if steps == 2 {
        drawn.text = format!("{step} The answer is {}.", u8::from(good));
        drawn.answer = Some(usize::from(good));
    }
    drawn.scored("s", if good { 0.9 } else { 0.1 })
}

#[test]
fn a_beam_keeps_good_beginnings() {
    let p = 0.4f64;
    // Four paths, one kept after each step, four continuations: each step succeeds if any of four does.
    let expected = (1.0 - (1.0 - p).powi(4)).powi(3);
    let measured = share(RUNS, |seed| {
        let mut rng = Rng(seed);
        let mut strategy = Beam::new(spec(seed), 4, ScoredBy::recorded("s"));
        let (best, used) = run(&mut strategy, |trial| stepped(trial, &mut rng, p));
        assert_eq!(used, 12);
        answer(&best) == Some(1)
    });
    close(measured, expected, RUNS);
    assert!(
        expected > p.powi(3) * 8.0,
        "a chain without search is right far less often"
    );
}

#[test]
fn independent_trees_fail_independently() {
    let p = 0.4f64;
    let tree = (1.0 - (1.0 - p).powi(4)).powi(3);
    let expected = 1.0 - (1.0 - tree).powi(2);
    let measured = share(RUNS, |seed| {
        let mut rng = Rng(seed);
        let mut strategy = Dvts::new(spec(seed), 8, ScoredBy::recorded("s"));
        let (best, used) = run(&mut strategy, |trial| stepped(trial, &mut rng, p));
        assert_eq!(used, 24);
        answer(&best) == Some(1)
    });
    close(measured, expected, RUNS);
}

fn depth(messages: &[Message]) -> usize {
    messages.last().map_or(0, |m| {
        let marks: Vec<usize> = (0..9)
            .filter(|d| m.content.contains(&format!("depth {d}.")))
            .collect();
        marks.last().map_or(0, |d| d + 1)
    })
}

#[test]
fn the_tree_grows_deeper_where_that_helps_and_wider_where_it_does_not() {
    let grow = |helps: bool| {
        let (mut roots, mut best_scores) = (0, 0.0);
        for seed in 0..40 {
            let mut rng = Rng(seed);
            let mut strategy = AbMcts::new(spec(seed), 32, ScoredBy::recorded("s"));
            let (best, _) = run(&mut strategy, |trial| {
                let depth = depth(&trial.messages);
                roots += usize::from(depth == 0);
                let score = match (helps, depth) {
                    (true, d) => (0.15 + 0.15 * d as f64).min(0.9),
                    (false, 0) => 0.9 * rng.uniform(),
                    (false, _) => 0.02,
                };
                let mut drawn = Drawn::answer((100.0 * score) as usize).scored("s", score);
                drawn.text = format!("depth {depth}. {}", drawn.text);
                drawn
            });
            best_scores += answer(&best).unwrap() as f64 / 100.0;
        }
        (roots as f64 / (40.0 * 32.0), best_scores / 40.0)
    };
    let (deep, deep_best) = grow(true);
    let (wide, wide_best) = grow(false);
    assert!(wide > 0.7 && deep < 0.5, "wider {wide}, deeper {deep}");
    // Width alone can never score more than 0.15 where depth is what helps; 32 fresh draws reach about 0.87.
    assert!(deep_best > 0.4 && wide_best > 0.8, "{deep_best} {wide_best}");
}

#[test]
fn repairs_add_to_fresh_programs() {
    let (fresh, repaired) = (0.1f64, 0.4f64);
    let expected = 1.0 - (1.0 - fresh).powi(4) * (1.0 - repaired).powi(4);
    let measured = share(RUNS, |seed| {
        let mut rng = Rng(seed);
        let mut strategy = Repair::new(spec(seed), 8, "tests".parse().unwrap());
        let (best, used) = run(&mut strategy, |trial| {
            let repair = trial
                .messages
                .last()
                .unwrap()
                .content
                .contains("assert f(1) failed");
            let right = rng.chance(if repair { repaired } else { fresh });
            let mut drawn = Drawn::answer(usize::from(right)).scored("tests", f64::from(u8::from(right)));
            drawn.text = format!("program {}", trial.id);
            drawn.feedback = (!right).then(|| "assert f(1) failed".to_owned());
            drawn
        });
        assert!(used == 4 || used == 8);
        answer(&best) == Some(1)
    });
    close(measured, expected, RUNS);
}

#[test]
fn drafts_are_revised_and_judged_in_both_orders() {
    let play = |judge: &dyn Fn(&str) -> &'static str| {
        let mut strategy = Critique::new(spec(3), 16);
        let mut asked = Vec::new();
        let (best, used) = run(&mut strategy, |trial| {
            let text = trial.messages.last().unwrap().content.clone();
            asked.push(text.clone());
            let (text, logprob) = if text.starts_with("Request:") {
                (judge(&text).to_owned(), -1.0)
            } else if text.contains("Write the response anew") {
                (format!("revision of trial {}", trial.id), -30.0)
            } else if text.contains("Name its weaknesses") {
                ("too short".into(), -1.0)
            } else if text.contains("Follow this plan") {
                ("draft".into(), -10.0)
            } else {
                ("plan".into(), -1.0)
            };
            Drawn {
                text,
                logprob,
                ..Drawn::default()
            }
        });
        (best.unwrap().trial, used, asked)
    };
    // Two lines: two plans, drafts, critiques, revisions; then two pairs and a final, each judged twice.
    let fair = |text: &str| {
        let a = text.split("Response B:").next().unwrap();
        if a.contains("revision") { "A" } else { "B" }
    };
    let (chosen, used, asked) = play(&fair);
    assert_eq!(used, 8 + 6);
    assert!((6..8).contains(&chosen), "a revision wins: {chosen}");
    assert!(
        asked.iter().any(|t| t.contains("too short")),
        "the critique reaches the reviser"
    );
    // A judge that always says A contradicts itself; the likelier text, a draft, stays.
    let (chosen, ..) = play(&|_| "A");
    assert!((2..4).contains(&chosen), "{chosen}");
}

#[test]
fn a_strategy_without_any_outcome_has_nothing_to_say() {
    let mut strategy: Box<dyn Strategy> = Box::new(majority(1, 4, 0.95));
    for trial in strategy.ask() {
        strategy.tell(trial.id, Outcome::Failed);
    }
    assert!(strategy.ask().is_empty());
    assert_eq!(strategy.best(), None);
    let _ = Arc::new(());
}
