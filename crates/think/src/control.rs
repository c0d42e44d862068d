//! The handle by which a run is hurried or stopped from outside.

use std::sync::Arc;

use tokio::sync::watch;

#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub(crate) enum Phase {
    Run,
    AnswerNow,
    Stop,
}

/// A handle by which a run is hurried or stopped from outside.
#[derive(Clone, Debug)]
pub struct RunControl {
    pub(crate) phase: Arc<watch::Sender<Phase>>,
}

impl Default for RunControl {
    fn default() -> Self {
        RunControl::new()
    }
}

impl RunControl {
    /// A handle that asks for nothing.
    pub fn new() -> Self {
        RunControl {
            phase: Arc::new(watch::Sender::new(Phase::Run)),
        }
    }

    /// Stop thinking and answer: no new attempts, those in flight finish their answer.
    pub fn answer_now(&self) {
        self.raise(Phase::AnswerNow);
    }

    /// Stop at once with the best answer so far; the run counts as interrupted.
    pub fn interrupt(&self) {
        self.raise(Phase::Stop);
    }

    fn raise(&self, to: Phase) {
        self.phase.send_if_modified(|phase| {
            let up = *phase < to;
            if up {
                *phase = to;
            }
            up
        });
    }
}
