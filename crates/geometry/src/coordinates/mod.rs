//! A second opinion in coordinates: is the goal an algebraic identity?
//!
//! Points are placed one after the other at random in a prime field, each where the facts that mention it and
//! earlier points only say; then the goal is evaluated. A goal that is not an identity vanishes at a random place
//! with probability at most its degree over the prime (Schwartz 1980, Zippel 1979), so a few places decide.
//! This is not a proof: it holds for the generic case, under the conditions listed, up to that probability, and
//! says nothing about order (signs of lengths, sides of lines). Facts of higher degree, and facts that
//! over-determine a point, are outside its reach.

mod equation;
mod field;
mod solve;

use crate::figure::rng::Rng;
use crate::lang::atom::{Atom, Pt};
use crate::lang::problem::Problem;
use equation::{Conic, Equation, at_point, conic, equations};
use field::{Field, PRIMES};
use serde::Serialize;
use solve::{Place, meet, on};

/// What the coordinates say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Identity {
    /// The goal held at every random place.
    Holds,
    /// It held at none.
    Fails,
    /// It held at some: it depends on which intersection is meant.
    Mixed,
    /// The facts are outside the reach of the method.
    Unknown,
}

/// The answer with what it rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Opinion {
    /// The answer.
    pub identity: Identity,
    /// Random places tried.
    pub places: usize,
    /// Conditions under which the statement was judged, in words.
    pub conditions: Vec<String>,
}

impl Opinion {
    /// The answer in a sentence.
    pub fn sentence(&self) -> String {
        let n = self.places;
        match self.identity {
            Identity::Holds => format!(
                "coordinates: the goal is an identity at {n} random places of two finite fields (generic case; \
                 probabilistic, not a proof)"
            ),
            Identity::Fails => format!("coordinates: the goal is no identity (false at {n} random places)"),
            Identity::Mixed => {
                format!(
                    "coordinates: true at some of {n} random places: it depends on the intersections meant"
                )
            }
            Identity::Unknown => "coordinates: the statement is outside the reach of the method".into(),
        }
    }
}

/// Places tried in each field.
const PLACES: usize = 6;
/// Attempts to find square roots for one place.
const ATTEMPTS: usize = 400;

/// Judges the goals of a problem (values asked for must have been filled in).
pub fn judge(problem: &Problem, goals: &[Atom], seed: u64) -> Opinion {
    let unknown = Opinion {
        identity: Identity::Unknown,
        places: 0,
        conditions: vec![],
    };
    let facts = problem.hypotheses();
    let all = |atoms: &[Atom]| atoms.iter().map(equations).collect::<Option<Vec<_>>>();
    let (Some(given), Some(goals)) = (all(&facts), all(goals)) else {
        return unknown;
    };
    let goals: Vec<Equation> = goals.into_iter().flatten().collect();
    // the facts of each point: those that mention no later one
    let n = problem.points.len();
    let mut of: Vec<Vec<(usize, &Equation)>> = vec![Vec::new(); n];
    for (i, (atom, list)) in facts.iter().zip(&given).enumerate() {
        let newest = atom.pts.iter().max().map_or(0, |&x| x as usize);
        of[newest].extend(list.iter().map(|e| (i, e)));
    }
    let mut rng = Rng::new(seed);
    let (mut held, mut places) = (0, 0);
    for p in PRIMES {
        let f = Field::new(p);
        for _ in 0..PLACES {
            let placed = (0..ATTEMPTS)
                .map(|_| place(f, &of, &mut rng))
                .find(|p| !matches!(p, Placed::Again));
            let Some(Placed::Done(at)) = placed else {
                return unknown;
            };
            if !goals.iter().all(|e| e.proper(&at)) {
                continue;
            }
            places += 1;
            held += usize::from(goals.iter().all(|e| e.value(f, &at) == 0));
        }
    }
    let identity = match held {
        _ if places < PLACES => return unknown,
        0 => Identity::Fails,
        _ if held == places => Identity::Holds,
        _ => Identity::Mixed,
    };
    Opinion {
        identity,
        places,
        conditions: conditions(problem, &facts, &of),
    }
}

/// In words: where two loci must cross, and that points spoken of together differ.
fn conditions(problem: &Problem, facts: &[Atom], of: &[Vec<(usize, &Equation)>]) -> Vec<String> {
    let mut out = vec!["points whose line or distance is spoken of do not coincide".to_string()];
    for (x, list) in of.iter().enumerate() {
        let mut said: Vec<String> = list
            .iter()
            .map(|(i, _)| facts[*i].show(&problem.points))
            .collect();
        said.dedup();
        if list.len() >= 2 {
            let name = &problem.points[x];
            out.push(format!(
                "the loci that fix {name} ({}) cross transversally",
                said.join("; ")
            ));
        }
    }
    out
}

/// What came of placing points.
enum Placed {
    Done(Vec<Place>),
    /// A square root was missing, or the branches taken do not fit together.
    Again,
    /// A fact is of too high a degree.
    Never,
}

/// All points at random, each where its facts say.
fn place(f: Field, of: &[Vec<(usize, &Equation)>], rng: &mut Rng) -> Placed {
    let mut at: Vec<Place> = vec![[0; 2]; of.len()];
    let mut random = || rng.bits() % f.modulus();
    for (x, list) in of.iter().enumerate() {
        let mut conics: Vec<Conic> = Vec::new();
        for (_, e) in list {
            match conic(f, e, x as Pt, &mut at, &mut random) {
                None => return Placed::Never,
                Some(q) if q == [0; 6] || conics.iter().any(|c| proportional(f, c, &q)) => {}
                Some(q) => conics.push(q),
            }
        }
        let found = match &conics[..] {
            [] => Some([random(), random()]),
            [q] => on(f, q, &mut random),
            all => {
                let pairs = (1..all.len()).flat_map(|j| (0..j).map(move |i| (i, j)));
                let Some(mut both) = pairs.into_iter().find_map(|(i, j)| meet(f, &all[i], &all[j])) else {
                    return Placed::Never;
                };
                both.retain(|p| all.iter().all(|q| at_point(f, q, *p) == 0));
                // the second intersection is meant where one is a point already
                let fresh: Vec<Place> = both.iter().copied().filter(|p| !at[..x].contains(p)).collect();
                let pick = if fresh.is_empty() { both } else { fresh };
                let i = random() as usize % pick.len().max(1);
                pick.get(i).copied()
            }
        };
        match found {
            Some(p) => at[x] = p,
            None => return Placed::Again,
        }
    }
    if of
        .iter()
        .flatten()
        .all(|(_, e)| e.proper(&at) && e.value(f, &at) == 0)
    {
        Placed::Done(at)
    } else {
        Placed::Again
    }
}

fn proportional(f: Field, a: &Conic, b: &Conic) -> bool {
    (0..6).all(|i| (0..i).all(|j| f.mul(a[i], b[j]) == f.mul(a[j], b[i])))
}
