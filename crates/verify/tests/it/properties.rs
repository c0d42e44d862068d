//! Laws every comparison obeys.

use proptest::prelude::*;
use strawberry_verify::{MathVerifier, Mode, Options};

/// Random expressions over small numbers, roots, π and two variables.
fn expression() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        (1u32..30).prop_map(|n| n.to_string()),
        (1u32..9, 2u32..9).prop_map(|(a, b)| format!("\\frac{{{a}}}{{{b}}}")),
        (2u32..12).prop_map(|n| format!("\\sqrt{{{n}}}")),
        Just("\\pi".to_owned()),
        Just("x".to_owned()),
        Just("y".to_owned()),
    ];
    leaf.prop_recursive(3, 10, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a} + {b}")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a} - \\left({b}\\right)")),
            (inner.clone(), inner.clone())
                .prop_map(|(a, b)| format!("\\left({a}\\right) \\cdot \\left({b}\\right)")),
            inner.clone().prop_map(|a| format!("\\left({a}\\right)^{{2}}")),
            inner.prop_map(|a| format!("\\sin\\left({a}\\right)")),
        ]
    })
}

fn same(a: &str, b: &str) -> bool {
    MathVerifier::new(Options::default()).same(a, b)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn reflexive_and_blind_to_layout(e in expression()) {
        prop_assert!(same(&e, &e), "{}", e);
        for other in [
            e.replace("\\left", "").replace("\\right", ""),
            e.replace("\\frac", "\\dfrac"),
            e.replace("\\left", "\\Big").replace("\\right", "\\Big"),
            e.replace(' ', ""),
            e.replace(" + ", " \\; + \\, "),
            format!("$ {e} $"),
        ] {
            prop_assert!(same(&e, &other), "{} against {}", e, other);
        }
    }

    #[test]
    fn symmetric_and_transitive(v in proptest::collection::vec(expression(), 3)) {
        let [a, b, c] = [&v[0], &v[1], &v[2]];
        prop_assert_eq!(same(a, b), same(b, a));
        if same(a, b) && same(b, c) {
            prop_assert!(same(a, c));
        }
        // Rewritten chains: a + b = b + a = (b) + (a).
        let (p, q, r) = (format!("({a}) + ({b})"), format!("({b}) + ({a})"), format!("({b} + 1) + ({a} - 1)"));
        prop_assert!(same(&p, &q) && same(&q, &r) && same(&p, &r), "{} {} {}", p, q, r);
        // And what is certainly different stays so.
        let larger = format!("{p} + 1");
        prop_assert!(!same(&p, &larger), "{}", p);
    }

    #[test]
    fn sets_have_no_order(mut v in proptest::collection::vec(-50i32..50, 1..6), seed in any::<u64>()) {
        let write = |v: &[i32]| format!("\\{{{}\\}}", v.iter().map(i32::to_string).collect::<Vec<_>>().join(", "));
        let first = write(&v);
        let n = v.len();
        v.rotate_left(seed as usize % n);
        prop_assert!(same(&first, &write(&v)));
        let strict = MathVerifier::new(Options { mode: Mode::Strict, ..Options::default() });
        prop_assert!(strict.same(&first, &write(&v)));
    }

    #[test]
    fn rationals_are_equal_exactly_when_they_are(a in -200i64..200, b in 1i64..60, c in -200i64..200, d in 1i64..60) {
        let equal = a * d == c * b;
        prop_assert_eq!(same(&format!("\\frac{{{a}}}{{{b}}}"), &format!("{c}/{d}")), equal);
    }

    #[test]
    fn nothing_panics(text in "[ -~π√∞≤\\\\{}$^_|]{0,60}") {
        let v = MathVerifier::new(Options::default());
        let _ = v.check(&text, &text);
        let _ = v.check("1", &text);
        let _ = v.find(&text);
    }

    #[test]
    fn commands_in_any_order_do_not_panic(parts in proptest::collection::vec(prop::sample::select(vec![
        "\\frac", "{", "}", "1", "2", "x", "(", ")", "[", "]", "|", "\\sqrt", "^", "_", "\\begin{pmatrix}", "\\end{pmatrix}", "&", "\\\\",
        "\\{", "\\}", ",", "=", "<", "\\cup", "\\infty", "\\text{cm}", "\\circ", "\\pi", "-", "+", "!", "%", "$", "\\sin", "\\log",
        "\\sum_{k=1}^{3}", "and", "\\pm", ":", "0.5", "\\overline", "\\boxed{", "i", "e", "/", "\\cases", "\\mid", "km", "3 1/2",
    ]), 0..14)) {
        let text = parts.concat();
        let v = MathVerifier::new(Options::default());
        let _ = v.check(&text, &text);
        let _ = v.find(&text);
    }
}
