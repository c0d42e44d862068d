//! The output side: logits (or scores) at chosen places only, a piece at a time.
//!
//! The logits of a whole batch would be its largest array by far; losses look at completions only, so prompts
//! never get any.

use std::ops::Range;

use super::batch::Batch;
use super::layers::Activations;
use super::{Gradients, Network};
use crate::ops::exp::exp;
use crate::ops::loss;
use crate::ops::matmul::{Into, mat, product};
use crate::ops::norm;

/// Targets whose logits are computed together.
const PIECE: usize = 256;

impl Network {
    fn output_index(&self) -> usize {
        if self.config.tied_embeddings { 0 } else { 2 }
    }

    /// Calls `f` with the logits (`[targets, vocab]`) of the targets in a range, range after range.
    pub fn logits(
        &self,
        batch: &Batch,
        activations: &Activations,
        mut f: impl FnMut(Range<usize>, &mut [f32]),
    ) {
        self.pieces(batch, activations, &mut f, None);
    }

    /// Like [`Network::logits`], but `f` replaces the logits by the gradient of the loss over them. Gives the
    /// gradient by the output of the last layer, for [`Network::backward`].
    pub fn head(
        &self,
        batch: &Batch,
        activations: &Activations,
        gradients: &mut Gradients,
        mut f: impl FnMut(Range<usize>, &mut [f32]),
    ) -> Vec<f32> {
        let mut dx = vec![0.0; activations.output.len()];
        self.pieces(batch, activations, &mut f, Some((&mut dx, gradients)));
        dx
    }

    fn pieces(
        &self,
        batch: &Batch,
        activations: &Activations,
        f: &mut dyn FnMut(Range<usize>, &mut [f32]),
        mut back: Option<(&mut Vec<f32>, &mut Gradients)>,
    ) {
        let (d, vocab, eps) = (self.config.hidden, self.config.vocab_size, self.config.rms_eps);
        let w = self.data(1);
        let matrix = mat(self.data(self.output_index()), vocab, d);
        for start in (0..batch.targets.len()).step_by(PIECE) {
            let range = start..batch.targets.len().min(start + PIECE);
            let n = range.len();
            let places = || batch.targets[range.clone()].iter().map(|t| t.at as usize * d);
            let mut x = Vec::with_capacity(n * d);
            for at in places() {
                x.extend_from_slice(&activations.output[at..][..d]);
            }
            let h = norm::forward(&x, w, eps);
            let mut logits = vec![0.0; n * vocab];
            product(&mut logits, mat(&h, n, d), matrix.t(), 1.0, Into::Set);
            f(range.clone(), &mut logits);
            let Some((dx, gradients)) = &mut back else {
                continue;
            };
            let dlogits = mat(&logits, n, vocab);
            let mut dh = vec![0.0; n * d];
            product(&mut dh, dlogits, matrix, 1.0, Into::Set);
            if let Some(de) = gradients.tensor(self.output_index()) {
                product(de, dlogits.t(), mat(&h, n, d), 1.0, Into::Add);
            }
            let mut part = vec![0.0; n * d];
            norm::backward(&dh, &x, w, eps, &mut part, gradients.tensor(1));
            for (at, part) in places().zip(part.chunks(d)) {
                dx[at..][..d].iter_mut().zip(part).for_each(|(x, p)| *x += p);
            }
        }
    }

    /// Each target's log-probability in nats.
    pub fn log_probabilities(&self, batch: &Batch, activations: &Activations) -> Vec<f32> {
        let vocab = self.config.vocab_size;
        let tokens: Vec<u32> = batch.targets.iter().map(|t| t.token).collect();
        let mut all = Vec::with_capacity(tokens.len());
        self.logits(batch, activations, |range, logits| {
            all.extend(loss::log_probabilities(logits, vocab, &tokens[range]));
        });
        all
    }

    /// Adds the gradients of `Σ −weight · log p(target)` (one weight for each target) and gives the targets'
    /// log-probabilities.
    pub fn train_on(
        &self,
        batch: &Batch,
        activations: Activations,
        weights: &[f32],
        gradients: &mut Gradients,
    ) -> Vec<f32> {
        let vocab = self.config.vocab_size;
        let tokens: Vec<u32> = batch.targets.iter().map(|t| t.token).collect();
        let mut all = Vec::with_capacity(tokens.len());
        let dx = self.head(batch, &activations, gradients, |range, logits| {
            all.extend(loss::weighted_nll(
                logits,
                vocab,
                &tokens[range.clone()],
                &weights[range],
            ));
        });
        self.backward(batch, activations, dx, gradients);
        all
    }

    /// The scorer's logit after every target, the target itself not yet read; zeros without a scorer.
    pub fn scores(&self, batch: &Batch, activations: &Activations) -> Vec<f32> {
        let (_, h) = self.scored(batch, activations);
        let Some(scorer) = &self.scorer else {
            return vec![0.0; batch.targets.len()];
        };
        h.chunks(self.config.hidden)
            .map(|h| h.iter().zip(&scorer.data).map(|(h, s)| h * s).sum())
            .collect()
    }

    fn scored(&self, batch: &Batch, activations: &Activations) -> (Vec<f32>, Vec<f32>) {
        let d = self.config.hidden;
        let x: Vec<f32> = batch
            .targets
            .iter()
            .flat_map(|t| &activations.output[t.at as usize * d..][..d])
            .copied()
            .collect();
        let h = norm::forward(&x, self.data(1), self.config.rms_eps);
        (x, h)
    }

    /// Adds the gradients of `Σ weight · BCE(score, label)` over all targets; gives each target's score as a
    /// probability.
    pub fn train_scorer(
        &self,
        batch: &Batch,
        activations: Activations,
        labels: &[f32],
        weights: &[f32],
        gradients: &mut Gradients,
    ) -> Vec<f32> {
        let d = self.config.hidden;
        let (x, h) = self.scored(batch, &activations);
        let Some(scorer) = &self.scorer else {
            return Vec::new();
        };
        let mut dh = vec![0.0; h.len()];
        let mut all = Vec::with_capacity(labels.len());
        for (i, (h, dh)) in h.chunks(d).zip(dh.chunks_mut(d)).enumerate() {
            let logit: f32 = h.iter().zip(&scorer.data).map(|(h, s)| h * s).sum();
            let p = 1.0 / (1.0 + exp(-logit));
            let slope = weights[i] * (p - labels[i]);
            for ((dh, s), (g, h)) in dh
                .iter_mut()
                .zip(&scorer.data)
                .zip(gradients.scorer.iter_mut().zip(h))
            {
                *dh = slope * s;
                *g += slope * h;
            }
            all.push(p);
        }
        let mut part = vec![0.0; x.len()];
        let w = self.data(1);
        norm::backward(&dh, &x, w, self.config.rms_eps, &mut part, gradients.tensor(1));
        let mut dx = vec![0.0; activations.output.len()];
        for (t, part) in batch.targets.iter().zip(part.chunks(d)) {
            let row = &mut dx[t.at as usize * d..][..d];
            row.iter_mut().zip(part).for_each(|(x, p)| *x += p);
        }
        self.backward(batch, activations, dx, gradients);
        all
    }
}
