//! Propositions over letters: equal when their truth tables are.

use super::{Comparer, Decision};
use crate::expr::{Expr, LogicOp, RelOp};
use crate::fuel::Stop;

impl Comparer {
    /// Two propositions with at most ten letters, at least one with a connective.
    pub(super) fn propositions(&mut self, a: &Expr, b: &Expr) -> Result<Option<Decision>, Stop> {
        let connected =
            |e: &Expr| matches!(e, Expr::Logic(..)) || matches!(e, Expr::Rel(_, ops) if connectives(ops));
        if !(connected(a) || connected(b)) || !is_proposition(a) || !is_proposition(b) {
            return Ok(None);
        }
        let mut names = a.variables();
        names.extend(b.variables());
        names.sort();
        names.dedup();
        if names.len() > 10 {
            return Err(Stop::Fuel("a proposition with many letters"));
        }
        for row in 0..1u32 << names.len() {
            self.meter.spend(8)?;
            if truth(a, &names, row) != truth(b, &names, row) {
                return Ok(Some(Decision::no("truth table", "a row differs")));
            }
        }
        Ok(Some(Decision::yes("truth table", "all rows agree")))
    }
}

fn connectives(ops: &[RelOp]) -> bool {
    matches!(ops, [RelOp::Implies | RelOp::To | RelOp::Iff])
}

fn is_proposition(e: &Expr) -> bool {
    match e {
        Expr::Var(_) => true,
        Expr::Logic(_, v) => v.iter().all(is_proposition),
        Expr::Rel(v, ops) => connectives(ops) && v.iter().all(is_proposition),
        _ => false,
    }
}

fn truth(e: &Expr, names: &[String], row: u32) -> bool {
    let of = |x: &Expr| truth(x, names, row);
    match e {
        Expr::Var(n) => names
            .iter()
            .position(|m| m == n)
            .is_some_and(|i| row >> i & 1 == 1),
        Expr::Logic(LogicOp::And, v) => v.iter().all(of),
        Expr::Logic(LogicOp::Or, v) => v.iter().any(of),
        Expr::Logic(LogicOp::Not, v) => !of(&v[0]),
        Expr::Rel(v, ops) if ops.as_slice() == [RelOp::Iff] => of(&v[0]) == of(&v[1]),
        Expr::Rel(v, _) => !of(&v[0]) || of(&v[1]),
        _ => false,
    }
}
