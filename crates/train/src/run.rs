//! The loop every kind of training shares: gradients, clipping, update, metrics, checkpoints, resuming.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::checkpoint::{self, State};
use crate::error::TrainError;
use crate::network::{Gradients, Keep, Network};
use crate::optimiser::{self, AdamW, Moments};

/// How a run optimises and how often it keeps its state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Peak learning rate.
    pub rate: f32,
    /// Share of the steps over which the rate rises.
    pub warmup: f32,
    /// Longest gradient; longer ones are shortened.
    pub clip: f32,
    /// The optimiser.
    pub adam: AdamW,
    /// Tokens of a step at least.
    pub step_tokens: usize,
    /// Tokens of a forward pass at most.
    pub pack_tokens: usize,
    /// Longer sequences are left out.
    pub max_length: usize,
    /// Passes over the data; may be a fraction.
    pub epochs: f32,
    /// Whether layers are computed twice to save memory.
    pub recompute: bool,
    /// Seed of adapters and order.
    pub seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            rate: 1e-3,
            warmup: 0.05,
            clip: 1.0,
            adam: AdamW::default(),
            step_tokens: 4096,
            pack_tokens: 2048,
            max_length: 1024,
            epochs: 1.0,
            recompute: false,
            seed: 0,
        }
    }
}

impl Settings {
    /// What a forward pass before a backward pass keeps.
    pub fn keep(&self) -> Keep {
        if self.recompute {
            Keep::Inputs
        } else {
            Keep::Everything
        }
    }

    /// Checks ranges.
    ///
    /// # Errors
    /// [`TrainError::Option`] says which setting may be what.
    pub fn validate(&self) -> Result<(), TrainError> {
        let check = |ok: bool, what: &str| {
            if ok {
                Ok(())
            } else {
                Err(TrainError::Option(what.to_owned()))
            }
        };
        check(
            self.rate > 0.0 && self.rate < 1.0,
            "the learning rate must be above 0 and below 1",
        )?;
        check(
            (0.0..=1.0).contains(&self.warmup),
            "the warm-up must be a share of the steps, from 0 to 1",
        )?;
        check(self.clip > 0.0, "the longest gradient must be above 0")?;
        check(
            self.epochs > 0.0 && self.epochs <= 1000.0,
            "epochs must be above 0 and at most 1000",
        )?;
        check(
            self.step_tokens > 0 && self.pack_tokens > 0 && self.max_length > 1,
            "step, pack and sequence must hold some tokens",
        )
    }
}

/// Names a run by all that decides its weights.
pub fn run_name(method: &str, settings: &Settings, model: &str, data: &str) -> String {
    let text = format!(
        "{method}\n{}\n{model}\n{data}",
        serde_json::to_string(settings).unwrap_or_default()
    );
    Sha256::digest(text.as_bytes())
        .iter()
        .take(16)
        .fold(String::new(), |hex, b| hex + &format!("{b:02x}"))
}

/// What one step found.
#[derive(Clone, Debug, Default)]
pub struct Measured {
    /// The loss, in nats where it is a likelihood.
    pub loss: f64,
    /// Tokens computed.
    pub tokens: usize,
    /// More numbers for the metrics.
    pub more: Vec<(&'static str, f64)>,
}

/// One line of `metrics.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// Steps done.
    pub step: usize,
    /// Steps of the whole run.
    pub steps: usize,
    /// The loss of this step.
    pub loss: f64,
    /// The learning rate of this step.
    pub rate: f32,
    /// Length of the gradient before clipping.
    pub gradient: f32,
    /// Tokens computed so far.
    pub tokens: u64,
    /// Tokens computed per second in this step.
    pub tokens_per_second: f64,
    /// Seconds of work so far.
    pub seconds: f64,
    /// Loss on held-out rows, where it was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dev_loss: Option<f64>,
    /// Numbers of this kind of training.
    #[serde(flatten)]
    pub more: serde_json::Map<String, serde_json::Value>,
}

/// A run's folder, and what happens beside the steps.
pub struct Run<'s, 'p> {
    /// Where its files go and who watches it.
    pub place: Place<'p>,
    /// From [`run_name`].
    pub name: String,
    /// How it optimises.
    pub settings: &'s Settings,
    /// Steps in all.
    pub steps: usize,
}

/// Where a run's files go and who watches it.
pub struct Place<'a> {
    /// Where checkpoints and `metrics.jsonl` go.
    pub folder: &'a Path,
    /// Seconds between checkpoints.
    pub checkpoint_seconds: f64,
    /// Steps between measurements on held-out rows.
    pub dev_steps: usize,
    /// Told after each step; `false` stops the run, its state kept.
    pub watch: &'a mut dyn FnMut(&Metrics) -> bool,
}

/// What a finished run leaves.
#[derive(Clone, Debug, PartialEq)]
pub struct Finished {
    /// The last checkpoint.
    pub checkpoint: PathBuf,
    /// The last step's metrics; `None` if there was nothing left to do.
    pub last: Option<Metrics>,
}

impl Run<'_, '_> {
    /// Runs all steps that are not done yet. `step` adds the gradients of a step (from 0); `dev` measures on
    /// held-out rows.
    ///
    /// # Errors
    /// [`TrainError::NotFinite`] when the loss or a gradient is not a number (nothing is written then),
    /// [`TrainError::Stopped`] when `watch` said so, and those of `step`, `dev` and the disk.
    pub fn go(
        self,
        network: &mut Network,
        step: &mut dyn FnMut(&Network, usize, &mut Gradients) -> Result<Measured, TrainError>,
        dev: &mut dyn FnMut(&Network) -> Result<Option<f64>, TrainError>,
    ) -> Result<Finished, TrainError> {
        fs::create_dir_all(self.place.folder).map_err(TrainError::io(self.place.folder))?;
        let mut moments = Moments::new(network);
        let mut state = State {
            step: 0,
            run: self.name.clone(),
            seconds: 0.0,
            tokens: 0,
        };
        let mut kept = checkpoint::latest(self.place.folder)?;
        if let Some(path) = &kept {
            state = checkpoint::load(path, network, &mut moments, &self.name)?;
        }
        let metrics_path = self.place.folder.join("metrics.jsonl");
        keep_metrics(&metrics_path, state.step)?;
        let mut metrics_file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&metrics_path)
            .map_err(TrainError::io(&metrics_path))?;
        let mut gradients = network.gradients();
        let warmup = (self.steps as f32 * self.settings.warmup).ceil() as usize;
        let mut last = None;
        let mut since_checkpoint = 0.0;
        while state.step < self.steps {
            let start = Instant::now();
            gradients.clear();
            let measured = step(network, state.step, &mut gradients)?;
            let not_finite = |what: String| TrainError::NotFinite {
                step: state.step + 1,
                what,
                kept: kept.clone(),
            };
            if !measured.loss.is_finite() {
                return Err(not_finite("the loss".to_owned()));
            }
            let length = optimiser::length(&gradients)
                .map_err(|i| not_finite(format!("the gradient of `{}`", network.trainable()[i].name)))?;
            optimiser::clip(&mut gradients, length, self.settings.clip);
            let rate = optimiser::rate(self.settings.rate, warmup, state.step, self.steps);
            self.settings.adam.update(network, &gradients, &mut moments, rate);
            state.step += 1;
            state.tokens += measured.tokens as u64;
            let took = start.elapsed().as_secs_f64();
            state.seconds += took;
            since_checkpoint += took;
            let due = state.step == self.steps || state.step.is_multiple_of(self.place.dev_steps.max(1));
            let metrics = Metrics {
                step: state.step,
                steps: self.steps,
                loss: measured.loss,
                rate,
                gradient: length,
                tokens: state.tokens,
                tokens_per_second: measured.tokens as f64 / took,
                seconds: state.seconds,
                dev_loss: if due { dev(network)? } else { None },
                more: measured
                    .more
                    .into_iter()
                    .map(|(name, value)| (name.to_owned(), value.into()))
                    .collect(),
            };
            let mut line = serde_json::to_vec(&metrics).unwrap_or_default();
            line.push(b'\n');
            metrics_file
                .write_all(&line)
                .map_err(TrainError::io(&metrics_path))?;
            let go_on = (self.place.watch)(&metrics);
            last = Some(metrics);
            if !go_on || state.step == self.steps || since_checkpoint >= self.place.checkpoint_seconds {
                kept = Some(checkpoint::save(self.place.folder, network, &moments, &state)?);
                since_checkpoint = 0.0;
            }
            if !go_on && state.step < self.steps {
                return Err(TrainError::Stopped { step: state.step });
            }
        }
        let checkpoint = match kept {
            Some(path) => path,
            None => checkpoint::save(self.place.folder, network, &moments, &state)?,
        };
        Ok(Finished { checkpoint, last })
    }
}

/// Removes the lines of steps which a resumed run will repeat, and a torn last line.
fn keep_metrics(path: &Path, step: usize) -> Result<(), TrainError> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(TrainError::io(path)(e)),
    };
    let kept: String = text
        .lines()
        .filter(|line| serde_json::from_str::<Metrics>(line).is_ok_and(|m| m.step <= step))
        .map(|line| format!("{line}\n"))
        .collect();
    checkpoint::write_file(path, kept.as_bytes())
}
