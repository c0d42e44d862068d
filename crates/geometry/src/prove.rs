//! From a problem to an outcome: draw, close, search for auxiliary points, rebuild, check.

use crate::closure::rows::{Row, atom_rows};
use crate::closure::state::{Closed, State};
use crate::coordinates::{Opinion, judge};
use crate::figure::Figure;
use crate::figure::draw::{Drawings, draw};
use crate::figure::rng::seed_of;
use crate::lang::atom::{Atom, Frac, Pred, Pt};
use crate::lang::problem::Problem;
use crate::proof::certify::certify;
use crate::search::run;
use serde::Serialize;
use std::time::{Duration, Instant};

/// Limits and seed of a proof attempt.
#[derive(Clone, Debug, Serialize)]
pub struct Options {
    /// Wall time for the search.
    pub timeout: Duration,
    /// Worker threads of the search.
    pub threads: usize,
    /// Seed of figures and search.
    pub seed: u64,
    /// The most auxiliary points; 0 for the closure alone.
    pub max_points: usize,
    /// The most closures of the search; `None` for as many as the time allows. With one thread the outcome is
    /// then the same on every machine that is fast enough.
    pub max_candidates: Option<u64>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            timeout: Duration::from_secs(60),
            threads: 2,
            seed: 1,
            max_points: 4,
            max_candidates: None,
        }
    }
}

/// The verdict on a problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// A certificate was found and accepted by the checker.
    Proved,
    /// The hypotheses hold on a figure where the goal is false.
    Refuted,
    /// Neither, within the limits.
    Unknown,
    /// Hypotheses contradictory, degenerate, or impossible to draw; or no goal.
    Invalid,
}

/// What came of it.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// Problem name.
    pub name: String,
    /// The verdict.
    pub status: Status,
    /// One sentence for people.
    pub message: String,
    /// Auxiliary points of the proof, with their constructions in words.
    pub auxiliary: Vec<(String, String)>,
    /// Steps of the proof, hypotheses not counted.
    pub steps: usize,
    /// The proof divides an angle: it holds for the configuration drawn.
    pub as_drawn: bool,
    /// Figures the proof was checked on.
    pub figures_checked: usize,
    /// Closures run by the search.
    pub candidates: u64,
    /// Wall time, seconds.
    pub seconds: f64,
    /// Point names of `figure`.
    pub points: Vec<String>,
    /// The figure (the counterexample when refuted), auxiliary points included.
    pub figure: Vec<[f64; 2]>,
    /// The accepted certificate, as JSON lines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
    /// When unknown: relations about the goal's points that are known beyond the hypotheses, as predicates.
    pub known: Vec<String>,
    /// When unknown: whether the goal is an algebraic identity, by coordinates in finite fields. Not a proof.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coordinates: Option<Opinion>,
}

/// Something that happened on the way.
#[derive(Clone, Debug, Serialize)]
pub enum Progress {
    /// The figure is drawn.
    Drawn {
        /// Points.
        points: usize,
    },
    /// The closure of the statement is done.
    Closed {
        /// Whether the goal followed without auxiliary points.
        solved: bool,
    },
    /// The search goes on.
    Searching {
        /// Stage in words.
        stage: &'static str,
        /// Closures so far.
        candidates: u64,
    },
}

/// An auxiliary point of a proof: its place on every figure and the facts that define it.
#[derive(Clone, Debug)]
pub struct Added {
    /// Defining facts (two equations).
    pub facts: Vec<Atom>,
    /// In words, with `{0}` etc. already filled in.
    pub words: String,
    /// Coordinates on each figure.
    pub at: Vec<[f64; 2]>,
}

/// A problem made ready: figures and goals in rows.
pub struct Prepared<'a> {
    /// The problem.
    pub problem: &'a Problem,
    /// Figures on which everything holds; the first is the one the closure reads.
    pub figures: Vec<Figure>,
    /// Goals, computed values filled in.
    pub goals: Vec<Atom>,
    /// Hypotheses that can be written on the figure.
    pub facts: Vec<Atom>,
    /// Goal rows on the first figure, by goal.
    pub rows: Vec<Vec<Row>>,
}

/// Tries to prove the problem. `cancel` is polled often.
pub fn prove(
    problem: &Problem,
    options: &Options,
    progress: &(dyn Fn(Progress) + Sync),
    cancel: &(dyn Fn() -> bool + Sync),
) -> Outcome {
    let start = Instant::now();
    let deadline = start + options.timeout;
    let mut out = Outcome {
        name: problem.name.clone(),
        status: Status::Invalid,
        message: String::new(),
        auxiliary: vec![],
        steps: 0,
        as_drawn: false,
        figures_checked: 0,
        candidates: 0,
        seconds: 0.0,
        points: problem.points.clone(),
        figure: vec![],
        certificate: None,
        known: vec![],
        coordinates: None,
    };
    let stop = || cancel() || Instant::now() >= deadline;
    attempt(problem, options, progress, &stop, &mut out);
    out.seconds = start.elapsed().as_secs_f64();
    out
}

fn attempt(
    problem: &Problem,
    options: &Options,
    progress: &(dyn Fn(Progress) + Sync),
    stop: &(dyn Fn() -> bool + Sync),
    out: &mut Outcome,
) {
    if problem.goals.is_empty() {
        out.message = "the problem has no goal: add `? …` or `prove …`".into();
        return;
    }
    let seed = options.seed ^ seed_of(&problem.source);
    let drawings = match draw(problem, seed, &|| stop()) {
        Ok(d) => d,
        Err(u) => {
            let new: Vec<&str> = problem.clauses.get(u.clause).map_or(vec![], |c| {
                c.new
                    .iter()
                    .map(|&p| problem.points[p as usize].as_str())
                    .collect()
            });
            out.message = format!(
                "no figure satisfies the hypotheses (stuck at the construction of {}): they are contradictory, \
                 degenerate, or too hard to draw",
                new.join(", ")
            );
            return;
        }
    };
    progress(Progress::Drawn {
        points: problem.points.len(),
    });
    let Some(first) = drawings.good.first() else {
        refuted(problem, &drawings, out);
        return;
    };
    out.figure = first.xy.clone();
    let prepared = match prepare(problem, &drawings) {
        Ok(p) => p,
        Err(message) => {
            out.message = message;
            return;
        }
    };
    let goal: Vec<Row> = prepared.rows.iter().flatten().cloned().collect();
    let mut base = State::new(&prepared.figures[0], false);
    base.sines = true;
    base.assume(&prepared.facts, 0);
    let closed = base.close(&goal, &|| stop());
    if base.contradiction {
        out.message = "the hypotheses contradict each other".into();
        return;
    }
    out.candidates = 1;
    let solved = goal.is_empty() || closed == Closed::Goal;
    progress(Progress::Closed { solved });
    out.status = Status::Unknown;
    if solved && certify(&prepared, vec![], out) {
        return;
    }
    if options.max_points > 0 && !goal.is_empty() && !stop() {
        let heuristic = run::heuristic(&prepared);
        let mut rejected = 0;
        let closures = {
            let out = &mut *out;
            run::search(
                &prepared,
                &base,
                options,
                &heuristic,
                progress,
                stop,
                &mut |found| {
                    let set = run::shrink(&prepared, found);
                    let accepted = run::expressible(&prepared, &set) && certify(&prepared, set, out);
                    rejected += usize::from(!accepted);
                    accepted || rejected > 20
                },
            )
        };
        out.candidates += closures;
    }
    if out.status != Status::Proved {
        if out.message.is_empty() {
            out.message = "not proved within the limits given".into();
        }
        out.known = known(&prepared, &base);
        out.coordinates = Some(judge(problem, &prepared.goals, options.seed));
    }
}

/// What the closure knows about the points of the goals, hypotheses left out.
fn known(p: &Prepared, base: &State) -> Vec<String> {
    let about: Vec<Pt> = p.goals.iter().flat_map(|g| g.pts.clone()).collect();
    let sorted = |a: &Atom| {
        let mut pts = a.pts.clone();
        pts.sort_unstable();
        (a.pred, pts)
    };
    let given: Vec<_> = p.facts.iter().map(sorted).collect();
    let all = base.known_about(&about).into_iter();
    all.filter(|a| !given.contains(&sorted(a)))
        .map(|a| a.show(&p.problem.points))
        .collect()
}

fn refuted(problem: &Problem, d: &Drawings, out: &mut Outcome) {
    let best = d.counter.iter().max_by(|a, b| a.margin().total_cmp(&b.margin()));
    let Some(f) = best else { return };
    let failing = problem
        .goals
        .iter()
        .find(|g| !crate::figure::measure::holds(g, f));
    out.status = Status::Refuted;
    out.figure = f.xy.clone();
    out.message = format!(
        "the hypotheses hold on this figure, but `{}` is false ({} figures drawn, none with a true goal)",
        failing.map_or(String::new(), |g| g.show(&problem.points)),
        d.counter.len()
    );
}

/// Goals and hypotheses as rows; asked values are read off the figure as small rationals and then proved.
pub fn prepare<'a>(problem: &'a Problem, drawings: &Drawings) -> Result<Prepared<'a>, String> {
    let first = &drawings.good[0];
    let mut goals = Vec::new();
    for g in &problem.goals {
        goals.push(match g.pred {
            Pred::ACompute | Pred::RCompute => asked(g, first)
                .ok_or_else(|| format!("`{}`: no simple value fits the figure", g.show(&problem.points)))?,
            _ => g.clone(),
        });
    }
    let mut rows = Vec::new();
    for g in &goals {
        rows.push(if g.pred.is_diagram_check() {
            vec![]
        } else {
            atom_rows(first, g).ok_or_else(|| {
                format!(
                    "the goal `{}` cannot be expressed on the figure (points coincide, or its number is out of \
                     range)",
                    g.show(&problem.points)
                )
            })?
        });
    }
    let facts = problem
        .hypotheses()
        .into_iter()
        .filter(|a| atom_rows(first, a).is_some())
        .collect();
    let holds_all = |f: &&Figure| goals.iter().all(|g| crate::figure::measure::holds(g, f));
    let figures: Vec<Figure> = drawings.good.iter().filter(holds_all).cloned().collect();
    if figures.is_empty() {
        return Err("the value asked for differs from figure to figure".into());
    }
    Ok(Prepared {
        problem,
        figures,
        goals,
        facts,
        rows,
    })
}

/// `acompute`/`rcompute` with the value the figure shows, if it is a simple one.
fn asked(g: &Atom, f: &Figure) -> Option<Atom> {
    let p = &g.pts;
    let simple = |t: f64, most: i64| {
        (1..=most).find_map(|d| {
            let n = (t * d as f64).round();
            ((t * d as f64 - n).abs() < 1e-8 * d as f64).then(|| Frac::new(n as i64, d))
        })
    };
    if g.pred == Pred::ACompute {
        let t = (f.theta(p[2], p[3]) - f.theta(p[0], p[1])) / std::f64::consts::PI;
        let q = simple(t.rem_euclid(1.0), 360)?;
        return Some(Atom {
            pred: Pred::AConst,
            pts: p.clone(),
            nums: vec![q],
        });
    }
    let q = simple((f.dist(p[0], p[1]) / f.dist(p[2], p[3])).powi(2), 100)?;
    Some(Atom {
        pred: Pred::R2Const,
        pts: p.clone(),
        nums: vec![q],
    })
}
