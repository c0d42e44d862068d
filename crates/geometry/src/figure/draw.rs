//! Drawing a problem: clause by clause, with restarts; several independent figures of one branch.

use super::measure::{holds, lengths_agree};
use super::rng::Rng;
use super::solve::{polish_tangency, solve};
use super::{Figure, SAME_POINT};
use crate::lang::atom::{Atom, Pt};
use crate::lang::problem::Problem;

/// What drawing found out.
pub struct Drawings {
    /// Figures on which hypotheses and goals hold: the most generic one first, then witnesses.
    pub good: Vec<Figure>,
    /// Figures on which the hypotheses hold but a goal fails.
    pub counter: Vec<Figure>,
    /// How often drawing failed.
    pub failures: usize,
}

/// Why no figure came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undrawable {
    /// The clause (index) that failed most often.
    pub clause: usize,
}

const ATTEMPTS: usize = 60;
const WANTED: usize = 6;

/// Draws the problem: up to six figures with true goals (keeping the three most generic), or counterexamples.
/// `Err` if no attempt satisfies the hypotheses.
pub fn draw(problem: &Problem, seed: u64, cancel: &dyn Fn() -> bool) -> Result<Drawings, Undrawable> {
    let mut rng = Rng::new(seed);
    let mut out = Drawings {
        good: vec![],
        counter: vec![],
        failures: 0,
    };
    let mut blame = vec![0usize; problem.clauses.len()];
    let pinned = !problem.pins.is_empty() && problem.pins.iter().all(Option::is_some);
    if pinned && let Some(f) = pinned_figure(problem) {
        sort_in(problem, f, &mut out);
    }
    let hyps = problem.hypotheses();
    let first = out.good.first().or(out.counter.first()).cloned();
    for attempt in 0..ATTEMPTS {
        let clean = out.good.iter().filter(|f| f.coincidences() == 0).count();
        // beside a given figure, two others to check with
        let enough = clean >= WANTED
            || (pinned && out.good.len() >= 3)
            || (out.good.is_empty() && out.counter.len() >= 12);
        if enough || cancel() || (attempt > 30 && out.good.len() >= 3) {
            break;
        }
        let figure = match &first {
            Some(f) => vary(f, &hyps, problem, &mut rng).ok_or(0),
            None if pinned => break,
            None => attempt_figure(problem, &mut rng),
        };
        match figure {
            Ok(f) => sort_in(problem, f, &mut out),
            Err(clause) => {
                out.failures += 1;
                if let Some(b) = blame.get_mut(clause) {
                    *b += 1;
                }
            }
        }
    }
    if out.good.is_empty() && out.counter.is_empty() {
        let clause = (0..blame.len()).max_by_key(|&i| blame[i]).unwrap_or(0);
        return Err(Undrawable { clause });
    }
    // keep a given figure in front; otherwise the most generic one
    let keep = usize::from(pinned && !out.good.is_empty());
    let rank = |f: &Figure| (f.coincidences(), -f.margin());
    out.good[keep..].sort_by(|a, b| rank(a).partial_cmp(&rank(b)).unwrap_or(std::cmp::Ordering::Equal));
    if let Some(shape) = out.good.first().map(Figure::coincidences) {
        out.good.retain(|f| f.coincidences() == shape);
    }
    out.good.truncate(3);
    Ok(out)
}

fn sort_in(problem: &Problem, f: Figure, out: &mut Drawings) {
    if problem.goals.iter().all(|g| holds(g, &f)) {
        out.good.push(f)
    } else {
        out.counter.push(f)
    }
}

/// All hypotheses and conditions hold on the figure.
fn valid(problem: &Problem, f: &Figure) -> bool {
    let facts = || problem.clauses.iter().flat_map(|c| &c.facts);
    facts().all(|a| holds(a, f)) && problem.conditions().all(|a| holds(a, f)) && lengths_agree(facts(), f)
}

fn pinned_figure(problem: &Problem) -> Option<Figure> {
    let mut xy: Vec<[f64; 2]> = problem.pins.iter().map(|p| p.unwrap_or_default()).collect();
    let f = Figure::normalised(&xy)?;
    if valid(problem, &f) {
        return Some(f);
    }
    // coordinates written with few digits: polish
    let all: Vec<Pt> = (0..xy.len() as u8).collect();
    let before = xy.clone();
    solve(&problem.hypotheses(), &all, &mut xy);
    let moved = xy
        .iter()
        .zip(&before)
        .any(|(a, b)| (a[0] - b[0]).hypot(a[1] - b[1]) > 0.05);
    Figure::normalised(&xy).filter(|f| !moved && valid(problem, f))
}

/// Another figure of the same branch: jiggle all points, then solve all hypotheses together.
fn vary(f: &Figure, hyps: &[Atom], problem: &Problem, rng: &mut Rng) -> Option<Figure> {
    let scale = 0.02 + 0.15 * rng.unit();
    let mut xy: Vec<[f64; 2]> =
        f.xy.iter()
            .map(|p| [p[0] + scale * rng.normal(), p[1] + scale * rng.normal()])
            .collect();
    let all: Vec<Pt> = (0..xy.len() as u8).collect();
    if !solve(hyps, &all, &mut xy) {
        return None;
    }
    let g = Figure::normalised(&xy)?;
    let same_shape = (0..xy.len() as u8).all(|a| (0..a).all(|b| f.same(a, b) == g.same(a, b)));
    (same_shape && g.margin() > 1e-4 && valid(problem, &g)).then_some(g)
}

/// One drawing from scratch; `Err(clause)` names the clause that could not be satisfied.
fn attempt_figure(problem: &Problem, rng: &mut Rng) -> Result<Figure, usize> {
    let n = problem.points.len();
    let mut xy = vec![[0.0; 2]; n];
    let mut placed: Vec<Pt> = Vec::new();
    for (ci, clause) in problem.clauses.iter().enumerate() {
        let facts: Vec<Atom> = clause.facts.clone();
        let unpinned: Vec<Pt> = clause
            .new
            .iter()
            .copied()
            .filter(|&p| problem.pins[p as usize].is_none())
            .collect();
        for &p in &clause.new {
            if let Some(c) = problem.pins[p as usize] {
                xy[p as usize] = c;
            }
        }
        let (centre, spread) = extent(&xy, &placed);
        let tries = if facts.is_empty() { 30 } else { 60 };
        let mut done = false;
        for t in 0..tries {
            for &p in &unpinned {
                xy[p as usize] = [
                    centre[0] + spread * rng.normal(),
                    centre[1] + spread * rng.normal(),
                ];
            }
            if !facts.is_empty() && !unpinned.is_empty() && !solve(&facts, &unpinned, &mut xy) {
                continue;
            }
            if let [p] = unpinned[..] {
                polish_tangency(&facts, p, &mut xy);
            }
            let mut now = placed.clone();
            now.extend(&clause.new);
            let relaxed = t > tries / 2;
            if acceptable(&xy, &now, &clause.new, centre, spread, relaxed) {
                let sub: Vec<[f64; 2]> = xy.clone();
                let part = Figure { xy: sub };
                let conditions = clause.conditions.iter().all(|c| holds(c, &part));
                if conditions && clause.facts.iter().all(|a| holds_scaled(a, &part)) {
                    done = true;
                    break;
                }
            }
        }
        if !done {
            return Err(ci);
        }
        placed.extend(&clause.new);
    }
    let last = problem.clauses.len().saturating_sub(1);
    let f = Figure::normalised(&xy).ok_or(last)?;
    if f.margin() > 1e-4 && valid(problem, &f) {
        Ok(f)
    } else {
        Err(last)
    }
}

fn holds_scaled(a: &Atom, f: &Figure) -> bool {
    super::measure::violation(a, f) < 1e-7
}

fn extent(xy: &[[f64; 2]], placed: &[Pt]) -> ([f64; 2], f64) {
    if placed.len() < 2 {
        let c = placed.first().map_or([0.0; 2], |&p| xy[p as usize]);
        return (c, 1.0);
    }
    let k = placed.len() as f64;
    let mut c = [0.0; 2];
    for &p in placed {
        c[0] += xy[p as usize][0] / k;
        c[1] += xy[p as usize][1] / k;
    }
    let r = placed
        .iter()
        .map(|&p| (xy[p as usize][0] - c[0]).powi(2) + (xy[p as usize][1] - c[1]).powi(2));
    (c, (r.sum::<f64>() / k).sqrt())
}

/// New points must be finite, not far away, and apart from each other and the old ones.
/// When `relaxed`, exact coincidences with old points are let through (the statement may force them).
fn acceptable(xy: &[[f64; 2]], all: &[Pt], new: &[Pt], centre: [f64; 2], spread: f64, relaxed: bool) -> bool {
    new.iter().all(|&p| {
        let c = xy[p as usize];
        let far = (c[0] - centre[0]).hypot(c[1] - centre[1]);
        far.is_finite()
            && far < 12.0 * spread
            && all.iter().all(|&q| {
                let d = (c[0] - xy[q as usize][0]).hypot(c[1] - xy[q as usize][1]);
                q == p || d > 0.03 * spread || (relaxed && !new.contains(&q) && d < SAME_POINT * spread)
            })
    })
}
