//! The text side of a Hugging Face folder: `tokenizer.json`, the keys of `tokenizer_config.json`,
//! `generation_config.json` and `config.json` about special tokens, and the chat template.

use std::path::Path;

use serde::Deserialize;
use sha2::Sha256;

use super::hf::{MAX_JSON, read};
use super::{chat_template, hash_file};
use crate::error::LoadError;
use crate::template::ChatTemplate;
use crate::tokenizer::{HfSpecials, Tokenizer};

/// Largest `tokenizer.json`, bytes; the largest known has 35 MB.
const MAX_TOKENIZER: u64 = 64 << 20;

#[derive(Default, Deserialize)]
struct TokenizerConfig {
    bos_token: Option<TokenText>,
    eos_token: Option<TokenText>,
    add_bos_token: Option<bool>,
    chat_template: Option<Templates>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum TokenText {
    Plain(String),
    Described { content: String },
}

impl TokenText {
    fn text(self) -> String {
        match self {
            TokenText::Plain(text) | TokenText::Described { content: text } => text,
        }
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Templates {
    One(String),
    Named(Vec<NamedTemplate>),
}

#[derive(Deserialize)]
struct NamedTemplate {
    name: String,
    template: String,
}

/// The part of `config.json` and `generation_config.json` that says where generation ends.
#[derive(Default, Deserialize)]
struct Ends {
    eos_token_id: Option<OneOrMany>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(u32),
    Many(Vec<u32>),
}

impl Ends {
    fn ids(self) -> Vec<u32> {
        match self.eos_token_id {
            None => Vec::new(),
            Some(OneOrMany::One(id)) => vec![id],
            Some(OneOrMany::Many(ids)) => ids,
        }
    }
}

/// Reads the tokenizer and the chat template of the folder `dir`, and adds their files to the hash.
pub(super) fn read_text(
    dir: &Path,
    config_json: &[u8],
    hasher: &mut Sha256,
) -> Result<(Tokenizer, Option<ChatTemplate>), LoadError> {
    let mut optional = |name: &str| -> Result<Option<Vec<u8>>, LoadError> {
        let path = dir.join(name);
        if !path.is_file() {
            return Ok(None);
        }
        let bytes = read(&path, MAX_JSON)?;
        hash_file(hasher, &bytes);
        Ok(Some(bytes))
    };
    let config: TokenizerConfig = parse(dir, "tokenizer_config.json", optional("tokenizer_config.json")?)?;
    let generation: Ends = parse(dir, "generation_config.json", optional("generation_config.json")?)?;
    let template_file = optional("chat_template.jinja")?;
    let ends: Ends = parse(dir, "config.json", Some(config_json.to_owned()))?;

    let path = dir.join("tokenizer.json");
    let place = path.display().to_string();
    if !path.is_file() {
        let what = "it is missing; models that only have tokenizer.model need converting to GGUF";
        return Err(LoadError::malformed(place, what));
    }
    let json = read(&path, MAX_TOKENIZER)?;
    hash_file(hasher, &json);
    let json = String::from_utf8(json).map_err(|_| LoadError::malformed(&place, "it is not UTF-8"))?;
    let mut eos_ids = ends.ids();
    eos_ids.extend(generation.ids());
    let specials = HfSpecials {
        bos: config.bos_token.map(TokenText::text),
        eos: config.eos_token.map(TokenText::text),
        eos_ids,
        add_bos: config.add_bos_token,
    };
    let tokenizer = Tokenizer::from_json(&json, &specials, &place)?;

    let source = match (template_file, config.chat_template) {
        (Some(bytes), _) => Some(String::from_utf8_lossy(&bytes).into_owned()),
        (None, Some(Templates::One(source))) => Some(source),
        (None, Some(Templates::Named(list))) => {
            list.into_iter().find(|t| t.name == "default").map(|t| t.template)
        }
        (None, None) => None,
    };
    let place = dir.display().to_string();
    let template = source
        .map(|source| chat_template(&source, &tokenizer, &place))
        .transpose()?;
    Ok((tokenizer, template))
}

/// The file's keys that matter, or their defaults when there is no such file.
fn parse<T: Default + for<'de> Deserialize<'de>>(
    dir: &Path,
    name: &str,
    bytes: Option<Vec<u8>>,
) -> Result<T, LoadError> {
    let Some(bytes) = bytes else {
        return Ok(T::default());
    };
    serde_json::from_slice(&bytes).map_err(|e| {
        LoadError::malformed(
            dir.join(name).display().to_string(),
            format!("it cannot be read: {e}"),
        )
    })
}
