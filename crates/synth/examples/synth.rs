//! Makes a data set: `cargo run --release -p strawberry-synth --example synth -- all --n 1000 --seed 1 --difficulty 1-5 --out data.jsonl`.
//!
//! Options: `--style marked|natural`, `--ban PATH` (may be repeated), `--view VIEW=FILE` (may be repeated), `--gsm8k FILE`, `--svamp FILE`.

use std::path::PathBuf;
use std::time::Instant;

use strawberry_synth::export::{View, export};
use strawberry_synth::generate::{Options, generate, parse_mix};
use strawberry_synth::quality::banlist::BanList;
use strawberry_synth::sink::read_records;
use strawberry_synth::{SynthError, dataset};

fn main() {
    if let Err(e) = run() {
        eprintln!("{e}");
        std::process::exit(1);
    }
}

fn run() -> Result<(), SynthError> {
    let bad =
        |what: &str| SynthError::Option(format!("{what}: see the comment at the top of examples/synth.rs"));
    let mut options = Options::default();
    let (mut families, mut bans, mut views) = (Vec::new(), Vec::new(), Vec::new());
    let mut out = None;
    let (mut gsm8k, mut svamp, mut copies) = (None, None, 1);
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        if !arg.starts_with("--") {
            families.push(arg);
            continue;
        }
        let value = args.next().ok_or_else(|| bad(&arg))?;
        match arg.as_str() {
            "--n" => options.rows = value.parse().map_err(|_| bad("--n"))?,
            "--seed" => options.seed = value.parse().map_err(|_| bad("--seed"))?,
            "--difficulty" => options.difficulty = dataset::parse_difficulty(&value)?,
            "--style" => options.style = value.parse().map_err(SynthError::Option)?,
            "--ban" => bans.push(PathBuf::from(value)),
            "--out" => out = Some(PathBuf::from(value)),
            "--gsm8k" => gsm8k = Some(PathBuf::from(value)),
            "--svamp" => svamp = Some(PathBuf::from(value)),
            "--copies" => copies = value.parse().map_err(|_| bad("--copies"))?,
            "--view" => {
                let (view, path) = value.split_once('=').ok_or_else(|| bad("--view"))?;
                views.push((view.parse::<View>()?, PathBuf::from(path)));
            }
            _ => return Err(bad(&arg)),
        }
    }
    options.mix = parse_mix(&families)?;
    let mut banned = BanList::default();
    for path in &bans {
        banned.add_path(path)?;
    }
    let started = Instant::now();
    let Some(out) = out else {
        let mut rows = 0;
        let report = generate(&options, &banned, &mut |_| {
            rows += 1;
            Ok(())
        })?;
        eprintln!(
            "{report:?}\n{:.0} rows/s",
            rows as f64 / started.elapsed().as_secs_f64()
        );
        return Ok(());
    };
    let request = dataset::Request {
        options,
        outside: dataset::Outside {
            gsm8k,
            svamp,
            svamp_copies: copies,
        },
        command: std::env::args().skip(1).collect::<Vec<_>>().join(" "),
    };
    let report = dataset::write(&request, &banned, &out)?;
    eprintln!("{}", report.notes.join("\n"));
    eprintln!("{} rows in {:.2} s", report.rows, started.elapsed().as_secs_f64());
    if !views.is_empty() {
        let records = read_records(&out)?;
        for (view, path) in views {
            eprintln!(
                "{}: {} rows in {}",
                view.name(),
                export(view, &records, &path)?,
                path.display()
            );
        }
    }
    Ok(())
}
