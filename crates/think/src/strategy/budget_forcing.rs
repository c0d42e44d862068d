//! One chain of thought that is not allowed to end: "Wait, …".

use strawberry_core::{Attempt, Outcome, Selection, Strategy, Trial, TrialId};

use super::AttemptSpec;
use crate::vote::Tally;

/// More than this does not help and often hurts (Muennighoff et al. 2025, section 4.2).
const MOST_WAITS: u32 = 2;
/// What is put in place of the end of the thought.
const WAIT: &str = "\nWait, let me check that again.";

/// Budget forcing (Muennighoff et al. 2025, "s1", arXiv 2501.19393, section 3.1): the end of the thought is
/// replaced by "Wait" and the model goes on from there, up to twice. The last attempt that has an answer
/// counts. Not monotonic in the number of waits, so a knob and never a default.
pub struct BudgetForcing {
    spec: AttemptSpec,
    rounds: u32,
    /// What the next trial begins with; `None` while a trial is in flight or all is done.
    next: Option<Option<String>>,
    asked: u32,
    tally: Tally,
    last: Option<TrialId>,
    last_answered: Option<TrialId>,
}

impl BudgetForcing {
    /// One attempt as `spec` says, and as many continuations as `samples` allows (two at most).
    pub fn new(spec: AttemptSpec, samples: u32) -> Self {
        BudgetForcing {
            spec,
            rounds: samples.min(MOST_WAITS + 1),
            next: Some(None),
            asked: 0,
            tally: Tally::new(),
            last: None,
            last_answered: None,
        }
    }
}

/// The thought so far, without its end, and the word that makes it go on.
fn reopened(attempt: &Attempt) -> String {
    match &attempt.thinking {
        Some(thinking) => format!("<think>\n{}{WAIT}", thinking.trim_end()),
        None => format!("{}{WAIT}", attempt.text.trim_end()),
    }
}

impl Strategy for BudgetForcing {
    fn name(&self) -> &'static str {
        "budget-forcing"
    }

    fn ask(&mut self) -> Vec<Trial> {
        let Some(prefix) = self.next.take() else {
            return Vec::new();
        };
        let trial = Trial {
            prefix,
            ..self.spec.trial(u64::from(self.asked))
        };
        self.asked += 1;
        vec![trial]
    }

    fn tell(&mut self, trial: TrialId, outcome: Outcome) {
        if self.last.is_some_and(|last| trial <= last) {
            return;
        }
        self.last = Some(trial);
        let Outcome::Sampled { attempt, class } = outcome else {
            return;
        };
        if attempt.answer.is_some() {
            self.last_answered = Some(trial);
        }
        if self.asked < self.rounds {
            self.next = Some(Some(reopened(&attempt)));
        }
        self.tally.add(trial, attempt, class);
    }

    fn best(&self) -> Option<Selection> {
        let voted = self.tally.select(|_| 1.0)?;
        let trial = self.last_answered.unwrap_or(voted.trial);
        let answer = voted
            .votes
            .iter()
            .find(|v| v.trials.contains(&trial))
            .map(|v| v.answer.clone());
        Some(Selection {
            trial,
            answer,
            confidence: None,
            votes: voted.votes,
        })
    }
}
