//! Any bytes as a safetensors file: each tensor that is found lies inside it and can be read.
#![no_main]

use libfuzzer_sys::fuzz_target;
use strawberry_engine::quant::dequantize;
use strawberry_engine::source::safetensors;

fuzz_target!(|data: &[u8]| {
    strawberry_fuzz::bounded(data.len(), || {
        let Ok(tensors) = safetensors::parse(data, "fuzz.safetensors", |_| true) else { return };
        for tensor in tensors.values() {
            let bytes = &data[tensor.bytes.clone()];
            let weights = tensor.shape.iter().product();
            assert_eq!(tensor.dtype.bytes(weights), Some(bytes.len()));
            let first = tensor.dtype.block_bytes();
            dequantize(tensor.dtype, &bytes[..first], &mut [0.0]).expect("one weight");
        }
    });
});
