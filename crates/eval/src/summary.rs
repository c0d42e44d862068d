//! The numbers of a run.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use strawberry_core::Effort;

use crate::ladder::{self, Outcome};
use crate::sample::Sample;
use crate::stats::{self, Paired};

/// From this confidence on, a wrong answer counts as a confident error.
const CONFIDENT: f64 = 0.8;

/// The numbers of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// What decided the results.
    pub settings: Value,
    /// One for each task.
    pub tasks: Vec<TaskSummary>,
}

/// The numbers of one task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskSummary {
    /// The task.
    pub task: String,
    /// What it is.
    pub about: String,
    /// Problems that count.
    pub problems: usize,
    /// Rows that do not, with the reason and their number.
    pub unscored: BTreeMap<String, usize>,
    /// Every strategy at every budget.
    pub rows: Vec<Row>,
    /// (k, probability that one of k attempts is right), unbiased.
    pub pass_at_k: Vec<(u32, f64)>,
    /// (k, share right by majority of k).
    pub majority_at_k: Vec<(u32, f64)>,
    /// Why answers are missing at the greatest budget of the default, with their number.
    pub no_answer: BTreeMap<String, usize>,
    /// What confidence is worth: (mean confidence, share right, number) by tenths, for the default at its greatest budget.
    pub calibration: Vec<(f64, f64, usize)>,
    /// (share answered, share wrong of these), the surest first.
    pub risk_coverage: Vec<(f64, f64)>,
    /// Share of problems answered wrongly with a confidence of 0.8 or more.
    pub confident_errors: f64,
}

/// One strategy at one budget.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The strategy.
    pub strategy: String,
    /// The budget.
    pub effort: Effort,
    /// Share of problems answered rightly, averaged over seeds.
    pub accuracy: f64,
    /// Its 95 % interval (Wilson, over problems).
    pub low: f64,
    /// The interval's other end.
    pub high: f64,
    /// Tokens sampled per problem.
    pub tokens: f64,
    /// Attempts per problem.
    pub samples: f64,
    /// Against effort none.
    pub against_none: Option<Paired>,
    /// Against the majority of as many attempts without early stop: the same tokens for strategies that choose
    /// among these attempts.
    pub against_majority: Option<Paired>,
    /// Accuracy minus what the majority vote reaches with as many tokens, by interpolation between its budgets
    /// (for strategies with runs of their own).
    pub at_equal_tokens: Option<f64>,
}

/// Summarises a run.
pub fn summarise(settings: &Value, samples: &[Sample], outcomes: &[Outcome]) -> Summary {
    let names: BTreeSet<&str> = samples.iter().map(|s| s.task.as_str()).collect();
    let about = |name: &str| {
        let tasks = settings["tasks"].as_array();
        let task = tasks.and_then(|t| t.iter().find(|t| t["task"]["name"] == name));
        task.and_then(|t| t["task"]["about"].as_str())
            .unwrap_or_default()
            .to_owned()
    };
    Summary {
        settings: settings.clone(),
        tasks: names
            .into_iter()
            .map(|name| {
                let samples: Vec<&Sample> = samples.iter().filter(|s| s.task == name).collect();
                let outcomes: Vec<&Outcome> = outcomes.iter().filter(|o| o.task == name).collect();
                task(name, about(name), &samples, &outcomes)
            })
            .collect(),
    }
}

/// By problem, the mean over seeds.
pub type Scores = BTreeMap<String, f64>;

/// The scores of one strategy at one budget, of problems that count.
pub fn scores<'a>(outcomes: impl IntoIterator<Item = &'a &'a Outcome>) -> Scores {
    let mut sums: BTreeMap<String, (f64, f64)> = BTreeMap::new();
    for o in outcomes.into_iter().filter(|o| o.scored) {
        let sum = sums.entry(o.id.clone()).or_default();
        sum.0 += f64::from(u8::from(o.correct));
        sum.1 += 1.0;
    }
    sums.into_iter().map(|(id, (right, n))| (id, right / n)).collect()
}

/// Compares two sets of scores on the problems they share.
pub fn against(a: &Scores, b: &Scores) -> Paired {
    let pairs: Vec<(f64, f64)> = a.iter().filter_map(|(id, x)| Some((*x, *b.get(id)?))).collect();
    stats::paired(&pairs)
}

fn task(name: &str, about: String, samples: &[&Sample], outcomes: &[&Outcome]) -> TaskSummary {
    let mut by_row: BTreeMap<(Effort, &str), Vec<&Outcome>> = BTreeMap::new();
    for o in outcomes {
        by_row.entry((o.effort, o.strategy.as_str())).or_default().push(o);
    }
    let all: BTreeMap<_, Scores> = by_row.iter().map(|(k, v)| (*k, scores(v.iter()))).collect();
    let mean = |list: &[&Outcome], of: &dyn Fn(&Outcome) -> f64| {
        list.iter().map(|o| of(o)).sum::<f64>() / list.len().max(1) as f64
    };
    let mut rows: Vec<Row> = by_row
        .iter()
        .map(|(key, list)| {
            let own = &all[key];
            let accuracy = own.values().sum::<f64>() / own.len().max(1) as f64;
            let (low, high) = stats::wilson(accuracy, own.len());
            let none = all
                .get(&(Effort::None, "direct"))
                .filter(|_| key.0 != Effort::None);
            let full = all
                .get(&(key.0, "majority of all"))
                .filter(|_| key.1 != "majority of all");
            Row {
                strategy: key.1.to_owned(),
                effort: key.0,
                accuracy,
                low,
                high,
                tokens: mean(list, &|o| o.tokens as f64),
                samples: mean(list, &|o| f64::from(o.samples)),
                against_none: none.map(|n| against(own, n)),
                against_majority: full.map(|f| against(own, f)),
                at_equal_tokens: None,
            }
        })
        .collect();
    let curve: Vec<(f64, f64)> = rows
        .iter()
        .filter(|r| r.strategy == "majority")
        .map(|r| (r.tokens, r.accuracy))
        .collect();
    for row in rows
        .iter_mut()
        .filter(|r| r.strategy != "majority" && r.effort != Effort::None)
    {
        row.at_equal_tokens = interpolate(&curve, row.tokens).map(|m| row.accuracy - m);
    }
    let (majority_at_k, counts) = ladder::curves(samples);
    let pass_at_k = majority_at_k
        .iter()
        .map(|&(k, _)| {
            let sum: f64 = counts.iter().map(|&(n, c)| stats::pass_at_k(n, c, k)).sum();
            (k, sum / counts.len().max(1) as f64)
        })
        .collect();
    let default: Vec<&Outcome> = by_row
        .iter()
        .rfind(|((_, strategy), _)| *strategy == "majority")
        .map(|(_, list)| list.iter().copied().filter(|o| o.scored).collect())
        .unwrap_or_default();
    let mut unscored: BTreeMap<String, usize> = BTreeMap::new();
    for sample in samples {
        let bad = (!ladder::scored(sample) && sample.unscored.is_none())
            .then(|| "the reference can't be used".to_owned());
        if let Some(why) = sample.unscored.clone().or(bad) {
            *unscored.entry(why).or_default() += 1;
        }
    }
    let mut no_answer: BTreeMap<String, usize> = BTreeMap::new();
    for why in default.iter().filter_map(|o| o.no_answer.as_ref()) {
        let kind = why.split(&[':', '“'][..]).next().unwrap_or(why).trim();
        *no_answer.entry(kind.to_owned()).or_default() += 1;
    }
    let wrong = default
        .iter()
        .filter(|o| !o.correct && o.answer.is_some() && o.confidence.is_some_and(|c| c >= CONFIDENT))
        .count();
    TaskSummary {
        task: name.to_owned(),
        about,
        problems: all.values().map(BTreeMap::len).max().unwrap_or(0),
        unscored,
        rows,
        pass_at_k,
        majority_at_k,
        no_answer,
        calibration: calibration(&default),
        risk_coverage: risk_coverage(&default),
        confident_errors: wrong as f64 / default.len().max(1) as f64,
    }
}

/// The value of a piecewise linear curve at `x`, over the logarithm of x; `None` outside of it.
fn interpolate(curve: &[(f64, f64)], x: f64) -> Option<f64> {
    let mut points = curve.to_vec();
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    let last = points.last()?;
    if x >= last.0 {
        return Some(last.1);
    }
    let i = points.iter().position(|p| p.0 > x).filter(|i| *i > 0)?;
    let (a, b) = (points[i - 1], points[i]);
    let share = (x.ln() - a.0.ln()) / (b.0.ln() - a.0.ln());
    Some(a.1 + share * (b.1 - a.1))
}

fn calibration(outcomes: &[&Outcome]) -> Vec<(f64, f64, usize)> {
    let mut bins: BTreeMap<usize, (f64, f64, usize)> = BTreeMap::new();
    for (confidence, right) in confidences(outcomes) {
        let bin = bins.entry(((confidence * 10.0) as usize).min(9)).or_default();
        bin.0 += confidence;
        bin.1 += f64::from(u8::from(right));
        bin.2 += 1;
    }
    bins.into_values()
        .map(|(c, r, n)| (c / n as f64, r / n as f64, n))
        .collect()
}

fn risk_coverage(outcomes: &[&Outcome]) -> Vec<(f64, f64)> {
    let mut all = confidences(outcomes);
    all.sort_by(|a, b| b.0.total_cmp(&a.0));
    let total = outcomes.len().max(1) as f64;
    let mut points = Vec::new();
    let mut wrong = 0.0;
    for (i, (confidence, right)) in all.iter().enumerate() {
        wrong += f64::from(u8::from(!right));
        // Equal confidences are answered or declined together.
        if all.get(i + 1).is_none_or(|next| next.0 < *confidence) {
            points.push(((i + 1) as f64 / total, wrong / (i + 1) as f64));
        }
    }
    points
}

/// Confidence and rightness of what was answered.
fn confidences(outcomes: &[&Outcome]) -> Vec<(f64, bool)> {
    outcomes
        .iter()
        .filter(|o| o.answer.is_some())
        .filter_map(|o| Some((o.confidence?, o.correct)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curves_are_read_between_their_points() {
        let curve = [(100.0, 0.1), (1000.0, 0.3)];
        assert_eq!(interpolate(&curve, 50.0), None);
        assert!((interpolate(&curve, 10f64.powf(2.5)).unwrap() - 0.2).abs() < 1e-12);
        assert_eq!(interpolate(&curve, 5000.0), Some(0.3));
    }
}
