//! Between the projections: keys and values go to their pages, and queries go over the pages they may see.

use std::marker::PhantomData;

use super::forward::{Buffers, Model, qkv_width};
use super::kv::Cache;
use crate::kernels::Pool;
use crate::kernels::attention::{Attend, KvFormat, PAGE, QueryRow, StoreHead};
use crate::kernels::pointwise::RotateHeads;
use crate::kernels::pool::SharedMut;
use crate::kernels::simd::run;
use crate::weights::Layer;

/// Rotates queries and keys and stores the keys and values in their pages.
pub(super) fn store_keys<F: KvFormat>(
    model: Model<'_>,
    pool: &mut Pool,
    cache: &mut Cache<F>,
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
                let range = shape.head_range::<F>(span.page, index, head);
                // SAFETY: a page that is written belongs to one sequence, so to one span of the batch.
                let stored = unsafe { storage.slice(range.start, range.len()) };
                run(
                    cpu,
                    StoreHead::<F> {
                        page: stored,
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
pub(super) fn attend<F: KvFormat>(
    model: Model<'_>,
    pool: &mut Pool,
    cache: &Cache<F>,
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
                format: PhantomData::<F>,
            },
        );
    });
}
