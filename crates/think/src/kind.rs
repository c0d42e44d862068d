//! The strategies by name.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The strategies a user can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StrategyKind {
    /// Chosen by the kind of problem, the kind of model and the budget; see [`crate::auto`].
    Auto,
    /// One greedy attempt without thinking.
    Direct,
    /// Chain of thought with majority vote and early stop.
    Majority,
    /// Chain of thought with votes weighted by a score, and early stop.
    Weighted,
    /// The best-scored of N chains of thought.
    BestOfN,
    /// Votes of confident attempts only; the others are given up early.
    Deepconf,
    /// Search over steps: the best prefixes go on.
    Beam,
    /// Search over steps in several independent trees.
    Dvts,
    /// A tree of attempts, grown wider or deeper.
    AbMcts,
    /// Programs whose printed output is the answer, with majority vote.
    Program,
    /// Generate, test, repair: for code whose question shows tests.
    Repair,
    /// Recursive self-aggregation: populations of attempts, each made from several of the last.
    Rsa,
    /// Plan, draft, critique, revise, select: for open questions.
    Critique,
    /// One chain of thought, made to think again.
    BudgetForcing,
}

impl StrategyKind {
    /// All of them.
    pub const ALL: [StrategyKind; 14] = [
        StrategyKind::Auto,
        StrategyKind::Direct,
        StrategyKind::Majority,
        StrategyKind::Weighted,
        StrategyKind::BestOfN,
        StrategyKind::Deepconf,
        StrategyKind::Beam,
        StrategyKind::Dvts,
        StrategyKind::AbMcts,
        StrategyKind::Program,
        StrategyKind::Repair,
        StrategyKind::Rsa,
        StrategyKind::Critique,
        StrategyKind::BudgetForcing,
    ];

    /// The name users select it by.
    pub fn as_str(self) -> &'static str {
        match self {
            StrategyKind::Auto => "auto",
            StrategyKind::Direct => "direct",
            StrategyKind::Majority => "majority",
            StrategyKind::Weighted => "weighted",
            StrategyKind::BestOfN => "best-of-n",
            StrategyKind::Deepconf => "deepconf",
            StrategyKind::Beam => "beam",
            StrategyKind::Dvts => "dvts",
            StrategyKind::AbMcts => "ab-mcts",
            StrategyKind::Program => "program",
            StrategyKind::Repair => "repair",
            StrategyKind::Rsa => "rsa",
            StrategyKind::Critique => "critique",
            StrategyKind::BudgetForcing => "budget-forcing",
        }
    }

    /// Whether its trials are single steps of attempts, so that it starts more trials than it has attempts.
    pub fn steps(self) -> bool {
        matches!(self, StrategyKind::Beam | StrategyKind::Dvts)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_variant_is_listed_and_parses() {
        for kind in StrategyKind::ALL {
            // A new variant must be given a place here, and then in `ALL`.
            let place = match kind {
                StrategyKind::Auto => 0,
                StrategyKind::Direct => 1,
                StrategyKind::Majority => 2,
                StrategyKind::Weighted => 3,
                StrategyKind::BestOfN => 4,
                StrategyKind::Deepconf => 5,
                StrategyKind::Beam => 6,
                StrategyKind::Dvts => 7,
                StrategyKind::AbMcts => 8,
                StrategyKind::Program => 9,
                StrategyKind::Repair => 10,
                StrategyKind::Rsa => 11,
                StrategyKind::Critique => 12,
                StrategyKind::BudgetForcing => 13,
            };
            assert_eq!(StrategyKind::ALL[place], kind);
            assert_eq!(kind.as_str().parse(), Ok(kind));
            let json = serde_json::to_string(&kind).unwrap();
            assert_eq!(json, format!("\"{kind}\""));
        }
        assert!("best".parse::<StrategyKind>().unwrap_err().contains("best-of-n"));
    }
}
