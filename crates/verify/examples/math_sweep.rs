//! Checks the verifier on a file of worked solutions (JSON Lines with `solution` and `type`): every solution's
//! answer must be found, equal itself and a rewritten form of itself, and answers of different problems must
//! not be equal.
//!
//! `cargo run --release -p strawberry-verify --example math_sweep -- math/dev.jsonl`

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::Value;
use strawberry_core::Verdict;
use strawberry_verify::{MathVerifier, Options, parse};

fn main() {
    let Some(path) = std::env::args().nth(1) else {
        eprintln!("usage: math_sweep FILE.jsonl");
        std::process::exit(2);
    };
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| {
        eprintln!("can't read {path}: {e}");
        std::process::exit(1)
    });
    let rows: Vec<(String, String)> = text
        .lines()
        .filter_map(|l| serde_json::from_str::<Value>(l).ok())
        .map(|v| {
            (
                v["solution"].as_str().unwrap_or("").to_owned(),
                v["type"].as_str().unwrap_or("").to_owned(),
            )
        })
        .collect();
    let verifier = MathVerifier::new(Options::default());
    let (mut extracted, mut own, mut rewritten, mut tried) = (0, 0, 0, 0);
    let mut times: Vec<Duration> = Vec::new();
    let mut answers: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (solution, kind) in &rows {
        let Some(found) = verifier.find(solution) else {
            continue;
        };
        if found.rule != "boxed" || parse::parse(&found.text, &Options::default().fuel).is_err() {
            println!("not extracted: {} ({})", found.text, found.rule);
            continue;
        }
        extracted += 1;
        // The best of three, since other processes may be running.
        let timed = || {
            let start = Instant::now();
            let report = verifier.check(&found.text, solution);
            (start.elapsed(), report)
        };
        let (first, report) = timed();
        let best = first.min(timed().0).min(timed().0);
        if best > Duration::from_millis(1) {
            println!("slow: {best:?} {}", found.text);
        }
        times.push(best);
        own += u32::from(report.judgement.verdict == Verdict::Correct);
        if report.judgement.verdict != Verdict::Correct {
            println!("not itself: {} {:?}", found.text, report.judgement);
        }
        for form in rewrite(&found.text) {
            tried += 1;
            let report = verifier.check(&found.text, &format!("\\boxed{{{form}}}"));
            rewritten += u32::from(report.judgement.verdict == Verdict::Correct);
            if report.judgement.verdict != Verdict::Correct {
                println!(
                    "not its rewriting: {} against {form}: {:?}",
                    found.text, report.judgement
                );
            }
        }
        answers.entry(kind).or_default().push(found.text);
    }
    times.sort_unstable();
    let n = rows.len();
    println!(
        "{n} solutions: {extracted} extracted, {own} equal themselves, {rewritten} of {tried} rewritings equal"
    );
    if !times.is_empty() {
        let total: Duration = times.iter().sum();
        println!(
            "{:.0} checks/s; median {:?}, p99.9 {:?}, slowest {:?}",
            times.len() as f64 / total.as_secs_f64(),
            times[times.len() / 2],
            times[(times.len() * 999 / 1000).min(times.len() - 1)],
            times[times.len() - 1]
        );
    }
    pairs(&verifier, &answers);
}

/// Random pairs of answers of the same type of problem; equal ones that are written differently are listed.
fn pairs(verifier: &MathVerifier, answers: &BTreeMap<&str, Vec<String>>) {
    let mut state = 1u64;
    let mut next = |n: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % n
    };
    let kinds: Vec<&Vec<String>> = answers.values().filter(|v| v.len() > 1).collect();
    let (mut sampled, mut equal, mut worst) = (0, 0, Duration::ZERO);
    let mut listed = std::collections::BTreeSet::new();
    while sampled < 20_000 && !kinds.is_empty() {
        let v = kinds[next(kinds.len())];
        let (a, b) = (&v[next(v.len())], &v[next(v.len())]);
        if a == b {
            continue;
        }
        sampled += 1;
        let start = Instant::now();
        let same = verifier.same(a, b);
        worst = worst.max(start.elapsed());
        if same {
            equal += 1;
            listed.insert(format!("equal: {a}  ~~  {b}"));
        }
    }
    for line in &listed {
        println!("{line}");
    }
    println!(
        "{sampled} pairs of differently written answers: {equal} equal (listed above), slowest {worst:?}"
    );
}

/// Other ways to write an answer, where they are certain: layout, order of sums, decimals, radians.
fn rewrite(text: &str) -> Vec<String> {
    let mut out = vec![
        text.replace("\\frac", "\\dfrac")
            .replace("\\left", "")
            .replace("\\right", ""),
        format!("$ {} $", text.replace(' ', "  ")),
    ];
    if let Ok(n) = text.parse::<i64>() {
        out.push(format!("{}.0", n));
        out.push(format!("\\frac{{{}}}{{2}}", 2 * n));
        out.push(format!("{} + {}", n - 1, 1));
    }
    if let Some(degrees) = text.strip_suffix("^\\circ").and_then(|d| d.parse::<i64>().ok()) {
        out.push(format!("\\frac{{{degrees}\\pi}}{{180}}"));
    }
    if let Some((a, b)) = fraction(text) {
        out.push(format!("{a}/{b}"));
        out.push(format!("\\frac{{{}}}{{{}}}", 3 * a, 3 * b));
        // Exact decimals only.
        let mut d = b;
        for p in [2, 5] {
            while d % p == 0 {
                d /= p;
            }
        }
        if d == 1 && b < 10_000 {
            out.push(format!("{}", a as f64 / b as f64));
        }
    }
    if let Some((whole, places)) = decimal(text) {
        out.push(format!("\\frac{{{whole}}}{{{}}}", 10i64.pow(places)));
    }
    // a + b = b + a, at the top level of a plain sum.
    let plain = !text.contains(['=', ',', '(', '[', '<', '>', '&', '_'])
        && !text.contains("\\text")
        && !text.contains("\\circ");
    if plain
        && let Some((a, b)) = text.rsplit_once('+')
        && balanced(a)
        && balanced(b)
        && !a.trim().is_empty()
    {
        out.push(format!("{b} + {a}"));
        out.push(format!("2({a} + {b})/2"));
        out.push(format!("({a}) - (-({b}))"));
    }
    out
}

fn balanced(s: &str) -> bool {
    s.matches('{').count() == s.matches('}').count()
}

fn fraction(text: &str) -> Option<(i64, i64)> {
    let (sign, t) = text.strip_prefix('-').map_or((1, text), |t| (-1, t));
    let inner = t.strip_prefix("\\frac{")?.strip_suffix('}')?;
    let (a, b) = inner.split_once("}{")?;
    Some((sign * a.parse::<i64>().ok()?, b.parse().ok()?))
}

fn decimal(text: &str) -> Option<(i64, u32)> {
    let (whole, part) = text.split_once('.')?;
    if part.is_empty() || part.len() > 6 || !part.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some((format!("{whole}{part}").parse().ok()?, part.len() as u32))
}
