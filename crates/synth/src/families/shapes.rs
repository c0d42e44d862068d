//! Perimeters, areas, volumes, angles.

use crate::facts;
use crate::families::{Simple, say};
use crate::item::{Item, ReadFacts, Steps};
use crate::rational::{self, Rat, int};
use crate::rng::Rng;

pub(crate) const FAMILIES: &[Simple] = &[
    Simple {
        name: "area-perimeter",
        about: "rectangles, squares, triangles, L-shapes",
        generate: plane,
        resolve: plane_again,
    },
    Simple {
        name: "volume",
        about: "boxes and cubes: volume, surface, edges",
        generate: volume,
        resolve: volume_again,
    },
    Simple {
        name: "angles",
        about: "angles of triangles, quadrilaterals, lines and polygons",
        generate: angles,
        resolve: angles_again,
    },
];

fn plane(rng: &mut Rng, difficulty: u8) -> Item {
    let top = [10, 20, 40, 60, 100][difficulty.clamp(1, 5) as usize - 1];
    let (a, b) = (rng.range(2, top), rng.range(2, top));
    let unit = *rng.pick(&["centimeters", "meters", "inches", "feet"]);
    let kind = if difficulty >= 3 {
        rng.below(7)
    } else {
        rng.below(5)
    };
    let fills = |x: i64, y: i64| {
        [
            ("a", a.to_string()),
            ("b", b.to_string()),
            ("u", unit.to_owned()),
            ("x", x.to_string()),
            ("y", y.to_string()),
        ]
    };
    let mut steps = Steps::new();
    let (mut c, mut d) = (0, 0);
    let (question, value, needed) = match kind {
        0 => (
            say(
                rng,
                &[
                    "What is the area of a rectangle with sides of {a} and {b} {u}, in square {u}?",
                    "A rectangle is {a} {u} long and {b} {u} wide. What is its area in square {u}?",
                ],
                &fills(0, 0),
            ),
            steps.calc("Area", format!("{a}*{b}")),
            vec![a, b],
        ),
        1 => {
            let half = steps.calc("Two sides", format!("{a}+{b}"));
            (
                say(
                    rng,
                    &[
                        "What is the perimeter of a rectangle with sides of {a} and {b} {u}, in {u}?",
                        "A rectangular frame measures {a} by {b} {u}. How long is its perimeter in {u}?",
                    ],
                    &fills(0, 0),
                ),
                steps.calc("Perimeter", format!("{}*2", rational::show(half))),
                vec![a, b],
            )
        }
        2 => {
            let x = steps.calc("Base times height", format!("{a}*{b}"));
            (
                say(
                    rng,
                    &[
                        "A triangle has a base of {a} {u} and a height of {b} {u}. What is its area in square {u}?",
                        "Find the area, in square {u}, of a triangle with base {a} {u} and height {b} {u}.",
                    ],
                    &fills(0, 0),
                ),
                steps.calc("Area", format!("{}/2", rational::show(x))),
                vec![a, b],
            )
        }
        3 => (
            say(
                rng,
                &[
                    "A rectangle has an area of {x} square {u} and one side of {a} {u}. How long is the other side, in {u}?",
                    "The area of a rectangle is {x} square {u}. It is {a} {u} long. How wide is it, in {u}?",
                ],
                &fills(a * b, 0),
            ),
            steps.calc("Other side", format!("{}/{a}", a * b)),
            vec![a, a * b],
        ),
        4 => {
            let square = rng.chance(50);
            c = i64::from(square);
            if square {
                (
                    say(
                        rng,
                        &[
                            "What is the area of a square with a side of {a} {u}, in square {u}?",
                            "Each side of a square is {a} {u} long. What is its area in square {u}?",
                        ],
                        &fills(0, 0),
                    ),
                    steps.calc("Area", format!("{a}*{a}")),
                    vec![a],
                )
            } else {
                (
                    say(
                        rng,
                        &["What is the perimeter of a square with a side of {a} {u}, in {u}?"],
                        &fills(0, 0),
                    ),
                    steps.calc("Perimeter", format!("{a}*4")),
                    vec![a],
                )
            }
        }
        5 => {
            let p = 2 * (a + b);
            let half = steps.calc("Two sides", format!("{p}/2"));
            (
                say(
                    rng,
                    &[
                        "The perimeter of a rectangle is {x} {u} and its length is {a} {u}. How wide is it, in {u}?",
                    ],
                    &fills(p, 0),
                ),
                steps.calc("Width", format!("{}-{a}", rational::show(half))),
                vec![a, p],
            )
        }
        _ => {
            // A rectangle with a corner cut out.
            (c, d) = (rng.range(1, a - 1), rng.range(1, b - 1));
            let x = steps.calc("Whole rectangle", format!("{a}*{b}"));
            let y = steps.calc("Corner", format!("{c}*{d}"));
            (
                say(
                    rng,
                    &[
                        "From a rectangle of {a} by {b} {u}, a corner of {x} by {y} {u} is cut out. What area is left, in square {u}?",
                        "A plot measures {a} by {b} {u}. A shed in it takes up {x} by {y} {u}. How many square {u} are free?",
                    ],
                    &fills(c, d),
                ),
                steps.calc(
                    "Area left",
                    format!("{}-{}", rational::show(x), rational::show(y)),
                ),
                vec![a, b, c, d],
            )
        }
    };
    Item::number(
        "area-perimeter",
        question,
        steps,
        value,
        facts! { "a" => a, "b" => b, "c" => c, "d" => d, "kind" => kind },
    )
    .needing(needed)
}

fn plane_again(item: &Item) -> Option<String> {
    // Areas by counting unit squares row by row, lengths by walking around, unknown sides by search.
    let f = &item.facts;
    let (a, b, c, d) = (f.int("a")?, f.int("b")?, f.int("c")?, f.int("d")?);
    let squares = |w: i64, h: i64| (0..h).map(|_| w).sum::<i64>();
    let around = |sides: &[i64]| sides.iter().sum::<i64>();
    let value = match f.int("kind")? {
        0 => int(squares(a, b)),
        1 => int(around(&[a, b, a, b])),
        2 => Rat::new(squares(a, b).into(), 2),
        3 => int((1..=a * b).find(|x| squares(a, *x) == a * b)?),
        4 if c == 1 => int(squares(a, a)),
        4 => int(around(&[a, a, a, a])),
        5 => int((1..=2 * (a + b)).find(|x| around(&[a, *x, a, *x]) == 2 * (a + b))?),
        _ => int((0..b).map(|row| if row < d { a - c } else { a }).sum()),
    };
    Some(rational::show(value))
}

fn volume(rng: &mut Rng, difficulty: u8) -> Item {
    let top = [5, 8, 12, 20, 30][difficulty.clamp(1, 5) as usize - 1];
    let (a, b, c) = (rng.range(2, top), rng.range(2, top), rng.range(2, top));
    let kind = if difficulty >= 2 {
        rng.below(4)
    } else {
        rng.below(2)
    };
    let fills = [
        ("a", a.to_string()),
        ("b", b.to_string()),
        ("c", c.to_string()),
        ("v", (a * b * c).to_string()),
    ];
    let mut steps = Steps::new();
    let (question, value, needed) = match kind {
        0 => {
            let base = steps.calc("Base", format!("{a}*{b}"));
            (
                say(
                    rng,
                    &[
                        "A box is {a} cm long, {b} cm wide and {c} cm high. What is its volume in cubic centimeters?",
                        "What is the volume of a rectangular box with edges of {a}, {b} and {c} meters, in cubic meters?",
                    ],
                    &fills,
                ),
                steps.calc("Volume", format!("{}*{c}", rational::show(base))),
                vec![a, b, c],
            )
        }
        1 => {
            let face = steps.calc("One face", format!("{a}*{a}"));
            (
                say(
                    rng,
                    &[
                        "What is the volume of a cube with edges of {a} cm, in cubic centimeters?",
                        "A cube has edges of {a} meters. Find its volume in cubic meters.",
                    ],
                    &fills,
                ),
                steps.calc("Volume", format!("{}*{a}", rational::show(face))),
                vec![a],
            )
        }
        2 => {
            let face = steps.calc("One face", format!("{a}*{a}"));
            (
                say(
                    rng,
                    &["What is the surface area of a cube with edges of {a} cm, in square centimeters?"],
                    &fills,
                ),
                steps.calc("Surface", format!("{}*6", rational::show(face))),
                vec![a],
            )
        }
        _ => {
            let base = steps.calc("Base", format!("{a}*{b}"));
            (
                say(
                    rng,
                    &[
                        "A box with a base of {a} by {b} cm has a volume of {v} cubic centimeters. How high is it, in centimeters?",
                    ],
                    &fills,
                ),
                steps.calc("Height", format!("{}/{}", a * b * c, rational::show(base))),
                vec![a, b, a * b * c],
            )
        }
    };
    Item::number(
        "volume",
        question,
        steps,
        value,
        facts! { "a" => a, "b" => b, "c" => c, "kind" => kind },
    )
    .needing(needed)
}

fn volume_again(item: &Item) -> Option<String> {
    // Layer by layer.
    let f = &item.facts;
    let (a, b, c) = (f.int("a")?, f.int("b")?, f.int("c")?);
    let layers = |w: i64, l: i64, h: i64| (0..h).flat_map(|_| (0..l).map(|_| w)).sum::<i64>();
    Some(
        match f.int("kind")? {
            0 => layers(a, b, c),
            1 => layers(a, a, a),
            2 => [a, a, a, a, a, a].iter().map(|s| s * s).sum(),
            _ => (1..=a * b * c).find(|h| layers(a, b, *h) == layers(a, b, c))?,
        }
        .to_string(),
    )
}

fn angles(rng: &mut Rng, difficulty: u8) -> Item {
    let unit = [10, 5, 1, 1, 1][difficulty.clamp(1, 5) as usize - 1];
    let kind = if difficulty >= 3 {
        rng.below(4)
    } else {
        rng.below(2)
    };
    let mut steps = Steps::new();
    let mut known = Vec::new();
    let (question, value) = match kind {
        0 => {
            let (x, y) = (
                unit * rng.range(20 / unit, 80 / unit),
                unit * rng.range(20 / unit, 80 / unit),
            );
            known = vec![x, y];
            let s = steps.calc("Known angles", format!("{x}+{y}"));
            (
                say(
                    rng,
                    &[
                        "Two angles of a triangle measure {x} and {y} degrees. How large is the third angle, in degrees?",
                        "A triangle has angles of {x}° and {y}°. What is its third angle in degrees?",
                    ],
                    &[("x", x.to_string()), ("y", y.to_string())],
                ),
                steps.calc("Third angle", format!("180-{}", rational::show(s))),
            )
        }
        1 => {
            let x = unit * rng.range(10 / unit, 170 / unit);
            known = vec![x];
            (
                say(
                    rng,
                    &[
                        "Two angles lie on a straight line. One is {x} degrees. How many degrees is the other?",
                        "What is the supplement of an angle of {x} degrees, in degrees?",
                    ],
                    &[("x", x.to_string())],
                ),
                steps.calc("Other angle", format!("180-{x}")),
            )
        }
        2 => {
            for _ in 0..3 {
                known.push(unit * rng.range(50 / unit, 110 / unit));
            }
            let s = steps.calc("Known angles", format!("{}+{}+{}", known[0], known[1], known[2]));
            (
                say(
                    rng,
                    &[
                        "Three angles of a quadrilateral are {x}, {y} and {z} degrees. What is the fourth, in degrees?",
                    ],
                    &[
                        ("x", known[0].to_string()),
                        ("y", known[1].to_string()),
                        ("z", known[2].to_string()),
                    ],
                ),
                steps.calc("Fourth angle", format!("360-{}", rational::show(s))),
            )
        }
        _ => {
            let n = *rng.pick(&[5, 6, 8, 9, 10, 12, 15, 18, 20]);
            known = vec![n];
            let t = steps.calc("Triangles", format!("{n}-2"));
            (
                say(
                    rng,
                    &[
                        "What is the sum of the interior angles of a polygon with {n} sides, in degrees?",
                        "A polygon has {n} sides. What do its interior angles add up to, in degrees?",
                    ],
                    &[("n", n.to_string())],
                ),
                steps.calc("Sum of angles", format!("{}*180", rational::show(t))),
            )
        }
    };
    Item::number(
        "angles",
        question,
        steps,
        value,
        facts! { "known" => known, "kind" => kind },
    )
    .needing(known)
}

fn angles_again(item: &Item) -> Option<String> {
    let known = item.facts.ints("known")?;
    let sum: i64 = known.iter().sum();
    Some(
        match item.facts.int("kind")? {
            0 | 1 => (1..180).find(|x| x + sum == 180)?,
            2 => (1..360).find(|x| x + sum == 360)?,
            // Every side has 180 degrees with its exterior angle, and exterior angles add up to 360.
            _ => 180 * known[0] - 360,
        }
        .to_string(),
    )
}
