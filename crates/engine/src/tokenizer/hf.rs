//! Hugging Face's `tokenizer.json`, with the keys of `tokenizer_config.json` that matter.
//!
//! The file may ask for any component of the `tokenizers` crate. Those that the supported families use are
//! read here, by name, with bounds; another one is an error that names it.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, from_str};
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::digits::Digits;

use super::bounded::{Bounded, Merge, Vocabulary};
use super::bpe::{Bpe, Cut, Form, Merging, Prefix, Words, byte_level_text};
use super::gguf::byte_of;
use super::special::{self, Added};
use super::spm::SPACE;
use super::{MAX_MERGES, MAX_TOKENS, Model, Parts, TokenKind, Tokenizer};
use crate::error::LoadError;

/// Longest description of a component, bytes.
const MAX_COMPONENT: usize = 1 << 16;
/// Longest regular expression in one, bytes.
const MAX_PATTERN: usize = 1 << 11;

/// What stands beside `tokenizer.json` about its special tokens.
#[derive(Clone, Debug, Default)]
pub struct HfSpecials {
    /// Text of the token that begins a text.
    pub bos: Option<String>,
    /// Text of the token that ends a text.
    pub eos: Option<String>,
    /// More ids that end generation.
    pub eos_ids: Vec<u32>,
    /// Whether texts begin with `bos`; `None` leaves it to `tokenizer.json`.
    pub add_bos: Option<bool>,
}

#[derive(Deserialize)]
struct File<'a> {
    #[serde(borrow)]
    model: &'a RawValue,
    #[serde(borrow)]
    normalizer: Option<&'a RawValue>,
    #[serde(borrow)]
    pre_tokenizer: Option<&'a RawValue>,
    #[serde(borrow)]
    post_processor: Option<&'a RawValue>,
    #[serde(default)]
    added_tokens: Bounded<RawAdded, { 1 << 16 }>,
}

#[derive(Deserialize)]
struct RawAdded {
    id: u32,
    content: String,
    #[serde(default)]
    special: bool,
    #[serde(default)]
    lstrip: bool,
    #[serde(default)]
    rstrip: bool,
}

#[derive(Deserialize)]
struct ModelType {
    #[serde(rename = "type")]
    kind: Option<String>,
}

#[derive(Deserialize)]
struct RawBpe {
    vocab: Vocabulary,
    merges: Bounded<Merge, MAX_MERGES>,
    unk_token: Option<String>,
    continuing_subword_prefix: Option<String>,
    end_of_word_suffix: Option<String>,
    #[serde(default)]
    fuse_unk: bool,
    #[serde(default)]
    byte_fallback: bool,
    #[serde(default)]
    ignore_merges: bool,
}

impl Tokenizer {
    /// Builds a tokenizer from the text of `tokenizer.json`. `place` names the file in errors.
    ///
    /// # Errors
    /// When the text is not such a file, contradicts itself, or asks for a component this engine does not
    /// have, which is named.
    pub fn from_json(json: &str, specials: &HfSpecials, place: &str) -> Result<Self, LoadError> {
        let bad = |what: String| LoadError::malformed(place, what);
        let wrong = |e: serde_json::Error| bad(format!("it is not a tokenizer.json: {e}"));
        let unsupported = |what: String| {
            LoadError::unsupported(
                place,
                what,
                "use a GGUF file of the model, which has its own vocabulary",
            )
        };
        let file: File = from_str(json).map_err(wrong)?;
        let kind: ModelType = from_str(file.model.get()).map_err(wrong)?;
        if let Some(kind) = kind.kind.filter(|kind| kind != "BPE") {
            return Err(unsupported(format!("the tokenizer model `{kind}`")));
        }
        let raw: RawBpe = from_str(file.model.get()).map_err(wrong)?;
        if [&raw.continuing_subword_prefix, &raw.end_of_word_suffix]
            .into_iter()
            .flatten()
            .any(|s| !s.is_empty())
        {
            return Err(unsupported(
                "a byte-pair model with subword prefixes or suffixes".to_owned(),
            ));
        }

        let mut reader = WordsReader {
            words: Words {
                form: None,
                visible_space: None,
                cuts: Vec::new(),
            },
        };
        for component in component(file.normalizer, "normalizers").map_err(&bad)? {
            reader.normalizer(&component).map_err(&unsupported)?;
        }
        for component in component(file.pre_tokenizer, "pretokenizers").map_err(&bad)? {
            reader.pre_tokenizer(&component).map_err(&unsupported)?;
        }
        let words = reader.words;
        let byte_level = words.cuts.iter().any(|cut| matches!(cut, Cut::Bytes(_)));

        let count = raw
            .vocab
            .0
            .values()
            .chain(file.added_tokens.0.iter().map(|a| &a.id));
        let count = count.max().map_or(0, |id| *id as usize + 1);
        if count == 0 || count > MAX_TOKENS {
            return Err(bad(format!("its vocabulary has ids up to {count}")));
        }
        let mut tokens = vec![(Vec::new(), TokenKind::Unused); count];
        for (text, id) in &raw.vocab.0 {
            tokens[*id as usize] = if byte_level {
                (byte_level_text(text), TokenKind::Normal)
            } else {
                match byte_of(text).filter(|_| raw.byte_fallback) {
                    Some(byte) => (vec![byte], TokenKind::Byte),
                    None => (text.replace(SPACE, " ").into_bytes(), TokenKind::Normal),
                }
            };
        }
        let mut added = Vec::new();
        for token in file.added_tokens.0 {
            let kind = if token.special {
                TokenKind::Control
            } else {
                TokenKind::UserDefined
            };
            tokens[token.id as usize] = (token.content.clone().into_bytes(), kind);
            if !token.content.is_empty() {
                added.push(Added {
                    id: token.id,
                    text: token.content,
                    control: token.special,
                    strip_left: token.lstrip,
                    strip_right: token.rstrip,
                });
            }
        }
        special::check(&added).map_err(&bad)?;

        let find = |text: &Option<String>| -> Option<u32> {
            let text = text.as_deref()?;
            added
                .iter()
                .find(|a| a.text == text)
                .map(|a| a.id)
                .or_else(|| raw.vocab.0.get(text).copied())
        };
        let (bos, eos) = (find(&specials.bos), find(&specials.eos));
        let add_bos = match specials.add_bos {
            Some(add) => add,
            None => adds(file.post_processor, specials.bos.as_deref()).map_err(&bad)?,
        };
        let unknown = raw.unk_token.filter(|unknown| raw.vocab.0.contains_key(unknown));
        let bpe = Bpe::new(
            words,
            Merging {
                vocab: raw.vocab.0,
                merges: raw.merges.0.into_iter().map(|merge| (merge.0, merge.1)).collect(),
                ignore_merges: raw.ignore_merges,
                byte_fallback: raw.byte_fallback,
                unknown,
                fuse_unknown: raw.fuse_unk,
            },
        )
        .map_err(&bad)?;
        Ok(Tokenizer::new(Parts {
            model: Model::Bpe(Box::new(bpe)),
            tokens,
            added,
            bos,
            eos,
            more_ends: specials.eos_ids.clone(),
            add_bos,
        }))
    }
}

/// The component's description, or those of a sequence's members.
fn component(raw: Option<&RawValue>, members: &str) -> Result<Vec<Value>, String> {
    let Some(raw) = raw else { return Ok(Vec::new()) };
    if raw.get().len() > MAX_COMPONENT {
        return Err(format!(
            "the description of its {members} is {} bytes long",
            raw.get().len()
        ));
    }
    let mut value: Value = from_str(raw.get()).map_err(|e| e.to_string())?;
    Ok(match value.get_mut(members).map(Value::take) {
        Some(Value::Array(list)) => list,
        _ => vec![value],
    })
}

/// Whether the post-processor puts `bos` before a text.
fn adds(raw: Option<&RawValue>, bos: Option<&str>) -> Result<bool, String> {
    let first = |processor: &Value| {
        processor
            .pointer("/single/0/SpecialToken/id")
            .and_then(Value::as_str)
            .map(str::to_owned)
    };
    let processors = component(raw, "processors")?;
    Ok(bos.is_some() && processors.iter().any(|p| first(p).as_deref() == bos))
}

fn kind(component: &Value) -> &str {
    component
        .get("type")
        .and_then(Value::as_str)
        .unwrap_or("without a type")
}

struct WordsReader {
    words: Words,
}

impl WordsReader {
    fn normalizer(&mut self, component: &Value) -> Result<(), String> {
        let text = |key: &str| component.pointer(key).and_then(Value::as_str);
        let form = match kind(component) {
            "NFC" => Form::Nfc,
            "NFD" => Form::Nfd,
            "NFKC" => Form::Nfkc,
            "NFKD" => Form::Nfkd,
            "Prepend" if text("/prepend") == Some("\u{2581}") => {
                self.words.visible_space = Some(Prefix::Each);
                return Ok(());
            }
            "Replace" if text("/pattern/String") == Some(" ") && text("/content") == Some("\u{2581}") => {
                self.words.visible_space.get_or_insert(Prefix::Never);
                return Ok(());
            }
            // An empty sequence.
            "Sequence" => return Ok(()),
            other => return Err(format!("the normalizer `{other}`")),
        };
        self.words.form = Some(form);
        Ok(())
    }

    fn pre_tokenizer(&mut self, component: &Value) -> Result<(), String> {
        let flag = |key: &str| component.get(key).and_then(Value::as_bool);
        let text = |key: &str| component.pointer(key).and_then(Value::as_str);
        let cut = match kind(component) {
            "ByteLevel" => Cut::Bytes(ByteLevel::new(
                flag("add_prefix_space").unwrap_or(true),
                false,
                flag("use_regex").unwrap_or(true),
            )),
            "Digits" => Cut::Digits(Digits::new(flag("individual_digits").unwrap_or(false))),
            "Split" => {
                let isolated = text("/behavior") == Some("Isolated");
                // Dropping what does not match is how some files say that the pattern matches the words.
                let matches_words = text("/behavior") == Some("Removed") && flag("invert") == Some(true);
                let pattern = match (text("/pattern/Regex"), text("/pattern/String")) {
                    (Some(pattern), _) => pattern.to_owned(),
                    (None, Some(literal)) => escape(literal),
                    (None, None) => return Err("a split without a pattern".to_owned()),
                };
                if pattern.len() > MAX_PATTERN {
                    return Err(format!("a split by a pattern of {} bytes", pattern.len()));
                }
                if matches_words {
                    Cut::words(&pattern)?
                } else if isolated && flag("invert") != Some(true) {
                    Cut::regex(&pattern)?
                } else {
                    return Err(format!(
                        "a split that is `{}` and inverted: {:?}",
                        text("/behavior").unwrap_or("nothing"),
                        flag("invert")
                    ));
                }
            }
            "Metaspace" if flag("split") == Some(false) || flag("split").is_none() => {
                let prefix = match (text("/prepend_scheme"), flag("add_prefix_space")) {
                    (Some("first"), _) => Prefix::Start,
                    (Some("never"), _) | (None, Some(false)) => Prefix::Never,
                    _ => Prefix::Each,
                };
                self.words.visible_space = Some(prefix);
                return Ok(());
            }
            "Sequence" => return Ok(()),
            other => return Err(format!("the pre-tokenizer `{other}`")),
        };
        self.words.cuts.push(cut);
        Ok(())
    }
}

/// A regular expression for `literal` itself.
fn escape(literal: &str) -> String {
    let mut pattern = String::new();
    for c in literal.chars() {
        if c.is_ascii_punctuation() {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern
}
