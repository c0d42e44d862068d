//! The rules: points in, premise rows and conclusion rows out.
//!
//! The figure decides configurations only (orientation, order, which multiple of pi); premises are rows that
//! must already be known. Conclusions that are false on the figure make the instance `None`.

use super::rows::{Row, Tab, Term, coll, cong, cyclic, dir_row, log_row, sum_row};
use super::same::same_instance;
use super::sine_rules::sine_instance;
use crate::figure::Figure;
use crate::lang::atom::{Frac, Pt};
use num_traits::{One, Signed, Zero};

macro_rules! rules {
    ($($variant:ident $name:literal $points:literal),* $(,)?) => {
        /// The rules; the doc of each is in `docs/geometry.md` and in [`instance`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[allow(missing_docs)]
        pub enum Rule { $($variant),* }

        impl Rule {
            /// Name in certificates.
            pub fn name(self) -> &'static str {
                match self { $(Rule::$variant => $name),* }
            }

            /// How many points an instance takes.
            pub fn points(self) -> usize {
                match self { $(Rule::$variant => $points),* }
            }
        }
    };
}

rules! {
    SimAa "sim_aa" 6, SimSss "sim_sss" 6, SimSas "sim_sas" 6, SimSsa "sim_ssa" 6,
    SsaOther "ssa_other" 6, Trapezoid "trapezoid" 4,
    IsoAngles "iso_angles" 3, IsoSides "iso_sides" 3,
    Collinear "collinear" 3, LengthSum "length_sum" 3,
    Concyclic "concyclic" 4, Centre "centre" 4, OnCircle "on_circle" 4, CentreOfChords "centre_of_chords" 5,
    EqualArcs "equal_arcs" 4, EqualChords "equal_chords" 4,
    PerpSquares "perp_squares" 4, SquaresPerp "squares_perp" 4,
    RatioM "ratio_m" 4, RatioM2 "ratio_m2" 4, RatioL "ratio_l" 4, RatioS "ratio_s" 4,
    FlatRatio "flat_ratio" 6, Stewart "stewart" 4,
    BisectorRatio "bisector_ratio" 4, RatioBisector "ratio_bisector" 4,
    Intercept "intercept" 6, InterceptPara "intercept_para" 6,
    Menelaus "menelaus" 6, MenelausLine "menelaus_line" 6, Ceva "ceva" 7, CevaLine "ceva_line" 7,
    Isogonal "isogonal" 5, FootMidline "foot_midline" 5, TwoFeet "two_feet" 5,
    LawOfSines "law_of_sines" 3, SineEqual "sine_equal" 6, SineAngle "sine_angle" 6, SineRatio "sine_ratio" 8,
    Sine30 "sine_30" 3, Sine45 "sine_45" 3, Sine60 "sine_60" 3, Sine90 "sine_90" 3,
    SameLl "same_ll" 5, SameLa "same_la" 6, SameLo "same_lo" 5, SameLr "same_lr" 6, SameAa "same_aa" 7,
    SameAo "same_ao" 6, SameAr "same_ar" 7, SameOo "same_oo" 5, SameOr "same_or" 6, SameRr "same_rr" 7,
}

impl Rule {
    /// The rule for two points on loci of two kinds, given in the order `l`, `a`, `o`, `r`.
    pub fn same(first: u8, second: u8) -> Option<Rule> {
        use Rule::*;
        let all = [
            SameLl, SameLa, SameLo, SameLr, SameAa, SameAo, SameAr, SameOo, SameOr, SameRr,
        ];
        all.into_iter()
            .find(|r| r.name().as_bytes()[5..] == [first, second])
    }
}

/// Premises and conclusions of one instance.
pub struct Instance {
    /// Rows that must be known.
    pub premises: Vec<Row>,
    /// Rows that follow.
    pub conclusions: Vec<Row>,
}

/// +1 if the two triangles are drawn with the same orientation, -1 if mirrored, `None` if one is flat.
pub fn orientation(f: &Figure, p: &[Pt]) -> Option<i64> {
    if f.flat(p[0], p[1], p[2]) || f.flat(p[3], p[4], p[5]) {
        return None;
    }
    Some(if f.turn(p[0], p[1], p[2]) * f.turn(p[3], p[4], p[5]) > 0.0 {
        1
    } else {
        -1
    })
}

/// Position of `b` on the line `ac` as a signed ratio ab : ac read off the figure.
pub fn along(f: &Figure, a: Pt, b: Pt, c: Pt) -> f64 {
    let (u, v) = (f.vec(a, b), f.vec(a, c));
    (u[0] * v[0] + u[1] * v[1]) / (v[0] * v[0] + v[1] * v[1])
}

/// 0, 1, 2: which of the three collinear points lies between the others.
pub fn middle(f: &Figure, a: Pt, b: Pt, c: Pt) -> usize {
    if along(f, a, b, c) < 0.0 {
        0
    } else if along(f, a, b, c) < 1.0 {
        1
    } else {
        2
    }
}

/// Premises and conclusions of `rule` at the points `p` (with number `q` where a rule takes one);
/// `None` if the configuration does not fit or a row is false on the figure.
pub fn instance(f: &Figure, rule: Rule, p: &[Pt], q: Frac) -> Option<Instance> {
    if p.len() < rule.points() {
        return None;
    }
    let zero = Frac::zero();
    let one = Frac::one();
    let half = Frac::new(1, 2);
    // angle at vertex i of the first triangle = angle at the same vertex of the second, up to orientation
    let angle = |s: i64, i: usize| -> Option<Row> {
        let (j, k) = ((i + 1) % 3, (i + 2) % 3);
        let t: [Term; 4] = [
            (p[i], p[k], 1),
            (p[i], p[j], -1),
            (p[3 + i], p[3 + k], -s),
            (p[3 + i], p[3 + j], s),
        ];
        dir_row(f, &t, zero)
    };
    // side ij : side jk equal in both triangles
    let ratio = |i: usize, j: usize, k: usize, l: usize| -> Option<Row> {
        let t: [Term; 4] = [
            (p[i], p[j], 1),
            (p[k], p[l], -1),
            (p[3 + i], p[3 + j], -1),
            (p[3 + k], p[3 + l], 1),
        ];
        log_row(f, &t, one, one)
    };
    let nonflat = |a: Pt, b: Pt, c: Pt| -> Option<()> { (!f.flat(a, b, c)).then_some(()) };
    let crossing = |a: Pt, b: Pt, c: Pt, d: Pt| -> Option<()> {
        ((f.theta(a, b) - f.theta(c, d)).sin().abs() > crate::figure::FLAT).then_some(())
    };
    let out = |premises: Vec<Row>, conclusions: Vec<Row>| {
        Some(Instance {
            premises,
            conclusions,
        })
    };
    match rule {
        Rule::SimAa => {
            let s = orientation(f, p)?;
            out(
                vec![angle(s, 0)?, angle(s, 1)?],
                vec![ratio(0, 1, 1, 2)?, ratio(1, 2, 2, 0)?, angle(s, 2)?],
            )
        }
        Rule::SimSss => {
            let s = orientation(f, p)?;
            out(
                vec![ratio(0, 1, 1, 2)?, ratio(1, 2, 2, 0)?],
                vec![angle(s, 0)?, angle(s, 1)?, angle(s, 2)?],
            )
        }
        Rule::SimSas => {
            let s = orientation(f, p)?;
            out(
                vec![angle(s, 0)?, ratio(0, 1, 0, 2)?],
                vec![angle(s, 1)?, angle(s, 2)?, ratio(0, 1, 1, 2)?],
            )
        }
        Rule::SimSsa => {
            // the angle at 0, its opposite side 12, and a side 01 not longer than it
            let s = orientation(f, p)?;
            let longer = |a: Pt, b: Pt, c: Pt| f.dist(b, c) > f.dist(a, b) * (1.0 + 1e-7);
            if !longer(p[0], p[1], p[2]) || !longer(p[3], p[4], p[5]) {
                return None;
            }
            out(
                vec![angle(s, 0)?, ratio(0, 1, 1, 2)?],
                vec![angle(s, 1)?, angle(s, 2)?, ratio(0, 2, 1, 2)?],
            )
        }
        Rule::SsaOther => {
            // the same data, but the triangles are drawn differently: then the angles at 2 add up to pi
            let s = orientation(f, p)?;
            if angle(s, 2).is_some() {
                return None;
            }
            let t = [
                (p[2], p[1], 1),
                (p[2], p[0], -1),
                (p[5], p[4], s),
                (p[5], p[3], -s),
            ];
            out(
                vec![angle(s, 0)?, ratio(0, 1, 1, 2)?],
                vec![dir_row(f, &t, zero)?],
            )
        }
        Rule::Trapezoid => {
            // ab parallel to cd, ad = bc, not a parallelogram: the four points are on a circle
            let [a, b, c, d] = [p[0], p[1], p[2], p[3]];
            crossing(a, d, b, c)?;
            nonflat(a, b, c)?;
            let parallel = dir_row(f, &[(a, b, 1), (c, d, -1)], zero)?;
            out(vec![parallel, cong(f, a, d, b, c)?], vec![cyclic(f, a, b, c, d)?])
        }
        Rule::IsoAngles | Rule::IsoSides => {
            let [a, b, c] = [p[0], p[1], p[2]];
            nonflat(a, b, c)?;
            let sides = cong(f, a, b, a, c)?;
            let angles = dir_row(f, &[(b, c, 2), (a, b, -1), (a, c, -1)], zero)?;
            if rule == Rule::IsoAngles {
                out(vec![sides], vec![angles])
            } else {
                out(vec![angles], vec![sides])
            }
        }
        Rule::Collinear => {
            let [a, b, c] = [p[0], p[1], p[2]];
            let on_line = coll(f, a, b, c)?;
            let m = middle(f, a, b, c);
            let (x, y, z) = [(b, a, c), (a, b, c), (a, c, b)][m];
            let sum = sum_row(f, Tab::L, &[(x, y, one), (y, z, one), (x, z, -one)])?;
            out(vec![on_line], vec![coll(f, b, a, c)?, sum])
        }
        Rule::LengthSum => {
            // ab + bc = ac puts b on the segment ac
            let [a, b, c] = [p[0], p[1], p[2]];
            let sum = sum_row(f, Tab::L, &[(a, b, one), (b, c, one), (a, c, -one)])?;
            out(vec![sum], vec![coll(f, a, b, c)?, coll(f, b, a, c)?])
        }
        Rule::Concyclic => {
            let [a, b, c, x] = [p[0], p[1], p[2], p[3]];
            nonflat(a, b, c)?;
            nonflat(a, b, x)?;
            let other = dir_row(f, &[(a, b, 1), (c, x, 1), (a, c, -1), (b, x, -1)], zero)?;
            out(vec![cyclic(f, a, b, c, x)?], vec![other])
        }
        Rule::Centre | Rule::OnCircle => {
            // tangent at a (perpendicular to oa) against ab = angle at c over ab
            let [o, a, b, c] = [p[0], p[1], p[2], p[3]];
            let t = [(a, b, 1), (o, a, -1), (c, b, -1), (c, a, 1)];
            let tangent = dir_row(f, &t, half)?;
            let (ab, ac) = (cong(f, o, a, o, b)?, cong(f, o, a, o, c)?);
            if rule == Rule::Centre {
                out(vec![ab, ac], vec![tangent])
            } else {
                nonflat(a, b, c)?;
                out(vec![ab, tangent], vec![ac])
            }
        }
        Rule::CentreOfChords => {
            let [o, a, b, c, d] = [p[0], p[1], p[2], p[3], p[4]];
            crossing(a, b, c, d)?;
            nonflat(a, b, c)?;
            nonflat(a, b, d)?;
            out(
                vec![cyclic(f, a, b, c, d)?, cong(f, o, a, o, b)?, cong(f, o, c, o, d)?],
                vec![cong(f, o, a, o, c)?],
            )
        }
        Rule::EqualArcs | Rule::EqualChords => {
            let [a, b, c, d] = [p[0], p[1], p[2], p[3]];
            nonflat(a, b, c)?;
            nonflat(a, b, d)?;
            let on = cyclic(f, a, b, c, d)?;
            let seen = |s: i64| dir_row(f, &[(c, b, 1), (c, a, -1), (a, d, -s), (a, c, s)], zero);
            let angles = seen(1).or_else(|| seen(-1))?;
            let chords = cong(f, a, b, c, d)?;
            // equal chords are seen under equal or supplementary angles: right angles do not tell which
            let (u, v) = (f.vec(c, a), f.vec(c, b));
            let cosine = (u[0] * v[0] + u[1] * v[1]) / (f.dist(c, a) * f.dist(c, b));
            if rule == Rule::EqualChords && cosine.abs() < 1e-6 {
                return None;
            }
            if rule == Rule::EqualArcs {
                out(vec![on, angles], vec![chords])
            } else {
                out(vec![on, chords], vec![angles])
            }
        }
        Rule::PerpSquares | Rule::SquaresPerp => {
            let [a, b, c, d] = [p[0], p[1], p[2], p[3]];
            let perp = dir_row(f, &[(a, b, 1), (c, d, -1)], half)?;
            let mut terms = Vec::new();
            for (x, y, k) in [(a, c, one), (a, d, -one), (b, c, -one), (b, d, one)] {
                if x != y {
                    terms.push((x, y, k));
                }
            }
            let squares = sum_row(f, Tab::S, &terms)?;
            if rule == Rule::PerpSquares {
                out(vec![perp], vec![squares])
            } else {
                out(vec![squares], vec![perp])
            }
        }
        Rule::RatioM | Rule::RatioM2 | Rule::RatioL | Rule::RatioS => {
            // |ab| = q |cd|, said of logarithms, lengths or squares; of squares and half logarithms with q squared
            let [a, b, c, d] = [p[0], p[1], p[2], p[3]];
            let squared = matches!(rule, Rule::RatioM2 | Rule::RatioS);
            let (root, power) = if squared { (half, q) } else { (one, q * q) };
            let m = log_row(f, &[(a, b, 1), (c, d, -1)], q, root);
            let s = sum_row(f, Tab::S, &[(a, b, one), (c, d, -power)])?;
            let l = sum_row(f, Tab::L, &[(a, b, one), (c, d, -q)]).filter(|_| !squared);
            match rule {
                Rule::RatioM => out(vec![m?], vec![l?, s]),
                Rule::RatioM2 => out(vec![m?], vec![s]),
                Rule::RatioL => out(vec![l?], m.into_iter().chain([s]).collect()),
                _ => out(vec![s], vec![m?]),
            }
        }
        Rule::FlatRatio => {
            let both = [coll(f, p[0], p[1], p[2])?, coll(f, p[3], p[4], p[5])?];
            if middle(f, p[0], p[1], p[2]) != middle(f, p[3], p[4], p[5]) {
                return None;
            }
            let mut premises = both.to_vec();
            premises.push(ratio(0, 1, 0, 2)?);
            out(premises, vec![ratio(0, 1, 1, 2)?])
        }
        Rule::Stewart => {
            // b between a and c with ab = q ac; any x
            let [a, b, c, x] = [p[0], p[1], p[2], p[3]];
            if middle(f, a, b, c) != 1 || !q.is_positive() {
                return None;
            }
            let ratio = log_row(f, &[(a, b, 1), (a, c, -1)], q, one)?;
            let mut terms = vec![(a, c, q * (one - q))];
            for (y, k) in [(b, one), (a, q - one), (c, -q)] {
                if x != y {
                    terms.push((x, y, k));
                }
            }
            out(vec![coll(f, a, b, c)?, ratio], vec![sum_row(f, Tab::S, &terms)?])
        }
        Rule::BisectorRatio | Rule::RatioBisector => {
            let [a, b, d, c] = [p[0], p[1], p[2], p[3]];
            nonflat(a, b, c)?;
            let on = coll(f, b, d, c)?;
            let bisects = dir_row(f, &[(a, d, 2), (a, b, -1), (a, c, -1)], zero)?;
            let ratio = log_row(f, &[(d, b, 1), (d, c, -1), (a, b, -1), (a, c, 1)], one, one)?;
            if rule == Rule::BisectorRatio {
                out(vec![on, bisects], vec![ratio])
            } else {
                out(vec![on, ratio], vec![bisects])
            }
        }
        Rule::Intercept | Rule::InterceptPara => {
            let [a, b, c, d, e, g] = [p[0], p[1], p[2], p[3], p[4], p[5]];
            let mut premises = vec![coll(f, a, b, c)?, coll(f, d, e, g)?];
            nonflat(a, b, d)?;
            crossing(a, d, d, e)?;
            let outer = dir_row(f, &[(a, d, 1), (c, g, -1)], zero)?;
            let inner = dir_row(f, &[(a, d, 1), (b, e, -1)], zero)?;
            let first = ratio(0, 1, 0, 2)?;
            if rule == Rule::Intercept {
                premises.extend([outer, inner]);
                out(premises, vec![first, ratio(0, 1, 1, 2)?])
            } else {
                if middle(f, a, b, c) != middle(f, d, e, g) {
                    return None;
                }
                premises.extend([outer, first]);
                out(premises, vec![inner])
            }
        }
        Rule::Menelaus | Rule::MenelausLine => {
            let [a, b, c, d, e, g] = [p[0], p[1], p[2], p[3], p[4], p[5]];
            nonflat(a, b, c)?;
            let mut premises = sides(f, a, b, c, d, e, g)?;
            let product = product(f, a, b, c, d, e, g)?;
            let line = coll(f, d, e, g)?;
            if rule == Rule::Menelaus {
                premises.push(line);
                out(premises, vec![product])
            } else {
                premises.push(product);
                out(premises, vec![line])
            }
        }
        Rule::Ceva | Rule::CevaLine => {
            let [a, b, c, d, e, g, x] = [p[0], p[1], p[2], p[3], p[4], p[5], p[6]];
            nonflat(a, b, c)?;
            crossing(b, e, c, g)?;
            let mut premises = sides(f, a, b, c, d, e, g)?;
            let product = product(f, a, b, c, d, e, g)?;
            premises.extend([coll(f, b, x, e)?, coll(f, c, x, g)?]);
            let third = coll(f, a, x, d)?;
            if rule == Rule::Ceva {
                premises.push(third);
                out(premises, vec![product])
            } else {
                premises.push(product);
                out(premises, vec![third])
            }
        }
        Rule::Isogonal => {
            let [a, b, c, x, y] = [p[0], p[1], p[2], p[3], p[4]];
            nonflat(a, b, c)?;
            nonflat(a, b, x)?;
            nonflat(a, b, y)?;
            let at = |v: Pt, s: Pt, t: Pt| dir_row(f, &[(v, x, 1), (v, y, 1), (v, s, -1), (v, t, -1)], zero);
            out(vec![at(a, b, c)?, at(b, c, a)?], vec![at(c, a, b)?])
        }
        Rule::FootMidline => {
            // c is the foot of a on the bisector of abd, e the midpoint of ad
            let [a, b, c, d, e] = [p[0], p[1], p[2], p[3], p[4]];
            nonflat(a, b, d)?;
            let bisects = dir_row(f, &[(b, c, 2), (b, a, -1), (b, d, -1)], zero)?;
            let foot = dir_row(f, &[(c, a, 1), (c, b, -1)], half)?;
            let premises = vec![bisects, foot, coll(f, e, a, d)?, cong(f, e, a, e, d)?];
            out(premises, vec![dir_row(f, &[(c, e, 1), (b, d, -1)], zero)?])
        }
        Rule::TwoFeet => {
            // the feet d, e of c on the bisectors at b and a
            let [a, b, c, d, e] = [p[0], p[1], p[2], p[3], p[4]];
            nonflat(a, b, c)?;
            let premises = vec![
                dir_row(f, &[(b, d, 2), (b, a, -1), (b, c, -1)], zero)?,
                dir_row(f, &[(d, b, 1), (d, c, -1)], half)?,
                dir_row(f, &[(a, e, 2), (a, b, -1), (a, c, -1)], zero)?,
                dir_row(f, &[(e, a, 1), (e, c, -1)], half)?,
            ];
            out(premises, vec![dir_row(f, &[(d, e, 1), (a, b, -1)], zero)?])
        }
        Rule::LawOfSines
        | Rule::SineEqual
        | Rule::SineAngle
        | Rule::SineRatio
        | Rule::Sine30
        | Rule::Sine45
        | Rule::Sine60
        | Rule::Sine90 => sine_instance(f, rule, p),
        _ => same_instance(f, rule, p),
    }
}

/// Circumcentre coordinates.
pub fn circumcentre(f: &Figure, a: Pt, b: Pt, c: Pt) -> [f64; 2] {
    let p = f.xy[a as usize];
    let (u, v) = (f.vec(a, b), f.vec(a, c));
    let d = 2.0 * (u[0] * v[1] - u[1] * v[0]);
    let (uu, vv) = (u[0] * u[0] + u[1] * u[1], v[0] * v[0] + v[1] * v[1]);
    [
        p[0] + (v[1] * uu - u[1] * vv) / d,
        p[1] + (u[0] * vv - v[0] * uu) / d,
    ]
}

/// d on bc, e on ca, g on ab.
fn sides(f: &Figure, a: Pt, b: Pt, c: Pt, d: Pt, e: Pt, g: Pt) -> Option<Vec<Row>> {
    Some(vec![coll(f, b, d, c)?, coll(f, c, e, a)?, coll(f, a, g, b)?])
}

/// bd/dc * ce/ea * ag/gb = 1.
fn product(f: &Figure, a: Pt, b: Pt, c: Pt, d: Pt, e: Pt, g: Pt) -> Option<Row> {
    let t = [
        (b, d, 1),
        (d, c, -1),
        (c, e, 1),
        (e, a, -1),
        (a, g, 1),
        (g, b, -1),
    ];
    log_row(f, &t, Frac::one(), Frac::one())
}
