//! Scorers: what says how good an attempt is, without knowing the right answer.
//!
//! A scorer runs once for every attempt, when it has ended. What it says is kept in [`Attempt::scores`] and so in
//! the trace; every aggregation can be recomputed from there without sampling.
//!
//! Measures of the tokens ([`crate::confidence`]) are kept for every attempt anyway. The judge prompt is no
//! scorer of this kind, since it samples: its questions are trials of the strategy
//! ([`crate::strategy::best_of_n`]), counted like all others.

mod public;

use std::sync::Arc;

use strawberry_core::{Attempt, Problem};

use crate::confidence;

pub use public::{PublicTests, public_tests};

/// What a scorer says.
#[derive(Clone, Debug, PartialEq)]
pub struct Score {
    /// The higher the better; from 0 to 1 where the scorer can say so.
    pub value: f64,
    /// Why, in words from which a next attempt can learn.
    pub feedback: Option<String>,
}

/// Says how good an attempt is. A learned verifier implements this.
pub trait Scorer: Send + Sync {
    /// The name under which the score is kept.
    fn name(&self) -> &str;

    /// The score of `attempt`, or `None` when nothing can be said. May block: it is called on a blocking thread.
    fn score(&self, problem: &Problem, attempt: &Attempt) -> Option<Score>;
}

/// The name of the geometric mean of the tokens' probabilities, from 0 to 1.
pub const LIKELIHOOD: &str = "likelihood";
/// The name of the score that a judge prompt gives.
pub const JUDGE: &str = "judge";
/// The name of the share of the question's own tests that pass.
pub const TESTS: &str = "tests";

/// Names that need no scorer object: measures of the tokens, which every attempt carries, and the judge.
const BUILT_IN: [&str; 5] = [
    LIKELIHOOD,
    confidence::MEAN,
    confidence::LOWEST_GROUP,
    confidence::LEAST_LOGPROB,
    JUDGE,
];

/// What a strategy goes by when it ranks or weighs attempts.
#[derive(Clone)]
pub struct ScoredBy {
    name: String,
    scorer: Option<Arc<dyn Scorer>>,
}

impl Default for ScoredBy {
    fn default() -> Self {
        ScoredBy {
            name: LIKELIHOOD.to_owned(),
            scorer: None,
        }
    }
}

impl std::fmt::Debug for ScoredBy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ScoredBy({})", self.name)
    }
}

impl From<Arc<dyn Scorer>> for ScoredBy {
    fn from(scorer: Arc<dyn Scorer>) -> Self {
        ScoredBy {
            name: scorer.name().to_owned(),
            scorer: Some(scorer),
        }
    }
}

impl ScoredBy {
    /// A score that attempts already carry, as those of a trace do.
    pub fn recorded(name: &str) -> Self {
        ScoredBy {
            name: name.to_owned(),
            scorer: None,
        }
    }

    /// The name of the score.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The scorer that must run for each attempt; `None` where the score is there without.
    pub fn scorer(&self) -> Option<&Arc<dyn Scorer>> {
        self.scorer.as_ref()
    }

    /// The score of an attempt that has ended; `None` where there is none.
    pub fn of(&self, attempt: &Attempt) -> Option<f64> {
        if self.name == LIKELIHOOD {
            return attempt.mean_logprob().map(f64::exp);
        }
        attempt.scores.get(&self.name).copied()
    }

    /// The score as the weight of a vote, never negative. Scores that are logarithms (below 0) weigh their exponentials.
    pub fn weight(&self, attempt: &Attempt) -> Option<f64> {
        self.of(attempt).map(|s| if s < 0.0 { s.exp() } else { s })
    }
}

impl std::str::FromStr for ScoredBy {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        if name == TESTS {
            let scorer: Arc<dyn Scorer> = Arc::new(PublicTests);
            return Ok(scorer.into());
        }
        if BUILT_IN.contains(&name) {
            return Ok(ScoredBy::recorded(name));
        }
        Err(format!(
            "unknown scorer '{name}': use one of {}, {TESTS}",
            BUILT_IN.join(", ")
        ))
    }
}
