//! A model as a Hugging Face folder: `model.safetensors` in F32 with Hugging Face's names and row order, and
//! `config.json`. Tokenizer files are copied where the start model is such a folder.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use safetensors::tensor::Dtype;
use strawberry_engine::source::ModelSource;
use strawberry_engine::source::hf_names::{config_json, hf_name};

use crate::checkpoint::{Entry, write_file, write_tensors};
use crate::error::TrainError;
use crate::network::Network;

/// Writes the network, its adapters merged.
///
/// # Errors
/// When the disk refuses.
pub fn write(folder: &Path, network: &Network, source: &ModelSource) -> Result<(), TrainError> {
    let mut network = network.clone();
    network.merge();
    let c = network.config();
    fs::create_dir_all(folder).map_err(TrainError::io(folder))?;
    let entries: Vec<Entry> = network
        .tensors()
        .iter()
        .map(|t| {
            let shape = if t.rows == 1 {
                vec![t.cols]
            } else {
                vec![t.rows, t.cols]
            };
            let data = t.data.iter().flat_map(|v| v.to_le_bytes()).collect();
            (hf_name(&t.name), shape, Dtype::F32, data)
        })
        .collect();
    let metadata = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    write_tensors(&folder.join("model.safetensors"), &entries, metadata)?;
    let tokens = source.tokenizer();
    let config = config_json(c, tokens.bos(), tokens.eos()).ok_or_else(|| {
        TrainError::Unsupported(
            "config.json has no place for this model's stored rotary factors: export GGUF".to_owned(),
        )
    })?;
    let text = serde_json::to_vec_pretty(&config).unwrap_or_default();
    write_file(&folder.join("config.json"), &text)?;
    for name in [
        "tokenizer.json",
        "tokenizer_config.json",
        "special_tokens_map.json",
        "generation_config.json",
        "chat_template.jinja",
    ] {
        let from = source.path().join(name);
        if from.is_file() {
            fs::copy(&from, folder.join(name)).map_err(TrainError::io(&from))?;
        }
    }
    Ok(())
}
