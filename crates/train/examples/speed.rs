//! Training speed of a model on this machine: `speed MODEL.gguf [full|lora] [sequences] [length] [repeats]`.
//!
//! Each sequence has a prompt of half its length; the optimiser's step is included.

use std::path::Path;
use std::time::Instant;

use strawberry_engine::source::ModelSource;
use strawberry_train::network::batch::{Batch, Sequence};
use strawberry_train::network::{Keep, Network, Scope};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = |i: usize, default: usize| args.get(i).and_then(|a| a.parse().ok()).unwrap_or(default);
    let path = args.first().ok_or("name a model file")?;
    let scope = match args.get(1).map(String::as_str) {
        Some("lora") => Scope::Lora {
            rank: 16,
            alpha: 32.0,
        },
        _ => Scope::Full,
    };
    let (count, length, repeats) = (number(2, 16), number(3, 128), number(4, 3));
    let source = ModelSource::open(Path::new(path))?;
    let network = Network::load(&source, scope, 0)?;
    let vocab = network.config().vocab_size;
    let rows: Vec<Sequence> = (0..count)
        .map(|i| Sequence {
            tokens: (0..=length)
                .map(|j| ((i * 7919 + j * 104_729) % vocab) as u32)
                .collect(),
            prompt: length / 2,
        })
        .collect();
    let batch = Batch::new(&rows.iter().collect::<Vec<_>>(), vocab)?;
    let mut gradients = network.gradients();
    let weights = vec![1.0 / batch.targets.len() as f32; batch.targets.len()];
    let mut times = Vec::new();
    for _ in 0..repeats {
        let start = Instant::now();
        let activations = network.forward(&batch, Keep::Everything);
        let forward = start.elapsed().as_secs_f64();
        gradients.clear();
        network.train_on(&batch, activations, &weights, &mut gradients);
        times.push(start.elapsed().as_secs_f64());
        println!(
            "{} tokens: {:.0} tok/s (forward {forward:.2} s of {:.2} s)",
            batch.tokens.len(),
            batch.tokens.len() as f64 / times[times.len() - 1],
            times[times.len() - 1]
        );
    }
    times.sort_by(f64::total_cmp);
    println!(
        "median {:.0} tok/s",
        batch.tokens.len() as f64 / times[times.len() / 2]
    );
    Ok(())
}
