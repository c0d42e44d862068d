//! The whole circle as one durable job: make data, measure, train, measure again, export, report.
//!
//! Each stage leaves a file or a folder, and a stage whose result is there is not done again; within a stage the
//! journal or the checkpoints say how far it came. So the same command goes on after a kill.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use strawberry_core::Calculator;
use strawberry_engine::quant::DType;
use strawberry_engine::source::ModelSource;
use strawberry_synth::dataset::{self, Outside, Request};
use strawberry_synth::generate::{Options, parse_mix};
use strawberry_synth::quality::banlist::BanList;
use strawberry_synth::record::Record;
use strawberry_synth::sink::read_records;

use crate::checkpoint::write_file;
use crate::data::{Example, Steps, read_examples};
use crate::error::TrainError;
use crate::export::{adapter, gguf};
use crate::measure::{Answered, interval, kind, measure, summarise};
use crate::network::{Network, Scope};
use crate::rollout::Drawing;
use crate::run::{Metrics, Place, Settings};
use crate::sft::{self, Rows};
use crate::star::{self, Round};

/// A recipe, as `flywheel run` reads it from TOML.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// The start model: `default`, a file or a folder.
    #[serde(default = "default_model")]
    pub model: String,
    /// Seed of everything.
    #[serde(default)]
    pub seed: u64,
    /// The data.
    #[serde(default)]
    pub data: Data,
    /// The training.
    #[serde(default)]
    pub train: Train,
    /// Rounds of STaR after it; none without this section.
    #[serde(default)]
    pub star: Option<Star>,
    /// The measurement before and after.
    #[serde(default)]
    pub measure: Measure,
    /// Format of the exported model.
    #[serde(default = "default_format")]
    pub export: String,
}

fn default_model() -> String {
    "default".to_owned()
}

fn default_format() -> String {
    "Q8_0".to_owned()
}

/// What is learned.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Data {
    /// Families as `synth` takes them.
    pub families: Vec<String>,
    /// Generated rows.
    pub rows: usize,
    /// From 1 to 5, or a range.
    pub difficulty: String,
    /// GSM8K's training file.
    pub gsm8k: Option<PathBuf>,
    /// SVAMP's training file.
    pub svamp: Option<PathBuf>,
    /// Files or folders nothing may overlap with.
    pub ban: Vec<PathBuf>,
    /// Whether only equations are learned, where there are any.
    pub equations: bool,
}

impl Default for Data {
    fn default() -> Self {
        Data {
            families: vec!["all".to_owned()],
            rows: 2000,
            difficulty: "1-3".to_owned(),
            gsm8k: None,
            svamp: None,
            ban: Vec::new(),
            equations: true,
        }
    }
}

/// How it is trained.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Train {
    /// Rank of the adapters; 0 trains all weights.
    pub rank: usize,
    /// Peak learning rate.
    pub rate: f32,
    /// Passes over the data.
    pub epochs: f32,
    /// Tokens per step at least.
    pub step_tokens: usize,
    /// Longer rows are left out.
    pub max_length: usize,
}

impl Default for Train {
    fn default() -> Self {
        Train {
            rank: 16,
            rate: 7e-4,
            epochs: 1.0,
            step_tokens: 1024,
            max_length: 512,
        }
    }
}

/// Rounds of STaR.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Star {
    /// Rounds.
    pub rounds: usize,
    /// Problems sampled in each.
    pub problems: usize,
    /// Responses per problem.
    pub samples: usize,
    /// Sampling temperature.
    pub temperature: f32,
}

impl Default for Star {
    fn default() -> Self {
        Star {
            rounds: 1,
            problems: 500,
            samples: 4,
            temperature: 0.8,
        }
    }
}

/// How it is measured.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Measure {
    /// Held-out problems of each source at most.
    pub problems: usize,
    /// Responses whose vote counts.
    pub samples: usize,
    /// Sampling temperature of those.
    pub temperature: f32,
    /// Tokens of a response at most.
    pub max_tokens: u32,
}

impl Default for Measure {
    fn default() -> Self {
        Measure {
            problems: 200,
            samples: 16,
            temperature: 0.7,
            max_tokens: 160,
        }
    }
}

/// What a job needs beside its recipe.
pub struct Job<'a> {
    /// The recipe.
    pub recipe: &'a Recipe,
    /// The opened start model.
    pub source: &'a ModelSource,
    /// Where everything goes.
    pub folder: &'a Path,
    /// What completes calculations.
    pub calculator: Calculator,
    /// Threads of the engine; `None` uses every core.
    pub threads: Option<usize>,
    /// Told what begins.
    pub say: &'a mut dyn FnMut(&str),
    /// Told after each training step; `false` stops the job.
    pub watch: &'a mut dyn FnMut(&Metrics) -> bool,
}

/// Reads a recipe.
///
/// # Errors
/// When the file can't be read or says something unknown; the message names the line.
pub fn read(path: &Path) -> Result<Recipe, TrainError> {
    let text = fs::read_to_string(path).map_err(TrainError::io(path))?;
    toml::from_str(&text).map_err(|e| TrainError::Mismatch {
        path: path.to_owned(),
        reason: e.to_string(),
    })
}

/// Runs what is not done yet, and writes `report.md`, whose path is given.
///
/// # Errors
/// Those of the stages; [`TrainError::Mismatch`] when the folder belongs to another recipe.
pub fn run(job: Job<'_>, recipe_text: &str) -> Result<PathBuf, TrainError> {
    let Job {
        recipe,
        source,
        folder,
        calculator,
        threads,
        say,
        watch,
    } = job;
    fs::create_dir_all(folder).map_err(TrainError::io(folder))?;
    same_recipe(&folder.join("recipe.toml"), recipe_text)?;
    let dtype = DType::from_name(&recipe.export).ok_or_else(|| {
        TrainError::Option(format!(
            "export = \"{}\": use F32, F16, Q8_0, Q4_0 or Q4_K",
            recipe.export
        ))
    })?;
    let settings = Settings {
        rate: recipe.train.rate,
        epochs: recipe.train.epochs,
        step_tokens: recipe.train.step_tokens,
        max_length: recipe.train.max_length,
        seed: recipe.seed,
        ..Settings::default()
    };
    settings.validate()?;

    let data = folder.join("data.jsonl");
    if !data.exists() {
        say("making data");
        make_data(recipe, &data)?;
    }
    let records = read_records(&data)?;
    let held_out = held_out(&records, recipe.measure.problems);
    let drawing = Drawing {
        samples: recipe.measure.samples.max(1),
        temperature: recipe.measure.temperature,
        max_tokens: recipe.measure.max_tokens,
        seed: recipe.seed,
        calculator: Some(calculator),
        threads,
    };
    let scope = match recipe.train.rank {
        0 => Scope::Full,
        rank => Scope::Lora {
            rank,
            alpha: 2.0 * rank as f32,
        },
    };
    let mut network = Network::load(source, scope, recipe.seed)?;
    say(&format!(
        "measuring the start model on {} held-out problems",
        held_out.len()
    ));
    let before = measure(
        &network,
        source,
        &held_out,
        &drawing,
        &folder.join("before.jsonl"),
    )?;

    say("training");
    let steps = if recipe.data.equations {
        Steps::Equations
    } else {
        Steps::Whole
    };
    let examples: Vec<Example> = read_examples(&data, steps)?;
    let rows = Rows::new(source, &examples, settings.max_length)?;
    let place = Place {
        folder: &folder.join("sft"),
        checkpoint_seconds: 180.0,
        dev_steps: 20,
        watch,
    };
    sft::train(source, &mut network, &rows, &settings, place)?;
    let mut outcomes = Vec::new();
    if let Some(star) = &recipe.star {
        let problems: Vec<Record> = records
            .iter()
            .filter(|r| r.split == "train" && r.reward == 1)
            .take(star.problems)
            .cloned()
            .collect();
        let mut earlier = Vec::new();
        for number in 1..=star.rounds {
            say(&format!("STaR, round {number}"));
            let drawing = Drawing {
                samples: star.samples,
                temperature: star.temperature,
                seed: recipe.seed.wrapping_add(number as u64),
                ..drawing.clone()
            };
            let round = Round {
                folder: &folder.join(format!("star-{number}")),
                problems: &problems,
                always: &examples,
                earlier: &earlier,
                drawing: &drawing,
                paths: 4,
                settings: &settings,
                checkpoint_seconds: 180.0,
            };
            let (trained, outcome, kept) = star::round(&network, source, scope, &round, watch)?;
            network = trained;
            outcomes.push(outcome);
            earlier.extend(kept);
        }
    }
    say("measuring the trained model");
    let after = measure(&network, source, &held_out, &drawing, &folder.join("after.jsonl"))?;
    say("exporting");
    if matches!(scope, Scope::Lora { .. }) {
        adapter::write(&folder.join("adapter"), &network, &source.config().name)?;
    }
    let file = folder.join("model.gguf");
    if !source.path().is_dir() {
        gguf::write(&file, &network, source, dtype)?;
    }
    let mut text = report(&before, &after, &drawing);
    let _ = write!(
        text,
        "\n## Data\n\n{} records, {} of them for training; see data.md. Start model: {}.\n",
        records.len(),
        rows.train.len(),
        source.config().name
    );
    for (i, o) in outcomes.iter().enumerate() {
        let _ = writeln!(
            text,
            "\nSTaR round {}: {} of {} responses right, {} of {} problems solved, {} records kept.",
            i + 1,
            o.right,
            o.samples,
            o.solved,
            o.problems,
            o.kept
        );
    }
    let path = folder.join("report.md");
    write_file(&path, text.as_bytes())?;
    crate::report::write(&folder.join("sft/metrics.jsonl"), &folder.join("curves.html"))?;
    Ok(path)
}

/// Keeps the recipe beside the results, and refuses another one.
fn same_recipe(path: &Path, text: &str) -> Result<(), TrainError> {
    match fs::read_to_string(path) {
        Ok(kept) if kept == text => Ok(()),
        Ok(_) => Err(TrainError::Mismatch {
            path: path.to_owned(),
            reason: "this folder belongs to another recipe: choose another --out".to_owned(),
        }),
        Err(_) => write_file(path, text.as_bytes()),
    }
}

fn make_data(recipe: &Recipe, path: &Path) -> Result<(), TrainError> {
    let mut banned = BanList::default();
    for ban in &recipe.data.ban {
        banned.add_path(ban)?;
    }
    let options = Options {
        mix: parse_mix(&recipe.data.families)?,
        rows: recipe.data.rows,
        seed: recipe.seed,
        difficulty: dataset::parse_difficulty(&recipe.data.difficulty)?,
        ..Options::default()
    };
    let outside = Outside {
        gsm8k: recipe.data.gsm8k.clone(),
        svamp: recipe.data.svamp.clone(),
        svamp_copies: 0,
    };
    let request = Request {
        options,
        outside,
        command: "flywheel run".to_owned(),
    };
    dataset::write(&request, &banned, path)?;
    Ok(())
}

/// Test problems, at most `most` of each source.
fn held_out(records: &[Record], most: usize) -> Vec<Record> {
    let mut counts = std::collections::HashMap::<&str, usize>::new();
    let mut out = Vec::new();
    for record in records.iter().filter(|r| r.split == "test") {
        let count = counts.entry(&record.source).or_default();
        if *count < most {
            *count += 1;
            out.push(record.clone());
        }
    }
    out
}

/// The table of accuracy before and after, with 95 % intervals.
pub fn report(before: &[Answered], after: &[Answered], drawing: &Drawing) -> String {
    let mut text = format!(
        "# Before and after\n\nHeld-out problems. One: one greedy response. Vote: {} responses at temperature {}. \
         Confident and wrong: the vote has at least half of the responses, is wrong, and is not a refusal.\n\n\
         | problems | n | one before | one after | vote before | vote after | confident and wrong before | after |\n\
         |---|---|---|---|---|---|---|---|\n",
        drawing.samples, drawing.temperature
    );
    let (before, after) = (summarise(before, kind), summarise(after, kind));
    for (name, b) in &before {
        let Some(a) = after.get(name) else { continue };
        let share = |p: f64| {
            let (low, high) = interval(p, b.problems);
            format!("{:.1} % ({:.1}–{:.1})", 100.0 * p, 100.0 * low, 100.0 * high)
        };
        let _ = writeln!(
            text,
            "| {name} | {} | {} | {} | {} | {} | {} | {} |",
            b.problems,
            share(b.greedy),
            share(a.greedy),
            share(b.vote),
            share(a.vote),
            share(b.confident_wrong),
            share(a.confident_wrong)
        );
    }
    text
}
