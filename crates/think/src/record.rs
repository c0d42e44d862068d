//! Writes the trace of a run.

use std::sync::Arc;

use futures::future::BoxFuture;
use strawberry_core::trace::RunStatus;
use strawberry_core::{Attempt, Problem, RunId, StoreError, TraceEvent, TraceStore, Usage};
use tokio::time::Instant;

use crate::driver::{ThinkError, Thinker};
use crate::plan::Plan;
use crate::report::RunReport;

/// Where a run is recorded.
#[derive(Clone)]
pub struct Recorder {
    /// The store.
    pub store: Arc<dyn TraceStore>,
    /// The run's id, unique in the store.
    pub run: RunId,
    /// When the run began, in milliseconds since the Unix epoch.
    pub time_ms: u64,
    /// Version of the program.
    pub version: String,
}

pub(crate) fn millis(start: Instant) -> u64 {
    u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// Writes the trace of a run, if it is to be recorded.
pub(crate) struct Record<'a> {
    pub(crate) recorder: Option<&'a Recorder>,
    pub(crate) start: Instant,
}

impl Record<'_> {
    pub(crate) fn event<'b>(&'b self, event: &'b TraceEvent) -> BoxFuture<'b, Result<(), StoreError>> {
        Box::pin(async move {
            match self.recorder {
                Some(r) => r.store.append(&r.run, event).await,
                None => Ok(()),
            }
        })
    }

    pub(crate) async fn started(
        &self,
        thinker: &Thinker,
        problem: &Problem,
        plan: &Plan,
    ) -> Result<(), StoreError> {
        let Some(recorder) = self.recorder else {
            return Ok(());
        };
        self.event(&TraceEvent::Started {
            time_ms: recorder.time_ms,
            version: recorder.version.clone(),
            problem: Box::new(problem.clone()),
            effort: plan.effort,
            budget: plan.budget,
            strategy: plan.strategy.name().to_owned(),
            scorer: Some(plan.scored_by.name().to_owned()),
            model: Box::new(thinker.model.info()),
            verifier: thinker.verifier.name().to_owned(),
            seed: plan.seed,
        })
        .await
    }

    pub(crate) async fn sampled(&self, attempt: &Attempt) -> Result<(), StoreError> {
        if self.recorder.is_none() {
            return Ok(());
        }
        self.event(&TraceEvent::Sampled {
            attempt: Box::new(attempt.clone()),
            at_ms: millis(self.start),
        })
        .await
    }

    pub(crate) async fn finished(&self, report: &RunReport) -> Result<(), StoreError> {
        self.event(&TraceEvent::Finished {
            status: report.status,
            selection: Some(Box::new(report.selection.clone())),
            judgement: report.judgement.clone(),
            usage: report.usage,
            wall_ms: report.wall_ms,
            error: None,
        })
        .await
    }

    pub(crate) async fn failed(&self, error: &ThinkError, start: Instant) -> Result<(), StoreError> {
        if matches!(error, ThinkError::Store(_)) {
            return Ok(());
        }
        let status = if matches!(error, ThinkError::NothingYet) {
            RunStatus::Interrupted
        } else {
            RunStatus::Failed
        };
        self.event(&TraceEvent::Finished {
            status,
            selection: None,
            judgement: None,
            usage: Usage::default(),
            wall_ms: millis(start),
            error: Some(error.to_string()),
        })
        .await
    }
}
