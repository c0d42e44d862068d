//! Any bytes as a GGUF model: opened or refused, and what opens can be used.
#![no_main]

use libfuzzer_sys::fuzz_target;
use strawberry_engine::source::ModelSource;
use strawberry_engine::tokenizer::Special;

fuzz_target!(|data: &[u8]| {
    strawberry_fuzz::bounded(data.len(), || {
        let Ok(source) = ModelSource::from_gguf(data, "fuzz.gguf") else { return };
        for (name, rows, cols) in source.config().tensors() {
            let tensor = source.tensor(&name).expect("checked when opened");
            assert_eq!((tensor.rows, tensor.cols), (rows, cols));
            let mut row = vec![0.0; cols];
            tensor.dequantize_row(rows - 1, &mut row).expect("checked when opened");
        }
        let frequencies = source.rope_frequencies();
        assert_eq!(frequencies.len(), source.config().rope.dims / 2);
        let ids = source.tokenizer().encode("Hello, 12 <|im_end|> \u{e9}", Special::Parse);
        assert!(ids.iter().flatten().all(|id| (*id as usize) < source.config().vocab_size));
    });
});
