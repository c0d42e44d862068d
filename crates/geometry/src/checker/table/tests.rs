//! The tables are well formed.

use super::*;

/// Every line of the tables can be read and applied somewhere: on a figure rich enough, no line fails for a
/// reason of notation.
#[test]
fn tables_are_well_formed() {
    let xy: Vec<[f64; 2]> = (0..9)
        .map(|i| {
            [
                (f64::from(i) * 1.7).sin(),
                (f64::from(i) * 2.3).cos() + 0.1 * f64::from(i),
            ]
        })
        .collect();
    let f = Figure::new(&xy, 9).expect("a figure");
    let p: Vec<Pt> = (0..9).collect();
    let k = q(1) / q(2);
    for (table, is_rule) in [(RULES, true), (PREDICATES, false)] {
        for l in table.lines().filter(|l| !l.starts_with('#')) {
            let mut words = l.split_whitespace();
            let (name, letters) = (words.next().expect("a name"), words.next().expect("points"));
            let number = l
                .split(" : ")
                .next()
                .is_some_and(|h| h.ends_with(" k"))
                .then_some(&k);
            let result = if is_rule {
                rule(&f, name, &p[..letters.len()], Some(&k)).map(|_| ())
            } else {
                predicate(
                    &f,
                    name,
                    &p[..letters.len()],
                    number.map_or(&[], std::slice::from_ref),
                )
                .expect("known")
                .map(|_| ())
            };
            if let Err(e) = result {
                assert!(!e.contains("table"), "{l}: {e}");
            }
        }
    }
}
