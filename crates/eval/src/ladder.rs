//! Every budget and every aggregation, from what was sampled once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use strawberry_core::{Effort, Outcome as Told, Selection, Strategy, TrialId, Verdict};
use strawberry_think::revote;
use strawberry_think::strategy::AttemptSpec;
use strawberry_think::strategy::majority::{Majority, Weighing};
use strawberry_think::vote::Tally;

use crate::sample::{Sample, Try};

/// What one strategy made of one problem under one budget.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The task.
    pub task: String,
    /// The problem.
    pub id: String,
    /// The seed.
    pub seed: u64,
    /// The budget.
    pub effort: Effort,
    /// `direct`, `majority` (adaptive, the default), `majority of all`, `weighted by S`, `best by S`, or a strategy with a
    /// run of its own.
    pub strategy: String,
    /// Whether the answer is right.
    pub correct: bool,
    /// Whether the problem counts (its reference can be used).
    pub scored: bool,
    /// The answer.
    pub answer: Option<String>,
    /// The reference.
    pub reference: String,
    /// Why there is no answer, where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_answer: Option<String>,
    /// How sure the strategy was, from 0 to 1.
    pub confidence: Option<f64>,
    /// Attempts it used.
    pub samples: u32,
    /// Tokens it sampled.
    pub tokens: u64,
    /// The chosen attempt.
    pub trial: Option<TrialId>,
}

/// The outcomes of all samples under all efforts.
pub fn outcomes(samples: &[Sample], efforts: &[Effort]) -> Vec<Outcome> {
    let mut out = Vec::new();
    for sample in samples.iter().filter(|s| s.unscored.is_none()) {
        match sample.cell.split_once('@') {
            Some((strategy, effort)) => {
                if let Ok(effort) = effort.parse() {
                    out.push(single(sample, strategy, effort));
                }
            }
            None if sample.cell == "direct" => out.push(single(sample, "direct", Effort::None)),
            None => {
                for &effort in efforts.iter().filter(|e| **e != Effort::None) {
                    out.extend(pooled(sample, effort));
                }
            }
        }
    }
    complete(samples, &mut out);
    out.sort_by(|a, b| {
        (&a.task, &a.id, a.seed, a.effort, &a.strategy).cmp(&(&b.task, &b.id, b.seed, b.effort, &b.strategy))
    });
    out
}

/// A strategy that could choose among no attempts of a problem has no answer to it: without this, strategies
/// would be measured on different problems.
fn complete(samples: &[Sample], out: &mut Vec<Outcome>) {
    let mut names: BTreeMap<(&str, Effort), BTreeSet<String>> = BTreeMap::new();
    let mut have: BTreeSet<(String, String, u64, Effort, String)> = BTreeSet::new();
    let pools: Vec<&Sample> = samples
        .iter()
        .filter(|s| s.cell == "pool" && s.unscored.is_none())
        .collect();
    let tasks: BTreeSet<&str> = pools.iter().map(|s| s.task.as_str()).collect();
    for o in out.iter() {
        have.insert((o.task.clone(), o.id.clone(), o.seed, o.effort, o.strategy.clone()));
        let from_pool = o.strategy.contains(" by ") || o.strategy == "majority of all";
        if let Some(task) = tasks.get(o.task.as_str()).filter(|_| from_pool) {
            names
                .entry((task, o.effort))
                .or_default()
                .insert(o.strategy.clone());
        }
    }
    for ((task, effort), strategies) in names {
        for sample in pools.iter().filter(|s| s.task == task) {
            for strategy in &strategies {
                let key = (
                    task.to_owned(),
                    sample.id.clone(),
                    sample.seed,
                    effort,
                    strategy.clone(),
                );
                if !have.contains(&key) {
                    out.push(outcome(sample, strategy, effort, None));
                }
            }
        }
    }
}

fn outcome(sample: &Sample, strategy: &str, effort: Effort, chosen: Option<&Try>) -> Outcome {
    let verdict = chosen.and_then(|t| t.verdict);
    let unanswered = chosen.is_none_or(|t| t.answer.is_none());
    let why = match chosen {
        Some(t) => t.evidence.clone().unwrap_or_default(),
        None => sample
            .error
            .clone()
            .unwrap_or_else(|| "nothing was sampled".to_owned()),
    };
    Outcome {
        task: sample.task.clone(),
        id: sample.id.clone(),
        seed: sample.seed,
        effort,
        strategy: strategy.to_owned(),
        correct: verdict == Some(Verdict::Correct),
        scored: verdict.is_none_or(Verdict::is_scored),
        answer: chosen.and_then(|t| t.answer.clone()),
        reference: sample.reference.clone(),
        no_answer: unanswered.then_some(why),
        confidence: None,
        samples: 0,
        tokens: 0,
        trial: chosen.map(|t| t.trial),
    }
}

/// The outcome of a strategy that ran by itself.
fn single(sample: &Sample, strategy: &str, effort: Effort) -> Outcome {
    let chosen = sample.attempts.iter().find(|t| Some(t.trial) == sample.chosen);
    Outcome {
        confidence: sample.confidence.or_else(|| likelihood(chosen?)),
        samples: sample.samples,
        tokens: sample.tokens,
        ..outcome(sample, strategy, effort, chosen)
    }
}

/// A single attempt has no votes to be sure by; what it has is the likelihood of its tokens.
fn likelihood(chosen: &Try) -> Option<f64> {
    chosen.attempt().mean_logprob().map(f64::exp)
}

/// Everything that can be made of the first attempts of a pool.
fn pooled(sample: &Sample, effort: Effort) -> Vec<Outcome> {
    let allowed = effort.budget().samples.unwrap_or(1);
    let tries: BTreeMap<TrialId, &Try> = sample
        .attempts
        .iter()
        .filter(|t| t.trial < u64::from(allowed))
        .map(|t| (t.trial, t))
        .collect();
    let (selection, samples, tokens) = adaptive(&tries, allowed);
    let chosen = selection.as_ref().and_then(|s| tries.get(&s.trial).copied());
    let confidence = selection.as_ref().and_then(|s| s.confidence);
    let mut out = vec![Outcome {
        confidence: confidence.or_else(|| likelihood(chosen?)),
        samples,
        tokens,
        ..outcome(sample, "majority", effort, chosen)
    }];
    if allowed == 1 {
        return out;
    }
    let mut tally = Tally::new();
    for (&trial, t) in &tries {
        tally.add(trial, t.attempt(), t.class);
    }
    for aggregate in revote::aggregates(&tally) {
        let name = match aggregate.name.as_str() {
            // One attempt is the budget `minimal`.
            "first" => continue,
            "majority" => "majority of all",
            other => other,
        };
        out.push(Outcome {
            confidence: aggregate.share,
            samples: tries.len() as u32,
            tokens: tries.values().map(|t| t.tokens).sum(),
            ..outcome(sample, name, effort, tries.get(&aggregate.trial).copied())
        });
    }
    out
}

/// Plays the default strategy on recorded attempts: what it would have chosen, and what it would have used.
fn adaptive(tries: &BTreeMap<TrialId, &Try>, allowed: u32) -> (Option<Selection>, u32, u64) {
    let spec = AttemptSpec::plain(Vec::new(), 1);
    let mut strategy = Majority::new(
        "majority",
        spec,
        allowed,
        strawberry_think::plan::DECIDED,
        Weighing::Equal,
    );
    let (mut samples, mut tokens) = (0, 0);
    loop {
        let asked = strategy.ask();
        if asked.is_empty() {
            return (strategy.best(), samples, tokens);
        }
        for trial in asked {
            match tries.get(&trial.id) {
                Some(t) => {
                    samples += 1;
                    tokens += t.tokens;
                    strategy.tell(
                        trial.id,
                        Told::Sampled {
                            attempt: t.attempt(),
                            class: t.class,
                        },
                    );
                }
                None => strategy.tell(trial.id, Told::Failed),
            }
        }
    }
}

/// (k, share right by majority of k), and (right, all) attempts by problem and seed.
pub type Curves = (Vec<(u32, f64)>, Vec<(u32, u32)>);

/// For pools: (k, share right by majority of k) for powers of two, averaged over disjoint blocks of k attempts; and
/// the number right and of all attempts, by problem and seed.
pub fn curves(samples: &[&Sample]) -> Curves {
    let pools: Vec<&&Sample> = samples.iter().filter(|s| s.cell == "pool" && scored(s)).collect();
    let most = pools.iter().map(|s| s.attempts.len()).max().unwrap_or(0) as u32;
    let mut majority = Vec::new();
    let mut k = 1;
    while k <= most {
        let shares: Vec<f64> = pools
            .iter()
            .map(|s| {
                let blocks: Vec<&[Try]> = s.attempts.chunks_exact(k as usize).collect();
                let right = blocks.iter().filter(|b| majority_right(b)).count();
                if blocks.is_empty() {
                    0.0
                } else {
                    right as f64 / blocks.len() as f64
                }
            })
            .collect();
        majority.push((k, shares.iter().sum::<f64>() / shares.len().max(1) as f64));
        k *= 2;
    }
    let counts = pools
        .iter()
        .map(|s| {
            let right = s
                .attempts
                .iter()
                .filter(|t| t.verdict == Some(Verdict::Correct))
                .count();
            (s.attempts.len() as u32, right as u32)
        })
        .collect();
    (majority, counts)
}

/// Whether the reference of a sample can be used.
pub fn scored(sample: &Sample) -> bool {
    sample.unscored.is_none()
        && sample
            .attempts
            .iter()
            .all(|t| t.verdict.is_none_or(Verdict::is_scored))
}

fn majority_right(block: &[Try]) -> bool {
    let mut tally = Tally::new();
    let by_trial: BTreeMap<TrialId, &Try> = block.iter().map(|t| (t.trial, t)).collect();
    for t in block {
        tally.add(t.trial, Arc::clone(&t.attempt()), t.class);
    }
    let chosen = tally
        .select(|_| 1.0)
        .and_then(|s| by_trial.get(&s.trial).copied());
    chosen.is_some_and(|t| t.verdict == Some(Verdict::Correct))
}
