//! Readers: three dialects, errors with places and suggestions, bounds.

use crate::fixtures::{closure_only, run};
use proptest::prelude::*;
use strawberry_geometry::lang::atom::Pred;
use strawberry_geometry::lang::read::{read_file, read_one};
use strawberry_geometry::prove::Status;
use strawberry_geometry::told::recognise;

fn error(text: &str) -> String {
    read_one(text, "t").expect_err("must not read").to_string()
}

#[test]
fn errors_name_the_place_and_suggest() {
    let e = error("a b c = triangle a b c; h = orthocentre h a b c ? perp a h b c");
    assert!(
        e.contains("column 29") && e.contains("did you mean `orthocenter`?"),
        "{e}"
    );
    let e = error("a b c = triangle a b c ? prep a b b c");
    assert!(e.contains("did you mean `perp`?"), "{e}");
    let e = error("a b c = triangle a b c ? perp a b b");
    assert!(e.contains("takes 4 points, but 3"), "{e}");
    let e = error("a b = segment a b; m = midpoint m a bb ? cong m a m b");
    assert!(e.contains("unknown point `bb`"), "{e}");
    let e = error("a b = segment a b; a = free a ? cong a b a b");
    assert!(e.contains("defined twice"), "{e}");
    let e = error("a b = segment a b ? cong a a a b");
    assert!(e.contains("same point"), "{e}");
    let e = error("d = on_line d e f; e f = segment e f ? coll d e f");
    assert!(e.contains("unknown point `e`"), "{e}");
    let e = error("a b = segment a b; x = on_line x x b ? coll x a b");
    assert!(e.contains("uses `x` to define `x`"), "{e}");
}

#[test]
fn too_many_points_are_refused() {
    let text: String = (0..200).map(|i| format!("p{i} = free; ")).collect();
    assert!(error(&text).contains("more than 60 points"));
}

#[test]
fn auxiliary_clauses_are_dropped() {
    let p = read_one("a b c = triangle a b c | m = midpoint m a b ? cong a b a c", "t").unwrap();
    assert_eq!(p.points.len(), 3);
}

#[test]
fn coordinates_dialect() {
    let text = "a@0_0 = ; b@4_0 = ; c@0_3 = perp a b a c ? perp a b a c";
    let p = read_one(text, "t").unwrap();
    assert_eq!(p.pins[1], Some([4.0, 0.0]));
    assert_eq!(run(&p, &closure_only()).status, Status::Proved);
}

#[test]
fn line_form_reads_relations() {
    let text = "problem kite\npoints A B P\nlet Q = eqdistance A A P, eqdistance B B P\n\
                assume A P = A Q\nprove AB ⟂ PQ\nproblem next\npoint A 0 0\npoint B 2 0\npoint M 1 0\n\
                assume M midpoint of A B\nprove MA = MB\n";
    let entries = read_file(text).unwrap();
    assert_eq!(entries.len(), 2);
    for (name, p) in entries {
        let p = p.unwrap_or_else(|e| panic!("{name}: {e}"));
        let r = run(&p, &closure_only());
        assert_eq!(r.status, Status::Proved, "{name}: {}", r.message);
    }
    let (_, bad) = read_file("points A B C\nprove A B C colinear\n")
        .unwrap()
        .remove(0);
    assert!(bad.is_err());
    let (_, angle) = read_file("points A B C D E F\nprove angle A B C = angle D E F\n")
        .unwrap()
        .remove(0);
    assert_eq!(angle.unwrap().goals[0].pred, Pred::EqAngle);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn readers_never_panic(text in "[a-d =;,?|@_0-9./\n⟂onlmidpercgt]{0,160}") {
        let _ = read_file(&text);
        let _ = read_one(&text, "t");
    }

    #[test]
    fn readers_never_panic_on_word_soup(words in prop::collection::vec(
        prop::sample::select(vec!["a", "b", "c", "=", ";", "?", ",", "on_line", "midpoint", "perp", "cong", "s_angle",
            "30o", "1/2", "eqangle", "prove", "assume", "let", "points", "\n", "angle", "∥", "x@1_2", "distseq", "square"]), 0..40)) {
        let _ = read_file(&words.join(" "));
    }
}

/// AlphaGeometry 2 measures an angle from its second line to its first.
#[test]
fn bare_angles_follow_their_language() {
    let raw = |degrees: i32| {
        let text = format!(
            "a@0_0 = ; b@1_0 = ; c@0.5_0.8660254037844386 = aconst a b a c {degrees}, cong a b a c ? cong a b b c"
        );
        let p = read_one(&text, "raw").expect("reads");
        run(&p, &closure_only()).status
    };
    assert_eq!(raw(120), Status::Proved);
    assert_eq!(raw(60), Status::Invalid);
    let own = "points A B\npoint C\nassume aconst A B A C 60\nassume AB = AC\nprove AB = BC";
    let p = recognise(own).expect("a problem");
    assert_eq!(run(&p, &closure_only()).status, Status::Proved);
    assert!(recognise("lines of text\nthat state\nno problem ? at all").is_none());
}

/// Three points of which two may be drawn at one place are still collinear.
#[test]
fn collinear_points_may_coincide() {
    let text = "a@0_0 = ; b@4_0 = ; c@0_3 = ; d@0_0 = coll d a b, coll d a c ? overlap d a";
    let r = run(&read_one(text, "double").expect("reads"), &closure_only());
    assert_eq!(r.status, Status::Proved, "{}", r.message);
}
