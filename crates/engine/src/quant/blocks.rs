//! One block of each format. Callers pass exactly `block_bytes` bytes and `block_size` outputs.

fn half(b: &[u8], at: usize) -> f32 {
    half::f16::from_le_bytes([b[at], b[at + 1]]).to_f32()
}

fn word(b: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([b[at], b[at + 1], b[at + 2], b[at + 3]])
}

pub(super) fn f32(b: &[u8], out: &mut [f32]) {
    out[0] = f32::from_bits(word(b, 0));
}

pub(super) fn f16(b: &[u8], out: &mut [f32]) {
    out[0] = half(b, 0);
}

pub(super) fn bf16(b: &[u8], out: &mut [f32]) {
    out[0] = f32::from_bits(u32::from(u16::from_le_bytes([b[0], b[1]])) << 16);
}

pub(super) fn q8_0(b: &[u8], out: &mut [f32]) {
    let d = half(b, 0);
    for (w, q) in out.iter_mut().zip(&b[2..34]) {
        *w = f32::from(q.cast_signed()) * d;
    }
}

pub(super) fn q4_0(b: &[u8], out: &mut [f32]) {
    let d = half(b, 0);
    for (j, q) in b[2..18].iter().enumerate() {
        out[j] = f32::from(i16::from(q & 15) - 8) * d;
        out[j + 16] = f32::from(i16::from(q >> 4) - 8) * d;
    }
}

pub(super) fn q4_1(b: &[u8], out: &mut [f32]) {
    let (d, m) = (half(b, 0), half(b, 2));
    for (j, q) in b[4..20].iter().enumerate() {
        out[j] = f32::from(q & 15) * d + m;
        out[j + 16] = f32::from(q >> 4) * d + m;
    }
}

/// The two five-bit values whose low bits are `q`; their fifth bits are bits `j` and `j + 16` of `high`.
fn five_bits(q: u8, high: u32, j: usize) -> (u8, u8) {
    let bit = |at: usize| ((high >> at) as u8 & 1) << 4;
    ((q & 15) | bit(j), (q >> 4) | bit(j + 16))
}

pub(super) fn q5_0(b: &[u8], out: &mut [f32]) {
    let (d, high) = (half(b, 0), word(b, 2));
    for (j, &q) in b[6..22].iter().enumerate() {
        let (lo, hi) = five_bits(q, high, j);
        out[j] = f32::from(i16::from(lo) - 16) * d;
        out[j + 16] = f32::from(i16::from(hi) - 16) * d;
    }
}

pub(super) fn q5_1(b: &[u8], out: &mut [f32]) {
    let (d, m, high) = (half(b, 0), half(b, 2), word(b, 4));
    for (j, &q) in b[8..24].iter().enumerate() {
        let (lo, hi) = five_bits(q, high, j);
        out[j] = f32::from(lo) * d + m;
        out[j + 16] = f32::from(hi) * d + m;
    }
}

/// The six-bit (scale, minimum) of sub-block `i` out of the 12 packed bytes of Q4_K and Q5_K: sub-blocks
/// 0–3 keep theirs in the low six bits of bytes `i` and `i + 4`; 4–7 have the low four bits in byte
/// `i + 4` and the high two in the top of the earlier bytes.
fn scale_min(s: &[u8], i: usize) -> (f32, f32) {
    let (scale, min) = if i < 4 {
        (s[i] & 63, s[i + 4] & 63)
    } else {
        (
            (s[i + 4] & 15) | (s[i - 4] >> 6 << 4),
            (s[i + 4] >> 4) | (s[i] >> 6 << 4),
        )
    };
    (f32::from(scale), f32::from(min))
}

pub(super) fn q4_k(b: &[u8], out: &mut [f32]) {
    let (d, dmin) = (half(b, 0), half(b, 2));
    let (scales, qs) = (&b[4..16], &b[16..144]);
    for (i, sub) in out.chunks_exact_mut(32).enumerate() {
        let (scale, min) = scale_min(scales, i);
        let (scale, min) = (d * scale, dmin * min);
        let shift = 4 * (i & 1);
        for (w, q) in sub.iter_mut().zip(&qs[i / 2 * 32..]) {
            *w = scale * f32::from((q >> shift) & 15) - min;
        }
    }
}

pub(super) fn q5_k(b: &[u8], out: &mut [f32]) {
    let (d, dmin) = (half(b, 0), half(b, 2));
    let (scales, high, qs) = (&b[4..16], &b[16..48], &b[48..176]);
    for (i, sub) in out.chunks_exact_mut(32).enumerate() {
        let (scale, min) = scale_min(scales, i);
        let (scale, min) = (d * scale, dmin * min);
        let shift = 4 * (i & 1);
        for ((w, q), h) in sub.iter_mut().zip(&qs[i / 2 * 32..]).zip(high) {
            let q = ((q >> shift) & 15) | (((h >> i) & 1) << 4);
            *w = scale * f32::from(q) - min;
        }
    }
}

pub(super) fn q6_k(b: &[u8], out: &mut [f32]) {
    let (low, high, scales) = (&b[..128], &b[128..192], &b[192..208]);
    let d = half(b, 208);
    // Two halves of 128 weights; in each, four runs of 32 share their low bytes pairwise and one byte of
    // high bits per four weights.
    for (i, sub) in out.chunks_exact_mut(32).enumerate() {
        let (half, run) = (i / 4, i % 4);
        let low = &low[half * 64 + run % 2 * 32..];
        let high = &high[half * 32..];
        for (j, w) in sub.iter_mut().enumerate() {
            let q = ((low[j] >> (run / 2 * 4)) & 15) | (((high[j] >> (2 * run)) & 3) << 4);
            let scale = d * f32::from(scales[i * 2 + j / 16].cast_signed());
            *w = scale * f32::from(i16::from(q) - 32);
        }
    }
}
