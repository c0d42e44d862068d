//! The problem every reader produces: points, clauses in drawing order, hypotheses, goals.

use super::atom::{Atom, Pt};

/// One drawing step: new points and what must hold for them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Clause {
    /// Points introduced here.
    pub new: Vec<Pt>,
    /// Facts asserted about them (hypotheses).
    pub facts: Vec<Atom>,
    /// Conditions on the drawing that choose a branch (side, order); not hypotheses of the closure.
    pub conditions: Vec<Atom>,
}

/// A geometry problem.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Problem {
    /// Name, as given in the file.
    pub name: String,
    /// Point names by id.
    pub points: Vec<String>,
    /// Clauses in drawing order; together they introduce every point once.
    pub clauses: Vec<Clause>,
    /// What is to be shown (a conjunction).
    pub goals: Vec<Atom>,
    /// Coordinates given with the statement, by point id.
    pub pins: Vec<Option<[f64; 2]>>,
    /// The statement as it was written.
    pub source: String,
}

impl Problem {
    /// All hypotheses in clause order, without repetition.
    pub fn hypotheses(&self) -> Vec<Atom> {
        let mut out: Vec<Atom> = Vec::new();
        for fact in self.clauses.iter().flat_map(|c| &c.facts) {
            if !out.contains(fact) {
                out.push(fact.clone());
            }
        }
        out
    }

    /// All conditions on the drawing.
    pub fn conditions(&self) -> impl Iterator<Item = &Atom> {
        self.clauses.iter().flat_map(|c| &c.conditions)
    }
}
