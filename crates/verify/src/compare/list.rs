//! Lists, tuples, sets, vectors, matrices.

use super::{Compared, Comparer, Decision};
use crate::expr::{Brackets, Expr};
use crate::fuel::Stop;

impl Comparer {
    /// Answers of which at least one has several elements.
    pub(super) fn lists(&mut self, a: &Expr, b: &Expr) -> Result<Option<Decision>, Stop> {
        use Brackets as B;
        use Expr as E;
        let d = match (a, b) {
            (E::Matrix(x), E::Matrix(y)) => self.matrices(x, y)?,
            (E::Seq(k, x), E::Seq(l, y)) => match (k, l) {
                (B::Bare, B::Bare) if self.strict() => self.ordered(x, y)?,
                (B::Bare, B::Bare) => self.unordered(x, y)?,
                (B::Brace, B::Brace) => self.as_sets(x, y)?,
                (B::Bare, B::Brace) | (B::Brace, B::Bare) if !self.strict() => self.as_sets(x, y)?,
                _ if k == l => self.ordered(x, y)?,
                _ if is_vector(*k, x) && is_vector(*l, y) && !self.strict() => self.ordered(x, y)?,
                (B::Bare, B::Paren | B::Square) | (B::Paren | B::Square, B::Bare) if self.lenient() => {
                    self.ordered(x, y)?
                }
                _ => Decision::no("brackets", "brackets of different kinds"),
            },
            (E::Seq(k, x), E::Matrix(rows)) | (E::Matrix(rows), E::Seq(k, x)) => match column(rows) {
                Some(y) if matches!(k, B::Paren | B::Square | B::Angle) && !self.strict() => {
                    if matches!(a, E::Seq(..)) {
                        self.ordered(x, &y)?
                    } else {
                        self.ordered(&y, x)?
                    }
                }
                _ => Decision::no("different kinds", "a matrix against a list"),
            },
            (E::Seq(k, x), other) | (other, E::Seq(k, x)) => {
                if matches!(k, B::Paren | B::Square | B::Angle)
                    && let Some(y) = in_unit_vectors(other, x.len())
                {
                    return if matches!(a, E::Seq(..)) {
                        self.ordered(x, &y).map(Some)
                    } else {
                        self.ordered(&y, x).map(Some)
                    };
                }
                if let (1, B::Bare | B::Brace | B::Square, false) = (x.len(), *k, self.strict()) {
                    return if matches!(a, E::Seq(..)) {
                        self.same(&x[0], other).map(Some)
                    } else {
                        self.same(other, &x[0]).map(Some)
                    };
                }
                // All solutions may be the same one, written twice: ±0.
                Decision::no("different kinds", "several values against one")
            }
            (E::Matrix(rows), other) | (other, E::Matrix(rows)) => {
                let y = column(rows).and_then(|c| in_unit_vectors(other, c.len()).map(|y| (c, y)));
                match y {
                    Some((c, y)) => self.ordered(&c, &y)?,
                    None if rows.len() == 1 && rows[0].len() == 1 && !self.strict() => {
                        self.same(&rows[0][0], other)?
                    }
                    None => Decision::no("different kinds", "a matrix against something else"),
                }
            }
            _ => return Ok(None),
        };
        Ok(Some(d))
    }

    fn ordered(&mut self, x: &[Expr], y: &[Expr]) -> Compared {
        if x.len() != y.len() {
            return Ok(Decision::no(
                "elements",
                format!("{} elements against {}", x.len(), y.len()),
            ));
        }
        let mut method = "elements";
        for (i, (p, q)) in x.iter().zip(y).enumerate() {
            let d = self.element(p, q)?;
            if !d.same {
                return Ok(Decision::no(d.method, format!("element {}: {}", i + 1, d.why)));
            }
            method = d.method;
        }
        Ok(Decision::yes(method, "all elements agree, in order"))
    }

    /// Elements of different kinds are different elements, not an error.
    fn element(&mut self, p: &Expr, q: &Expr) -> Compared {
        match self.same(p, q) {
            Err(Stop::Unsupported) if p == q => Ok(Decision::yes("same form", "written alike")),
            Err(Stop::Unsupported) => Ok(Decision::no("different kinds", "of different kinds")),
            other => other,
        }
    }

    pub(super) fn unordered(&mut self, x: &[Expr], y: &[Expr]) -> Compared {
        if x.len() != y.len() {
            return Ok(Decision::no(
                "elements",
                format!("{} elements against {}", x.len(), y.len()),
            ));
        }
        let mut free: Vec<&Expr> = y.iter().collect();
        let mut method = "elements";
        for (i, p) in x.iter().enumerate() {
            let mut found = None;
            for (k, q) in free.iter().enumerate() {
                let d = self.element(p, q)?;
                if d.same {
                    found = Some((k, d.method));
                    break;
                }
            }
            let Some((k, m)) = found else {
                return Ok(Decision::no(
                    "elements",
                    format!("element {} of the reference is missing", i + 1),
                ));
            };
            method = m;
            free.swap_remove(k);
        }
        Ok(Decision::yes(method, "the same elements"))
    }

    fn as_sets(&mut self, x: &[Expr], y: &[Expr]) -> Compared {
        let (x, y) = (self.distinct(x)?, self.distinct(y)?);
        self.unordered(&x, &y)
    }

    fn distinct(&mut self, x: &[Expr]) -> Result<Vec<Expr>, Stop> {
        let mut out: Vec<Expr> = Vec::new();
        'next: for e in x {
            for f in &out {
                if self.element(e, f)?.same {
                    continue 'next;
                }
            }
            out.push(e.clone());
        }
        Ok(out)
    }

    fn matrices(&mut self, x: &[Vec<Expr>], y: &[Vec<Expr>]) -> Compared {
        let shape = |m: &[Vec<Expr>]| (m.len(), m.first().map_or(0, Vec::len));
        if shape(x) != shape(y) {
            return Ok(Decision::no("matrix", "matrices of different shapes"));
        }
        let flat = |m: &[Vec<Expr>]| m.iter().flatten().cloned().collect::<Vec<_>>();
        self.ordered(&flat(x), &flat(y))
    }
}

/// Brackets that may hold a vector: not those of an interval.
fn is_vector(k: Brackets, x: &[Expr]) -> bool {
    match k {
        Brackets::Angle => true,
        Brackets::Paren => true,
        Brackets::Square => x.len() > 2,
        _ => false,
    }
}

/// The entries of a matrix with one column.
fn column(rows: &[Vec<Expr>]) -> Option<Vec<Expr>> {
    rows.iter()
        .map(|r| if r.len() == 1 { Some(r[0].clone()) } else { None })
        .collect()
}

/// The components of `a i + b j + c k` with unit vectors, in a space of `n` dimensions.
fn in_unit_vectors(e: &Expr, n: usize) -> Option<Vec<Expr>> {
    const NAMES: [&str; 3] = ["unit i", "unit j", "unit k"];
    let used = |e: &Expr| NAMES.iter().any(|v| e.any(&|x| *x == Expr::Var((*v).to_owned())));
    if !(2..=3).contains(&n) || !used(e) {
        return None;
    }
    let terms = match e {
        Expr::Add(v) => v.clone(),
        other => vec![other.clone()],
    };
    let mut out = vec![Vec::new(); n];
    for t in &terms {
        // Each term is a scalar times one unit vector.
        let at = NAMES
            .iter()
            .position(|v| t.any(&|x| *x == Expr::Var((*v).to_owned())))?;
        let scalar = with_one(t, NAMES[at]);
        if at >= n || used(&scalar) {
            return None;
        }
        out[at].push(scalar);
    }
    Some(
        out.into_iter()
            .map(|v| if v.is_empty() { Expr::int(0) } else { Expr::sum(v) })
            .collect(),
    )
}

fn with_one(e: &Expr, name: &str) -> Expr {
    match e {
        Expr::Var(v) if v == name => Expr::int(1),
        other => other.map(&mut |x| with_one(x, name)),
    }
}
