//! Products of packed matrices with activations.
//!
//! One task computes some tiles (16 output features each) for every token, panel by panel; a tile's weights
//! are unpacked once per panel of 8 tokens. Each output is Σ over column groups, in order, of
//! fma(integer dot, weight scale · activation scale) and, where the format has minima, fma(minimum, scale·Σq);
//! so it does not depend on which other tokens or tiles are computed beside it.

use std::ops::Range;

use super::activations::{Activations, BLOCK, PANEL};
use super::cpu::Cpu;
use super::int8::Int8;
use super::matrix::{Codes, Format, Matrix, TILE, Weights};
use super::pool::{Pool, SharedMut};
use super::simd::{Element, Kernel, Lanes, Simd, run};

/// Where a product goes: `out[token * stride + offset + row]`.
#[derive(Clone, Copy)]
pub(crate) struct Target {
    /// Column of the matrix's first row.
    pub offset: usize,
    /// Add to what is there (a residual, a bias) instead of replacing it.
    pub add: bool,
}

/// Multiplies several matrices with the same activations, into one buffer of `stride` floats per token.
///
/// # Panics
/// If shapes disagree, or a matrix's target lies outside the stride or overlaps another's.
pub(crate) fn multiply(
    pool: &mut Pool,
    cpu: Cpu,
    matrices: &[(&Matrix, Target)],
    x: &Activations,
    out: &mut [f32],
    stride: usize,
) {
    let products: Vec<_> = matrices
        .iter()
        .map(|&(matrix, target)| (matrix, x, target))
        .collect();
    multiply_each(pool, cpu, &products, out, stride);
}

/// Multiplies several matrices, each with activations of its own for the same tokens, into one buffer of
/// `stride` floats per token.
///
/// # Panics
/// As [`multiply`].
pub(crate) fn multiply_each(
    pool: &mut Pool,
    cpu: Cpu,
    products: &[(&Matrix, &Activations, Target)],
    out: &mut [f32],
    stride: usize,
) {
    let tokens = products.first().map_or(0, |(_, x, _)| x.tokens());
    let mut end = 0;
    for (matrix, x, target) in products {
        assert!(x.tokens() == tokens, "{} tokens and {tokens}", x.tokens());
        assert!(
            matrix.cols == x.cols(),
            "{} columns × {} activations",
            matrix.cols,
            x.cols()
        );
        assert!(
            target.offset >= end && target.offset + matrix.rows <= stride,
            "targets overlap"
        );
        end = target.offset + matrix.rows;
    }
    assert!(out.len() >= tokens * stride, "output too short");
    let total: usize = products.iter().map(|(matrix, ..)| matrix.tiles()).sum();
    // Enough tasks to even out the threads, large enough to hide the hand-over.
    let chunk = (total / (pool.threads() * 6)).clamp(1, 32);
    let mut tasks = Vec::new();
    for (index, (matrix, ..)) in products.iter().enumerate() {
        let tiles = matrix.tiles();
        tasks.extend(
            (0..tiles)
                .step_by(chunk)
                .map(|start| (index, start..tiles.min(start + chunk))),
        );
    }
    let out = SharedMut::new(out);
    pool.run(tasks.len(), &|task, _| {
        let (index, tiles) = tasks[task].clone();
        let (matrix, x, target) = products[index];
        let place = Place {
            out: &out,
            stride,
            target,
            rows: matrix.rows,
        };
        multiply_tiles(cpu, matrix, tiles, x, &place);
    });
}

/// The part of the output which belongs to one matrix.
struct Place<'a> {
    out: &'a SharedMut<'a, f32>,
    stride: usize,
    target: Target,
    rows: usize,
}

impl Place<'_> {
    /// Stores a tile's values for one token.
    #[inline(always)]
    fn put<S: Simd>(&self, s: S, token: usize, tile: usize, values: S::V) {
        let row = tile * TILE;
        let len = TILE.min(self.rows - row);
        // SAFETY: tasks have different tiles, so different rows of the output; the slice ends with this call.
        let out = unsafe {
            self.out
                .slice(token * self.stride + self.target.offset + row, len)
        };
        if let Ok(out) = <&mut Lanes>::try_from(&mut *out) {
            let values = if self.target.add {
                s.add(s.load(out), values)
            } else {
                values
            };
            s.store(values, out);
        } else {
            let mut lanes = [0.0; TILE];
            s.store(values, &mut lanes);
            for (out, value) in out.iter_mut().zip(lanes) {
                *out = if self.target.add { *out + value } else { value };
            }
        }
    }
}

fn multiply_tiles(cpu: Cpu, matrix: &Matrix, tiles: Range<usize>, x: &Activations, place: &Place<'_>) {
    match &matrix.weights {
        Weights::HalfScales(codes) => multiply_codes(cpu, codes, tiles, x, place),
        Weights::FullScales(codes) => multiply_codes(cpu, codes, tiles, x, place),
        Weights::F32(values) => run(
            cpu,
            FloatTiles {
                values,
                tiles,
                x,
                place,
            },
        ),
        Weights::F16(values) => run(
            cpu,
            FloatTiles {
                values,
                tiles,
                x,
                place,
            },
        ),
        Weights::BF16(values) => run(
            cpu,
            FloatTiles {
                values,
                tiles,
                x,
                place,
            },
        ),
    }
}

fn multiply_codes<C: Element>(
    cpu: Cpu,
    codes: &Codes<C>,
    tiles: Range<usize>,
    x: &Activations,
    place: &Place<'_>,
) {
    const N4: u8 = Format::Nibbles as u8;
    const N4M: u8 = Format::NibblesMin as u8;
    const B8: u8 = Format::Bytes as u8;
    const B8M: u8 = Format::BytesMin as u8;
    const B8H: u8 = Format::BytesHalves as u8;
    match codes.format {
        Format::Nibbles => run(
            cpu,
            CodeTiles::<C, N4> {
                codes,
                tiles,
                x,
                place,
            },
        ),
        Format::NibblesMin => run(
            cpu,
            CodeTiles::<C, N4M> {
                codes,
                tiles,
                x,
                place,
            },
        ),
        Format::Bytes => run(
            cpu,
            CodeTiles::<C, B8> {
                codes,
                tiles,
                x,
                place,
            },
        ),
        Format::BytesMin => run(
            cpu,
            CodeTiles::<C, B8M> {
                codes,
                tiles,
                x,
                place,
            },
        ),
        Format::BytesHalves => run(
            cpu,
            CodeTiles::<C, B8H> {
                codes,
                tiles,
                x,
                place,
            },
        ),
    }
}

struct CodeTiles<'a, C, const FORMAT: u8> {
    codes: &'a Codes<C>,
    tiles: Range<usize>,
    x: &'a Activations,
    place: &'a Place<'a>,
}

impl<C: Element, const FORMAT: u8> Kernel for CodeTiles<'_, C, FORMAT> {
    type Output = ();

    #[inline(always)]
    fn run<S: Int8>(self, s: S) {
        let tokens = self.x.tokens();
        for first in (0..tokens).step_by(PANEL) {
            for tile in self.tiles.clone() {
                match tokens - first {
                    1 => self.panel::<S, 1>(s, tile, first),
                    2 => self.panel::<S, 2>(s, tile, first),
                    3 | 4 => self.panel::<S, 4>(s, tile, first),
                    5 | 6 => self.panel::<S, 6>(s, tile, first),
                    _ => self.panel::<S, PANEL>(s, tile, first),
                }
            }
        }
    }
}

impl<C: Element, const FORMAT: u8> CodeTiles<'_, C, FORMAT> {
    const FOUR: bool = FORMAT == Format::Nibbles as u8 || FORMAT == Format::NibblesMin as u8;
    const MINIMA: bool = FORMAT == Format::NibblesMin as u8 || FORMAT == Format::BytesMin as u8;
    const HALVES: bool = FORMAT == Format::BytesHalves as u8;

    /// One tile × the panel's first `N` tokens (those past the end are computed and dropped).
    #[inline(always)]
    fn panel<S: Int8, const N: usize>(&self, s: S, tile: usize, first: usize) {
        let groups = self.x.cols() / BLOCK;
        let blocks = self.x.blocks(first / PANEL).as_chunks::<PANEL>().0;
        let line_count = if Self::FOUR { 4 } else { 8 };
        let lines = &self.codes.lines[tile * groups * line_count..][..groups * line_count];
        let scale_count = if Self::MINIMA || Self::HALVES { 2 } else { 1 };
        let scales = self.codes.scales.as_chunks::<TILE>().0;
        let scales = &scales[tile * groups * scale_count..][..groups * scale_count];
        let mut sums = [s.splat(0.0); N];
        for (g, blocks) in blocks.iter().enumerate() {
            let codes = if Self::FOUR {
                s.nibbles(&lines.as_chunks::<4>().0[g])
            } else {
                s.bytes(&lines.as_chunks::<8>().0[g])
            };
            let scale = C::load(s, &scales[g * scale_count]);
            let second = C::load(s, &scales[g * scale_count + scale_count - 1]);
            for n in 0..N {
                let block = &blocks[n];
                let x_scale = s.splat(block.scale);
                if Self::HALVES {
                    let rest = block.neg128 - block.neg128_first;
                    let [a, b] = s.dot_halves(&codes, &block.q, [block.neg128_first, rest]);
                    sums[n] = s.fma(a, s.mul(scale, x_scale), sums[n]);
                    sums[n] = s.fma(b, s.mul(second, x_scale), sums[n]);
                } else {
                    let start = match (Self::MINIMA, Self::FOUR) {
                        (true, _) => 0,
                        (false, true) => block.neg8,
                        (false, false) => block.neg128,
                    };
                    let dot = if Self::FOUR {
                        s.dot::<true>(&codes, &block.q, start)
                    } else {
                        s.dot::<false>(&codes, &block.q, start)
                    };
                    sums[n] = s.fma(dot, s.mul(scale, x_scale), sums[n]);
                    if Self::MINIMA {
                        sums[n] = s.fma(second, s.splat(block.weighted), sums[n]);
                    }
                }
            }
        }
        put_all(s, self.place, &sums, tile, first, self.x.tokens());
    }
}

#[inline(always)]
fn put_all<S: Simd, const N: usize>(
    s: S,
    place: &Place<'_>,
    sums: &[S::V; N],
    tile: usize,
    first: usize,
    tokens: usize,
) {
    for n in 0..N {
        if first + n < tokens {
            place.put(s, first + n, tile, sums[n]);
        }
    }
}

struct FloatTiles<'a, E> {
    values: &'a [E],
    tiles: Range<usize>,
    x: &'a Activations,
    place: &'a Place<'a>,
}

impl<E: Element> Kernel for FloatTiles<'_, E> {
    type Output = ();

    #[inline(always)]
    fn run<S: Int8>(self, s: S) {
        let tokens = self.x.tokens();
        for first in (0..tokens).step_by(PANEL) {
            for tile in self.tiles.clone() {
                match tokens - first {
                    1 => self.panel::<S, 1>(s, tile, first),
                    2 => self.panel::<S, 2>(s, tile, first),
                    3 | 4 => self.panel::<S, 4>(s, tile, first),
                    _ => self.panel::<S, PANEL>(s, tile, first),
                }
            }
        }
    }
}

impl<E: Element> FloatTiles<'_, E> {
    #[inline(always)]
    fn panel<S: Simd, const N: usize>(&self, s: S, tile: usize, first: usize) {
        let cols = self.x.cols();
        let weights = &self.values.as_chunks::<TILE>().0[tile * cols..][..cols];
        let panel = self.x.floats(first / PANEL).as_chunks::<PANEL>().0;
        let mut sums = [s.splat(0.0); N];
        for (weights, x) in weights.iter().zip(panel) {
            let weights = E::load(s, weights);
            for n in 0..N {
                sums[n] = s.fma(weights, s.splat(x[n]), sums[n]);
            }
        }
        put_all(s, self.place, &sums, tile, first, self.x.tokens());
    }
}
