//! Writes a tiny random model for `scripts/parity.py`: `tiny llama|llama3|qwen2|qwen3 FOLDER` writes it as
//! safetensors with its config and tokenizer, and as `model.gguf`.

use std::error::Error;
use std::path::Path;

use strawberry_engine::config::{Architecture, RopeScaling};
use strawberry_engine::testing::TinyModel;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [kind, folder] = &args[..] else {
        return Err("usage: tiny llama|llama3|qwen2|qwen3 FOLDER".into());
    };
    let mut model = TinyModel::new(match kind.as_str() {
        "llama" | "llama3" => Architecture::Llama,
        "qwen2" => Architecture::Qwen2,
        "qwen3" => Architecture::Qwen3,
        _ => return Err(format!("no kind `{kind}`").into()),
    });
    if kind == "llama3" {
        model.config.rope.scaling = RopeScaling::Llama3 {
            factor: 8.0,
            low_freq_factor: 1.0,
            high_freq_factor: 4.0,
            original_context: 64,
        };
    }
    let folder = Path::new(folder);
    model.write_hf(folder)?;
    std::fs::write(folder.join("model.gguf"), model.gguf())?;
    Ok(())
}
