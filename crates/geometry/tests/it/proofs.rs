//! Every fixture is proved, and its certificate passes the checker.

use crate::fixtures::{closure_only, problems, run};
use strawberry_geometry::checker::check;
use strawberry_geometry::lang::read::read_one;
use strawberry_geometry::prove::Status;

#[test]
fn fixtures_are_proved_and_accepted() {
    for p in problems() {
        let r = run(&p, &closure_only());
        assert_eq!(r.status, Status::Proved, "{}: {}", p.name, r.message);
        let accepted = check(r.certificate.as_deref().expect("a certificate")).expect("accepted");
        assert!(accepted.figures >= 1);
    }
}

#[test]
fn the_same_seed_gives_the_same_proof() {
    let p = &problems()[3];
    assert_eq!(
        run(p, &closure_only()).certificate,
        run(p, &closure_only()).certificate
    );
}

#[test]
fn false_goals_are_refuted_with_a_figure() {
    let p = read_one("a b c = triangle a b c; m = midpoint m b c ? perp a m b c", "t").unwrap();
    let r = run(&p, &closure_only());
    assert_eq!(r.status, Status::Refuted);
    assert_eq!(r.figure.len(), 4);
}

#[test]
fn impossible_hypotheses_are_invalid() {
    let p = read_one(
        "a b = segment a b; m = midpoint m a b; c = on_circle c m a, on_line c a m, on_tline c a a b ? cong a b a c",
        "t",
    );
    assert_eq!(run(&p.unwrap(), &closure_only()).status, Status::Invalid);
    let p = read_one("a b = segment a b", "t").unwrap();
    assert_eq!(run(&p, &closure_only()).status, Status::Invalid);
}

#[test]
fn numerically_true_is_not_proved() {
    // drawn so that the goal holds, but nothing is assumed
    let p = read_one("a@0_0 = ; b@4_0 = ; c@0_3 = ? perp a b a c", "t").unwrap();
    assert_eq!(run(&p, &closure_only()).status, Status::Unknown);
}
