//! The network: pre-norm transformer blocks with grouped-query attention and SwiGLU, for a batch of rows.

use std::sync::Mutex;

use super::Logits;
use super::attention::{attend, store_keys};
use super::batch::Batch;
use super::kv::Cache;
use super::low_rank::{self, At};
use crate::adapter::Site;
use crate::config::ModelConfig;
use crate::kernels::activations::{Activations, Forms, PANEL, PanelMut, WritePanel};
use crate::kernels::attention::{KvFormat, Scratch};
use crate::kernels::pointwise::{Norm, NormPanel, SwigluPanel};
use crate::kernels::product::{Target, multiply};
use crate::kernels::simd::run;
use crate::kernels::{Cpu, Pool};
use crate::weights::{Layer, Weights};

/// What does not change between steps.
#[derive(Clone, Copy)]
pub(super) struct Model<'a> {
    pub config: &'a ModelConfig,
    pub weights: &'a Weights,
    pub cpu: Cpu,
}

/// Working memory, reused from step to step.
pub(super) struct Buffers {
    pub batch: Batch,
    /// The residual stream, `hidden` per row.
    hidden: Vec<f32>,
    /// Queries, keys, values per row.
    pub qkv: Vec<f32>,
    /// Attention's results, all heads per row.
    pub attended: Vec<f32>,
    /// Gates and ups per row.
    gate_up: Vec<f32>,
    /// The right-hand side of the next product.
    x: Activations,
    /// Cosines and sines per row and rotated pair.
    pub cos: Vec<f32>,
    pub sin: Vec<f32>,
    pub scratch: Vec<Mutex<Scratch>>,
    low_rank: low_rank::Buffers,
}

impl Buffers {
    pub fn new(threads: usize) -> Self {
        Buffers {
            batch: Batch::default(),
            hidden: Vec::new(),
            qkv: Vec::new(),
            attended: Vec::new(),
            gate_up: Vec::new(),
            x: Activations::default(),
            cos: Vec::new(),
            sin: Vec::new(),
            scratch: (0..threads).map(|_| Mutex::default()).collect(),
            low_rank: low_rank::Buffers::default(),
        }
    }
}

const REPLACE: Target = Target {
    offset: 0,
    add: false,
};
const ADD: Target = Target { offset: 0, add: true };

/// What is to be known of the last layer's states.
pub(super) enum Wanted<'a> {
    /// Logits of the rows that ask for them.
    Logits(&'a mut Logits),
    /// All rows, normalised.
    States(&'a mut Vec<f32>),
}

/// Runs the batch laid out in `buffers`, writes its keys and values to the cache and gives what is wanted.
pub(super) fn forward<F: KvFormat>(
    model: Model<'_>,
    pool: &mut Pool,
    cache: &mut Cache<F>,
    buffers: &mut Buffers,
    wanted: Wanted<'_>,
) {
    let Model { config, weights, cpu } = model;
    let (d, ffn) = (config.hidden, config.ffn);
    let rows = buffers.batch.rows.len();
    buffers.start(model);
    let extra = low_rank::forms(&buffers.batch);
    for (index, layer) in weights.layers.iter().enumerate() {
        let at = |site, stride| At {
            layer: index,
            site,
            stride,
        };
        let Buffers {
            batch,
            hidden,
            qkv,
            x,
            low_rank,
            ..
        } = &mut *buffers;
        norm(
            cpu,
            pool,
            hidden,
            &layer.attention_norm,
            config.rms_eps,
            layer.qkv_forms().or(extra),
            x,
        );
        project_qkv(model, pool, layer, x, qkv);
        let width = qkv_width(config);
        low_rank::add(pool, cpu, batch, at(Site::Qkv, width), x, qkv, low_rank);
        store_keys(model, pool, cache, layer, index, buffers);
        attend(model, pool, cache, index, buffers);
        let Buffers {
            batch,
            hidden,
            attended,
            gate_up,
            x,
            low_rank,
            ..
        } = &mut *buffers;
        x.resize(rows, config.q_rows(), layer.attention_output.forms().or(extra));
        x.write_panels(pool, &|panel, to| {
            run(
                cpu,
                WritePanel {
                    x: panel_rows(attended, panel, config.q_rows()),
                    cols: config.q_rows(),
                    panel: to,
                },
            );
        });
        multiply(pool, cpu, &[(&layer.attention_output, ADD)], x, hidden, d);
        low_rank::add(pool, cpu, batch, at(Site::Output, d), x, hidden, low_rank);
        norm(
            cpu,
            pool,
            hidden,
            &layer.ffn_norm,
            config.rms_eps,
            layer.gate.forms().or(layer.up.forms()).or(extra),
            x,
        );
        let up = Target {
            offset: ffn,
            add: false,
        };
        multiply(
            pool,
            cpu,
            &[(&layer.gate, REPLACE), (&layer.up, up)],
            x,
            gate_up,
            2 * ffn,
        );
        low_rank::add(pool, cpu, batch, at(Site::GateUp, 2 * ffn), x, gate_up, low_rank);
        x.resize(rows, ffn, layer.down.forms().or(extra));
        x.write_panels(pool, &|panel, to| {
            run(
                cpu,
                SwigluPanel {
                    x: panel_rows(gate_up, panel, 2 * ffn),
                    cols: ffn,
                    panel: to,
                },
            );
        });
        multiply(pool, cpu, &[(&layer.down, ADD)], x, hidden, d);
        low_rank::add(pool, cpu, batch, at(Site::Down, d), x, hidden, low_rank);
    }
    match wanted {
        Wanted::Logits(logits) => write_logits(model, pool, buffers, logits),
        Wanted::States(states) => {
            states.clear();
            states.resize(buffers.hidden.len(), 0.0);
            let rows = buffers.hidden.chunks_exact(d).zip(states.chunks_exact_mut(d));
            for (x, out) in rows {
                run(
                    cpu,
                    Norm {
                        x,
                        weight: &weights.output_norm,
                        eps: config.rms_eps,
                        out,
                    },
                );
            }
        }
    }
}

impl Buffers {
    /// Sizes the buffers, embeds the tokens and computes the angles.
    fn start(&mut self, model: Model<'_>) {
        let Model { config, weights, .. } = model;
        let rows = &self.batch.rows;
        self.hidden.resize(rows.len() * config.hidden, 0.0);
        self.qkv.resize(rows.len() * qkv_width(config), 0.0);
        self.attended.resize(rows.len() * config.q_rows(), 0.0);
        self.gate_up.resize(rows.len() * 2 * config.ffn, 0.0);
        self.cos.clear();
        self.sin.clear();
        for (row, hidden) in rows.iter().zip(self.hidden.chunks_exact_mut(config.hidden)) {
            weights.embedding.row(row.token as usize, hidden);
            for &frequency in &weights.frequencies {
                #[allow(clippy::cast_precision_loss, reason = "positions are below 2^24")]
                let angle = f64::from(row.position as f32 * frequency);
                #[allow(clippy::cast_possible_truncation, reason = "rounded to f32")]
                self.cos.push(angle.cos() as f32);
                #[allow(clippy::cast_possible_truncation, reason = "rounded to f32")]
                self.sin.push(angle.sin() as f32);
            }
        }
    }
}

pub(super) fn qkv_width(config: &ModelConfig) -> usize {
    config.q_rows() + 2 * config.kv_rows()
}

/// The rows of a panel, `width` floats each.
fn panel_rows(x: &[f32], panel: usize, width: usize) -> &[f32] {
    let start = panel * PANEL * width;
    &x[start..x.len().min(start + PANEL * width)]
}

fn norm(
    cpu: Cpu,
    pool: &mut Pool,
    hidden: &[f32],
    weight: &[f32],
    eps: f32,
    forms: Forms,
    x: &mut Activations,
) {
    x.resize(hidden.len() / weight.len(), weight.len(), forms);
    x.write_panels(pool, &|panel, to: PanelMut<'_>| {
        run(
            cpu,
            NormPanel {
                x: panel_rows(hidden, panel, weight.len()),
                weight,
                eps,
                panel: to,
            },
        );
    });
}

fn project_qkv(model: Model<'_>, pool: &mut Pool, layer: &Layer, x: &Activations, qkv: &mut [f32]) {
    let (q, kv) = (model.config.q_rows(), model.config.kv_rows());
    let width = qkv_width(model.config);
    if let Some(bias) = &layer.qkv_bias {
        for row in qkv.chunks_exact_mut(width) {
            row.copy_from_slice(bias);
        }
    }
    let add = layer.qkv_bias.is_some();
    let at = |offset| Target { offset, add };
    let matrices = [(&layer.q, at(0)), (&layer.k, at(q)), (&layer.v, at(q + kv))];
    multiply(pool, model.cpu, &matrices, x, qkv, width);
}

fn write_logits(model: Model<'_>, pool: &mut Pool, buffers: &mut Buffers, logits: &mut Logits) {
    let Model { config, weights, cpu } = model;
    let Buffers {
        batch,
        hidden,
        attended,
        x,
        ..
    } = buffers;
    let (d, output) = (config.hidden, weights.output());
    logits.resize(batch.wanted.len(), output.rows);
    if batch.wanted.is_empty() {
        return;
    }
    let wanted = attended;
    wanted.clear();
    for &row in &batch.wanted {
        wanted.extend_from_slice(&hidden[row * d..][..d]);
    }
    norm(
        cpu,
        pool,
        wanted,
        &weights.output_norm,
        config.rms_eps,
        output.forms(),
        x,
    );
    multiply(
        pool,
        cpu,
        &[(output, REPLACE)],
        x,
        &mut logits.values,
        logits.stride,
    );
}
