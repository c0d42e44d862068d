//! From passages to claims: written or chosen, cited, judged, numbered.
//!
//! | file | what to change there |
//! |---|---|
//! | `extractive` | sentences chosen word by word; a small model arranges and shortens |
//! | `generative` | sentences written by a model that can cite only what it was shown |
//! | `clean` | what a model's sentence may not hold: addresses, markup, quotations that stand nowhere |

pub(crate) mod clean;
mod extractive;
mod generative;

use std::collections::BTreeMap;

use crate::extract::{self, Note};
use crate::gather::Evidence;
use crate::passage::Passage;
use crate::plan::{Depth, Plan};
use crate::report::{Citation, Cited, Claim, Disagreement, Mode, Section};
use crate::run::{ResearchError, Run};
use crate::support::Support;
use crate::words::{denies, numbers};

/// Share of words in common from which on two sentences speak of the same thing.
const SAME_MATTER: f64 = 0.7;
/// Disagreements shown at most.
const MOST_DISAGREEMENTS: usize = 5;

/// A claim before it is numbered: citations are (passage of the part, bytes in its text).
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    pub text: String,
    pub cites: Vec<(usize, (usize, usize))>,
    pub support: Support,
}

/// The finished text.
pub(crate) struct Written {
    pub sections: Vec<Section>,
    pub disagreements: Vec<Disagreement>,
    pub sources: Vec<Cited>,
}

/// Writes all parts.
pub(crate) async fn sections(
    run: &mut Run<'_>,
    plan: &Plan,
    evidence: &[Evidence],
    depth: &Depth,
) -> Result<Written, ResearchError> {
    let drafts = match run.mode {
        Mode::Extractive => extractive::drafts(run, plan, evidence, depth).await?,
        Mode::Generative => generative::drafts(run, plan, evidence, depth).await?,
    };
    let mut numbering = Numbering::default();
    let mut written = Written {
        sections: Vec::new(),
        disagreements: Vec::new(),
        sources: Vec::new(),
    };
    let (mut dropped, mut warned) = (0, false);
    for ((part, drafts), evidence) in plan.parts.iter().zip(drafts).zip(evidence) {
        let mut claims = Vec::new();
        for draft in drafts {
            if run.brief.strict && draft.support == Support::Unsupported {
                dropped += 1;
            } else {
                claims.push(numbering.claim(&draft, evidence));
            }
        }
        let found = extract::notes(&part.question, &evidence.passages, 8);
        for (one, note) in disagreements(&claims, &found, evidence, &numbering) {
            if written.disagreements.len() < MOST_DISAGREEMENTS {
                let other = numbering.claim(&quoted(&note), evidence);
                written.disagreements.push(Disagreement { one, other });
            }
        }
        warned |= evidence
            .passages
            .iter()
            .any(|p| extract::talks_to_machines(&p.text));
        written.sections.push(Section {
            question: part.question.clone(),
            claims,
        });
    }
    if dropped > 0 {
        run.remark(&format!(
            "{dropped} sentences that nothing supports were dropped."
        ));
    }
    if warned {
        run.remark("Some passages that were found give instructions to whatever machine reads them; none was followed.");
    }
    for section in written.sections.iter().filter(|s| s.claims.is_empty()) {
        run.remark(&format!("Nothing was found that answers: {}", section.question));
    }
    written.sources = numbering.sources;
    Ok(written)
}

/// A sentence of a passage as a claim.
fn quoted(note: &Note) -> Draft {
    Draft {
        text: note.text.clone(),
        cites: vec![(note.passage, note.span)],
        support: Support::Quoted,
    }
}

/// Claims that a sentence of another document contradicts: the same words, other figures or a denial.
fn disagreements(
    claims: &[Claim],
    notes: &[Note],
    evidence: &Evidence,
    numbering: &Numbering,
) -> Vec<(Claim, Note)> {
    let figureless = |text: &str| -> String { text.chars().filter(|c| !c.is_ascii_digit()).collect() };
    let mut found: Vec<(Claim, Note)> = Vec::new();
    for note in notes {
        let passage: &Passage = &evidence.passages[note.passage];
        let against = claims.iter().find(|claim| {
            let elsewhere = claim
                .citations
                .iter()
                .all(|c| numbering.sources[c.source - 1].document != passage.document);
            let (a, b) = (numbers(&claim.text), numbers(&note.text));
            let differs = (a != b && !a.is_empty() && !b.is_empty() && a.len() == b.len())
                || denies(&claim.text) != denies(&note.text);
            elsewhere
                && differs
                && extract::overlap(&figureless(&claim.text), &figureless(&note.text)) >= SAME_MATTER
        });
        let mirrored = |claim: &Claim| {
            found
                .iter()
                .any(|(c, n)| c.text == note.text && n.text == claim.text)
        };
        if let Some(claim) = against
            && !mirrored(claim)
        {
            found.push((claim.clone(), note.clone()));
        }
    }
    found
}

/// Numbers passages in the order in which they are cited.
#[derive(Default)]
struct Numbering {
    numbers: BTreeMap<String, usize>,
    sources: Vec<Cited>,
}

impl Numbering {
    fn claim(&mut self, draft: &Draft, evidence: &Evidence) -> Claim {
        let mut citations: Vec<Citation> = Vec::new();
        for &(index, (start, end)) in &draft.cites {
            let source = self.number(&evidence.passages[index], &evidence.sources[index]);
            if !citations.iter().any(|c| c.source == source) {
                citations.push(Citation { source, start, end });
            }
        }
        Claim {
            text: draft.text.clone(),
            citations,
            support: draft.support,
        }
    }

    fn number(&mut self, passage: &Passage, source: &str) -> usize {
        if let Some(number) = self.numbers.get(&passage.id) {
            return *number;
        }
        let number = self.sources.len() + 1;
        self.numbers.insert(passage.id.clone(), number);
        self.sources.push(Cited {
            number,
            id: passage.id.clone(),
            source: source.to_owned(),
            document: passage.document.clone(),
            title: passage.title.clone(),
            section: passage.section.clone(),
            start: passage.start,
            end: passage.end(),
            retrieved_ms: passage.retrieved_ms,
            text: passage.text.clone(),
        });
        number
    }
}
