//! Running a strategy again on a recorded trace.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use strawberry_core::trace::RunStatus;
use strawberry_core::{
    Attempt, Budget, Effort, ModelInfo, Outcome, Problem, Selection, TraceEvent, TrialId, Verifier,
};

use crate::kind::StrategyKind;
use crate::plan::{Plan, PlanOptions};
use crate::scorer::ScoredBy;
use crate::vote::Classes;

/// What a replay found.
#[derive(Clone, Debug, Serialize)]
pub struct Replay {
    /// What the trace says was chosen.
    pub recorded: Option<Selection>,
    /// What the strategy chooses now, from the recorded attempts.
    pub replayed: Option<Selection>,
    /// Whether both name the same attempt and the same answer.
    pub same: bool,
    /// Attempts replayed.
    pub attempts: usize,
    /// How the recorded run ended.
    pub status: RunStatus,
}

/// Why a trace can't be replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The trace does not begin as one.
    #[error("the trace does not begin with its start: it is damaged")]
    NoStart,
    /// The strategy is not known to this version.
    #[error("{0}")]
    Strategy(String),
}

/// A trace, read.
pub(crate) struct Recorded {
    pub(crate) problem: Problem,
    info: ModelInfo,
    pub(crate) strategy: String,
    scorer: Option<String>,
    effort: Option<Effort>,
    budget: Budget,
    seed: u64,
    pub(crate) outcomes: BTreeMap<TrialId, Option<Arc<Attempt>>>,
    pub(crate) selection: Option<Selection>,
    status: RunStatus,
}

/// Runs the recorded strategy on the recorded attempts, without a model, and compares what it chooses with
/// what the trace says was chosen.
///
/// # Errors
/// The trace has no beginning, or names a strategy this version does not have.
pub fn replay(events: &[TraceEvent], verifier: &dyn Verifier) -> Result<Replay, ReplayError> {
    let recorded = read(events)?;
    let kind: StrategyKind = recorded.strategy.parse().map_err(ReplayError::Strategy)?;
    let options = PlanOptions {
        effort: recorded.effort,
        budget: recorded.budget,
        strategy: Some(kind),
        scorer: recorded.scorer.as_deref().map(ScoredBy::recorded),
        seed: recorded.seed,
        ..PlanOptions::default()
    };
    let plan = Plan::new(&recorded.problem, &recorded.info, &options)
        .map_err(|e| ReplayError::Strategy(e.to_string()))?;
    let mut strategy = plan.strategy;
    let mut classes = Classes::new();
    // Asked until it wants nothing more, so that its own count of trials is right; then told in trial order.
    let mut told = 0;
    loop {
        let trials = strategy.ask();
        if trials.is_empty() {
            break;
        }
        for trial in trials {
            match recorded.outcomes.get(&trial.id) {
                Some(Some(attempt)) => {
                    let class = attempt
                        .answer
                        .as_ref()
                        .map(|a| classes.class_of(verifier, &recorded.problem, a));
                    strategy.tell(
                        trial.id,
                        Outcome::Sampled {
                            attempt: attempt.clone(),
                            class,
                        },
                    );
                    told += 1;
                }
                Some(None) => strategy.tell(trial.id, Outcome::Failed),
                // Never run: the recorded run ended before its turn.
                None => {}
            }
        }
    }
    let replayed = strategy.best();
    let key = |s: &Option<Selection>| {
        s.as_ref()
            .map(|s| (s.trial, s.answer.as_ref().map(|a| a.text.clone())))
    };
    let same = key(&recorded.selection) == key(&replayed);
    Ok(Replay {
        recorded: recorded.selection,
        replayed,
        same,
        attempts: told,
        status: recorded.status,
    })
}

pub(crate) fn read(events: &[TraceEvent]) -> Result<Recorded, ReplayError> {
    let Some(TraceEvent::Started {
        problem,
        effort,
        budget,
        strategy,
        scorer,
        model,
        seed,
        ..
    }) = events.first()
    else {
        return Err(ReplayError::NoStart);
    };
    let mut recorded = Recorded {
        problem: (**problem).clone(),
        info: (**model).clone(),
        strategy: strategy.clone(),
        scorer: scorer.clone(),
        effort: *effort,
        budget: *budget,
        seed: *seed,
        outcomes: BTreeMap::new(),
        selection: None,
        status: RunStatus::Running,
    };
    for event in events {
        match event {
            TraceEvent::Sampled { attempt, .. } => {
                recorded
                    .outcomes
                    .insert(attempt.trial, Some(Arc::new((**attempt).clone())));
            }
            TraceEvent::TrialFailed { trial, .. } => {
                recorded.outcomes.insert(*trial, None);
            }
            TraceEvent::Finished {
                selection, status, ..
            } => {
                recorded.selection = selection.as_deref().cloned();
                recorded.status = *status;
            }
            TraceEvent::Started { .. } | TraceEvent::Asked { .. } => {}
        }
    }
    Ok(recorded)
}
