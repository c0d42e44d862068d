//! The arguments of `train` and `flywheel`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `train …`.
#[derive(Subcommand, Debug)]
pub enum TrainCommand {
    /// Learn completions: rows of `synth`, or with messages, or with prompt and completion
    Sft(SftArgs),
    /// Sample problems, keep what verifies, train on it from the start model, repeat
    Star(StarArgs),
    /// Learn preferences: rows with prompt, chosen and rejected
    Dpo(DpoArgs),
    /// Reinforcement learning with verified rewards: +1 right, 0 abstained, -1 wrong
    Grpo(GrpoArgs),
    /// Learn to tell right solutions from wrong ones
    Verifier(VerifierArgs),
    /// Score responses with a trained verifier: {"question": …, "response": …} per line in, {"score": …} out
    Score(ScoreArgs),
    /// Learn a teacher's distributions, also with fewer layers than it has
    Distill(DistillArgs),
    /// Measure accuracy on held-out records: one greedy response, and the vote of many
    Measure(MeasureArgs),
    /// Write what a run trained as adapter, folder or GGUF
    Export(ExportArgs),
}

/// What every kind of training takes.
#[derive(Args, Debug, Clone)]
pub struct FitArgs {
    /// Where checkpoints, metrics and the result go; the same command goes on where it was stopped
    #[arg(long)]
    pub out: PathBuf,
    /// The start model: `default`, a .gguf file or a safetensors folder
    #[arg(long, short, default_value = "default", env = "STRAWBERRY_MODEL")]
    pub model: String,
    /// Start from this adapter (a folder as `peft` writes it)
    #[arg(long)]
    pub adapter: Option<PathBuf>,
    /// Train all weights (default: low-rank adapters)
    #[arg(long)]
    pub full: bool,
    /// Rank of the adapters
    #[arg(long, default_value_t = 16)]
    pub rank: usize,
    /// Scale of the adapters, times rank (default: twice the rank)
    #[arg(long)]
    pub alpha: Option<f32>,
    /// Peak learning rate (default: 1e-3, with --full 1e-4)
    #[arg(long)]
    pub rate: Option<f32>,
    /// Passes over the data; may be a fraction
    #[arg(long, default_value_t = 1.0)]
    pub epochs: f32,
    /// Tokens per step at least
    #[arg(long, default_value_t = 4096)]
    pub step_tokens: usize,
    /// Tokens per forward pass at most
    #[arg(long, default_value_t = 2048)]
    pub pack_tokens: usize,
    /// Longer rows are left out
    #[arg(long, default_value_t = 1024)]
    pub max_length: usize,
    /// Compute layers twice to save memory
    #[arg(long)]
    pub recompute: bool,
    /// Seed of adapters and order
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// Seconds between checkpoints
    #[arg(long, default_value_t = 180.0)]
    pub checkpoint_seconds: f64,
    /// Steps between measurements on held-out rows
    #[arg(long, default_value_t = 20)]
    pub dev_steps: usize,
    /// Threads (default: all cores)
    #[arg(long, env = "STRAWBERRY_THREADS", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `train sft`.
#[derive(Args, Debug)]
pub struct SftArgs {
    /// The data (JSONL); rows whose `split` is dev are measured, those of test left out
    #[arg(required = true)]
    pub data: Vec<PathBuf>,
    /// Learn only the marks <<expr=value>> and the last line of records with arithmetic
    #[arg(long)]
    pub equations: bool,
    #[command(flatten)]
    pub fit: FitArgs,
}

/// How responses are drawn during training.
#[derive(Args, Debug, Clone)]
pub struct DrawArgs {
    /// Responses per problem
    #[arg(long, default_value_t = 8)]
    pub samples: usize,
    /// Sampling temperature
    #[arg(long, default_value_t = 1.0)]
    pub temperature: f32,
    /// Tokens of a response at most
    #[arg(long, default_value_t = 160)]
    pub max_tokens: u32,
}

/// `train star`.
#[derive(Args, Debug)]
pub struct StarArgs {
    /// Problems (records of `synth`); those whose `split` is not train are left out
    #[arg(required = true)]
    pub problems: Vec<PathBuf>,
    /// Rows that are learned in every round besides
    #[arg(long)]
    pub also: Vec<PathBuf>,
    /// Rounds; each starts from the start model and samples from the round before
    #[arg(long, default_value_t = 2)]
    pub rounds: usize,
    /// Different solutions of one problem at most
    #[arg(long, default_value_t = 4)]
    pub paths: usize,
    #[command(flatten)]
    pub draw: DrawArgs,
    #[command(flatten)]
    pub fit: FitArgs,
}

/// `train dpo`.
#[derive(Args, Debug)]
pub struct DpoArgs {
    /// The preferences (JSONL)
    pub data: PathBuf,
    /// How closely the model keeps to the start model
    #[arg(long, default_value_t = 0.1)]
    pub beta: f32,
    #[command(flatten)]
    pub fit: FitArgs,
}

/// `train grpo`.
#[derive(Args, Debug)]
pub struct GrpoArgs {
    /// Problems (records of `synth`); those whose `split` is not train are left out
    #[arg(required = true)]
    pub problems: Vec<PathBuf>,
    /// Steps
    #[arg(long, default_value_t = 50)]
    pub steps: usize,
    /// Problems per step
    #[arg(long, default_value_t = 8)]
    pub prompts: usize,
    /// Times that problems are drawn in a step for groups whose rewards differ
    #[arg(long, default_value_t = 4)]
    pub tries: usize,
    #[command(flatten)]
    pub draw: DrawArgs,
    #[command(flatten)]
    pub fit: FitArgs,
}

/// `train verifier`.
#[derive(Args, Debug)]
pub struct VerifierArgs {
    /// Solutions (records with reward 1 or -1, or the samples.jsonl of `train star`)
    #[arg(required = true)]
    pub data: Vec<PathBuf>,
    #[command(flatten)]
    pub fit: FitArgs,
}

/// `train score`.
#[derive(Args, Debug)]
pub struct ScoreArgs {
    /// The folder that `train verifier` wrote
    pub verifier: PathBuf,
    /// The responses (JSONL)
    pub file: PathBuf,
    /// The model it was trained from
    #[arg(long, short, default_value = "default", env = "STRAWBERRY_MODEL")]
    pub model: String,
}

/// `train distill`.
#[derive(Args, Debug)]
pub struct DistillArgs {
    /// The data (JSONL), as for sft
    #[arg(required = true)]
    pub data: Vec<PathBuf>,
    /// Learn only the marks and the last line of records with arithmetic
    #[arg(long)]
    pub equations: bool,
    /// The teacher: an adapter of the start model (a folder), or a model
    #[arg(long)]
    pub teacher: String,
    /// The student's layers, numbers of the start model's: 0,2,4,… (default: all)
    #[arg(long, value_delimiter = ',')]
    pub layers: Vec<usize>,
    /// forward (cover all the teacher does) or reverse (keep to what it likes best)
    #[arg(long, default_value = "forward")]
    pub divergence: String,
    #[command(flatten)]
    pub fit: FitArgs,
}

/// `flywheel …`.
#[derive(Subcommand, Debug)]
pub enum FlywheelCommand {
    /// Make data, measure, train, measure again, export, report; goes on where it was stopped
    Run(FlywheelRunArgs),
}

/// `flywheel run`.
#[derive(Args, Debug)]
pub struct FlywheelRunArgs {
    /// The recipe (TOML)
    pub recipe: PathBuf,
    /// Where everything goes
    #[arg(long)]
    pub out: PathBuf,
    /// Threads (default: all cores)
    #[arg(long, env = "STRAWBERRY_THREADS", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `train measure`.
#[derive(Args, Debug)]
pub struct MeasureArgs {
    /// Records with answers
    #[arg(required = true)]
    pub records: Vec<PathBuf>,
    /// The journal: results so far are kept there, and the same command goes on
    #[arg(long)]
    pub out: PathBuf,
    /// The model
    #[arg(long, short, default_value = "default", env = "STRAWBERRY_MODEL")]
    pub model: String,
    /// With this adapter
    #[arg(long)]
    pub adapter: Option<PathBuf>,
    /// Only records of this split: train, dev, test
    #[arg(long)]
    pub split: Option<String>,
    /// Records of each source at most
    #[arg(long, default_value_t = 200)]
    pub limit: usize,
    /// Seed of the responses
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    #[command(flatten)]
    pub draw: DrawArgs,
    /// Threads (default: all cores)
    #[arg(long, env = "STRAWBERRY_THREADS", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `train export`.
#[derive(Args, Debug)]
pub struct ExportArgs {
    /// An adapter's folder, or the folder of a run that trained all weights (default: the start model itself)
    pub trained: Option<PathBuf>,
    /// The start model it was trained from
    #[arg(long, short, default_value = "default", env = "STRAWBERRY_MODEL")]
    pub model: String,
    /// adapter, folder, F32, F16, Q8_0, Q4_0 or Q4_K (the last five are GGUF)
    #[arg(long, default_value = "Q8_0")]
    pub format: String,
    /// The file or folder to write
    #[arg(long)]
    pub out: PathBuf,
}
