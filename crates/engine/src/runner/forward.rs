//! The network: pre-norm transformer blocks with grouped-query attention and SwiGLU, for a batch of rows.

use std::marker::PhantomData;
use std::sync::Mutex;

use super::Logits;
use super::batch::Batch;
use super::kv::Cache;
use crate::config::ModelConfig;
use crate::kernels::activations::{Activations, Forms, PANEL, PanelMut, WritePanel};
use crate::kernels::attention::{Attend, PAGE, QueryRow, Scratch, StoreHead};
use crate::kernels::pointwise::{Norm, NormPanel, RotateHeads, SwigluPanel};
use crate::kernels::pool::SharedMut;
use crate::kernels::product::{Target, multiply};
use crate::kernels::simd::{Element, run};
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
    qkv: Vec<f32>,
    /// Attention's results, all heads per row.
    attended: Vec<f32>,
    /// Gates and ups per row.
    gate_up: Vec<f32>,
    /// The right-hand side of the next product.
    x: Activations,
    /// Cosines and sines per row and rotated pair.
    cos: Vec<f32>,
    sin: Vec<f32>,
    scratch: Vec<Mutex<Scratch>>,
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
pub(super) fn forward<E: Element>(
    model: Model<'_>,
    pool: &mut Pool,
    cache: &mut Cache<E>,
    buffers: &mut Buffers,
    wanted: Wanted<'_>,
) {
    let Model { config, weights, cpu } = model;
    let (d, ffn) = (config.hidden, config.ffn);
    let rows = buffers.batch.rows.len();
    buffers.start(model);
    for (index, layer) in weights.layers.iter().enumerate() {
        let Buffers { hidden, qkv, x, .. } = &mut *buffers;
        norm(
            cpu,
            pool,
            hidden,
            &layer.attention_norm,
            config.rms_eps,
            layer.qkv_forms(),
            x,
        );
        project_qkv(model, pool, layer, x, qkv);
        store_keys(model, pool, cache, layer, index, buffers);
        attend(model, pool, cache, index, buffers);
        let Buffers {
            hidden,
            attended,
            gate_up,
            x,
            ..
        } = &mut *buffers;
        x.resize(rows, config.q_rows(), layer.attention_output.forms());
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
        norm(
            cpu,
            pool,
            hidden,
            &layer.ffn_norm,
            config.rms_eps,
            layer.gate.forms().or(layer.up.forms()),
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
        x.resize(rows, ffn, layer.down.forms());
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

fn qkv_width(config: &ModelConfig) -> usize {
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

/// Rotates queries and keys and stores the keys and values in their pages.
fn store_keys<E: Element>(
    model: Model<'_>,
    pool: &mut Pool,
    cache: &mut Cache<E>,
    layer: &Layer,
    index: usize,
    buffers: &mut Buffers,
) {
    let Model { config, cpu, .. } = model;
    let head_dim = config.head_dim;
    let width = qkv_width(config);
    let (q, kv) = (config.q_rows(), config.kv_rows());
    let pairs = config.rope.dims / 2;
    let Buffers {
        batch, qkv, cos, sin, ..
    } = buffers;
    let (shape, storage) = cache.storage();
    let (storage, qkv) = (SharedMut::new(storage), SharedMut::new(qkv));
    let q_norm = layer.q_norm.as_deref().map(|weight| (weight, config.rms_eps));
    let k_norm = layer.k_norm.as_deref().map(|weight| (weight, config.rms_eps));
    pool.run(batch.spans.len(), &|task, _| {
        let span = &batch.spans[task];
        for row in span.rows.clone() {
            // SAFETY: spans have different rows.
            let heads = unsafe { qkv.slice(row * width, width) };
            let (queries, rest) = heads.split_at_mut(q);
            let (keys, values) = rest.split_at_mut(kv);
            let (cos, sin) = (&cos[row * pairs..][..pairs], &sin[row * pairs..][..pairs]);
            run(
                cpu,
                RotateHeads {
                    heads: queries,
                    head_dim,
                    norm: q_norm,
                    cos,
                    sin,
                },
            );
            run(
                cpu,
                RotateHeads {
                    heads: keys,
                    head_dim,
                    norm: k_norm,
                    cos,
                    sin,
                },
            );
            let position = batch.rows[row].position % PAGE;
            let heads = keys.chunks_exact(head_dim).zip(values.chunks_exact(head_dim));
            for (head, (key, value)) in heads.enumerate() {
                let range = shape.head_range(span.page, index, head);
                // SAFETY: a page that is written belongs to one sequence, so to one span of the batch.
                let stored = unsafe { storage.slice(range.start, range.len()) };
                let page = shape.split(stored);
                run(
                    cpu,
                    StoreHead {
                        page,
                        position,
                        key,
                        value,
                    },
                );
            }
        }
    });
}

/// Attention of every row, by key/value head and by groups of rows that are likely to share pages.
fn attend<E: Element>(
    model: Model<'_>,
    pool: &mut Pool,
    cache: &Cache<E>,
    layer: usize,
    buffers: &mut Buffers,
) {
    let Model { config, cpu, .. } = model;
    let (head_dim, group) = (config.head_dim, config.heads / config.kv_heads);
    let (width, out_width) = (qkv_width(config), config.q_rows());
    let Buffers {
        batch,
        qkv,
        attended,
        scratch,
        ..
    } = buffers;
    let query_rows: Vec<QueryRow<'_>> = batch
        .order
        .iter()
        .map(|&row| {
            let row = &batch.rows[row];
            let to = row.position + 1;
            let from = config
                .sliding_window
                .map_or(0, |window| to.saturating_sub(window));
            QueryRow {
                pages: batch.table(row.item),
                from,
                to,
            }
        })
        .collect();
    // Many rows together read a shared page once; few make enough tasks for the threads.
    let rows = query_rows.len();
    let per_task = rows.div_ceil(2 * pool.threads()).clamp(1, (48 / group).max(1));
    let groups = rows.div_ceil(per_task);
    let attended = SharedMut::new(attended);
    pool.run(config.kv_heads * groups, &|task, thread| {
        // Tasks of one head follow one another, while its pages are in the cache.
        let head = task / groups;
        let first = task % groups * per_task;
        let last = rows.min(first + per_task);
        let order = &batch.order[first..last];
        // Each thread has its own, so this neither waits nor finds it poisoned for long.
        let mut scratch = scratch[thread]
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        run(
            cpu,
            Attend {
                rows: &query_rows[first..last],
                group,
                head_dim,
                query: |row, member| {
                    &qkv[order[row] * width + (head * group + member) * head_dim..][..head_dim]
                },
                page: |page| cache.head(page, layer, head),
                output: |row: usize, member: usize, result: &[f32]| {
                    let start = order[row] * out_width + (head * group + member) * head_dim;
                    // SAFETY: tasks differ in row or head, so in the place they write.
                    unsafe { attended.slice(start, head_dim) }.copy_from_slice(result);
                },
                scratch: &mut scratch,
                element: PhantomData,
            },
        );
    });
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
