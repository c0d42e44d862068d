//! Arguments of `eval`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use strawberry_core::Effort;
use strawberry_think::StrategyKind;

use super::ModelArgs;

/// `eval`.
#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct EvalArgs {
    /// Or work with runs that are there
    #[command(subcommand)]
    pub command: Option<EvalCommand>,
    /// Built-in tasks (`eval tasks` lists them), families of `synth`, or .toml files
    #[arg(required = true, value_name = "TASK")]
    pub tasks: Vec<String>,
    /// The folder of the run; the same command goes on where it was stopped
    #[arg(long, required = true)]
    pub out: Option<PathBuf>,
    /// The budgets; all but `none` come from one pool of attempts for each problem
    #[arg(
        long,
        short,
        value_delimiter = ',',
        default_value = "none,minimal,low,medium,high"
    )]
    pub effort: Vec<Effort>,
    /// Strategies that get runs of their own at each budget from `low` on (votes, weighted votes and best-of-n by any score come
    /// from the pool anyway)
    #[arg(long, short, value_delimiter = ',', value_name = "STRATEGY")]
    pub strategies: Vec<StrategyKind>,
    /// Repetitions, with seeds 0, 1, …
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=1000))]
    pub seeds: u64,
    /// Problems of each task: the first ones of a fixed random order (default: all)
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    /// The folder that the tasks' files lie in
    #[arg(long, default_value = "data", env = "STRAWBERRY_DATA")]
    pub data: PathBuf,
    /// Problems in flight at once
    #[arg(long, default_value_t = 6, hide = true)]
    pub at_once: usize,
    #[command(flatten)]
    pub model: ModelArgs,
    /// Print the summary as JSON
    #[arg(long)]
    pub json: bool,
}

/// `eval …`.
#[derive(Subcommand, Debug)]
pub enum EvalCommand {
    /// The built-in tasks
    Tasks {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Two runs on the same problems: differences with intervals and p
    Compare {
        /// The first run's folder
        first: PathBuf,
        /// The second run's folder
        second: PathBuf,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Write the pages of a run (finished or not) and say where they are
    View {
        /// The run's folder
        dir: PathBuf,
    },
    /// Learn from a run what the model's confidence is worth; `ask` uses it from then on
    Calibrate {
        /// The run's folder
        dir: PathBuf,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}
