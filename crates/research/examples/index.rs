//! Measures a corpus: how fast it is indexed, how big the index is, how long queries take.
//!
//!     cargo run --release -p strawberry-research --example index -- /usr/share/doc /tmp/home [QUERY…]
//!
//! With queries it shows what each finds instead. The second argument is the folder below which the index is kept; remove it to measure from nothing.
//! Queries are made of three words of passages drawn by a fixed sequence.

use std::path::Path;
use std::time::Instant;

use strawberry_research::corpus::Corpus;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [root, home, queries @ ..] = &arguments[..] else {
        return Err("usage: index CORPUS HOME [QUERY…]".into());
    };
    let (corpus, crawl) = Corpus::open(Path::new(root), Path::new(home), &|_, _| {})?;
    for query in queries {
        println!("{query}");
        for passage in corpus.find(query, 10)? {
            let text: String = passage.text.chars().take(90).collect();
            println!("  {} [{}] {text:?}", passage.document, passage.section);
        }
    }
    if !queries.is_empty() {
        return Ok(());
    }
    println!(
        "{} files, {} read, {} passages, {:.1} MB of text, {:.1} s: {:.0} passages/s",
        crawl.files,
        crawl.read,
        crawl.passages,
        crawl.text_bytes as f64 / 1e6,
        crawl.seconds,
        crawl.passages as f64 / crawl.seconds
    );
    let mut whys: std::collections::BTreeMap<&str, usize> = Default::default();
    crawl
        .remarks
        .iter()
        .for_each(|(_, why)| *whys.entry(why).or_default() += 1);
    println!("left out: {whys:?}");
    let size: u64 = std::fs::read_dir(corpus.index_folder())?
        .flatten()
        .filter_map(|e| Some(e.metadata().ok()?.len()))
        .sum();
    println!(
        "{} passages; index {:.1} MB, {:.2} times the text",
        corpus.len(),
        size as f64 / 1e6,
        size as f64 / corpus.text_bytes() as f64
    );
    let seeds = [
        "file option",
        "install package",
        "error message",
        "user password",
        "time zone",
        "list of changes",
    ];
    let mut queries: Vec<String> = Vec::new();
    for seed in seeds {
        for passage in corpus.find(seed, 60)? {
            let words: Vec<&str> = passage.text.split_whitespace().filter(|w| w.len() > 3).collect();
            if words.len() > 12 {
                queries.push([words[2], words[words.len() / 2], words[words.len() - 2]].join(" "));
            }
        }
    }
    let mut times: Vec<f64> = queries
        .iter()
        .map(|q| {
            let start = Instant::now();
            let found = corpus.find(q, 10);
            found.map(|_| start.elapsed().as_secs_f64() * 1e3)
        })
        .collect::<Result<_, _>>()?;
    times.sort_by(f64::total_cmp);
    println!(
        "{} queries: median {:.2} ms, 99 % within {:.2} ms, slowest {:.2} ms",
        times.len(),
        times[times.len() / 2],
        times[times.len() * 99 / 100],
        times[times.len() - 1]
    );
    Ok(())
}
