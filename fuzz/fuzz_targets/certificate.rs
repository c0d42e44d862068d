//! The checker of certificates: damaged ones are rejected, never a crash, and the input cannot make it work
//! without bound. An input is either a certificate, or a recipe for damaging a real one.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::sync::OnceLock;
use strawberry_geometry::lang::read::read_one;
use strawberry_geometry::{Options, check, prove};

const STATEMENT: &str = "a b c = triangle a b c; d = on_tline d b a c, on_tline d c a b ? perp a d b c";

fn real() -> &'static str {
    static TEXT: OnceLock<String> = OnceLock::new();
    TEXT.get_or_init(|| {
        let problem = read_one(STATEMENT, "altitudes").expect("reads");
        let outcome = prove(&problem, &Options::default(), &|_| {}, &|| false);
        outcome.certificate.expect("proved")
    })
}

fuzz_target!(|data: &[u8]| {
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = check(text);
    }
    // replace pieces of the real certificate
    let mut text = real().as_bytes().to_vec();
    for edit in data.chunks_exact(4).take(16) {
        let at = usize::from(edit[0]) << 8 | usize::from(edit[1]);
        let at = at % text.len();
        match edit[2] % 3 {
            0 => text[at] = edit[3],
            1 => text.insert(at, edit[3]),
            _ => drop(text.remove(at)),
        }
    }
    if let Ok(text) = String::from_utf8(text) {
        let _ = check(&text);
    }
});
