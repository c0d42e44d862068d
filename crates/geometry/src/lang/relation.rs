//! Relations as people write them: `A B = C D`, `AB ∥ CD`, `AB ⟂ CD`, `angle A B C = angle D E F`,
//! `A B C collinear`, `A B C D concyclic`, `M midpoint of A B`; or any predicate by name.
//!
//! `AB` may be written for `A B` when it splits into two known points in one way only. Angles are directed
//! (modulo pi): `angle A B C` turns the line BA into the line BC counter-clockwise.

use super::atom::{Atom, PREDICATES, Pred, Pt};
use super::read::{Builder, ParseError, Span, check_arguments};

/// Reads one relation.
pub(crate) fn read(b: &mut Builder, span: Span) -> Result<Atom, ParseError> {
    let words = span.words();
    let Some(first) = words.first() else {
        return Err(span.error("a relation is missing here"));
    };
    if PREDICATES.iter().any(|p| p.0 == first.text) && !words.iter().any(|w| is_operator(w.text)) {
        return b.predicate(span);
    }
    let texts: Vec<&str> = words.iter().map(|w| w.text.trim_matches(',')).collect();
    if let Some(last) = texts.last() {
        let pred = match *last {
            "collinear" => Some(Pred::Coll),
            "concyclic" => Some(Pred::Cyclic),
            _ => None,
        };
        if let Some(pred) = pred {
            let pts = points(b, &words[..words.len() - 1])?;
            let least = if pred == Pred::Coll { 3 } else { 4 };
            if pts.len() < least {
                return Err(span.error(format!("`{last}` needs at least {least} points")));
            }
            return finish(pred, &pts, span);
        }
    }
    if let Some(i) = texts.iter().position(|t| *t == "midpoint") {
        let rest = &words[i + 1..];
        let rest = if rest.first().is_some_and(|w| w.text == "of") {
            &rest[1..]
        } else {
            rest
        };
        let (m, ends) = (points(b, &words[..i])?, points(b, rest)?);
        if let ([m], [x, y]) = (&m[..], &ends[..]) {
            return finish(Pred::Midp, &[*m, *x, *y], span);
        }
        return Err(span.error("write `M midpoint of A B`"));
    }
    let Some(i) = words.iter().position(|w| is_operator(w.text)) else {
        if let Some(h) = super::suggest::nearest(first.text, PREDICATES.iter().map(|p| p.0)) {
            return Err(first.error(format!("unknown predicate `{}`; did you mean `{h}`?", first.text)));
        }
        return Err(first.error(
            "not a relation: write `A B = C D`, `A B ∥ C D`, `A B ⟂ C D`, `angle A B C = angle D E F`, \
             `A B C collinear`, `A B C D concyclic`, `M midpoint of A B`, or a predicate",
        ));
    };
    let (left, right) = (&words[..i], &words[i + 1..]);
    let right = if right.first().is_some_and(|w| w.text == "to") {
        &right[1..]
    } else {
        right
    };
    let is_angle = |side: &[Span]| side.first().is_some_and(|w| matches!(w.text, "angle" | "∠"));
    if is_angle(left) != is_angle(right) {
        return Err(span.error("an angle can only be compared with an angle"));
    }
    if is_angle(left) {
        let (l, r) = (points(b, &left[1..])?, points(b, &right[1..])?);
        let ([a, v, c], [d, w, e]) = (&l[..], &r[..]) else {
            return Err(span.error("an angle is written with three points: `angle A B C`"));
        };
        if words[i].text != "=" {
            return Err(words[i].error("angles can only be equal (`=`)"));
        }
        return finish(Pred::EqAngle, &[*v, *a, *v, *c, *w, *d, *w, *e], span);
    }
    let pred = match words[i].text {
        "=" => Pred::Cong,
        "∥" | "||" | "parallel" => Pred::Para,
        _ => Pred::Perp,
    };
    let (l, r) = (points(b, left)?, points(b, right)?);
    if l.len() != 2 || r.len() != 2 {
        return Err(span.error(format!(
            "`{}` stands between two segments: `A B {0} C D`",
            words[i].text
        )));
    }
    finish(pred, &[l[0], l[1], r[0], r[1]], span)
}

fn finish(pred: Pred, pts: &[Pt], span: Span) -> Result<Atom, ParseError> {
    let atom = Atom::new(pred, pts);
    check_arguments(&atom, span)?;
    Ok(atom)
}

fn is_operator(word: &str) -> bool {
    matches!(word, "=" | "∥" | "||" | "parallel" | "⟂" | "⊥" | "perpendicular")
}

/// Point names; a word that is no point may be two names run together.
fn points(b: &Builder, words: &[Span]) -> Result<Vec<Pt>, ParseError> {
    let mut out = Vec::new();
    for w in words {
        let text = w.text.trim_matches(',');
        if text.is_empty() {
            continue;
        }
        let known = |t: &str| b.problem.points.iter().position(|p| p == t).map(|i| i as Pt);
        if let Some(p) = known(text) {
            out.push(p);
            continue;
        }
        let splits: Vec<(Pt, Pt)> = text
            .char_indices()
            .skip(1)
            .filter_map(|(i, _)| Some((known(&text[..i])?, known(&text[i..])?)))
            .collect();
        match splits[..] {
            [(p, q)] => out.extend([p, q]),
            _ => {
                b.point(*w)?;
            }
        }
    }
    Ok(out)
}
