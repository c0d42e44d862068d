//! Any text as `tokenizer.json`, and any text through what comes of it. The input is a 16-bit length, a
//! text of that many bytes, and the file.
#![no_main]

use libfuzzer_sys::fuzz_target;
use strawberry_engine::tokenizer::{Detokenizer, HfSpecials, Special, Tokenizer};

fuzz_target!(|data: &[u8]| {
    let Some((len, rest)) = data.split_first_chunk::<2>() else { return };
    let (text, json) = rest.split_at(usize::from(u16::from_le_bytes(*len)).min(rest.len()));
    let (text, json) = (String::from_utf8_lossy(text), String::from_utf8_lossy(json));
    strawberry_fuzz::bounded(data.len(), || {
        let specials = HfSpecials {
            bos: Some("<s>".to_owned()),
            eos: Some("<|im_end|>".to_owned()),
            eos_ids: vec![0, u32::MAX],
            add_bos: None,
        };
        let Ok(tokenizer) = Tokenizer::from_json(&json, &specials, "tokenizer.json") else { return };
        for special in [Special::AsText, Special::Parse] {
            let Ok(ids) = tokenizer.encode(&text, special) else { continue };
            let mut stream = Detokenizer::new();
            for id in &ids {
                assert!((*id as usize) < tokenizer.vocab_size());
                stream.push(&tokenizer, *id);
            }
            stream.finish();
        }
        let guard = Tokenizer::guard([&*text].into_iter()).unwrap_or('\u{FDD0}');
        let shielded = tokenizer.shield(&text, guard);
        assert_eq!(shielded.replace(guard, ""), text.replace(guard, ""));
        let _ = tokenizer.encode_shielded(&shielded, guard);
    });
});
