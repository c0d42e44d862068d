//! `efforts` and `schema`: what is published.

use strawberry_core::Effort;

use crate::cli::JsonFlag;
use crate::error::CliError;
use crate::out;

/// Prints the table of efforts.
pub fn efforts(flag: JsonFlag) -> Result<(), CliError> {
    let table = Effort::table();
    if flag.json {
        return out::json(&table);
    }
    let mut rows = vec![
        ["effort", "attempts", "tokens each", "tokens in all"]
            .map(str::to_owned)
            .to_vec(),
    ];
    for row in table {
        let number = |n: Option<u64>| n.map_or("any".to_owned(), |n| n.to_string());
        rows.push(vec![
            row.effort.to_string(),
            number(row.budget.samples.map(u64::from)),
            number(row.budget.attempt_tokens.map(u64::from)),
            number(row.budget.tokens),
        ]);
    }
    out::table(&rows)?;
    out::line("\nThese are upper limits: a vote that is decided ends the search early.")?;
    out::line("--think 30s, --tokens 4k and --samples 16 replace them.")
}

/// Prints the JSON Schema.
pub fn schema() -> Result<(), CliError> {
    out::json(&strawberry_core::schema::published())
}
