//! The tiny models' vocabulary: all bytes, a few merges, control tokens.

use serde_json::json;

use crate::gguf::Writer;
use crate::tokenizer::byte_alphabet;

const MERGES: [(&str, &str); 8] = [
    ("h", "e"),
    ("l", "l"),
    ("he", "ll"),
    ("hell", "o"),
    ("Ġ", "t"),
    ("Ġt", "he"),
    ("1", "2"),
    ("a", "n"),
];
const CONTROL: [&str; 3] = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"];
const MARKS: [&str; 2] = ["<think>", "</think>"];
const TEMPLATE: &str = "{% for message in messages %}{{ '<|im_start|>' + message.role + '\n' + \
     message.content + '<|im_end|>\n' }}{% endfor %}\
     {% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

/// Tokens in the vocabulary: 256 bytes, the merges, control tokens, thinking marks.
pub(super) const VOCAB_SIZE: usize = 256 + MERGES.len() + CONTROL.len() + MARKS.len();
/// `<|endoftext|>`.
pub(super) const BOS: u32 = 256 + MERGES.len() as u32;
/// `<|im_end|>`.
pub(super) const EOS: u32 = BOS + 2;

fn pieces() -> Vec<String> {
    let bytes = byte_alphabet().map(|c| c.to_string());
    bytes
        .chain(MERGES.iter().map(|(a, b)| format!("{a}{b}")))
        .collect()
}

/// Adds the vocabulary to a GGUF file, padded to `rows` tokens.
pub(super) fn write_gguf(w: &mut Writer, rows: usize) {
    let mut tokens = pieces();
    let mut types = vec![1; tokens.len()];
    for (names, kind) in [(&CONTROL[..], 3), (&MARKS[..], 4)] {
        tokens.extend(names.iter().map(|name| (*name).to_owned()));
        types.resize(tokens.len(), kind);
    }
    for i in tokens.len()..rows {
        tokens.push(format!("[PAD{i}]"));
        types.push(5);
    }
    let merges: Vec<String> = MERGES.iter().map(|(a, b)| format!("{a} {b}")).collect();
    w.string("tokenizer.ggml.model", "gpt2");
    w.string("tokenizer.ggml.pre", "gpt-2");
    w.strings("tokenizer.ggml.tokens", &tokens);
    w.i32s("tokenizer.ggml.token_type", &types);
    w.strings("tokenizer.ggml.merges", &merges);
    w.u32("tokenizer.ggml.bos_token_id", BOS);
    w.u32("tokenizer.ggml.eos_token_id", EOS);
    w.bool("tokenizer.ggml.add_bos_token", false);
    w.string("tokenizer.chat_template", TEMPLATE);
}

pub(super) fn tokenizer_json() -> String {
    let vocab: serde_json::Map<_, _> = pieces()
        .into_iter()
        .zip(0..)
        .map(|(piece, id): (String, u32)| (piece, id.into()))
        .collect();
    let special = CONTROL
        .iter()
        .map(|name| (name, true))
        .chain(MARKS.iter().map(|name| (name, false)));
    let added: Vec<_> = special
        .zip(BOS..)
        .map(|((name, special), id)| {
            json!({
                "id": id, "content": name, "special": special,
                "single_word": false, "lstrip": false, "rstrip": false, "normalized": false,
            })
        })
        .collect();
    json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": added,
        "normalizer": null,
        "pre_tokenizer":
            { "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true },
        "post_processor": null,
        "decoder":
            { "type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true },
        "model": {
            "type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
            "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false, "ignore_merges": false,
            "vocab": vocab,
            "merges": MERGES,
        },
    })
    .to_string()
}

pub(super) fn tokenizer_config_json() -> String {
    json!({
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": CONTROL[0],
        "eos_token": CONTROL[2],
        "chat_template": TEMPLATE,
    })
    .to_string()
}
