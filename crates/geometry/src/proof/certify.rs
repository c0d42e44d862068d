//! From auxiliary points that make the goals follow to an accepted certificate.

use super::certificate::{Auxiliary, Certificate, FORMAT, GoalLine, Header, VERSION};
use super::extract::Tracer;
use crate::checker;
use crate::closure::rows::Row;
use crate::closure::state::{Closed, State};
use crate::figure::Figure;
use crate::prove::{Added, Outcome, Prepared, Status};

/// Repeats the closure with the log on, rebuilds the proof, and has it checked. On acceptance fills `out`.
pub fn certify(p: &Prepared, added: Vec<Added>, out: &mut Outcome) -> bool {
    let Some((log, figure, names)) = replay(p, &added) else {
        return false;
    };
    let tracer = Tracer::new(&log);
    let Some((steps, combos)) = tracer.proof(&figure, &p.rows, &names) else {
        return false;
    };
    let given = p.problem.points.len();
    let figures: Vec<Vec<[f64; 2]>> = p
        .figures
        .iter()
        .enumerate()
        .map(|(i, f)| {
            f.xy.iter()
                .copied()
                .chain(added.iter().map(|a| a.at[i]))
                .collect()
        })
        .collect();
    let conditions = p.problem.conditions().map(|a| a.show(&names));
    let mut certificate = Certificate {
        header: Header {
            format: FORMAT.into(),
            version: VERSION,
            name: p.problem.name.clone(),
            source: p.problem.source.clone(),
            points: names.clone(),
            given_points: given,
            figures,
            hypotheses: p.facts.iter().map(|a| a.show(&names)).chain(conditions).collect(),
            goals: p.goals.iter().map(|a| a.show(&names)).collect(),
        },
        auxiliary: added
            .iter()
            .enumerate()
            .map(|(i, a)| Auxiliary {
                point: names[given + i].clone(),
                facts: a.facts.iter().map(|f| f.show(&names)).collect(),
                construction: a.words.clone(),
            })
            .collect(),
        steps,
        goals: combos
            .into_iter()
            .enumerate()
            .map(|(goal, premises)| GoalLine { goal, premises })
            .collect(),
    };
    renumber_facts(&mut certificate, p.facts.len());
    // witnesses drawn in another configuration are left out; the first figure must pass
    if checker::check_certificate(&certificate).is_err() {
        let all = std::mem::take(&mut certificate.header.figures);
        let mut kept = Vec::new();
        for xy in all {
            certificate.header.figures = vec![xy.clone()];
            match checker::check_certificate(&certificate) {
                Ok(_) => kept.push(xy),
                Err(e) if kept.is_empty() => {
                    out.message = format!("a proof was found but the checker rejected it: {e}");
                    return false;
                }
                Err(_) => {}
            }
        }
        certificate.header.figures = kept;
    }
    // what is written out is what is checked
    let text = certificate.to_jsonl();
    match checker::check(&text) {
        Ok(a) => {
            out.status = Status::Proved;
            out.steps = a.steps;
            out.as_drawn = a.as_drawn;
            out.figures_checked = a.figures;
            out.auxiliary = certificate
                .auxiliary
                .iter()
                .map(|x| (x.point.clone(), x.construction.clone()))
                .collect();
            out.points = names;
            out.figure = certificate.header.figures[0].clone();
            out.message = match out.auxiliary.len() {
                0 => format!("proved in {} steps", a.steps),
                1 => format!("proved in {} steps with 1 auxiliary point", a.steps),
                k => format!("proved in {} steps with {k} auxiliary points", a.steps),
            };
            out.certificate = Some(text);
            true
        }
        Err(e) => {
            out.message = format!("a proof was found but the checker rejected it: {e}");
            false
        }
    }
}

/// Facts of auxiliary points are numbered after hypotheses; the header also lists conditions of the drawing
/// between the two.
fn renumber_facts(c: &mut Certificate, facts: usize) {
    let shift = c.header.hypotheses.len() - facts;
    for s in &mut c.steps {
        if let Some(f) = &mut s.fact
            && *f >= facts
        {
            *f += shift;
        }
    }
}

/// Closes from scratch with the given auxiliary points and the log on.
type Replay = (Vec<crate::closure::state::Step>, Figure, Vec<String>);

fn replay(p: &Prepared, added: &[Added]) -> Option<Replay> {
    let mut xy = p.figures[0].xy.clone();
    xy.extend(added.iter().map(|a| a.at[0]));
    let figure = Figure { xy };
    let mut names = p.problem.points.clone();
    for _ in added {
        names.push(fresh_name(&names));
    }
    let mut s = State::new(&figure, true);
    s.sines = true;
    s.assume(&p.facts, 0);
    let mut index = p.facts.len();
    for a in added {
        s.assume(&a.facts, index);
        index += a.facts.len();
    }
    let goal: Vec<Row> = p.rows.iter().flatten().cloned().collect();
    if !goal.is_empty() && s.close(&goal, &|| false) != Closed::Goal {
        return None;
    }
    Some((s.log?, figure, names))
}

/// A name no point has yet: `X1`, `X2`, …
pub fn fresh_name(names: &[String]) -> String {
    (1..)
        .map(|i| format!("X{i}"))
        .find(|n| !names.contains(n))
        .unwrap_or_default()
}
