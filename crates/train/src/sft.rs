//! Supervised fine-tuning: the likelihood of completions, given their prompts.

use strawberry_engine::source::ModelSource;

use crate::data::{self, Example, Split};
use crate::error::TrainError;
use crate::network::batch::{Batch, Sequence};
use crate::network::{Gradients, Keep, Network};
use crate::plan::Plan;
use crate::run::{Finished, Measured, Place, Run, Settings, run_name};

/// Held-out rows that are measured at most.
const DEV_ROWS: usize = 128;

/// Rows as tokens, ready to be learned.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    /// To be learned.
    pub train: Vec<Sequence>,
    /// To be measured.
    pub dev: Vec<Sequence>,
    /// Rows left out for their length.
    pub too_long: usize,
}

impl Rows {
    /// Writes examples down as tokens. Test rows are left out.
    ///
    /// # Errors
    /// When an example can't be tokenised, or nothing is left to learn.
    pub fn new(source: &ModelSource, examples: &[Example], max_length: usize) -> Result<Rows, TrainError> {
        let mut rows = Rows::default();
        for example in examples.iter().filter(|e| e.split != Split::Test) {
            let sequence = data::sequence(source, &example.messages, &example.completion)?;
            if sequence.tokens.len() > max_length {
                rows.too_long += 1;
            } else if example.split == Split::Train {
                rows.train.push(sequence);
            } else if rows.dev.len() < DEV_ROWS {
                rows.dev.push(sequence);
            }
        }
        if rows.train.is_empty() {
            return Err(TrainError::Option(format!(
                "there is nothing to learn: of {} rows, {} are longer than {max_length} tokens and none is left for training",
                examples.len(),
                rows.too_long
            )));
        }
        Ok(rows)
    }
}

/// Adds the gradients of the mean loss over all learned tokens of `packs`; gives the loss and the tokens computed.
///
/// # Errors
/// When a sequence does not fit the vocabulary.
pub fn likelihood_step(
    network: &Network,
    packs: &[Vec<&Sequence>],
    keep: Keep,
    gradients: &mut Gradients,
) -> Result<Measured, TrainError> {
    let learned: usize = packs.iter().flatten().map(|s| s.learned()).sum();
    let weight = 1.0 / learned.max(1) as f32;
    let mut measured = Measured::default();
    for pack in packs {
        let batch = Batch::new(pack, network.config().vocab_size)?;
        let activations = network.forward(&batch, keep);
        let weights = vec![weight; batch.targets.len()];
        let all = network.train_on(&batch, activations, &weights, gradients);
        measured.loss -= all.iter().map(|l| f64::from(*l)).sum::<f64>() / learned.max(1) as f64;
        measured.tokens += batch.tokens.len();
    }
    Ok(measured)
}

/// The mean loss over the learned tokens of `rows`; `None` without rows.
///
/// # Errors
/// When a sequence does not fit the vocabulary.
pub fn likelihood(
    network: &Network,
    rows: &[Sequence],
    pack_tokens: usize,
) -> Result<Option<f64>, TrainError> {
    let (mut sum, mut count) = (0.0, 0);
    let lengths: Vec<usize> = rows.iter().map(|r| r.tokens.len()).collect();
    let plan = Plan::new(&lengths, 1.0, usize::MAX, pack_tokens, 0);
    for pack in plan.steps.iter().flatten() {
        let pack: Vec<&Sequence> = pack.iter().map(|r| &rows[*r]).collect();
        let batch = Batch::new(&pack, network.config().vocab_size)?;
        let all = network.log_probabilities(&batch, &network.forward(&batch, Keep::Nothing));
        sum -= all.iter().map(|l| f64::from(*l)).sum::<f64>();
        count += all.len();
    }
    Ok((count > 0).then(|| sum / count as f64))
}

/// Fine-tunes `network` on `rows`. A run that was stopped or killed goes on where its last checkpoint is, and
/// ends with the same weights, bit for bit, as one that was not.
///
/// # Errors
/// Those of [`Run::go`].
pub fn train(
    source: &ModelSource,
    network: &mut Network,
    rows: &Rows,
    settings: &Settings,
    place: Place<'_>,
) -> Result<Finished, TrainError> {
    settings.validate()?;
    let lengths: Vec<usize> = rows.train.iter().map(|r| r.tokens.len()).collect();
    let plan = Plan::of(&lengths, settings);
    let method = format!("sft {:?}", network.scope());
    let data = data::fingerprint(&rows.train);
    let run = Run {
        place,
        name: run_name(&method, settings, source.hash(), &data),
        settings,
        steps: plan.steps.len(),
    };
    run.go(
        network,
        &mut |network, step, gradients| {
            let packs = plan.packs(step, &rows.train);
            likelihood_step(network, &packs, settings.keep(), gradients)
        },
        &mut |network| likelihood(network, &rows.dev, settings.pack_tokens),
    )
}
