//! Text to token ids and back.
//!
//! A tokenizer comes from a GGUF file's vocabulary (`gguf.rs`) or from Hugging Face's `tokenizer.json`
//! (`hf.rs`). Either way it is one of two models: byte-pair encoding by the `tokenizers` crate (`bpe.rs`) or
//! SentencePiece's score-driven merging (`spm.rs`). Around it, `special.rs` finds control tokens in text
//! and `stream.rs` turns sampled ids back into text.
//!
//! # Control tokens in user text
//! `<|im_end|>` typed by a user must stay seven harmless pieces of text. [`Tokenizer::encode`] therefore
//! reads control tokens only when asked to ([`Special::Parse`]). A chat prompt mixes both kinds of text, and
//! encoding its parts separately would change how pieces merge at the seams. So the caller *shields* each
//! untrusted text before it goes through the template ([`Tokenizer::shield`]): a guard character, absent
//! from the whole conversation, is put before every place where a control token begins or could be
//! completed by neighbouring text. [`Tokenizer::encode_shielded`] then takes no control token that
//! directly follows a guard, drops the guards, and encodes the text between control tokens in one piece.
//! [`prompt`](crate::template::prompt) does all of this.

mod bounded;
mod bpe;
mod gguf;
mod hf;
mod special;
mod spm;
mod stream;
#[cfg(test)]
mod tests;

pub use hf::HfSpecials;
pub use stream::Detokenizer;

pub(crate) use bpe::byte_alphabet;

use bpe::Bpe;
use special::Specials;
use spm::Spm;

/// More tokens than any vocabulary has; the largest known has 262 144.
const MAX_TOKENS: usize = 1 << 19;
/// More merges than any vocabulary has.
const MAX_MERGES: usize = 1 << 20;

/// What a token stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// A piece of text.
    Normal,
    /// The token for text outside the vocabulary.
    Unknown,
    /// A mark of structure, such as the end of a turn; not part of the text.
    Control,
    /// Text kept whole, such as `<think>`.
    UserDefined,
    /// A place in the vocabulary that nothing uses.
    Unused,
    /// One byte of text that has no token of its own.
    Byte,
}

/// Whether the names of control tokens in a text mean the tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Special {
    /// No: every character is text. For anything a user or a document says.
    AsText,
    /// Yes. For text the application wrote.
    Parse,
}

/// A text cannot be encoded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the text cannot be split into tokens: {0}")]
pub struct TokenizeError(String);

/// The marks around a reasoning model's thinking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThinkTokens {
    /// `<think>`.
    pub open: u32,
    /// `</think>`.
    pub close: u32,
}

#[derive(Debug)]
enum Model {
    Bpe(Box<Bpe>),
    Spm(Spm),
}

/// Encodes and decodes text.
#[derive(Debug)]
pub struct Tokenizer {
    model: Model,
    /// The bytes of all tokens, one after another; token `i` ends at `ends[i]`.
    bytes: Vec<u8>,
    ends: Vec<u32>,
    kinds: Vec<TokenKind>,
    specials: Specials,
    bos: Option<u32>,
    eos: Option<u32>,
    /// Sorted.
    end_tokens: Vec<u32>,
    add_bos: bool,
}

/// What both readers gather.
struct Parts {
    model: Model,
    /// Text of each token as it decodes.
    tokens: Vec<(Vec<u8>, TokenKind)>,
    /// The tokens found whole in text, as written there.
    added: Vec<special::Added>,
    bos: Option<u32>,
    eos: Option<u32>,
    /// Ends of generation which the file names beside `eos`.
    more_ends: Vec<u32>,
    add_bos: bool,
}

/// Control tokens that end a turn or a text in some family, whatever the file says about them.
const END_NAMES: [&str; 8] = [
    "<|eot_id|>",
    "<|eom_id|>",
    "<|im_end|>",
    "<|end|>",
    "<|endoftext|>",
    "<|end_of_text|>",
    "<|end_of_turn|>",
    "<｜end▁of▁sentence｜>",
];

impl Tokenizer {
    fn new(parts: Parts) -> Self {
        let count = parts.tokens.len() as u32;
        let known = |id: &u32| *id < count;
        let (mut bytes, mut ends, mut kinds) = (Vec::new(), Vec::new(), Vec::new());
        for (text, kind) in parts.tokens {
            bytes.extend(text);
            ends.push(bytes.len() as u32);
            kinds.push(kind);
        }
        let eos = parts.eos.filter(known);
        let named = parts
            .added
            .iter()
            .filter(|a| END_NAMES.contains(&a.text.as_str()))
            .map(|a| a.id);
        let mut end_tokens: Vec<u32> = named.chain(parts.more_ends).chain(eos).filter(known).collect();
        end_tokens.sort_unstable();
        end_tokens.dedup();
        Tokenizer {
            model: parts.model,
            bytes,
            ends,
            kinds,
            specials: Specials::new(parts.added.into_iter().filter(|a| known(&a.id)).collect()),
            bos: parts.bos.filter(known),
            eos,
            end_tokens,
            add_bos: parts.add_bos,
        }
    }

    /// Number of tokens. Logits may have more entries; those beyond are padding.
    pub fn vocab_size(&self) -> usize {
        self.ends.len()
    }

    /// The bytes a token stands for: text for text, the name for control tokens. Empty for ids outside the
    /// vocabulary.
    pub fn token_bytes(&self, id: u32) -> &[u8] {
        let id = id as usize;
        let Some(&end) = self.ends.get(id) else { return &[] };
        let start = if id == 0 { 0 } else { self.ends[id - 1] };
        &self.bytes[start as usize..end as usize]
    }

    /// What a token stands for; [`TokenKind::Unused`] outside the vocabulary.
    pub fn kind(&self, id: u32) -> TokenKind {
        self.kinds.get(id as usize).copied().unwrap_or(TokenKind::Unused)
    }

    /// The token that begins a text.
    pub fn bos(&self) -> Option<u32> {
        self.bos
    }

    /// The token that ends a text, as the file names it.
    pub fn eos(&self) -> Option<u32> {
        self.eos
    }

    /// Whether the model was trained with [`Tokenizer::bos`] before each text.
    pub fn add_bos(&self) -> bool {
        self.add_bos && self.bos.is_some()
    }

    /// All tokens that end the model's turn, sorted.
    pub fn end_tokens(&self) -> &[u32] {
        &self.end_tokens
    }

    /// Whether a token ends the model's turn.
    pub fn is_end(&self, id: u32) -> bool {
        self.end_tokens.binary_search(&id).is_ok()
    }

    /// The id of the control or user-defined token with exactly this name.
    pub fn special_id(&self, name: &str) -> Option<u32> {
        self.specials.id(name)
    }

    /// The marks around thinking, if the vocabulary has both as single tokens.
    pub fn think_tokens(&self) -> Option<ThinkTokens> {
        Some(ThinkTokens {
            open: self.special_id("<think>")?,
            close: self.special_id("</think>")?,
        })
    }

    /// Splits text into tokens; adds none of its own ([`Tokenizer::add_bos`] says whether a raw prompt
    /// should start with [`Tokenizer::bos`]).
    ///
    /// # Errors
    /// When the vocabulary's own rules fail on the text, which a sound file never causes.
    pub fn encode(&self, text: &str, special: Special) -> Result<Vec<u32>, TokenizeError> {
        self.encode_guarded(text, special, None)
    }

    /// A character that occurs in none of `texts`, to shield them with. It is one of Unicode's
    /// noncharacters, which have no meaning in text.
    ///
    /// # Errors
    /// When the texts use all 32 of them.
    pub fn guard<'a>(texts: impl Iterator<Item = &'a str> + Clone) -> Result<char, TokenizeError> {
        ('\u{FDD0}'..='\u{FDEF}')
            .find(|guard| !texts.clone().any(|text| text.contains(*guard)))
            .ok_or_else(|| {
                TokenizeError("it uses all of the noncharacters U+FDD0 to U+FDEF; remove one".to_owned())
            })
    }

    /// `text` with `guard` before each place where a control token begins or could be completed by
    /// neighbouring text. See the module's documentation.
    pub fn shield(&self, text: &str, guard: char) -> String {
        self.specials.shield(text, guard)
    }

    /// Encodes a prompt whose untrusted parts are shielded by `guard`: control tokens are parsed where no
    /// guard precedes them, and guards are dropped. Begins with [`Tokenizer::bos`] when the model wants it
    /// and the prompt does not have it.
    ///
    /// # Errors
    /// Like [`Tokenizer::encode`].
    pub fn encode_shielded(&self, text: &str, guard: char) -> Result<Vec<u32>, TokenizeError> {
        let mut ids = self.encode_guarded(text, Special::Parse, Some(guard))?;
        if let Some(bos) = self.bos.filter(|bos| self.add_bos && ids.first() != Some(bos)) {
            ids.insert(0, bos);
        }
        Ok(ids)
    }

    fn encode_guarded(
        &self,
        text: &str,
        special: Special,
        guard: Option<char>,
    ) -> Result<Vec<u32>, TokenizeError> {
        let mut ids = Vec::new();
        for part in self.specials.split(text, special, guard) {
            match part {
                special::Part::Token(id) => ids.push(id),
                special::Part::Text(text) => {
                    let at_start = ids.is_empty();
                    match &self.model {
                        Model::Bpe(bpe) => bpe.encode(&text, at_start, &mut ids)?,
                        Model::Spm(spm) => spm.encode(&text, at_start, &mut ids),
                    }
                }
            }
        }
        Ok(ids)
    }

    /// The bytes of the tokens, control tokens left out. Not always UTF-8: a token may be part of a
    /// character.
    pub fn decode(&self, ids: &[u32]) -> Vec<u8> {
        ids.iter()
            .flat_map(|id| self.visible_bytes(*id))
            .copied()
            .collect()
    }

    /// The bytes a reader should see: none for control tokens other than thinking and tool-call marks.
    pub(crate) fn visible_bytes(&self, id: u32) -> &[u8] {
        let bytes = self.token_bytes(id);
        let shown = match self.kind(id) {
            TokenKind::Normal | TokenKind::UserDefined | TokenKind::Byte => true,
            TokenKind::Control => {
                matches!(bytes, b"<think>" | b"</think>" | b"<tool_call>" | b"</tool_call>")
            }
            TokenKind::Unknown | TokenKind::Unused => false,
        };
        if shown { bytes } else { &[] }
    }
}
