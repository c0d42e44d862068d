//! LoRA adapters as `peft` writes and reads them: a folder with `adapter_config.json` and
//! `adapter_model.safetensors`.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use half::{bf16, f16};
use safetensors::tensor::{Dtype, SafeTensors};
use serde_json::{Value, json};
use strawberry_engine::source::hf_names::hf_name;

use crate::checkpoint::{Entry, write_file, write_tensors};
use crate::error::TrainError;
use crate::network::{Network, Scope, Tensor};

const CONFIG: &str = "adapter_config.json";
const WEIGHTS: &str = "adapter_model.safetensors";
const MODULES: [&str; 7] = [
    "q_proj",
    "k_proj",
    "v_proj",
    "o_proj",
    "gate_proj",
    "up_proj",
    "down_proj",
];

/// `peft`'s name of a factor.
fn factor_name(tensor: &Tensor) -> String {
    let (stem, letter) = match tensor.name.strip_suffix(".lora_a") {
        Some(stem) => (stem, "A"),
        None => (tensor.name.trim_end_matches(".lora_b"), "B"),
    };
    let name = hf_name(&format!("{stem}.weight"));
    format!(
        "base_model.model.{}.lora_{letter}.weight",
        name.trim_end_matches(".weight")
    )
}

/// Writes the network's adapters in F16. `base` names the model they belong to.
///
/// # Errors
/// When the network has no adapters, a value does not fit F16, or the disk refuses.
pub fn write(folder: &Path, network: &Network, base: &str) -> Result<(), TrainError> {
    let lora = network.lora().ok_or_else(|| {
        TrainError::Option("all weights were trained, so there is no adapter: export the model".to_owned())
    })?;
    fs::create_dir_all(folder).map_err(TrainError::io(folder))?;
    let mut entries: Vec<Entry> = Vec::new();
    for tensor in lora.pairs().flatten() {
        let mut data = Vec::with_capacity(tensor.data.len() * 2);
        for &value in &tensor.data {
            let half = f16::from_f32(value);
            if !half.is_finite() {
                return Err(TrainError::Option(format!(
                    "`{}` has the value {value}, which F16 can't hold",
                    tensor.name
                )));
            }
            data.extend(half.to_le_bytes());
        }
        entries.push((
            factor_name(tensor),
            vec![tensor.rows, tensor.cols],
            Dtype::F16,
            data,
        ));
    }
    let metadata = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    write_tensors(&folder.join(WEIGHTS), &entries, metadata)?;
    let config = json!({
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": base,
        "r": lora.rank,
        "lora_alpha": lora.alpha,
        "lora_dropout": 0.0,
        "bias": "none",
        "fan_in_fan_out": false,
        "inference_mode": true,
        "target_modules": MODULES,
    });
    let text = serde_json::to_vec_pretty(&config).unwrap_or_default();
    write_file(&folder.join(CONFIG), &text)
}

/// Reads an adapter into `network`, which trains it from then on.
///
/// # Errors
/// [`TrainError::Mismatch`] names the tensor that is missing or of another shape.
pub fn read(folder: &Path, network: &mut Network) -> Result<(), TrainError> {
    let path = folder.join(CONFIG);
    let mismatch = |path: &Path, reason: String| TrainError::Mismatch {
        path: path.to_owned(),
        reason,
    };
    let text = fs::read(&path).map_err(TrainError::io(&path))?;
    let config: Value =
        serde_json::from_slice(&text).map_err(|e| mismatch(&path, format!("damaged: {e}")))?;
    let number = |key: &str| config.get(key).and_then(Value::as_f64);
    let (Some(rank), Some(alpha)) = (number("r"), number("lora_alpha")) else {
        return Err(mismatch(&path, "`r` or `lora_alpha` is missing".to_owned()));
    };
    if config.get("use_rslora") == Some(&Value::Bool(true))
        || config.get("use_dora") == Some(&Value::Bool(true))
    {
        return Err(mismatch(&path, "rsLoRA and DoRA are not supported".to_owned()));
    }
    network.set_scope(
        Scope::Lora {
            rank: rank as usize,
            alpha: alpha as f32,
        },
        0,
    )?;
    let path = folder.join(WEIGHTS);
    let data = fs::read(&path).map_err(TrainError::io(&path))?;
    let file = SafeTensors::deserialize(&data).map_err(|e| mismatch(&path, format!("damaged: {e}")))?;
    if file.len() != network.trainable().len() {
        return Err(mismatch(
            &path,
            format!(
                "it has {} tensors, but an adapter on all projections of this model has {}",
                file.len(),
                network.trainable().len()
            ),
        ));
    }
    for tensor in network.trainable_mut() {
        let name = factor_name(tensor);
        let view = file
            .tensor(&name)
            .map_err(|_| mismatch(&path, format!("the tensor `{name}` is missing")))?;
        if view.shape() != [tensor.rows, tensor.cols] {
            return Err(mismatch(
                &path,
                format!(
                    "the tensor `{name}` is {:?}, but this model needs [{}, {}]: was it trained for another model?",
                    view.shape(),
                    tensor.rows,
                    tensor.cols
                ),
            ));
        }
        let halves = || view.data().as_chunks::<2>().0.iter();
        tensor.data = match view.dtype() {
            Dtype::F32 => {
                let words = view.data().as_chunks::<4>().0.iter();
                words.map(|b| f32::from_le_bytes(*b)).collect()
            }
            Dtype::F16 => halves().map(|b| f16::from_le_bytes(*b).to_f32()).collect(),
            Dtype::BF16 => halves().map(|b| bf16::from_le_bytes(*b).to_f32()).collect(),
            other => {
                let reason =
                    format!("the tensor `{name}` is stored as {other:?}; F32, F16 and BF16 are read");
                return Err(mismatch(&path, reason));
            }
        };
    }
    Ok(())
}
