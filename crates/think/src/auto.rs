//! Which strategy to take when the user names none.
//!
//! The rule is short on purpose. Majority vote is the default wherever answers can be compared, and another
//! strategy takes its place only after `strawberry eval` has shown it better at equal tokens. The other branches
//! are those where there is nothing to vote on: programs with tests, and open questions.

use strawberry_core::{ModelInfo, Problem, Reference};

use crate::kind::StrategyKind;
use crate::prompt;
use crate::scorer::public_tests;

/// A choice with its reason, as `--explain` prints it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// What was chosen.
    pub kind: StrategyKind,
    /// Why.
    pub why: String,
}

/// Chooses a strategy for `problem` on the model `info`, with `samples` attempts allowed; `at_once` asks for one
/// answer without thinking.
pub fn choose(problem: &Problem, info: &ModelInfo, at_once: bool, samples: u32) -> Choice {
    let choice = |kind: StrategyKind, why: &str| Choice {
        kind,
        why: why.to_owned(),
    };
    if at_once {
        return choice(StrategyKind::Direct, "effort none: one answer at once");
    }
    if !public_tests(problem).is_empty() {
        return choice(
            StrategyKind::Repair,
            "the question shows tests: programs are run against them and repaired",
        );
    }
    let code = matches!(problem.reference, Some(Reference::Tests(_) | Reference::Cases(_)));
    if !code && !prompt::is_closed(problem) {
        let small = info.parameters.is_some_and(|n| n < prompt::SMALL);
        return if samples >= 8 && !small {
            choice(
                StrategyKind::Critique,
                "an open question: drafts are criticised, revised and compared in pairs",
            )
        } else {
            choice(
                StrategyKind::BestOfN,
                "an open question, and a small model or budget: the likeliest response, since there are no equal answers to count",
            )
        };
    }
    if samples <= 1 {
        return choice(StrategyKind::Majority, "one attempt: a single chain of thought");
    }
    choice(
        StrategyKind::Majority,
        "a question whose answers can be compared: equal answers are counted until the vote is decided",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(question: &str, samples: u32, parameters: u64) -> StrategyKind {
        let info = ModelInfo {
            parameters: Some(parameters),
            ..ModelInfo::default()
        };
        choose(&Problem::question(question), &info, false, samples).kind
    }

    #[test]
    fn the_kind_of_problem_and_of_model_decide() {
        let big = 7_000_000_000;
        assert_eq!(chosen("What is 3*4?", 8, big), StrategyKind::Majority);
        assert_eq!(chosen("Write f.\nassert f(1) == 2", 8, big), StrategyKind::Repair);
        assert_eq!(chosen("Write a plan for a shop.", 8, big), StrategyKind::Critique);
        assert_eq!(
            chosen("Write a plan for a shop.", 8, 135_000_000),
            StrategyKind::BestOfN
        );
        assert_eq!(chosen("Write a plan for a shop.", 4, big), StrategyKind::BestOfN);
        let none = choose(&Problem::question("2+2?"), &ModelInfo::default(), true, 1);
        assert_eq!(none.kind, StrategyKind::Direct);
    }
}
