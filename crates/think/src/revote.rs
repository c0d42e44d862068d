//! All aggregations of a recorded run, recomputed from its trace without sampling.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Serialize;
use strawberry_core::{Attempt, Selection, TraceEvent, TrialId, Verdict, Verifier};

use crate::kind::StrategyKind;
use crate::replay::{ReplayError, read};
use crate::scorer::{LIKELIHOOD, ScoredBy};
use crate::strategy::best_scored;
use crate::vote::{Classes, Tally};

/// What one aggregation of the attempts chooses.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Aggregate {
    /// `first`, `majority`, `weighted by S` or `best by S`, with S the name of a score.
    pub name: String,
    /// The chosen attempt.
    pub trial: TrialId,
    /// The chosen answer.
    pub answer: Option<String>,
    /// The answer's share of the weight (of the attempts, where one attempt is chosen).
    pub share: Option<f64>,
    /// The verdict on the chosen attempt, where the problem has a reference.
    pub verdict: Option<Verdict>,
}

/// All aggregations of a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Revote {
    /// Attempts at the question (not judgements, plans or critiques).
    pub attempts: usize,
    /// What the run chose when it was made.
    pub recorded: Option<Selection>,
    /// What each aggregation chooses.
    pub aggregates: Vec<Aggregate>,
    /// Whether any attempt was right; `None` without a reference.
    pub oracle: Option<bool>,
}

/// Recomputes all aggregations from the events of a run.
///
/// # Errors
/// The trace has no beginning.
pub fn revote(events: &[TraceEvent], verifier: &dyn Verifier) -> Result<Revote, ReplayError> {
    let recorded = read(events)?;
    let question = recorded.problem.last_user_text().trim_end();
    // Judgements, plans and critiques are trials too, but no answers to the question.
    let answers: BTreeSet<TrialId> = events
        .iter()
        .filter_map(|event| match event {
            TraceEvent::Asked { trial } => Some(trial),
            _ => None,
        })
        .filter(|trial| {
            let asked = trial.messages.last().map_or("", |m| m.content.as_str());
            asked.starts_with(question)
        })
        .map(|trial| trial.id)
        .collect();
    let steps = recorded.strategy.parse().is_ok_and(StrategyKind::steps);
    let mut classes = Classes::new();
    let mut tally = Tally::new();
    for (&trial, attempt) in &recorded.outcomes {
        let Some(attempt) = attempt.as_ref().filter(|_| answers.contains(&trial)) else {
            continue;
        };
        // Of a search over steps only finished lines of thought vote.
        let answer = attempt.answer.as_ref().filter(|a| a.marked || !steps);
        if steps && answer.is_none() {
            continue;
        }
        let class = answer.map(|a| classes.class_of(verifier, &recorded.problem, a));
        tally.add(trial, attempt.clone(), class);
    }
    let oracle = tally
        .attempts()
        .filter_map(|(_, a)| a.judgement.as_ref().map(|j| j.verdict == Verdict::Correct))
        .reduce(|a, b| a || b);
    Ok(Revote {
        attempts: tally.len(),
        recorded: recorded.selection.clone(),
        aggregates: aggregates(&tally),
        oracle,
    })
}

/// What every aggregation chooses of the attempts told; empty when there are none.
pub fn aggregates(tally: &Tally) -> Vec<Aggregate> {
    let attempts: BTreeMap<TrialId, Arc<Attempt>> = tally.attempts().collect();
    let mut out = Vec::new();
    let mut push = |name: String, selection: Option<Selection>| {
        let Some(selection) = selection else { return };
        let voted = selection
            .votes
            .iter()
            .find(|v| v.trials.contains(&selection.trial));
        let judgement = attempts.get(&selection.trial).and_then(|a| a.judgement.as_ref());
        out.push(Aggregate {
            name,
            trial: selection.trial,
            answer: selection.answer.as_ref().map(|a| a.text.clone()),
            share: voted.map(|v| v.share),
            verdict: judgement.map(|j| j.verdict),
        });
    };
    push("first".to_owned(), first(tally));
    push("majority".to_owned(), tally.select(|_| 1.0));
    let mut names: BTreeSet<String> = attempts.values().flat_map(|a| a.scores.keys().cloned()).collect();
    if attempts.values().any(|a| a.logprob.is_some()) {
        names.insert(LIKELIHOOD.to_owned());
    }
    for name in names {
        let by = ScoredBy::recorded(&name);
        let weight = crate::strategy::majority::Weighing::Score(by.clone());
        push(format!("weighted by {name}"), tally.select(|a| weight.weight(a)));
        push(format!("best by {name}"), best_scored(tally, true, |a| by.of(a)));
    }
    out
}

/// The first attempt alone.
fn first(tally: &Tally) -> Option<Selection> {
    let (trial, attempt) = tally.attempts().next()?;
    let votes = tally.votes(|_| 1.0);
    Some(Selection {
        trial,
        answer: attempt.answer.clone(),
        confidence: None,
        votes,
    })
}
