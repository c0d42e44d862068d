//! Points on conics, and where two conics meet, over a field.

use super::equation::{Conic, at_point};
use super::field::Field;

/// A place.
pub(super) type Place = [u64; 2];

/// Where a line (first) and a conic meet: at most two places, none where a square root is missing.
fn line_conic(f: Field, l: &Conic, q: &Conic) -> Vec<Place> {
    let [c, a, b, ..] = *l;
    let minus = |x: u64| f.sub(0, x);
    let start = if a != 0 {
        [f.div(minus(c), a), 0]
    } else {
        [0, f.div(minus(c), b)]
    };
    let direction = [minus(b), a];
    let at = |t: u64| {
        [
            f.add(start[0], f.mul(t, direction[0])),
            f.add(start[1], f.mul(t, direction[1])),
        ]
    };
    let [v0, v1, v2] = [0, 1, 2].map(|t| at_point(f, q, at(t)));
    let square = f.div(f.add(f.sub(v2, f.add(v1, v1)), v0), 2);
    let linear = f.sub(f.sub(v1, v0), square);
    roots(f, square, linear, v0).into_iter().map(at).collect()
}

/// Solutions of `a t^2 + b t + c = 0` in the field.
fn roots(f: Field, a: u64, b: u64, c: u64) -> Vec<u64> {
    let minus = |x: u64| f.sub(0, x);
    if a == 0 {
        return if b == 0 { vec![] } else { vec![f.div(minus(c), b)] };
    }
    let four = f.mul(4, f.mul(a, c));
    match f.root(f.sub(f.mul(b, b), four)) {
        None => vec![],
        Some(0) => vec![f.div(minus(b), f.add(a, a))],
        Some(r) => [r, minus(r)].map(|r| f.div(f.sub(r, b), f.add(a, a))).to_vec(),
    }
}

fn is_line(q: &Conic) -> bool {
    q[3..] == [0; 3]
}

fn is_circle(q: &Conic) -> bool {
    q[3] == q[5] && q[3] != 0 && q[4] == 0
}

/// The two lines a degenerate conic consists of: `None` if it does not, empty if they are not in the field.
fn lines(f: Field, q: &Conic) -> Option<Vec<Conic>> {
    let [c, dx, dy, a, b, e] = *q;
    let minus = |x: u64| f.sub(0, x);
    let det = f.sub(f.mul(4, f.mul(a, e)), f.mul(b, b));
    if is_line(q) || det == 0 {
        return None;
    }
    // the centre, where both derivatives vanish
    let x = f.div(f.sub(f.mul(b, dy), f.mul(2, f.mul(e, dx))), det);
    let y = f.div(f.sub(f.mul(b, dx), f.mul(2, f.mul(a, dy))), det);
    if at_point(f, &[c, dx, dy, a, b, e], [x, y]) != 0 {
        return None;
    }
    let directions: Vec<Place> = if a == 0 {
        vec![[1, 0], [minus(e), b]]
    } else {
        roots(f, a, b, e).into_iter().map(|u| [u, 1]).collect()
    };
    let through = |[u, v]: Place| {
        let constant = f.sub(f.mul(u, y), f.mul(v, x));
        [constant, v, minus(u), 0, 0, 0]
    };
    Some(directions.into_iter().map(through).collect())
}

/// Where two different conics meet; `None` if the pair is of a kind that is not solved here.
pub(super) fn meet(f: Field, q: &Conic, r: &Conic) -> Option<Vec<Place>> {
    for (s, t) in [(q, r), (r, q)] {
        if let Some(parts) = lines(f, s) {
            let all = parts.iter().map(|l| meet(f, l, t)).collect::<Option<Vec<_>>>()?;
            return Some(all.concat());
        }
    }
    match (is_line(q), is_line(r)) {
        (true, true) => {
            let det = f.sub(f.mul(q[1], r[2]), f.mul(q[2], r[1]));
            if det == 0 {
                return None;
            }
            let x = f.sub(f.mul(q[2], r[0]), f.mul(q[0], r[2]));
            let y = f.sub(f.mul(q[0], r[1]), f.mul(q[1], r[0]));
            Some(vec![[f.div(x, det), f.div(y, det)]])
        }
        (true, false) => Some(line_conic(f, q, r)),
        (false, true) => Some(line_conic(f, r, q)),
        _ if is_circle(q) && is_circle(r) => {
            let (s, t) = (q[3], r[3]);
            let mut axis = [0; 6];
            (0..3).for_each(|i| axis[i] = f.sub(f.mul(t, q[i]), f.mul(s, r[i])));
            (axis[1] != 0 || axis[2] != 0).then(|| line_conic(f, &axis, q))
        }
        _ => None,
    }
}

/// A random place on a conic; `None` if a square root is missing.
pub(super) fn on(f: Field, q: &Conic, random: &mut dyn FnMut() -> u64) -> Option<Place> {
    let secant = [random(), random(), 1, 0, 0, 0];
    let all = meet(f, &secant, q)?;
    let i = random() as usize % all.len().max(1);
    all.get(i).copied()
}

#[cfg(test)]
mod tests {
    use super::super::field::PRIMES;
    use super::*;

    #[test]
    fn circles_meet_where_they_do() {
        let f = Field::new(PRIMES[0]);
        let minus = |x: u64| f.sub(0, x);
        // x^2 + y^2 = 25 and (x - 6)^2 + y^2 = 25: (3, 4), (3, -4)
        let a = [minus(25), 0, 0, 1, 0, 1];
        let b = [11, minus(12), 0, 1, 0, 1];
        let mut both = meet(f, &a, &b).expect("circles");
        both.sort_unstable();
        assert_eq!(both, vec![[3, 4], [3, minus(4)]]);
        // (x - y)(x + y - 2): with the line y = 5
        let pair = [0, minus(2), 2, 1, 0, minus(1)];
        let mut both = meet(f, &pair, &[minus(5), 0, 1, 0, 0, 0]).expect("lines");
        both.sort_unstable();
        assert_eq!(both, vec![[5, 5], [minus(3), 5]]);
    }
}
