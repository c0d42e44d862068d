//! Token ids of each line of standard input: `encode MODEL [special]` prints one list per line. Each line
//! is a JSON string; with `special`, names of control tokens mean the tokens. A `.gguf` file may hold a
//! vocabulary only.
use std::io::{self, BufRead, Write};

use strawberry_engine::gguf::Gguf;
use strawberry_engine::source::ModelSource;
use strawberry_engine::tokenizer::{Special, Tokenizer};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let path = args.next().ok_or("usage: encode MODEL [special] < lines")?;
    let special = if args.next().is_some() {
        Special::Parse
    } else {
        Special::AsText
    };
    let (file, source);
    let built;
    let tokenizer = if path.ends_with(".gguf") {
        file = std::fs::read(&path)?;
        built = Tokenizer::from_gguf(&Gguf::parse(&file, &path)?, &file)?;
        &built
    } else {
        source = ModelSource::open(path.as_ref())?;
        source.tokenizer()
    };
    let mut out = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let text: String = serde_json::from_str(&line?)?;
        writeln!(out, "{:?}", tokenizer.encode(&text, special)?)?;
    }
    Ok(())
}
