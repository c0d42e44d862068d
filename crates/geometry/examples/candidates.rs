//! How fast the search tries points: closures a second of processor time, on a figure of 12 points, in batches,
//! with and without the law of sines. The rate must not fall from batch to batch.
//!
//! `cargo run --release -p strawberry-geometry --example candidates`

use strawberry_geometry::closure::state::State;
use strawberry_geometry::figure::draw::draw;
use strawberry_geometry::lang::read::read_one;
use strawberry_geometry::prove::prepare;
use strawberry_geometry::search::candidates::{Salient, candidates};
use strawberry_geometry::search::run::heuristic;

const STATEMENT: &str = "a b c = triangle a b c; h = orthocenter a b c; d = foot a b c; e = foot b c a; \
    f = foot c a b; o = circle a b c; m = midpoint b c; n = midpoint a h; x = on_line e f, on_line b c; \
    g = on_line a m, on_circle o a ? perp x h a m";

/// Processor time of this thread in seconds.
fn processor() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let first = text.split_whitespace().next();
    first.and_then(|t| t.parse::<f64>().ok()).unwrap_or(f64::NAN) / 1e9
}

fn main() {
    let p = read_one(STATEMENT, "twelve").expect("reads");
    let drawings = draw(&p, 1, &|| false).expect("drawable");
    let prepared = prepare(&p, &drawings).expect("a true goal");
    for sines in [false, true] {
        let mut base = State::new(&prepared.figures[0], false);
        base.sines = sines;
        base.assume(&prepared.facts, 0);
        base.close(&[], &|| false);
        println!("{} points, sines {sines}", base.n);
        let salient = Salient::of(prepared.facts.iter().chain(&prepared.goals));
        let start = processor();
        let h = heuristic(&prepared);
        let pool = candidates(&base, &prepared.figures, &salient, &h, None, 40_000);
        println!(
            "{} candidates ranked in {:.0} ms",
            pool.len(),
            1e3 * (processor() - start)
        );
        for (i, batch) in pool.chunks(1000).take(5).enumerate() {
            let start = processor();
            for c in batch {
                let mut s = base.clone();
                let x = s.add_point(c.at[0]);
                s.assume(&c.make.facts(x), 0);
                s.close(&[], &|| false);
            }
            let rate = batch.len() as f64 / (processor() - start);
            println!("batch {}: {rate:.0} candidates a second of processor time", i + 1);
        }
    }
}
