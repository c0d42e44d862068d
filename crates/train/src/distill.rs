//! Distillation by logits (Hinton et al. 2015, arXiv 1503.02531): the student learns the teacher's whole
//! distribution at each token of the completions. Teacher and student share a vocabulary. Distillation by text is
//! [`sft`](crate::sft) on the teacher's responses.

use strawberry_engine::source::ModelSource;

use crate::data;
use crate::error::TrainError;
use crate::network::batch::{Batch, Sequence};
use crate::network::{Keep, Network};
use crate::ops::loss::{Divergence, divergence};
use crate::plan::Plan;
use crate::run::{Finished, Measured, Place, Run, Settings, run_name};
use crate::sft::Rows;

/// The divergence over all packs, and its gradients where they are wanted.
fn step(
    student: &Network,
    teacher: &Network,
    packs: &[Vec<&Sequence>],
    kind: Divergence,
    mut gradients: Option<&mut crate::network::Gradients>,
    keep: Keep,
) -> Result<Measured, TrainError> {
    let vocab = student.config().vocab_size;
    let learned: usize = packs.iter().flatten().map(|s| s.learned()).sum();
    let unit = 1.0 / learned.max(1) as f32;
    let mut measured = Measured::default();
    for pack in packs {
        let batch = Batch::new(pack, vocab)?;
        let taught = teacher.forward(&batch, Keep::Nothing);
        let mut pieces: Vec<Vec<f32>> = Vec::new();
        teacher.logits(&batch, &taught, |_, logits| pieces.push(logits.to_vec()));
        let mut pieces = pieces.into_iter();
        let activations = student.forward(&batch, keep);
        let mut value = 0.0;
        let mut piece = |range: std::ops::Range<usize>, logits: &mut [f32]| {
            let weights = vec![unit; range.len()];
            let mut taught = pieces.next().unwrap_or_default();
            let all = divergence(logits, &mut taught, vocab, &weights, kind);
            value += all.iter().map(|d| f64::from(*d)).sum::<f64>();
        };
        match &mut gradients {
            Some(gradients) => {
                let dx = student.head(&batch, &activations, gradients, &mut piece);
                student.backward(&batch, activations, dx, gradients);
            }
            None => student.logits(&batch, &activations, &mut piece),
        }
        measured.loss += value / learned.max(1) as f64;
        measured.tokens += batch.tokens.len();
    }
    Ok(measured)
}

/// Trains `student` towards `teacher` on the completions of `rows`. The loss is the divergence per token in
/// nats.
///
/// # Errors
/// When the vocabularies differ, and those of [`Run::go`].
pub fn train(
    source: &ModelSource,
    student: &mut Network,
    teacher: &Network,
    rows: &Rows,
    kind: Divergence,
    settings: &Settings,
    place: Place<'_>,
) -> Result<Finished, TrainError> {
    settings.validate()?;
    let (s, t) = (student.config(), teacher.config());
    if s.vocab_size != t.vocab_size {
        return Err(TrainError::Option(format!(
            "the student has {} tokens and the teacher {}: only models with one vocabulary can be distilled by \
             logits; train on the teacher's texts instead",
            s.vocab_size, t.vocab_size
        )));
    }
    let layers = (s.layers, t.layers);
    let lengths: Vec<usize> = rows.train.iter().map(|r| r.tokens.len()).collect();
    let plan = Plan::of(&lengths, settings);
    let method = format!("distill {kind:?} {layers:?} {:?}", student.scope());
    let run = Run {
        place,
        name: run_name(&method, settings, source.hash(), &data::fingerprint(&rows.train)),
        settings,
        steps: plan.steps.len(),
    };
    run.go(
        student,
        &mut |student, at, gradients| {
            let packs = plan.packs(at, &rows.train);
            step(student, teacher, &packs, kind, Some(gradients), settings.keep())
        },
        &mut |student| {
            if rows.dev.is_empty() {
                return Ok(None);
            }
            let pack: Vec<Vec<&Sequence>> = rows.dev.chunks(8).map(|c| c.iter().collect()).collect();
            Ok(Some(
                step(student, teacher, &pack, kind, None, Keep::Nothing)?.loss,
            ))
        },
    )
}
