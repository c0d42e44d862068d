//! Problem files in all three languages: nothing may crash, and a statement that reads is drawn and closed
//! within bounds.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::time::Duration;
use strawberry_geometry::lang::read::read_file;
use strawberry_geometry::{Options, prove};

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(entries) = read_file(text) else { return };
    for (_, problem) in entries.into_iter().take(2) {
        let Ok(problem) = problem else { continue };
        if problem.points.len() <= 8 {
            let options = Options {
                timeout: Duration::from_millis(200),
                threads: 1,
                max_candidates: Some(2),
                ..Options::default()
            };
            let _ = prove(&problem, &options, &|_| {}, &|| false);
        }
    }
});
