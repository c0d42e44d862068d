//! A learned verifier: the same body with one more vector, whose product with a hidden state says how likely the
//! solution will turn out right (Cobbe et al. 2021, arXiv 2110.14168: the outcome is the label of every token).

use std::collections::HashMap;
use std::path::Path;

use strawberry_core::Message;
use strawberry_engine::source::ModelSource;
use strawberry_synth::record::Record;

use crate::checkpoint::{self, write_tensors};
use crate::data;
use crate::error::TrainError;
use crate::export::adapter;
use crate::network::batch::{Batch, Sequence};
use crate::network::{Keep, Network};
use crate::ops::exp::exp;
use crate::plan::Plan;
use crate::run::{Finished, Measured, Place, Run, Settings, run_name};

const SCORER: &str = "scorer.safetensors";

/// A solution and whether it is right.
struct Row {
    sequence: Sequence,
    label: f32,
}

/// Solutions to learn from and to measure on.
pub struct Rows {
    train: Vec<Row>,
    dev: Vec<Row>,
}

impl Rows {
    /// Records with reward 1 are right, with −1 wrong; others are left out. Those of other splits than `train`
    /// are measured.
    ///
    /// # Errors
    /// When right or wrong solutions are missing, or one can't be tokenised.
    pub fn new(source: &ModelSource, records: &[Record], max_length: usize) -> Result<Rows, TrainError> {
        let mut rows = Rows {
            train: Vec::new(),
            dev: Vec::new(),
        };
        for record in records.iter().filter(|r| r.reward != 0) {
            let sequence = data::sequence(source, &record.problem().messages, &record.completion)?;
            if sequence.tokens.len() > max_length {
                continue;
            }
            let row = Row {
                sequence,
                label: f32::from(u8::from(record.reward > 0)),
            };
            if record.split == "train" {
                rows.train.push(row);
            } else {
                rows.dev.push(row);
            }
        }
        let right = rows.train.iter().filter(|r| r.label > 0.5).count();
        if right == 0 || right == rows.train.len() {
            return Err(TrainError::Option(format!(
                "a verifier needs right and wrong solutions; of {} for training {right} are right. `train star` keeps both \
                 in samples.jsonl, `synth from-traces` too",
                rows.train.len()
            )));
        }
        Ok(rows)
    }
}

/// The mean loss over tokens, and the share of rows whose last score is on the right side of one half.
fn measured(rows: &[&Row], batch: &Batch, scores: &[f32]) -> (f64, f64) {
    let mut loss = 0.0;
    let mut last = vec![0.5; rows.len()];
    for (t, p) in batch.targets.iter().zip(scores) {
        let row = t.sequence as usize;
        let right = if rows[row].label > 0.5 { *p } else { 1.0 - p };
        loss -= f64::from(right.max(1e-7)).ln();
        last[row] = *p;
    }
    let right = rows
        .iter()
        .zip(&last)
        .filter(|(r, p)| (**p > 0.5) == (r.label > 0.5))
        .count();
    (loss, right as f64)
}

/// Trains `network`, which gets a scorer if it has none. Metrics: `accuracy` of the last scores.
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
    network.add_scorer();
    let vocab = network.config().vocab_size;
    let lengths: Vec<usize> = rows.train.iter().map(|r| r.sequence.tokens.len()).collect();
    let plan = Plan::of(&lengths, settings);
    let labels: Vec<String> = rows.train.iter().map(|r| r.label.to_string()).collect();
    let fingerprint = data::fingerprint(rows.train.iter().map(|r| &r.sequence));
    let run = Run {
        place,
        name: run_name(
            &format!("verifier {:?}", network.scope()),
            settings,
            source.hash(),
            &format!("{fingerprint} {}", labels.concat()),
        ),
        settings,
        steps: plan.steps.len(),
    };
    run.go(
        network,
        &mut |network, step, gradients| {
            let packs = plan.packs(step, &rows.train);
            let tokens: usize = packs.iter().flatten().map(|r| r.sequence.learned()).sum();
            let count: usize = packs.iter().map(Vec::len).sum();
            let mut sum = Measured::default();
            let mut right = 0.0;
            for pack in &packs {
                let sequences: Vec<&Sequence> = pack.iter().map(|r| &r.sequence).collect();
                let batch = Batch::new(&sequences, vocab)?;
                let labels: Vec<f32> = batch
                    .targets
                    .iter()
                    .map(|t| pack[t.sequence as usize].label)
                    .collect();
                let weights = vec![1.0 / tokens as f32; labels.len()];
                let activations = network.forward(&batch, settings.keep());
                let scores = network.train_scorer(&batch, activations, &labels, &weights, gradients);
                let (loss, good) = measured(pack, &batch, &scores);
                sum.loss += loss / tokens as f64;
                right += good;
                sum.tokens += batch.tokens.len();
            }
            sum.more = vec![("accuracy", right / count.max(1) as f64)];
            Ok(sum)
        },
        &mut |network| {
            let (mut loss, mut tokens) = (0.0, 0);
            for pack in rows.dev.chunks(8) {
                let pack: Vec<&Row> = pack.iter().collect();
                let sequences: Vec<&Sequence> = pack.iter().map(|r| &r.sequence).collect();
                let batch = Batch::new(&sequences, vocab)?;
                loss += measured(&pack, &batch, &probabilities(network, &batch)).0;
                tokens += batch.targets.len();
            }
            Ok((tokens > 0).then(|| loss / tokens as f64))
        },
    )
}

fn probabilities(network: &Network, batch: &Batch) -> Vec<f32> {
    let activations = network.forward(batch, Keep::Nothing);
    let scores = network.scores(batch, &activations);
    scores.iter().map(|s| 1.0 / (1.0 + exp(-s))).collect()
}

/// Writes adapters and scorer into one folder.
///
/// # Errors
/// When the network has none of them, or the disk refuses.
pub fn write(folder: &Path, network: &Network, base: &str) -> Result<(), TrainError> {
    adapter::write(folder, network, base)?;
    let scorer = network
        .scorer()
        .ok_or_else(|| TrainError::Option("this network has no scorer".to_owned()))?;
    let data = scorer.data.iter().flat_map(|v| v.to_le_bytes()).collect();
    let entry = (
        scorer.name.clone(),
        vec![scorer.rows, scorer.cols],
        safetensors::Dtype::F32,
        data,
    );
    write_tensors(&folder.join(SCORER), &[entry], HashMap::new())
}

/// Reads what [`write`] wrote into `network`.
///
/// # Errors
/// [`TrainError::Mismatch`] names the tensor that does not fit.
pub fn read(folder: &Path, network: &mut Network) -> Result<(), TrainError> {
    adapter::read(folder, network)?;
    network.add_scorer();
    let mut targets = network.trainable_mut();
    let scorer = targets
        .pop()
        .map(|t| (t.name.clone(), [t.rows, t.cols], &mut t.data));
    checkpoint::read_tensors(&folder.join(SCORER), scorer.into_iter().collect())
}

/// How likely each response is right, in the order given.
///
/// # Errors
/// When one can't be tokenised.
pub fn score(
    network: &Network,
    source: &ModelSource,
    pairs: &[(Vec<Message>, String)],
) -> Result<Vec<f32>, TrainError> {
    let mut all = Vec::with_capacity(pairs.len());
    for pack in pairs.chunks(8) {
        let sequences = pack
            .iter()
            .map(|(messages, response)| data::sequence(source, messages, response))
            .collect::<Result<Vec<_>, _>>()?;
        let batch = Batch::new(&sequences.iter().collect::<Vec<_>>(), network.config().vocab_size)?;
        let mut last = vec![0.5; sequences.len()];
        for (t, p) in batch.targets.iter().zip(probabilities(network, &batch)) {
            last[t.sequence as usize] = p;
        }
        all.extend(last);
    }
    Ok(all)
}
