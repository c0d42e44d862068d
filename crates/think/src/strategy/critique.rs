//! Plan, draft, critique, revise, select: for open questions.

use std::collections::BTreeMap;
use std::sync::Arc;

use strawberry_core::{Attempt, Message, Outcome, Selection, Strategy, Trial, TrialId};

use super::{AttemptSpec, excerpt};

/// The attempts that one line of work takes: plan, draft, critique, revision, and two judgements.
pub const LEAST: u32 = 6;
/// Lines of work at most.
const MOST_LINES: u32 = 4;
/// Sampled tokens of a plan or a critique at most.
const NOTE_TOKENS: u32 = 400;
/// Sampled tokens of a judge's reply at most.
const VERDICT_TOKENS: u32 = 16;

/// What the trials in flight are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Plan,
    Draft,
    Critique,
    Revise,
    Select,
    Done,
}

/// Several lines of work, each planned, drafted, criticised and revised (self-refine, Madaan et al. 2023, arXiv
/// 2303.17651); then drafts and revisions meet in pairs, and the model judges each pair twice with the places
/// swapped, since judges favour a place (Zheng et al. 2023, arXiv 2306.05685, section 3.3). A pair on which
/// the two judgements differ is a draw and goes to the likelier text.
pub struct Critique {
    spec: AttemptSpec,
    lines: u32,
    stage: Stage,
    next: TrialId,
    /// The line, or the pair, that each trial belongs to; and whether a pair's places are swapped.
    place: BTreeMap<TrialId, (usize, bool)>,
    told: BTreeMap<TrialId, Option<Arc<Attempt>>>,
    plans: Vec<Option<Arc<Attempt>>>,
    drafts: Vec<Option<Arc<Attempt>>>,
    critiques: Vec<Option<Arc<Attempt>>>,
    /// Those who are still in the contest.
    field: Vec<Arc<Attempt>>,
}

impl Critique {
    /// As many lines of work as `samples` attempts allow: a line takes eight, its judgements included.
    pub fn new(spec: AttemptSpec, samples: u32) -> Self {
        Critique {
            spec,
            lines: ((samples + 2) / 8).clamp(1, MOST_LINES),
            stage: Stage::Plan,
            next: 0,
            place: BTreeMap::new(),
            told: BTreeMap::new(),
            plans: Vec::new(),
            drafts: Vec::new(),
            critiques: Vec::new(),
            field: Vec::new(),
        }
    }

    fn trial(&mut self, line: usize, swapped: bool, messages: Vec<Message>, most: u32) -> Trial {
        let id = self.next;
        self.next += 1;
        self.place.insert(id, (line, swapped));
        self.spec.aside(id, messages, most)
    }

    /// One trial for each line, with the note that `note` gives.
    fn each(&mut self, most: u32, note: impl Fn(&Self, usize) -> Option<String>) -> Vec<Trial> {
        (0..self.lines as usize)
            .filter_map(|line| {
                let messages = self.spec.with_note(&note(self, line)?);
                Some(self.trial(line, false, messages, most))
            })
            .collect()
    }

    /// The outcomes of the stage just over, by line.
    fn outcomes(&mut self) -> Vec<Option<Arc<Attempt>>> {
        let mut by_line = vec![None; self.lines as usize];
        for (trial, (line, _)) in std::mem::take(&mut self.place) {
            by_line[line] = self
                .told
                .get(&trial)
                .cloned()
                .flatten()
                .filter(|a| !a.text.trim().is_empty());
        }
        by_line
    }

    /// The pairs of the round: neighbours in the field; one that is left over waits.
    fn pairs(&mut self) -> Vec<Trial> {
        let question = self
            .spec
            .messages
            .last()
            .map_or(String::new(), |m| m.content.clone());
        let pairs: Vec<(usize, Arc<Attempt>, Arc<Attempt>)> = self
            .field
            .chunks_exact(2)
            .enumerate()
            .map(|(i, pair)| (i, pair[0].clone(), pair[1].clone()))
            .collect();
        let mut trials = Vec::new();
        for (i, first, second) in pairs {
            for swapped in [false, true] {
                let (a, b) = if swapped {
                    (&second, &first)
                } else {
                    (&first, &second)
                };
                let ask = format!(
                    "Request:\n{question}\n\nResponse A:\n{}\n\nResponse B:\n{}\n\nWhich response serves the request better? \
                     Reply with the letter A or B and nothing else.",
                    excerpt(&a.text),
                    excerpt(&b.text)
                );
                let mut trial = self.trial(i, swapped, vec![Message::user(ask)], VERDICT_TOKENS);
                trial.sampling.temperature = 0.0;
                trials.push(trial);
            }
        }
        trials
    }

    /// Sends the winners of the round on.
    fn advance(&mut self) {
        let mut preferred: BTreeMap<usize, i32> = BTreeMap::new();
        for (trial, (pair, swapped)) in std::mem::take(&mut self.place) {
            let reply = self.told.get(&trial).cloned().flatten();
            let letter = reply.and_then(|a| letter(&a.text));
            // Positive: the first of the pair.
            let points = match (letter, swapped) {
                (Some('A'), false) | (Some('B'), true) => 1,
                (Some(_), _) => -1,
                (None, _) => 0,
            };
            *preferred.entry(pair).or_default() += points;
        }
        let likelihood = |a: &Attempt| a.mean_logprob().unwrap_or(f64::NEG_INFINITY);
        let mut on: Vec<Arc<Attempt>> = Vec::new();
        for (i, pair) in self.field.chunks(2).enumerate() {
            on.push(match pair {
                [one] => one.clone(),
                [first, second, ..] => {
                    let points = preferred.get(&i).copied().unwrap_or(0);
                    let second_wins = points < 0 || (points == 0 && likelihood(second) > likelihood(first));
                    if second_wins {
                        second.clone()
                    } else {
                        first.clone()
                    }
                }
                [] => continue,
            });
        }
        self.field = on;
    }
}

/// The letter a judge's reply gives, if it gives one.
pub fn letter(reply: &str) -> Option<char> {
    reply
        .split(|c: char| !c.is_alphanumeric())
        .find_map(|word| match word {
            "A" | "a" => Some('A'),
            "B" | "b" => Some('B'),
            _ => None,
        })
}

impl Strategy for Critique {
    fn name(&self) -> &'static str {
        "critique"
    }

    fn ask(&mut self) -> Vec<Trial> {
        if (self.told.len() as u64) < self.next {
            return Vec::new();
        }
        let most = self.spec.max_tokens;
        if self.next == 0 {
            return self.each(NOTE_TOKENS, |_, _| {
                Some("\n\nFirst write a short plan for your response: its points, in order. Do not write the response yet.".into())
            });
        }
        loop {
            let trials = match self.stage {
                Stage::Plan => {
                    self.plans = self.outcomes();
                    self.stage = Stage::Draft;
                    self.each(most, |s, line| {
                        let plan = s.plans[line].as_ref().map(|p| excerpt(&p.text));
                        Some(plan.map_or(String::new(), |p| format!("\n\nFollow this plan:\n{p}")))
                    })
                }
                Stage::Draft => {
                    self.drafts = self.outcomes();
                    self.field = self.drafts.iter().flatten().cloned().collect();
                    self.stage = Stage::Critique;
                    self.each(NOTE_TOKENS, |s, line| {
                        let draft = excerpt(&s.drafts[line].as_ref()?.text);
                        Some(format!(
                            "\n\nHere is a draft of a response:\n{draft}\n\nName its weaknesses: what is wrong, missing, vague or superfluous. Do not write a new response."
                        ))
                    })
                }
                Stage::Critique => {
                    self.critiques = self.outcomes();
                    self.stage = Stage::Revise;
                    self.each(most, |s, line| {
                        let draft = excerpt(&s.drafts[line].as_ref()?.text);
                        let critique = excerpt(&s.critiques[line].as_ref()?.text);
                        Some(format!(
                            "\n\nHere is a draft of a response:\n{draft}\n\nA critic says:\n{critique}\n\nWrite the response anew, mended. Write only the response."
                        ))
                    })
                }
                Stage::Revise => {
                    let revised = self.outcomes();
                    let drafts = std::mem::take(&mut self.drafts);
                    // A draft first meets its own revision.
                    self.field = drafts
                        .into_iter()
                        .zip(revised)
                        .flat_map(|(d, r)| [d, r])
                        .flatten()
                        .collect();
                    self.stage = Stage::Select;
                    self.pairs()
                }
                Stage::Select => {
                    self.advance();
                    if self.field.len() < 2 {
                        self.stage = Stage::Done;
                    }
                    self.pairs()
                }
                Stage::Done => return Vec::new(),
            };
            if !trials.is_empty() {
                return trials;
            }
        }
    }

    fn tell(&mut self, trial: TrialId, outcome: Outcome) {
        let told = match outcome {
            Outcome::Sampled { attempt, .. } => Some(attempt),
            Outcome::Failed => None,
        };
        self.told.entry(trial).or_insert(told);
    }

    fn best(&self) -> Option<Selection> {
        let in_flight = |wanted: Stage| {
            (self.stage == wanted)
                .then(|| self.place.keys().find_map(|t| self.told.get(t)?.clone()))
                .flatten()
        };
        // Before there is a draft, whatever there is; a plan says more than nothing.
        let chosen = self
            .field
            .first()
            .cloned()
            .or_else(|| in_flight(Stage::Draft))
            .or_else(|| self.told.values().flatten().next().cloned())?;
        Some(Selection {
            trial: chosen.trial,
            answer: None,
            confidence: None,
            votes: Vec::new(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::letter;

    #[test]
    fn a_judges_letter_is_read() {
        assert_eq!(letter("B"), Some('B'));
        assert_eq!(letter("Response A is better."), Some('A'));
        assert_eq!(letter("Both are fine."), None);
    }
}
