//! Records in the forms that trainers read.
//!
//! | view | columns | read by |
//! |---|---|---|
//! | `records` | all of [`Record`] | this project, `datasets` |
//! | `messages` | `messages` | TRL SFT, `datasets` |
//! | `prompt-completion` | `prompt`, `completion` (message lists) | TRL SFT, GRPO |
//! | `preference` | `prompt`, `chosen`, `rejected` (message lists) | TRL DPO and reward models, OpenRLHF |
//! | `stepwise` | `prompt`, `completions`, `labels` | TRL PRM |
//! | `verl` | `data_source`, `prompt`, `ability`, `reward_model`, `extra_info` | verl (after conversion to Parquet) |
//! | `openrlhf` | `input`, `output`, `label` | OpenRLHF (`--input_key input --output_key output --label_key label`) |

pub mod negatives;
pub mod views;

use std::path::Path;
use std::str::FromStr;

use crate::error::SynthError;
use crate::record::Record;
use crate::sink::JsonlWriter;

/// A form of the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// The records themselves.
    Records,
    /// Whole conversations.
    Messages,
    /// Prompt and completion apart.
    PromptCompletion,
    /// Prompt with a better and a worse response.
    Preference,
    /// Steps with labels.
    Stepwise,
    /// Prompts with rule-based rewards.
    Verl,
    /// Flat text columns.
    OpenRlhf,
}

impl View {
    /// All views.
    pub const ALL: [View; 7] = [
        View::Records,
        View::Messages,
        View::PromptCompletion,
        View::Preference,
        View::Stepwise,
        View::Verl,
        View::OpenRlhf,
    ];

    /// The name given on the command line.
    pub fn name(self) -> &'static str {
        match self {
            View::Records => "records",
            View::Messages => "messages",
            View::PromptCompletion => "prompt-completion",
            View::Preference => "preference",
            View::Stepwise => "stepwise",
            View::Verl => "verl",
            View::OpenRlhf => "openrlhf",
        }
    }
}

impl FromStr for View {
    type Err = SynthError;

    fn from_str(s: &str) -> Result<Self, SynthError> {
        View::ALL.into_iter().find(|v| v.name() == s).ok_or_else(|| {
            let names: Vec<&str> = View::ALL.iter().map(|v| v.name()).collect();
            SynthError::Option(format!("unknown view '{s}': use {}", names.join(", ")))
        })
    }
}

/// Writes a view of records to a JSONL file. Gives the number of rows.
pub fn export(view: View, records: &[Record], path: &Path) -> Result<usize, SynthError> {
    if path.extension().is_some_and(|e| e == "parquet") {
        return Err(SynthError::Option(format!(
            "{}: views are written as JSONL; `scripts/check_exports.py FOLDER --parquet` turns them into Parquet",
            path.display()
        )));
    }
    let rows = views::rows(view, records);
    let mut out = JsonlWriter::create(path)?;
    for row in &rows {
        out.write(row)?;
    }
    out.finish()?;
    Ok(rows.len())
}
