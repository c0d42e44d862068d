//! The report: one HTML page that needs nothing else.

use std::fmt::Write;

use strawberry_core::Effort;

use crate::chart::{Chart, Line, escape};
use crate::run::Timing;
use crate::summary::{Row, Summary, TaskSummary};

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:1180px;margin:2rem auto;padding:0 1rem;color:#222}\
h1{font-size:1.6rem}h2{margin-top:2.6rem;border-top:1px solid #ddd;padding-top:1.2rem}\
table{border-collapse:collapse;font-size:13px;margin:.8rem 0}td,th{padding:.2rem .6rem;text-align:right;border-bottom:1px solid #eee}\
td:first-child,th:first-child{text-align:left}.grid{display:grid;grid-template-columns:repeat(auto-fit,minmax(420px,1fr));gap:1.2rem}\
.grid svg{width:100%;height:auto}.good{color:#2e7d32}.bad{color:#b71c1c}.note{color:#555}";

/// Strategies that are drawn; the table has all.
const DRAWN: usize = 7;

/// The page.
pub fn page(summary: &Summary, timing: &[Timing]) -> String {
    let mut out = String::new();
    let model = summary.settings["model"]["name"].as_str().unwrap_or("a model");
    let seeds = summary.settings["seeds"].as_u64().unwrap_or(1);
    let _ = write!(
        out,
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Strawberry: accuracy against compute</title><style>{STYLE}</style>\
         <h1>Accuracy against compute</h1><p>Model <b>{}</b> · {seeds} seed{} · program version {}. \
         Every sample, down to its attempts: <a href=\"samples.html\">samples.html</a>. The numbers: <code>summary.json</code>.</p>",
        escape(model),
        if seeds == 1 { "" } else { "s" },
        escape(summary.settings["program"].as_str().unwrap_or(""))
    );
    out.push_str(
        "<p class=\"note\">Intervals are 95 %: Wilson for shares, bootstrap over problems for differences. p is McNemar's exact test with \
         one seed, a sign-flip permutation test over problems with several. All budgets and all ways to choose among attempts come from \
         one pool of attempts for each problem; only strategies named <i>strategy</i> with a run of their own were sampled separately. \
         Tokens are sampled tokens of all attempts. Seconds are tokens divided by the throughput measured during this run, with many \
         problems at once on a machine that may have been busy: they show proportions, not what one question takes.</p>",
    );
    out.push_str(&verdict(summary));
    for task in &summary.tasks {
        out.push_str(&section(task, timing));
    }
    out.push_str("</html>\n");
    out
}

/// What the numbers say, win or lose.
fn verdict(summary: &Summary) -> String {
    let mut out = String::from(
        "<h2>What it says</h2><table><tr><th>task<th>problems<th>none<th>greatest budget, default<th>gain<th>p\
         <th>best rival of the default at its budget<th>rival − majority at equal tokens<th>p</tr>",
    );
    for task in &summary.tasks {
        let none = row(task, "direct", Effort::None);
        let Some(default) = greatest(task, "majority") else {
            continue;
        };
        let full = row(task, "majority of all", default.effort);
        let gain = default.against_none.as_ref();
        let rival = task
            .rows
            .iter()
            .filter(|r| {
                r.effort == default.effort && r.against_majority.is_some() && r.strategy != "majority"
            })
            .max_by(|a, b| a.accuracy.total_cmp(&b.accuracy));
        let _ = write!(
            out,
            "<tr><td>{}<td>{}<td>{}<td>{} ({})<td>{}<td>{}<td>{}<td>{}<td>{}</tr>",
            escape(&task.task),
            task.problems,
            none.map_or("–".into(), |r| percent(r.accuracy)),
            percent(default.accuracy),
            default.effort,
            gain.map_or("–".into(), |g| points(g.difference)),
            gain.map_or("–".into(), |g| p_value(g.p)),
            rival.map_or("–".into(), |r| format!(
                "{} {}",
                escape(&r.strategy),
                percent(r.accuracy)
            )),
            rival
                .and_then(|r| Some((r, full?)))
                .map_or("–".into(), |(r, f)| if r.samples == f.samples {
                    points(r.accuracy - f.accuracy)
                } else {
                    r.at_equal_tokens.map_or("–".into(), points)
                }),
            rival
                .and_then(|r| r.against_majority.as_ref())
                .map_or("–".into(), |p| p_value(p.p)),
        );
    }
    out.push_str("</table>");
    let rises: Vec<&str> = summary
        .tasks
        .iter()
        .filter(|t| {
            let gain = greatest(t, "majority").and_then(|r| r.against_none.as_ref());
            gain.is_some_and(|g| g.difference >= 0.05 && g.p < 0.01)
        })
        .map(|t| t.task.as_str())
        .collect();
    let beaten: Vec<String> = summary
        .tasks
        .iter()
        .filter_map(|t| {
            let default = greatest(t, "majority")?;
            let best = t
                .rows
                .iter()
                .filter(|r| {
                    r.effort == default.effort && r.strategy != "majority" && r.strategy != "majority of all"
                })
                .filter(|r| {
                    r.against_majority
                        .as_ref()
                        .is_some_and(|p| p.difference > 0.0 && p.p < 0.05)
                })
                .max_by(|a, b| a.accuracy.total_cmp(&b.accuracy))?;
            Some(format!("{} ({})", t.task, best.strategy))
        })
        .collect();
    let list = |names: &[&str]| {
        if names.is_empty() {
            "none".to_owned()
        } else {
            escape(&names.join(", "))
        }
    };
    let _ = write!(
        out,
        "<p>Tasks that rise by at least 5 points from effort none to the greatest budget with p &lt; 0.01: <b>{}</b> of {}: {}. \
         Tasks on which something beats the plain majority of as many attempts with p &lt; 0.05 (the best of several rivals, so take p \
         with care): {}.</p>",
        rises.len(),
        summary.tasks.len(),
        list(&rises),
        if beaten.is_empty() {
            "none: where there is nothing to gain, majority vote stays the default".to_owned()
        } else {
            escape(&beaten.join(", "))
        }
    );
    out
}

fn row<'a>(task: &'a TaskSummary, strategy: &str, effort: Effort) -> Option<&'a Row> {
    task.rows
        .iter()
        .find(|r| r.strategy == strategy && r.effort == effort)
}

fn greatest<'a>(task: &'a TaskSummary, strategy: &str) -> Option<&'a Row> {
    task.rows
        .iter()
        .filter(|r| r.strategy == strategy)
        .max_by_key(|r| r.effort)
}

fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

fn points(difference: f64) -> String {
    let class = if difference > 0.0 { "good" } else { "bad" };
    format!("<span class=\"{class}\">{:+.1}</span>", 100.0 * difference)
}

fn p_value(p: f64) -> String {
    if p < 0.001 {
        "&lt; 0.001".to_owned()
    } else {
        format!("{p:.3}")
    }
}

fn section(task: &TaskSummary, timing: &[Timing]) -> String {
    let mut out = format!(
        "<h2>{}</h2><p>{} · {} problems that count</p>",
        escape(&task.task),
        escape(&task.about),
        task.problems
    );
    for (title, reasons) in [
        ("Unscored", &task.unscored),
        ("No answer (default, greatest budget)", &task.no_answer),
    ] {
        if !reasons.is_empty() {
            let list: Vec<String> = reasons
                .iter()
                .map(|(why, n)| format!("{n} × {}", escape(why)))
                .collect();
            let _ = write!(out, "<p class=\"note\">{title}: {}</p>", list.join("; "));
        }
    }
    let (ms, tokens) = timing
        .iter()
        .filter(|t| t.task == task.task)
        .fold((0, 0), |sum, t| (sum.0 + t.ms, sum.1 + t.tokens));
    let speed = if ms > 0 {
        tokens as f64 * 1000.0 / ms as f64
    } else {
        0.0
    };
    out.push_str("<div class=\"grid\">");
    out.push_str(&accuracy(task, "tokens per problem", "by tokens", |r| r.tokens));
    out.push_str(&accuracy(task, "attempts per problem", "by attempts", |r| {
        r.samples
    }));
    if speed > 0.0 {
        let x = format!("seconds per problem at {speed:.0} tokens/s");
        out.push_str(&accuracy(task, &x, "by seconds", |r| r.tokens / speed));
    }
    out.push_str(&attempts(task));
    out.push_str(&confidence(task));
    out.push_str("</div>");
    out.push_str("<details><summary>All strategies and budgets</summary><table><tr><th>strategy<th>effort<th>right<th>95 %<th>tokens<th>attempts\
                  <th>against none<th>p<th>against majority of as many<th>95 %<th>p<th>against majority at equal tokens</tr>");
    for r in &task.rows {
        let (n, m) = (r.against_none.as_ref(), r.against_majority.as_ref());
        let dash = || "–".to_owned();
        let _ = write!(
            out,
            "<tr><td>{}<td>{}<td>{}<td>{:.1}–{:.1}<td>{:.0}<td>{:.1}<td>{}<td>{}<td>{}<td>{}<td>{}<td>{}</tr>",
            escape(&r.strategy),
            r.effort,
            percent(r.accuracy),
            100.0 * r.low,
            100.0 * r.high,
            r.tokens,
            r.samples,
            n.map_or_else(dash, |p| points(p.difference)),
            n.map_or_else(dash, |p| p_value(p.p)),
            m.map_or_else(dash, |p| points(p.difference)),
            m.map_or_else(dash, |p| format!(
                "{:+.1} to {:+.1}",
                100.0 * p.low,
                100.0 * p.high
            )),
            m.map_or_else(dash, |p| p_value(p.p)),
            r.at_equal_tokens.map_or_else(dash, points),
        );
    }
    out.push_str("</table></details>");
    out
}

fn accuracy(task: &TaskSummary, x: &str, title: &str, of: impl Fn(&Row) -> f64) -> String {
    let mut names: Vec<&str> = task.rows.iter().map(|r| r.strategy.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    // The best ones by their greatest budget, the default first.
    names.retain(|n| *n != "direct");
    names.sort_by(|a, b| {
        let rank = |n: &str| (n == "majority", greatest(task, n).map_or(0.0, |r| r.accuracy));
        rank(b).partial_cmp(&rank(a)).unwrap_or(std::cmp::Ordering::Equal)
    });
    names.truncate(DRAWN);
    let none =
        row(task, "direct", Effort::None).map(|r| (of(r).max(1e-3), r.accuracy, Some((r.low, r.high))));
    let lines = names
        .iter()
        .map(|name| {
            let mut points: Vec<_> = task
                .rows
                .iter()
                .filter(|r| r.strategy == *name)
                .map(|r| {
                    (
                        of(r).max(1e-3),
                        r.accuracy,
                        (*name == "majority").then_some((r.low, r.high)),
                    )
                })
                .collect();
            points.sort_by(|a, b| a.0.total_cmp(&b.0));
            Line {
                name: (*name).to_owned(),
                points,
                dashed: *name != "majority",
            }
        })
        .chain(none.map(|p| Line {
            name: "effort none".to_owned(),
            points: vec![p],
            dashed: false,
        }))
        .collect();
    Chart {
        title: format!("Right answers {title}"),
        x: x.to_owned(),
        y: "right".to_owned(),
        log: true,
        lines,
    }
    .svg()
}

fn attempts(task: &TaskSummary) -> String {
    let line = |name: &str, points: &[(u32, f64)]| Line {
        name: name.to_owned(),
        points: points.iter().map(|&(k, v)| (f64::from(k), v, None)).collect(),
        dashed: false,
    };
    Chart {
        title: "What k attempts hold, and what a vote makes of them".to_owned(),
        x: "k".to_owned(),
        y: "right".to_owned(),
        log: true,
        lines: vec![
            line("pass@k: any is right (an oracle's choice)", &task.pass_at_k),
            line("majority@k", &task.majority_at_k),
        ],
    }
    .svg()
}

fn confidence(task: &TaskSummary) -> String {
    let calibration = Chart {
        title: "What confidence is worth (default, greatest budget)".to_owned(),
        x: "confidence".to_owned(),
        y: "right".to_owned(),
        log: false,
        lines: vec![
            Line {
                name: "measured".to_owned(),
                points: task
                    .calibration
                    .iter()
                    .map(|&(c, a, n)| (c, a, Some(crate::stats::wilson(a, n))))
                    .collect(),
                dashed: false,
            },
            Line {
                name: "perfect".to_owned(),
                points: vec![(0.0, 0.0, None), (1.0, 1.0, None)],
                dashed: true,
            },
        ],
    };
    let risk = Chart {
        title: "Errors when only the surest are answered".to_owned(),
        x: "share of problems answered".to_owned(),
        y: "wrong".to_owned(),
        log: false,
        lines: vec![Line {
            name: format!(
                "risk; {:.1} % of problems are wrong with confidence 0.8 or more",
                100.0 * task.confident_errors
            ),
            points: task.risk_coverage.iter().map(|&(c, r)| (c, r, None)).collect(),
            dashed: false,
        }],
    };
    if task.calibration.is_empty() {
        return String::new();
    }
    calibration.svg() + &risk.svg()
}
