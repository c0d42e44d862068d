//! Command-line harness of the library: `geo figure FILE`, …
use std::time::Instant;
use strawberry_geometry::closure::rows::atom_rows;
use strawberry_geometry::closure::state::{Closed, State};
use strawberry_geometry::{figure, lang};

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let text = std::fs::read_to_string(&args[1]).unwrap();
    let (mut solved, mut total) = (0, 0);
    let mut time = 0.0;
    for (name, p) in lang::read::read_file(&text).unwrap() {
        if args.len() > 2 && !name.contains(&args[2]) {
            continue;
        }
        total += 1;
        let p = match p {
            Ok(p) => p,
            Err(e) => {
                println!("{name}: READ {e}");
                continue;
            }
        };
        if args[0] == "soundness" {
            soundness(&p, &mut solved, &mut time);
            continue;
        }
        if args[0] == "speed" {
            use strawberry_geometry::prove::prepare;
            use strawberry_geometry::search::{
                candidates::{Salient, candidates},
                run::heuristic,
            };
            let d = figure::draw::draw(&p, 1 ^ figure::rng::seed_of(&p.source), &|| false).unwrap();
            let pr = prepare(&p, &d).unwrap();
            let mut base = State::new(&pr.figures[0], false);
            base.assume(&pr.facts, 0);
            base.close(&[], &|| false);
            let h = heuristic(&pr);
            let t = Instant::now();
            let c = candidates(
                &base,
                &pr.figures,
                &Salient::of(pr.facts.iter().chain(&pr.goals)),
                &h,
                None,
                40000,
            );
            println!(
                "{name} n={} candidates {} in {:.0?}",
                base.n,
                c.len(),
                t.elapsed()
            );
            let t = Instant::now();
            let goal = pr.rows.concat();
            let mut hits = 0;
            for (i, x) in c.iter().take(1000).enumerate() {
                let mut s = base.clone();
                let v = s.add_point(x.at[0]);
                s.assume(&x.make.facts(v), 0);
                let r = s.close(&goal, &|| false);
                if r == Closed::Goal {
                    hits += 1;
                    if hits < 4 {
                        println!("   hit {i} {:?} {}", x.value, x.make.words(&p.points));
                    }
                }
            }
            println!("   1000 closures {:.0?} hits {hits}", t.elapsed());
            let t = Instant::now();
            for _ in 0..1000 {
                std::hint::black_box(base.clone());
            }
            println!("   1000 clones {:.0?}", t.elapsed());
            for x in c.iter().take(6) {
                println!("   {:.1} {}", x.value, x.make.words(&p.points));
            }
            continue;
        }
        if args[0] == "export" {
            // in Yuclid's language, on our figure: to time both provers on the same problems
            let Ok(d) = figure::draw::draw(&p, 1 ^ figure::rng::seed_of(&p.source), &|| false) else {
                continue;
            };
            let Some(f) = d.good.first() else { continue };
            let mut out = String::new();
            for (n, c) in p.points.iter().zip(&f.xy) {
                out += &format!("point {n} {} {}\n", c[0], c[1]);
            }
            for a in p.hypotheses() {
                out += &format!("assume {}\n", a.show(&p.points));
            }
            for g in &p.goals {
                out += &format!("prove {}\n", g.show(&p.points));
            }
            std::fs::write(format!("{}/{}.txt", args[3], name.replace(['/', ' '], "_")), out).unwrap();
            continue;
        }
        if args[0] == "judge" {
            use strawberry_geometry::{coordinates::judge, prove::prepare};
            let t = Instant::now();
            let Ok(d) = figure::draw::draw(&p, 1 ^ figure::rng::seed_of(&p.source), &|| false) else {
                continue;
            };
            if d.good.is_empty() {
                continue;
            }
            let Ok(pr) = prepare(&p, &d) else { continue };
            let o = judge(&p, &pr.goals, 1);
            println!("{name}: {:?} {} {:?}", o.identity, o.places, t.elapsed());
            continue;
        }
        if args[0] == "prove" {
            let secs = args.get(3).and_then(|s| s.parse().ok()).unwrap_or(10.0);
            let points = args.get(4).and_then(|s| s.parse().ok()).unwrap_or(4);
            let o = strawberry_geometry::prove::Options {
                timeout: std::time::Duration::from_secs_f64(secs),
                max_points: points,
                max_candidates: std::env::var("CANDIDATES").ok().and_then(|s| s.parse().ok()),
                threads: 1,
                ..Default::default()
            };
            let r = strawberry_geometry::prove::prove(&p, &o, &|_| {}, &|| false);
            solved += usize::from(r.certificate.is_some());
            time += r.seconds * 1e3;
            if let (Some(dir), Some(c)) = (args.get(5), &r.certificate) {
                use strawberry_geometry::text::{Language, html, narrate, svg};
                let c = strawberry_geometry::proof::certificate::Certificate::from_jsonl(c).unwrap();
                let base = format!("{dir}/{}", name.replace(['/', ' '], "_"));
                std::fs::write(format!("{base}.html"), html::page(&c)).unwrap();
                std::fs::write(format!("{base}.svg"), svg::Scene::of(&c).svg(&[])).unwrap();
                for l in [Language::English, Language::Chinese] {
                    print!("{}", narrate::narrate(&c, l).to_text());
                }
            }
            println!(
                "{name}: {:?} {:.3}s cand={} figs={} drawn={} {} {:?}",
                r.status, r.seconds, r.candidates, r.figures_checked, r.as_drawn, r.message, r.auxiliary
            );
            continue;
        }
        let t = Instant::now();
        let Ok(d) = figure::draw::draw(&p, 1 ^ figure::rng::seed_of(&p.source), &|| false) else {
            println!("{name}: UNDRAWABLE");
            continue;
        };
        let Some(f) = d.good.first() else {
            println!("{name}: FALSE");
            continue;
        };
        let drawn = t.elapsed().as_secs_f64() * 1e3;
        let t = Instant::now();
        let mut s = State::new(f, false);
        s.sines = std::env::var("NO_SINES").is_err();
        let fine = s.assume(&p.hypotheses(), 0);
        let goal: Option<Vec<_>> = p.goals.iter().map(|g| atom_rows(f, g)).collect();
        let Some(goal) = goal else {
            println!("{name}: GOAL has no rows");
            continue;
        };
        let goal: Vec<_> = goal.into_iter().flatten().collect();
        let r = s.close(&goal, &|| false);
        for q in args.iter().skip(3) {
            let goal = q.split_whitespace().collect::<Vec<_>>().join(" ");
            let (pre, _) = p.source.split_once('?').unwrap();
            match lang::read::read_one(&format!("{pre} ? {goal}"), "q") {
                Ok(q) => println!(
                    "   {goal}: {:?}",
                    atom_rows(f, &q.goals[0]).map(|r| s.knows_all(&r))
                ),
                Err(e) => println!("   {goal}: {e}"),
            }
        }
        let ms = t.elapsed().as_secs_f64() * 1e3;
        time += ms;
        if r == Closed::Goal {
            solved += 1;
        }
        println!(
            "{name}: {r:?} n={} {ms:.2}ms draw {drawn:.1}ms fine={fine} refused={} contra={}",
            s.n, s.refused, s.contradiction
        );
    }
    println!("SOLVED {solved}/{total} closure {time:.0} ms");
}

/// Weakened statements on the figure of the full one: counts trials (in `time`) and wrong proofs (in `wrong`).
fn soundness(p: &lang::problem::Problem, wrong: &mut usize, tried: &mut f64) {
    use figure::measure::holds;
    use strawberry_geometry::search::{
        candidates::{Salient, candidates},
        score::Heuristic,
    };
    let Ok(full) = figure::draw::draw(p, 5, &|| false) else {
        return;
    };
    let Some(f) = full.good.first() else { return };
    let mut r = figure::rng::Rng::new(3);
    let facts = p.hypotheses();
    for i in 0..facts.len() {
        let mut weak = facts.clone();
        weak.remove(i);
        let other = (0..4).find_map(|_| {
            let mut xy: Vec<[f64; 2]> = f.xy.iter().map(|q| q.map(|c| c + 0.01 * r.normal())).collect();
            let all: Vec<u8> = (0..xy.len() as u8).collect();
            let ok = figure::solve::solve(&weak, &all, &mut xy)
                && f.xy
                    .iter()
                    .zip(&xy)
                    .all(|(a, b)| (a[0] - b[0]).hypot(a[1] - b[1]) < 0.1);
            figure::Figure::normalised(&xy).filter(|g| ok && weak.iter().all(|a| holds(a, g)))
        });
        if other.is_none_or(|g| p.goals.iter().all(|goal| holds(goal, &g))) {
            continue;
        }
        let Some(rows) = p
            .goals
            .iter()
            .map(|g| atom_rows(f, g))
            .collect::<Option<Vec<_>>>()
        else {
            continue;
        };
        let rows = rows.concat();
        let mut s = State::new(f, false);
        s.assume(&weak, 0);
        s.close(&[], &|| false);
        *tried += 1.0;
        if s.knows_all(&rows) {
            *wrong += 1;
            println!("{}: WRONG without {}", p.name, facts[i].show(&p.points));
        }
        let h = Heuristic {
            relevance: vec![1.0; p.points.len()],
        };
        let salient = Salient::of(weak.iter());
        let pool = candidates(&s, std::slice::from_ref(f), &salient, &h, None, 4000);
        let step = (pool.len() / 12).max(1);
        for c in pool.iter().step_by(step) {
            let mut t = s.clone();
            let x = t.add_point(c.at[0]);
            t.assume(&c.make.facts(x), 0);
            t.close(&[], &|| false);
            *tried += 1.0;
            if t.knows_all(&rows) {
                *wrong += 1;
                println!(
                    "{}: WRONG without {} with {}",
                    p.name,
                    facts[i].show(&p.points),
                    c.make.words(&p.points)
                );
            }
        }
    }
}
