//! A projection with its adapter.

use super::{Gradients, Network};
use crate::ops::matmul::{Into, mat, product};

impl Network {
    /// `out (+)= W x` for each row of `x` (`[n, in]`), with the adapter of tensor `index` if there is one.
    pub(super) fn linear(&self, index: usize, x: &[f32], out: &mut [f32], into: Into) {
        let w = &self.tensors[index];
        let n = x.len() / w.cols;
        let x = mat(x, n, w.cols);
        product(out, x, mat(&w.data, w.rows, w.cols).t(), 1.0, into);
        if let Some((lora, [a, b])) = self.adapter(index) {
            let mut inner = vec![0.0; n * a.rows];
            product(&mut inner, x, mat(&a.data, a.rows, a.cols).t(), 1.0, Into::Set);
            product(
                out,
                mat(&inner, n, a.rows),
                mat(&b.data, b.rows, b.cols).t(),
                lora,
                Into::Add,
            );
        }
    }

    /// Given the gradient by the output, `dx (+)=` that by the input, and adds those by the weights.
    pub(super) fn linear_back(
        &self,
        index: usize,
        x: &[f32],
        dy: &[f32],
        dx: &mut [f32],
        into: Into,
        gradients: &mut Gradients,
    ) {
        let w = &self.tensors[index];
        let n = x.len() / w.cols;
        let (x, dy) = (mat(x, n, w.cols), mat(dy, n, w.rows));
        product(dx, dy, mat(&w.data, w.rows, w.cols), 1.0, into);
        if let Some(dw) = gradients.tensor(index) {
            product(dw, dy.t(), x, 1.0, Into::Add);
        }
        let Some((scale, [a, b])) = self.adapter(index) else {
            return;
        };
        let r = a.rows;
        let (a, b) = (mat(&a.data, r, w.cols), mat(&b.data, w.rows, r));
        let mut back = vec![0.0; n * r];
        product(&mut back, dy, b, scale, Into::Set);
        let back = mat(&back, n, r);
        product(dx, back, a, 1.0, Into::Add);
        if let Some([da, db]) = &mut gradients.lora[index] {
            let mut inner = vec![0.0; n * r];
            product(&mut inner, x, a.t(), scale, Into::Set);
            product(da, back.t(), x, 1.0, Into::Add);
            product(db, dy.t(), mat(&inner, n, r), 1.0, Into::Add);
        }
    }

    fn adapter(&self, index: usize) -> Option<(f32, &[super::Tensor; 2])> {
        let lora = self.lora.as_ref()?;
        Some((lora.scale(), lora.factors[index].as_ref()?))
    }
}
