//! How effort, overrides and the kind of model become a strategy with its parameters.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use strawberry_core::{Budget, Effort, ModelInfo, Problem, Sampling, Strategy, Thinking};

use crate::prompt;
use crate::strategy::AttemptSpec;
use crate::strategy::best_of_n::BestOfN;
use crate::strategy::budget_forcing::BudgetForcing;
use crate::strategy::direct::Direct;
use crate::strategy::majority::{Majority, Weighing};
use crate::strategy::rsa::Rsa;

/// Probability at which a vote counts as decided.
const DECIDED: f64 = 0.95;
/// A model without thinking blocks has said what it has to say after this many tokens; longer chains of
/// thought of such models are loops.
const CHAIN_OF_THOUGHT_TOKENS: u32 = 1024;
/// Kept for the answer when a thought is cut off.
const ANSWER_TOKENS: u32 = 64;
/// Attempts allowed when only a time or a number of tokens was given.
const MANY_SAMPLES: u32 = 256;
/// The largest numbers a user may ask for; more is a typing error.
const LARGEST: (u32, u64, u64) = (65_536, 1_000_000_000, 7 * 24 * 3_600_000);

/// The strategies a user can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StrategyKind {
    /// One greedy attempt without thinking.
    Direct,
    /// Chain of thought with majority vote and early stop.
    Majority,
    /// The likeliest of N chains of thought.
    BestOfN,
    /// Chain of thought with votes weighted by likelihood, and early stop.
    Weighted,
    /// One chain of thought, made to think again.
    BudgetForcing,
    /// Recursive self-aggregation: populations of attempts, each made from several of the last.
    Rsa,
}

impl StrategyKind {
    /// All of them.
    pub const ALL: [StrategyKind; 3] = [
        StrategyKind::Direct,
        StrategyKind::Majority,
        StrategyKind::BestOfN,
    ];

    /// The name users select it by.
    pub fn as_str(self) -> &'static str {
        match self {
            StrategyKind::Direct => "direct",
            StrategyKind::Majority => "majority",
            StrategyKind::BestOfN => "best-of-n",
            StrategyKind::Weighted => "weighted",
            StrategyKind::BudgetForcing => "budget-forcing",
            StrategyKind::Rsa => "rsa",
        }
    }
}

impl fmt::Display for StrategyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for StrategyKind {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        StrategyKind::ALL
            .into_iter()
            .find(|k| k.as_str() == s)
            .ok_or_else(|| {
                let names: Vec<_> = StrategyKind::ALL.iter().map(|k| k.as_str()).collect();
                format!("unknown strategy '{s}': use one of {}", names.join(", "))
            })
    }
}

/// What the user asked for.
#[derive(Clone, Debug, Default)]
pub struct PlanOptions {
    /// The effort; `medium` where nothing else is said.
    pub effort: Option<Effort>,
    /// Overrides of the effort's budget.
    pub budget: Budget,
    /// The strategy; by default `direct` for effort `none`, otherwise `majority`.
    pub strategy: Option<StrategyKind>,
    /// Temperature of the attempts; by default chosen by kind of model.
    pub temperature: Option<f32>,
    /// The seed of the run.
    pub seed: u64,
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
    /// The search.
    pub strategy: Box<dyn Strategy>,
    /// The seed of the run.
    pub seed: u64,
}

impl Plan {
    /// Plans a run of `problem` on the model described by `info`.
    ///
    /// # Errors
    /// A budget of zero, or one beyond any use, is refused with a message that names it.
    pub fn new(problem: &Problem, info: &ModelInfo, options: &PlanOptions) -> Result<Plan, PlanError> {
        check(&options.budget)?;
        if options.temperature.is_some_and(|t| !(0.0..=100.0).contains(&t)) {
            return Err(PlanError("temperature must be between 0 and 100".to_owned()));
        }
        let overridden = options.budget != Budget::default();
        let effort = options.effort.or((!overridden).then_some(Effort::default()));
        let budget = budget(effort.unwrap_or_default(), &options.budget);
        let kind = options.strategy.unwrap_or(match effort {
            Some(Effort::None) if options.budget.samples.is_none_or(|n| n == 1) => StrategyKind::Direct,
            _ => StrategyKind::Majority,
        });
        let samples = budget.samples.unwrap_or(MANY_SAMPLES);
        let spec = attempt_spec(problem, info, kind, &budget, options);
        let strategy: Box<dyn Strategy> = match kind {
            StrategyKind::Direct => Box::new(Direct::new(spec)),
            StrategyKind::Majority => Box::new(Majority::new(spec, samples, DECIDED, Weighing::Equal)),
            StrategyKind::Weighted => Box::new(Majority::new(spec, samples, DECIDED, Weighing::Likelihood)),
            StrategyKind::BudgetForcing => Box::new(BudgetForcing::new(spec, samples)),
            StrategyKind::Rsa => Box::new(Rsa::new(spec, samples)),
            StrategyKind::BestOfN => Box::new(BestOfN::new(spec, samples)),
        };
        Ok(Plan {
            effort,
            budget,
            strategy,
            seed: options.seed,
        })
    }
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

fn attempt_spec(
    problem: &Problem,
    info: &ModelInfo,
    kind: StrategyKind,
    budget: &Budget,
    options: &PlanOptions,
) -> AttemptSpec {
    let most = budget.attempt_tokens.unwrap_or(CHAIN_OF_THOUGHT_TOKENS);
    let top_logprobs = Some(0);
    if kind == StrategyKind::Direct {
        return AttemptSpec {
            messages: problem.messages.clone(),
            sampling: Sampling {
                temperature: options.temperature.unwrap_or(0.0),
                seed: options.seed,
                top_logprobs,
                ..Sampling::default()
            },
            max_tokens: most,
            thinking: Thinking {
                enabled: false,
                ..Thinking::default()
            },
            first_greedy: false,
        };
    }
    let closed = prompt::is_closed(problem);
    let max_tokens = if info.reasoning || !closed {
        most
    } else {
        most.min(CHAIN_OF_THOUGHT_TOKENS)
    };
    let answer_tokens = ANSWER_TOKENS.min(max_tokens / 4).max(1);
    let thinking = Thinking {
        enabled: true,
        budget: (info.reasoning || closed).then(|| max_tokens - answer_tokens),
        close_text: (!info.reasoning && closed).then(|| prompt::CLOSE_CHAIN_OF_THOUGHT.to_owned()),
        answer_tokens,
    };
    AttemptSpec {
        messages: prompt::chain_of_thought(problem, info),
        sampling: Sampling {
            temperature: options.temperature.unwrap_or(0.7),
            top_p: 0.95,
            seed: options.seed,
            top_logprobs,
            ..Sampling::default()
        },
        max_tokens,
        thinking,
        first_greedy: !info.reasoning && options.temperature.is_none(),
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
