//! Constructions of one point from existing ones: coordinates on any figure, defining facts, words.
//!
//! Every kind asserts exactly its two defining equations, never an observed coincidence.

use crate::figure::Figure;
use crate::lang::atom::{Atom, Pred, Pt};

type Xy = [f64; 2];

/// A construction with its arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Make {
    /// Line ab with line cd.
    LineLine([Pt; 4]),
    /// Line pa again with the circle p q r.
    LineCircle([Pt; 4]),
    /// Line pa again with the circle about o through p: `[p, a, o]`.
    LineCentre([Pt; 3]),
    /// Circles p a b and p c d again.
    CircleCircle([Pt; 5]),
    /// Circle p a b again with the circle about o through p: `[p, a, b, o]`.
    CircleCentre([Pt; 4]),
    /// Foot of p on ab.
    Foot([Pt; 3]),
    /// Reflection of p in ab.
    Reflect([Pt; 3]),
    /// Reflection of p in a.
    Mirror([Pt; 2]),
    /// Midpoint of ab.
    Midpoint([Pt; 2]),
    /// Circumcentre of abc.
    Circumcentre([Pt; 3]),
    /// Orthocentre of abc.
    Orthocentre([Pt; 3]),
    /// Incentre of abc.
    Incentre([Pt; 3]),
    /// Excentre of abc opposite a.
    Excentre([Pt; 3]),
    /// The fourth vertex x of the parallelogram a b c x.
    Parallelogram([Pt; 3]),
    /// Bisector at a of abc with bc (internal).
    BisectorFoot([Pt; 3]),
    /// Midpoint of the arc bc of circle abc; `true`: the arc without a.
    ArcMidpoint([Pt; 3], bool),
    /// Antipode of a on circle abc.
    Antipode([Pt; 3]),
    /// Parallel to ab through p with line cd: `[p, a, b, c, d]`.
    ParallelLine([Pt; 5]),
    /// Perpendicular to ab through p with line cd.
    PerpLine([Pt; 5]),
    /// Parallel to ab through p, again with circle p q r: `[p, a, b, q, r]`.
    ParallelCircle([Pt; 5]),
    /// Perpendicular to ab through p, again with circle p q r.
    PerpCircle([Pt; 5]),
    /// Tangent at a to circle abc with line de: `[a, b, c, d, e]`.
    TangentLine([Pt; 5]),
    /// Tangents at b and c to the circle about o: `[o, b, c]`.
    Pole([Pt; 3]),
    /// Inverse of p in the circle about o through r: `[p, o, r]`.
    Inverse([Pt; 3]),
    /// Isogonal conjugate of p in abc: `[p, a, b, c]`.
    Isogonal([Pt; 4]),
    /// On the line ab at distance cd from a; `true`: on the side of b.
    Transfer([Pt; 4], bool),
}

fn sub(a: Xy, b: Xy) -> Xy {
    [a[0] - b[0], a[1] - b[1]]
}
fn add(a: Xy, b: Xy) -> Xy {
    [a[0] + b[0], a[1] + b[1]]
}
fn scale(a: Xy, k: f64) -> Xy {
    [a[0] * k, a[1] * k]
}
fn dot(a: Xy, b: Xy) -> f64 {
    a[0] * b[0] + a[1] * b[1]
}
fn cross(a: Xy, b: Xy) -> f64 {
    a[0] * b[1] - a[1] * b[0]
}
fn turn(a: Xy) -> Xy {
    [-a[1], a[0]]
}

/// Intersection of the lines `p + s u` and `q + t v`.
fn meet(p: Xy, u: Xy, q: Xy, v: Xy) -> Option<Xy> {
    let d = cross(u, v);
    if d.abs() < 1e-7 * dot(u, u).sqrt() * dot(v, v).sqrt() {
        return None;
    }
    Some(add(p, scale(u, cross(sub(q, p), v) / d)))
}

fn centre(a: Xy, b: Xy, c: Xy) -> Option<Xy> {
    let mid = |p: Xy, q: Xy| scale(add(p, q), 0.5);
    meet(mid(a, b), turn(sub(b, a)), mid(a, c), turn(sub(c, a)))
}

/// Second intersection of the line through `p` along `u` with the circle about `o` through `p`.
fn again(p: Xy, u: Xy, o: Xy) -> Option<Xy> {
    let uu = dot(u, u);
    let t = 2.0 * dot(sub(o, p), u) / uu;
    (t.abs() * uu.sqrt() > 1e-6).then(|| add(p, scale(u, t)))
}

fn reflect(p: Xy, a: Xy, b: Xy) -> Xy {
    let u = sub(b, a);
    let f = add(a, scale(u, dot(sub(p, a), u) / dot(u, u)));
    sub(scale(f, 2.0), p)
}

fn unit(a: Xy) -> Xy {
    scale(a, 1.0 / dot(a, a).sqrt())
}

impl Make {
    /// Where the point is on the figure; `None` if the construction fails there.
    pub fn at(&self, f: &Figure) -> Option<Xy> {
        let p = |i: Pt| f.xy[i as usize];
        let x = match *self {
            Make::LineLine([a, b, c, d]) => meet(p(a), sub(p(b), p(a)), p(c), sub(p(d), p(c)))?,
            Make::LineCircle([s, a, q, r]) => again(p(s), sub(p(a), p(s)), centre(p(s), p(q), p(r))?)?,
            Make::LineCentre([s, a, o]) => again(p(s), sub(p(a), p(s)), p(o))?,
            Make::CircleCircle([s, a, b, c, d]) => {
                let (o, w) = (centre(p(s), p(a), p(b))?, centre(p(s), p(c), p(d))?);
                apart(o, w)?;
                reflect(p(s), o, w)
            }
            Make::CircleCentre([s, a, b, o]) => {
                let w = centre(p(s), p(a), p(b))?;
                apart(p(o), w)?;
                reflect(p(s), p(o), w)
            }
            Make::Foot([s, a, b]) => scale(add(p(s), reflect(p(s), p(a), p(b))), 0.5),
            Make::Reflect([s, a, b]) => reflect(p(s), p(a), p(b)),
            Make::Mirror([s, a]) => sub(scale(p(a), 2.0), p(s)),
            Make::Midpoint([a, b]) => scale(add(p(a), p(b)), 0.5),
            Make::Circumcentre([a, b, c]) => centre(p(a), p(b), p(c))?,
            Make::Orthocentre([a, b, c]) => meet(p(a), turn(sub(p(c), p(b))), p(b), turn(sub(p(c), p(a))))?,
            Make::Incentre([a, b, c]) | Make::Excentre([a, b, c]) => {
                let (la, lb, lc) = (f.dist(b, c), f.dist(c, a), f.dist(a, b));
                let la = if matches!(self, Make::Excentre(_)) {
                    -la
                } else {
                    la
                };
                let s = la + lb + lc;
                scale(
                    add(add(scale(p(a), la), scale(p(b), lb)), scale(p(c), lc)),
                    1.0 / s,
                )
            }
            Make::Parallelogram([a, b, c]) => sub(add(p(a), p(c)), p(b)),
            Make::BisectorFoot([a, b, c]) => {
                let u = add(unit(sub(p(b), p(a))), unit(sub(p(c), p(a))));
                meet(p(a), u, p(b), sub(p(c), p(b)))?
            }
            Make::ArcMidpoint([a, b, c], far) => {
                let o = centre(p(a), p(b), p(c))?;
                let r = sub(p(a), o);
                let n = scale(unit(turn(sub(p(c), p(b)))), dot(r, r).sqrt());
                let side = |x: Xy| cross(sub(p(c), p(b)), sub(x, p(b)));
                let (x, y) = (add(o, n), sub(o, n));
                if (side(x) * side(p(a)) < 0.0) == far { x } else { y }
            }
            Make::Antipode([a, b, c]) => sub(scale(centre(p(a), p(b), p(c))?, 2.0), p(a)),
            Make::ParallelLine([s, a, b, c, d]) => meet(p(s), sub(p(b), p(a)), p(c), sub(p(d), p(c)))?,
            Make::PerpLine([s, a, b, c, d]) => meet(p(s), turn(sub(p(b), p(a))), p(c), sub(p(d), p(c)))?,
            Make::ParallelCircle([s, a, b, q, r]) => again(p(s), sub(p(b), p(a)), centre(p(s), p(q), p(r))?)?,
            Make::PerpCircle([s, a, b, q, r]) => {
                again(p(s), turn(sub(p(b), p(a))), centre(p(s), p(q), p(r))?)?
            }
            Make::TangentLine([a, b, c, d, e]) => {
                let o = centre(p(a), p(b), p(c))?;
                meet(p(a), turn(sub(p(a), o)), p(d), sub(p(e), p(d)))?
            }
            Make::Pole([o, b, c]) => meet(p(b), turn(sub(p(b), p(o))), p(c), turn(sub(p(c), p(o))))?,
            Make::Inverse([s, o, r]) => {
                let u = sub(p(s), p(o));
                add(p(o), scale(u, f.dist(o, r).powi(2) / dot(u, u)))
            }
            Make::Isogonal([s, a, b, c]) => {
                // reflect as in the bisector of the angle at each vertex
                let line = |v: Pt, y: Pt, z: Pt| {
                    let bis = add(unit(sub(p(y), p(v))), unit(sub(p(z), p(v))));
                    sub(reflect(p(s), p(v), add(p(v), bis)), p(v))
                };
                meet(p(a), line(a, b, c), p(b), line(b, c, a))?
            }
            Make::Transfer([a, b, c, d], toward) => {
                let u = scale(unit(sub(p(b), p(a))), f.dist(c, d));
                if toward { add(p(a), u) } else { sub(p(a), u) }
            }
        };
        let r = dot(x, x).sqrt();
        (r.is_finite() && r < 30.0).then_some(x)
    }

    /// The defining facts of the point `x`.
    pub fn facts(&self, x: Pt) -> Vec<Atom> {
        let a = |pred: Pred, p: &[Pt]| Atom::new(pred, p);
        use Pred::{Coll, Cong, Cyclic, EqAngle, EqRatio, Midp, Para, Perp};
        let bisect = |v: Pt, y: Pt, z: Pt| a(EqAngle, &[v, y, v, x, v, x, v, z]);
        match *self {
            Make::LineLine([p, q, r, s]) => vec![a(Coll, &[x, p, q]), a(Coll, &[x, r, s])],
            Make::LineCircle([p, l, q, r]) => vec![a(Coll, &[x, p, l]), a(Cyclic, &[p, q, r, x])],
            Make::LineCentre([p, l, o]) => vec![a(Coll, &[x, p, l]), a(Cong, &[o, x, o, p])],
            Make::CircleCircle([p, q, r, s, t]) => {
                vec![a(Cyclic, &[p, q, r, x]), a(Cyclic, &[p, s, t, x])]
            }
            Make::CircleCentre([p, q, r, o]) => vec![a(Cyclic, &[p, q, r, x]), a(Cong, &[o, x, o, p])],
            Make::Foot([p, q, r]) => vec![a(Coll, &[x, q, r]), a(Perp, &[p, x, q, r])],
            Make::Reflect([p, q, r]) => vec![a(Cong, &[q, x, q, p]), a(Cong, &[r, x, r, p])],
            Make::Mirror([p, q]) => vec![a(Midp, &[q, p, x])],
            Make::Midpoint([p, q]) => vec![a(Midp, &[x, p, q])],
            Make::Circumcentre([p, q, r]) => vec![a(Cong, &[x, p, x, q]), a(Cong, &[x, p, x, r])],
            Make::Orthocentre([p, q, r]) => vec![a(Perp, &[x, p, q, r]), a(Perp, &[x, q, r, p])],
            Make::Incentre([p, q, r]) | Make::Excentre([p, q, r]) => vec![bisect(p, q, r), bisect(q, r, p)],
            Make::Parallelogram([p, q, r]) => vec![a(Para, &[x, p, q, r]), a(Para, &[x, r, p, q])],
            Make::BisectorFoot([p, q, r]) => vec![a(Coll, &[x, q, r]), bisect(p, q, r)],
            Make::ArcMidpoint([p, q, r], _) => vec![a(Cyclic, &[p, q, r, x]), a(Cong, &[x, q, x, r])],
            Make::Antipode([p, q, r]) => vec![a(Perp, &[p, q, q, x]), a(Perp, &[p, r, r, x])],
            Make::ParallelLine([p, q, r, s, t]) => vec![a(Para, &[x, p, q, r]), a(Coll, &[x, s, t])],
            Make::PerpLine([p, q, r, s, t]) => vec![a(Perp, &[x, p, q, r]), a(Coll, &[x, s, t])],
            Make::ParallelCircle([p, q, r, s, t]) => vec![a(Para, &[x, p, q, r]), a(Cyclic, &[p, s, t, x])],
            Make::PerpCircle([p, q, r, s, t]) => vec![a(Perp, &[x, p, q, r]), a(Cyclic, &[p, s, t, x])],
            Make::TangentLine([p, q, r, s, t]) => {
                vec![a(EqAngle, &[p, x, p, q, r, p, r, q]), a(Coll, &[x, s, t])]
            }
            Make::Pole([o, q, r]) => vec![a(Perp, &[o, q, q, x]), a(Perp, &[o, r, r, x])],
            Make::Inverse([p, o, r]) => vec![a(Coll, &[x, o, p]), a(EqRatio, &[o, x, o, r, o, r, o, p])],
            Make::Isogonal([p, q, r, s]) => {
                vec![
                    a(EqAngle, &[q, r, q, x, q, p, q, s]),
                    a(EqAngle, &[r, s, r, x, r, p, r, q]),
                ]
            }
            Make::Transfer([p, q, r, s], _) => vec![a(Coll, &[x, p, q]), a(Cong, &[p, x, r, s])],
        }
    }

    /// The points it is built on.
    pub fn points(&self) -> &[Pt] {
        match self {
            Make::Mirror(p) | Make::Midpoint(p) => p,
            Make::LineCentre(p)
            | Make::Foot(p)
            | Make::Reflect(p)
            | Make::Circumcentre(p)
            | Make::Orthocentre(p)
            | Make::Incentre(p)
            | Make::Excentre(p)
            | Make::Parallelogram(p)
            | Make::BisectorFoot(p)
            | Make::ArcMidpoint(p, _)
            | Make::Antipode(p)
            | Make::Pole(p)
            | Make::Inverse(p) => p,
            Make::LineLine(p)
            | Make::LineCircle(p)
            | Make::CircleCentre(p)
            | Make::Isogonal(p)
            | Make::Transfer(p, _) => p,
            Make::CircleCircle(p)
            | Make::ParallelLine(p)
            | Make::PerpLine(p)
            | Make::ParallelCircle(p)
            | Make::PerpCircle(p)
            | Make::TangentLine(p) => p,
        }
    }

    /// How often points of this kind pay off, as a prior for ranking (measured yields published for
    /// one-point proofs; line with circle first).
    pub fn prior(&self) -> f64 {
        match self {
            Make::LineCircle(_) | Make::LineCentre(_) => 3.0,
            Make::Reflect(_)
            | Make::Parallelogram(_)
            | Make::CircleCircle(_)
            | Make::CircleCentre(_)
            | Make::Mirror(_) => 1.5,
            Make::LineLine(_) | Make::Midpoint(_) | Make::Foot(_) => 1.5,
            Make::ParallelLine(_) | Make::PerpLine(_) | Make::ParallelCircle(_) | Make::PerpCircle(_) => 1.0,
            Make::Circumcentre(_) | Make::ArcMidpoint(..) | Make::Antipode(_) => 1.0,
            _ => 0.5,
        }
    }

    /// In words.
    pub fn words(&self, names: &[String]) -> String {
        let n = |p: Pt| names.get(p as usize).map_or("?", |s| s.as_str());
        match *self {
            Make::LineLine([a, b, c, d]) => {
                format!("intersection of lines {}{} and {}{}", n(a), n(b), n(c), n(d))
            }
            Make::LineCircle([p, a, q, r]) => {
                format!(
                    "second intersection of line {}{} with circle ({}{}{})",
                    n(p),
                    n(a),
                    n(p),
                    n(q),
                    n(r)
                )
            }
            Make::LineCentre([p, a, o]) => {
                format!(
                    "second intersection of line {}{} with the circle about {} through {}",
                    n(p),
                    n(a),
                    n(o),
                    n(p)
                )
            }
            Make::CircleCircle([p, a, b, c, d]) => format!(
                "second intersection of circles ({}{}{}) and ({}{}{})",
                n(p),
                n(a),
                n(b),
                n(p),
                n(c),
                n(d)
            ),
            Make::CircleCentre([p, a, b, o]) => format!(
                "second intersection of circle ({}{}{}) with the circle about {} through {}",
                n(p),
                n(a),
                n(b),
                n(o),
                n(p)
            ),
            Make::Foot([p, a, b]) => format!("foot of the perpendicular from {} to {}{}", n(p), n(a), n(b)),
            Make::Reflect([p, a, b]) => format!("reflection of {} in line {}{}", n(p), n(a), n(b)),
            Make::Mirror([p, a]) => format!("reflection of {} in {}", n(p), n(a)),
            Make::Midpoint([a, b]) => format!("midpoint of {}{}", n(a), n(b)),
            Make::Circumcentre([a, b, c]) => format!("circumcentre of {}{}{}", n(a), n(b), n(c)),
            Make::Orthocentre([a, b, c]) => format!("orthocentre of {}{}{}", n(a), n(b), n(c)),
            Make::Incentre([a, b, c]) => format!("incentre of {}{}{}", n(a), n(b), n(c)),
            Make::Excentre([a, b, c]) => format!("excentre of {}{}{} opposite {}", n(a), n(b), n(c), n(a)),
            Make::Parallelogram([a, b, c]) => {
                format!(
                    "fourth vertex of the parallelogram on {}, {}, {}",
                    n(a),
                    n(b),
                    n(c)
                )
            }
            Make::BisectorFoot([a, b, c]) => {
                format!(
                    "foot of the bisector of angle {}{}{} on {}{}",
                    n(b),
                    n(a),
                    n(c),
                    n(b),
                    n(c)
                )
            }
            Make::ArcMidpoint([a, b, c], far) => format!(
                "midpoint of the arc {}{} of circle ({}{}{}) {} {}",
                n(b),
                n(c),
                n(a),
                n(b),
                n(c),
                if far { "not containing" } else { "containing" },
                n(a)
            ),
            Make::Antipode([a, b, c]) => {
                format!("antipode of {} on circle ({}{}{})", n(a), n(a), n(b), n(c))
            }
            Make::ParallelLine([p, a, b, c, d]) => {
                format!(
                    "intersection of the parallel to {}{} through {} with {}{}",
                    n(a),
                    n(b),
                    n(p),
                    n(c),
                    n(d)
                )
            }
            Make::PerpLine([p, a, b, c, d]) => format!(
                "intersection of the perpendicular to {}{} through {} with {}{}",
                n(a),
                n(b),
                n(p),
                n(c),
                n(d)
            ),
            Make::ParallelCircle([p, a, b, q, r]) => format!(
                "second intersection of the parallel to {}{} through {} with circle ({}{}{})",
                n(a),
                n(b),
                n(p),
                n(p),
                n(q),
                n(r)
            ),
            Make::PerpCircle([p, a, b, q, r]) => format!(
                "second intersection of the perpendicular to {}{} through {} with circle ({}{}{})",
                n(a),
                n(b),
                n(p),
                n(p),
                n(q),
                n(r)
            ),
            Make::TangentLine([a, b, c, d, e]) => format!(
                "intersection of the tangent at {} to circle ({}{}{}) with {}{}",
                n(a),
                n(a),
                n(b),
                n(c),
                n(d),
                n(e)
            ),
            Make::Pole([o, b, c]) => {
                format!(
                    "intersection of the tangents at {} and {} to the circle about {}",
                    n(b),
                    n(c),
                    n(o)
                )
            }
            Make::Inverse([p, o, r]) => {
                format!(
                    "inverse of {} in the circle about {} through {}",
                    n(p),
                    n(o),
                    n(r)
                )
            }
            Make::Isogonal([p, a, b, c]) => {
                format!(
                    "isogonal conjugate of {} in triangle {}{}{}",
                    n(p),
                    n(a),
                    n(b),
                    n(c)
                )
            }
            Make::Transfer([a, b, c, d], toward) => format!(
                "point on line {}{} at distance {}{} from {}, {} {}",
                n(a),
                n(b),
                n(c),
                n(d),
                n(a),
                if toward { "towards" } else { "away from" },
                n(b)
            ),
        }
    }
}

fn apart(o: Xy, w: Xy) -> Option<()> {
    let d = sub(o, w);
    (dot(d, d) > 1e-12).then_some(())
}
