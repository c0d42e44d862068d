//! Hugging Face PEFT's folders.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::{Adapter, Projection, Stored};
use crate::config::{ModelConfig, RopeLayout};
use crate::error::LoadError;
use crate::source::{finish_hash, hash_file, map, safetensors};

/// What matters of `adapter_config.json`.
#[derive(Deserialize)]
struct Config {
    peft_type: String,
    r: f32,
    lora_alpha: f32,
    #[serde(default)]
    use_rslora: bool,
    #[serde(default)]
    use_dora: bool,
    #[serde(default)]
    fan_in_fan_out: bool,
    bias: Option<String>,
    /// Other alphas, by the end of a module's name.
    #[serde(default)]
    alpha_pattern: BTreeMap<String, f32>,
}

const LONGEST: usize = 1 << 20;

pub(super) fn open(folder: &Path, config: &ModelConfig) -> Result<Adapter, LoadError> {
    let path = folder.join("adapter_config.json");
    let place = path.display().to_string();
    let text = map(&path)?;
    if text.len() > LONGEST {
        return Err(LoadError::malformed(place, "it is longer than 1 MiB"));
    }
    let settings: Config =
        serde_json::from_slice(&text).map_err(|e| LoadError::malformed(place.as_str(), e.to_string()))?;
    let refuse = |what: &str, hint: &str| Err(LoadError::unsupported(place.as_str(), what, hint));
    if settings.peft_type != "LORA" {
        return refuse(&format!("the adapter type {}", settings.peft_type), "use LoRA");
    }
    if settings.use_dora || settings.fan_in_fan_out {
        return refuse(
            "an adapter with `use_dora` or `fan_in_fan_out`",
            "train it without",
        );
    }
    if settings.bias.is_some_and(|bias| bias != "none") {
        return refuse("an adapter with trained biases", "train it with `bias` \"none\"");
    }

    let path = folder.join("adapter_model.safetensors");
    let file = map(&path)?;
    let place = path.display().to_string();
    let tensors = safetensors::parse(&file, &place, |_| true)?;
    let mut stored = Vec::new();
    for (name, tensor) in &tensors {
        let Some((layer, projection, up)) = target(name) else {
            return Err(LoadError::unsupported(
                place,
                format!("the adapted tensor `{name}`"),
                "only the seven projections of a block can be adapted",
            ));
        };
        let [rows, cols] = tensor.shape[..] else {
            return Err(LoadError::malformed(place, format!("`{name}` is not a matrix")));
        };
        stored.push(Stored {
            layer,
            projection,
            up,
            rows,
            cols,
            dtype: tensor.dtype,
            data: &file[tensor.bytes.clone()],
        });
    }
    let scale = |layer: usize, projection: Projection, rank: usize| {
        let module = Projection::ALL
            .iter()
            .find(|p| p.0 == projection)
            .map_or("", |p| p.2);
        let module = format!("layers.{layer}.{module}");
        let special = settings.alpha_pattern.iter().find(|(key, _)| {
            module == **key
                || module
                    .strip_suffix(key.as_str())
                    .is_some_and(|rest| rest.ends_with('.'))
        });
        let alpha = special.map_or(settings.lora_alpha, |(_, alpha)| *alpha);
        // The rank is that of the matrices; the file's is only the default of its patterns.
        let rank = rank as f32;
        if settings.use_rslora {
            alpha / rank.sqrt() // Kalajdzievski 2023, arXiv:2312.03732
        } else {
            alpha / rank
        }
    };
    if settings.r < 1.0 {
        return Err(LoadError::malformed(place, "the rank `r` is below 1"));
    }
    let mut hasher = Sha256::new();
    hash_file(&mut hasher, &text);
    hash_file(&mut hasher, &file);
    Adapter::build(
        folder,
        finish_hash(hasher),
        config,
        RopeLayout::Half,
        &stored,
        scale,
    )
}

/// Reads `…layers.N.self_attn.q_proj.lora_A[.default].weight`.
fn target(name: &str) -> Option<(usize, Projection, bool)> {
    let (_, rest) = name.split_once("layers.")?;
    let (layer, rest) = rest.split_once('.')?;
    let (module, side) = rest.split_once(".lora_")?;
    let up = match side {
        "A.weight" | "A.default.weight" => false,
        "B.weight" | "B.default.weight" => true,
        _ => return None,
    };
    let projection = Projection::ALL.iter().find(|p| p.2 == module)?.0;
    Some((layer.parse().ok()?, projection, up))
}
