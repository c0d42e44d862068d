//! The products of adapters, for the rows of a batch that have one: rows are grouped by adapter, and the
//! adapted projections of a site that have one input are multiplied together.

use super::batch::Batch;
use crate::adapter::Site;
use crate::kernels::activations::{Activations, Forms};
use crate::kernels::product::{Target, multiply, multiply_each};
use crate::kernels::{Cpu, Pool};

const FLOAT: Forms = Forms {
    int8: false,
    float: true,
};

/// Working memory, reused from step to step.
#[derive(Default)]
pub(super) struct Buffers {
    /// The input of an adapter's rows, where they are not the whole batch.
    x: Activations,
    /// A·x of all parts, side by side.
    low: Vec<f32>,
    /// The same by part, scaled.
    scaled: Vec<Activations>,
    /// B·(A·x) of an adapter's rows, where they are not the whole batch.
    out: Vec<f32>,
}

/// The forms of the input that a batch's adapters need.
pub(super) fn forms(batch: &Batch) -> Forms {
    Forms {
        int8: false,
        float: !batch.adapters.is_empty(),
    }
}

/// Where adapters are applied.
#[derive(Clone, Copy)]
pub(super) struct At {
    pub layer: usize,
    pub site: Site,
    /// Floats per row of the output.
    pub stride: usize,
}

/// Adds what the batch's adapters have to say at a site to `out`, whose rows hold the site's projections.
pub(super) fn add(
    pool: &mut Pool,
    cpu: Cpu,
    batch: &Batch,
    at: At,
    x: &Activations,
    out: &mut [f32],
    buffers: &mut Buffers,
) {
    for (adapter, rows) in &batch.adapters {
        let parts = adapter.parts(at.layer, at.site);
        if parts.is_empty() {
            continue;
        }
        let whole = rows.len() == x.tokens();
        let input = if whole {
            x
        } else {
            buffers.x.gather(x, rows);
            &buffers.x
        };
        let ranks: usize = parts.iter().map(|part| part.down.rows).sum();
        buffers.low.resize(rows.len() * ranks, 0.0);
        let mut offset = 0;
        let downs: Vec<_> = parts
            .iter()
            .map(|part| {
                let target = Target { offset, add: false };
                offset += part.down.rows;
                (&part.down, target)
            })
            .collect();
        multiply(pool, cpu, &downs, input, &mut buffers.low, ranks);
        if buffers.scaled.len() < parts.len() {
            buffers.scaled.resize_with(parts.len(), Activations::default);
        }
        for (part, ((_, from), scaled)) in parts.iter().zip(downs.iter().zip(&mut buffers.scaled)) {
            let rank = part.down.rows;
            scaled.resize(rows.len(), rank, FLOAT);
            for (row, low) in buffers.low.chunks_exact(ranks).enumerate() {
                scaled.set_floats(row, low[from.offset..][..rank].iter().map(|x| x * part.scale));
            }
        }
        let ups: Vec<_> = parts
            .iter()
            .zip(&buffers.scaled)
            .map(|(part, x)| {
                let target = Target {
                    offset: part.offset,
                    add: whole,
                };
                (&part.up, x, target)
            })
            .collect();
        if whole {
            multiply_each(pool, cpu, &ups, out, at.stride);
            continue;
        }
        buffers.out.resize(rows.len() * at.stride, 0.0);
        multiply_each(pool, cpu, &ups, &mut buffers.out, at.stride);
        for (&row, from) in rows.iter().zip(buffers.out.chunks_exact(at.stride)) {
            let to = &mut out[row * at.stride..][..at.stride];
            for part in parts {
                let columns = part.offset..part.offset + part.up.rows;
                for (to, from) in to[columns.clone()].iter_mut().zip(&from[columns]) {
                    *to += from;
                }
            }
        }
    }
}
