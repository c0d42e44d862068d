use proptest::prelude::*;

use super::*;
use crate::config::Architecture;
use crate::gguf::{Gguf, Writer};
use crate::testing::TinyModel;

fn from_gguf(file: &[u8]) -> Tokenizer {
    Tokenizer::from_gguf(&Gguf::parse(file, "t.gguf").unwrap(), file).unwrap()
}

fn tiny() -> Tokenizer {
    from_gguf(&TinyModel::new(Architecture::Llama).gguf())
}

fn tiny_json() -> String {
    let dir = tempfile::tempdir().unwrap();
    TinyModel::new(Architecture::Llama).write_hf(dir.path()).unwrap();
    std::fs::read_to_string(dir.path().join("tokenizer.json")).unwrap()
}

fn from_json(json: &str) -> Result<Tokenizer, String> {
    let specials = HfSpecials {
        bos: Some("<|endoftext|>".to_owned()),
        eos: Some("<|im_end|>".to_owned()),
        ..HfSpecials::default()
    };
    Tokenizer::from_json(json, &specials, "tokenizer.json").map_err(|e| e.to_string())
}

fn words(tokenizer: &Tokenizer, text: &str) -> Vec<String> {
    let ids = tokenizer.encode(text, Special::Parse).unwrap();
    ids.iter()
        .map(|id| String::from_utf8_lossy(tokenizer.token_bytes(*id)).into_owned())
        .collect()
}

/// A GGUF vocabulary with this pre-tokenizer whose merges make whole words of any of `words`.
fn with_pre(pre: &str, words: &[&str]) -> Tokenizer {
    let mut tokens: Vec<String> = byte_alphabet().map(String::from).collect();
    let mut merges = Vec::new();
    for word in words {
        let alphabet: Vec<char> = byte_alphabet().collect();
        let mut joined = String::new();
        for c in word.bytes().map(|b| alphabet[usize::from(b)]) {
            if !joined.is_empty() {
                let merge = format!("{joined} {c}");
                if !merges.contains(&merge) {
                    merges.push(merge);
                    tokens.push(format!("{joined}{c}"));
                }
            }
            joined.push(c);
        }
    }
    let mut w = Writer::new();
    w.string("tokenizer.ggml.model", "gpt2");
    w.string("tokenizer.ggml.pre", pre);
    w.strings("tokenizer.ggml.tokens", &tokens);
    w.strings("tokenizer.ggml.merges", &merges);
    from_gguf(&w.to_vec())
}

#[test]
fn merges_apply_in_order() {
    let t = tiny();
    assert_eq!(words(&t, "hello the an"), ["hello", " the", " ", "an"]);
    assert_eq!(words(&t, "hell heo"), ["hell", " ", "he", "o"]);
}

#[test]
fn json_and_gguf_agree() {
    let (a, b) = (tiny(), from_json(&tiny_json()).unwrap());
    for text in [
        "hello the 1234 world",
        "né 日本 \u{1F600}\n\n  x",
        "<|im_start|>user\nhi<|im_end|>",
        "",
    ] {
        for special in [Special::AsText, Special::Parse] {
            assert_eq!(a.encode(text, special), b.encode(text, special), "{text}");
        }
    }
    assert_eq!(
        (a.bos(), a.eos(), a.end_tokens()),
        (b.bos(), b.eos(), b.end_tokens())
    );
    assert_eq!(a.think_tokens(), b.think_tokens());
    assert_eq!(
        a.end_tokens(),
        [
            a.special_id("<|endoftext|>").unwrap(),
            a.special_id("<|im_end|>").unwrap()
        ]
    );
    assert!(!a.add_bos());
}

#[test]
fn numbers_are_cut_as_each_family_does() {
    let long = ["12", "123", "1234", " 12", "ab1"];
    assert_eq!(
        words(&with_pre("smollm", &long), "1234 12"),
        ["1", "2", "3", "4", " ", "1", "2"]
    );
    assert_eq!(
        words(&with_pre("qwen2", &long), "1234 12"),
        ["1", "2", "3", "4", " ", "1", "2"]
    );
    assert_eq!(
        words(&with_pre("llama-bpe", &long), "1234 12"),
        ["123", "4", " ", "12"]
    );
    assert_eq!(words(&with_pre("gpt-2", &long), "1234 12"), ["1234", " ", "12"]);
    assert_eq!(words(&with_pre("tekken", &long), "12"), ["1", "2"]);
    assert_eq!(words(&with_pre("default", &long), "1234"), ["123", "4"]);
}

#[test]
fn letters_are_cut_as_each_family_does() {
    let long = ["'LL", "'ll", "(ab", "aB", "ab", "\n\n", " \n"];
    assert_eq!(words(&with_pre("gpt-2", &long), "ab'LL"), ["ab", "'", "L", "L"]);
    assert_eq!(words(&with_pre("llama-bpe", &long), "ab'LL"), ["ab", "'LL"]);
    assert_eq!(words(&with_pre("llama-bpe", &long), "(ab"), ["(ab"]);
    assert_eq!(words(&with_pre("gpt-2", &long), "(ab"), ["(", "ab"]);
    assert_eq!(words(&with_pre("tekken", &long), "aBab"), ["a", "B", "ab"]);
    assert_eq!(words(&with_pre("qwen2", &long), "ab \nab"), ["ab", " \n", "ab"]);
    // Qwen 2 composes characters first; Llama 3 does not.
    assert_eq!(words(&with_pre("qwen2", &["\u{e9}"]), "e\u{301}"), ["\u{e9}"]);
    assert_eq!(words(&with_pre("llama-bpe", &["\u{e9}"]), "e\u{301}").len(), 3);
}

#[test]
fn whole_words_win_where_the_family_says_so() {
    // "abc" is a token, but no merge makes it.
    let vocab = |pre: &str| {
        let mut tokens: Vec<String> = byte_alphabet().map(String::from).collect();
        tokens.push("abc".to_owned());
        let mut w = Writer::new();
        w.string("tokenizer.ggml.model", "gpt2");
        w.string("tokenizer.ggml.pre", pre);
        w.strings("tokenizer.ggml.tokens", &tokens);
        w.strings::<&str>("tokenizer.ggml.merges", &[]);
        words(&from_gguf(&w.to_vec()), "abc")
    };
    assert_eq!(vocab("llama-bpe"), ["abc"]);
    assert_eq!(vocab("qwen2"), ["a", "b", "c"]);
}

fn sentencepiece(prefix: bool) -> Tokenizer {
    let mut tokens = vec!["<unk>".to_owned(), "<s>".to_owned(), "</s>".to_owned()];
    let mut types = vec![2, 3, 3];
    let mut scores = vec![0.0; 3];
    for byte in 0..=255 {
        tokens.push(format!("<0x{byte:02X}>"));
        types.push(6);
        scores.push(0.0);
    }
    for (piece, score) in [
        ("\u{2581}", -9.0),
        ("h", -10.0),
        ("e", -11.0),
        ("l", -12.0),
        ("o", -13.0),
        ("w", -14.0),
        ("he", -1.0),
        ("ll", -2.0),
        ("llo", -4.0),
        ("hello", -5.0),
        ("\u{2581}h", -3.0),
        ("\u{2581}hello", -6.0),
        ("\u{2581}\u{2581}", -2.5),
    ] {
        tokens.push(piece.to_owned());
        types.push(1);
        scores.push(score);
    }
    let mut w = Writer::new();
    w.string("tokenizer.ggml.model", "llama");
    w.strings("tokenizer.ggml.tokens", &tokens);
    w.i32s("tokenizer.ggml.token_type", &types);
    w.f32s("tokenizer.ggml.scores", &scores);
    w.u32("tokenizer.ggml.bos_token_id", 1);
    w.u32("tokenizer.ggml.eos_token_id", 2);
    w.u32("tokenizer.ggml.unknown_token_id", 0);
    w.bool("tokenizer.ggml.add_space_prefix", prefix);
    from_gguf(&w.to_vec())
}

#[test]
fn sentencepiece_merges_by_score() {
    let t = sentencepiece(true);
    // "he" (-1) before "▁h" (-3), so the space stays until "hello" is whole.
    assert_eq!(words(&t, "hello"), [" hello"]);
    assert_eq!(words(&t, "hw"), [" h", "w"]);
    assert_eq!(words(&t, "  hello"), ["  ", " hello"]);
    assert_eq!(words(&sentencepiece(false), "hello"), ["hello"]);
    assert_eq!(words(&t, ""), [""; 0]);
    assert!(t.add_bos() && t.bos() == Some(1));
}

#[test]
fn sentencepiece_falls_back_to_bytes() {
    let t = sentencepiece(false);
    let ids = t.encode("hé\n", Special::AsText).unwrap();
    assert_eq!(ids.len(), 4);
    assert_eq!(t.kind(ids[1]), TokenKind::Byte);
    assert_eq!(t.decode(&ids), "hé\n".as_bytes());
    // Control tokens are parsed only when asked for.
    assert_eq!(t.encode("</s>", Special::Parse).unwrap(), [2]);
    assert!(!t.encode("</s>", Special::AsText).unwrap().contains(&2));
}

#[test]
fn text_never_becomes_a_control_token() {
    let t = tiny();
    let control: Vec<u32> = ["<|im_start|>", "<|im_end|>", "<think>", "</think>"]
        .map(|n| t.special_id(n).unwrap())
        .to_vec();
    let ids = t.encode("<|im_end|></think>", Special::AsText).unwrap();
    assert!(ids.iter().all(|id| !control.contains(id)));
    assert_eq!(t.decode(&ids), b"<|im_end|></think>");
    assert_eq!(
        t.encode("<|im_end|></think>", Special::Parse).unwrap(),
        [control[1], control[3]]
    );
}

#[test]
fn shields_hold_at_the_seams() {
    let t = tiny();
    let guard = '\u{FDD0}';
    for (before, text, after, wanted) in [
        ("<|im_start|>", "<|im_end|>", "<|im_end|>", 2),
        ("", "a<|im_", "end|>", 0),
        ("<|im_", "end|> b", "", 0),
        ("<", "think>", "", 0),
        ("<think>", "<<think>", "</think>", 2),
        ("", "<|im_<|im_end|>", "", 0),
        ("<|im_start|>", "", "<|im_end|>", 2),
        // The template may trim white space between text and its own.
        ("", "<|im_end", "|>", 0),
    ] {
        let shielded = format!("{before}{}{after}", t.shield(text, guard));
        let ids = t.encode_shielded(&shielded, guard).unwrap();
        let control = ids.iter().filter(|id| **id >= 264).count();
        assert_eq!(control, wanted, "{before:?} {text:?} {after:?}");
        let plain: Vec<u8> = ids.iter().flat_map(|id| t.token_bytes(*id)).copied().collect();
        assert_eq!(plain, format!("{before}{text}{after}").as_bytes());
    }
    assert_eq!(t.shield("plain text, 1 > 0", guard), "plain text, 1 > 0");
}

#[test]
fn guards_avoid_the_text() {
    assert_eq!(Tokenizer::guard(["a"].into_iter()), Ok('\u{FDD0}'));
    assert_eq!(
        Tokenizer::guard(["a\u{FDD0}", "\u{FDD1}"].into_iter()),
        Ok('\u{FDD2}')
    );
    let all: String = ('\u{FDD0}'..='\u{FDEF}').collect();
    assert!(Tokenizer::guard([all.as_str()].into_iter()).is_err());
}

proptest! {
    #[test]
    fn encoding_loses_nothing(text in "\\PC{0,40}|[ \\n\\ta-z0-9<>|_]{0,60}") {
        let t = tiny();
        let ids = t.encode(&text, Special::AsText).unwrap();
        prop_assert_eq!(t.decode(&ids), text.as_bytes());
        let s = sentencepiece(false);
        prop_assert_eq!(s.decode(&s.encode(&text, Special::AsText).unwrap()), text.as_bytes());
    }

    #[test]
    fn shielded_text_has_no_control_tokens(
        parts in proptest::collection::vec("<|\\|im_end\\|>|<think>|</|think>|im_|[<>| a]{0,3}", 0..6),
        before in "<|<\\|im_|</th|",
        after in "\\|>|end\\|>|ink>|",
    ) {
        let t = tiny();
        let guard = '\u{FDD0}';
        let text = parts.concat();
        let shielded = format!("{before}{}{after}", t.shield(&text, guard));
        let ids = t.encode_shielded(&shielded, guard).unwrap();
        // Only the template's own halves may form one, and only without text between.
        if !text.is_empty() {
            prop_assert!(ids.iter().all(|id| *id < 264), "{:?}", shielded);
        }
    }

    #[test]
    fn streaming_gives_the_same_text(text in "\\PC{0,30}") {
        let t = tiny();
        let mut stream = Detokenizer::new();
        let mut out = String::new();
        for id in t.encode(&text, Special::AsText).unwrap() {
            out.push_str(&stream.push(&t, id));
        }
        out.push_str(&stream.finish());
        prop_assert_eq!(out, text);
    }
}

#[test]
fn incomplete_characters_are_held_back() {
    let t = tiny();
    let ids = t.encode("é!", Special::AsText).unwrap();
    let mut stream = Detokenizer::new();
    assert_eq!(stream.push(&t, ids[0]), "");
    assert_eq!(stream.push(&t, ids[1]), "é");
    assert_eq!(stream.push(&t, ids[0]), "");
    // The next byte cannot continue the character.
    assert_eq!(stream.push(&t, ids[2]), "\u{FFFD}!");
    assert_eq!(stream.push(&t, ids[0]), "");
    assert_eq!(stream.push(&t, t.eos().unwrap()), "");
    assert_eq!(stream.finish(), "\u{FFFD}");
    assert_eq!(stream.push(&t, t.special_id("<think>").unwrap()), "<think>");
}

#[test]
fn unknown_kinds_are_named() {
    let error = |model: &str, pre: &str| {
        let mut w = Writer::new();
        w.string("tokenizer.ggml.model", model);
        w.string("tokenizer.ggml.pre", pre);
        w.strings("tokenizer.ggml.tokens", &["a"]);
        w.strings("tokenizer.ggml.merges", &["a a"]);
        let file = w.to_vec();
        Tokenizer::from_gguf(&Gguf::parse(&file, "t.gguf").unwrap(), &file)
            .unwrap_err()
            .to_string()
    };
    assert!(error("bert", "x").contains("the tokenizer `bert` is not supported"));
    assert!(error("gpt2", "klingon").contains("the pre-tokenizer `klingon` is not supported"));
    assert!(error("gpt2", "qwen2").contains("needs the token `aa`, which is not there"));
}

#[test]
fn bad_tokenizer_files_are_named() {
    let sound = tiny_json();
    for (from, to, wanted) in [
        (
            r#""type":"BPE""#,
            r#""type":"Unigram""#,
            "the tokenizer model `Unigram`",
        ),
        (
            r#""pre_tokenizer":{"#,
            r#""pre_tokenizer":{"type":"BertPreTokenizer"},"x":{"#,
            "the pre-tokenizer `BertPreTokenizer`",
        ),
        (
            r#""normalizer":null"#,
            r#""normalizer":{"type":"Precompiled"}"#,
            "the normalizer `Precompiled`",
        ),
        (r#""id":264"#, r#""id":4000000000"#, "ids up to 4000000001"),
        (r#"["h","e"]"#, r#"["h","Z9"]"#, "needs the token `Z9`"),
        (r#"["h","e"]"#, r#""he""#, "not two tokens"),
    ] {
        assert!(sound.contains(from), "{from}");
        let message = from_json(&sound.replace(from, to)).unwrap_err();
        assert!(
            message.contains(wanted) && message.contains("tokenizer.json"),
            "{message}"
        );
    }
    assert!(from_json("[]").is_err());
}

#[test]
fn llama_2_style_json_puts_a_space_first() {
    let json = serde_json::json!({
        "added_tokens": [{"id": 1, "content": "<s>", "special": true}],
        "normalizer": {"type": "Sequence", "normalizers": [
            {"type": "Prepend", "prepend": "\u{2581}"},
            {"type": "Replace", "pattern": {"String": " "}, "content": "\u{2581}"}]},
        "pre_tokenizer": null,
        "post_processor": {"type": "TemplateProcessing", "single": [
            {"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}]},
        "model": {"type": "BPE", "unk_token": "<unk>", "fuse_unk": true, "byte_fallback": true,
            "vocab": {"<unk>": 0, "<s>": 1, "<0xC3>": 2, "<0xA9>": 3, "\u{2581}": 4, "h": 5, "i": 6,
                      "\u{2581}h": 7, "\u{2581}hi": 8},
            "merges": ["\u{2581} h", "\u{2581}h i"]}
    });
    let specials = HfSpecials {
        bos: Some("<s>".to_owned()),
        ..HfSpecials::default()
    };
    let t = Tokenizer::from_json(&json.to_string(), &specials, "t").unwrap();
    assert!(t.add_bos());
    assert_eq!(t.encode("hi", Special::Parse).unwrap(), [8]);
    assert_eq!(t.encode("<s>hi h", Special::Parse).unwrap(), [1, 8, 7]);
    let ids = t.encode("é", Special::AsText).unwrap();
    assert_eq!(ids, [4, 2, 3]);
    assert_eq!(t.decode(&ids), " é".as_bytes());
}
