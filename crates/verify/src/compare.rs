//! Whether two answers are the same answer.

use dashu_int::IBig;
use dashu_ratio::RBig;

use crate::expr::{Expr, RelOp};
use crate::options::Options;

/// The outcome of a comparison, and what decided it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Whether the answers are the same.
    pub same: bool,
    /// The method.
    pub method: &'static str,
    /// Why, for a person.
    pub why: String,
}

/// Compares a response with a reference.
pub fn compare(reference: &Expr, response: &Expr, _options: &Options) -> Decision {
    let (a, b) = (value(reference), value(response));
    let (same, method) = match (&a, &b) {
        (Some(a), Some(b)) => (a == b, "exact rational"),
        _ => (reference == response, "same form"),
    };
    Decision {
        same,
        method,
        why: String::new(),
    }
}

/// The canonical form, where there is one.
pub fn key(e: &Expr) -> Option<String> {
    value(e).map(|v| v.to_string())
}

fn value(e: &Expr) -> Option<RBig> {
    Some(match e {
        Expr::Num(q) | Expr::Decimal(q, _) | Expr::InBase(q, ..) => q.clone(),
        Expr::Neg(x) => -value(x)?,
        Expr::Div(a, b) => value(a)? / Some(value(b)?).filter(|d| !d.is_zero())?,
        Expr::Mul(v) => v.iter().map(value).try_fold(RBig::ONE, |p, x| Some(p * x?))?,
        Expr::Add(v) => v.iter().map(value).try_fold(RBig::ZERO, |p, x| Some(p + x?))?,
        Expr::Percent(x) => value(x)? / RBig::from(IBig::from(100)),
        Expr::Quantity(x, _) => value(x)?,
        Expr::Rel(v, ops) if ops.last() == Some(&RelOp::Eq) => value(v.last()?)?,
        _ => return None,
    })
}
