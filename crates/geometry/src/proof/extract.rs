//! From the closure's log to a proof: which rows, with which exact coefficients, make each premise.
//!
//! Rows are put into an echelon form in the order they were found, carrying how each came from the original
//! rows. A premise at time `t` is reduced by the rows older than `t`; the rows that take part are independent,
//! so none can be left out. Their exact coefficients are then solved for over the rationals.

use super::certificate::{Combination, RowText, Step as StepLine};
use crate::algebra::field::{self, add, inv, mul, neg};
use crate::algebra::table::{CONSTANTS, Var};
use crate::closure::rows::{PRIMES, Row, TABS, Tab, pair_of, sine_of};
use crate::closure::rules::instance;
use crate::closure::state::{Origin, Step};
use crate::figure::Figure;
use num_rational::BigRational;
use num_traits::{One, Zero};

/// Coefficients of rows in the field.
type Residues = Vec<(RowId, u64)>;
/// A row of the log: step and position.
type RowId = (usize, usize);

struct Basis {
    step: usize,
    pivot: Var,
    /// Scaled to coefficient 1 at the pivot.
    terms: Vec<(Var, u64)>,
    combo: Vec<(RowId, u64)>,
}

/// The log, ready for questions.
pub struct Tracer<'a> {
    log: &'a [Step],
    basis: [Vec<Basis>; 4],
}

/// `a + c b`, both sorted by key.
fn axpy<K: Ord + Copy>(a: &[(K, u64)], c: u64, b: &[(K, u64)]) -> Vec<(K, u64)> {
    let mut out = Vec::with_capacity(a.len() + b.len());
    let (mut i, mut j) = (0, 0);
    while i < a.len() || j < b.len() {
        if j == b.len() || (i < a.len() && a[i].0 < b[j].0) {
            out.push(a[i]);
            i += 1;
        } else if i == a.len() || b[j].0 < a[i].0 {
            out.push((b[j].0, mul(c, b[j].1)));
            j += 1;
        } else {
            let s = add(a[i].1, mul(c, b[j].1));
            if s != 0 {
                out.push((a[i].0, s));
            }
            i += 1;
            j += 1;
        }
    }
    out
}

fn field_terms(r: &Row) -> Vec<(Var, u64)> {
    r.terms.iter().map(|(v, c)| (*v, field::frac(c))).collect()
}

impl<'a> Tracer<'a> {
    /// Builds the echelon forms.
    pub fn new(log: &'a [Step]) -> Self {
        let mut t = Tracer {
            log,
            basis: Default::default(),
        };
        for (si, step) in log.iter().enumerate() {
            for (ri, row) in step.rows.iter().enumerate() {
                let (terms, combo) = t.reduce(row.tab, field_terms(row), si, true);
                // constants sort first and sines last: sines are eliminated before lengths
                let Some(&(pivot, c)) = terms.last() else { continue };
                if pivot < CONSTANTS {
                    continue;
                }
                let k = inv(c);
                let terms = terms.iter().map(|x| (x.0, mul(k, x.1))).collect();
                let combo = axpy(&[((si, ri), 1)], neg(1), &combo);
                let combo = combo.into_iter().map(|x| (x.0, mul(k, x.1))).collect();
                t.basis[row.tab as usize].push(Basis {
                    step: si,
                    pivot,
                    terms,
                    combo,
                });
            }
        }
        t
    }

    /// What is left of the terms after reduction, and the combination that was subtracted.
    fn reduce(
        &self,
        tab: Tab,
        mut terms: Vec<(Var, u64)>,
        before: usize,
        inclusive: bool,
    ) -> (Vec<(Var, u64)>, Residues) {
        let mut combo: Vec<(RowId, u64)> = Vec::new();
        for b in &self.basis[tab as usize] {
            if b.step > before || (b.step == before && !inclusive) {
                break;
            }
            if let Ok(i) = terms.binary_search_by_key(&b.pivot, |t| t.0) {
                let c = terms[i].1;
                terms = axpy(&terms, neg(c), &b.terms);
                combo = axpy(&combo, c, &b.combo);
            }
        }
        (terms, combo)
    }

    /// Exact coefficients that make `target` out of rows of steps before `before`.
    pub fn express(&self, target: &Row, before: usize) -> Option<Vec<(RowId, BigRational)>> {
        let (rest, combo) = self.reduce(target.tab, field_terms(target), before, false);
        if !rest.is_empty() {
            return None;
        }
        let ids: Vec<RowId> = combo.iter().map(|c| c.0).collect();
        let rows: Vec<&Row> = ids.iter().map(|&(s, r)| &self.log[s].rows[r]).collect();
        let solution = solve_exact(&rows, target)?;
        debug_assert!(
            combo
                .iter()
                .zip(&solution)
                .all(|(c, q)| big_residue(q) == Some(c.1))
        );
        Some(ids.into_iter().zip(solution).filter(|x| !x.1.is_zero()).collect())
    }

    /// The steps needed for the goals (each a list of rows), and how the goals follow.
    /// `None` if a premise cannot be rebuilt exactly.
    pub fn proof(
        &self,
        f: &Figure,
        goals: &[Vec<Row>],
        names: &[String],
    ) -> Option<(Vec<StepLine>, Vec<Vec<Combination>>)> {
        type Exact = Vec<(RowId, BigRational)>;
        let end = self.log.len();
        let mut used: Vec<Vec<bool>> = self.log.iter().map(|s| vec![false; s.rows.len()]).collect();
        let mark = |e: &Exact, used: &mut Vec<Vec<bool>>| {
            e.iter().for_each(|((s, r), _)| used[*s][*r] = true);
        };
        let mut goal_exact: Vec<Vec<Exact>> = Vec::new();
        for g in goals {
            let mut list = Vec::new();
            for row in g {
                let e = self.express(row, end)?;
                mark(&e, &mut used);
                list.push(e);
            }
            goal_exact.push(list);
        }
        let mut premises: Vec<Option<Vec<Exact>>> = vec![None; end];
        for s in (0..end).rev() {
            if !used[s].contains(&true) {
                continue;
            }
            let mut list = Vec::new();
            if let Origin::Rule(rule, pts, q) = &self.log[s].origin {
                for row in instance(f, *rule, pts, *q)?.premises {
                    let e = self.express(&row, s)?;
                    mark(&e, &mut used);
                    list.push(e);
                }
            }
            premises[s] = Some(list);
        }
        let mut number = vec![0usize; end];
        let mut lines = Vec::new();
        let combination = |e: &Exact, number: &[usize]| -> Combination {
            e.iter()
                .map(|((s, r), q)| {
                    let index = used[*s][..*r].iter().filter(|u| **u).count();
                    (number[*s], index, q.to_string())
                })
                .collect()
        };
        for s in 0..end {
            let Some(list) = &premises[s] else { continue };
            number[s] = lines.len();
            let step = &self.log[s];
            let rows = step
                .rows
                .iter()
                .zip(&used[s])
                .filter(|x| *x.1)
                .map(|x| row_text(x.0, names))
                .collect();
            let (rule, fact, points, number_text) = match &step.origin {
                Origin::Fact(i) => ("given".to_string(), Some(*i), vec![], None),
                Origin::Rule(rule, pts, q) => (
                    rule.name().to_string(),
                    None,
                    pts[..rule.points()]
                        .iter()
                        .map(|&p| names[p as usize].clone())
                        .collect(),
                    (!q.is_zero()).then(|| q.to_string()),
                ),
            };
            lines.push(StepLine {
                id: number[s],
                rule,
                fact,
                points,
                number: number_text,
                premises: list.iter().map(|e| combination(e, &number)).collect(),
                rows,
            });
        }
        let goals = goal_exact
            .iter()
            .map(|g| g.iter().map(|e| combination(e, &number)).collect())
            .collect();
        Some((lines, goals))
    }
}

fn big_residue(q: &BigRational) -> Option<u64> {
    let p = num_rational::BigRational::from_integer(field::P.into());
    let residue = |n: &num_rational::BigRational| -> Option<u64> {
        let r = n - (n / &p).floor() * &p;
        r.to_integer().to_string().parse().ok()
    };
    let n = residue(&BigRational::from_integer(q.numer().clone()))?;
    let d = residue(&BigRational::from_integer(q.denom().clone()))?;
    Some(mul(n, inv(d)))
}

/// Solves `sum x_i rows_i = target` over the rationals; the rows are independent.
fn solve_exact(rows: &[&Row], target: &Row) -> Option<Vec<BigRational>> {
    let big = |c: &crate::lang::atom::Frac| BigRational::new((*c.numer()).into(), (*c.denom()).into());
    let mut vars: Vec<Var> = rows.iter().flat_map(|r| r.terms.iter().map(|t| t.0)).collect();
    vars.extend(target.terms.iter().map(|t| t.0));
    vars.sort_unstable();
    vars.dedup();
    let k = rows.len();
    let at = |r: &Row, v: Var| {
        r.terms
            .binary_search_by_key(&v, |t| t.0)
            .map_or_else(|_| BigRational::zero(), |i| big(&r.terms[i].1))
    };
    let mut m: Vec<Vec<BigRational>> = vars
        .iter()
        .map(|&v| {
            let mut line: Vec<BigRational> = rows.iter().map(|r| at(r, v)).collect();
            line.push(at(target, v));
            line
        })
        .collect();
    let mut row = 0;
    for col in 0..k {
        let p = (row..m.len()).find(|&i| !m[i][col].is_zero())?;
        m.swap(row, p);
        let scale = BigRational::one() / m[row][col].clone();
        m[row].iter_mut().for_each(|x| *x *= &scale);
        for i in 0..m.len() {
            if i != row && !m[i][col].is_zero() {
                let c = m[i][col].clone();
                let pivot = m[row].clone();
                m[i].iter_mut().zip(&pivot).for_each(|(x, p)| *x -= p * &c);
            }
        }
        row += 1;
    }
    if m[row..].iter().any(|line| !line[k].is_zero()) {
        return None;
    }
    Some((0..k).map(|i| m[i][k].clone()).collect())
}

/// A row in the certificate's notation.
pub fn row_text(r: &Row, names: &[String]) -> RowText {
    let terms = r
        .terms
        .iter()
        .filter_map(|(v, c)| {
            if let Some((a, b)) = pair_of(*v) {
                return Some(vec![
                    names[a as usize].clone(),
                    names[b as usize].clone(),
                    c.to_string(),
                ]);
            }
            if let Some((v, x, y)) = sine_of(*v) {
                let [x, v, y] = [x, v, y].map(|p| names[p as usize].clone());
                return Some(vec![x, v, y, c.to_string()]);
            }
            let (name, c) = match r.tab {
                Tab::D => ("pi".to_string(), c - c.floor()),
                Tab::M => (format!("log{}", PRIMES[*v as usize]), *c),
                Tab::L => ("unit".to_string(), *c),
                Tab::S => ("unit2".to_string(), *c),
            };
            (!c.is_zero()).then(|| vec![name, c.to_string()])
        })
        .collect();
    RowText {
        table: ["D", "M", "L", "S"][TABS.iter().position(|t| *t == r.tab).unwrap_or(0)].into(),
        terms,
    }
}
