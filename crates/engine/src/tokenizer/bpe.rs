//! Byte-pair encoding on the `tokenizers` crate: normalise, split into words, merge within each.

use std::collections::HashMap;
use std::sync::LazyLock;

use tokenizers::models::bpe::{BPE, Vocab};
use tokenizers::normalizers::{NFC, NFD, NFKC, NFKD};
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::digits::Digits;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::tokenizer::{
    Model, NormalizedString, Normalizer, OffsetReferential, OffsetType, PreTokenizedString, PreTokenizer,
    SplitDelimiterBehavior,
};

use super::TokenizeError;
use super::spm::SPACE;

/// A Unicode normal form.
#[derive(Clone, Copy, Debug)]
pub(super) enum Form {
    Nfc,
    Nfd,
    Nfkc,
    Nfkd,
}

/// Where a SentencePiece-like vocabulary gets a space put before the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Prefix {
    Never,
    /// Before the text as a whole.
    Start,
    /// Before each stretch between control tokens.
    Each,
}

/// One way of cutting text into words.
#[derive(Debug)]
pub(super) enum Cut {
    Split(Split),
    Digits(Digits),
    /// Maps bytes to printable characters; may cut by GPT-2's pattern first.
    Bytes(ByteLevel),
}

/// How text becomes words.
#[derive(Debug)]
pub(super) struct Words {
    pub form: Option<Form>,
    /// `Some` writes spaces as U+2581.
    pub visible_space: Option<Prefix>,
    pub cuts: Vec<Cut>,
}

/// The merging model's data.
pub(super) struct Merging {
    /// Token texts with their ids.
    pub vocab: HashMap<String, u32>,
    /// Pairs in order of preference.
    pub merges: Vec<(String, String)>,
    /// A word that is itself a token is taken whole.
    pub ignore_merges: bool,
    /// Characters outside the vocabulary become `<0xXX>` tokens.
    pub byte_fallback: bool,
    pub unknown: Option<String>,
    pub fuse_unknown: bool,
}

pub(super) struct Bpe {
    words: Words,
    model: BPE,
}

impl std::fmt::Debug for Bpe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bpe")
            .field("words", &self.words)
            .finish_non_exhaustive()
    }
}

impl Cut {
    /// Cuts at the matches of a regular expression and keeps them as words of their own.
    pub fn regex(pattern: &str) -> Result<Self, String> {
        Split::new(
            SplitPattern::Regex(pattern.to_owned()),
            SplitDelimiterBehavior::Isolated,
            false,
        )
        .map(Cut::Split)
        .map_err(|e| format!("the pre-tokenizer's pattern is wrong: {e}"))
    }

    /// Keeps the matches of a regular expression as the words and drops what is between.
    pub fn words(pattern: &str) -> Result<Self, String> {
        Split::new(
            SplitPattern::Regex(pattern.to_owned()),
            SplitDelimiterBehavior::Removed,
            true,
        )
        .map(Cut::Split)
        .map_err(|e| format!("the pre-tokenizer's pattern is wrong: {e}"))
    }

    /// GPT-2's byte alphabet, after its pattern if `cut`.
    pub fn bytes(cut: bool) -> Self {
        Cut::Bytes(ByteLevel::new(false, false, cut))
    }
}

impl Bpe {
    /// Checks the merges and builds the model.
    pub fn new(words: Words, data: Merging) -> Result<Self, String> {
        // The crate indexes by the longest token, so a merge must be of tokens and make a token.
        let mut joined = String::new();
        for (left, right) in &data.merges {
            joined.clear();
            joined.push_str(left);
            joined.push_str(right);
            if let Some(missing) = [left, right, &joined]
                .into_iter()
                .find(|piece| !data.vocab.contains_key(*piece))
            {
                return Err(format!(
                    "the merge of `{left}` and `{right}` needs the token `{missing}`, which is not there"
                ));
            }
        }
        let mut builder = BPE::builder()
            .vocab_and_merges(data.vocab.into_iter().collect::<Vocab>(), data.merges)
            // The crate keeps its cache in thread-local memory for ever; words are short, merging is quick.
            .cache_capacity(0)
            .ignore_merges(data.ignore_merges)
            .byte_fallback(data.byte_fallback)
            .fuse_unk(data.fuse_unknown);
        if let Some(unknown) = data.unknown {
            builder = builder.unk_token(unknown);
        }
        let model = builder.build().map_err(|e| e.to_string())?;
        Ok(Bpe { words, model })
    }

    pub fn encode(&self, text: &str, at_start: bool, ids: &mut Vec<u32>) -> Result<(), TokenizeError> {
        self.try_encode(text, at_start, ids)
            .map_err(|e| TokenizeError(e.to_string()))
    }

    fn try_encode(&self, text: &str, at_start: bool, ids: &mut Vec<u32>) -> tokenizers::Result<()> {
        let mut normalized = match self.words.visible_space {
            None => NormalizedString::from(text),
            Some(prefix) => {
                let prefixed = match prefix {
                    Prefix::Never => false,
                    Prefix::Start => at_start,
                    Prefix::Each => true,
                };
                let space = prefixed.then_some(SPACE);
                let spaced = text.chars().map(|c| if c == ' ' { SPACE } else { c });
                NormalizedString::from(space.into_iter().chain(spaced).collect::<String>())
            }
        };
        match self.words.form {
            None => {}
            Some(Form::Nfc) => NFC.normalize(&mut normalized)?,
            Some(Form::Nfd) => NFD.normalize(&mut normalized)?,
            Some(Form::Nfkc) => NFKC.normalize(&mut normalized)?,
            Some(Form::Nfkd) => NFKD.normalize(&mut normalized)?,
        }
        let mut words = PreTokenizedString::from(normalized);
        for cut in &self.words.cuts {
            match cut {
                Cut::Split(split) => split.pre_tokenize(&mut words)?,
                Cut::Digits(digits) => digits.pre_tokenize(&mut words)?,
                Cut::Bytes(bytes) => bytes.pre_tokenize(&mut words)?,
            }
        }
        words.tokenize(|word| self.model.tokenize(word.get()))?;
        for (.., tokens) in words.get_splits(OffsetReferential::Normalized, OffsetType::None) {
            ids.extend(tokens.iter().flatten().map(|token| token.id));
        }
        Ok(())
    }
}

/// GPT-2's byte alphabet: the character that stands for each byte, in order. Printable Latin-1 stands for
/// itself; the other 68 bytes follow in order from U+0100.
pub(crate) fn byte_alphabet() -> impl Iterator<Item = char> {
    let mut other = '\u{100}'..;
    (0..=255u8).filter_map(move |byte| match byte {
        b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF => Some(char::from(byte)),
        _ => other.next(),
    })
}

/// What a token of a byte-level vocabulary stands for; text outside the alphabet stands for itself.
pub(super) fn byte_level_text(token: &str) -> Vec<u8> {
    static BYTES: LazyLock<HashMap<char, u8>> = LazyLock::new(|| byte_alphabet().zip(0..=255).collect());
    let bytes: Option<Vec<u8>> = token.chars().map(|c| BYTES.get(&c).copied()).collect();
    bytes.unwrap_or_else(|| token.as_bytes().to_vec())
}
