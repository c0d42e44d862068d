//! Predicates: the atoms of hypotheses, goals and diagram checks.

use num_rational::Ratio;
use std::fmt::Write as _;

/// Dense point id inside one problem.
pub type Pt = u8;
/// A small exact rational (user input is bounded, see [`parse_number`]).
pub type Frac = Ratio<i64>;

/// The most points one problem may have, auxiliary points included.
pub const MAX_POINTS: usize = 60;

/// What an [`Atom`] says. Directed angles are taken modulo pi.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // the names are documented, with their arity, in `docs/geometry.md`
pub enum Pred {
    Coll,
    Cyclic,
    Circle,
    Para,
    Perp,
    EqAngle,
    AConst,
    SAngle,
    Cong,
    EqRatio,
    RConst,
    R2Const,
    LConst,
    L2Const,
    AngEq,
    DistMEq,
    DistSEq,
    SqSEq,
    Midp,
    SimTri,
    SimTriR,
    ConTri,
    ConTriR,
    Same,
    ACompute,
    RCompute,
    NColl,
    NPara,
    NPerp,
    Diff,
    SameClock,
    SameSide,
    NSameSide,
    Between,
    Obtuse,
    Opposite,
    Together,
}

/// How many points and numbers a predicate takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arity {
    /// Exactly so many points, so many numbers.
    Exact(usize, usize),
    /// At least so many points, no number.
    AtLeast(usize),
    /// Pairs of points, then one coefficient a pair.
    Linear,
    /// Pairs of points, then one coefficient a pair and one constant.
    LinearConst,
}

/// `(name, predicate, arity)`; the first name of a predicate is the one it is printed with.
pub const PREDICATES: &[(&str, Pred, Arity)] = &[
    ("coll", Pred::Coll, Arity::AtLeast(3)),
    ("cyclic", Pred::Cyclic, Arity::AtLeast(4)),
    ("circle", Pred::Circle, Arity::AtLeast(4)),
    ("para", Pred::Para, Arity::Exact(4, 0)),
    ("perp", Pred::Perp, Arity::Exact(4, 0)),
    ("eqangle", Pred::EqAngle, Arity::Exact(8, 0)),
    ("aconst", Pred::AConst, Arity::Exact(4, 1)),
    ("s_angle", Pred::SAngle, Arity::Exact(3, 1)),
    ("cong", Pred::Cong, Arity::Exact(4, 0)),
    ("eqratio", Pred::EqRatio, Arity::Exact(8, 0)),
    ("rconst", Pred::RConst, Arity::Exact(4, 1)),
    ("r2const", Pred::R2Const, Arity::Exact(4, 1)),
    ("lconst", Pred::LConst, Arity::Exact(2, 1)),
    ("l2const", Pred::L2Const, Arity::Exact(2, 1)),
    ("angeq", Pred::AngEq, Arity::LinearConst),
    ("distmeq", Pred::DistMEq, Arity::LinearConst),
    ("distseq", Pred::DistSEq, Arity::Linear),
    ("sqseq", Pred::SqSEq, Arity::Linear),
    ("midp", Pred::Midp, Arity::Exact(3, 0)),
    ("simtri", Pred::SimTri, Arity::Exact(6, 0)),
    ("simtrir", Pred::SimTriR, Arity::Exact(6, 0)),
    ("contri", Pred::ConTri, Arity::Exact(6, 0)),
    ("contrir", Pred::ConTriR, Arity::Exact(6, 0)),
    ("overlap", Pred::Same, Arity::Exact(2, 0)),
    ("acompute", Pred::ACompute, Arity::Exact(4, 0)),
    ("rcompute", Pred::RCompute, Arity::Exact(4, 0)),
    ("ncoll", Pred::NColl, Arity::AtLeast(3)),
    ("npara", Pred::NPara, Arity::Exact(4, 0)),
    ("nperp", Pred::NPerp, Arity::Exact(4, 0)),
    ("diff", Pred::Diff, Arity::Exact(2, 0)),
    ("sameclock", Pred::SameClock, Arity::Exact(6, 0)),
    ("sameside", Pred::SameSide, Arity::Exact(6, 0)),
    ("nsameside", Pred::NSameSide, Arity::Exact(6, 0)),
    ("between", Pred::Between, Arity::Exact(3, 0)),
    ("obtuse_angle", Pred::Obtuse, Arity::Exact(3, 0)),
    ("opposite", Pred::Opposite, Arity::Exact(4, 0)),
    ("together", Pred::Together, Arity::Exact(4, 0)),
    // other names in use for the same things
    ("cyclic_with_centers", Pred::Circle, Arity::AtLeast(4)),
    ("equal_angles", Pred::EqAngle, Arity::Exact(6, 0)),
    ("same", Pred::Same, Arity::Exact(2, 0)),
];

impl Pred {
    /// The name it is printed with.
    pub fn name(self) -> &'static str {
        PREDICATES
            .iter()
            .find(|(_, p, _)| *p == self)
            .map_or("?", |(n, _, _)| n)
    }

    /// True for checks of the drawing (order, side, difference): read off the figure, never proved.
    pub fn is_diagram_check(self) -> bool {
        use Pred::*;
        matches!(
            self,
            NColl
                | NPara
                | NPerp
                | Diff
                | SameClock
                | SameSide
                | NSameSide
                | Between
                | Obtuse
                | Opposite
                | Together
        )
    }
}

/// One predicate with its points (ids) and numbers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Atom {
    /// What it says.
    pub pred: Pred,
    /// Points, in the predicate's order.
    pub pts: Vec<Pt>,
    /// Numbers: an angle in units of pi, a ratio, a length, or the coefficients of a linear relation.
    pub nums: Vec<Frac>,
}

impl Atom {
    /// An atom without numbers.
    pub fn new(pred: Pred, pts: &[Pt]) -> Self {
        Atom {
            pred,
            pts: pts.to_vec(),
            nums: Vec::new(),
        }
    }

    /// Prints the atom with the given point names, as the readers take it.
    pub fn show(&self, names: &[String]) -> String {
        let mut s = self.pred.name().to_string();
        for &p in &self.pts {
            let _ = write!(s, " {}", names.get(p as usize).map_or("?", |n| n.as_str()));
        }
        for (i, q) in self.nums.iter().enumerate() {
            let angle = matches!(self.pred, Pred::AConst | Pred::SAngle)
                || (self.pred == Pred::AngEq && i + 1 == self.nums.len());
            let _ = if angle {
                write!(s, " {}pi/{}", q.numer(), q.denom())
            } else {
                write!(s, " {}/{}", q.numer(), q.denom())
            };
        }
        s
    }
}

/// Reads a number: `3`, `-1/2`, `60o` (degrees), `5pi/9`, `1.25`.
/// The second value says whether the text named an angle (then the value is in units of pi).
/// `None` if malformed or out of bounds (numerator and denominator at most 10^6).
pub fn parse_number(text: &str) -> Option<(Frac, bool)> {
    let bounded =
        |n: i64, d: i64| (d != 0 && n.abs() <= 1_000_000 && d.abs() <= 1_000_000).then(|| Frac::new(n, d));
    if let Some(deg) = text.strip_suffix('o') {
        return Some((parse_plain(deg)? / Frac::from_integer(180), true));
    }
    if let Some((a, b)) = text.split_once("pi") {
        let n = match a {
            "" => 1,
            "-" => -1,
            _ => a.parse::<i64>().ok()?,
        };
        let d = if b.is_empty() {
            1
        } else {
            b.strip_prefix('/')?.parse::<i64>().ok()?
        };
        return Some((bounded(n, d)?, true));
    }
    Some((parse_plain(text)?, false))
}

fn parse_plain(text: &str) -> Option<Frac> {
    if text.len() > 24 {
        return None;
    }
    let bounded =
        |n: i64, d: i64| (d != 0 && n.abs() <= 1_000_000 && d.abs() <= 1_000_000).then(|| Frac::new(n, d));
    if let Some((a, b)) = text.split_once('/') {
        return bounded(a.parse().ok()?, b.parse().ok()?);
    }
    if let Some((a, b)) = text.split_once('.') {
        if b.is_empty() || b.len() > 6 || !b.bytes().all(|c| c.is_ascii_digit()) {
            return None;
        }
        let scale = 10i64.pow(b.len() as u32);
        let digits = format!("{a}{b}").parse::<i64>().ok()?;
        if digits.abs() > 1_000_000_000_000 {
            return None;
        }
        let f = Frac::new(digits, scale);
        return bounded(*f.numer(), *f.denom());
    }
    bounded(text.parse().ok()?, 1)
}
