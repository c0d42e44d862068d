//! How effort, overrides and the kind of model become a strategy with its parameters.

use strawberry_core::{Budget, Effort, ModelInfo, Problem, Strategy};

use crate::auto;
use crate::calibration::Calibration;
use crate::kind::StrategyKind;
use crate::scorer::{JUDGE, ScoredBy, public_tests};
use crate::spec::attempt_spec;
use crate::strategy::ab_mcts::AbMcts;
use crate::strategy::beam::Beam;
use crate::strategy::best_of_n::BestOfN;
use crate::strategy::budget_forcing::BudgetForcing;
use crate::strategy::critique::{self, Critique};
use crate::strategy::deepconf::Deepconf;
use crate::strategy::direct::Direct;
use crate::strategy::dvts::Dvts;
use crate::strategy::majority::{Majority, Weighing};
use crate::strategy::repair::Repair;
use crate::strategy::rsa::Rsa;
use crate::strategy::steps;

/// Probability at which a vote counts as decided.
pub const DECIDED: f64 = 0.95;
/// Attempts allowed when only a time or a number of tokens was given.
const MANY_SAMPLES: u32 = 256;
/// The largest numbers a user may ask for; more is a typing error.
const LARGEST: (u32, u64, u64) = (65_536, 1_000_000_000, 7 * 24 * 3_600_000);

/// What the user asked for.
#[derive(Clone, Debug, Default)]
pub struct PlanOptions {
    /// The effort; `medium` where nothing else is said.
    pub effort: Option<Effort>,
    /// Overrides of the effort's budget.
    pub budget: Budget,
    /// The strategy; `auto` where nothing is said.
    pub strategy: Option<StrategyKind>,
    /// What strategies that rank or weigh attempts go by; by default chosen by the strategy.
    pub scorer: Option<ScoredBy>,
    /// Temperature of the attempts; by default chosen by kind of model.
    pub temperature: Option<f32>,
    /// The seed of the run.
    pub seed: u64,
    /// Below this confidence (from 0 to 1) the answer is "I don't know".
    pub min_confidence: Option<f64>,
    /// What a strategy's confidence is worth, as measured; without it, confidence is used as it comes.
    pub calibration: Option<Calibration>,
}

impl PlanOptions {
    /// Whether one answer without thinking is asked for: effort none, unless several attempts are wanted.
    pub fn answers_at_once(&self) -> bool {
        self.effort == Some(Effort::None) && self.budget.samples.is_none_or(|n| n == 1)
    }
}

/// A budget or option that can't be carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PlanError(String);

/// A run ready to be driven.
pub struct Plan {
    /// The effort, if the budget is an effort's (possibly overridden in part).
    pub effort: Option<Effort>,
    /// What may be spent.
    pub budget: Budget,
    /// Trials at most: the attempts of the budget, or the steps of these attempts.
    pub trials: u32,
    /// The search.
    pub strategy: Box<dyn Strategy>,
    /// Which strategy it is, and why.
    pub choice: auto::Choice,
    /// What attempts are scored by.
    pub scored_by: ScoredBy,
    /// The seed of the run.
    pub seed: u64,
    /// Below this confidence the run abstains.
    pub min_confidence: Option<f64>,
    /// What confidence is worth.
    pub calibration: Option<Calibration>,
}

impl Plan {
    /// Plans a run of `problem` on the model described by `info`.
    ///
    /// # Errors
    /// A budget of zero, or one beyond any use, an impossible temperature or confidence, and a strategy that
    /// can do nothing with this problem are refused with a message that names them.
    pub fn new(problem: &Problem, info: &ModelInfo, options: &PlanOptions) -> Result<Plan, PlanError> {
        check(&options.budget)?;
        if options.temperature.is_some_and(|t| !(0.0..=100.0).contains(&t)) {
            return Err(PlanError("temperature must be between 0 and 100".to_owned()));
        }
        if options.min_confidence.is_some_and(|c| !(0.0..=1.0).contains(&c)) {
            return Err(PlanError(
                "the least confidence must be between 0 and 1".to_owned(),
            ));
        }
        let overridden = options.budget != Budget::default();
        let effort = options.effort.or((!overridden).then_some(Effort::default()));
        let budget = budget(effort.unwrap_or_default(), &options.budget);
        let samples = budget.samples.unwrap_or(MANY_SAMPLES);
        let choice = match options.strategy.filter(|&kind| kind != StrategyKind::Auto) {
            Some(kind) => auto::Choice {
                kind,
                why: "asked for by name".to_owned(),
            },
            None => auto::choose(problem, info, options.answers_at_once(), samples),
        };
        let kind = choice.kind;
        let scored_by = options.scorer.clone().unwrap_or_else(|| match kind {
            StrategyKind::Deepconf => ScoredBy::recorded(crate::confidence::LOWEST_GROUP),
            StrategyKind::Repair => tests_scorer(),
            StrategyKind::AbMcts if !public_tests(problem).is_empty() => tests_scorer(),
            _ => ScoredBy::default(),
        });
        if scored_by.name() == JUDGE && kind != StrategyKind::BestOfN {
            return Err(PlanError(format!(
                "the scorer 'judge' asks the model about finished attempts, which '{kind}' can't wait for: use --strategy best-of-n"
            )));
        }
        if kind == StrategyKind::Repair && options.scorer.is_none() && public_tests(problem).is_empty() {
            return Err(PlanError(
                "'repair' needs tests to run: put Python assert lines into the question".to_owned(),
            ));
        }
        let least = match kind {
            StrategyKind::Critique => critique::LEAST,
            StrategyKind::BestOfN if scored_by.name() == JUDGE => 2,
            _ => 1,
        };
        if samples < least {
            return Err(PlanError(format!(
                "'{kind}' needs at least {least} attempts here, {samples} are allowed: use --samples {least} or a higher effort"
            )));
        }
        // What the user counts is lines of thought; each step of one is a trial of its own.
        let trials = if kind.steps() {
            samples.saturating_mul(steps::MOST_STEPS)
        } else {
            samples
        };
        let spec = attempt_spec(problem, info, kind, &budget, options);
        let by = scored_by.clone();
        let strategy: Box<dyn Strategy> = match kind {
            StrategyKind::Direct => Box::new(Direct::new(spec)),
            StrategyKind::Majority | StrategyKind::Auto => {
                Box::new(Majority::new("majority", spec, samples, DECIDED, Weighing::Equal))
            }
            StrategyKind::Weighted => Box::new(Majority::new(
                "weighted",
                spec,
                samples,
                DECIDED,
                Weighing::Score(by),
            )),
            StrategyKind::Program => {
                Box::new(Majority::new("program", spec, samples, DECIDED, Weighing::Equal))
            }
            StrategyKind::BestOfN => Box::new(BestOfN::new(spec, samples, by)),
            StrategyKind::Deepconf => Box::new(Deepconf::new(spec, samples)),
            StrategyKind::Beam => Box::new(Beam::new(spec, samples, by)),
            StrategyKind::Dvts => Box::new(Dvts::new(spec, samples, by)),
            StrategyKind::AbMcts => Box::new(AbMcts::new(spec, samples, by)),
            StrategyKind::Repair => Box::new(Repair::new(spec, samples, by)),
            StrategyKind::Rsa => Box::new(Rsa::new(spec, samples)),
            StrategyKind::Critique => Box::new(Critique::new(spec, samples)),
            StrategyKind::BudgetForcing => Box::new(BudgetForcing::new(spec, samples)),
        };
        Ok(Plan {
            effort,
            budget,
            trials,
            strategy,
            choice,
            scored_by,
            seed: options.seed,
            min_confidence: options.min_confidence,
            calibration: options.calibration.clone(),
        })
    }
}

fn tests_scorer() -> ScoredBy {
    let scorer: std::sync::Arc<dyn crate::scorer::Scorer> = std::sync::Arc::new(crate::scorer::PublicTests);
    scorer.into()
}

fn check(budget: &Budget) -> Result<(), PlanError> {
    let (samples, tokens, wall) = LARGEST;
    let within = |name: &str, value: Option<u64>, most: u64| match value {
        Some(0) => Err(PlanError(format!(
            "a budget of 0 {name} leaves nothing to do: give at least 1"
        ))),
        Some(v) if v > most => Err(PlanError(format!(
            "a budget of {v} {name} is beyond any use: give at most {most}"
        ))),
        _ => Ok(()),
    };
    within("samples", budget.samples.map(u64::from), u64::from(samples))?;
    within("tokens", budget.tokens, tokens)?;
    within("tokens per attempt", budget.attempt_tokens.map(u64::from), tokens)?;
    within("milliseconds", budget.wall_ms, wall)
}

/// The effort's budget with the user's overrides. A limit given by the user replaces the effort's limits of
/// other kinds too: `--think 30s` thinks for 30 seconds, however many attempts that makes.
fn budget(effort: Effort, given: &Budget) -> Budget {
    let table = effort.budget();
    if *given == Budget::default() {
        return table;
    }
    let samples = given.samples.or_else(|| {
        let open_ended = given.tokens.is_some() || given.wall_ms.is_some();
        if open_ended {
            Some(MANY_SAMPLES)
        } else {
            table.samples
        }
    });
    let attempt_tokens = given.attempt_tokens.or_else(|| {
        let mut most = u64::from(table.attempt_tokens.unwrap_or(u32::MAX));
        if let Some(tokens) = given.tokens {
            // So that a total of 4,000 buys eight attempts of 500, not one of 4,000.
            let attempts = u64::from(given.samples.unwrap_or(8).clamp(1, 8));
            most = most.min((tokens / attempts).max(64)).min(tokens);
        }
        u32::try_from(most).ok()
    });
    Budget {
        samples,
        tokens: given.tokens,
        attempt_tokens,
        wall_ms: given.wall_ms,
        tool_calls: given.tool_calls,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(options: PlanOptions) -> Result<Plan, PlanError> {
        Plan::new(
            &Problem::question("What is 2+2?"),
            &ModelInfo::default(),
            &options,
        )
    }

    #[test]
    fn effort_none_is_direct_and_the_default_is_medium_majority() {
        let none = plan(PlanOptions {
            effort: Some(Effort::None),
            ..PlanOptions::default()
        })
        .unwrap();
        assert_eq!((none.strategy.name(), none.budget.samples), ("direct", Some(1)));
        let default = plan(PlanOptions::default()).unwrap();
        assert_eq!(
            (default.strategy.name(), default.effort),
            ("majority", Some(Effort::Medium))
        );
    }

    #[test]
    fn zero_and_absurd_budgets_are_refused_by_name() {
        for (budget, word) in [
            (
                Budget {
                    samples: Some(0),
                    ..Budget::default()
                },
                "samples",
            ),
            (
                Budget {
                    tokens: Some(u64::MAX),
                    ..Budget::default()
                },
                "tokens",
            ),
            (
                Budget {
                    wall_ms: Some(0),
                    ..Budget::default()
                },
                "milliseconds",
            ),
        ] {
            let error = plan(PlanOptions {
                budget,
                ..PlanOptions::default()
            })
            .err()
            .unwrap();
            assert!(error.to_string().contains(word), "{error}");
        }
    }

    #[test]
    fn a_total_of_tokens_is_split_over_attempts() {
        let budget = Budget {
            tokens: Some(4000),
            ..Budget::default()
        };
        let plan = plan(PlanOptions {
            budget,
            ..PlanOptions::default()
        })
        .unwrap();
        assert_eq!(plan.budget.attempt_tokens, Some(500));
        assert_eq!(plan.effort, None);
    }
}
