//! llama.cpp's adapter files: a GGUF whose tensors are named after the adapted ones.

use std::path::Path;

use sha2::{Digest, Sha256};

use super::{Adapter, Projection, Stored};
use crate::config::{Architecture, ModelConfig, RopeLayout};
use crate::error::LoadError;
use crate::gguf::Gguf;
use crate::quant::DType;
use crate::source::{finish_hash, hash_file, map};

pub(super) fn open(path: &Path, config: &ModelConfig) -> Result<Adapter, LoadError> {
    let file = map(path)?;
    let place = path.display().to_string();
    let gguf = Gguf::parse(&file, &place)?;
    if gguf.str("adapter.type")? != Some("lora") {
        return Err(LoadError::malformed(
            place,
            "its `adapter.type` is not `lora`: it is a model or another kind of adapter",
        ));
    }
    if let Some(other) = gguf
        .str("general.architecture")?
        .filter(|name| *name != config.architecture.name())
    {
        return Err(LoadError::malformed(
            place,
            format!(
                "it adapts the architecture `{other}`, but the model is of `{}`",
                config.architecture.name()
            ),
        ));
    }
    let Some(alpha) = gguf.f32("adapter.lora.alpha")? else {
        return Err(LoadError::malformed(place, "it has no `adapter.lora.alpha`"));
    };
    let mut stored = Vec::new();
    for (name, tensor) in &gguf.tensors {
        let float = matches!(tensor.dtype, DType::F32 | DType::F16 | DType::BF16);
        let (Some((layer, projection, up)), true) = (target(name), float) else {
            return Err(LoadError::unsupported(
                place,
                format!("the adapted tensor `{name}` ({})", tensor.dtype),
                "only the seven projections of a block can be adapted, in F32, F16 or BF16",
            ));
        };
        stored.push(Stored {
            layer,
            projection,
            up,
            rows: tensor.dims[1..].iter().product(),
            cols: tensor.dims[0],
            dtype: tensor.dtype,
            data: &file[tensor.bytes.clone()],
        });
    }
    // The converter reorders the outputs of q and k as it does in models of the family.
    let layout = if config.architecture == Architecture::Llama {
        RopeLayout::Interleaved
    } else {
        RopeLayout::Half
    };
    let mut hasher = Sha256::new();
    hash_file(&mut hasher, &file);
    Adapter::build(
        path,
        finish_hash(hasher),
        config,
        layout,
        &stored,
        |_, _, rank| {
            // As llama.cpp has it: no alpha means the product itself.
            if alpha == 0.0 { 1.0 } else { alpha / rank as f32 }
        },
    )
}

/// Reads `blk.N.attn_q.weight.lora_a`.
fn target(name: &str) -> Option<(usize, Projection, bool)> {
    let (layer, rest) = name.strip_prefix("blk.")?.split_once('.')?;
    let (module, side) = rest.split_once(".weight.lora_")?;
    let up = match side {
        "a" => false,
        "b" => true,
        _ => return None,
    };
    let projection = Projection::ALL.iter().find(|p| p.1 == module)?.0;
    Some((layer.parse().ok()?, projection, up))
}
