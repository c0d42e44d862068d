//! Every kernel against a plain f64 reference, on random shapes, at every level of this machine.

use std::marker::PhantomData;

use half::f16;
use proptest::prelude::*;

use super::activations::{Activations, BLOCK, PANEL, WritePanel};
use super::attention::{Attend, KvFormat, PAGE, QueryRow, Scratch, StoreHead};
use super::attention_int8::EightBit;
use super::matrix::Matrix;
use super::pointwise::{NormPanel, RotateHeads, SwigluPanel};
use super::product::{Target, multiply};
use super::simd::{Element, run};
use super::{Cpu, CpuLevel, Pool};
use crate::quant::{DType, dequantize};

/// Numbers from a seed (SplitMix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }
    fn float(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1 << 23) as f32 - 1.0
    }
    fn floats(&mut self, len: usize) -> Vec<f32> {
        (0..len).map(|_| self.float()).collect()
    }

    /// Stored weights: any bytes, with scales that are ordinary numbers.
    fn tensor(&mut self, dtype: DType, rows: usize, cols: usize) -> Vec<u8> {
        let count = rows * cols;
        match dtype {
            DType::F32 => (0..count).flat_map(|_| self.float().to_le_bytes()).collect(),
            DType::F16 => (0..count)
                .flat_map(|_| f16::from_f32(self.float()).to_le_bytes())
                .collect(),
            DType::BF16 => (0..count)
                .flat_map(|_| half::bf16::from_f32(self.float()).to_le_bytes())
                .collect(),
            _ => {
                let mut data: Vec<u8> = (0..dtype.bytes(count).unwrap())
                    .map(|_| self.next() as u8)
                    .collect();
                let scales: &[usize] = match dtype {
                    DType::Q6K => &[208],
                    DType::Q8_0 | DType::Q4_0 | DType::Q5_0 => &[0],
                    _ => &[0, 2],
                };
                for block in data.chunks_exact_mut(dtype.block_bytes()) {
                    for &at in scales {
                        block[at..at + 2].copy_from_slice(&f16::from_f32(self.float()).to_le_bytes());
                    }
                }
                data
            }
        }
    }
}

fn activations(cpu: Cpu, x: &[f32], cols: usize, matrix: &Matrix) -> Activations {
    let mut to = Activations::default();
    to.resize(x.len() / cols, cols, matrix.forms());
    to.write_panels(&mut Pool::new(1), &|panel, to| {
        let x = &x[panel * PANEL * cols..x.len().min((panel + 1) * PANEL * cols)];
        run(cpu, WritePanel { x, cols, panel: to });
    });
    to
}

/// What the matrix is multiplied with: the floats, or the integers times their scales.
fn seen(matrix: &Matrix, x: &Activations, floats: &[f32], token: usize) -> Vec<f64> {
    let cols = x.cols();
    (0..cols)
        .map(|k| {
            if matrix.forms().float {
                return f64::from(floats[token * cols + k]);
            }
            let block = &x.blocks(token / PANEL)[k / BLOCK * PANEL + token % PANEL];
            f64::from(block.q[k % BLOCK]) * f64::from(block.scale)
        })
        .collect()
}

fn product(
    cpu: Cpu,
    threads: usize,
    matrix: &Matrix,
    x: &Activations,
    target: Target,
    stride: usize,
) -> Vec<f32> {
    let mut out = vec![0.5; x.tokens() * stride];
    multiply(
        &mut Pool::new(threads),
        cpu,
        &[(matrix, target)],
        x,
        &mut out,
        stride,
    );
    out
}

fn bits(x: &[f32]) -> Vec<u32> {
    x.iter().map(|x| x.to_bits()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 1 } else { 24 }))]

    #[test]
    fn products_agree_with_a_reference_and_with_one_another(
        seed: u64, rows in 1usize..70, tokens in 1usize..20, blocks in 1usize..4, add: bool
    ) {
        let mut random = Random(seed);
        for dtype in DType::ALL {
            let cols = if dtype.block_size() == 1 { 1 + random.below(100) } else { blocks * dtype.block_size() };
            let data = random.tensor(dtype, rows, cols);
            let mut weights = vec![0.0; rows * cols];
            dequantize(dtype, &data, &mut weights).unwrap();
            // Rows are taken in reverse to test the reordering too.
            let matrix = Matrix::pack(dtype, rows, cols, &data, |i| rows - 1 - i);
            let mut row = vec![0.0; cols];
            for i in 0..rows {
                matrix.row(i, &mut row);
                prop_assert_eq!(bits(&row), bits(&weights[(rows - 1 - i) * cols..][..cols]), "{} row {}", dtype, i);
            }
            let floats = random.floats(tokens * cols);
            let target = Target { offset: 3, add };
            let stride = rows + 5;
            let x = activations(Cpu::all()[0], &floats, cols, &matrix);
            let expected = product(Cpu::all()[0], 1, &matrix, &x, target, stride);
            for token in 0..tokens {
                let x = seen(&matrix, &x, &floats, token);
                for i in 0..stride {
                    let got = f64::from(expected[token * stride + i]);
                    if !(3..rows + 3).contains(&i) {
                        prop_assert_eq!(got, 0.5, "{} wrote outside its target", dtype);
                        continue;
                    }
                    let weights = &weights[(rows - 1 - (i - 3)) * cols..][..cols];
                    let sum: f64 = weights.iter().zip(&x).map(|(&w, x)| f64::from(w) * x).sum();
                    let size: f64 = weights.iter().zip(&x).map(|(&w, x)| (f64::from(w) * x).abs()).sum();
                    // Codes are offset by up to 15 (31) times what the minimum takes off again.
                    let close = (got - sum - if add { 0.5 } else { 0.0 }).abs() <= 1e-4 * (size + 1.0);
                    prop_assert!(close, "{} token {} row {}: {} for {}", dtype, token, i, got, sum);
                }
            }
            for cpu in Cpu::all() {
                let level = activations(cpu, &floats, cols, &matrix);
                for threads in [1, 3] {
                    let got = product(cpu, threads, &matrix, &level, target, stride);
                    prop_assert_eq!(bits(&got), bits(&expected), "{} at {} differs", dtype, cpu.level());
                }
                let alone = random.below(tokens);
                let level = activations(cpu, &floats[alone * cols..][..cols], cols, &matrix);
                let got = product(cpu, 1, &matrix, &level, target, stride);
                let among = &expected[alone * stride..][..stride];
                prop_assert_eq!(bits(&got), bits(among), "{} alone differs", dtype);
            }
        }
    }

    #[test]
    fn quantised_activations_are_nearest(seed: u64, exponent in -20i32..20) {
        let x: Vec<f32> = Random(seed).floats(BLOCK).iter().map(|x| x * (exponent as f32).exp2()).collect();
        let matrix = Matrix::pack(DType::Q8_0, 1, BLOCK, &[0; 34], |i| i);
        for cpu in Cpu::all() {
            let blocks = activations(cpu, &x, BLOCK, &matrix);
            let block = &blocks.blocks(0)[0];
            let sum: i32 = block.q.iter().map(|&q| i32::from(q)).sum();
            let first: i32 = block.q[..16].iter().map(|&q| i32::from(q)).sum();
            prop_assert_eq!((block.neg128, block.neg8, block.neg128_first), (-128 * sum, -8 * sum, -128 * first));
            for (x, q) in x.iter().zip(block.q) {
                prop_assert!((x - block.scale * f32::from(q)).abs() <= 0.5001 * block.scale);
            }
        }
    }

    #[test]
    fn norms_and_gates_agree_with_a_reference(seed: u64, cols in 1usize..70, tokens in 1usize..8) {
        let mut random = Random(seed);
        let (x, weight) = (random.floats(tokens * 2 * cols), random.floats(cols));
        let matrix = Matrix::pack(DType::F32, 1, cols, &vec![0; 4 * cols], |i| i);
        for cpu in Cpu::all() {
            let mut normed = Activations::default();
            normed.resize(tokens, cols, matrix.forms());
            normed.write_panels(&mut Pool::new(1), &|_, panel| {
                run(cpu, NormPanel { x: &x[..tokens * cols], weight: &weight, eps: 1e-5, panel });
            });
            let mut gated = Activations::default();
            gated.resize(tokens, cols, matrix.forms());
            gated.write_panels(&mut Pool::new(1), &|_, panel| run(cpu, SwigluPanel { x: &x, cols, panel }));
            for token in 0..tokens {
                let row: Vec<f64> = x[token * cols..][..cols].iter().map(|&x| f64::from(x)).collect();
                let mean = row.iter().map(|x| x * x).sum::<f64>() / cols as f64;
                for k in 0..cols {
                    let expected = row[k] / (mean + 1e-5).sqrt() * f64::from(weight[k]);
                    let got = f64::from(normed.floats(0)[k * PANEL + token]);
                    prop_assert!((got - expected).abs() < 1e-5, "{} for {}", got, expected);
                    let (gate, up) = (x[token * 2 * cols + k], x[(token * 2 + 1) * cols + k]);
                    let expected = f64::from(gate) / (1.0 + (-f64::from(gate)).exp()) * f64::from(up);
                    let got = f64::from(gated.floats(0)[k * PANEL + token]);
                    prop_assert!((got - expected).abs() < 1e-6, "{} for {}", got, expected);
                }
            }
            if cpu.level() != CpuLevel::Portable {
                let portable = Cpu::new(CpuLevel::Portable).unwrap();
                let mut same = Activations::default();
                same.resize(tokens, cols, matrix.forms());
                same.write_panels(&mut Pool::new(1), &|_, panel| run(portable, SwigluPanel { x: &x, cols, panel }));
                for token in 0..tokens {
                    for k in 0..cols {
                        let at = k * PANEL + token;
                        prop_assert_eq!(same.floats(0)[at].to_bits(), gated.floats(0)[at].to_bits());
                    }
                }
            }
        }
    }

    #[test]
    fn rotation_turns_pairs(seed: u64, half in 1usize..20, extra in 0usize..3) {
        let mut random = Random(seed);
        let head_dim = 2 * half + extra;
        let before = random.floats(2 * head_dim);
        let angles = random.floats(half);
        let (cos, sin): (Vec<f32>, Vec<f32>) = angles.iter().map(|a| (a.cos(), a.sin())).unzip();
        for cpu in Cpu::all() {
            let mut heads = before.clone();
            run(cpu, RotateHeads { heads: &mut heads, head_dim, norm: None, cos: &cos, sin: &sin });
            for (old, new) in before.chunks(head_dim).zip(heads.chunks(head_dim)) {
                for i in 0..half {
                    prop_assert!((new[i] - (old[i] * cos[i] - old[i + half] * sin[i])).abs() < 1e-6);
                    prop_assert!((new[i + half] - (old[i] * sin[i] + old[i + half] * cos[i])).abs() < 1e-6);
                }
                prop_assert_eq!(&new[2 * half..], &old[2 * half..]);
            }
        }
    }

    #[test]
    fn attention_agrees_with_a_reference(
        seed: u64, rows in 1usize..6, group in 1usize..8, head_dim in 1usize..70, window in 1usize..100
    ) {
        attention_case::<f32>(seed, rows, group, head_dim, window, 1e-5)?;
        attention_case::<f16>(seed, rows, group, head_dim, window, 1e-5)?;
        // Products of numbers rounded to 8 bits.
        attention_case::<EightBit>(seed, rows, group, head_dim, window, 0.06)?;
    }
}

fn attention_case<F: KvFormat>(
    seed: u64,
    rows: usize,
    group: usize,
    head_dim: usize,
    window: usize,
    tolerance: f64,
) -> Result<(), TestCaseError> {
    let mut random = Random(seed);
    // Six pages of keys and values that half precision holds.
    let mut numbers = || -> Vec<f32> {
        let numbers = random.floats(6 * PAGE * head_dim);
        numbers
            .into_iter()
            .map(|x| f16::from_f32(2.0 * x).to_f32())
            .collect()
    };
    let (keys, values) = (numbers(), numbers());
    let at = |page: u32, position: usize| (page as usize * PAGE + position) * head_dim;
    let stored = |cpu: Cpu| -> Vec<Vec<F::Unit>> {
        let page = |id: u32| {
            // SAFETY: all zeros are a unit of every format.
            let mut page = vec![unsafe { std::mem::zeroed::<F::Unit>() }; F::units(head_dim)];
            // A page is filled again when its owner has gone.
            for position in [3, 5].into_iter().chain(0..PAGE) {
                let start = at(id, position);
                let store = StoreHead::<F> {
                    page: &mut page,
                    position,
                    key: &keys[start..start + head_dim],
                    value: &values[start..start + head_dim],
                };
                run(cpu, store);
            }
            page
        };
        (0..6).map(page).collect()
    };
    // Sequences share the first page or two, as forks do.
    let tables: Vec<Vec<u32>> = (0..rows)
        .map(|_| vec![0, random.below(2) as u32 + 1, random.below(3) as u32 + 3])
        .collect();
    let queries: Vec<QueryRow<'_>> = tables
        .iter()
        .map(|pages| {
            let to = 1 + random.below(3 * PAGE);
            QueryRow {
                pages,
                from: to.saturating_sub(window),
                to,
            }
        })
        .collect();
    let q = random.floats(rows * group * head_dim);
    let mut first: Option<Vec<f32>> = None;
    for cpu in Cpu::all() {
        let pages = stored(cpu);
        let attend = |range: std::ops::Range<usize>| {
            let mut out = vec![f32::NAN; range.len() * group * head_dim];
            let mut scratch = Scratch::default();
            let kernel = Attend {
                rows: &queries[range.clone()],
                group,
                head_dim,
                query: |row, member| &q[((range.start + row) * group + member) * head_dim..][..head_dim],
                page: |page: u32| &pages[page as usize][..],
                output: |row: usize, member: usize, result: &[f32]| {
                    out[(row * group + member) * head_dim..][..head_dim].copy_from_slice(result);
                },
                scratch: &mut scratch,
                format: PhantomData::<F>,
            };
            run(cpu, kernel);
            out
        };
        let together = attend(0..rows);
        for row in 0..rows {
            let alone = attend(row..row + 1);
            let among = &together[row * group * head_dim..][..group * head_dim];
            prop_assert_eq!(
                bits(&alone),
                bits(among),
                "a row alone differs at {}",
                cpu.level()
            );
        }
        for (index, result) in together.chunks_exact(head_dim).enumerate() {
            let row = &queries[index / group];
            let q = &q[index * head_dim..][..head_dim];
            let place = |position: usize| at(row.pages[position / PAGE], position % PAGE);
            let scores: Vec<f64> = (row.from..row.to)
                .map(|position| {
                    let key = &keys[place(position)..];
                    let dot: f64 = (0..head_dim).map(|d| f64::from(q[d]) * f64::from(key[d])).sum();
                    (dot / (head_dim as f64).sqrt()).exp()
                })
                .collect();
            let total: f64 = scores.iter().sum();
            for d in 0..head_dim {
                let mut expected = 0.0;
                for (score, position) in scores.iter().zip(row.from..) {
                    expected += score / total * f64::from(values[place(position) + d]);
                }
                let close = (f64::from(result[d]) - expected).abs() < tolerance;
                prop_assert!(close, "{} for {}", result[d], expected);
            }
        }
        if let Some(first) = &first {
            prop_assert_eq!(
                bits(first),
                bits(&together),
                "{} differs from another level",
                cpu.level()
            );
        }
        first.get_or_insert(together);
    }
    Ok(())
}

#[test]
fn the_exponential_is_accurate_to_two_units_in_the_last_place() {
    use super::int8::Int8;
    use super::simd::{Kernel, LANES, Lanes};
    struct Exp(Lanes);
    impl Kernel for Exp {
        type Output = Lanes;
        #[inline(always)]
        fn run<S: Int8>(self, s: S) -> Lanes {
            let mut out = [0.0; LANES];
            s.store(s.exp(s.load(&self.0)), &mut out);
            out
        }
    }
    let steps = if cfg!(miri) { 40 } else { 20_000 };
    for cpu in Cpu::all() {
        for step in 0..steps {
            let x = -100.0 + 188.0 * step as f32 / steps as f32;
            let got = run(cpu, Exp([x; LANES]))[0];
            let expected = f64::from(x).exp();
            if x < -87.0 {
                assert_eq!(got, 0.0);
            } else {
                assert!(
                    (f64::from(got) / expected - 1.0).abs() < 2.4e-7,
                    "exp({x}) = {got}"
                );
            }
        }
        assert_eq!(run(cpu, Exp([0.0; LANES])), [1.0; LANES]);
        assert_eq!(run(cpu, Exp([f32::NEG_INFINITY; LANES])), [0.0; LANES]);
    }
}

#[test]
fn half_precision_loads_exactly() {
    use super::int8::Int8;
    use super::simd::{Kernel, LANES, Lanes};
    struct Load([f16; LANES]);
    impl Kernel for Load {
        type Output = Lanes;
        #[inline(always)]
        fn run<S: Int8>(self, s: S) -> Lanes {
            let mut out = [0.0; LANES];
            s.store(f16::load(s, &self.0), &mut out);
            out
        }
    }
    for cpu in Cpu::all() {
        for start in (0..=u16::MAX).step_by(if cfg!(miri) { 8192 } else { LANES }) {
            let stored = std::array::from_fn(|i| f16::from_bits(start + i as u16));
            for (loaded, stored) in run(cpu, Load(stored)).into_iter().zip(stored) {
                if stored.is_finite() {
                    assert_eq!(loaded.to_bits(), stored.to_f32().to_bits());
                }
            }
        }
    }
}

#[test]
fn levels_are_named_and_checked() {
    assert_eq!("avx2".parse(), Ok(CpuLevel::Avx2));
    assert!(
        "sse9"
            .parse::<CpuLevel>()
            .unwrap_err()
            .to_string()
            .contains("sse9")
    );
    let missing = CpuLevel::ALL.into_iter().find(|&level| Cpu::new(level).is_err());
    assert!(missing.is_some(), "no machine has both NEON and AVX2");
    assert!(Cpu::all().contains(&Cpu::best()));
}
