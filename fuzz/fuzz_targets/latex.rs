//! The parser of answers and the search for answers in text: no input may crash them or take long.
#![no_main]

use libfuzzer_sys::fuzz_target;
use strawberry_verify::{MathVerifier, Options, parse};

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let options = Options::default();
    let _ = parse::parse(&text, &options.fuel);
    let _ = MathVerifier::new(options).find(&text);
});
