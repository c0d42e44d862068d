//! `serve`: the arguments of the server and its keys.

use std::net::IpAddr;

use clap::{Args, Subcommand};
use strawberry_core::Effort;

/// `serve`.
#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub struct ServeArgs {
    /// What to do instead of serving
    #[command(subcommand)]
    pub command: Option<ServeCommand>,
    /// The address to listen on; other than loopback needs an API key
    #[arg(long, default_value = "127.0.0.1")]
    pub host: IpAddr,
    /// The port to listen on; 0 takes any that is free
    #[arg(long, short, default_value_t = 8080)]
    pub port: u16,
    /// A model to offer, as for `ask`; may be given several times, the first is the default
    #[arg(long, short, default_value = "default", env = "STRAWBERRY_MODEL")]
    pub model: Vec<String>,
    /// Threads for each local model (default: all cores)
    #[arg(long, env = "STRAWBERRY_THREADS", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
    /// The effort of requests that name none
    #[arg(long, short, default_value = "medium")]
    pub effort: Effort,
    /// Requests worked on at once
    #[arg(long, default_value_t = 256)]
    pub concurrency: u16,
    /// Requests that may wait for their turn; the next one gets 429
    #[arg(long, default_value_t = 256)]
    pub queue: u16,
    /// Turn every request without a key or a login away, even while there is no key
    #[arg(long)]
    pub require_key: bool,
    /// Let web pages of this origin use the API (https://example.org); may be given several times
    #[arg(long, value_name = "ORIGIN")]
    pub cors_origin: Vec<String>,
    /// Don't record runs
    #[arg(long)]
    pub no_trace: bool,
    /// Write logs as JSON
    #[arg(long)]
    pub log_json: bool,
}

/// `serve …`.
#[derive(Subcommand, Debug)]
pub enum ServeCommand {
    /// API keys
    #[command(subcommand)]
    Key(KeyCommand),
}

/// `serve key …`.
#[derive(Subcommand, Debug)]
pub enum KeyCommand {
    /// Make a key; it is shown this once
    Add {
        /// What to call it
        name: String,
        /// Requests it may make in a minute
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
        requests_per_minute: Option<u32>,
        /// Tokens it may spend in a day, prompt and sampled
        #[arg(long, value_name = "N", value_parser = super::parse_count)]
        tokens_per_day: Option<u64>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// The keys there are, and what they used today
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Remove a key
    Rm {
        /// Its id
        id: String,
    },
}
