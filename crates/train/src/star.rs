//! STaR (Zelikman et al. 2022, arXiv 2203.14465): sample, keep what verifies, train from the start model, repeat.
//! As in RFT (Yuan et al. 2023, arXiv 2308.01825), several solutions of a problem are kept when their equations
//! differ. Failures are recorded as well, with reward −1.

use std::collections::HashSet;
use std::path::Path;

use serde::{Deserialize, Serialize};
use strawberry_core::{Verdict, Verifier};
use strawberry_engine::source::ModelSource;
use strawberry_synth::judge::RecordVerifier;
use strawberry_synth::record::Record;
use strawberry_synth::sink::Journal;
use strawberry_synth::steps;

use crate::checkpoint;
use crate::data::{Example, Split};
use crate::error::TrainError;
use crate::export::adapter;
use crate::network::{Network, Scope};
use crate::rollout::{Drawing, Sampler};
use crate::run::{Metrics, Place, Settings};
use crate::sft::{self, Rows};

/// Problems sampled between two lines of the journal.
const UNIT: usize = 16;

/// What a round is made of.
pub struct Round<'a> {
    /// The folder of this round.
    pub folder: &'a Path,
    /// Problems with references.
    pub problems: &'a [Record],
    /// Rows that are learned in every round besides what was sampled.
    pub always: &'a [Example],
    /// Records kept in earlier rounds.
    pub earlier: &'a [Record],
    /// How the model is asked.
    pub drawing: &'a Drawing,
    /// Different solutions of one problem at most.
    pub paths: usize,
    /// How it is trained.
    pub settings: &'a Settings,
    /// Seconds between checkpoints.
    pub checkpoint_seconds: f64,
}

/// What came of a round's sampling.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Problems sampled.
    pub problems: usize,
    /// Responses drawn.
    pub samples: usize,
    /// Responses that verified.
    pub right: usize,
    /// Problems with at least one response that verified.
    pub solved: usize,
    /// Records kept: right ones with equations of their own that all hold.
    pub kept: usize,
}

/// One response as it is journalled.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Judged {
    right: bool,
    record: Record,
}

/// Samples `policy` on all problems and keeps what verifies in `folder/samples.jsonl`, a durable job.
///
/// # Errors
/// When sampling fails or the disk refuses.
pub fn sample(
    policy: &Network,
    source: &ModelSource,
    round: &Round<'_>,
) -> Result<(Outcome, Vec<Record>), TrainError> {
    std::fs::create_dir_all(round.folder).map_err(TrainError::io(round.folder))?;
    let mut journal = Journal::open(&round.folder.join("samples.jsonl"))?;
    let verifier = RecordVerifier::new(round.problems);
    let mut sampler = None;
    for (i, unit) in round.problems.chunks(UNIT).enumerate() {
        let key = format!("{i}");
        if journal.is_done(&key) {
            continue;
        }
        let sampler = match &mut sampler {
            Some(sampler) => sampler,
            none => none.insert(Sampler::new(policy, source, round.drawing.threads)?),
        };
        let prompts: Vec<_> = unit.iter().map(|r| r.problem().messages).collect();
        let keys: Vec<u64> = unit
            .iter()
            .map(|r| strawberry_synth::record::question_hash(r.question()))
            .collect();
        let all = sampler.draw(&prompts, &keys, round.drawing)?;
        let mut results = Vec::new();
        for (record, responses) in unit.iter().zip(all) {
            for (j, response) in responses.into_iter().enumerate() {
                let text = response.text().trim().to_owned();
                let verdict = verifier.judge(&record.problem(), &text).map(|j| j.verdict);
                let right = response.finished && verdict == Some(Verdict::Correct);
                let steps = steps::marked(&text).steps;
                let sound = steps.iter().all(|s| s.ok);
                let mut kept = record.clone();
                kept.id = format!("{}-s{j}", record.id);
                kept.completion = text;
                kept.steps = steps;
                kept.reward = if right && sound { 1 } else { -1 };
                results.push(Judged { right, record: kept });
            }
        }
        journal.append(&key, results)?;
    }
    let mut outcome = Outcome {
        problems: round.problems.len(),
        ..Outcome::default()
    };
    let (mut solved, mut keys) = (HashSet::new(), HashSet::new());
    let mut counts = std::collections::HashMap::<String, usize>::new();
    let mut kept = Vec::new();
    let before = round.earlier.iter().map(path);
    keys.extend(before);
    for judged in journal.results::<Judged>()? {
        outcome.samples += 1;
        outcome.right += usize::from(judged.right);
        let record = judged.record;
        if judged.right {
            solved.insert(record.problem.clone());
        }
        let count = counts.entry(record.problem.clone()).or_default();
        if record.reward == 1 && *count < round.paths && keys.insert(path(&record)) {
            *count += 1;
            kept.push(record);
        }
    }
    outcome.solved = solved.len();
    outcome.kept = kept.len();
    Ok((outcome, kept))
}

/// Two right responses to a problem count as one when this is equal.
fn path(record: &Record) -> String {
    let key = record
        .equation_key()
        .unwrap_or_else(|| strawberry_synth::record::normalise(&record.completion));
    format!("{}|{key}", record.problem)
}

/// A round: samples from `policy`, then trains fresh adapters on the start model with what was kept so far.
/// Gives the trained network, what came of sampling, and the records kept in this round.
///
/// # Errors
/// Those of sampling and of [`sft::train`].
pub fn round(
    policy: &Network,
    source: &ModelSource,
    scope: Scope,
    round: &Round<'_>,
    watch: &mut dyn FnMut(&Metrics) -> bool,
) -> Result<(Network, Outcome, Vec<Record>), TrainError> {
    let (outcome, kept) = sample(policy, source, round)?;
    let text = serde_json::to_vec_pretty(&outcome).unwrap_or_default();
    checkpoint::write_file(&round.folder.join("outcome.json"), &text)?;
    let examples: Vec<Example> = round
        .always
        .iter()
        .cloned()
        .chain(round.earlier.iter().chain(&kept).map(|r| Example {
            messages: r.problem().messages,
            completion: r.completion.clone(),
            split: Split::Train,
        }))
        .collect();
    let rows = Rows::new(source, &examples, round.settings.max_length)?;
    let mut network = Network::load(source, scope, round.settings.seed)?;
    let place = Place {
        folder: round.folder,
        checkpoint_seconds: round.checkpoint_seconds,
        dev_steps: 20,
        watch,
    };
    sft::train(source, &mut network, &rows, round.settings, place)?;
    if matches!(scope, Scope::Lora { .. }) {
        adapter::write(&round.folder.join("adapter"), &network, &source.config().name)?;
    }
    Ok((network, outcome, kept))
}
