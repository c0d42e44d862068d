//! The report: claims, each with the passages it cites and how they support it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strawberry_core::{Effort, Usage};

use crate::plan::Plan;
use crate::support::Support;

/// Who wrote the sentences.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Every sentence stands word by word in its source; a model may only arrange and shorten.
    Extractive,
    /// A model wrote the sentences from the passages it was shown.
    Generative,
}

/// A place in a passage that a claim rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Citation {
    /// The number of the source in the report, from 1.
    pub source: usize,
    /// Where the evidence begins, in bytes of the passage's text.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
}

/// One sentence of the report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Claim {
    /// The sentence.
    pub text: String,
    /// What it rests on; empty where nothing supports it.
    pub citations: Vec<Citation>,
    /// How well.
    pub support: Support,
}

/// The answer to one part of the question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Section {
    /// The part of the question.
    pub question: String,
    /// Its sentences; empty where nothing was found.
    pub claims: Vec<Claim>,
}

/// A passage that is cited.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Cited {
    /// Its number in the report, from 1.
    pub number: usize,
    /// The passage's id in the store.
    pub id: String,
    /// Which source it came from.
    pub source: String,
    /// The document: a path inside the corpus, or an address.
    pub document: String,
    /// The document's title.
    pub title: String,
    /// The heading above the passage.
    pub section: String,
    /// Where it begins in the document's text, in bytes.
    pub start: u64,
    /// Where it ends.
    pub end: u64,
    /// When it was read, in milliseconds since the Unix epoch.
    pub retrieved_ms: u64,
    /// Its text.
    pub text: String,
}

/// Two claims that say the same of different figures, or one of which denies the other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Disagreement {
    /// One sentence.
    pub one: Claim,
    /// The other.
    pub other: Claim,
}

/// A finished piece of research.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// What was asked.
    pub question: String,
    /// Who wrote the sentences.
    pub mode: Mode,
    /// What judged support: `lexical`, or `lexical + model`.
    pub scorer: String,
    /// The model's name; `none` without one.
    pub model: String,
    /// How deep it went.
    pub effort: Effort,
    /// Whether unsupported sentences were dropped.
    pub strict: bool,
    /// The seed.
    pub seed: u64,
    /// What was looked for.
    pub plan: Plan,
    /// The answer, part by part.
    pub sections: Vec<Section>,
    /// Where sources contradict one another.
    pub disagreements: Vec<Disagreement>,
    /// The passages cited, by number.
    pub sources: Vec<Cited>,
    /// What went wrong or was left out, in sentences.
    pub remarks: Vec<String>,
    /// Searches made and pages read.
    pub tool_calls: u32,
    /// Passages looked at.
    pub passages_seen: usize,
    /// What the model cost.
    pub usage: Usage,
}

impl Report {
    /// All claims, in order.
    pub fn claims(&self) -> impl Iterator<Item = &Claim> {
        self.sections.iter().flat_map(|s| &s.claims)
    }

    /// How many claims have this support.
    pub fn count(&self, support: Support) -> usize {
        self.claims().filter(|c| c.support == support).count()
    }

    /// The sentence that says who wrote the report and who judged it.
    pub fn method(&self) -> String {
        let who = match self.mode {
            Mode::Extractive => {
                "Every sentence stands word by word in the source it cites; nothing was rephrased.".to_owned()
            }
            Mode::Generative => {
                format!(
                    "Written by {} from the passages cited, which it was shown; it can cite nothing else.",
                    self.model
                )
            }
        };
        format!("{who} Support was judged by the {} scorer.", self.scorer)
    }
}
