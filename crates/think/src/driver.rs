//! Runs a strategy: concurrency, deadlines, cancellation, streaming, recording.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use futures::stream::{FuturesUnordered, StreamExt};
use strawberry_core::trace::RunStatus;
use strawberry_core::{
    Attempt, Budget, Channel, Control, Effort, Finish, Model, ModelError, Outcome, Problem, Selection,
    StoreError, TraceEvent, Trial, TrialId, Usage, Verifier, Vote,
};
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::attempt::sample;
use crate::calibration::Calibration;
use crate::control::{Phase, RunControl};
use crate::judge;
use crate::ledger::{Grant, Ledger};
use crate::plan::Plan;
use crate::record::{Record, Recorder, millis};
use crate::report::RunReport;
use crate::scorer::{ScoredBy, Scorer};
use crate::vote::Classes;

/// Attempts in flight at once.
const CONCURRENCY: usize = 64;
/// Share of the wall time after which attempts are told to answer.
const SOFT_DEADLINE: f64 = 0.85;
/// How long cancelled attempts may take to hand over what they have.
const GRACE: Duration = Duration::from_secs(2);

/// What a run reports while it goes on.
#[derive(Clone, Debug)]
pub enum ThinkEvent {
    /// An attempt was handed to the model.
    Started {
        /// Its trial.
        trial: TrialId,
    },
    /// A piece of an attempt's text.
    Text {
        /// The trial.
        trial: TrialId,
        /// Thinking or answer.
        channel: Channel,
        /// The piece.
        text: String,
        /// Sampled tokens in it.
        tokens: u32,
    },
    /// An attempt ended.
    Ended {
        /// The attempt.
        attempt: Arc<Attempt>,
    },
    /// An attempt failed.
    Failed {
        /// Its trial.
        trial: TrialId,
        /// Why.
        error: String,
    },
    /// The votes so far, best first.
    Votes(Vec<Vote>),
}

/// Why a run gave no result.
#[derive(Debug, thiserror::Error)]
pub enum ThinkError {
    /// The model could not sample.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The trace could not be written; the run stops rather than losing records.
    #[error("the trace could not be written: {0}")]
    Store(#[from] StoreError),
    /// The run was stopped, or its time was up, before any attempt said anything.
    #[error("stopped before there was anything to show")]
    NothingYet,
}

/// A model and the verifier that judges it: all that is needed to think.
#[derive(Clone)]
pub struct Thinker {
    /// The model that samples.
    pub model: Arc<dyn Model>,
    /// The verifier that extracts and compares answers.
    pub verifier: Arc<dyn Verifier>,
}

impl Thinker {
    /// Runs `plan` on `problem` to its end, its deadline, or an interruption.
    ///
    /// Events go to `events` as they happen; a closed receiver is no error. With a recorder, every event
    /// of the trace is stored before the run goes on.
    ///
    /// # Errors
    /// The model failed on every trial, the store can't be written, or the run was stopped before any
    /// attempt said anything.
    pub async fn run(
        &self,
        problem: &Problem,
        plan: Plan,
        control: &RunControl,
        recorder: Option<&Recorder>,
        events: Option<mpsc::UnboundedSender<ThinkEvent>>,
    ) -> Result<RunReport, ThinkError> {
        let start = Instant::now();
        let record = Record { recorder, start };
        record.started(self, problem, &plan).await?;
        let run = Run {
            thinker: self,
            problem,
            events,
            record: &record,
            classes: Classes::new(),
            attempts: BTreeMap::new(),
            untold: BTreeMap::new(),
            next_told: 0,
            first_error: None,
            scorer: plan.scored_by.scorer().cloned(),
            programs: BTreeSet::new(),
            strategy: plan.strategy,
        };
        let limits = Budget {
            samples: Some(plan.trials),
            ..plan.budget
        };
        let settings = Settings {
            effort: plan.effort,
            seed: plan.seed,
            why: plan.choice.why,
            scored_by: plan.scored_by,
            min_confidence: plan.min_confidence,
            calibration: plan.calibration,
        };
        match run.drive(limits, control, start).await {
            Ok(done) => {
                let report = done.report(self, settings, recorder, start);
                record.finished(&report).await?;
                Ok(report)
            }
            Err(error) => {
                record.failed(&error, start).await?;
                Err(error)
            }
        }
    }
}

/// The state of a run in flight.
struct Run<'a> {
    thinker: &'a Thinker,
    problem: &'a Problem,
    events: Option<mpsc::UnboundedSender<ThinkEvent>>,
    record: &'a Record<'a>,
    classes: Classes,
    attempts: BTreeMap<TrialId, Arc<Attempt>>,
    /// Ended trials whose turn to be told has not come yet (`None`: failed).
    untold: BTreeMap<TrialId, Option<Arc<Attempt>>>,
    next_told: TrialId,
    first_error: Option<ModelError>,
    scorer: Option<Arc<dyn Scorer>>,
    /// Trials in flight whose program is to be run.
    programs: BTreeSet<TrialId>,
    strategy: Box<dyn strawberry_core::Strategy>,
}

/// What the report repeats of the plan.
struct Settings {
    effort: Option<Effort>,
    seed: u64,
    why: String,
    scored_by: ScoredBy,
    min_confidence: Option<f64>,
    calibration: Option<Calibration>,
}

/// A run at its end.
struct Done<'a> {
    problem: &'a Problem,
    attempts: BTreeMap<TrialId, Arc<Attempt>>,
    selection: Selection,
    status: RunStatus,
    strategy: &'static str,
}

impl<'a> Run<'a> {
    async fn drive(
        mut self,
        budget: Budget,
        control: &RunControl,
        start: Instant,
    ) -> Result<Done<'a>, ThinkError> {
        let mut phase = control.phase.subscribe();
        let mut ledger = Ledger::new(&budget);
        let attempt_control = Control::new();
        let never = start + Duration::from_secs(3600 * 24 * 365);
        let hard = budget
            .wall_ms
            .map_or(never, |ms| start + Duration::from_millis(ms));
        let soft = budget.wall_ms.map_or(never, |ms| {
            start + Duration::from_millis(ms).mul_f64(SOFT_DEADLINE)
        });
        let mut queue: VecDeque<Trial> = VecDeque::new();
        let mut flying = FuturesUnordered::new();
        let mut granted: BTreeMap<TrialId, u32> = BTreeMap::new();
        let (mut asking, mut status) = (true, RunStatus::Completed);
        // Set once attempts are cancelled: after this they are given up.
        let mut give_up: Option<Instant> = None;

        loop {
            if asking && queue.is_empty() {
                queue.extend(self.strategy.ask());
            }
            while asking && flying.len() < CONCURRENCY {
                let Some(trial) = queue.front() else { break };
                match ledger.reserve(trial.max_tokens) {
                    Grant::Wait => break,
                    Grant::Exhausted => {
                        asking = false;
                        queue.clear();
                    }
                    Grant::Tokens(tokens) => {
                        let mut trial = queue.pop_front().expect("a trial was just seen at the front");
                        fit(&mut trial, tokens);
                        granted.insert(trial.id, tokens);
                        if trial.program {
                            self.programs.insert(trial.id);
                        }
                        self.record
                            .event(&TraceEvent::Asked {
                                trial: Box::new(trial.clone()),
                            })
                            .await?;
                        self.emit(ThinkEvent::Started { trial: trial.id });
                        flying.push(sample(
                            self.thinker.model.clone(),
                            trial,
                            attempt_control.clone(),
                            self.events.clone(),
                        ));
                    }
                }
            }
            if flying.is_empty() {
                break;
            }
            tokio::select! {
                biased;
                ended = flying.next() => {
                    let (id, result) = ended.expect("at least one attempt is in flight");
                    let used = result.as_ref().map_or(0, |a| a.usage.completion_tokens);
                    ledger.settle(granted.remove(&id).unwrap_or(0), used);
                    self.ended(id, result).await?;
                }
                changed = phase.changed(), if give_up.is_none() => {
                    let now = if changed.is_ok() { *phase.borrow_and_update() } else { Phase::Stop };
                    asking = false;
                    queue.clear();
                    if now == Phase::Stop {
                        give_up = Some(Instant::now() + GRACE);
                        status = RunStatus::Interrupted;
                        attempt_control.cancel();
                    } else {
                        attempt_control.answer_now();
                    }
                }
                () = tokio::time::sleep_until(soft), if asking => {
                    asking = false;
                    queue.clear();
                    attempt_control.answer_now();
                }
                () = tokio::time::sleep_until(hard), if give_up.is_none() => {
                    give_up = Some(Instant::now() + GRACE);
                    asking = false;
                    queue.clear();
                    attempt_control.cancel();
                }
                () = tokio::time::sleep_until(give_up.unwrap_or(never)), if give_up.is_some() => break,
            }
        }
        // Whatever was not told in turn (because earlier trials were never started) is told now, in order.
        for (trial, attempt) in std::mem::take(&mut self.untold) {
            self.tell(trial, attempt);
        }
        match self.strategy.best() {
            Some(selection) => Ok(Done {
                problem: self.problem,
                attempts: self.attempts,
                selection,
                status,
                strategy: self.strategy.name(),
            }),
            None => Err(self.first_error.map_or(ThinkError::NothingYet, ThinkError::Model)),
        }
    }

    /// Records an ended trial and tells it, and all that waited for it, to the strategy.
    async fn ended(&mut self, id: TrialId, result: Result<Attempt, ModelError>) -> Result<(), ThinkError> {
        let attempt = match result {
            Ok(attempt) if attempt.usage.completion_tokens == 0 && attempt.finish == Finish::Cancelled => {
                None
            }
            Ok(attempt) => Some(self.judged(attempt).await),
            Err(error) => {
                let text = error.to_string();
                self.record
                    .event(&TraceEvent::TrialFailed {
                        trial: id,
                        error: text.clone(),
                    })
                    .await?;
                self.emit(ThinkEvent::Failed {
                    trial: id,
                    error: text,
                });
                let hopeless = matches!(
                    error,
                    ModelError::InvalidRequest(_)
                        | ModelError::ContextOverflow { .. }
                        | ModelError::Unauthorised(_)
                );
                if hopeless {
                    return Err(error.into());
                }
                self.first_error.get_or_insert(error);
                None
            }
        };
        if let Some(attempt) = &attempt {
            self.record.sampled(attempt).await?;
            self.emit(ThinkEvent::Ended {
                attempt: attempt.clone(),
            });
        }
        self.untold.insert(id, attempt);
        while let Some(attempt) = self.untold.remove(&self.next_told) {
            self.tell(self.next_told, attempt);
            self.next_told += 1;
        }
        Ok(())
    }

    fn tell(&mut self, trial: TrialId, attempt: Option<Arc<Attempt>>) {
        let Some(attempt) = attempt else {
            return self.strategy.tell(trial, Outcome::Failed);
        };
        let verifier = &*self.thinker.verifier;
        let class = attempt
            .answer
            .as_ref()
            .map(|a| self.classes.class_of(verifier, self.problem, a));
        self.attempts.insert(trial, attempt.clone());
        self.strategy.tell(trial, Outcome::Sampled { attempt, class });
        if let Some(best) = self.strategy.best().filter(|b| !b.votes.is_empty()) {
            self.emit(ThinkEvent::Votes(best.votes));
        }
    }

    /// Runs the attempt's program if that was asked for, extracts its answer, scores it, and holds it against
    /// the reference, if there is one.
    async fn judged(&mut self, attempt: Attempt) -> Arc<Attempt> {
        let verifier = self.thinker.verifier.clone();
        let problem = self.problem.clone();
        let scorer = self.scorer.clone();
        let program = self.programs.remove(&attempt.trial);
        let plain = attempt.clone();
        // A verifier may run a program; it never blocks the driver.
        let judged = tokio::task::spawn_blocking(move || {
            judge::judge(attempt, &problem, &*verifier, scorer.as_deref(), program)
        });
        // Only a verifier that panics gets here; the attempt then counts as it came.
        Arc::new(judged.await.unwrap_or(plain))
    }

    fn emit(&self, event: ThinkEvent) {
        if let Some(events) = &self.events {
            // A receiver that went away only means that nobody watches.
            let _ = events.send(event);
        }
    }
}

impl Done<'_> {
    fn report(
        self,
        thinker: &Thinker,
        settings: Settings,
        recorder: Option<&Recorder>,
        start: Instant,
    ) -> RunReport {
        let mut usage = Usage::default();
        for attempt in self.attempts.values() {
            let mut spent = attempt.usage;
            if attempt.trial != self.selection.trial {
                spent.reasoning_tokens = spent.completion_tokens;
            }
            usage.add(&spent);
        }
        let judgement = self
            .attempts
            .get(&self.selection.trial)
            .and_then(|a| a.judgement.clone());
        let calibrated = |c: f64| {
            let calibration = settings.calibration.as_ref();
            calibration.map_or(c, |cal| cal.apply(self.strategy, c))
        };
        let confidence = self.selection.confidence.map(calibrated);
        // A single attempt has no votes to be sure by; what it has is its likelihood.
        let likelihood = || {
            let chosen = self.attempts.get(&self.selection.trial)?;
            chosen.mean_logprob().map(|l| calibrated(l.exp()))
        };
        let abstained = settings
            .min_confidence
            .is_some_and(|least| confidence.or_else(likelihood).is_none_or(|c| c < least));
        RunReport {
            why: settings.why,
            scored_by: settings.scored_by,
            confidence,
            abstained,
            problem: self.problem.clone(),
            effort: settings.effort,
            strategy: self.strategy.to_owned(),
            attempts: self.attempts.into_values().collect(),
            selection: self.selection,
            judgement,
            usage,
            status: self.status,
            model: thinker.model.info().name,
            seed: settings.seed,
            run: recorder.map(|r| r.run.clone()),
            wall_ms: millis(start),
        }
    }
}

/// Cuts a trial down to the tokens granted.
fn fit(trial: &mut Trial, tokens: u32) {
    trial.max_tokens = tokens;
    trial.thinking.answer_tokens = trial.thinking.answer_tokens.min((tokens / 4).max(1));
    let most = tokens - trial.thinking.answer_tokens.min(tokens);
    trial.thinking.budget = trial.thinking.budget.map(|b| b.min(most));
}
