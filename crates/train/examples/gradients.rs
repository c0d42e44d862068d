//! Writes the loss and all gradients of a model on given rows, for comparison with other programs:
//! `gradients MODEL ROWS.json OUT.safetensors`. Rows are `[{"tokens": […], "prompt": 3}, …]`; names and row
//! order are Hugging Face's.

use std::path::Path;

use strawberry_engine::source::ModelSource;
use strawberry_engine::source::hf_names::hf_name;
use strawberry_train::network::batch::{Batch, Sequence};
use strawberry_train::network::{Keep, Network, Scope};

#[derive(serde::Deserialize)]
struct Row {
    tokens: Vec<u32>,
    prompt: usize,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [model, rows, out] = args.as_slice() else {
        return Err("usage: gradients MODEL ROWS.json OUT.safetensors".into());
    };
    let source = ModelSource::open(Path::new(model))?;
    let network = Network::load(&source, Scope::Full, 0)?;
    let rows: Vec<Row> = serde_json::from_slice(&std::fs::read(rows)?)?;
    let rows: Vec<Sequence> = rows
        .into_iter()
        .map(|r| Sequence {
            tokens: r.tokens,
            prompt: r.prompt,
        })
        .collect();
    let batch = Batch::new(&rows.iter().collect::<Vec<_>>(), network.config().vocab_size)?;
    let weights = vec![1.0 / batch.targets.len() as f32; batch.targets.len()];
    let mut gradients = network.gradients();
    let activations = network.forward(&batch, Keep::Everything);
    let all = network.train_on(&batch, activations, &weights, &mut gradients);
    let loss = -all.iter().map(|l| f64::from(*l)).sum::<f64>() / all.len() as f64;
    let mut data: Vec<(String, Vec<usize>, Vec<u8>)> =
        vec![("loss".to_owned(), vec![1], (loss as f32).to_le_bytes().to_vec())];
    for (t, g) in network.tensors().iter().zip(gradients.parts()) {
        let shape = if t.rows == 1 {
            vec![t.cols]
        } else {
            vec![t.rows, t.cols]
        };
        let bytes = g.iter().flat_map(|v| v.to_le_bytes()).collect();
        data.push((hf_name(&t.name), shape, bytes));
    }
    let views = data
        .iter()
        .map(|(name, shape, bytes)| {
            let view = safetensors::tensor::TensorView::new(safetensors::Dtype::F32, shape.clone(), bytes)?;
            Ok((name.as_str(), view))
        })
        .collect::<Result<Vec<_>, safetensors::SafeTensorError>>()?;
    std::fs::write(out, safetensors::serialize(views, None)?)?;
    println!(
        "loss {loss:.6} over {} tokens, prefix {}",
        all.len(),
        batch.prefix
    );
    Ok(())
}
