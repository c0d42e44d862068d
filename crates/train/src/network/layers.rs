//! The decoder's layers, forward and backward.

use super::batch::Batch;
use super::{Gradients, Network, Part};
use crate::ops::attention::{self, Heads};
use crate::ops::matmul::Into;
use crate::ops::rope::Angles;
use crate::ops::{norm, swiglu};

/// What the backward pass needs of one layer.
#[derive(Debug, Default)]
struct Saved {
    /// The layer's input, `[tokens, hidden]`.
    x: Vec<f32>,
    /// The rest, unless it is to be computed again.
    inner: Option<Inner>,
}

#[derive(Debug)]
struct Inner {
    q: Vec<f32>,
    k: Vec<f32>,
    v: Vec<f32>,
    /// Output of attention before its projection.
    mixed: Vec<f32>,
    /// The residual stream between the two halves.
    middle: Vec<f32>,
    gate: Vec<f32>,
    up: Vec<f32>,
}

/// What a forward pass leaves behind.
#[derive(Debug)]
pub struct Activations {
    angles: Angles,
    layers: Vec<Saved>,
    /// Output of the last layer before the last norm, `[tokens, hidden]`.
    pub(super) output: Vec<f32>,
}

/// How much a forward pass keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// Nothing: there will be no backward pass.
    Nothing,
    /// The inputs of the layers; their insides are computed twice (gradient checkpointing, Chen et al. 2016,
    /// arXiv 1604.06174).
    Inputs,
    /// All that the backward pass reads.
    Everything,
}

impl Network {
    fn heads(&self) -> Heads {
        Heads {
            queries: self.config.heads,
            keys: self.config.kv_heads,
            dim: self.config.head_dim,
        }
    }

    /// Computes all layers.
    pub fn forward(&self, batch: &Batch, keep: Keep) -> Activations {
        let d = self.config.hidden;
        let embedding = self.data(0);
        let mut x = Vec::with_capacity(batch.tokens.len() * d);
        for &token in &batch.tokens {
            x.extend_from_slice(&embedding[token as usize * d..][..d]);
        }
        let angles = Angles::new(&batch.positions(), &self.frequencies);
        let mut layers = Vec::with_capacity(self.config.layers);
        for layer in 0..self.config.layers {
            let (next, inner) = self.layer(layer, &x, batch, &angles);
            layers.push(match keep {
                Keep::Nothing => Saved::default(),
                Keep::Inputs => Saved { x, inner: None },
                Keep::Everything => Saved {
                    x,
                    inner: Some(inner),
                },
            });
            x = next;
        }
        Activations {
            angles,
            layers,
            output: x,
        }
    }

    fn layer(&self, layer: usize, x: &[f32], batch: &Batch, angles: &Angles) -> (Vec<f32>, Inner) {
        let c = &self.config;
        let n = batch.tokens.len();
        let at = |part| self.at(layer, part);
        let project = |part: Part, x: &[f32], width: usize| {
            let mut out = vec![0.0; n * width];
            self.linear(at(part), x, &mut out, Into::Set);
            out
        };
        let h = norm::forward(x, self.data(at(Part::AttentionNorm)), c.rms_eps);
        let mut q = project(Part::Q, &h, c.q_rows());
        let mut k = project(Part::K, &h, c.kv_rows());
        let v = project(Part::V, &h, c.kv_rows());
        angles.rotate(&mut q, c.q_rows(), c.head_dim, false);
        angles.rotate(&mut k, c.kv_rows(), c.head_dim, false);
        let mixed = attention::forward(&q, &k, &v, self.heads(), batch.prefix, &batch.sequences);
        let mut middle = x.to_vec();
        self.linear(at(Part::O), &mixed, &mut middle, Into::Add);
        let h = norm::forward(&middle, self.data(at(Part::FfnNorm)), c.rms_eps);
        let gate = project(Part::Gate, &h, c.ffn);
        let up = project(Part::Up, &h, c.ffn);
        let mut out = middle.clone();
        self.linear(at(Part::Down), &swiglu::forward(&gate, &up), &mut out, Into::Add);
        let inner = Inner {
            q,
            k,
            v,
            mixed,
            middle,
            gate,
            up,
        };
        (out, inner)
    }

    /// Takes the gradient by the output of the last layer (`[tokens, hidden]`) through all layers, and adds the
    /// gradients by the weights.
    ///
    /// # Panics
    /// When the forward pass kept nothing: a fault of the caller.
    pub fn backward(
        &self,
        batch: &Batch,
        mut activations: Activations,
        mut dx: Vec<f32>,
        gradients: &mut Gradients,
    ) {
        for layer in (0..self.config.layers).rev() {
            let Some(Saved { x, inner }) = activations.layers.pop() else {
                break;
            };
            assert_eq!(x.len(), dx.len(), "the forward pass kept the layers' inputs");
            let inner = inner.unwrap_or_else(|| self.layer(layer, &x, batch, &activations.angles).1);
            dx = self.layer_back(layer, &x, inner, batch, &activations.angles, dx, gradients);
        }
        if let Some(de) = gradients.tensor(0) {
            let d = self.config.hidden;
            for (&token, dx) in batch.tokens.iter().zip(dx.chunks(d)) {
                let row = &mut de[token as usize * d..][..d];
                row.iter_mut().zip(dx).for_each(|(e, dx)| *e += dx);
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "one pass over one layer")]
    fn layer_back(
        &self,
        layer: usize,
        x: &[f32],
        inner: Inner,
        batch: &Batch,
        angles: &Angles,
        dout: Vec<f32>,
        gradients: &mut Gradients,
    ) -> Vec<f32> {
        let c = &self.config;
        let n = batch.tokens.len();
        let at = |part| self.at(layer, part);

        let act = swiglu::forward(&inner.gate, &inner.up);
        let mut dup = vec![0.0; n * c.ffn];
        self.linear_back(at(Part::Down), &act, &dout, &mut dup, Into::Set, gradients);
        let mut dgate = act;
        swiglu::backward(&mut dup, &inner.gate, &inner.up, &mut dgate);
        let w = self.data(at(Part::FfnNorm));
        let h = norm::forward(&inner.middle, w, c.rms_eps);
        let mut dh = vec![0.0; n * c.hidden];
        self.linear_back(at(Part::Gate), &h, &dgate, &mut dh, Into::Set, gradients);
        self.linear_back(at(Part::Up), &h, &dup, &mut dh, Into::Add, gradients);
        let mut dmiddle = dout;
        let dw = gradients.tensor(at(Part::FfnNorm));
        norm::backward(&dh, &inner.middle, w, c.rms_eps, &mut dmiddle, dw);

        let mut dmixed = vec![0.0; n * c.q_rows()];
        self.linear_back(
            at(Part::O),
            &inner.mixed,
            &dmiddle,
            &mut dmixed,
            Into::Set,
            gradients,
        );
        let [mut dq, mut dk, dv] = attention::backward(
            &dmixed,
            &inner.q,
            &inner.k,
            &inner.v,
            self.heads(),
            batch.prefix,
            &batch.sequences,
        );
        angles.rotate(&mut dq, c.q_rows(), c.head_dim, true);
        angles.rotate(&mut dk, c.kv_rows(), c.head_dim, true);
        let w = self.data(at(Part::AttentionNorm));
        let h = norm::forward(x, w, c.rms_eps);
        self.linear_back(at(Part::Q), &h, &dq, &mut dh, Into::Set, gradients);
        self.linear_back(at(Part::K), &h, &dk, &mut dh, Into::Add, gradients);
        self.linear_back(at(Part::V), &h, &dv, &mut dh, Into::Add, gradients);
        let mut dx = dmiddle;
        let dw = gradients.tensor(at(Part::AttentionNorm));
        norm::backward(&dh, x, w, c.rms_eps, &mut dx, dw);
        dx
    }
}
