//! Two runs on the same problems.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Serialize;
use strawberry_core::Effort;

use crate::EvalError;
use crate::ladder::Outcome;
use crate::stats::Paired;
use crate::summary::{against, scores};

/// One strategy at one budget of one task, in both runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// The task.
    pub task: String,
    /// The strategy.
    pub strategy: String,
    /// The budget.
    pub effort: Effort,
    /// Share right in the first run, on the problems both have.
    pub first: f64,
    /// Share right in the second run.
    pub second: f64,
    /// Second minus first.
    pub paired: Paired,
}

/// The outcomes of a finished run.
///
/// # Errors
/// The folder holds no finished run.
pub fn outcomes(dir: &Path) -> Result<Vec<Outcome>, EvalError> {
    let path = dir.join("results.jsonl");
    let text = std::fs::read_to_string(&path).map_err(|e| {
        EvalError::File(format!(
            "{} is no finished run of `strawberry eval` ({}: {e})",
            dir.display(),
            path.display()
        ))
    })?;
    text.lines()
        .enumerate()
        .map(|(i, line)| {
            serde_json::from_str(line).map_err(|e| EvalError::file(&path, format!("line {}: {e}", i + 1)))
        })
        .collect()
}

/// Compares what two runs have in common: task, strategy, budget and problems.
pub fn compare(first: &[Outcome], second: &[Outcome]) -> Vec<Comparison> {
    type Key = (String, Effort, String);
    fn group(outcomes: &[Outcome]) -> BTreeMap<Key, Vec<&Outcome>> {
        let mut groups: BTreeMap<Key, Vec<&Outcome>> = BTreeMap::new();
        for o in outcomes {
            groups
                .entry((o.task.clone(), o.effort, o.strategy.clone()))
                .or_default()
                .push(o);
        }
        groups
    }
    let (a, b) = (group(first), group(second));
    let keys: BTreeSet<&Key> = a.keys().filter(|k| b.contains_key(*k)).collect();
    keys.into_iter()
        .filter_map(|key| {
            let (mut x, mut y) = (scores(a[key].iter()), scores(b[key].iter()));
            x.retain(|id, _| y.contains_key(id));
            y.retain(|id, _| x.contains_key(id));
            let n = x.len() as f64;
            (n > 0.0).then(|| Comparison {
                task: key.0.clone(),
                effort: key.1,
                strategy: key.2.clone(),
                first: x.values().sum::<f64>() / n,
                second: y.values().sum::<f64>() / n,
                paired: against(&y, &x),
            })
        })
        .collect()
}
