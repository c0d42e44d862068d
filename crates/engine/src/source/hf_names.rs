//! What things are called in a Hugging Face folder: tensors, and the keys of `config.json`.

use serde_json::{Value, json};

use crate::config::{Architecture, ModelConfig, RopeScaling};

/// Tensors outside the layers: GGUF's name, Hugging Face's.
const WHOLE: [(&str, &str); 3] = [
    ("token_embd.weight", "model.embed_tokens.weight"),
    ("output_norm.weight", "model.norm.weight"),
    ("output.weight", "lm_head.weight"),
];
/// Parts of a layer: GGUF's name, Hugging Face's.
const PARTS: [(&str, &str); 11] = [
    ("attn_norm", "input_layernorm"),
    ("ffn_norm", "post_attention_layernorm"),
    ("attn_q", "self_attn.q_proj"),
    ("attn_k", "self_attn.k_proj"),
    ("attn_v", "self_attn.v_proj"),
    ("attn_output", "self_attn.o_proj"),
    ("attn_q_norm", "self_attn.q_norm"),
    ("attn_k_norm", "self_attn.k_norm"),
    ("ffn_gate", "mlp.gate_proj"),
    ("ffn_up", "mlp.up_proj"),
    ("ffn_down", "mlp.down_proj"),
];

/// GGUF's name for a Hugging Face tensor, or `None` for tensors the engine does not use.
pub(super) fn gguf_name(name: &str) -> Option<String> {
    if let Some((gguf, _)) = WHOLE.iter().find(|(_, hf)| *hf == name) {
        return Some((*gguf).to_owned());
    }
    let (layer, rest) = name.strip_prefix("model.layers.")?.split_once('.')?;
    let layer: u32 = layer.parse().ok()?;
    let (part, kind) = rest.rsplit_once('.')?;
    let (part, _) = PARTS.iter().find(|(_, hf)| *hf == part)?;
    matches!(kind, "weight" | "bias").then(|| format!("blk.{layer}.{part}.{kind}"))
}

/// Hugging Face's name for a tensor in GGUF's naming; a name that is no tensor of these models stays as it is.
pub fn hf_name(name: &str) -> String {
    if let Some((_, hf)) = WHOLE.iter().find(|(gguf, _)| *gguf == name) {
        return (*hf).to_owned();
    }
    let in_layer = || {
        let (layer, rest) = name.strip_prefix("blk.")?.split_once('.')?;
        let (part, kind) = rest.split_once('.')?;
        let (_, part) = PARTS.iter().find(|(gguf, _)| *gguf == part)?;
        Some(format!("model.layers.{layer}.{part}.{kind}"))
    };
    in_layer().unwrap_or_else(|| name.to_owned())
}

/// `config.json` as `transformers` reads it, for weights in F32; `bos` and `eos` are the tokens that begin and end a
/// text. `None` where it has no place for the model's rotary scaling ([`RopeScaling::Factors`]).
pub fn config_json(config: &ModelConfig, bos: Option<u32>, eos: Option<u32>) -> Option<Value> {
    let c = config;
    let (class, kind) = match c.architecture {
        Architecture::Llama => ("LlamaForCausalLM", "llama"),
        Architecture::Qwen2 => ("Qwen2ForCausalLM", "qwen2"),
        Architecture::Qwen3 => ("Qwen3ForCausalLM", "qwen3"),
    };
    let mut json = json!({
        "architectures": [class],
        "model_type": kind,
        "vocab_size": c.vocab_size,
        "hidden_size": c.hidden,
        "intermediate_size": c.ffn,
        "num_hidden_layers": c.layers,
        "num_attention_heads": c.heads,
        "num_key_value_heads": c.kv_heads,
        "head_dim": c.head_dim,
        "max_position_embeddings": c.context_length,
        "rms_norm_eps": c.rms_eps,
        "hidden_act": "silu",
        "rope_theta": c.rope.base,
        "tie_word_embeddings": c.tied_embeddings,
        "attention_bias": false,
        "mlp_bias": false,
        "torch_dtype": "float32",
        "bos_token_id": bos,
        "eos_token_id": eos,
    });
    match c.rope.scaling {
        RopeScaling::None => {}
        RopeScaling::Linear { factor } => {
            json["rope_scaling"] = json!({ "rope_type": "linear", "factor": factor });
        }
        RopeScaling::Llama3 {
            factor,
            low_freq_factor,
            high_freq_factor,
            original_context,
        } => {
            json["rope_scaling"] = json!({
                "rope_type": "llama3",
                "factor": factor,
                "low_freq_factor": low_freq_factor,
                "high_freq_factor": high_freq_factor,
                "original_max_position_embeddings": original_context,
            });
        }
        RopeScaling::Factors => return None,
    }
    if let Some(window) = c.sliding_window {
        json["sliding_window"] = window.into();
    }
    Some(json)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_there_and_back() {
        for (gguf, hf) in PARTS {
            for kind in ["weight", "bias"] {
                let (gguf, hf) = (
                    format!("blk.12.{gguf}.{kind}"),
                    format!("model.layers.12.{hf}.{kind}"),
                );
                assert_eq!(hf_name(&gguf), hf);
                assert_eq!(gguf_name(&hf), Some(gguf));
            }
        }
        for (gguf, hf) in WHOLE {
            assert_eq!(
                (hf_name(gguf), gguf_name(hf)),
                (hf.to_owned(), Some(gguf.to_owned()))
            );
        }
        assert_eq!(gguf_name("model.layers.0.self_attn.rotary_emb.inv_freq"), None);
    }
}
