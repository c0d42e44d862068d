//! Line charts as SVG text.

use std::fmt::Write;

/// x, y, and the interval of y if there is one.
pub type Point = (f64, f64, Option<(f64, f64)>);

/// One line of a chart.
#[derive(Clone, Debug, Default)]
pub struct Line {
    /// Its name in the legend.
    pub name: String,
    /// Its points, in the order of x.
    pub points: Vec<Point>,
    /// Drawn as bare points and dashed between them.
    pub dashed: bool,
}

/// A chart.
#[derive(Clone, Debug, Default)]
pub struct Chart {
    /// What it shows.
    pub title: String,
    /// What goes to the right.
    pub x: String,
    /// What goes up; values from 0 to 1 are written as percentages.
    pub y: String,
    /// Whether x grows by factors.
    pub log: bool,
    /// The lines.
    pub lines: Vec<Line>,
}

const COLOURS: [&str; 8] = [
    "#c2185b", "#1565c0", "#2e7d32", "#ef6c00", "#6a1b9a", "#00838f", "#5d4037", "#616161",
];
const WIDTH: f64 = 560.0;
const HEIGHT: f64 = 340.0;
const LEFT: f64 = 56.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 30.0;
const BOTTOM: f64 = 46.0;

/// Text that may stand in HTML and SVG.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

impl Chart {
    /// The chart as an `<svg>` element, with its legend below.
    pub fn svg(&self) -> String {
        let all = || self.lines.iter().flat_map(|l| &l.points);
        let xs: Vec<f64> = all().map(|p| self.scale(p.0)).filter(|x| x.is_finite()).collect();
        if xs.is_empty() {
            return String::new();
        }
        let (mut x0, mut x1) = xs
            .iter()
            .fold((f64::MAX, f64::MIN), |(a, b), x| (a.min(*x), b.max(*x)));
        if x1 - x0 < 1e-9 {
            (x0, x1) = (x0 - 0.5, x1 + 0.5);
        }
        let top = all().map(|p| p.2.map_or(p.1, |i| i.1)).fold(0.0f64, f64::max);
        let step = nice(top.max(1e-6) / 4.0);
        let y1 = (top / step).ceil().max(1.0) * step;
        let px = |x: f64| LEFT + (self.scale(x) - x0) / (x1 - x0) * (WIDTH - LEFT - RIGHT);
        let py = |y: f64| TOP + (1.0 - y / y1) * (HEIGHT - TOP - BOTTOM);
        let rows = self.lines.len().div_ceil(2) as f64;
        let mut out = String::new();
        let _ = write!(
            out,
            r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {}" font-family="system-ui,sans-serif" font-size="12" role="img" aria-label="{}"><text x="{LEFT}" y="16" font-weight="600">{}</text>"##,
            HEIGHT + 18.0 * rows,
            escape(&self.title),
            escape(&self.title)
        );
        let mut y = 0.0;
        while y <= y1 + step / 2.0 {
            let at = py(y);
            let label = if y1 <= 1.0 + 1e-9 {
                format!("{:.0} %", 100.0 * y)
            } else {
                short(y)
            };
            let _ = write!(
                out,
                r##"<line x1="{LEFT}" x2="{}" y1="{at:.1}" y2="{at:.1}" stroke="#ddd"/><text x="{}" y="{:.1}" text-anchor="end" fill="#555">{label}</text>"##,
                WIDTH - RIGHT,
                LEFT - 6.0,
                at + 4.0
            );
            y += step;
        }
        for x in self.ticks(x0, x1) {
            let _ = write!(
                out,
                r##"<text x="{:.1}" y="{:.1}" text-anchor="middle" fill="#555">{}</text>"##,
                px(x),
                HEIGHT - BOTTOM + 16.0,
                short(x)
            );
        }
        let _ = write!(
            out,
            r##"<text x="{:.1}" y="{:.1}" text-anchor="middle">{}</text><text transform="translate(12 {:.1}) rotate(-90)" text-anchor="middle">{}</text>"##,
            (LEFT + WIDTH - RIGHT) / 2.0,
            HEIGHT - 10.0,
            escape(&self.x),
            (TOP + HEIGHT - BOTTOM) / 2.0,
            escape(&self.y)
        );
        for (i, line) in self.lines.iter().enumerate() {
            let colour = COLOURS[i % COLOURS.len()];
            let points: Vec<String> = line
                .points
                .iter()
                .map(|p| format!("{:.1},{:.1}", px(p.0), py(p.1)))
                .collect();
            let dash = if line.dashed {
                r#" stroke-dasharray="4 3""#
            } else {
                ""
            };
            let _ = write!(
                out,
                r##"<polyline points="{}" fill="none" stroke="{colour}" stroke-width="2"{dash}/>"##,
                points.join(" ")
            );
            for p in &line.points {
                let (x, y) = (px(p.0), py(p.1));
                if let Some((low, high)) = p.2 {
                    let _ = write!(
                        out,
                        r##"<line x1="{x:.1}" x2="{x:.1}" y1="{:.1}" y2="{:.1}" stroke="{colour}" stroke-opacity="0.45"/>"##,
                        py(low),
                        py(high)
                    );
                }
                let _ = write!(
                    out,
                    r##"<circle cx="{x:.1}" cy="{y:.1}" r="3" fill="{colour}"><title>{}: {} → {:.1} %</title></circle>"##,
                    escape(&line.name),
                    short(p.0),
                    100.0 * p.1
                );
            }
            let (lx, ly) = (
                LEFT + (i % 2) as f64 * 250.0,
                HEIGHT + 4.0 + 18.0 * (i / 2) as f64,
            );
            let _ = write!(
                out,
                r##"<rect x="{lx}" y="{:.1}" width="12" height="4" fill="{colour}"/><text x="{}" y="{:.1}">{}</text>"##,
                ly,
                lx + 18.0,
                ly + 7.0,
                escape(&line.name)
            );
        }
        out.push_str("</svg>");
        out
    }

    fn scale(&self, x: f64) -> f64 {
        if self.log { x.max(1e-9).log10() } else { x }
    }

    fn ticks(&self, x0: f64, x1: f64) -> Vec<f64> {
        if self.log {
            let mut ticks = Vec::new();
            let mut decade = 10f64.powf(x0.floor());
            while decade.log10() <= x1 + 1e-9 {
                let factors: &[f64] = if x1 - x0 > 2.5 { &[1.0] } else { &[1.0, 2.0, 5.0] };
                ticks.extend(
                    factors
                        .iter()
                        .map(|f| f * decade)
                        .filter(|t| (x0 - 1e-9..=x1 + 1e-9).contains(&t.log10())),
                );
                decade *= 10.0;
            }
            return ticks;
        }
        let step = nice((x1 - x0) / 5.0);
        let first = (x0 / step).ceil() as i64;
        let last = (x1 / step + 1e-9).floor() as i64;
        (first..=last).map(|i| i as f64 * step).collect()
    }
}

/// 1, 2 or 5 times a power of ten, not below `x`.
fn nice(x: f64) -> f64 {
    let power = 10f64.powf(x.log10().floor());
    [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|m| m * power)
        .find(|s| *s >= x * 0.999)
        .unwrap_or(power * 10.0)
}

fn short(x: f64) -> String {
    match x {
        x if x >= 1e6 => format!("{}M", x / 1e6),
        x if x >= 1e4 => format!("{}k", x / 1e3),
        x if x.fract().abs() < 1e-9 => format!("{x:.0}"),
        x => format!("{}", (x * 100.0).round() / 100.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round_numbers() {
        assert_eq!([nice(0.03), nice(0.2), nice(7.0)], [0.05, 0.2, 10.0]);
        assert_eq!([short(20_000.0), short(0.125)], ["20k", "0.13"]);
    }

    #[test]
    fn a_chart_is_one_svg_element_and_names_are_escaped() {
        let chart = Chart {
            title: "a < b".into(),
            log: true,
            lines: vec![Line {
                name: "<script>".into(),
                points: vec![(10.0, 0.1, Some((0.05, 0.2))), (1000.0, 0.4, None)],
                dashed: false,
            }],
            ..Chart::default()
        };
        let svg = chart.svg();
        assert!(svg.starts_with("<svg") && svg.ends_with("</svg>") && !svg.contains("<script>"));
        assert_eq!(svg.matches("<circle").count(), 2);
        assert_eq!(Chart::default().svg(), "");
    }
}
