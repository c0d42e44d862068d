//! Configurations: where the figure suggests an instance of a named rule. They are found once a point,
//! with their premises written as rows, so that a closure only has to look the premises up.

use super::rows::Tab;
use super::rules::{Rule, along, instance, middle};
use super::state::Drawn;
use crate::algebra::field;
use crate::algebra::table::Var;
use crate::figure::rng::mix;
use crate::lang::atom::{Frac, Pt};
use num_traits::Zero;

/// A rule instance that fits the figure.
#[derive(Clone)]
pub(super) struct Config {
    pub rule: Rule,
    pub pts: Vec<Pt>,
    pub q: Frac,
    pub premises: Vec<(Tab, Vec<(Var, u64)>)>,
}

/// A multiple of pi, as good as drawn.
#[inline]
fn straight(angle: f64) -> bool {
    // positive, so that truncation rounds down: faster than `round`
    let turns = angle * std::f64::consts::FRAC_1_PI + 16.5;
    (turns - turns as u32 as f64 - 0.5).abs() < 3e-8
}

/// Raw list while searching.
type Found = Vec<(Rule, Vec<Pt>, Frac)>;

/// All configurations that contain the newest point `k` of the figure and otherwise older ones.
pub(super) fn configs_with(d: &mut Drawn, k: Pt) -> Vec<Config> {
    let mut found: Found = Vec::new();
    let old = d
        .flats
        .iter()
        .position(|t| t.contains(&k))
        .unwrap_or(d.flats.len());
    bisectors(d, k, old, &mut found);
    stewart(d, k, old, &mut found);
    line_pairs(d, old, &mut found);
    quadrilaterals(d, k, &mut found);
    isogonal(d, k, &mut found);
    trapezoids(d, k, &mut found);
    other_triangles(d, k, &mut found);
    feet(d, k, old, &mut found);
    for t in &d.flats[old..] {
        let p = match middle(&d.f, t[0], t[1], t[2]) {
            0 => vec![t[1], t[0], t[2]],
            1 => t.to_vec(),
            _ => vec![t[0], t[2], t[1]],
        };
        found.push((Rule::LengthSum, p, Frac::zero()));
    }
    found
        .into_iter()
        .filter_map(|(rule, pts, q)| {
            let rows = instance(&d.f, rule, &pts, q)?.premises;
            let premises = rows
                .iter()
                .map(|r| (r.tab, r.terms.iter().map(|(v, c)| (*v, field::frac(c))).collect()))
                .collect();
            Some(Config {
                rule,
                pts,
                q,
                premises,
            })
        })
        .collect()
}

fn bisectors(d: &Drawn, k: Pt, old: usize, found: &mut Found) {
    let mut test = |[b, e, c]: [Pt; 3], a: Pt| {
        if d.flat(a, b, c) || !d.apart(a, e) {
            return;
        }
        let t = d.theta(a, e) * 2.0 - d.theta(a, b) - d.theta(a, c);
        if straight(t) {
            found.push((Rule::BisectorRatio, vec![a, b, e, c], Frac::zero()));
            found.push((Rule::RatioBisector, vec![a, b, e, c], Frac::zero()));
        }
    };
    for (i, &[x, y, z]) in d.flats.iter().enumerate() {
        for t in [[x, y, z], [y, x, z], [x, z, y]] {
            if i >= old {
                (0..=k).for_each(|a| test(t, a));
            } else {
                test(t, k);
            }
        }
    }
}

fn stewart(d: &Drawn, k: Pt, old: usize, found: &mut Found) {
    for (i, &[x, y, z]) in d.flats.iter().enumerate() {
        // one order suffices: the relation is the same
        let [a, b, c] = match middle(&d.f, x, y, z) {
            0 => [y, x, z],
            1 => [x, y, z],
            _ => [x, z, y],
        };
        let Some(q) = small_ratio(along(&d.f, a, b, c)) else {
            continue;
        };
        let from = if i >= old { 0 } else { k };
        found.extend((from..=k).map(|p| (Rule::Stewart, vec![a, b, c, p], q)));
    }
}

/// The small rational a number is (denominator at most 12).
fn small_ratio(t: f64) -> Option<Frac> {
    (1..=12i64).find_map(|d| {
        let n = (t * d as f64).round();
        ((t * d as f64 - n).abs() < 1e-8 && n != 0.0 && n.abs() < 1e4).then(|| Frac::new(n as i64, d))
    })
}

const ORDERS: [[usize; 3]; 6] = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];

/// Two collinear triples divided alike: parallel transversals and equal divisions.
fn line_pairs(d: &Drawn, old: usize, found: &mut Found) {
    for i in old..d.flats.len() {
        let t = d.flats[i];
        let mine = along(&d.f, t[0], t[1], t[2]);
        for u in &d.flats[..=i] {
            for o in ORDERS {
                let w = [u[o[0]], u[o[1]], u[o[2]]];
                let theirs = along(&d.f, w[0], w[1], w[2]);
                if w == t || (mine - theirs).abs() > 1e-7 * (1.0 + mine.abs()) {
                    continue;
                }
                for [x, y, z] in [[0, 1, 2], [1, 0, 2], [2, 0, 1]] {
                    found.push((
                        Rule::FlatRatio,
                        vec![t[x], t[y], t[z], w[x], w[y], w[z]],
                        Frac::zero(),
                    ));
                }
                let joined = (0..3).all(|j| d.apart(t[j], w[j]));
                let parallel = |a: usize, b: usize| straight(d.theta(t[a], w[a]) - d.theta(t[b], w[b]));
                if joined && parallel(0, 1) && parallel(0, 2) {
                    found.push((
                        Rule::Intercept,
                        vec![t[0], t[1], t[2], w[0], w[1], w[2]],
                        Frac::zero(),
                    ));
                    for [x, y, z] in ORDERS {
                        let p = vec![t[x], t[y], t[z], w[x], w[y], w[z]];
                        found.push((Rule::InterceptPara, p, Frac::zero()));
                    }
                }
            }
        }
    }
}

/// Menelaus and Ceva, with converses.
fn quadrilaterals(d: &Drawn, k: Pt, found: &mut Found) {
    let n = k + 1;
    let mut on = vec![0u64; n as usize * n as usize];
    for t in &d.flats {
        for [x, y, z] in [[0, 1, 2], [1, 0, 2], [0, 2, 1]] {
            let (a, b) = (t[x] as usize, t[z] as usize);
            on[a * n as usize + b] |= 1 << t[y];
            on[b * n as usize + a] |= 1 << t[y];
        }
    }
    let side = |a: Pt, b: Pt| on[a as usize * n as usize + b as usize];
    let zero = Frac::zero();
    for c in 2..n {
        for b in 1..c {
            for a in 0..b {
                if d.flat(a, b, c) || side(b, c) == 0 || side(c, a) == 0 || side(a, b) == 0 {
                    continue;
                }
                for e1 in super::objects::points(side(b, c)) {
                    for e2 in super::objects::points(side(c, a)) {
                        for e3 in super::objects::points(side(a, b)) {
                            let p = [a, b, c, e1, e2, e3];
                            if d.flat(e1, e2, e3) {
                                if p.contains(&k) {
                                    found.push((Rule::Menelaus, p.to_vec(), zero));
                                    found.push((Rule::MenelausLine, p.to_vec(), zero));
                                }
                            } else {
                                ceva(d, k, p, found);
                            }
                        }
                    }
                }
            }
        }
    }
}

fn ceva(d: &Drawn, k: Pt, [a, b, c, e1, e2, e3]: [Pt; 6], found: &mut Found) {
    let inside = [a, b, c, e1, e2, e3].contains(&k);
    for x in if inside { 0..=k } else { k..=k } {
        if [a, b, c, e1, e2, e3].contains(&x) {
            continue;
        }
        if d.flat(a, x, e1) && d.flat(b, x, e2) && d.flat(c, x, e3) {
            let zero = Frac::zero();
            found.push((Rule::Ceva, vec![a, b, c, e1, e2, e3, x], zero));
            found.push((Rule::CevaLine, vec![a, b, c, e1, e2, e3, x], zero));
            found.push((Rule::CevaLine, vec![b, c, a, e2, e3, e1, x], zero));
            found.push((Rule::CevaLine, vec![c, a, b, e3, e1, e2, x], zero));
        }
    }
}

/// Isogonal lines at two vertices are isogonal at the third (bisectors concur as the case x = y).
fn isogonal(d: &Drawn, k: Pt, found: &mut Found) {
    let n = k + 1;
    for c in 2..n {
        for b in 1..c {
            for a in 0..b {
                if d.flat(a, b, c) {
                    continue;
                }
                let inside = c == k;
                let corners = [(a, b, c), (b, c, a), (c, a, b)];
                for y in if inside { 0..n } else { k..n } {
                    if corners.iter().any(|&(v, ..)| !d.apart(v, y)) {
                        continue;
                    }
                    // the direction from each corner to x is then fixed
                    let turn = corners.map(|(v, s, t)| d.theta(v, y) - d.theta(v, s) - d.theta(v, t));
                    for x in (0..=y).filter(|&x| x != a && x != b && x != c) {
                        let fits = |i: usize| straight(d.theta(corners[i].0, x) + turn[i]);
                        if fits(0) && fits(1) && fits(2) && corners.iter().all(|&(v, ..)| d.apart(v, x)) {
                            for p in [[a, b, c], [a, c, b], [b, c, a]] {
                                found.push((Rule::Isogonal, vec![p[0], p[1], p[2], x, y], Frac::zero()));
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Parallel chords between equal legs.
fn trapezoids(d: &Drawn, k: Pt, found: &mut Found) {
    // ab parallel cd, ad = bc; by symmetry k = a
    let a = k;
    for b in 0..k {
        for c in 0..k {
            if c == b || !d.apart(a, b) || d.flat(a, b, c) {
                continue;
            }
            for e in 0..k {
                if e == b || e == c || !d.apart(c, e) || !d.apart(a, e) {
                    continue;
                }
                if (d.dist(a, e) - d.dist(b, c)).abs() < 1e-9
                    && straight(d.theta(a, b) - d.theta(c, e))
                    && (d.theta(a, e) - d.theta(b, c)).sin().abs() > 1e-7
                {
                    found.push((Rule::Trapezoid, vec![a, b, c, e], Frac::zero()));
                }
            }
        }
    }
}

/// Feet of perpendiculars on bisectors lie on midlines: right angles at f over (v, p), where vf may bisect.
fn feet(d: &mut Drawn, k: Pt, old: usize, found: &mut Found) {
    let bisects = |d: &Drawn, v: Pt, f: Pt, p: Pt, q: Pt| {
        d.apart(v, q) && straight(2.0 * d.theta(v, f) - d.theta(v, p) - d.theta(v, q))
    };
    let right = |d: &Drawn, f: Pt, v: Pt, p: Pt| {
        straight(d.theta(f, v) - d.theta(f, p) - std::f64::consts::FRAC_PI_2)
    };
    let before = d.rights.len();
    for i in 0..k {
        for j in 0..i {
            if !d.flat(i, j, k) {
                for [f, v, p] in [[i, j, k], [j, i, k], [k, i, j]] {
                    if right(d, f, v, p) {
                        d.rights.extend([[f, v, p], [f, p, v]]);
                    }
                }
            }
        }
    }
    for (i, &[c, b, a]) in d.rights.iter().enumerate() {
        let from = if i < before { old } else { 0 };
        for &t in &d.flats[from..] {
            let m = middle(&d.f, t[0], t[1], t[2]);
            let (e, x, y) = (t[m], t[(m + 1) % 3], t[(m + 2) % 3]);
            let q = if x == a { y } else { x };
            if (x == a || y == a) && (d.dist(e, x) - d.dist(e, y)).abs() < 1e-9 && bisects(d, b, c, a, q) {
                found.push((Rule::FootMidline, vec![a, b, c, q, e], Frac::zero()));
            }
        }
        for &[e, v, p] in &d.rights[..if i < before { 0 } else { i }] {
            if p == a && v != b && bisects(d, b, c, p, v) && bisects(d, v, e, p, b) {
                found.push((Rule::TwoFeet, vec![v, b, p, c, e], Frac::zero()));
            }
        }
    }
}

/// So many triangles with one angle and one ratio are compared with later ones.
const SSA_ALIKE: usize = 4;

/// Two sides and the angle opposite one of them, drawn as two different triangles.
fn other_triangles(d: &mut Drawn, k: Pt, found: &mut Found) {
    for i in 0..k {
        for j in 0..k {
            if i == j || d.flat(i, j, k) {
                continue;
            }
            for [a, b, c] in [[k, i, j], [i, k, j], [i, j, k]] {
                // the angle at a, its opposite side bc, and ab
                let angle = d.f.sine(a, b, c).asin().abs();
                let obtuse = along(&d.f, a, b, c) < 0.0;
                let angle = if obtuse {
                    std::f64::consts::PI - angle
                } else {
                    angle
                };
                let ratio = d.dist(a, b) / d.dist(b, c);
                let cell = |v: f64| (v * 1e7).round() as i64 as u64;
                let key = mix(mix(cell(angle)).wrapping_add(cell(ratio)));
                let others = d.ssa.entry(key).or_default();
                for t in others.iter() {
                    found.push((Rule::SsaOther, [t[0], t[1], t[2], a, b, c].to_vec(), Frac::zero()));
                }
                if others.len() < SSA_ALIKE {
                    others.push([a, b, c]);
                }
            }
        }
    }
}
