//! Arguments of `research` and `search`.

use std::path::PathBuf;

use clap::Args;
use strawberry_core::Effort;

use super::ModelArgs;

/// Where to search.
#[derive(Args, Debug, Clone)]
pub struct SourceArgs {
    /// Search this folder (may be given several times); it is indexed first, later only what changed
    #[arg(long, value_name = "DIR")]
    pub corpus: Vec<PathBuf>,
    /// Search the web through this SearXNG server, for example http://localhost:8888
    #[arg(long, value_name = "URL", env = "STRAWBERRY_SEARXNG")]
    pub searxng: Option<String>,
    /// Search the web through `brave` (key: BRAVE_API_KEY) or `tavily` (key: TAVILY_API_KEY)
    #[arg(long, value_name = "NAME", value_parser = ["brave", "tavily"])]
    pub web: Option<String>,
    /// Also search folders by meaning: with vectors of the model, made when first needed
    #[arg(long)]
    pub embed: bool,
}

/// `research`.
#[derive(Args, Debug)]
pub struct ResearchArgs {
    /// The question; it may have several parts
    pub question: String,
    #[command(flatten)]
    pub source: SourceArgs,
    /// Write report.md, report.html, report.json, sources.bib and trace.jsonl into this folder
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// How deep to go: none, minimal, low, medium, high, xhigh or max
    #[arg(long, short, default_value = "medium")]
    pub effort: Effort,
    /// Drop sentences that nothing supports, instead of marking them
    #[arg(long)]
    pub strict: bool,
    /// Show the plan and ask before anything is searched; it can be changed
    #[arg(long)]
    pub approve: bool,
    /// Carry out this plan: a file with a line per part, `question | query | query`
    #[arg(long, value_name = "FILE")]
    pub plan: Option<PathBuf>,
    /// Forget the earlier run of the same question and start again
    #[arg(long)]
    pub restart: bool,
    /// Seed of the model's calls
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// The model; `none` does without one (sentences are quoted, never written)
    #[command(flatten)]
    pub model: ModelArgs,
    /// Print the report as one JSON object
    #[arg(long)]
    pub json: bool,
}

/// `search`.
#[derive(Args, Debug)]
pub struct SearchArgs {
    /// The question
    pub question: String,
    #[command(flatten)]
    pub source: SourceArgs,
    /// The model; `none` does without one (sentences are quoted, never written)
    #[command(flatten)]
    pub model: ModelArgs,
    /// Print the report as one JSON object
    #[arg(long)]
    pub json: bool,
}
