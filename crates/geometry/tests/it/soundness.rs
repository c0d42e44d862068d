//! False statements get no proof; damaged certificates are rejected.

use crate::fixtures::{closure_only, problems, run};
use strawberry_geometry::checker::check_certificate;
use strawberry_geometry::closure::rows::atom_rows;
use strawberry_geometry::closure::state::State;
use strawberry_geometry::figure::Figure;
use strawberry_geometry::figure::draw::draw;
use strawberry_geometry::figure::measure::holds;
use strawberry_geometry::figure::rng::Rng;
use strawberry_geometry::figure::solve::solve;
use strawberry_geometry::lang::atom::Atom;
use strawberry_geometry::lang::problem::Problem;
use strawberry_geometry::proof::certificate::Certificate;

/// The problem without its `i`-th fact.
fn without(p: &Problem, i: usize) -> Problem {
    let mut q = p.clone();
    let mut k = i;
    for c in &mut q.clauses {
        if k < c.facts.len() {
            c.facts.remove(k);
            return q;
        }
        k -= c.facts.len();
    }
    q
}

/// A figure a small step away from `f` on which the facts hold.
fn nearby(f: &Figure, facts: &[Atom], r: &mut Rng) -> Option<Figure> {
    let mut xy: Vec<[f64; 2]> = f.xy.iter().map(|p| p.map(|c| c + 0.01 * r.normal())).collect();
    let all: Vec<u8> = (0..xy.len() as u8).collect();
    let solved = solve(facts, &all, &mut xy);
    let near =
        f.xy.iter()
            .zip(&xy)
            .all(|(a, b)| (a[0] - b[0]).hypot(a[1] - b[1]) < 0.1);
    Figure::normalised(&xy).filter(|g| solved && near && facts.iter().all(|a| holds(a, g)))
}

/// On the figure of the full problem, where the goal is true, the closure must not derive it from hypotheses
/// that do not imply it there (a nearby figure satisfies them and not the goal).
#[test]
fn dropped_hypotheses_give_no_proof_on_the_special_figure() {
    let mut tried = 0;
    let mut r = Rng::new(3);
    for p in problems() {
        let Ok(full) = draw(&p, 5, &|| false) else {
            continue;
        };
        let facts: usize = p.clauses.iter().map(|c| c.facts.len()).sum();
        for i in 0..facts {
            let weak = without(&p, i);
            for f in &full.good {
                let facts = weak.hypotheses();
                let other = (0..4).find_map(|_| nearby(f, &facts, &mut r));
                let implied = other.is_none_or(|g| weak.goals.iter().all(|goal| holds(goal, &g)));
                if implied {
                    continue;
                }
                let mut s = State::new(f, false);
                s.assume(&facts, 0);
                s.close(&[], &|| false);
                let rows: Option<Vec<_>> = weak.goals.iter().map(|g| atom_rows(f, g)).collect();
                if let Some(rows) = rows {
                    tried += 1;
                    assert!(
                        !s.knows_all(&rows.concat()),
                        "{}: proved without fact {i}",
                        p.name
                    );
                }
            }
        }
    }
    assert!(tried >= 60, "only {tried} weakened statements");
}

fn certificates() -> Vec<Certificate> {
    problems()
        .iter()
        .filter_map(|p| run(p, &closure_only()).certificate)
        .map(|c| Certificate::from_jsonl(&c).expect("reads back"))
        .collect()
}

/// Damage that makes a certificate wrong for sure; `false` if this kind does not apply to it.
fn damage(c: &mut Certificate, kind: usize, r: &mut Rng) -> bool {
    let derived: Vec<usize> = (0..c.steps.len())
        .filter(|&i| c.steps[i].rule != "given")
        .collect();
    match kind {
        // a wrong coefficient among several independent rows
        0 => {
            let all = c.steps.iter_mut().flat_map(|s| &mut s.premises);
            let mut list: Vec<_> = all
                .chain(c.goals.iter_mut().flat_map(|g| &mut g.premises))
                .filter(|p| p.len() >= 2)
                .collect();
            if list.is_empty() {
                return false;
            }
            let k = r.below(list.len());
            let j = r.below(list[k].len());
            list[k][j].2 = "17/3".into();
            true
        }
        // a premise without support
        1 => {
            let mut list: Vec<_> = c
                .steps
                .iter_mut()
                .flat_map(|s| &mut s.premises)
                .filter(|p| !p.is_empty())
                .collect();
            if list.is_empty() {
                return false;
            }
            let k = r.below(list.len());
            list[k].clear();
            true
        }
        // a hypothesis the proof uses is gone from the statement
        2 => {
            let used: Vec<usize> = c.steps.iter().filter_map(|s| s.fact).collect();
            let f = used[r.below(used.len())];
            let name = c.header.points[0].clone();
            let other = c.header.points[1].clone();
            c.header.hypotheses[f] = format!("diff {name} {other}");
            true
        }
        // a claimed row with another coefficient
        3 => {
            let s = r.below(c.steps.len());
            let row = &mut c.steps[s].rows[0];
            if row.terms.len() < 2 {
                return false;
            }
            if let Some(coefficient) = row.terms[0].last_mut() {
                *coefficient = "5".into();
            }
            true
        }
        // another rule
        4 => {
            if derived.is_empty() {
                return false;
            }
            let s = derived[r.below(derived.len())];
            let rule = &mut c.steps[s].rule;
            *rule = if rule == "collinear" {
                "iso_angles".into()
            } else {
                "collinear".into()
            };
            true
        }
        // a point of the figure moved
        5 => {
            let p = r.below(c.header.given_points);
            c.header.figures[0][p][0] += 0.37;
            c.header.figures[0][p][1] -= 0.21;
            // a point no hypothesis fixes may move freely: then the other figures are wrong, not this one
            let name = &c.header.points[p];
            c.header
                .hypotheses
                .iter()
                .any(|h| h.split_whitespace().skip(1).any(|w| w == name))
                && c.header.hypotheses.len() > 2
        }
        // steps out of order
        6 => {
            let n = c.steps.len();
            if n < 2 {
                return false;
            }
            c.steps.swap(0, n - 1);
            true
        }
        // another goal
        _ => {
            let (a, b) = (c.header.points[0].clone(), c.header.points[1].clone());
            let z = c.header.points[2].clone();
            c.header.goals[0] = format!("rconst {a} {b} {a} {z} 47/53");
            true
        }
    }
}

#[test]
fn damaged_certificates_are_rejected() {
    let all = certificates();
    let mut r = Rng::new(9);
    let mut tried = 0;
    for c in &all {
        assert!(check_certificate(c).is_ok());
        for kind in 0..8 {
            for _ in 0..4 {
                let mut bad = c.clone();
                if damage(&mut bad, kind, &mut r) && bad != *c {
                    tried += 1;
                    let verdict = check_certificate(&bad);
                    assert!(verdict.is_err(), "{}: damage {kind} was accepted", c.header.name);
                }
            }
        }
    }
    assert!(tried >= 300, "only {tried} damaged certificates");
}

#[test]
fn auxiliary_points_need_two_crossing_equations() {
    let p = &problems()[0];
    let text = run(p, &closure_only()).certificate.unwrap();
    let base = Certificate::from_jsonl(&text).unwrap();
    let add = |facts: &[&str], weight: [f64; 3]| {
        let mut c = base.clone();
        c.header.points.push("z".into());
        for f in &mut c.header.figures {
            let at = |k: usize| weight[0] * f[0][k] + weight[1] * f[1][k] + weight[2] * f[2][k];
            let z = [at(0), at(1)];
            f.push(z);
        }
        c.auxiliary
            .push(strawberry_geometry::proof::certificate::Auxiliary {
                point: "z".into(),
                facts: facts.iter().map(|s| s.to_string()).collect(),
                construction: String::new(),
            });
        check_certificate(&c)
    };
    let mid = [0.5, 0.5, 0.0];
    assert!(add(&["midp z a b"], mid).is_ok());
    assert!(add(&["coll z a b", "cong z a z b"], mid).is_ok());
    assert!(add(&["coll z a b"], mid).is_err(), "one equation");
    assert!(
        add(&["coll z a b", "coll a z b"], mid).is_err(),
        "the same equation twice"
    );
    assert!(
        add(&["midp z a b", "coll z a b"], mid).is_err(),
        "three equations"
    );
    assert!(
        add(&["midp z a b"], [0.4, 0.6, 0.0]).is_err(),
        "false on the figure"
    );
}
