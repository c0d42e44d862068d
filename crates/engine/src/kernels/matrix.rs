//! Weight matrices, repacked for the kernels without changing a value.
//!
//! Rows (output features) come in *tiles* of 16, one per vector lane. Every quantised format is codes of at
//! most 8 bits with a scale (and maybe a minimum) per 32 or 16 columns, so weight = scale · (code - offset)
//! or scale · code + minimum. Formats of 4 bits stay packed; the others take a byte per weight.

use std::ops::Range;

use half::{bf16, f16};

use super::activations::{BLOCK, Forms};
use super::simd::{Element, LANES};
use crate::quant::DType;

/// Rows of a tile.
pub(crate) const TILE: usize = LANES;

/// 64 bytes on a cache line of their own.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(crate) struct Line(pub [u8; 64]);

/// A matrix of `rows` output × `cols` input features.
pub(crate) struct Matrix {
    pub rows: usize,
    pub cols: usize,
    pub weights: Weights,
}

/// The tiles, one after the other, in one of the layouts. All end in whole tiles; rows past the end are 0.
pub(crate) enum Weights {
    /// Codes with f16 scales.
    HalfScales(Codes<f16>),
    /// Codes with f32 scales.
    FullScales(Codes<f32>),
    /// Per tile and column: 16 rows' values.
    F32(Vec<f32>),
    /// The same in half precision.
    F16(Vec<f16>),
    /// The same in bfloat16.
    BF16(Vec<bf16>),
}

/// Codes and scales of a quantised matrix.
pub(crate) struct Codes<S> {
    pub format: Format,
    /// Per tile and 32 columns: 4 lines of nibbles or 8 of bytes (see [`super::int8::Int8`]).
    pub lines: Vec<Line>,
    /// Per tile and 32 columns: 16 scales; then 16 minima or the 16 scales of the second 16 columns.
    pub scales: Vec<S>,
}

/// What a quantised matrix stores per group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// Nibbles around 8 (Q4_0).
    Nibbles,
    /// Nibbles with minima (Q4_1, Q4_K).
    NibblesMin,
    /// Bytes around 128 (Q8_0, Q5_0).
    Bytes,
    /// Bytes with minima (Q5_1, Q5_K).
    BytesMin,
    /// Bytes around 128 with a scale per 16 columns (Q6_K).
    BytesHalves,
}

impl Format {
    pub const fn four_bits(self) -> bool {
        matches!(self, Format::Nibbles | Format::NibblesMin)
    }
    /// Lines per tile and 32 columns.
    pub const fn lines(self) -> usize {
        if self.four_bits() { 4 } else { 8 }
    }
    /// Scales and minima per tile and 32 columns.
    pub const fn scales(self) -> usize {
        if matches!(self, Format::Nibbles | Format::Bytes) {
            TILE
        } else {
            2 * TILE
        }
    }
}

impl Matrix {
    /// Packs a tensor stored as `dtype`.
    ///
    /// `row_at(i)` says which of the tensor's rows becomes row `i`. `data` holds `rows` · `cols` weights in
    /// whole blocks per row, as [`crate::quant`] lays them out.
    ///
    /// # Panics
    /// If `data` is shorter than that.
    pub fn pack(
        dtype: DType,
        rows: usize,
        cols: usize,
        data: &[u8],
        row_at: impl Fn(usize) -> usize,
    ) -> Matrix {
        let row_bytes = cols / dtype.block_size() * dtype.block_bytes();
        let row = |i: usize| {
            let start = row_at(i) * row_bytes;
            &data[start..start + row_bytes]
        };
        let weights = match dtype {
            DType::F32 => Weights::F32(pack_floats(rows, cols, row, f32::from_le_bytes)),
            DType::F16 => Weights::F16(pack_floats(rows, cols, row, f16::from_le_bytes)),
            DType::BF16 => Weights::BF16(pack_floats(rows, cols, row, bf16::from_le_bytes)),
            DType::Q4_0 | DType::Q4_1 | DType::Q5_0 | DType::Q5_1 | DType::Q8_0 => {
                Weights::HalfScales(pack_codes(dtype, rows, cols, row))
            }
            DType::Q4K | DType::Q5K | DType::Q6K => Weights::FullScales(pack_codes(dtype, rows, cols, row)),
        };
        Matrix { rows, cols, weights }
    }

    /// The form of activations that this matrix multiplies.
    pub fn forms(&self) -> Forms {
        let int8 = matches!(self.weights, Weights::HalfScales(_) | Weights::FullScales(_));
        Forms { int8, float: !int8 }
    }

    /// Number of tiles.
    pub fn tiles(&self) -> usize {
        self.rows.div_ceil(TILE)
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        match &self.weights {
            Weights::HalfScales(codes) => codes.lines.len() * 64 + codes.scales.len() * 2,
            Weights::FullScales(codes) => codes.lines.len() * 64 + codes.scales.len() * 4,
            Weights::F32(values) => values.len() * 4,
            Weights::F16(values) => values.len() * 2,
            Weights::BF16(values) => values.len() * 2,
        }
    }

    /// The addresses of the weights.
    pub fn memory(&self) -> Range<usize> {
        fn of<T>(values: &[T]) -> Range<usize> {
            let range = values.as_ptr_range();
            range.start as usize..range.end as usize
        }
        match &self.weights {
            Weights::HalfScales(codes) => of(&codes.lines),
            Weights::FullScales(codes) => of(&codes.lines),
            Weights::F32(values) => of(values),
            Weights::F16(values) => of(values),
            Weights::BF16(values) => of(values),
        }
    }

    /// Writes row `row`, dequantised, to `out` (`cols` long).
    ///
    /// # Panics
    /// If there is no such row.
    pub fn row(&self, row: usize, out: &mut [f32]) {
        assert!(
            row < self.rows && out.len() == self.cols,
            "row {row} of a matrix of {}",
            self.rows
        );
        match &self.weights {
            Weights::HalfScales(codes) => codes.row(row, out),
            Weights::FullScales(codes) => codes.row(row, out),
            Weights::F32(values) => float_row(values, row, out),
            Weights::F16(values) => float_row(values, row, out),
            Weights::BF16(values) => float_row(values, row, out),
        }
    }
}

fn float_row<T: Element>(values: &[T], row: usize, out: &mut [f32]) {
    let cols = out.len();
    let tile = &values[row / TILE * cols * TILE..];
    for (x, column) in out.iter_mut().zip(tile.as_chunks::<TILE>().0) {
        *x = column[row % TILE].to_f32();
    }
}

impl<S: Element> Codes<S> {
    fn row(&self, row: usize, out: &mut [f32]) {
        let (tile, lane) = (row / TILE, row % TILE);
        let first = tile * (out.len() / BLOCK);
        let (line_count, scale_count) = (self.format.lines(), self.format.scales());
        for (b, out) in out.as_chunks_mut::<BLOCK>().0.iter_mut().enumerate() {
            let lines = &self.lines[(first + b) * line_count..][..line_count];
            let scales = &self.scales[(first + b) * scale_count..][..scale_count];
            let (a, b) = (scales[lane].to_f32(), scales[scale_count - TILE + lane].to_f32());
            for (k, out) in out.iter_mut().enumerate() {
                let code = if self.format.four_bits() {
                    let byte = lines[k / 4 % 4].0[4 * lane + k % 4];
                    if k < 16 { byte & 15 } else { byte >> 4 }
                } else {
                    lines[k / 4].0[4 * lane + k % 4]
                };
                let code = f32::from(code);
                *out = match self.format {
                    Format::Nibbles => a * (code - 8.0),
                    Format::Bytes => a * (code - 128.0),
                    Format::NibblesMin | Format::BytesMin => a * code + b,
                    Format::BytesHalves => (if k < 16 { a } else { b }) * (code - 128.0),
                };
            }
        }
    }
}

fn pack_floats<'a, const N: usize, T: Copy + Default>(
    rows: usize,
    cols: usize,
    row: impl Fn(usize) -> &'a [u8],
    value: impl Fn([u8; N]) -> T,
) -> Vec<T> {
    let mut values = vec![T::default(); rows.div_ceil(TILE) * TILE * cols];
    for i in 0..rows {
        let tile = &mut values[i / TILE * TILE * cols..];
        for (bytes, column) in row(i)
            .as_chunks::<N>()
            .0
            .iter()
            .zip(tile.as_chunks_mut::<TILE>().0)
        {
            column[i % TILE] = value(*bytes);
        }
    }
    values
}

fn pack_codes<'a, S: Element>(
    dtype: DType,
    rows: usize,
    cols: usize,
    row: impl Fn(usize) -> &'a [u8],
) -> Codes<S> {
    let format = match dtype {
        DType::Q4_0 => Format::Nibbles,
        DType::Q4_1 | DType::Q4K => Format::NibblesMin,
        DType::Q5_1 | DType::Q5K => Format::BytesMin,
        DType::Q6K => Format::BytesHalves,
        _ => Format::Bytes,
    };
    let (line_count, scale_count) = (format.lines(), format.scales());
    let groups = rows.div_ceil(TILE) * (cols / BLOCK);
    let mut lines = vec![Line([0; 64]); groups * line_count];
    let mut scales = vec![S::default(); groups * scale_count];
    let mut unpacked = Unpacked::default();
    for i in 0..rows {
        let lane = i % TILE;
        let mut group = i / TILE * (cols / BLOCK);
        for block in row(i).chunks_exact(dtype.block_bytes()) {
            unpacked.read(dtype, block);
            for (g, codes) in unpacked.codes[..dtype.block_size()]
                .as_chunks::<BLOCK>()
                .0
                .iter()
                .enumerate()
            {
                let lines = &mut lines[group * line_count..][..line_count];
                for (c, quad) in codes.as_chunks::<4>().0.iter().enumerate() {
                    if format.four_bits() {
                        let line = &mut lines[c % 4].0.as_chunks_mut::<4>().0[lane];
                        for (byte, code) in line.iter_mut().zip(quad) {
                            *byte |= code << (c / 4 * 4);
                        }
                    } else {
                        lines[c].0.as_chunks_mut::<4>().0[lane] = *quad;
                    }
                }
                let scales = &mut scales[group * scale_count..][..scale_count];
                scales[lane] = S::from_f32(unpacked.scales[g][0]);
                if scale_count > TILE {
                    scales[TILE + lane] = S::from_f32(unpacked.scales[g][1]);
                }
                group += 1;
            }
        }
    }
    Codes {
        format,
        lines,
        scales,
    }
}

/// One block's codes and, per 32 of them, the scale and the minimum (or the two scales of 16).
struct Unpacked {
    codes: [u8; 256],
    scales: [[f32; 2]; 8],
}

impl Default for Unpacked {
    fn default() -> Self {
        Unpacked {
            codes: [0; 256],
            scales: [[0.0; 2]; 8],
        }
    }
}

impl Unpacked {
    /// Reads a block of a quantised format; the layouts are those of [`crate::quant`].
    fn read(&mut self, dtype: DType, b: &[u8]) {
        let half = |at: usize| f16::from_le_bytes([b[at], b[at + 1]]).to_f32();
        let nibble = |bytes: &[u8], k: usize| if k < 16 { bytes[k] & 15 } else { bytes[k - 16] >> 4 };
        let word = |at: usize| u32::from_le_bytes([b[at], b[at + 1], b[at + 2], b[at + 3]]);
        match dtype {
            DType::Q4_0 => {
                self.scales[0][0] = half(0);
                self.codes(32, |k| nibble(&b[2..], k));
            }
            DType::Q4_1 => {
                self.scales[0] = [half(0), half(2)];
                self.codes(32, |k| nibble(&b[4..], k));
            }
            DType::Q5_0 => {
                let high = word(2);
                self.scales[0][0] = half(0);
                self.codes(32, |k| {
                    (nibble(&b[6..], k) | (((high >> k) as u8 & 1) << 4)) + 112
                });
            }
            DType::Q5_1 => {
                let high = word(4);
                self.scales[0] = [half(0), half(2)];
                self.codes(32, |k| nibble(&b[8..], k) | (((high >> k) as u8 & 1) << 4));
            }
            DType::Q4K | DType::Q5K => {
                let (d, dmin) = (half(0), half(2));
                for g in 0..8 {
                    let (scale, min) = six_bits(&b[4..16], g);
                    self.scales[g] = [d * scale, -(dmin * min)];
                }
                let (high, quants) = if dtype == DType::Q5K {
                    b[16..].split_at(32)
                } else {
                    b[16..].split_at(0)
                };
                self.codes(256, |k| {
                    let (g, j) = (k / 32, k % 32);
                    let low = quants[g / 2 * 32 + j] >> (4 * (g & 1)) & 15;
                    low | high.get(j).map_or(0, |byte| (byte >> g & 1) << 4)
                });
            }
            DType::Q6K => {
                let d = half(208);
                for g in 0..8 {
                    self.scales[g] = [0, 1].map(|i| d * f32::from(b[192 + 2 * g + i].cast_signed()));
                }
                self.codes(256, |k| {
                    let (part, run, j) = (k / 128, k / 32 % 4, k % 32);
                    let low = b[part * 64 + run % 2 * 32 + j] >> (run / 2 * 4) & 15;
                    let high = b[128 + part * 32 + j] >> (2 * run) & 3;
                    (low | high << 4) + 96
                });
            }
            _ => {
                self.scales[0][0] = half(0);
                self.codes(32, |k| b[2 + k] ^ 0x80);
            }
        }
    }

    fn codes(&mut self, count: usize, code: impl Fn(usize) -> u8) {
        for (k, slot) in self.codes[..count].iter_mut().enumerate() {
            *slot = code(k);
        }
    }
}

/// The six-bit scale and minimum of sub-block `g` in the 12 bytes that Q4_K and Q5_K pack them into.
fn six_bits(s: &[u8], g: usize) -> (f32, f32) {
    let (scale, min) = if g < 4 {
        (s[g] & 63, s[g + 4] & 63)
    } else {
        (
            (s[g + 4] & 15) | (s[g - 4] >> 6 << 4),
            (s[g + 4] >> 4) | (s[g] >> 6 << 4),
        )
    };
    (f32::from(scale), f32::from(min))
}
