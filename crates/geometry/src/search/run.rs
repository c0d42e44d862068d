//! The schedule: a ranked sweep over single points, then pairs, then weighted random sets until the deadline.

use super::candidates::{Candidate, Salient, candidates};
use super::score::{Heuristic, Proposer};
use crate::closure::rows::{Row, atom_rows};
use crate::closure::state::{Closed, State};
use crate::figure::Figure;
use crate::figure::rng::{Rng, mix};
use crate::lang::atom::Pt;
use crate::prove::{Added, Options, Prepared, Progress};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Candidates kept of the first sweep.
const FIRST: usize = 40_000;
/// First points whose successors are tried, and successors each.
const PARENTS: usize = 400;
const CHILDREN: usize = 160;

/// What the search works on.
struct Search<'a> {
    base: &'a State,
    figures: Vec<Figure>,
    goal: Vec<Row>,
    proposer: &'a dyn Proposer,
    salient: Salient,
    stop: &'a (dyn Fn() -> bool + Sync),
    closures: &'a AtomicU64,
    threads: usize,
}

/// A set of points that proves the goal.
pub type Found = Vec<Added>;

/// The heuristic for a problem.
pub fn heuristic(p: &Prepared) -> Heuristic {
    let n = p.problem.points.len();
    let mut relevance = vec![0.0; n];
    let goal: Vec<Pt> = p.goals.iter().flat_map(|g| g.pts.clone()).collect();
    for f in p.facts.iter().filter(|f| f.pts.iter().any(|x| goal.contains(x))) {
        f.pts.iter().for_each(|&x| relevance[x as usize] = 0.5);
    }
    goal.iter().for_each(|&x| relevance[x as usize] = 1.0);
    Heuristic { relevance }
}

/// Searches for auxiliary points; `base` is the closed state of the statement. Calls `accept` with each set
/// that makes the goal follow, until it returns true. The number of closures is returned.
pub fn search(
    p: &Prepared,
    base: &State,
    options: &Options,
    proposer: &dyn Proposer,
    progress: &(dyn Fn(Progress) + Sync),
    stop: &(dyn Fn() -> bool + Sync),
    accept: &mut dyn FnMut(Found) -> bool,
) -> u64 {
    let closures = AtomicU64::new(0);
    let most = options.max_candidates.unwrap_or(u64::MAX);
    let stop = &|| closures.load(Ordering::Relaxed) >= most || stop();
    let s = Search {
        base,
        figures: p.figures.clone(),
        goal: p.rows.concat(),
        proposer,
        salient: Salient::of(p.facts.iter().chain(&p.goals)),
        stop,
        closures: &closures,
        threads: options.threads.max(1),
    };
    let report = |stage| {
        progress(Progress::Searching {
            stage,
            candidates: s.closures.load(Ordering::Relaxed),
        })
    };
    let mut deliver = |set: &[Candidate]| accept(added(set, &p.problem.points));
    let done = |s: &Search| s.closures.load(Ordering::Relaxed);
    report("one point");
    let first = candidates(base, &s.figures, &s.salient, proposer, None, FIRST);
    let mut skip = 0;
    while let Some(i) = s.sweep(first.len() - skip, |k| s.reaches(&[&first[skip + k]])) {
        if deliver(&first[skip + i..=skip + i]) {
            return done(&s);
        }
        skip += i + 1;
    }
    if options.max_points < 2 || (s.stop)() {
        return done(&s);
    }
    report("two points");
    let parents = &first[..first.len().min(PARENTS)];
    for chunk in parents.chunks(s.threads * 4) {
        let found: Mutex<Option<(usize, Vec<Candidate>)>> = Mutex::new(None);
        let hit = s.sweep(chunk.len(), |k| match s.children(&chunk[k]) {
            Some(set) => {
                if let Ok(mut slot) = found.lock()
                    && slot.as_ref().is_none_or(|(j, _)| k < *j)
                {
                    *slot = Some((k, set));
                }
                true
            }
            None => false,
        });
        if hit.is_some()
            && let Ok(slot) = found.into_inner()
            && let Some((_, set)) = slot
            && deliver(&set)
        {
            return done(&s);
        }
        if (s.stop)() {
            return done(&s);
        }
    }
    report("several points");
    let mut round = 0u64;
    while !(s.stop)() && !first.is_empty() {
        let found: Mutex<Option<(usize, Vec<Candidate>)>> = Mutex::new(None);
        let seed = mix(options.seed ^ mix(round));
        let batch = s.threads * 4;
        s.sweep(batch, |k| {
            let mut rng = Rng::new(mix(seed ^ k as u64));
            match s.rollout(&first, options.max_points, &mut rng) {
                Some(set) => {
                    if let Ok(mut slot) = found.lock()
                        && slot.as_ref().is_none_or(|(j, _)| k < *j)
                    {
                        *slot = Some((k, set));
                    }
                    true
                }
                None => false,
            }
        });
        if let Ok(slot) = found.into_inner()
            && let Some((_, set)) = slot
            && deliver(&set)
        {
            return done(&s);
        }
        round += 1;
    }
    done(&s)
}

fn added(set: &[Candidate], names: &[String]) -> Found {
    let mut names = names.to_vec();
    set.iter()
        .map(|c| {
            let x = names.len() as Pt;
            let words = c.make.words(&names);
            names.push(crate::proof::certify::fresh_name(&names));
            Added {
                facts: c.make.facts(x),
                words,
                at: c.at.clone(),
            }
        })
        .collect()
}

impl Search<'_> {
    /// Runs `try_one(i)` for `i` below `n` on all threads; the lowest successful index wins.
    fn sweep(&self, n: usize, try_one: impl Fn(usize) -> bool + Sync) -> Option<usize> {
        let next = AtomicUsize::new(0);
        let best = AtomicUsize::new(usize::MAX);
        let work = || {
            loop {
                let i = next.fetch_add(1, Ordering::Relaxed);
                if i >= n || i >= best.load(Ordering::Relaxed) || (self.stop)() {
                    return;
                }
                if try_one(i) {
                    best.fetch_min(i, Ordering::Relaxed);
                }
            }
        };
        std::thread::scope(|scope| {
            for _ in 1..self.threads.min(n.max(1)) {
                scope.spawn(work);
            }
            work();
        });
        Some(best.into_inner()).filter(|b| *b != usize::MAX)
    }

    /// The base state with the points added and closed; true if the goal follows.
    fn extend(&self, from: &State, c: &Candidate) -> (State, bool) {
        let mut s = from.clone();
        let x = s.add_point(c.at[0]);
        s.assume(&c.make.facts(x), 0);
        self.closures.fetch_add(1, Ordering::Relaxed);
        let r = s.close(&self.goal, self.stop);
        let reached = r == Closed::Goal && !s.contradiction;
        (s, reached)
    }

    fn reaches(&self, set: &[&Candidate]) -> bool {
        let mut s = self.base.clone();
        for c in set {
            let (t, reached) = self.extend(&s, c);
            if reached {
                return true;
            }
            s = t;
        }
        false
    }

    fn figures_with(&self, set: &[Candidate]) -> Vec<Figure> {
        let mut figures = self.figures.clone();
        for c in set {
            for (f, x) in figures.iter_mut().zip(&c.at) {
                f.xy.push(*x);
            }
        }
        figures
    }

    /// Tries the successors of one first point.
    fn children(&self, parent: &Candidate) -> Option<Vec<Candidate>> {
        let (state, reached) = self.extend(self.base, parent);
        let set = vec![parent.clone()];
        if reached {
            return Some(set);
        }
        if state.contradiction || (self.stop)() {
            return None;
        }
        let figures = self.figures_with(&set);
        let pool = candidates(
            &state,
            &figures,
            &self.salient,
            self.proposer,
            Some((state.n - 1) as Pt),
            CHILDREN,
        );
        for c in pool {
            if (self.stop)() {
                return None;
            }
            if self.extend(&state, &c).1 {
                return Some(vec![parent.clone(), c]);
            }
        }
        None
    }

    /// A first point drawn by weight, then several continuations of one to three more points.
    fn rollout(&self, first: &[Candidate], most: usize, rng: &mut Rng) -> Option<Vec<Candidate>> {
        let parent = pick(first, rng)?.clone();
        let (state, reached) = self.extend(self.base, &parent);
        if reached {
            return Some(vec![parent]);
        }
        if state.contradiction {
            return None;
        }
        let figures = self.figures_with(std::slice::from_ref(&parent));
        let pool = candidates(
            &state,
            &figures,
            &self.salient,
            self.proposer,
            Some((state.n - 1) as Pt),
            400,
        );
        for _ in 0..24 {
            let u = rng.unit();
            let more = if u < 0.6 {
                1
            } else if u < 0.9 {
                2
            } else {
                3
            };
            let mut s = state.clone();
            let mut set = vec![parent.clone()];
            for _ in 0..more.min(most.saturating_sub(1)) {
                if (self.stop)() {
                    return None;
                }
                let own = rng.unit() < 0.4 && !pool.is_empty();
                let Some(c) = pick(if own { &pool } else { first }, rng) else {
                    break;
                };
                if set.iter().any(|o| o.at == c.at) {
                    continue;
                }
                let (t, reached) = self.extend(&s, c);
                set.push(c.clone());
                if reached {
                    return Some(set);
                }
                s = t;
                if s.contradiction {
                    break;
                }
            }
        }
        None
    }
}

/// Draws from a ranked list with weight exp(0.45 value), in time O(1) on average by rejection against rank.
fn pick<'a>(list: &'a [Candidate], rng: &mut Rng) -> Option<&'a Candidate> {
    let best = list.first()?.value;
    for _ in 0..200 {
        let c = &list[rng.below(list.len())];
        if rng.unit() < (0.45 * (c.value - best)).exp() {
            return Some(c);
        }
    }
    list.get(rng.below(list.len().min(50)))
}

/// Leaves out points the goal does not need, latest first.
pub fn shrink(p: &Prepared, mut set: Found) -> Found {
    let mut i = set.len();
    while i > 0 {
        i -= 1;
        let mut fewer = set.clone();
        fewer.remove(i);
        let x = (p.problem.points.len() + i) as Pt;
        // later points built on it keep it; the others move down by one
        if fewer[i..]
            .iter()
            .any(|a| a.facts.iter().any(|f| f.pts.contains(&x)))
        {
            continue;
        }
        for a in &mut fewer[i..] {
            for f in &mut a.facts {
                f.pts.iter_mut().filter(|q| **q > x).for_each(|q| *q -= 1);
            }
        }
        let mut xy = p.figures[0].xy.clone();
        xy.extend(fewer.iter().map(|a| a.at[0]));
        let figure = Figure { xy };
        let mut s = State::new(&figure, false);
        s.assume(&p.facts, 0);
        fewer.iter().for_each(|a| {
            s.assume(&a.facts, 0);
        });
        if s.close(&p.rows.concat(), &|| false) == Closed::Goal {
            set = fewer;
        }
    }
    set
}

/// True if the facts of a set can all be written as rows on the first figure.
pub fn expressible(p: &Prepared, set: &Found) -> bool {
    let mut xy = p.figures[0].xy.clone();
    xy.extend(set.iter().map(|a| a.at[0]));
    let f = Figure { xy };
    set.iter()
        .flat_map(|a| &a.facts)
        .all(|a| atom_rows(&f, a).is_some())
}
