//! `synth`: verified training data.

use std::path::{Path, PathBuf};

use strawberry_core::Model;
use strawberry_synth::dataset::{self, Outside, Request};
use strawberry_synth::evolve::evolve;
use strawberry_synth::export::{View, export};
use strawberry_synth::generate::{Options, parse_mix};
use strawberry_synth::quality::banlist::BanList;
use strawberry_synth::rationalise::rationalise;
use strawberry_synth::record::Record;
use strawberry_synth::sample::Asking;
use strawberry_synth::sink::{Journal, JsonlWriter, read_records};
use strawberry_synth::traces::from_traces;
use strawberry_synth::{SynthError, families};

use crate::cli::SynthArgs;
use crate::error::CliError;
use crate::{open, out};

/// Makes records from families, from traces, or with a model.
pub async fn run(args: SynthArgs) -> Result<(), CliError> {
    let banned = bans(&args.ban).map_err(failed)?;
    let report = match args.what[0].as_str() {
        "list" => return list(args.json),
        "from-traces" => {
            let mut journal = Journal::open(&journal_path(&args.out)).map_err(failed)?;
            let report =
                from_traces(input(&args)?, &*open::verifier(), args.paths, &mut journal).map_err(failed)?;
            finish(&journal, &args.out)?;
            format!("{report:?}")
        }
        "rationalise" => {
            let problems = read_records(input(&args)?).map_err(failed)?;
            let model = open::model(&args.model).await?;
            let mut journal = Journal::open(&journal_path(&args.out)).map_err(failed)?;
            let asking = asking(&args, &*model);
            let report = rationalise(&problems, &*model, &*open::verifier(), &asking, &mut journal)
                .await
                .map_err(failed)?;
            finish(&journal, &args.out)?;
            format!("{report:?}")
        }
        "evolve" => {
            let problems = read_records(input(&args)?).map_err(failed)?;
            let model = open::model(&args.model).await?;
            let mut journal = Journal::open(&journal_path(&args.out)).map_err(failed)?;
            let asking = asking(&args, &*model);
            let report = evolve(&problems, args.rounds, &*model, &asking, &banned, &mut journal)
                .await
                .map_err(failed)?;
            finish(&journal, &args.out)?;
            format!("{report:?}")
        }
        _ => generate(&args, &banned)?,
    };
    for view in &args.view {
        let (view, path) = view.split_once('=').ok_or_else(|| {
            CliError::usage(format!(
                "--view {view}: write VIEW=FILE, for example messages=train.jsonl"
            ))
        })?;
        let view: View = view.parse().map_err(failed)?;
        let records = read_records(&args.out).map_err(failed)?;
        export(view, &records, Path::new(path)).map_err(failed)?;
    }
    if args.json {
        return out::json(&serde_json::json!({"out": args.out, "report": report}));
    }
    out::line(report)
}

fn failed(error: SynthError) -> CliError {
    match error {
        SynthError::Option(message) => CliError::Usage(message),
        SynthError::UnknownFamily(_) => CliError::usage(error),
        other => CliError::failure(other),
    }
}

fn list(json: bool) -> Result<(), CliError> {
    let names: Vec<&str> = families::all().iter().map(|f| f.name()).collect();
    if json {
        out::json(&names)
    } else {
        names.iter().try_for_each(out::line)
    }
}

fn bans(paths: &[PathBuf]) -> Result<BanList, SynthError> {
    let mut banned = BanList::default();
    for path in paths {
        banned.add_path(path)?;
    }
    Ok(banned)
}

fn generate(args: &SynthArgs, banned: &BanList) -> Result<String, CliError> {
    let options = Options {
        mix: parse_mix(&args.what).map_err(failed)?,
        rows: args.n,
        seed: args.seed,
        difficulty: dataset::parse_difficulty(&args.difficulty).map_err(failed)?,
        style: args.style.parse().map_err(CliError::Usage)?,
        ..Options::default()
    };
    let outside = Outside {
        gsm8k: args.gsm8k.clone(),
        svamp: args.svamp.clone(),
        svamp_copies: args.svamp_copies,
    };
    let command = std::env::args().skip(1).collect::<Vec<_>>().join(" ");
    let written = dataset::write(
        &Request {
            options,
            outside,
            command,
        },
        banned,
        &args.out,
    )
    .map_err(failed)?;
    let mut lines = written.notes;
    lines.push(format!(
        "{} rows in {}, described in {}",
        written.rows,
        args.out.display(),
        written.card.display()
    ));
    Ok(lines.join("\n"))
}

fn input(args: &SynthArgs) -> Result<&Path, CliError> {
    let missing = || {
        CliError::usage(format!(
            "name the input: strawberry synth {} FILE --out FILE",
            args.what[0]
        ))
    };
    args.what.get(1).map(Path::new).ok_or_else(missing)
}

fn journal_path(out: &Path) -> PathBuf {
    let mut name = out.as_os_str().to_owned();
    name.push(".journal");
    PathBuf::from(name)
}

/// All results of the journal become the output file, whole or not at all.
fn finish(journal: &Journal, path: &Path) -> Result<(), CliError> {
    let records: Vec<Record> = journal.results().map_err(failed)?;
    let mut writer = JsonlWriter::create(path).map_err(failed)?;
    records
        .iter()
        .try_for_each(|r| writer.write(r))
        .and_then(|()| writer.finish())
        .map_err(failed)
}

fn asking(args: &SynthArgs, model: &dyn Model) -> Asking {
    let context = model.info().context_length.unwrap_or(u64::MAX);
    let asking = Asking {
        samples: args.samples,
        seed: args.seed,
        ..Asking::default()
    };
    Asking {
        max_tokens: u64::from(asking.max_tokens).min(context / 2) as u32,
        ..asking
    }
}
