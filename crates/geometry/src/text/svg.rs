//! The figure as SVG.

use super::words::point;
use crate::proof::certificate::Certificate;
use std::fmt::Write as _;

/// Side of the square picture in pixels.
const SIZE: f64 = 560.0;
const BORDER: f64 = 40.0;

/// What is drawn: points with names, segments, circles.
pub struct Scene {
    names: Vec<String>,
    given: usize,
    at: Vec<[f64; 2]>,
    segments: Vec<(usize, usize)>,
    circles: Vec<([f64; 2], f64)>,
}

/// A group drawn over the figure that can be shown and hidden.
pub struct Overlay {
    /// Element id.
    pub id: String,
    /// Highlighted points, by name.
    pub points: Vec<String>,
    /// Highlighted segments, by the names of their ends.
    pub segments: Vec<(String, String)>,
}

/// Escapes text for XML.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

impl Scene {
    /// A scene of points, with the lines and circles the predicates speak of.
    pub fn new(names: &[String], given: usize, xy: &[[f64; 2]], predicates: &[String]) -> Scene {
        let mut s = Scene {
            names: names.to_vec(),
            given,
            at: to_screen(xy),
            segments: Vec::new(),
            circles: Vec::new(),
        };
        for text in predicates {
            s.read(text);
        }
        s
    }

    /// The scene of a certificate's first figure.
    pub fn of(c: &Certificate) -> Scene {
        let mut all = c.header.hypotheses.clone();
        all.extend(c.auxiliary.iter().flat_map(|a| a.facts.clone()));
        all.extend(c.header.goals.clone());
        let empty = Vec::new();
        let xy = c.header.figures.first().unwrap_or(&empty);
        Scene::new(&c.header.points, c.header.given_points, xy, &all)
    }

    fn id(&self, name: &str) -> Option<usize> {
        self.names
            .iter()
            .position(|n| n == name)
            .filter(|i| *i < self.at.len())
    }

    fn read(&mut self, text: &str) {
        let words: Vec<&str> = text.split_whitespace().collect();
        let Some((name, args)) = words.split_first() else {
            return;
        };
        let ids: Vec<usize> = args.iter().filter_map(|a| self.id(a)).collect();
        match *name {
            "coll" | "midp" if ids.len() >= 3 => {
                // the two points farthest apart
                let mut best = (ids[0], ids[1], -1.0);
                for (i, &a) in ids.iter().enumerate() {
                    for &b in &ids[..i] {
                        let d = self.dist(a, b);
                        if d > best.2 {
                            best = (a, b, d);
                        }
                    }
                }
                self.segment(best.0, best.1);
            }
            "cyclic" if ids.len() >= 3 => {
                if let Some((o, r)) = self.circumcircle(ids[0], ids[1], ids[2]) {
                    self.circle(o, r);
                }
            }
            "circle" if ids.len() >= 2 => {
                let r = self.dist(ids[0], ids[1]);
                self.circle(self.at[ids[0]], r);
            }
            "cong" if ids.len() == 4 => {
                // equal distances from one point: a circle
                if ids[0] == ids[2] {
                    let r = self.dist(ids[0], ids[1]);
                    self.circle(self.at[ids[0]], r);
                } else {
                    ids.chunks(2).for_each(|p| self.segment(p[0], p[1]));
                }
            }
            "para" | "perp" | "eqangle" | "eqratio" | "aconst" | "rconst" | "lconst" => {
                ids.chunks_exact(2).for_each(|p| self.segment(p[0], p[1]));
            }
            "s_angle" | "simtri" | "simtrir" | "contri" | "contrir" => {
                for t in ids.chunks_exact(3) {
                    self.segment(t[0], t[1]);
                    self.segment(t[1], t[2]);
                }
            }
            _ => {}
        }
    }

    fn dist(&self, a: usize, b: usize) -> f64 {
        (self.at[a][0] - self.at[b][0]).hypot(self.at[a][1] - self.at[b][1])
    }

    fn segment(&mut self, a: usize, b: usize) {
        let s = (a.min(b), a.max(b));
        if a != b && !self.segments.contains(&s) {
            self.segments.push(s);
        }
    }

    fn circle(&mut self, o: [f64; 2], r: f64) {
        let known = self
            .circles
            .iter()
            .any(|c| (c.0[0] - o[0]).hypot(c.0[1] - o[1]) < 0.5 && (c.1 - r).abs() < 0.5);
        if !known && r > 1.0 && r < 20.0 * SIZE {
            self.circles.push((o, r));
        }
    }

    fn circumcircle(&self, a: usize, b: usize, c: usize) -> Option<([f64; 2], f64)> {
        let p = self.at[a];
        let u = [self.at[b][0] - p[0], self.at[b][1] - p[1]];
        let v = [self.at[c][0] - p[0], self.at[c][1] - p[1]];
        let d = 2.0 * (u[0] * v[1] - u[1] * v[0]);
        if d.abs() < 1e-6 {
            return None;
        }
        let (uu, vv) = (u[0] * u[0] + u[1] * u[1], v[0] * v[0] + v[1] * v[1]);
        let o = [(v[1] * uu - u[1] * vv) / d, (u[0] * vv - v[0] * uu) / d];
        Some(([p[0] + o[0], p[1] + o[1]], o[0].hypot(o[1])))
    }

    /// The picture. `overlays` are named groups of points and segments to show and hide (class `step`).
    pub fn svg(&self, overlays: &[Overlay]) -> String {
        let mut o = String::new();
        let _ = write!(
            o,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {SIZE} {SIZE}\" role=\"img\" \
             aria-label=\"figure\"><style>.l{{stroke:#667;stroke-width:1;fill:none}}.c{{stroke:#89b;stroke-width:1;\
             fill:none}}.p{{fill:#112}}.a{{fill:#c30}}text{{font:italic 15px serif;fill:#112}}\
             .hl{{stroke:#d60;stroke-width:3;fill:none;stroke-linecap:round}}.hp{{fill:#d60}}</style>"
        );
        for (c, r) in &self.circles {
            let _ = write!(
                o,
                "<circle class=\"c\" cx=\"{:.2}\" cy=\"{:.2}\" r=\"{r:.2}\"/>",
                c[0], c[1]
            );
        }
        for &(a, b) in &self.segments {
            self.line(&mut o, "l", a, b);
        }
        for Overlay { id, points, segments } in overlays {
            let _ = write!(o, "<g class=\"step\" id=\"{}\">", escape(id));
            for (a, b) in segments {
                if let (Some(a), Some(b)) = (self.id(a), self.id(b)) {
                    self.line(&mut o, "hl", a, b);
                }
            }
            for p in points.iter().filter_map(|p| self.id(p)) {
                let _ = write!(
                    o,
                    "<circle class=\"hp\" cx=\"{:.2}\" cy=\"{:.2}\" r=\"6\"/>",
                    self.at[p][0], self.at[p][1]
                );
            }
            o.push_str("</g>");
        }
        let n = self.at.len() as f64;
        let centre = self
            .at
            .iter()
            .fold([0.0, 0.0], |c, p| [c[0] + p[0] / n, c[1] + p[1] / n]);
        for (i, p) in self.at.iter().enumerate() {
            let class = if i < self.given { "p" } else { "a" };
            let _ = write!(
                o,
                "<circle class=\"{class}\" cx=\"{:.2}\" cy=\"{:.2}\" r=\"3.2\"/>",
                p[0], p[1]
            );
            let d = [p[0] - centre[0], p[1] - centre[1]];
            let r = d[0].hypot(d[1]).max(1.0);
            let (x, y) = (p[0] + 14.0 * d[0] / r - 5.0, p[1] + 14.0 * d[1] / r + 5.0);
            let _ = write!(
                o,
                "<text x=\"{x:.2}\" y=\"{y:.2}\">{}</text>",
                escape(&point(&self.names[i]))
            );
        }
        o.push_str("</svg>");
        o
    }

    fn line(&self, o: &mut String, class: &str, a: usize, b: usize) {
        let (p, q) = (self.at[a], self.at[b]);
        let _ = write!(
            o,
            "<line class=\"{class}\" x1=\"{:.2}\" y1=\"{:.2}\" x2=\"{:.2}\" y2=\"{:.2}\"/>",
            p[0], p[1], q[0], q[1]
        );
    }
}

/// Fits the points into the picture, y upwards.
fn to_screen(xy: &[[f64; 2]]) -> Vec<[f64; 2]> {
    let fold = |k: usize, f: fn(f64, f64) -> f64, start: f64| xy.iter().map(|p| p[k]).fold(start, f);
    let (x0, x1) = (
        fold(0, f64::min, f64::INFINITY),
        fold(0, f64::max, f64::NEG_INFINITY),
    );
    let (y0, y1) = (
        fold(1, f64::min, f64::INFINITY),
        fold(1, f64::max, f64::NEG_INFINITY),
    );
    let span = (x1 - x0).max(y1 - y0).max(1e-9);
    let k = (SIZE - 2.0 * BORDER) / span;
    let (ox, oy) = ((SIZE - k * (x1 - x0)) / 2.0, (SIZE - k * (y1 - y0)) / 2.0);
    xy.iter()
        .map(|p| [ox + k * (p[0] - x0), SIZE - oy - k * (p[1] - y0)])
        .collect()
}
