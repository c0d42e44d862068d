//! Rewriting both answers before they are compared.

use crate::expr::{Brackets, Expr, NamedSet, RelOp};

/// Both answers with `±` written out, units outside signs, and letters that are functions in neither read as
/// factors in both.
pub fn pair(a: &Expr, b: &Expr) -> (Expr, Expr) {
    let (a, mut b) = (tidy(a), tidy(b));
    if let (Some(k), Some(n)) = (parameter(&a), parameter(&b))
        && k != n
        && !a.variables().contains(&n)
        && !b.variables().contains(&k)
    {
        b = renamed(&b, &n, &k);
    }
    let mut names = applied(&a);
    names.extend(applied(&b));
    names.retain(|n| a.any(&|e| *e == Expr::Var(n.clone())) || b.any(&|e| *e == Expr::Var(n.clone())));
    if names.is_empty() {
        return (a, b);
    }
    (as_products(&a, &names), as_products(&b, &names))
}

/// The name in `k \in \mathbb{Z}`, which may be any.
fn parameter(e: &Expr) -> Option<String> {
    match e {
        Expr::Rel(v, ops) if ops.as_slice() == [RelOp::In] => match v.as_slice() {
            [Expr::Var(name), Expr::Named(NamedSet::Integers)] => Some(name.clone()),
            _ => None,
        },
        other => other.children().into_iter().find_map(parameter),
    }
}

fn renamed(e: &Expr, from: &str, to: &str) -> Expr {
    match e {
        Expr::Var(v) if v == from => Expr::Var(to.to_owned()),
        other => other.map(&mut |x| renamed(x, from, to)),
    }
}

fn applied(e: &Expr) -> Vec<String> {
    let mut out = match e {
        Expr::Apply(name, args) if args.len() == 1 => vec![name.clone()],
        _ => Vec::new(),
    };
    for c in e.children() {
        out.extend(applied(c));
    }
    out
}

fn as_products(e: &Expr, names: &[String]) -> Expr {
    match e {
        Expr::Apply(name, args) if args.len() == 1 && names.contains(name) => {
            Expr::Mul(vec![Expr::Var(name.clone()), as_products(&args[0], names)])
        }
        other => other.map(&mut |x| as_products(x, names)),
    }
}

/// One answer in tidy form.
pub fn tidy(e: &Expr) -> Expr {
    let e = lifted(e);
    match e {
        Expr::Seq(kind @ (Brackets::Bare | Brackets::Brace), items) => {
            let mut out = Vec::new();
            for item in &items {
                out.extend(signs(item));
            }
            Expr::Seq(kind, out)
        }
        other => {
            let mut both = signs(&other);
            if both.len() == 1 {
                both.remove(0)
            } else {
                Expr::Seq(Brackets::Bare, both)
            }
        }
    }
}

/// The two readings of an answer with `±`; `∓` takes the other sign.
fn signs(e: &Expr) -> Vec<Expr> {
    if !e.any(&|x| matches!(x, Expr::PlusMinus(..))) {
        return vec![e.clone()];
    }
    vec![signed(e, true), signed(e, false)]
}

fn signed(e: &Expr, plus: bool) -> Expr {
    match e {
        Expr::PlusMinus(upper, x) => {
            let x = signed(x, plus);
            if *upper == plus { x } else { Expr::Neg(Box::new(x)) }
        }
        other => other.map(&mut |x| signed(x, plus)),
    }
}

/// Units, per cent and degrees outside signs, products and quotients by plain numbers.
fn lifted(e: &Expr) -> Expr {
    let e = e.map(&mut lifted);
    match e {
        Expr::Neg(inner) => match *inner {
            Expr::Quantity(v, u) => Expr::Quantity(Box::new(Expr::Neg(v)), u),
            Expr::Percent(v) => Expr::Percent(Box::new(Expr::Neg(v))),
            Expr::Degrees(v) => Expr::Degrees(Box::new(Expr::Neg(v))),
            other => Expr::Neg(Box::new(other)),
        },
        Expr::Div(a, b) => match *a {
            Expr::Quantity(v, u) if !has_unit(&b) => Expr::Quantity(Box::new(Expr::Div(v, b)), u),
            a => Expr::Div(Box::new(a), b),
        },
        Expr::Mul(v) => {
            let at = v.iter().position(|x| matches!(x, Expr::Quantity(..)));
            match at {
                Some(i) if v.iter().enumerate().all(|(k, x)| k == i || !has_unit(x)) => {
                    let Expr::Quantity(value, unit) = &v[i] else {
                        return Expr::Mul(v);
                    };
                    let mut factors = v.clone();
                    factors[i] = (**value).clone();
                    Expr::Quantity(Box::new(Expr::Mul(factors)), unit.clone())
                }
                _ => {
                    // "\frac{1}{2} · 50%" stays; a lone per cent at the end of a product covers all of it.
                    match v.split_last() {
                        Some((Expr::Percent(last), rest)) if !rest.iter().any(has_unit) => {
                            let mut factors = rest.to_vec();
                            factors.push((**last).clone());
                            Expr::Percent(Box::new(Expr::Mul(factors)))
                        }
                        Some((Expr::Degrees(last), rest)) if !rest.iter().any(has_unit) => {
                            let mut factors = rest.to_vec();
                            factors.push((**last).clone());
                            Expr::Degrees(Box::new(Expr::Mul(factors)))
                        }
                        _ => Expr::Mul(v),
                    }
                }
            }
        }
        other => other,
    }
}

fn has_unit(e: &Expr) -> bool {
    e.any(&|x| matches!(x, Expr::Quantity(..) | Expr::Percent(_) | Expr::Degrees(_)))
}
