//! The vocabulary in a GGUF file's metadata (keys `tokenizer.ggml.*`).

use std::collections::HashMap;

use super::bpe::{Bpe, Cut, Form, Merging, Words, byte_level_text};
use super::special::Added;
use super::spm::{SPACE, Spm};
use super::{MAX_MERGES, MAX_TOKENS, Model, Parts, TokenKind, Tokenizer};
use crate::error::LoadError;
use crate::gguf::Gguf;

/// How the text before merging is cut for each value of `tokenizer.ggml.pre`.
struct Pre {
    names: &'static [&'static str],
    patterns: &'static [&'static str],
    /// Cut by GPT-2's pattern after the others.
    gpt2: bool,
    /// Words that are tokens are taken whole.
    ignore_merges: bool,
    /// Text is put in Unicode's normal form C first, as the models' own tokenizers do.
    nfc: bool,
    /// Whether a file that does not say starts texts with BOS.
    add_bos: bool,
}

const LLAMA3: &str = concat!(
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|",
    r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
);
const QWEN2: &str = concat!(
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|",
    r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
);
const TEKKEN: &str = concat!(
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|",
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}|",
    r" ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
);

const PRES: &[Pre] = &[
    Pre {
        names: &["llama-bpe", "llama3", "llama-v3", "smaug-bpe", "dbrx", "falcon3"],
        patterns: &[LLAMA3],
        gpt2: false,
        ignore_merges: true,
        nfc: false,
        add_bos: true,
    },
    Pre {
        names: &["qwen2"],
        patterns: &[QWEN2],
        gpt2: false,
        ignore_merges: false,
        nfc: true,
        add_bos: false,
    },
    Pre {
        names: &["deepseek-r1-qwen", "megrez", "stablelm2"],
        patterns: &[QWEN2],
        gpt2: false,
        ignore_merges: false,
        nfc: false,
        add_bos: false,
    },
    Pre {
        names: &["smollm", "starcoder", "refact", "codeshell", "command-r"],
        patterns: &[r"\p{N}"],
        gpt2: true,
        ignore_merges: false,
        nfc: false,
        add_bos: false,
    },
    Pre {
        names: &["gpt-2", "gpt2", "phi-2", "olmo", "mpt"],
        patterns: &[],
        gpt2: true,
        ignore_merges: false,
        nfc: false,
        add_bos: false,
    },
    Pre {
        names: &["default"],
        patterns: &[r"[\p{P}\$\+<=>\^~\|]+", GPT2, r"\p{N}+", r"[0-9][0-9][0-9]"],
        gpt2: false,
        ignore_merges: false,
        nfc: false,
        add_bos: false,
    },
    Pre {
        names: &["tekken"],
        patterns: &[TEKKEN],
        gpt2: false,
        ignore_merges: true,
        nfc: false,
        add_bos: true,
    },
];

const GPT2: &str = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)";

/// One token of the file.
struct Entry {
    text: String,
    kind: TokenKind,
    score: f32,
}

impl Tokenizer {
    /// Builds the tokenizer of a GGUF file, whose bytes are `file`.
    ///
    /// # Errors
    /// When the vocabulary is missing, contradicts itself, or is of a kind this engine does not have.
    pub fn from_gguf(gguf: &Gguf, file: &[u8]) -> Result<Self, LoadError> {
        let bad = |what: String| LoadError::malformed(gguf.place(), what);
        let entries = entries(gguf, file)?;
        let model = gguf.str("tokenizer.ggml.model")?.unwrap_or_default();
        let added = added(gguf, &entries)?;
        let bos = id(gguf, "bos")?;
        let add_bos = gguf.bool("tokenizer.ggml.add_bos_token")?;
        let (model, tokens, default_add_bos) = match model {
            "llama" => {
                let prefix = gguf.bool("tokenizer.ggml.add_space_prefix")?.unwrap_or(true);
                let spm = spm(&entries, id(gguf, "unknown")?, prefix);
                (Model::Spm(spm), entries.iter().map(spm_text).collect(), true)
            }
            "gpt2" => {
                let (pre, bpe) = bpe(gguf, file, &entries)?;
                (
                    Model::Bpe(Box::new(bpe)),
                    entries.iter().map(bpe_text).collect(),
                    pre.add_bos,
                )
            }
            "" => return Err(bad("it has no vocabulary (`tokenizer.ggml.model`)".to_owned())),
            other => {
                return Err(LoadError::unsupported(
                    gguf.place(),
                    format!("the tokenizer `{other}`"),
                    "this engine has byte-pair (`gpt2`) and SentencePiece (`llama`) vocabularies",
                ));
            }
        };
        let mut more_ends = Vec::new();
        for name in ["eot", "eom"] {
            more_ends.extend(id(gguf, name)?);
        }
        Ok(Tokenizer::new(Parts {
            model,
            tokens,
            added,
            bos,
            eos: id(gguf, "eos")?,
            more_ends,
            add_bos: add_bos.unwrap_or(default_add_bos),
        }))
    }
}

fn id(gguf: &Gguf, name: &str) -> Result<Option<u32>, LoadError> {
    let id = gguf.usize(&format!("tokenizer.ggml.{name}_token_id"))?;
    // Some files write -1 cast to unsigned for "none".
    Ok(id
        .and_then(|id| u32::try_from(id).ok())
        .filter(|id| *id != u32::MAX))
}

fn entries(gguf: &Gguf, file: &[u8]) -> Result<Vec<Entry>, LoadError> {
    let bad = |what: String| LoadError::malformed(gguf.place(), what);
    let texts = gguf
        .strings(file, "tokenizer.ggml.tokens")?
        .ok_or_else(|| bad("it has no vocabulary (`tokenizer.ggml.tokens`)".to_owned()))?;
    if texts.len() == 0 || texts.len() > MAX_TOKENS {
        return Err(bad(format!("its vocabulary has {} tokens", texts.len())));
    }
    let mut kinds = gguf.numbers(file, "tokenizer.ggml.token_type")?;
    let mut scores = gguf.numbers(file, "tokenizer.ggml.scores")?;
    let lengths = [kinds.as_ref().map(|k| k.len()), scores.as_ref().map(|s| s.len())];
    if lengths.into_iter().flatten().any(|len| len != texts.len()) {
        return Err(bad(format!(
            "the vocabulary has {} tokens, but its types and scores are {lengths:?}",
            texts.len()
        )));
    }
    let entries = texts.map(|text| Entry {
        text: String::from_utf8_lossy(text).into_owned(),
        kind: match kinds.as_mut().and_then(Iterator::next).map_or(1, |k| k as i64) {
            2 => TokenKind::Unknown,
            3 => TokenKind::Control,
            4 => TokenKind::UserDefined,
            5 => TokenKind::Unused,
            6 => TokenKind::Byte,
            _ => TokenKind::Normal,
        },
        score: scores.as_mut().and_then(Iterator::next).unwrap_or(0.0) as f32,
    });
    Ok(entries.collect())
}

fn added(gguf: &Gguf, entries: &[Entry]) -> Result<Vec<Added>, LoadError> {
    let whole = entries.iter().zip(0..).filter(|(entry, _)| {
        matches!(entry.kind, TokenKind::Control | TokenKind::UserDefined) && !entry.text.is_empty()
    });
    let added: Vec<Added> = whole
        .map(|(entry, id)| Added {
            id,
            text: entry.text.clone(),
            control: entry.kind == TokenKind::Control,
            strip_left: false,
            strip_right: false,
        })
        .collect();
    super::special::check(&added).map_err(|what| LoadError::malformed(gguf.place(), what))?;
    Ok(added)
}

fn bpe(gguf: &Gguf, file: &[u8], entries: &[Entry]) -> Result<(&'static Pre, Bpe), LoadError> {
    let bad = |what: String| LoadError::malformed(gguf.place(), what);
    let name = gguf.str("tokenizer.ggml.pre")?.unwrap_or("default");
    let pre = PRES.iter().find(|pre| pre.names.contains(&name)).ok_or_else(|| {
        let known: Vec<&str> = PRES.iter().flat_map(|pre| pre.names).copied().collect();
        LoadError::unsupported(
            gguf.place(),
            format!("the pre-tokenizer `{name}`"),
            format!("this engine has {}", known.join(", ")),
        )
    })?;
    let listed = gguf
        .strings(file, "tokenizer.ggml.merges")?
        .ok_or_else(|| bad("its vocabulary has no merges (`tokenizer.ggml.merges`)".to_owned()))?;
    if listed.len() > MAX_MERGES {
        return Err(bad(format!("its vocabulary has {} merges", listed.len())));
    }
    let mut merges = Vec::new();
    for merge in listed {
        // The first character may itself be a space in odd vocabularies, so look behind it.
        let merge = String::from_utf8_lossy(merge);
        let (left, right) = merge
            .char_indices()
            .skip(1)
            .find(|(_, c)| *c == ' ')
            .map(|(at, _)| (&merge[..at], &merge[at + 1..]))
            .ok_or_else(|| bad(format!("the merge `{merge}` is not two tokens")))?;
        merges.push((left.to_owned(), right.to_owned()));
    }
    let mut vocab = HashMap::with_capacity(entries.len());
    for (entry, id) in entries.iter().zip(0..) {
        vocab.entry(entry.text.clone()).or_insert(id);
    }
    let mut cuts = Vec::new();
    for pattern in pre.patterns {
        cuts.push(Cut::regex(pattern).map_err(bad)?);
    }
    cuts.push(Cut::bytes(pre.gpt2));
    let words = Words {
        form: pre.nfc.then_some(Form::Nfc),
        visible_space: None,
        cuts,
    };
    let data = Merging {
        vocab,
        merges,
        ignore_merges: pre.ignore_merges,
        byte_fallback: false,
        unknown: None,
        fuse_unknown: false,
    };
    Ok((pre, Bpe::new(words, data).map_err(bad)?))
}

fn bpe_text(entry: &Entry) -> (Vec<u8>, TokenKind) {
    let text = match entry.kind {
        TokenKind::Control | TokenKind::UserDefined => entry.text.clone().into_bytes(),
        _ => byte_level_text(&entry.text),
    };
    (text, entry.kind)
}

fn spm(entries: &[Entry], unknown: Option<u32>, prefix_space: bool) -> Spm {
    let mut pieces = HashMap::new();
    let mut bytes = Box::new([None; 256]);
    for (entry, id) in entries.iter().zip(0..) {
        match entry.kind {
            TokenKind::Byte => {
                if let Some(byte) = byte_of(&entry.text) {
                    bytes[usize::from(byte)] = Some(id);
                }
            }
            TokenKind::Normal | TokenKind::UserDefined => {
                pieces.entry(entry.text.clone()).or_insert((id, entry.score));
            }
            TokenKind::Control | TokenKind::Unknown | TokenKind::Unused => {}
        }
    }
    Spm::new(pieces, bytes, unknown, prefix_space)
}

fn spm_text(entry: &Entry) -> (Vec<u8>, TokenKind) {
    let text = match (entry.kind, byte_of(&entry.text)) {
        (TokenKind::Byte, Some(byte)) => vec![byte],
        (TokenKind::Control, _) => entry.text.clone().into_bytes(),
        _ => entry.text.replace(SPACE, " ").into_bytes(),
    };
    (text, entry.kind)
}

/// The byte named by `<0xXX>`.
pub(super) fn byte_of(text: &str) -> Option<u8> {
    let hex = text.strip_prefix("<0x")?.strip_suffix('>')?;
    (hex.len() == 2).then(|| u8::from_str_radix(hex, 16).ok())?
}
