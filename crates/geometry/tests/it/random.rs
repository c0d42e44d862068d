//! Random statements: what is known is true, weakened statements are not proved, warm and cold closures agree.

use std::collections::HashMap;
use std::mem::{Discriminant, discriminant};
use strawberry_geometry::closure::rows::{Row, atom_rows};
use strawberry_geometry::closure::state::State;
use strawberry_geometry::figure::Figure;
use strawberry_geometry::figure::draw::draw;
use strawberry_geometry::figure::measure::holds;
use strawberry_geometry::figure::rng::Rng;
use strawberry_geometry::figure::solve::solve;
use strawberry_geometry::lang::atom::{Atom, Pred, Pt};
use strawberry_geometry::lang::read::read_one;
use strawberry_geometry::search::candidates::{Candidate, Salient, candidates};
use strawberry_geometry::search::place::Make;
use strawberry_geometry::search::score::Heuristic;

/// Constructions and how many old points they take.
const STEPS: [(&str, usize); 17] = [
    ("midpoint", 2),
    ("foot", 3),
    ("circle", 3),
    ("orthocenter", 3),
    ("incenter", 3),
    ("on_line", 2),
    ("on_circle", 2),
    ("reflect", 3),
    ("mirror", 2),
    ("intersection_ll", 4),
    ("parallelogram", 3),
    ("angle_bisector", 3),
    ("on_tline", 3),
    ("on_pline", 3),
    ("on_bline", 2),
    ("on_circum", 3),
    ("on_dia", 2),
];

/// A statement of random constructions on a triangle, drawn: hypotheses and figures.
fn statement(r: &mut Rng, steps: usize) -> Option<(Vec<Atom>, Vec<Figure>)> {
    let mut text = "a b c = triangle a b c".to_string();
    let mut names = vec!["a", "b", "c"];
    for &new in &["d", "e", "f", "g", "h"][..steps] {
        let (name, count) = STEPS[r.below(STEPS.len())];
        let mut args: Vec<&str> = names.clone();
        while args.len() > count {
            args.remove(r.below(args.len()));
        }
        if args.len() < count {
            return None;
        }
        let swap = r.below(args.len());
        args.swap(0, swap);
        text += &format!("; {new} = {name} {new} {}", args.join(" "));
        names.push(new);
    }
    let p = read_one(&format!("{text} ? coll a b c"), "random").ok()?;
    // the goal is never true: figures are collected as counterexamples
    let d = draw(&p, r.bits(), &|| false).ok()?;
    let figures: Vec<Figure> = d
        .counter
        .into_iter()
        .filter(|f| f.coincidences() == 0)
        .take(2)
        .collect();
    (figures.len() == 2).then(|| (p.hypotheses(), figures))
}

/// Relations between points that could be known or asked.
fn relations(n: Pt) -> Vec<Atom> {
    let mut out = Vec::new();
    let pairs: Vec<(Pt, Pt)> = (0..n).flat_map(|b| (0..b).map(move |a| (a, b))).collect();
    for (i, &(a, b)) in pairs.iter().enumerate() {
        for &(c, d) in &pairs[..i] {
            for pred in [Pred::Para, Pred::Perp, Pred::Cong] {
                out.push(Atom::new(pred, &[a, b, c, d]));
            }
        }
    }
    for a in 0..n {
        for b in 0..n {
            for c in 0..n {
                if a == b || b == c || a == c {
                    continue;
                }
                for d in (0..c).filter(|&d| d != a && d != b) {
                    // the angles over ab at c and d, the bisector bd of abc, and a ratio
                    out.push(Atom::new(Pred::EqAngle, &[c, a, c, b, d, a, d, b]));
                    out.push(Atom::new(Pred::EqAngle, &[b, a, b, d, b, d, b, c]));
                    out.push(Atom::new(Pred::EqRatio, &[a, b, a, c, d, b, d, c]));
                }
            }
        }
    }
    out
}

fn closed(f: &Figure, facts: &[Atom], sines: bool) -> State {
    let mut s = State::new(f, false);
    s.sines = sines;
    s.assume(facts, 0);
    s.close(&[], &|| false);
    s
}

fn knows(s: &State, a: &Atom) -> bool {
    atom_rows(&s.drawn.f, a).is_some_and(|rows: Vec<Row>| s.knows_all(&rows))
}

fn pool(s: &State, f: &Figure, facts: &[Atom]) -> Vec<Candidate> {
    let h = Heuristic {
        relevance: vec![1.0; f.xy.len()],
    };
    candidates(
        s,
        std::slice::from_ref(f),
        &Salient::of(facts.iter()),
        &h,
        None,
        100_000,
    )
}

/// Where every relation that is known on one figure is looked up on another one.
#[test]
fn what_is_known_is_true_on_other_figures() {
    let mut r = Rng::new(11);
    let (mut statements, mut false_ones) = (0, 0);
    while statements < 40 {
        let Some((facts, figures)) = statement(&mut r, 4) else {
            continue;
        };
        statements += 1;
        let s = closed(&figures[0], &facts, true);
        assert!(!s.contradiction);
        for a in relations(figures[0].xy.len() as Pt) {
            if !holds(&a, &figures[1]) {
                false_ones += 1;
                assert!(!knows(&s, &a), "{a:?} is known, but false: {facts:?}");
            }
        }
    }
    assert!(false_ones > 60_000, "only {false_ones} false statements");
}

/// One hypothesis is dropped, the figure stays special: what held only because of it must not be known any more,
/// neither by the closure nor with one more point of any kind.
#[test]
fn weakened_statements_are_not_proved_whatever_point_is_added() {
    let mut r = Rng::new(5);
    let (mut statements, mut weakened) = (0, 0);
    let mut kinds: HashMap<Discriminant<Make>, usize> = HashMap::new();
    while statements < 16 || (kinds.len() < 27 && statements < 60) {
        let Some((facts, figures)) = statement(&mut r, 4) else {
            continue;
        };
        statements += 1;
        let f = &figures[0];
        for i in 0..facts.len() {
            let mut weak = facts.clone();
            weak.remove(i);
            let Some(other) = nearby(f, &weak, &mut r) else {
                continue;
            };
            let s = closed(f, &weak, true);
            let lost: Vec<Atom> = relations(f.xy.len() as Pt)
                .into_iter()
                .filter(|a| holds(a, f) && !holds(a, &other))
                .collect();
            weakened += lost.len();
            lost.iter()
                .for_each(|a| assert!(!knows(&s, a), "{a:?} without fact {i} of {facts:?}"));
            if lost.is_empty() {
                continue;
            }
            // a few of each kind, the rarest kinds first
            let mut few = pool(&s, f, &weak);
            few.retain(|c| {
                let seen = kinds.entry(discriminant(&c.make)).or_insert(0);
                *seen += 1;
                *seen % 200 == 1
            });
            for c in few {
                let mut t = s.clone();
                t.sines = false;
                let x = t.add_point(c.at[0]);
                t.assume(&c.make.facts(x), 0);
                t.close(&[], &|| false);
                for a in &lost {
                    assert!(
                        !knows(&t, a),
                        "{a:?} without fact {i} of {facts:?} by {:?}",
                        c.make
                    );
                }
                weakened += lost.len();
            }
        }
    }
    assert!(weakened >= 1000, "only {weakened} weakened statements");
    assert!(kinds.len() >= 25, "only {} kinds of points", kinds.len());
}

/// A figure a small step away on which the facts hold.
fn nearby(f: &Figure, facts: &[Atom], r: &mut Rng) -> Option<Figure> {
    let mut xy: Vec<[f64; 2]> = f.xy.iter().map(|p| p.map(|c| c + 0.01 * r.normal())).collect();
    let all: Vec<Pt> = (0..xy.len() as Pt).collect();
    let near = |xy: &[[f64; 2]]| {
        f.xy.iter()
            .zip(xy)
            .all(|(a, b)| (a[0] - b[0]).hypot(a[1] - b[1]) < 0.1)
    };
    let solved = solve(facts, &all, &mut xy) && near(&xy);
    Figure::normalised(&xy).filter(|g| solved && facts.iter().all(|a| holds(a, g)))
}

/// Adding a point to a closed state and closing again gives what closing everything at once gives.
#[test]
fn warm_and_cold_closures_agree() {
    let mut r = Rng::new(7);
    let (mut compared, mut statements) = (0, 0);
    while statements < 25 {
        let Some((facts, figures)) = statement(&mut r, 3) else {
            continue;
        };
        statements += 1;
        let f = &figures[0];
        let base = closed(f, &facts, false);
        let all = pool(&base, f, &facts);
        for c in all.iter().step_by(all.len() / 12 + 1) {
            let mut warm = base.clone();
            let x = warm.add_point(c.at[0]);
            warm.assume(&c.make.facts(x), 0);
            warm.close(&[], &|| false);
            let mut with = f.clone();
            with.xy.push(c.at[0]);
            let mut whole = facts.clone();
            whole.extend(c.make.facts(x));
            let cold = closed(&with, &whole, false);
            for a in relations(with.xy.len() as Pt) {
                compared += 1;
                assert_eq!(
                    knows(&warm, &a),
                    knows(&cold, &a),
                    "{a:?} with {:?} on {facts:?}",
                    c.make
                );
            }
        }
    }
    assert!(compared > 100_000, "only {compared} comparisons");
}
