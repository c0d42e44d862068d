//! Rounding weights into GGUF's blocks. The layouts are ggml's (`ggml-common.h`), the inverse of the engine's
//! `quant/blocks.rs`.

use half::f16;
use rayon::prelude::*;
use strawberry_engine::quant::DType;

/// `values` as blocks of `dtype`.
///
/// # Panics
/// When `values` are no whole blocks, or `dtype` is none of F32, F16, Q8_0, Q4_0 and Q4_K: faults of the caller.
pub fn quantise(dtype: DType, values: &[f32]) -> Vec<u8> {
    let block: fn(&[f32], &mut [u8]) = match dtype {
        DType::F32 => |x, out| out.copy_from_slice(&x[0].to_le_bytes()),
        DType::F16 => |x, out| out.copy_from_slice(&f16::from_f32(x[0]).to_le_bytes()),
        DType::Q8_0 => q8_0,
        DType::Q4_0 => q4_0,
        DType::Q4K => q4_k,
        other => panic!("{other} is never written"),
    };
    let (weights, bytes) = (dtype.block_size(), dtype.block_bytes());
    assert!(values.len().is_multiple_of(weights), "whole blocks");
    let mut out = vec![0; values.len() / weights * bytes];
    let many = 4096;
    out.par_chunks_mut(bytes * many)
        .zip(values.par_chunks(weights * many))
        .for_each(|(out, values)| {
            for (out, values) in out.chunks_mut(bytes).zip(values.chunks(weights)) {
                block(values, out);
            }
        });
    out
}

fn half(value: f32, out: &mut [u8]) -> f32 {
    let half = f16::from_f32(value);
    out[..2].copy_from_slice(&half.to_le_bytes());
    half.to_f32()
}

fn inverse(x: f32) -> f32 {
    if x == 0.0 { 0.0 } else { 1.0 / x }
}

fn q8_0(x: &[f32], out: &mut [u8]) {
    let top = x.iter().fold(0.0f32, |m, v| m.max(v.abs()));
    let inverse = inverse(half(top / 127.0, out));
    for (q, x) in out[2..].iter_mut().zip(x) {
        *q = ((x * inverse).round().clamp(-127.0, 127.0) as i8).cast_unsigned();
    }
}

fn q4_0(x: &[f32], out: &mut [u8]) {
    // The largest value by size is met exactly, at the long end of −8 … 7; a few shorter steps are tried too.
    let top = x
        .iter()
        .copied()
        .fold(0.0f32, |m, v| if v.abs() > m.abs() { v } else { m });
    let round = |x: f32, inverse: f32| (x * inverse).round().clamp(-8.0, 7.0);
    let mut best = (f32::INFINITY, 0.0);
    for levels in [8.0, 7.75, 7.5, 7.25, 7.0] {
        let step = f16::from_f32(top / -levels).to_f32();
        let inverse = inverse(step);
        let error: f32 = x.iter().map(|x| (x - step * round(*x, inverse)).powi(2)).sum();
        if error < best.0 {
            best = (error, step);
        }
    }
    let inverse = inverse(half(best.1, out));
    for j in 0..16 {
        let quant = |x: f32| (round(x, inverse) + 8.0) as u8;
        out[2 + j] = quant(x[j]) | quant(x[j + 16]) << 4;
    }
}

/// Scale and minimum (both ≥ 0) of `x ≈ scale · q − minimum`, `q` in 0 … 15, by least squares over a few ranges.
fn fit(x: &[f32]) -> (f32, f32) {
    let low = x.iter().copied().fold(0.0f32, f32::min);
    let high = x.iter().copied().fold(0.0f32, f32::max);
    if high <= low {
        return (0.0, 0.0);
    }
    let mut best = (f32::INFINITY, 0.0, 0.0);
    let mut consider = |scale: f32, min: f32| {
        let inverse = inverse(scale);
        let quants = x.iter().map(|x| ((x + min) * inverse).round().clamp(0.0, 15.0));
        let (mut error, mut sq, mut sqq, mut sx, mut sxq) = (0.0, 0.0, 0.0, 0.0, 0.0);
        for (x, q) in x.iter().zip(quants) {
            error += (scale * q - min - x).powi(2);
            sq += q;
            sqq += q * q;
            sx += x;
            sxq += x * q;
        }
        if error < best.0 {
            best = (error, scale, min);
        }
        let n = x.len() as f32;
        let det = n * sqq - sq * sq;
        (det > 0.0).then(|| ((n * sxq - sx * sq) / det, (sxq * sq - sx * sqq) / det))
    };
    for shrink in 0..8 {
        let scale = (high - low) / (15.0 - 0.25 * shrink as f32 + 0.5);
        if let Some((scale, min)) = consider(scale, -low)
            && scale > 0.0
            && min >= 0.0
        {
            consider(scale, min);
        }
    }
    (best.1, best.2)
}

fn q4_k(x: &[f32], out: &mut [u8]) {
    let fits: Vec<(f32, f32)> = x.chunks(32).map(fit).collect();
    let top = |f: fn(&(f32, f32)) -> f32| fits.iter().map(f).fold(0.0f32, f32::max);
    let d = half(top(|f| f.0) / 63.0, &mut out[..2]);
    let dmin = half(top(|f| f.1) / 63.0, &mut out[2..4]);
    let six = |value: f32, unit: f32| (value * inverse(unit)).round().clamp(0.0, 63.0) as u8;
    let (scales, quants) = out[4..].split_at_mut(12);
    scales.fill(0);
    for (i, &(scale, min)) in fits.iter().enumerate() {
        let (s, m) = (six(scale, d), six(min, dmin));
        if i < 4 {
            scales[i] |= s;
            scales[i + 4] |= m;
        } else {
            scales[i + 4] = (s & 15) | (m & 15) << 4;
            scales[i - 4] |= s >> 4 << 6;
            scales[i] |= m >> 4 << 6;
        }
        let (scale, min) = (d * f32::from(s), dmin * f32::from(m));
        let inverse = inverse(scale);
        for (j, x) in x[i * 32..][..32].iter().enumerate() {
            let q = ((x + min) * inverse).round().clamp(0.0, 15.0) as u8;
            let byte = &mut quants[i / 2 * 32 + j];
            *byte = if i % 2 == 0 { q } else { *byte | q << 4 };
        }
    }
}

#[cfg(test)]
mod tests {
    use strawberry_engine::quant::dequantize;

    use super::*;

    #[test]
    fn blocks_come_back_within_their_rounding() {
        // Like weights: a bell, with an outlier in each block.
        let values: Vec<f32> = (0..4096)
            .map(|i| {
                let x = ((i * 7919 % 997) as f32 / 997.0 - 0.5) * 2.0;
                x * x * x * if i % 256 == 17 { 3.0 } else { 1.0 }
            })
            .collect();
        let power: f32 = values.iter().map(|v| v * v).sum();
        for (dtype, bound) in [
            (DType::F32, 0.0),
            (DType::F16, 1e-3),
            (DType::Q8_0, 1e-2),
            (DType::Q4_0, 0.12),
            (DType::Q4K, 0.09),
        ] {
            let blocks = quantise(dtype, &values);
            let mut back = vec![0.0; values.len()];
            dequantize(dtype, &blocks, &mut back).unwrap();
            let error: f32 = values.iter().zip(&back).map(|(a, b)| (a - b).powi(2)).sum();
            let relative = (error / power).sqrt();
            assert!(relative <= bound, "{dtype}: {relative}");
            let zeros = quantise(dtype, &vec![0.0; 256]);
            let mut back = vec![1.0; 256];
            dequantize(dtype, &zeros, &mut back).unwrap();
            assert!(back.iter().all(|v| *v == 0.0), "{dtype}");
        }
    }
}
