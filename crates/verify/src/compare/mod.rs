//! Whether two answers are the same answer, by their kinds.
//!
//! | file | which answers |
//! |---|---|
//! | `mod.rs` | the dispatch; words, choices, ratios, times |
//! | `tidy.rs` | what is rewritten first: `±`, units under signs, functions that are products |
//! | `number.rs` | numbers with units, per cent, degrees, decimals, bases |
//! | `list.rs` | lists, tuples, sets, vectors, matrices |
//! | `logic.rs` | propositions |
//! | `relation.rs` | labels, equations, inequalities, systems, congruences |
//! | `real_set.rs` | intervals, unions, solution sets |
//! | `key.rs` | the grouping key |

mod key;
mod list;
mod logic;
mod number;
mod real_set;
mod relation;
mod tidy;

use crate::expr::{Brackets, Expr, RelOp};
use crate::fuel::{Meter, Stop};
use crate::options::{Mode, Options};
use crate::scalar;

pub use key::key;

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

impl Decision {
    fn yes(method: &'static str, why: impl Into<String>) -> Self {
        Decision {
            same: true,
            method,
            why: why.into(),
        }
    }

    fn no(method: &'static str, why: impl Into<String>) -> Self {
        Decision {
            same: false,
            method,
            why: why.into(),
        }
    }
}

type Compared = Result<Decision, Stop>;

/// Compares a response with a reference.
///
/// # Errors
/// [`Stop::Fuel`] when the fuel does not suffice, [`Stop::Undefined`] when one of them has no value.
pub fn compare(reference: &Expr, response: &Expr, options: &Options) -> Compared {
    let (a, b) = tidy::pair(reference, response);
    let mut c = Comparer {
        mode: options.mode,
        meter: Meter::new(&options.fuel),
        depth: 0,
    };
    match c.same(&a, &b) {
        Err(Stop::Unsupported) if a == b => Ok(Decision::yes("same form", "both are written alike")),
        Err(Stop::Unsupported) => Ok(Decision::no("different kinds", "they are of different kinds")),
        other => other,
    }
}

/// The state of a comparison.
struct Comparer {
    mode: Mode,
    meter: Meter,
    depth: usize,
}

impl Comparer {
    fn strict(&self) -> bool {
        self.mode == Mode::Strict
    }

    fn lenient(&self) -> bool {
        self.mode == Mode::Lenient
    }

    /// Whether two tidy answers are the same.
    fn same(&mut self, a: &Expr, b: &Expr) -> Compared {
        self.meter.spend(8)?;
        self.depth += 1;
        if self.depth > 200 {
            return Err(Stop::Fuel("nested too deeply"));
        }
        let r = self.dispatch(a, b);
        self.depth -= 1;
        r
    }

    fn dispatch(&mut self, a: &Expr, b: &Expr) -> Compared {
        use Expr as E;
        match (a, b) {
            (E::Choice(..), _) | (_, E::Choice(..)) => return self.choices(a, b),
            (E::Text(x), E::Text(y)) => return Ok(self.texts(x, y)),
            (E::Text(t), other) | (other, E::Text(t)) => return Ok(words_and_letters(t, other)),
            (E::Clock(..), _) | (_, E::Clock(..)) => return self.clocks(a, b),
            _ => {}
        }
        if let Some(d) = self.propositions(a, b)? {
            return Ok(d);
        }
        if let Some(d) = self.relations(a, b)? {
            return Ok(d);
        }
        if let Some(d) = self.real_sets(a, b)? {
            return Ok(d);
        }
        if let Some(d) = self.lists(a, b)? {
            return Ok(d);
        }
        if let (E::Ratio(x), E::Ratio(y)) = (a, b) {
            return self.ratios(x, y);
        }
        if let Some(d) = self.quantities(a, b)? {
            return Ok(d);
        }
        self.numbers(a, b)
    }

    fn choices(&mut self, a: &Expr, b: &Expr) -> Compared {
        let letter = |e: &Expr| match e {
            Expr::Choice(c, _) => Some(*c),
            Expr::Var(v) if v.len() == 1 => v.chars().next().filter(char::is_ascii_uppercase),
            _ => None,
        };
        if let (Some(x), Some(y)) = (letter(a), letter(b)) {
            let why = format!("choice {x} against {y}");
            return Ok(if x == y {
                Decision::yes("choice", why)
            } else {
                Decision::no("choice", why)
            });
        }
        match (a, b) {
            (Expr::Choice(_, Some(content)), other) | (other, Expr::Choice(_, Some(content)))
                if !self.strict() =>
            {
                self.same(content, other)
            }
            (Expr::Choice(x, None), Expr::Var(v)) | (Expr::Var(v), Expr::Choice(x, None))
                if self.lenient() =>
            {
                let same = *v == x.to_ascii_lowercase().to_string();
                Ok(Decision {
                    same,
                    method: "choice",
                    why: format!("choice {x} against {v}"),
                })
            }
            (Expr::Choice(x, None), other) | (other, Expr::Choice(x, None)) => match other {
                Expr::Seq(Brackets::Bare | Brackets::Brace, v) if v.len() == 1 => {
                    self.same(&Expr::Choice(*x, None), &v[0])
                }
                Expr::Rel(v, ops) if ops.as_slice() == [RelOp::Eq] && !self.strict() => {
                    self.same(&Expr::Choice(*x, None), &v[1])
                }
                _ => Ok(Decision::no(
                    "choice",
                    format!("choice {x} against something that is no choice"),
                )),
            },
            _ => Err(Stop::Unsupported),
        }
    }

    fn texts(&self, x: &str, y: &str) -> Decision {
        let synonym = |t: &str| match t {
            "true" => "yes".to_owned(),
            "false" => "no".to_owned(),
            other => other.to_owned(),
        };
        let same = x == y || (!self.strict() && synonym(x) == synonym(y));
        Decision {
            same,
            method: "words",
            why: format!("{x:?} against {y:?}"),
        }
    }

    fn clocks(&mut self, a: &Expr, b: &Expr) -> Compared {
        let time = |e: &Expr| match e {
            Expr::Clock(m, known) => Some((*m, *known)),
            Expr::Ratio(v) if v.len() == 2 => match (&v[0], &v[1]) {
                (Expr::Num(h), Expr::Num(m)) => {
                    let (h, m) = (crate::number::small(h)?, crate::number::small(m)?);
                    ((0..24).contains(&h) && (0..60).contains(&m))
                        .then_some(((h * 60 + m) as u32, h > 12 || h == 0))
                }
                _ => None,
            },
            _ => None,
        };
        let (Some((x, p)), Some((y, q))) = (time(a), time(b)) else {
            return Ok(Decision::no("time of day", "only one of them is a time of day"));
        };
        let same = if p && q {
            x == y
        } else {
            !self.strict() && x % 720 == y % 720
        };
        let written = |m: u32| format!("{}:{:02}", m / 60, m % 60);
        Ok(Decision {
            same,
            method: "time of day",
            why: format!("{} against {}", written(x), written(y)),
        })
    }

    /// `a : b : c` up to a common factor.
    fn ratios(&mut self, x: &[Expr], y: &[Expr]) -> Compared {
        if x.len() != y.len() {
            return Ok(Decision::no("ratio", "ratios of different lengths"));
        }
        for i in 1..x.len() {
            let left = Expr::Mul(vec![x[i].clone(), y[0].clone()]);
            let right = Expr::Mul(vec![y[i].clone(), x[0].clone()]);
            let e = scalar::equal(&left, &right, &mut self.meter)?;
            if !e.equal {
                return Ok(Decision::no("ratio", e.why));
            }
        }
        Ok(Decision::yes("ratio", "the same up to a common factor"))
    }
}

/// Words against something else: only letters written together and a list of them agree (`ACF`, `A, C, F`).
fn words_and_letters(text: &str, other: &Expr) -> Decision {
    let letters = |e: &Expr| match e {
        Expr::Choice(c, None) => Some(c.to_ascii_lowercase().to_string()),
        Expr::Var(v) if v.len() == 1 => Some(v.to_ascii_lowercase()),
        _ => None,
    };
    let joined: Option<String> = match other {
        Expr::Seq(Brackets::Bare, v) => v.iter().map(letters).collect(),
        Expr::Mul(v) => v.iter().map(letters).collect(),
        other => letters(other),
    };
    let same = joined.is_some_and(|j| j == text);
    Decision {
        same,
        method: "words",
        why: format!("{text:?} against a formula"),
    }
}
