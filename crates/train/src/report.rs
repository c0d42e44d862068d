//! A run's curves as one page without scripts or outside files.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use crate::checkpoint::write_file;
use crate::error::TrainError;
use crate::run::Metrics;

const WIDE: f64 = 640.0;
const HIGH: f64 = 220.0;
const COLOURS: [&str; 2] = ["#c0392b", "#2471a3"];

/// Reads `metrics.jsonl` and writes the page.
///
/// # Errors
/// When the metrics can't be read or the page can't be written.
pub fn write(metrics: &Path, page: &Path) -> Result<(), TrainError> {
    let text = fs::read_to_string(metrics).map_err(TrainError::io(metrics))?;
    let rows: Vec<Metrics> = text
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    write_file(page, render(&rows).as_bytes())
}

/// The page.
pub fn render(rows: &[Metrics]) -> String {
    let mut html = String::from(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Training</title>\
         <style>body{font:15px sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem}svg{width:100%}\
         text{font-size:11px;fill:#555}</style><h1>Training</h1>",
    );
    if let Some(last) = rows.last() {
        let _ = write!(
            html,
            "<p>{} of {} steps, {} tokens in {:.0} minutes.</p>",
            last.step,
            last.steps,
            last.tokens,
            last.seconds / 60.0
        );
    }
    let curve = |f: &dyn Fn(&Metrics) -> Option<f64>| -> Vec<(f64, f64)> {
        rows.iter()
            .filter_map(|m| Some((m.step as f64, f(m)?)))
            .filter(|p| p.1.is_finite())
            .collect()
    };
    let loss = curve(&|m| Some(m.loss));
    let dev = curve(&|m| m.dev_loss);
    chart(
        &mut html,
        "Loss (red) and loss on held-out rows (blue)",
        &[loss, dev],
    );
    chart(
        &mut html,
        "Length of the gradient",
        &[curve(&|m| Some(f64::from(m.gradient)))],
    );
    chart(&mut html, "Learning rate", &[curve(&|m| Some(f64::from(m.rate)))]);
    chart(
        &mut html,
        "Tokens per second",
        &[curve(&|m| Some(m.tokens_per_second))],
    );
    let mut names: Vec<&String> = rows.iter().flat_map(|m| m.more.keys()).collect();
    names.sort();
    names.dedup();
    for name in names {
        chart(&mut html, name, &[curve(&|m| m.more.get(name)?.as_f64())]);
    }
    html.push_str("</html>\n");
    html
}

fn chart(html: &mut String, title: &str, curves: &[Vec<(f64, f64)>]) {
    let points = || curves.iter().flatten();
    let bounds = |f: fn(&(f64, f64)) -> f64| {
        points()
            .map(f)
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| {
                (low.min(v), high.max(v))
            })
    };
    let ((left, right), (low, high)) = (bounds(|p| p.0), bounds(|p| p.1));
    if left > right {
        return;
    }
    let place = |&(x, y): &(f64, f64)| {
        (
            50.0 + (x - left) / (right - left).max(1e-12) * (WIDE - 60.0),
            HIGH - 20.0 - (y - low) / (high - low).max(1e-12) * (HIGH - 30.0),
        )
    };
    let _ = write!(
        html,
        "<h2>{}</h2><svg viewBox=\"0 0 {WIDE} {HIGH}\">",
        escape(title)
    );
    for (curve, colour) in curves.iter().zip(COLOURS) {
        let mut path = String::new();
        for (i, point) in curve.iter().enumerate() {
            let (x, y) = place(point);
            let _ = write!(path, "{}{x:.1} {y:.1}", if i == 0 { "M" } else { "L" });
        }
        let _ = write!(
            html,
            "<path d=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.5\"/>"
        );
    }
    let _ = write!(
        html,
        "<text x=\"2\" y=\"14\">{high:.4}</text><text x=\"2\" y=\"{0}\">{low:.4}</text>\
         <text x=\"50\" y=\"{1}\">{left}</text><text x=\"{2}\" y=\"{1}\" text-anchor=\"end\">{right}</text></svg>",
        HIGH - 20.0,
        HIGH - 4.0,
        WIDE - 10.0
    );
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}
