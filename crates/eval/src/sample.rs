//! What is sampled for one problem, and the row that is kept of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use strawberry_core::{
    Answer, Attempt, Budget, Effort, Finish, ModelError, ModelInfo, Problem, Reference, TrialId, Usage,
    Verdict, Verifier,
};
use strawberry_think::scorer::{TESTS, public_tests};
use strawberry_think::vote::Classes;
use strawberry_think::{Plan, PlanOptions, RunControl, StrategyKind, ThinkError, ThinkEvent, Thinker};

use crate::EvalError;

/// The characters of a response that are kept.
const KEPT: usize = 20_000;

/// What is sampled for a problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cell {
    /// One greedy answer without thinking: effort none.
    Direct,
    /// As many attempts as the greatest budget allows; smaller budgets are its beginnings.
    Pool,
    /// A strategy that decides from what it has seen, and so needs a run of its own at each budget.
    Own(OwnKind, Effort),
}

/// A strategy by its place in [`StrategyKind::ALL`], so that cells have an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OwnKind(usize);

impl OwnKind {
    /// The strategy.
    pub fn kind(self) -> StrategyKind {
        StrategyKind::ALL[self.0]
    }
}

impl From<StrategyKind> for OwnKind {
    fn from(kind: StrategyKind) -> Self {
        OwnKind(StrategyKind::ALL.iter().position(|k| *k == kind).unwrap_or(0))
    }
}

impl std::fmt::Display for Cell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Cell::Direct => f.write_str("direct"),
            Cell::Pool => f.write_str("pool"),
            Cell::Own(kind, effort) => write!(f, "{}@{effort}", kind.kind()),
        }
    }
}

/// One attempt of a [`Sample`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Try {
    /// Its trial.
    pub trial: TrialId,
    /// The response.
    pub text: String,
    /// The thinking before it, where the model separates the two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thinking: Option<String>,
    /// The answer found in it.
    pub answer: Option<String>,
    /// The answer's equivalence class within the sample.
    pub class: Option<usize>,
    /// The verdict against the reference.
    pub verdict: Option<Verdict>,
    /// Why that verdict.
    pub evidence: Option<String>,
    /// Why sampling ended.
    pub finish: Finish,
    /// Sampled tokens.
    pub tokens: u64,
    /// Sum of the log-probabilities of the sampled tokens.
    pub logprob: Option<f64>,
    /// Scores by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub scores: BTreeMap<String, f64>,
}

impl Try {
    fn new(attempt: &Attempt, class: Option<usize>) -> Self {
        Try {
            trial: attempt.trial,
            text: attempt.text.chars().take(KEPT).collect(),
            thinking: attempt.thinking.as_ref().map(|t| t.chars().take(KEPT).collect()),
            answer: attempt.answer.as_ref().map(|a| a.text.clone()),
            class,
            verdict: attempt.judgement.as_ref().map(|j| j.verdict),
            evidence: attempt.judgement.as_ref().map(|j| j.evidence.clone()),
            finish: attempt.finish,
            tokens: attempt.usage.completion_tokens,
            logprob: attempt.logprob,
            scores: attempt.scores.clone(),
        }
    }

    /// The attempt, as far as aggregations need it.
    pub fn attempt(&self) -> Arc<Attempt> {
        Arc::new(Attempt {
            trial: self.trial,
            seed: 0,
            temperature: 0.0,
            thinking: None,
            text: String::new(),
            answer: self.answer.clone().map(Answer::text),
            finish: self.finish,
            usage: Usage {
                completion_tokens: self.tokens,
                samples: 1,
                ..Usage::default()
            },
            logprob: self.logprob,
            scores: self.scores.clone(),
            feedback: None,
            judgement: self.verdict.map(|v| strawberry_core::Judgement::new(v, "", "")),
        })
    }
}

/// What was sampled for one problem with one seed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// The task.
    pub task: String,
    /// The problem within the task.
    pub id: String,
    /// The seed.
    pub seed: u64,
    /// What was sampled: `direct`, `pool`, or `strategy@effort`.
    pub cell: String,
    /// The question.
    pub question: String,
    /// The reference answer, or the tests.
    pub reference: String,
    /// The attempts, in order of trial.
    pub attempts: Vec<Try>,
    /// The attempt the strategy chose (of a pool: none yet).
    pub chosen: Option<TrialId>,
    /// How sure the strategy was.
    pub confidence: Option<f64>,
    /// All tokens sampled.
    pub tokens: u64,
    /// Attempts started.
    pub samples: u32,
    /// Why there is no attempt: the model could not answer (this counts as no answer).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Why the row is unscored: it is no problem.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unscored: Option<String>,
}

/// What is to be sampled.
pub struct Order<'a> {
    /// The task's name.
    pub task: &'a str,
    /// The row's id.
    pub id: &'a str,
    /// The seed of this repetition.
    pub seed: u64,
    /// What is sampled.
    pub cell: Cell,
    /// The greatest effort of the run; its budget is the pool's.
    pub greatest: Effort,
}

impl Sample {
    /// A row that is no problem.
    pub fn unscored(order: &Order, why: &str) -> Self {
        Sample {
            task: order.task.to_owned(),
            id: order.id.to_owned(),
            seed: order.seed,
            cell: order.cell.to_string(),
            question: String::new(),
            reference: String::new(),
            attempts: Vec::new(),
            chosen: None,
            confidence: None,
            tokens: 0,
            samples: 0,
            error: None,
            unscored: Some(why.to_owned()),
        }
    }

    /// Samples a problem.
    ///
    /// # Errors
    /// The run was stopped, or the model failed in a way that says nothing about this problem (a server that
    /// can't be reached).
    pub async fn take(
        order: &Order<'_>,
        thinker: &Thinker,
        problem: &Problem,
        control: &RunControl,
    ) -> Result<Sample, EvalError> {
        let mut sample = Sample {
            question: problem.last_user_text().to_owned(),
            reference: reference(problem),
            unscored: None,
            ..Sample::unscored(order, "")
        };
        let plan = plan(order, &thinker.model.info(), problem)?;
        let (send, mut events) = tokio::sync::mpsc::unbounded_channel();
        let run = thinker.run(problem, plan, control, None, Some(send));
        // Events are taken as they come, so that they do not pile up.
        let failure = async {
            let mut failure = None;
            while let Some(event) = events.recv().await {
                if let ThinkEvent::Failed { error, .. } = event {
                    failure.get_or_insert(error);
                }
            }
            failure
        };
        let (result, failure) = tokio::join!(run, failure);
        match (result, failure) {
            (Ok(report), _) if report.status == strawberry_core::trace::RunStatus::Interrupted => {
                return Err(EvalError::Interrupted);
            }
            // With some of its attempts lost, this would be another measurement than without.
            (Ok(_), Some(error)) => return Err(EvalError::Failed(format!("an attempt failed: {error}"))),
            (Ok(report), None) => {
                sample.attempts = tries(problem, &*thinker.verifier, &report.attempts);
                if order.cell != Cell::Pool {
                    sample.chosen = Some(report.selection.trial);
                    sample.confidence = report.confidence;
                }
                sample.tokens = report.usage.completion_tokens;
                sample.samples = report.usage.samples;
            }
            (Err(ThinkError::NothingYet), _) => return Err(EvalError::Interrupted),
            (
                Err(ThinkError::Model(
                    error @ (ModelError::Unreachable(_)
                    | ModelError::RateLimited(_)
                    | ModelError::Unauthorised(_)
                    | ModelError::TimedOut(_)),
                )),
                _,
            ) => return Err(EvalError::Failed(error.to_string())),
            (Err(error), _) => sample.error = Some(error.to_string()),
        }
        Ok(sample)
    }

    /// Whether there is anything to sample: a strategy may be unable to do anything with a problem or a budget.
    pub fn applies(order: &Order<'_>, info: &ModelInfo, problem: &Problem) -> bool {
        plan(order, info, problem).is_ok()
    }

    /// Where this sample belongs, for sorting and finding it.
    pub fn key(&self) -> (String, String, u64, String) {
        (self.task.clone(), self.id.clone(), self.seed, self.cell.clone())
    }
}

fn tries(problem: &Problem, verifier: &dyn Verifier, attempts: &[Arc<Attempt>]) -> Vec<Try> {
    let mut classes = Classes::new();
    attempts
        .iter()
        .map(|a| {
            Try::new(
                a,
                a.answer
                    .as_ref()
                    .map(|answer| classes.class_of(verifier, problem, answer)),
            )
        })
        .collect()
}

fn plan(order: &Order, info: &ModelInfo, problem: &Problem) -> Result<Plan, EvalError> {
    // Verifiers that run the question's own tests only where there are some.
    let tests = !public_tests(problem).is_empty();
    let scorer = tests
        .then(|| TESTS.parse())
        .transpose()
        .map_err(EvalError::Options)?;
    let options = match order.cell {
        Cell::Direct => PlanOptions {
            effort: Some(Effort::None),
            strategy: Some(StrategyKind::Direct),
            ..PlanOptions::default()
        },
        // All attempts at once; which of them count is decided afterwards.
        Cell::Pool => PlanOptions {
            effort: Some(order.greatest),
            strategy: Some(StrategyKind::BestOfN),
            scorer,
            ..PlanOptions::default()
        },
        Cell::Own(kind, effort) => PlanOptions {
            effort: Some(effort),
            strategy: Some(kind.kind()),
            budget: Budget::default(),
            ..PlanOptions::default()
        },
    };
    let options = PlanOptions {
        seed: order.seed,
        ..options
    };
    Plan::new(problem, info, &options).map_err(|e| EvalError::Options(e.to_string()))
}

fn reference(problem: &Problem) -> String {
    match &problem.reference {
        Some(Reference::Answer(a) | Reference::Goal(a)) => a.clone(),
        Some(Reference::Tests(tests)) => tests
            .iter()
            .filter(|t| !t.is_empty())
            .cloned()
            .collect::<Vec<_>>()
            .join("\n"),
        Some(Reference::Cases(cases)) => format!("{} input/output cases", cases.len()),
        None => String::new(),
    }
}
