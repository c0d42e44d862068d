//! Products of matrices by the `gemm` kernels.

use gemm_common::Parallelism;

/// A row-major matrix, or its transpose.
#[derive(Clone, Copy, Debug)]
pub struct Operand<'a> {
    data: &'a [f32],
    rows: usize,
    cols: usize,
    transposed: bool,
}

/// `data` as a matrix of `rows × cols`.
///
/// # Panics
/// When `data` is not of that size: a fault of the caller, never of a user.
pub fn mat(data: &[f32], rows: usize, cols: usize) -> Operand<'_> {
    assert_eq!(data.len(), rows * cols, "a matrix of {rows} × {cols}");
    Operand {
        data,
        rows,
        cols,
        transposed: false,
    }
}

impl<'a> Operand<'a> {
    /// The transpose; nothing is moved.
    pub fn t(self) -> Operand<'a> {
        Operand {
            transposed: !self.transposed,
            ..self
        }
    }

    fn shape(&self) -> (usize, usize) {
        if self.transposed {
            (self.cols, self.rows)
        } else {
            (self.rows, self.cols)
        }
    }

    /// Distance between neighbouring columns and between neighbouring rows.
    fn strides(&self) -> (isize, isize) {
        let wide = self.cols as isize;
        if self.transposed { (wide, 1) } else { (1, wide) }
    }
}

/// Whether a product replaces the output or is added to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Into {
    /// `out = scale · a · b`
    Set,
    /// `out += scale · a · b`
    Add,
}

/// `out (+)= scale · a · b` on all threads of the current pool. The result does not depend on how the work
/// is scheduled: every element is one sum in one order.
///
/// # Panics
/// When the shapes do not fit: a fault of the caller.
pub fn product(out: &mut [f32], a: Operand<'_>, b: Operand<'_>, scale: f32, into: Into) {
    run(out, a, b, scale, into, Parallelism::Rayon(0));
}

/// Like [`product`] on the calling thread alone, for many small products side by side.
///
/// # Panics
/// When the shapes do not fit: a fault of the caller.
pub fn product_here(out: &mut [f32], a: Operand<'_>, b: Operand<'_>, scale: f32, into: Into) {
    run(out, a, b, scale, into, Parallelism::None);
}

fn run(out: &mut [f32], a: Operand<'_>, b: Operand<'_>, scale: f32, into: Into, threads: Parallelism) {
    let (m, k) = a.shape();
    let (inner, n) = b.shape();
    assert_eq!(k, inner, "inner sizes");
    assert_eq!(out.len(), m * n, "an output of {m} × {n}");
    if out.is_empty() {
        return;
    }
    if k == 0 {
        if into == Into::Set {
            out.fill(0.0);
        }
        return;
    }
    let (a_cs, a_rs) = a.strides();
    let (b_cs, b_rs) = b.strides();
    let kernel = gemm_f32::gemm::f32::get_gemm_fn();
    // The kernel prefers outputs stored by columns, so the transposed product bᵀ · aᵀ is computed.
    // SAFETY: all three slices have exactly rows × cols elements (checked here and in `mat`), so every index
    // row · row_stride + column · column_stride of the given shapes lies inside; `out` is borrowed mutably
    // and therefore aliases neither input.
    unsafe {
        kernel(
            n,
            m,
            k,
            out.as_mut_ptr(),
            n as isize,
            1,
            into == Into::Add,
            b.data.as_ptr(),
            b_rs,
            b_cs,
            a.data.as_ptr(),
            a_rs,
            a_cs,
            1.0,
            scale,
            false,
            false,
            false,
            threads,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_transpositions_agree_with_the_definition() {
        let (m, k, n) = (5, 7, 3);
        let a: Vec<f32> = (0..m * k).map(|i| (i as f32 * 0.37).sin()).collect();
        let b: Vec<f32> = (0..k * n).map(|i| (i as f32 * 0.73).cos()).collect();
        let flip = |x: &[f32], rows: usize, cols: usize| -> Vec<f32> {
            (0..rows * cols).map(|i| x[i % rows * cols + i / rows]).collect()
        };
        let (at, bt) = (flip(&a, m, k), flip(&b, k, n));
        let wanted: Vec<f32> = (0..m * n)
            .map(|i| (0..k).map(|j| a[i / n * k + j] * b[j * n + i % n]).sum::<f32>())
            .collect();
        for (a, b) in [
            (mat(&a, m, k), mat(&b, k, n)),
            (mat(&at, k, m).t(), mat(&b, k, n)),
            (mat(&a, m, k), mat(&bt, n, k).t()),
            (mat(&at, k, m).t(), mat(&bt, n, k).t()),
        ] {
            let mut out = vec![1.0; m * n];
            product(&mut out, a, b, 2.0, Into::Add);
            product_here(&mut out, a, b, -1.0, Into::Add);
            for (o, w) in out.iter().zip(&wanted) {
                assert!((o - 1.0 - w).abs() < 1e-5);
            }
        }
    }
}
