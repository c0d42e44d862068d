//! Turns the events of a search into one readable text, while the search runs.
//!
//! Attempts run side by side; their words must not be mixed. The first attempt that has not ended is shown
//! live, the others are shown in order when their turn comes.

use std::collections::BTreeMap;

use strawberry_core::{Channel, TrialId};
use strawberry_think::ThinkEvent;

/// What to show of an event.
#[derive(Debug, PartialEq)]
pub enum Shown {
    /// Thinking.
    Reasoning(String),
    /// The answer itself.
    Content(String),
}

/// Puts the attempts of one run in order.
pub struct Narrator {
    live: bool,
    trials: BTreeMap<TrialId, Line>,
    headed: Option<TrialId>,
}

#[derive(Default)]
struct Line {
    text: String,
    ended: bool,
}

impl Narrator {
    /// For a run of one attempt, whose answer is *the* answer (`live`), or of several.
    pub fn new(live: bool) -> Self {
        Narrator {
            live,
            trials: BTreeMap::new(),
            headed: None,
        }
    }

    /// Takes an event; returns what to show now.
    pub fn take(&mut self, event: &ThinkEvent) -> Option<Shown> {
        match event {
            ThinkEvent::Started { trial } => {
                self.trials.entry(*trial).or_default();
            }
            ThinkEvent::Text {
                channel: Channel::Answer,
                text,
                ..
            } if self.live => return shown(text.clone(), Shown::Content),
            ThinkEvent::Text { trial, text, .. } => {
                self.trials.entry(*trial).or_default().text.push_str(text)
            }
            ThinkEvent::Ended { attempt } => self.trials.entry(attempt.trial).or_default().ended = true,
            ThinkEvent::Failed { trial, error } => {
                let line = self.trials.entry(*trial).or_default();
                line.text.push_str(&format!("(failed: {error})"));
                line.ended = true;
            }
            ThinkEvent::Votes(_) => return None,
        }
        shown(self.flush(), Shown::Reasoning)
    }

    /// The end: everything that was not shown yet.
    pub fn finish(&mut self) -> Option<Shown> {
        for line in self.trials.values_mut() {
            line.ended = true;
        }
        shown(self.flush(), Shown::Reasoning)
    }

    fn flush(&mut self) -> String {
        let mut out = String::new();
        while let Some((&trial, line)) = self.trials.iter_mut().next() {
            if !line.text.is_empty() {
                if !self.live && self.headed != Some(trial) {
                    let space = if self.headed.is_some() { "\n\n" } else { "" };
                    out.push_str(&format!("{space}**Attempt {}**\n\n", trial + 1));
                    self.headed = Some(trial);
                }
                out.push_str(&std::mem::take(&mut line.text));
            }
            if !line.ended {
                break;
            }
            self.trials.remove(&trial);
        }
        out
    }
}

fn shown(text: String, make: fn(String) -> Shown) -> Option<Shown> {
    (!text.is_empty()).then(|| make(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(trial: TrialId, text: &str) -> ThinkEvent {
        ThinkEvent::Text {
            trial,
            channel: Channel::Answer,
            text: text.into(),
            tokens: 1,
        }
    }

    #[test]
    fn attempts_side_by_side_are_told_one_after_the_other() {
        let mut narrator = Narrator::new(false);
        let failed = |trial| ThinkEvent::Failed {
            trial,
            error: "x".into(),
        };
        let mut all = String::new();
        for event in [
            ThinkEvent::Started { trial: 0 },
            ThinkEvent::Started { trial: 1 },
            text(1, "b1 "),
            text(0, "a1 "),
            text(1, "b2"),
            text(0, "a2 "),
            failed(0),
            text(1, " b3"),
        ] {
            if let Some(Shown::Reasoning(text)) = narrator.take(&event) {
                all.push_str(&text);
            }
        }
        assert_eq!(
            all,
            "**Attempt 1**\n\na1 a2 (failed: x)\n\n**Attempt 2**\n\nb1 b2 b3"
        );
        assert_eq!(narrator.finish(), None);
    }

    #[test]
    fn a_single_attempt_answers_live() {
        let mut narrator = Narrator::new(true);
        assert_eq!(narrator.take(&text(0, "4")), Some(Shown::Content("4".into())));
    }
}
