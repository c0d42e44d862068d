//! Trained weights in the forms other programs read.
//!
//! | file | form | read by |
//! |---|---|---|
//! | `adapter.rs` | LoRA factors as `peft` writes them | `peft`, our engine, vLLM |
//! | `folder.rs` | `model.safetensors` and `config.json` | `transformers` |
//! | `gguf.rs`, `quantise.rs` | GGUF in F32, F16, Q8_0, Q4_0 or Q4_K | our engine, llama.cpp |

pub mod adapter;
pub mod folder;
pub mod gguf;
pub mod quantise;

/// The name in Hugging Face's Llama of a tensor in GGUF's naming.
pub fn hf_name(name: &str) -> String {
    match name {
        "token_embd.weight" => return "model.embed_tokens.weight".to_owned(),
        "output_norm.weight" => return "model.norm.weight".to_owned(),
        "output.weight" => return "lm_head.weight".to_owned(),
        _ => {}
    }
    let mut out = name.replacen("blk.", "model.layers.", 1);
    for (gguf, hf) in PARTS {
        out = out.replace(gguf, hf);
    }
    out
}

const PARTS: [(&str, &str); 9] = [
    (".attn_norm.", ".input_layernorm."),
    (".ffn_norm.", ".post_attention_layernorm."),
    (".attn_q.", ".self_attn.q_proj."),
    (".attn_k.", ".self_attn.k_proj."),
    (".attn_v.", ".self_attn.v_proj."),
    (".attn_output.", ".self_attn.o_proj."),
    (".ffn_gate.", ".mlp.gate_proj."),
    (".ffn_up.", ".mlp.up_proj."),
    (".ffn_down.", ".mlp.down_proj."),
];
