//! All arguments of all commands.

pub mod eval;
pub mod serve;

mod research;

pub mod train;

use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand};
use strawberry_core::Effort;
use strawberry_engine::runner::KvPrecision;
use strawberry_think::{ScoredBy, StrategyKind};
use strawberry_verify::Mode;

pub use research::{ResearchArgs, SearchArgs, SourceArgs};

/// Strawberry: a reasoning system. It thinks before it answers, shows its thinking, and checks the answer.
#[derive(Parser, Debug)]
#[command(
    name = "strawberry",
    version,
    about,
    max_term_width = 100,
    args_override_self = true
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Ask a question and watch it think
    Ask(AskArgs),
    /// Talk: many turns, kept as history
    Chat(ChatArgs),
    /// Serve the API and the web app; manage API keys
    Serve(serve::ServeArgs),
    /// Research a question in folders or on the web: a report whose every citation is checked
    Research(ResearchArgs),
    /// Search once: one cited paragraph
    Search(SearchArgs),
    /// Fetch, list and remove models
    #[command(subcommand)]
    Model(ModelCommand),
    /// Show, export, replay and remove recorded runs
    #[command(subcommand)]
    Trace(TraceCommand),
    /// Check answers or programs against references
    #[command(subcommand)]
    Verify(VerifyCommand),
    /// Prove and check olympiad geometry
    #[command(subcommand)]
    Geometry(GeometryCommand),
    /// Make verified training data: from problem families, recorded runs, or with a model
    Synth(SynthArgs),
    /// Train a model on verified data
    #[command(subcommand)]
    Train(train::TrainCommand),
    /// Data, training and measurement as one durable job
    #[command(subcommand)]
    Flywheel(train::FlywheelCommand),
    /// Measure accuracy against compute on tasks, and compare runs
    Eval(eval::EvalArgs),
    /// Measure speed on this machine
    #[command(subcommand)]
    Bench(BenchCommand),
    /// The table of efforts: what none … max may spend
    Efforts(JsonFlag),
    /// The JSON Schema of everything that is printed and stored
    Schema,
    /// What this machine can do: CPU, memory, models that fit, sandbox
    Doctor(JsonFlag),
    /// Completions for your shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
}

/// `--json` alone.
#[derive(Args, Debug, Clone, Copy)]
pub struct JsonFlag {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Which model, and how much of the machine it may use.
#[derive(Args, Debug, Clone)]
pub struct ModelArgs {
    /// `default`, a .gguf file, a safetensors folder, a Hugging Face repo id, or http(s)://host/v1#name
    #[arg(long, short, default_value = "default", env = "STRAWBERRY_MODEL")]
    pub model: String,
    /// A LoRA adapter for a local model: a PEFT folder or a llama.cpp adapter file; `ask` gives the default model
    /// the one trained for short calculations where the question is one, unless this is `none`
    #[arg(long, value_name = "PATH")]
    pub adapter: Option<PathBuf>,
    /// Precision of a local model's keys and values: auto, half, single, or int8 (faster over long prompts, less exact)
    #[arg(long, value_name = "PRECISION", default_value = "auto")]
    pub kv: KvPrecision,
    /// Threads for a local model (default: all cores)
    #[arg(long, env = "STRAWBERRY_THREADS", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
}

impl ModelArgs {
    /// The adapter that was named, if it is one.
    pub fn adapter(&self) -> Option<&Path> {
        self.adapter.as_deref().filter(|a| a.as_os_str() != "none")
    }
}

/// How hard to think.
#[derive(Args, Debug, Clone, Default)]
pub struct ThinkArgs {
    /// none, minimal, low, medium, high, xhigh or max (see `strawberry efforts`)
    #[arg(long, short)]
    pub effort: Option<Effort>,
    /// Think for this long: 30s, 5m, 1h, 500ms
    #[arg(long, value_name = "TIME", value_parser = parse_duration_ms)]
    pub think: Option<u64>,
    /// Sample at most this many tokens in all: 4000, 4k, 2M
    #[arg(long, value_name = "N", value_parser = parse_count)]
    pub tokens: Option<u64>,
    /// Sample at most this many attempts
    #[arg(long, value_name = "N")]
    pub samples: Option<u32>,
    /// auto, direct, majority, weighted, best-of-n, deepconf, beam, dvts, ab-mcts, program, repair, rsa, critique or
    /// budget-forcing (default: auto)
    #[arg(long, short)]
    pub strategy: Option<StrategyKind>,
    /// What attempts are ranked or weighted by: likelihood, confidence, group-confidence, min-logprob, tests or judge
    /// (default: by strategy)
    #[arg(long)]
    pub scorer: Option<ScoredBy>,
    /// Answer "I don't know" when the confidence (from 0 to 1, calibrated where that was measured) is lower
    #[arg(long, value_name = "P")]
    pub min_confidence: Option<f64>,
    /// Sampling temperature (default: by strategy)
    #[arg(long)]
    pub temperature: Option<f32>,
    /// The same seed gives the same result
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
}

/// `ask`.
#[derive(Args, Debug)]
pub struct AskArgs {
    /// The question; `-` reads it from standard input
    #[arg(required_unless_present = "file")]
    pub question: Option<String>,
    /// Ask every problem of a JSONL file ({"question": …, "answer"?: …} per line); resumes where it was stopped
    #[arg(long, conflicts_with = "question")]
    pub file: Option<PathBuf>,
    /// Where the results of --file go (default: standard output)
    #[arg(long, requires = "file")]
    pub out: Option<PathBuf>,
    /// Forget earlier results of this very --file run and start again
    #[arg(long, requires = "file")]
    pub restart: bool,
    /// The right answer, if you know it: every attempt gets a verdict
    #[arg(long, conflicts_with = "file")]
    pub reference: Option<String>,
    /// A system message
    #[arg(long)]
    pub system: Option<String>,
    #[command(flatten)]
    pub think: ThinkArgs,
    #[command(flatten)]
    pub model: ModelArgs,
    /// Say which strategy was taken, and why
    #[arg(long, conflicts_with = "file")]
    pub explain: bool,
    /// Don't record the run
    #[arg(long)]
    pub no_trace: bool,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// `chat`.
#[derive(Args, Debug)]
pub struct ChatArgs {
    /// Continue the conversation with this id (default: a new one)
    #[arg(long)]
    pub resume: Option<String>,
    /// A system message
    #[arg(long)]
    pub system: Option<String>,
    #[command(flatten)]
    pub think: ThinkArgs,
    #[command(flatten)]
    pub model: ModelArgs,
    /// One JSON object per answer on standard output
    #[arg(long)]
    pub json: bool,
}

/// `model …`.
#[derive(Subcommand, Debug)]
pub enum ModelCommand {
    /// Fetch a model: `default` or a Hugging Face repo id
    Pull {
        /// Which
        #[arg(default_value = "default")]
        model: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// The models on this machine
    List(JsonFlag),
    /// What a model is: architecture, size, context, quantisation
    Info {
        /// Which
        #[arg(default_value = "default")]
        model: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Remove a fetched model
    Rm {
        /// Which
        model: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// `trace …`.
#[derive(Subcommand, Debug)]
pub enum TraceCommand {
    /// The newest runs
    List {
        /// How many
        #[arg(long, short, default_value_t = 20)]
        limit: u32,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// One run: question, attempts, votes, usage
    Show {
        /// The run's id, or its beginning
        id: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// The events of a run (or of all runs) as JSONL
    Export {
        /// The run's id, or its beginning; without it, all runs
        id: Option<String>,
    },
    /// Run the strategy again on the recorded attempts and compare
    Replay {
        /// The run's id, or its beginning
        id: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Recompute every aggregation of a run from its trace, without sampling
    Revote {
        /// The run's id, or its beginning
        id: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Remove runs
    Rm {
        /// The runs' ids, or their beginnings
        #[arg(required = true)]
        ids: Vec<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// `bench …`.
#[derive(Subcommand, Debug)]
pub enum BenchCommand {
    /// Prefill and decode speed of the local engine
    Engine(BenchEngineArgs),
}

/// `bench engine`.
#[derive(Args, Debug)]
pub struct BenchEngineArgs {
    /// Prompt length in tokens
    #[arg(long, default_value_t = 48)]
    pub prompt: usize,
    /// New tokens per attempt
    #[arg(long, default_value_t = 64)]
    pub new: usize,
    /// Attempts at once
    #[arg(long, default_value_t = 64)]
    pub attempts: usize,
    /// Repeats; medians are shown
    #[arg(long, default_value_t = 3)]
    pub repeats: usize,
    #[command(flatten)]
    pub model: ModelArgs,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `verify …`.
#[derive(Subcommand, Debug)]
pub enum VerifyCommand {
    /// Mathematical answers: {"reference": …, "response": …} per line in, one verdict per line out
    Math(VerifyMathArgs),
    /// Programs in a sandbox: {"code": …, "tests": […]} per line in, one verdict per line out
    Code(VerifyCodeArgs),
}

/// `verify math`.
#[derive(Args, Debug)]
pub struct VerifyMathArgs {
    /// strict, standard or lenient
    #[arg(long, default_value = "standard", value_parser = parse_mode)]
    pub mode: Mode,
    /// Print JSON lines (always the case; accepted for uniformity)
    #[arg(long)]
    pub json: bool,
}

/// `verify code`.
#[derive(Args, Debug)]
pub struct VerifyCodeArgs {
    /// Print JSON lines (always the case; accepted for uniformity)
    #[arg(long)]
    pub json: bool,
}

/// `synth`.
#[derive(Args, Debug)]
pub struct SynthArgs {
    /// Families (`all`, `name`, `name=weight`; `list` names them), or: from-traces FILE, rationalise FILE, evolve FILE
    #[arg(required = true)]
    pub what: Vec<String>,
    /// Where the records go (JSONL); the data card is written beside it
    #[arg(long, default_value = "data.jsonl")]
    pub out: PathBuf,
    /// Rows
    #[arg(long, default_value_t = 1000)]
    pub n: usize,
    /// The same seed gives the same bytes
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// From 1 to 5, or a range
    #[arg(long, default_value = "1-5")]
    pub difficulty: String,
    /// How completions are written: marked (`<<2+3=5>>`, `#### 5`) or natural
    #[arg(long, default_value = "marked")]
    pub style: String,
    /// Keep nothing that shares 13 words in a row with these files or folders
    #[arg(long, value_name = "PATH")]
    pub ban: Vec<PathBuf>,
    /// Also write a view for a trainer: VIEW=FILE (.jsonl)
    #[arg(long, value_name = "VIEW=FILE")]
    pub view: Vec<String>,
    /// Add GSM8K's training file
    #[arg(long, value_name = "FILE")]
    pub gsm8k: Option<PathBuf>,
    /// Add SVAMP's training file
    #[arg(long, value_name = "FILE")]
    pub svamp: Option<PathBuf>,
    /// Take each SVAMP row this many more times, with new numbers
    #[arg(long, default_value_t = 1)]
    pub svamp_copies: u32,
    /// from-traces: different solutions of one problem at most
    #[arg(long, default_value_t = 4)]
    pub paths: usize,
    /// rationalise, evolve: responses per question
    #[arg(long, default_value_t = 4)]
    pub samples: u32,
    /// evolve: rounds of rewriting
    #[arg(long, default_value_t = 1)]
    pub rounds: u32,
    #[command(flatten)]
    pub model: ModelArgs,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `geometry …`.
#[derive(Subcommand, Debug)]
pub enum GeometryCommand {
    /// Prove a problem and say why
    Prove(GeometryProveArgs),
    /// Check a certificate
    Check {
        /// The certificate (JSON lines)
        certificate: PathBuf,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Draw a problem's figure as SVG
    Figure(GeometryFigureArgs),
    /// Prove every problem of a file; resumes where it was stopped
    Bench(GeometryBenchArgs),
}

/// `geometry prove`.
#[derive(Args, Debug)]
pub struct GeometryProveArgs {
    /// The file of problems
    pub file: PathBuf,
    /// Which problem of the file (not needed when it holds one)
    #[arg(long)]
    pub problem: Option<String>,
    /// Time for the search: 60s, 2m
    #[arg(long, default_value = "60s", value_parser = parse_duration_ms)]
    pub timeout: u64,
    /// Threads of the search
    #[arg(long, default_value_t = 2)]
    pub threads: usize,
    /// Seed of figures and search
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Write the figure as SVG
    #[arg(long)]
    pub svg: Option<PathBuf>,
    /// Write a page that walks through the proof
    #[arg(long)]
    pub html: Option<PathBuf>,
    /// Write the certificate
    #[arg(long)]
    pub certificate: Option<PathBuf>,
    /// The proof in Chinese
    #[arg(long)]
    pub chinese: bool,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// `geometry figure`.
#[derive(Args, Debug)]
pub struct GeometryFigureArgs {
    /// The file of problems
    pub file: PathBuf,
    /// Which problem of the file (not needed when it holds one)
    #[arg(long)]
    pub problem: Option<String>,
    /// Seed of the figure
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Where to (default: standard output)
    #[arg(long)]
    pub svg: Option<PathBuf>,
}

/// `geometry bench`.
#[derive(Args, Debug)]
pub struct GeometryBenchArgs {
    /// The file of problems
    pub file: PathBuf,
    /// Folder for results.csv and the certificates
    #[arg(long)]
    pub out: PathBuf,
    /// Time for each problem
    #[arg(long, default_value = "60s", value_parser = parse_duration_ms)]
    pub timeout: u64,
    /// Threads of the search
    #[arg(long, default_value_t = 2)]
    pub threads: usize,
    /// Seed of figures and search
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

fn parse_mode(text: &str) -> Result<Mode, String> {
    serde_json::from_value(text.into())
        .map_err(|_| format!("unknown mode '{text}': use strict, standard or lenient"))
}

/// Milliseconds of `30s`, `5m`, `1h`, `500ms` or plain seconds.
pub fn parse_duration_ms(text: &str) -> Result<u64, String> {
    let wrong = || format!("'{text}' is no duration: write 30s, 5m, 1h or 500ms");
    let digits = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let number: f64 = text[..digits].parse().map_err(|_| wrong())?;
    let unit = match &text[digits..] {
        "ms" => 1.0,
        "" | "s" => 1e3,
        "m" | "min" => 6e4,
        "h" => 3.6e6,
        _ => return Err(wrong()),
    };
    let ms = number * unit;
    if ms.is_finite() && ms < 1e15 {
        Ok(ms as u64)
    } else {
        Err(wrong())
    }
}

/// A whole number with an optional `k` (thousand) or `M` (million).
pub fn parse_count(text: &str) -> Result<u64, String> {
    let wrong = || format!("'{text}' is no number of tokens: write 4000, 4k or 2M");
    let (digits, unit) = match text.as_bytes().last() {
        Some(b'k' | b'K') => (&text[..text.len() - 1], 1_000),
        Some(b'M') => (&text[..text.len() - 1], 1_000_000),
        _ => (text, 1),
    };
    digits
        .parse::<u64>()
        .ok()
        .and_then(|n| n.checked_mul(unit))
        .ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn durations_and_counts_are_read() {
        assert_eq!(parse_duration_ms("30s"), Ok(30_000));
        assert_eq!(parse_duration_ms("1.5m"), Ok(90_000));
        assert_eq!(parse_duration_ms("250ms"), Ok(250));
        assert!(parse_duration_ms("soon").unwrap_err().contains("30s"));
        assert!(parse_duration_ms("-1s").is_err());
        assert_eq!(parse_count("4k"), Ok(4000));
        assert!(parse_count("99999999999999999999M").is_err());
    }
}
