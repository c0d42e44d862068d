//! Reinforcement learning with verified rewards: GRPO (Shao et al. 2024, arXiv 2402.03300) with Dr.GRPO's
//! corrections (Liu et al. 2025, arXiv 2503.20783): the advantage is the reward minus the group's mean, undivided, and
//! sums are normalised by a constant. No KL term; one update per batch, so no ratio is needed. Groups in which all
//! rewards are equal teach nothing and are drawn again from other problems (DAPO, arXiv 2503.14476).
//! Rewards are ternary: +1 right, 0 abstained, −1 wrong (TruthRL, arXiv 2509.25760).

use std::time::Instant;

use strawberry_core::{Verdict, Verifier};
use strawberry_engine::source::ModelSource;
use strawberry_synth::judge::{RecordVerifier, declines};
use strawberry_synth::record::{Record, question_hash};
use strawberry_synth::rng::Rng;

use crate::error::TrainError;
use crate::network::batch::{Batch, Sequence};
use crate::network::{Gradients, Network};
use crate::rollout::{Drawing, Response, Sampler};
use crate::run::{Finished, Measured, Place, Run, Settings, run_name};

/// What a step is made of.
#[derive(Clone, Debug)]
pub struct Groups {
    /// Groups per step.
    pub prompts: usize,
    /// Times that problems are drawn for groups whose rewards differ.
    pub tries: usize,
    /// Steps in all.
    pub steps: usize,
}

/// +1 for a right response, 0 for one that declines, −1 for a wrong one; `None` for one that was cut off, about which
/// nothing is known.
pub fn reward(verifier: &dyn Verifier, record: &Record, response: &Response) -> Option<f32> {
    if !response.finished {
        return None;
    }
    let text = response.text();
    match verifier.judge(&record.problem(), &text)?.verdict {
        Verdict::Correct => Some(1.0),
        _ if declines(&text) => Some(0.0),
        _ => Some(-1.0),
    }
}

/// Rewards less their mean; `None` where there is no reward. All zero when the rewards are equal.
pub fn advantages(rewards: &[Option<f32>]) -> Vec<Option<f32>> {
    let known: Vec<f32> = rewards.iter().flatten().copied().collect();
    let mean = known.iter().sum::<f32>() / known.len().max(1) as f32;
    rewards.iter().map(|r| r.map(|r| r - mean)).collect()
}

struct Group<'a> {
    record: &'a Record,
    responses: Vec<Response>,
    advantages: Vec<Option<f32>>,
}

/// What was seen while drawing.
#[derive(Default)]
struct Tally {
    groups: usize,
    flat: usize,
    responses: usize,
    cut: usize,
    reward: f64,
}

/// Trains `network` on `problems`. Metrics: `reward` (mean), `flat` (share of groups with equal rewards), `cut` (share of
/// responses cut off), `entropy` (mean of −log p of drawn tokens), `rollout_share` (of the step's time).
///
/// # Errors
/// When there are no problems, a step finds no group with different rewards for sampling failures, and those of
/// [`Run::go`].
pub fn train(
    source: &ModelSource,
    network: &mut Network,
    problems: &[Record],
    groups: &Groups,
    drawing: &Drawing,
    settings: &Settings,
    place: Place<'_>,
) -> Result<Finished, TrainError> {
    settings.validate()?;
    if problems.is_empty() || drawing.samples < 2 || groups.prompts == 0 {
        return Err(TrainError::Option(
            "give problems, at least 2 responses per problem, and at least one problem per step".to_owned(),
        ));
    }
    let verifier = RecordVerifier::new(problems);
    let names: Vec<&str> = problems.iter().map(|r| r.id.as_str()).collect();
    let method = format!(
        "grpo {groups:?} {} {} {} {:?} {:?}",
        drawing.samples,
        drawing.temperature,
        drawing.max_tokens,
        network.scope(),
        strawberry_synth::record::question_hash(&names.join(" ")),
    );
    let run = Run {
        place,
        name: run_name(&method, settings, source.hash(), &start_name(network)),
        settings,
        steps: groups.steps,
    };
    run.go(
        network,
        &mut |network, step, gradients| {
            let start = Instant::now();
            let (batch, tally) = collect(source, network, problems, &verifier, groups, drawing, step)?;
            let rollouts = start.elapsed().as_secs_f64();
            let mut measured = learn(source, network, &batch, drawing, settings, gradients)?;
            let share = |part: usize, whole: usize| part as f64 / whole.max(1) as f64;
            measured.more.extend([
                ("reward", tally.reward / tally.responses.max(1) as f64),
                ("flat", share(tally.flat, tally.groups)),
                ("cut", share(tally.cut, tally.responses)),
                ("rollout_share", rollouts / start.elapsed().as_secs_f64()),
            ]);
            Ok(measured)
        },
        &mut |_| Ok(None),
    )
}

/// Names the weights a run starts from.
fn start_name(network: &Network) -> String {
    let sum: f64 = network
        .trainable()
        .iter()
        .flat_map(|t| &t.data)
        .map(|v| f64::from(v.abs()))
        .sum();
    format!("{:016x}", sum.to_bits())
}

fn collect<'a>(
    source: &ModelSource,
    network: &Network,
    problems: &'a [Record],
    verifier: &dyn Verifier,
    groups: &Groups,
    drawing: &Drawing,
    step: usize,
) -> Result<(Vec<Group<'a>>, Tally), TrainError> {
    let sampler = Sampler::new(network, source, drawing.threads)?;
    let mut rng = Rng::new(Rng::derive(drawing.seed, &[step as u64]));
    let (mut batch, mut tally) = (Vec::new(), Tally::default());
    for _ in 0..groups.tries.max(1) {
        let wanted = groups.prompts - batch.len();
        if wanted == 0 {
            break;
        }
        let records: Vec<&Record> = (0..wanted).map(|_| rng.pick(problems)).collect();
        let prompts: Vec<_> = records.iter().map(|r| r.problem().messages).collect();
        let keys: Vec<u64> = records
            .iter()
            .map(|r| question_hash(r.question()) ^ rng.draw())
            .collect();
        for (record, responses) in records.into_iter().zip(sampler.draw(&prompts, &keys, drawing)?) {
            let rewards: Vec<_> = responses.iter().map(|r| reward(verifier, record, r)).collect();
            tally.groups += 1;
            tally.responses += rewards.len();
            tally.cut += rewards.iter().filter(|r| r.is_none()).count();
            tally.reward += rewards.iter().flatten().map(|r| f64::from(*r)).sum::<f64>();
            let advantages = advantages(&rewards);
            if advantages.iter().flatten().all(|a| a.abs() < 1e-6) {
                tally.flat += 1;
            } else {
                batch.push(Group {
                    record,
                    responses,
                    advantages,
                });
            }
        }
    }
    Ok((batch, tally))
}

fn learn(
    source: &ModelSource,
    network: &Network,
    groups: &[Group<'_>],
    drawing: &Drawing,
    settings: &Settings,
    gradients: &mut Gradients,
) -> Result<Measured, TrainError> {
    // A constant, so that long responses are neither favoured nor punished.
    let unit = 1.0 / (groups.len().max(1) * drawing.samples) as f32 / drawing.max_tokens as f32;
    let mut measured = Measured::default();
    let (mut surprise, mut drawn_tokens) = (0.0, 0usize);
    for group in groups {
        let messages = group.record.problem().messages;
        let mut rows: Vec<(Sequence, Vec<bool>, f32)> = Vec::new();
        for (response, advantage) in group.responses.iter().zip(&group.advantages) {
            let Some(advantage) = advantage else { continue };
            let (sequence, drawn) = response.sequence(source, &messages)?;
            if sequence.learned() > 0 && sequence.tokens.len() <= settings.max_length {
                rows.push((sequence, drawn, *advantage));
            }
        }
        let sequences: Vec<&Sequence> = rows.iter().map(|r| &r.0).collect();
        if sequences.is_empty() {
            continue;
        }
        let batch = Batch::new(&sequences, network.config().vocab_size)?;
        let drawn: Vec<bool> = rows.iter().flat_map(|r| r.1.iter().copied()).collect();
        let weights: Vec<f32> = batch
            .targets
            .iter()
            .zip(&drawn)
            .map(|(t, drawn)| {
                if *drawn {
                    rows[t.sequence as usize].2 * unit
                } else {
                    0.0
                }
            })
            .collect();
        let activations = network.forward(&batch, settings.keep());
        let all = network.train_on(&batch, activations, &weights, gradients);
        measured.tokens += batch.tokens.len();
        for ((l, w), drawn) in all.iter().zip(&weights).zip(&drawn) {
            measured.loss -= f64::from(l * w);
            if *drawn {
                surprise -= f64::from(*l);
                drawn_tokens += 1;
            }
        }
    }
    measured.more = vec![("entropy", surprise / drawn_tokens.max(1) as f64)];
    Ok(measured)
}

#[cfg(test)]
mod tests {
    use super::advantages;

    #[test]
    fn advantages_sum_to_zero_over_known_rewards() {
        assert_eq!(
            advantages(&[Some(1.0), Some(-1.0), None, Some(0.0)]),
            [Some(1.0), Some(-1.0), None, Some(0.0)]
        );
        assert_eq!(advantages(&[Some(-1.0), Some(-1.0)]), [Some(0.0), Some(0.0)]);
        assert_eq!(advantages(&[None, None]), [None, None]);
    }
}
