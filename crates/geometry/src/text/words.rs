//! Relations and predicates in words.

use super::Language;
use crate::lang::atom::parse_number;
use num_rational::BigRational as Q;
use num_traits::{One, Signed, Zero};
use std::collections::BTreeMap;

/// A linear relation with exact coefficients, as a certificate states it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Relation {
    /// `D`, `M`, `L` or `S`.
    pub table: String,
    /// Coefficient of each pair of points.
    pub pairs: BTreeMap<(String, String), Q>,
    /// Coefficient of the sine of each angle (vertex in the middle).
    pub sines: BTreeMap<[String; 3], Q>,
    /// Coefficient of each constant.
    pub constants: BTreeMap<String, Q>,
}

/// How a point name is shown: capital first letter, digits as subscripts.
pub fn point(name: &str) -> String {
    name.char_indices()
        .map(|(i, c)| match c {
            '0'..='9' if i > 0 => char::from_u32('₀' as u32 + (c as u32 - '0' as u32)).unwrap_or(c),
            _ if i == 0 => c.to_ascii_uppercase(),
            '_' => ' ',
            _ => c,
        })
        .filter(|c| *c != ' ')
        .collect()
}

fn segment(p: &(String, String)) -> String {
    format!("{}{}", point(&p.0), point(&p.1))
}

fn pick(l: Language, en: String, zh: String) -> String {
    if l == Language::English { en } else { zh }
}

/// The point two segments share and the two other ends.
fn corner<'a>(
    x: &'a (String, String),
    y: &'a (String, String),
) -> Option<(&'a String, &'a String, &'a String)> {
    for (v, a) in [(&x.0, &x.1), (&x.1, &x.0)] {
        for (w, b) in [(&y.0, &y.1), (&y.1, &y.0)] {
            if v == w && a != b {
                return Some((v, a, b));
            }
        }
    }
    None
}

fn angle(x: &(String, String), y: &(String, String)) -> String {
    match corner(x, y) {
        Some((v, a, b)) => format!("∠{}{}{}", point(a), point(v), point(b)),
        None => format!("∠({}, {})", segment(x), segment(y)),
    }
}

/// Degrees, `90°`.
fn degrees(turns: &Q) -> String {
    format!("{}°", turns * Q::from_integer(180.into()))
}

/// The relation in words or symbols.
pub fn relation(r: &Relation, l: Language) -> String {
    let terms: Vec<(&(String, String), &Q)> = r.pairs.iter().collect();
    let one = Q::one();
    match r.table.as_str() {
        "D" => direction(&terms, r, l),
        "M" => {
            let sines = r.sines.iter();
            let sines = sines.map(|(a, c)| {
                (
                    format!("sin ∠{}{}{}", point(&a[0]), point(&a[1]), point(&a[2])),
                    c,
                )
            });
            let terms: Vec<(String, &Q)> = terms
                .into_iter()
                .map(|(p, c)| (segment(p), c))
                .chain(sines)
                .collect();
            if let [(x, a), (y, b)] = &terms[..]
                && **a == -*b
            {
                let power = r
                    .constants
                    .iter()
                    .map(|(k, c)| (k.clone(), -c / a.abs()))
                    .collect();
                let k = constant_factor(&power);
                let (x, y) = if a.is_positive() { (x, y) } else { (y, x) };
                return format!("{x} = {k}{y}");
            }
            let side = |positive: bool| -> String {
                let list: Vec<String> = terms
                    .iter()
                    .filter(|t| t.1.is_positive() == positive)
                    .map(|t| power(&t.0, &t.1.abs()))
                    .collect();
                list.join("·")
            };
            let k: BTreeMap<String, Q> = r.constants.iter().map(|(k, c)| (k.clone(), -c)).collect();
            if let [(x, a)] = &terms[..] {
                let k = k.into_iter().map(|(n, c)| (n, c / *a)).collect();
                let k = constant_factor(&k);
                return format!(
                    "{x} = {}",
                    if k.is_empty() {
                        "1"
                    } else {
                        k.trim_end_matches('·')
                    }
                );
            }
            let plus: Vec<_> = terms.iter().filter(|t| *t.1 == one).collect();
            let minus: Vec<_> = terms.iter().filter(|t| *t.1 == -&one).collect();
            if plus.len() == 2 && minus.len() == 2 && terms.len() == 4 && k.is_empty() {
                return format!("{} : {} = {} : {}", plus[0].0, minus[0].0, minus[1].0, plus[1].0);
            }
            format!("{} = {}{}", side(true), constant_factor(&k), side(false))
        }
        _ => {
            let square = if r.table == "S" { "²" } else { "" };
            let side = |sign: bool| -> String {
                let mut list: Vec<String> = terms
                    .iter()
                    .filter(|t| t.1.is_positive() == sign)
                    .map(|t| format!("{}{}{square}", coefficient(&t.1.abs()), segment(t.0)))
                    .collect();
                list.extend(
                    r.constants
                        .values()
                        .filter(|c| c.is_positive() == sign)
                        .map(|c| c.abs().to_string()),
                );
                if list.is_empty() {
                    "0".into()
                } else {
                    list.join(" + ")
                }
            };
            format!("{} = {}", side(true), side(false))
        }
    }
}

fn coefficient(c: &Q) -> String {
    if c.is_one() {
        String::new()
    } else {
        format!("{c}·")
    }
}

fn power(text: &str, c: &Q) -> String {
    if c.is_one() {
        text.to_string()
    } else if *c == Q::from_integer(2.into()) {
        format!("{text}²")
    } else {
        format!("{text}^({c})")
    }
}

/// `2·`, `1/2·`, `√3·` from powers of primes; empty for 1.
fn constant_factor(powers: &BTreeMap<String, Q>) -> String {
    let mut value = Q::one();
    let mut roots = String::new();
    for (name, e) in powers {
        let Some(p) = name.strip_prefix("log").and_then(|p| p.parse::<i64>().ok()) else {
            continue;
        };
        let whole = e.floor();
        let rest = e - &whole;
        let n = whole.to_integer().to_string().parse::<i32>().unwrap_or(0);
        value *= num_traits::pow::Pow::pow(Q::from_integer(p.into()), n);
        if !rest.is_zero() {
            roots.push_str(&if rest == Q::new(1.into(), 2.into()) {
                format!("√{p}·")
            } else {
                format!("{p}^({rest})·")
            });
        }
    }
    if value.is_one() {
        roots
    } else {
        format!("{value}·{roots}")
    }
}

fn direction(terms: &[(&(String, String), &Q)], r: &Relation, l: Language) -> String {
    let one = Q::one();
    let two = Q::from_integer(2.into());
    let half = Q::new(1.into(), 2.into());
    let constant = r.constants.get("pi").cloned().unwrap_or_default();
    let constant = &constant - constant.floor();
    let unit = |c: &Q| *c == one || *c == -&one;
    if let [(x, a), (y, b)] = terms
        && unit(a)
        && **a == -*b
    {
        if constant.is_zero() {
            return match corner(x, y) {
                Some((v, s, t)) => pick(
                    l,
                    format!("{}, {}, {} are collinear", point(s), point(v), point(t)),
                    format!("{}、{}、{} 三点共线", point(s), point(v), point(t)),
                ),
                None => format!("{} ∥ {}", segment(x), segment(y)),
            };
        }
        if constant == half {
            return format!("{} ⟂ {}", segment(x), segment(y));
        }
        // a·x - a·y + c·pi = 0: the turn from y to x is -c/a
        let turn = if a.is_positive() {
            -&constant
        } else {
            constant.clone()
        };
        return format!("{} = {}", angle(y, x), degrees(&(&turn - turn.floor())));
    }
    let plus: Vec<_> = terms.iter().filter(|t| *t.1 == one).map(|t| t.0).collect();
    let minus: Vec<_> = terms.iter().filter(|t| *t.1 == -&one).map(|t| t.0).collect();
    let extra = if constant.is_zero() {
        String::new()
    } else {
        let c = -&constant;
        format!(" + {}", degrees(&(&c - c.floor())))
    };
    if terms.len() == 4 && plus.len() == 2 && minus.len() == 2 {
        // p0 - m = m' - p1: choose the pairing that names vertices
        let named = |i: usize| {
            usize::from(corner(minus[i], plus[0]).is_some())
                + usize::from(corner(plus[1], minus[1 - i]).is_some())
        };
        let i = usize::from(named(1) > named(0));
        return format!(
            "{} = {}{extra}",
            angle(minus[i], plus[0]),
            angle(plus[1], minus[1 - i])
        );
    }
    if terms.len() == 3 {
        let double = terms.iter().find(|t| t.1.abs() == two).map(|t| t.0);
        let rest: Vec<_> = terms.iter().filter(|t| unit(t.1)).map(|t| t.0).collect();
        if let (Some(d), [x, y]) = (double, &rest[..]) {
            return format!("{} = {}{extra}", angle(x, d), angle(d, y));
        }
    }
    let side = |sign: bool| -> String {
        let list: Vec<String> = terms
            .iter()
            .filter(|t| t.1.is_positive() == sign)
            .map(|t| format!("{}{}", coefficient(&t.1.abs()), segment(t.0)))
            .collect();
        list.join(" + ")
    };
    let note = pick(l, "directions".into(), "方向角".into());
    format!("{} = {}{extra} ({note}, mod 180°)", side(true), side(false))
}

/// A predicate (as certificates and problems write it) in words.
pub fn predicate(text: &str, l: Language) -> String {
    let w: Vec<&str> = text.split_whitespace().collect();
    let Some((name, args)) = w.split_first() else {
        return String::new();
    };
    let p: Vec<String> = args.iter().map(|a| point(a)).collect();
    let list = |sep: &str| p.join(sep);
    let g = |i: usize| p.get(i).cloned().unwrap_or_default();
    let seg = |i: usize| format!("{}{}", g(i), g(i + 1));
    let ang = |i: usize| {
        let owned = |k: usize| (args[k].to_string(), args[k + 1].to_string());
        angle(&owned(i), &owned(i + 2))
    };
    let plain = |s: &str| parse_number(s).map_or(s.to_string(), |q| q.0.to_string());
    match (*name, args.len()) {
        ("coll", _) => pick(
            l,
            format!("{} are collinear", list(", ")),
            format!("{} 共线", list("、")),
        ),
        ("cyclic", _) => pick(
            l,
            format!("{} are concyclic", list(", ")),
            format!("{} 共圆", list("、")),
        ),
        ("circle", _) => pick(
            l,
            format!(
                "{} is the centre of the circle through {}",
                g(0),
                p[1..].join(", ")
            ),
            format!("{} 是过 {} 的圆的圆心", g(0), p[1..].join("、")),
        ),
        ("para", 4) => format!("{} ∥ {}", seg(0), seg(2)),
        ("perp", 4) => format!("{} ⟂ {}", seg(0), seg(2)),
        ("cong", 4) => format!("{} = {}", seg(0), seg(2)),
        ("eqangle", 8) => format!("{} = {}", ang(0), ang(4)),
        ("eqratio", 8) => format!("{} : {} = {} : {}", seg(0), seg(2), seg(4), seg(6)),
        ("rconst", 5) => format!("{} = {}·{}", seg(0), plain(args[4]), seg(2)),
        ("r2const", 5) => format!("{}² = {}·{}²", seg(0), plain(args[4]), seg(2)),
        ("aconst", 5) => {
            let turns = parse_number(args[4]).map_or(String::new(), |q| format!("{}°", q.0 * 180));
            format!("{} = {turns}", ang(0))
        }
        ("s_angle", 4) => {
            let turns = parse_number(args[3]).map_or(String::new(), |q| format!("{}°", q.0 * 180));
            format!("∠{}{}{} = {turns}", g(0), g(1), g(2))
        }
        ("lconst", 3) => format!("{} = {}", seg(0), plain(args[2])),
        ("l2const", 3) => format!("{}² = {}", seg(0), plain(args[2])),
        ("midp", 3) => pick(
            l,
            format!("{} is the midpoint of {}", g(0), seg(1)),
            format!("{} 是 {} 的中点", g(0), seg(1)),
        ),
        ("simtri" | "simtrir", 6) => {
            format!("△{}{}{} ∼ △{}{}{}", g(0), g(1), g(2), g(3), g(4), g(5))
        }
        ("contri" | "contrir", 6) => {
            format!("△{}{}{} ≅ △{}{}{}", g(0), g(1), g(2), g(3), g(4), g(5))
        }
        ("opposite", 4) => pick(
            l,
            format!("{} and {} lie on opposite sides of {}", g(0), g(1), seg(2)),
            format!("{} 与 {} 在 {} 的两侧", g(0), g(1), seg(2)),
        ),
        ("together", 4) => pick(
            l,
            format!("{} and {} lie on the same side of {}", g(0), g(1), seg(2)),
            format!("{} 与 {} 在 {} 的同侧", g(0), g(1), seg(2)),
        ),
        ("overlap", 2) => pick(
            l,
            format!("{} and {} are one point", g(0), g(1)),
            format!("{} 与 {} 重合", g(0), g(1)),
        ),
        _ => text.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(table: &str, terms: &[(&str, &str, i64)], pi: (i64, i64)) -> Relation {
        let mut r = Relation {
            table: table.into(),
            ..Relation::default()
        };
        for (a, b, c) in terms {
            r.pairs
                .insert((a.to_string(), b.to_string()), Q::from_integer((*c).into()));
        }
        if pi.0 != 0 {
            r.constants.insert("pi".into(), Q::new(pi.0.into(), pi.1.into()));
        }
        r
    }

    #[test]
    fn relations_read_well() {
        let en = Language::English;
        let d = |t: &[(&str, &str, i64)], pi| relation(&row("D", t, pi), en);
        assert_eq!(
            d(&[("a", "b", 1), ("a", "c", -1)], (0, 1)),
            "B, A, C are collinear"
        );
        assert_eq!(d(&[("a", "b", 1), ("c", "d", -1)], (1, 2)), "AB ⟂ CD");
        assert_eq!(
            d(
                &[("a", "b", 1), ("a", "c", -1), ("d", "b", -1), ("c", "d", 1)],
                (0, 1)
            ),
            "∠CAB = ∠CDB"
        );
        assert_eq!(
            d(&[("b", "c", 2), ("a", "b", -1), ("a", "c", -1)], (0, 1)),
            "∠ABC = ∠BCA"
        );
        let m = row("M", &[("o", "a1", 1), ("o", "b", -1)], (0, 1));
        assert_eq!(relation(&m, en), "OA₁ = OB");
        let s = row("S", &[("a", "b", 1), ("a", "c", 1), ("b", "c", -1)], (0, 1));
        assert_eq!(relation(&s, en), "AB² + AC² = BC²");
    }
}
