//! `search`: one cited paragraph.

use strawberry_core::Effort;
use strawberry_research::{Brief, render};

use super::research;
use crate::cli::SearchArgs;
use crate::error::CliError;
use crate::out;

/// Searches once and prints a paragraph with its sources.
pub async fn run(args: SearchArgs) -> Result<(), CliError> {
    let brief = Brief {
        question: args.question,
        effort: Effort::Minimal,
        quick: true,
        ..Brief::default()
    };
    let (report, _) = research::carry_out(&brief, &args.source, &args.model, None, false).await?;
    if args.json {
        out::json(&report)
    } else {
        out::line(render::paragraph(&report))
    }
}
