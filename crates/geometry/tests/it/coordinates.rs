//! The second opinion agrees with what is proved and refuted.

use crate::fixtures::problems;
use strawberry_geometry::coordinates::{Identity, judge};
use strawberry_geometry::lang::read::read_one;
use strawberry_geometry::text::Language;
use strawberry_geometry::{Options, Status, prove_text};

#[test]
fn theorems_are_identities_and_false_goals_are_not() {
    let mut held = 0;
    for p in problems() {
        let o = judge(&p, &p.goals, 1);
        assert!(!matches!(o.identity, Identity::Fails), "{}", p.name);
        held += usize::from(o.identity == Identity::Holds);
    }
    assert!(held * 2 > problems().len(), "only {held} within reach");
    for goal in ["perp a d b c", "cong d a d b", "cyclic a b c d"] {
        let text = format!("a b c = triangle a b c; d = midpoint d b c ? {goal}");
        let p = read_one(&text, "t").expect("reads");
        assert_eq!(judge(&p, &p.goals, 1).identity, Identity::Fails, "{goal}");
    }
}

/// A true statement that the closure alone does not reach: nothing is claimed, what is known is said.
#[test]
fn an_open_goal_comes_with_what_is_known() {
    // a butterfly on a circle about o that is not centred on the line ab
    let text = "a b o = triangle a b o; m = foot m o a b; p = free p; q = on_circle q o p; \
                r = on_line r m q, on_circle r o p; s = on_line s m p, on_circle s o p; \
                x = on_line x q s, on_line x a b; y = on_line y p r, on_line y a b ? cong x m m y";
    let options = Options {
        max_points: 0,
        ..Options::default()
    };
    let told = prove_text(text, &options, Language::English, &|_| {}, &|| false).expect("a problem");
    assert_eq!(told.outcome.status, Status::Unknown);
    assert!(!told.outcome.known.is_empty() && told.outcome.coordinates.is_some());
    assert!(told.text.contains("known: "), "{}", told.text);
}

#[test]
fn plain_words_are_no_problem() {
    let none =
        |text: &str| prove_text(text, &Options::default(), Language::English, &|_| {}, &|| false).is_none();
    assert!(none(
        "Tom has 3 boxes with 12 apples each. He eats 5 apples. How many are left?"
    ));
    assert!(none("What is 6*7?"));
    assert!(none("x = 3; y = 4 ? what is x + y"));
    assert!(none(""));
}
