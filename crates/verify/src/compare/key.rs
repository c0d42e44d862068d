//! The grouping key: equal keys mean equal answers, at the cost of one normal form.

use crate::expr::{Brackets, Expr, RelOp};
use crate::fuel::{Meter, Stop};
use crate::norm;
use crate::options::{Fuel, Mode, Options};

use super::tidy;

/// The key of an answer, where it has one.
pub fn key(e: &Expr, options: &Options) -> Option<String> {
    let fuel = Fuel {
        steps: options.fuel.steps / 10,
        ..options.fuel
    };
    let mut meter = Meter::new(&fuel);
    of(&tidy::tidy(e), options.mode, &mut meter).ok()
}

fn of(e: &Expr, mode: Mode, meter: &mut Meter) -> Result<String, Stop> {
    meter.spend(4)?;
    let many = |v: &[Expr], meter: &mut Meter| {
        v.iter()
            .map(|x| of(x, mode, meter))
            .collect::<Result<Vec<_>, _>>()
    };
    Ok(match e {
        Expr::Text(t) => format!("words {t}"),
        Expr::Choice(c, None) => format!("choice {c}"),
        Expr::Clock(m, known) => format!("time {m} {known}"),
        Expr::Percent(x) => format!("{} %", of(x, mode, meter)?),
        Expr::Degrees(x) => format!("{} deg", of(x, mode, meter)?),
        Expr::Quantity(x, u) => {
            let dims: Vec<String> = u.dims.iter().map(|(n, e)| format!("{n}{e}")).collect();
            let scaled = Expr::Mul(vec![(**x).clone(), Expr::Num(u.factor.clone())]);
            format!(
                "{} {} {}",
                of(&scaled, mode, meter)?,
                dims.join(" "),
                u.noun.as_deref().unwrap_or("")
            )
        }
        Expr::Rel(v, ops) => match (v.as_slice(), ops.as_slice()) {
            ([Expr::Var(name), value], [RelOp::Eq]) if value.variables().is_empty() => {
                format!("{name} = {}", of(value, mode, meter)?)
            }
            _ => return Err(Stop::Unsupported),
        },
        Expr::Seq(kind, items) => {
            let mut keys = many(items, meter)?;
            if *kind == Brackets::Brace || (*kind == Brackets::Bare && mode != Mode::Strict) {
                keys.sort();
            }
            if *kind == Brackets::Brace {
                keys.dedup();
            }
            format!("{kind:?}[{}]", keys.join("; "))
        }
        Expr::Matrix(rows) => {
            let rows: Result<Vec<String>, Stop> = rows
                .iter()
                .map(|r| many(r, meter).map(|k| k.join("; ")))
                .collect();
            format!("matrix[{}]", rows?.join(" | "))
        }
        number => norm::ratio_key(&norm::to_ratio(number, meter)?),
    })
}
