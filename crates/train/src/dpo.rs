//! Direct preference optimisation (Rafailov et al. 2023, arXiv 2305.18290).

use strawberry_engine::source::ModelSource;

use crate::data::{self, Preference};
use crate::error::TrainError;
use crate::network::batch::{Batch, Sequence};
use crate::network::{Keep, Network};
use crate::plan::Plan;
use crate::run::{Finished, Measured, Place, Run, Settings, run_name};

/// A preference as tokens, with what the start model says of it.
struct Pair {
    chosen: Sequence,
    rejected: Sequence,
    /// `log p(chosen) − log p(rejected)` under the start model.
    reference: f64,
}

fn log_ratio(batch: &Batch, log_probabilities: &[f32]) -> f64 {
    batch
        .targets
        .iter()
        .zip(log_probabilities)
        .map(|(t, l)| {
            if t.sequence == 0 {
                f64::from(*l)
            } else {
                -f64::from(*l)
            }
        })
        .sum()
}

/// Trains `network`, whose present weights are the reference, with inverse temperature `beta`. Each pair is one
/// forward pass that computes the prompt once. Metrics: `accuracy` (pairs whose better response gained on the
/// other) and `margin` (by how much, in nats times `beta`).
///
/// # Errors
/// When there is no pair short enough, and those of [`Run::go`].
pub fn train(
    source: &ModelSource,
    network: &mut Network,
    preferences: &[Preference],
    beta: f32,
    settings: &Settings,
    place: Place<'_>,
) -> Result<Finished, TrainError> {
    settings.validate()?;
    if !(beta > 0.0 && beta.is_finite()) {
        return Err(TrainError::Option("beta must be above 0".to_owned()));
    }
    let vocab = network.config().vocab_size;
    let mut pairs = Vec::new();
    for p in preferences {
        let chosen = data::sequence(source, &p.messages, &p.chosen)?;
        let rejected = data::sequence(source, &p.messages, &p.rejected)?;
        if chosen.tokens.len().max(rejected.tokens.len()) > settings.max_length {
            continue;
        }
        let batch = Batch::new(&[&chosen, &rejected], vocab)?;
        let all = network.log_probabilities(&batch, &network.forward(&batch, Keep::Nothing));
        pairs.push(Pair {
            reference: log_ratio(&batch, &all),
            chosen,
            rejected,
        });
    }
    if pairs.is_empty() {
        return Err(TrainError::Option(format!(
            "none of {} pairs has at most {} tokens",
            preferences.len(),
            settings.max_length
        )));
    }
    let lengths: Vec<usize> = pairs
        .iter()
        .map(|p| p.chosen.tokens.len() + p.rejected.learned())
        .collect();
    let plan = Plan::new(&lengths, settings.epochs, settings.step_tokens, 1, settings.seed);
    let sequences = pairs.iter().flat_map(|p| [&p.chosen, &p.rejected]);
    let data = data::fingerprint(sequences);
    let start: f64 = pairs.iter().map(|p| p.reference).sum();
    let run = Run {
        place,
        name: run_name(
            &format!("dpo {beta} {start} {:?}", network.scope()),
            settings,
            source.hash(),
            &data,
        ),
        settings,
        steps: plan.steps.len(),
    };
    let beta = f64::from(beta);
    run.go(
        network,
        &mut |network, step, gradients| {
            let chosen: Vec<&Pair> = plan.packs(step, &pairs).into_iter().flatten().collect();
            let n = chosen.len() as f64;
            let mut measured = Measured::default();
            let (mut right, mut margins) = (0.0, 0.0);
            for pair in &chosen {
                let batch = Batch::new(&[&pair.chosen, &pair.rejected], vocab)?;
                let activations = network.forward(&batch, settings.keep());
                let all = network.log_probabilities(&batch, &activations);
                let margin = beta * (log_ratio(&batch, &all) - pair.reference);
                // −log σ(margin), and its slope.
                measured.loss += (-margin).exp().ln_1p() / n;
                let slope = (beta / (1.0 + margin.exp()) / n) as f32;
                let weights: Vec<f32> = batch
                    .targets
                    .iter()
                    .map(|t| if t.sequence == 0 { slope } else { -slope })
                    .collect();
                network.train_on(&batch, activations, &weights, gradients);
                measured.tokens += batch.tokens.len();
                right += f64::from(u8::from(margin > 0.0)) / n;
                margins += margin / n;
            }
            measured.more = vec![("accuracy", right), ("margin", margins)];
            Ok(measured)
        },
        &mut |_| Ok(None),
    )
}
