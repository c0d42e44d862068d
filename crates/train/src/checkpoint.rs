//! The state of a run on disk: whole or not there at all.
//!
//! A checkpoint is a folder `step-N` with `weights.safetensors` (what is trained), `moments.safetensors` (the
//! optimiser's means) and `state.json`. It is written under another name, synced, and renamed; older ones are
//! removed afterwards. So a kill at any moment leaves the last complete one.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};

use crate::error::TrainError;
use crate::network::Network;
use crate::optimiser::Moments;

/// Where a run stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// Optimiser steps done.
    pub step: usize,
    /// Names the settings, the model and the data, so that a run is not resumed as another.
    pub run: String,
    /// Seconds of work so far.
    pub seconds: f64,
    /// Tokens computed so far.
    pub tokens: u64,
}

fn bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes
        .as_chunks::<4>()
        .0
        .iter()
        .map(|b| f32::from_le_bytes(*b))
        .collect()
}

/// A tensor to be written: name, shape, storage, bytes.
pub(crate) type Entry = (String, Vec<usize>, Dtype, Vec<u8>);

/// Writes a safetensors file, whole or not at all.
pub(crate) fn write_tensors(
    path: &Path,
    entries: &[Entry],
    metadata: HashMap<String, String>,
) -> Result<(), TrainError> {
    let broken = |e: safetensors::SafeTensorError| TrainError::Mismatch {
        path: path.to_owned(),
        reason: e.to_string(),
    };
    let views = entries
        .iter()
        .map(|(name, shape, dtype, data)| Ok((name.as_str(), TensorView::new(*dtype, shape.clone(), data)?)))
        .collect::<Result<Vec<_>, _>>()
        .map_err(broken)?;
    let data = safetensors::serialize(views, Some(metadata)).map_err(broken)?;
    write_file(path, &data)
}

/// Writes a file under another name, syncs it, and renames it.
pub(crate) fn write_file(path: &Path, data: &[u8]) -> Result<(), TrainError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".partial");
    let partial = PathBuf::from(name);
    let write = || -> std::io::Result<()> {
        let mut file = File::create(&partial)?;
        file.write_all(data)?;
        file.sync_all()?;
        fs::rename(&partial, path)
    };
    write().map_err(TrainError::io(path))
}

/// Reads a safetensors file of f32 tensors into `targets`, which must have the same names and shapes.
pub(crate) fn read_tensors(
    path: &Path,
    targets: Vec<(String, [usize; 2], &mut Vec<f32>)>,
) -> Result<(), TrainError> {
    let mismatch = |reason: String| TrainError::Mismatch {
        path: path.to_owned(),
        reason,
    };
    let data = fs::read(path).map_err(TrainError::io(path))?;
    let file = SafeTensors::deserialize(&data).map_err(|e| mismatch(format!("damaged: {e}")))?;
    if file.len() != targets.len() {
        return Err(mismatch(format!(
            "it has {} tensors, but {} are trained: was it made with another rank or scope?",
            file.len(),
            targets.len()
        )));
    }
    for (name, shape, target) in targets {
        let view = file
            .tensor(&name)
            .map_err(|_| mismatch(format!("the tensor `{name}` is missing")))?;
        if view.shape() != shape || view.dtype() != Dtype::F32 {
            return Err(mismatch(format!(
                "the tensor `{name}` is {:?} of {:?}, but {:?} of F32 is trained",
                view.shape(),
                view.dtype(),
                shape
            )));
        }
        *target = floats(view.data());
    }
    Ok(())
}

fn entry(name: &str, rows: usize, cols: usize, data: &[f32]) -> Entry {
    (name.to_owned(), vec![rows, cols], Dtype::F32, bytes(data))
}

/// Writes the run's state and removes older ones.
///
/// # Errors
/// When the disk is full or refuses; the previous checkpoint is untouched then.
pub fn save(
    folder: &Path,
    network: &Network,
    moments: &Moments,
    state: &State,
) -> Result<PathBuf, TrainError> {
    let last = folder.join(format!("step-{}", state.step));
    if last.exists() {
        return Ok(last);
    }
    let partial = folder.join("partial");
    if partial.exists() {
        fs::remove_dir_all(&partial).map_err(TrainError::io(&partial))?;
    }
    fs::create_dir_all(&partial).map_err(TrainError::io(&partial))?;
    let trainable = network.trainable();
    let weights: Vec<Entry> = trainable
        .iter()
        .map(|t| entry(&t.name, t.rows, t.cols, &t.data))
        .collect();
    write_tensors(&partial.join("weights.safetensors"), &weights, HashMap::new())?;
    drop(weights);
    let means = trainable.iter().zip(&moments.mean).zip(&moments.square);
    let means: Vec<Entry> = means
        .flat_map(|((t, m), v)| {
            [
                entry(&format!("{}.mean", t.name), t.rows, t.cols, m),
                entry(&format!("{}.square", t.name), t.rows, t.cols, v),
            ]
        })
        .collect();
    write_tensors(&partial.join("moments.safetensors"), &means, HashMap::new())?;
    let text = serde_json::to_vec_pretty(state).unwrap_or_default();
    write_file(&partial.join("state.json"), &text)?;
    fs::rename(&partial, &last).map_err(TrainError::io(&last))?;
    for (step, path) in all(folder)? {
        if step < state.step {
            fs::remove_dir_all(&path).map_err(TrainError::io(&path))?;
        }
    }
    Ok(last)
}

fn all(folder: &Path) -> Result<Vec<(usize, PathBuf)>, TrainError> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(TrainError::io(folder))? {
        let path = entry.map_err(TrainError::io(folder))?.path();
        let step = path
            .file_name()
            .and_then(|n| n.to_str()?.strip_prefix("step-")?.parse().ok());
        found.extend(step.map(|step| (step, path)));
    }
    found.sort();
    Ok(found)
}

/// The newest checkpoint in a run's folder.
///
/// # Errors
/// When the folder is there but can't be read.
pub fn latest(folder: &Path) -> Result<Option<PathBuf>, TrainError> {
    if !folder.exists() {
        return Ok(None);
    }
    Ok(all(folder)?.pop().map(|(_, path)| path))
}

/// Reads a checkpoint's weights into a network of the same scope.
///
/// # Errors
/// [`TrainError::Mismatch`] names the tensor that differs.
pub fn load_weights(checkpoint: &Path, network: &mut Network) -> Result<(), TrainError> {
    let targets = network
        .trainable_mut()
        .into_iter()
        .map(|t| (t.name.clone(), [t.rows, t.cols], &mut t.data))
        .collect();
    read_tensors(&checkpoint.join("weights.safetensors"), targets)
}

/// How many layers the weights of a checkpoint have; `None` for adapters or a damaged file.
pub fn layers(checkpoint: &Path) -> Option<usize> {
    let data = fs::read(checkpoint.join("weights.safetensors")).ok()?;
    let (_, header) = SafeTensors::read_metadata(&data).ok()?;
    let names = header.tensors();
    let norms = names
        .keys()
        .filter(|name| name.ends_with(".attn_norm.weight"))
        .count();
    (norms > 0).then_some(norms)
}

/// Reads a checkpoint: weights into `network`, the optimiser's means into `moments`.
///
/// # Errors
/// [`TrainError::Mismatch`] when it belongs to another run or does not fit the network; it names the tensor.
pub fn load(
    checkpoint: &Path,
    network: &mut Network,
    moments: &mut Moments,
    run: &str,
) -> Result<State, TrainError> {
    let path = checkpoint.join("state.json");
    let text = fs::read(&path).map_err(TrainError::io(&path))?;
    let state: State = serde_json::from_slice(&text).map_err(|e| TrainError::Mismatch {
        path: path.clone(),
        reason: format!("damaged: {e}"),
    })?;
    if state.run != run {
        return Err(TrainError::Mismatch {
            path,
            reason: "it was made with other settings, another model or other data; repeat those exactly, or choose \
                     another --out folder"
                .to_owned(),
        });
    }
    load_weights(checkpoint, network)?;
    let shapes: Vec<(String, [usize; 2])> = network
        .trainable()
        .iter()
        .map(|t| (t.name.clone(), [t.rows, t.cols]))
        .collect();
    let targets = shapes
        .into_iter()
        .zip(moments.mean.iter_mut().zip(&mut moments.square))
        .flat_map(|((name, shape), (m, v))| {
            [
                (format!("{name}.mean"), shape, m),
                (format!("{name}.square"), shape, v),
            ]
        })
        .collect();
    read_tensors(&checkpoint.join("moments.safetensors"), targets)?;
    moments.updates = state.step as u64;
    Ok(state)
}
