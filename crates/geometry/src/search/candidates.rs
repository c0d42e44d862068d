//! All constructions on a figure, placed, ranked and without repetition.

use super::place::Make;
use super::score::Proposer;
use crate::closure::rows::atom_rows;
use crate::closure::state::State;
use crate::figure::{Figure, SAME_POINT};
use crate::lang::atom::{Atom, Pred, Pt};
use rustc_hash::FxHashMap;

/// A candidate: construction, places on all figures, rank.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The construction.
    pub make: Make,
    /// Where it is on each figure.
    pub at: Vec<[f64; 2]>,
    /// Its value for the proposer.
    pub value: f64,
}

/// At most so many definitions of one place are kept.
const SAME_PLACE: usize = 2;

/// Candidates on the figures, best first. With `using`, only those built on that point.
/// `state` is the closed state on the first figure; `cap` bounds the number returned.
pub fn candidates(
    state: &State,
    figures: &[Figure],
    salient: &Salient,
    proposer: &dyn Proposer,
    using: Option<Pt>,
    cap: usize,
) -> Vec<Candidate> {
    let f = &figures[0];
    let mut out: Vec<Candidate> = Vec::new();
    let mut places: FxHashMap<(i64, i64), usize> = FxHashMap::default();
    let mut push = |make: Make, least: f64| {
        if using.is_some_and(|u| !make.points().contains(&u)) {
            return;
        }
        let Some(x) = make.at(f) else { return };
        let cell = |v: f64| (v * 1e7).round() as i64;
        let seen = places.entry((cell(x[0]), cell(x[1]))).or_insert(0);
        if *seen >= SAME_PLACE {
            return;
        }
        let twin = (0..f.xy.len() as Pt).find(|&p| {
            let q = f.xy[p as usize];
            (q[0] - x[0]).hypot(q[1] - x[1]) < SAME_POINT * 10.0
        });
        if let Some(p) = twin
            && !half_known(state, &make, p)
        {
            return;
        }
        let mut at = vec![x];
        for g in &figures[1..] {
            match make.at(g) {
                Some(y) => at.push(y),
                None => return,
            }
        }
        let value = proposer.value(&make, &at, figures);
        if value < least + make.prior() {
            return;
        }
        *seen += 1;
        out.push(Candidate { make, at, value });
    };
    enumerate(f, salient, &mut push);
    out.sort_by(|a, b| b.value.total_cmp(&a.value).then(a.make.cmp(&b.make)));
    out.truncate(cap);
    out
}

/// A second name for the point `p` is worth trying when exactly one of its two defining facts is known for `p`.
fn half_known(state: &State, make: &Make, p: Pt) -> bool {
    if make.points().contains(&p) {
        return false;
    }
    let facts = make.facts(p);
    let known = facts
        .iter()
        .filter(|a| atom_rows(&state.drawn.f, a).is_some_and(|rows| state.knows_all(&rows)));
    facts.len() == 2 && known.count() == 1
}

/// Lines and circles the statement itself speaks of: virtual lines are drawn to these only.
pub struct Salient {
    /// Pairs of points named as lines in hypotheses and goals.
    pub pairs: Vec<(Pt, Pt)>,
}

impl Salient {
    /// From the atoms of a problem.
    pub fn of<'a>(atoms: impl Iterator<Item = &'a Atom>) -> Self {
        let mut pairs = Vec::new();
        for a in atoms {
            match a.pred {
                Pred::Coll | Pred::Midp => {
                    for (i, &x) in a.pts.iter().enumerate() {
                        pairs.extend(a.pts[..i].iter().map(|&y| (y.min(x), y.max(x))));
                    }
                }
                Pred::Cyclic | Pred::Circle | Pred::Same => {}
                _ => pairs.extend(a.pts.chunks_exact(2).map(|c| (c[0].min(c[1]), c[0].max(c[1])))),
            }
        }
        pairs.sort_unstable();
        pairs.dedup();
        Salient { pairs }
    }

    fn line(&self, l: &Line) -> bool {
        l.2.count_ones() >= 3 || self.pairs.binary_search(&(l.0, l.1)).is_ok()
    }
}

/// Calls `push(make, least value above the prior)` for every construction.
fn enumerate(f: &Figure, salient: &Salient, push: &mut dyn FnMut(Make, f64)) {
    // kinds with many instances must show an extra incidence
    const ANY: f64 = 0.0;
    const SOME: f64 = 2.0;
    let n = f.xy.len() as Pt;
    let lines = lines(f);
    let named: Vec<Line> = lines.iter().filter(|l| salient.line(l)).copied().collect();
    for (i, &(a, b, _)) in lines.iter().enumerate() {
        for &(c, d, _) in &lines[..i] {
            push(Make::LineLine([a, b, c, d]), ANY);
        }
    }
    for p in 0..n {
        let through: Vec<Pt> = lines.iter().filter_map(|l| other_on(l, p)).collect();
        let circles = circles_through(f, p);
        for &(q, r, _) in &circles {
            for &a in &through {
                push(Make::LineCircle([p, a, q, r]), ANY);
            }
        }
        for q in 0..n {
            for r in 0..q {
                if p == q || p == r || f.flat(p, q, r) {
                    continue;
                }
                push(Make::Foot([p, q, r]), ANY);
                push(Make::Reflect([p, q, r]), ANY);
                push(Make::Parallelogram([q, p, r]), ANY);
                push(Make::BisectorFoot([p, q, r]), ANY);
                push(Make::ArcMidpoint([p, q, r], true), ANY);
                push(Make::ArcMidpoint([p, q, r], false), ANY);
                push(Make::Antipode([p, q, r]), ANY);
                push(Make::Excentre([p, q, r]), ANY);
            }
        }
        for q in (0..n).filter(|&q| !f.same(p, q)) {
            push(Make::Mirror([p, q]), ANY);
            if q < p {
                push(Make::Midpoint([p, q]), ANY);
            }
            for &a in through.iter().filter(|&&a| !f.flat(p, a, q)) {
                push(Make::LineCentre([p, a, q]), ANY);
            }
        }
        for (i, &(a, b, rich)) in circles.iter().enumerate() {
            for &(c, d, other) in &circles[..i] {
                push(
                    Make::CircleCircle([p, a, b, c, d]),
                    if rich || other { ANY } else { SOME },
                );
            }
            for o in (0..n).filter(|&o| o != a && o != b && !f.same(o, p)) {
                push(Make::CircleCentre([p, a, b, o]), if rich { ANY } else { SOME });
            }
        }
        for o in (0..n).filter(|&o| !f.same(o, p)) {
            for r in (0..n).filter(|&r| r != p && !f.same(r, o)) {
                push(Make::Inverse([p, o, r]), SOME);
                if p < r && (f.dist(o, p) - f.dist(o, r)).abs() < 1e-9 && !f.flat(o, p, r) {
                    push(Make::Pole([o, p, r]), ANY);
                }
            }
        }
        virtual_lines(p, &named, &circles, push);
        for l in &named {
            if let Some(a) = other_on(l, p) {
                for c in 0..n {
                    for d in (0..c).filter(|&d| !f.same(c, d)) {
                        push(Make::Transfer([p, a, c, d], true), SOME);
                        push(Make::Transfer([p, a, c, d], false), SOME);
                    }
                }
            }
        }
    }
    for c in 2..n {
        for b in 1..c {
            for a in (0..b).filter(|&a| !f.flat(a, b, c)) {
                push(Make::Circumcentre([a, b, c]), ANY);
                push(Make::Orthocentre([a, b, c]), ANY);
                push(Make::Incentre([a, b, c]), ANY);
                for p in (0..n).filter(|p| ![a, b, c].contains(p)) {
                    push(Make::Isogonal([p, a, b, c]), SOME);
                }
            }
        }
    }
}

/// Parallels, perpendiculars and tangents through `p`, met with named lines and rich circles.
fn virtual_lines(p: Pt, named: &[Line], circles: &[(Pt, Pt, bool)], push: &mut dyn FnMut(Make, f64)) {
    const SOME: f64 = 2.0;
    let rich = || circles.iter().filter(|c| c.2);
    for l in named {
        let (a, b, _) = *l;
        let outside = other_on(l, p).is_none();
        for m in named.iter().filter(|m| other_on(m, p).is_none() && *m != l) {
            if outside {
                push(Make::ParallelLine([p, a, b, m.0, m.1]), SOME);
            }
            push(Make::PerpLine([p, a, b, m.0, m.1]), SOME);
        }
        for &(q, r, _) in rich() {
            if outside {
                push(Make::ParallelCircle([p, a, b, q, r]), 0.0);
            }
            push(Make::PerpCircle([p, a, b, q, r]), 0.0);
        }
    }
    for &(q, r, _) in rich() {
        for m in named.iter().filter(|m| other_on(m, p).is_none()) {
            push(Make::TangentLine([p, q, r, m.0, m.1]), 0.0);
        }
    }
}

type Line = (Pt, Pt, u64);

/// Drawn lines: two points and the mask of all points on it.
fn lines(f: &Figure) -> Vec<Line> {
    let n = f.xy.len() as Pt;
    let mut out: Vec<Line> = Vec::new();
    for b in 1..n {
        for a in 0..b {
            if f.same(a, b) || out.iter().any(|l| l.2 >> a & 1 == 1 && l.2 >> b & 1 == 1) {
                continue;
            }
            let mask = (0..n)
                .filter(|&c| c == a || c == b || f.flat(a, b, c))
                .fold(0, |m, c| m | 1 << c);
            out.push((a, b, mask));
        }
    }
    out
}

/// Another point of the line if `p` is on it.
fn other_on(l: &Line, p: Pt) -> Option<Pt> {
    (l.2 >> p & 1 == 1).then_some(if l.0 == p { l.1 } else { l.0 })
}

/// Drawn circles through `p`: a pair of further points each, and whether the circle is rich (a fourth point
/// or its centre is drawn).
fn circles_through(f: &Figure, p: Pt) -> Vec<(Pt, Pt, bool)> {
    let n = f.xy.len() as Pt;
    let mut out: Vec<(Pt, Pt, bool)> = Vec::new();
    let mut centres: Vec<[f64; 2]> = Vec::new();
    for b in 1..n {
        for a in 0..b {
            if a == p || b == p || f.flat(a, b, p) {
                continue;
            }
            let o = crate::closure::rules::circumcentre(f, p, a, b);
            let near = |c: &[f64; 2]| (c[0] - o[0]).hypot(c[1] - o[1]) < 1e-8 * (1.0 + o[0].abs());
            match centres.iter().position(near) {
                Some(i) => out[i].2 = true,
                None => {
                    centres.push(o);
                    out.push((a, b, f.xy.iter().any(near)));
                }
            }
        }
    }
    out
}
