//! The figure of a statement, without a proof.

use crate::figure::draw::draw;
use crate::figure::measure::holds;
use crate::figure::rng::seed_of;
use crate::lang::problem::Problem;
use crate::text::svg::Scene;
use serde::Serialize;

/// A drawn statement.
#[derive(Clone, Debug, Serialize)]
pub struct Picture {
    /// Point names.
    pub points: Vec<String>,
    /// Coordinates by point, scaled to unit size about the origin.
    pub xy: Vec<[f64; 2]>,
    /// Whether each goal is true as drawn.
    pub goals_hold: Vec<bool>,
    /// The figure as SVG.
    pub svg: String,
}

/// Draws a statement. The error says that the hypotheses could not be drawn, and at which construction.
pub fn picture(problem: &Problem, seed: u64) -> Result<Picture, String> {
    let drawn = draw(problem, seed ^ seed_of(&problem.source), &|| false).map_err(|u| {
        let clause = problem.clauses.get(u.clause);
        let new = clause.map_or(vec![], |c| {
            c.new
                .iter()
                .map(|&p| problem.points[p as usize].clone())
                .collect()
        });
        format!(
            "no figure satisfies the hypotheses (stuck at the construction of {})",
            new.join(", ")
        )
    })?;
    let figure = drawn
        .good
        .first()
        .or(drawn.counter.first())
        .ok_or("no figure came out")?;
    Ok(Picture {
        points: problem.points.clone(),
        xy: figure.xy.clone(),
        goals_hold: problem.goals.iter().map(|g| holds(g, figure)).collect(),
        svg: svg(problem, &figure.xy),
    })
}

/// A figure of the statement, given by coordinates for its points, as SVG.
pub fn svg(problem: &Problem, xy: &[[f64; 2]]) -> String {
    let facts = problem.hypotheses();
    let all = facts.iter().chain(&problem.goals);
    let predicates: Vec<String> = all.map(|a| a.show(&problem.points)).collect();
    Scene::new(&problem.points, problem.points.len(), xy, &predicates).svg(&[])
}
