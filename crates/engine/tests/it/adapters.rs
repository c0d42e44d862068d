//! LoRA adapters beside the weights.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use strawberry_core::{Message, Model, SampleRequest, Sampling};
use strawberry_engine::adapter::Adapter;
use strawberry_engine::config::Architecture;
use strawberry_engine::engine::{Engine, EngineOptions};
use strawberry_engine::kernels::Cpu;
use strawberry_engine::quant::DType;
use strawberry_engine::runner::{Logits, LogitsFor, Runner, RunnerOptions, SeqId, StepItem};
use strawberry_engine::source::ModelSource;
use strawberry_engine::testing::{TinyAdapter, TinyModel};

use crate::tiny::{Outcome, run_all};

const ADAPTERS: [TinyAdapter; 2] = [
    TinyAdapter {
        rank: 4,
        alpha: 8.0,
        rslora: false,
        seed: 5,
    },
    TinyAdapter {
        rank: 19,
        alpha: 3.0,
        rslora: true,
        seed: 6,
    },
];

fn tokens(count: usize, seed: usize) -> Vec<u32> {
    (0..count)
        .map(|i| ((i * 37 + 11 + seed * 101) % 250) as u32)
        .collect()
}

fn runner(source: &ModelSource, options: &RunnerOptions) -> Runner {
    let options = RunnerOptions {
        kv_bytes: 16 << 20,
        ..options.clone()
    };
    Runner::load(source, &options).unwrap()
}

fn logits(runner: &mut Runner, seq: SeqId, tokens: &[u32], adapter: Option<&Arc<Adapter>>) -> Vec<f32> {
    let mut logits = Logits::default();
    let item = StepItem {
        adapter,
        seq,
        tokens,
        logits: LogitsFor::All,
    };
    runner.step(&[item], &mut logits).unwrap();
    logits.iter().flatten().copied().collect()
}

/// An adapter as a folder and as a file.
fn written(adapter: TinyAdapter, model: &TinyModel, folder: &Path) -> [PathBuf; 2] {
    let peft = folder.join(format!("peft{}", adapter.seed));
    std::fs::create_dir(&peft).unwrap();
    adapter.write_peft(model, &peft).unwrap();
    let file = folder.join(format!("lora{}.gguf", adapter.seed));
    std::fs::write(&file, adapter.gguf(model)).unwrap();
    [peft, file]
}

#[test]
fn an_adapter_beside_the_weights_is_one_merged_into_them() {
    let folder = tempfile::tempdir().unwrap();
    for (i, architecture) in [Architecture::Llama, Architecture::Qwen2, Architecture::Qwen3]
        .into_iter()
        .enumerate()
    {
        let folder = folder.path().join(i.to_string());
        std::fs::create_dir(&folder).unwrap();
        let model = TinyModel::new(architecture);
        let hf = folder.join("model");
        std::fs::create_dir(&hf).unwrap();
        model.write_hf(&hf).unwrap();
        let gguf = ModelSource::from_gguf(&model.gguf(), "tiny").unwrap();
        let plain = logits_of(&gguf, &tokens(40, 1), None);
        for adapter in ADAPTERS {
            let merged = TinyModel {
                merged: Some(adapter),
                ..model.clone()
            };
            let merged = ModelSource::from_gguf(&merged.gguf(), "merged").unwrap();
            let expected = logits_of(&merged, &tokens(40, 1), None);
            let size = expected.iter().fold(0f32, |m, x| m.max(x.abs()));
            assert!(
                distance(&plain, &expected) > 0.05 * size,
                "the adapter does nothing"
            );
            for path in written(adapter, &model, &folder) {
                for source in [&gguf, &ModelSource::open(&hf).unwrap()] {
                    let adapter = Adapter::open(&path, source.config()).unwrap();
                    let got = logits_of(source, &tokens(40, 1), Some(&adapter));
                    let far = distance(&got, &expected) / size;
                    assert!(far < 1e-5, "{architecture:?} {}: {far}", path.display());
                }
            }
        }
    }
}

fn logits_of(source: &ModelSource, tokens: &[u32], adapter: Option<&Arc<Adapter>>) -> Vec<f32> {
    let mut runner = runner(source, &RunnerOptions::default());
    let seq = runner.fork(None, 0);
    logits(&mut runner, seq, tokens, adapter)
}

fn distance(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn mixed_batches_give_the_bits_of_lonely_attempts() {
    let folder = tempfile::tempdir().unwrap();
    let model = TinyModel::new(Architecture::Llama).with_dtype(DType::Q4_1);
    let source = ModelSource::from_gguf(&model.gguf(), "tiny").unwrap();
    let adapters =
        ADAPTERS.map(|a| Adapter::open(&written(a, &model, folder.path())[0], source.config()).unwrap());
    let choice = |i: usize| [None, Some(&adapters[0]), Some(&adapters[1])][i % 3];
    let alone: Vec<_> = (0..9)
        .map(|i| logits_of(&source, &tokens(12, i / 3), choice(i)))
        .collect();
    assert!(alone[0] != alone[1] && alone[1] != alone[2]);
    for cpu in Cpu::all() {
        for threads in [1, 3] {
            let mut runner = runner(
                &source,
                &RunnerOptions {
                    threads,
                    level: Some(cpu.level()),
                    ..RunnerOptions::default()
                },
            );
            let all: Vec<_> = (0..9)
                .map(|i| (runner.fork(None, 0), tokens(12, i / 3)))
                .collect();
            let mut got = vec![Vec::new(); 9];
            // A piece of a prompt, then token by token.
            for range in [0..7, 7..8, 8..9, 9..10, 10..11, 11..12] {
                let items: Vec<_> = all
                    .iter()
                    .enumerate()
                    .map(|(i, (seq, tokens))| StepItem {
                        adapter: choice(i),
                        seq: *seq,
                        tokens: &tokens[range.clone()],
                        logits: LogitsFor::All,
                    })
                    .collect();
                let mut logits = Logits::default();
                runner.step(&items, &mut logits).unwrap();
                for (i, rows) in logits.iter().collect::<Vec<_>>().chunks(range.len()).enumerate() {
                    got[i].extend(rows.concat());
                }
            }
            assert!(got == alone, "{} on {threads} threads", cpu.level());
        }
    }
}

#[test]
fn views_of_one_engine_run_together_and_keep_their_prompts_apart() {
    let folder = tempfile::tempdir().unwrap();
    let model = TinyModel::new(Architecture::Llama);
    let path = folder.path().join("tiny.gguf");
    std::fs::write(&path, model.gguf()).unwrap();
    let paths: Vec<_> = ADAPTERS
        .iter()
        .map(|a| written(*a, &model, folder.path())[0].clone())
        .collect();
    let load = |adapter: Option<&PathBuf>| {
        let options = EngineOptions {
            threads: Some(2),
            kv_bytes: Some(16 << 20),
            adapter: adapter.cloned(),
            ..EngineOptions::default()
        };
        Engine::load(&path, &options).unwrap()
    };
    let request = |seed| SampleRequest {
        messages: vec![Message::user("which adapter is it this time, then?")],
        sampling: Sampling {
            seed,
            ..Sampling::default()
        },
        max_tokens: 24,
        ..SampleRequest::default()
    };
    let texts = |outcomes: Vec<Outcome>| outcomes.into_iter().map(|o| o.answer).collect::<Vec<_>>();
    let alone: Vec<_> = [None, Some(&paths[0]), Some(&paths[1])]
        .map(|adapter| texts(run_all(&load(adapter), (0..4).map(request).collect())))
        .to_vec();
    assert!(alone[0] != alone[1] && alone[1] != alone[2]);
    let plain = load(None);
    let views: Vec<_> = paths
        .iter()
        .map(|p| plain.with_adapter(plain.load_adapter(p).unwrap()))
        .collect();
    let engines = [&plain, &views[0], &views[1]];
    for _ in 0..2 {
        let streams: Vec<_> = (0..4)
            .flat_map(|seed| engines.map(|e| e.sample(request(seed))))
            .collect();
        let outcomes = texts(streams.into_iter().map(crate::tiny::finish).collect());
        for (i, text) in outcomes.iter().enumerate() {
            assert_eq!(*text, alone[i % 3][i / 3]);
        }
    }
    assert_eq!(views[0].info().name, "tiny llama+peft5");
    assert_ne!(views[0].info().hash, views[1].info().hash);
    let vectors = engines.map(|e| e.embed(&["text".into()]).unwrap().vectors[0].clone());
    assert!(vectors[0] != vectors[1] && vectors[1] != vectors[2]);
}

#[test]
fn unusable_adapters_are_refused_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let model = TinyModel::new(Architecture::Llama);
    let source = ModelSource::from_gguf(&model.gguf(), "tiny").unwrap();
    let [peft, file] = written(ADAPTERS[0], &model, folder.path());
    let error = |path: &Path| Adapter::open(path, source.config()).unwrap_err().to_string();
    let config = std::fs::read_to_string(peft.join("adapter_config.json")).unwrap();
    for (from, to, reason) in [
        ("\"LORA\"", "\"IA3\"", "IA3"),
        ("\"none\"", "\"all\"", "biases"),
        ("\"r\":4", "\"r\":-1", "rank"),
        ("\"r\":4", "\"r\":4,\"use_dora\":true", "use_dora"),
        ("\"lora_alpha\":8.0", "\"lora_alpha\":1e60", "scale"),
        ("{", "[", "line 1"),
    ] {
        let changed = config.replace(from, to);
        assert_ne!(changed, config, "{from}");
        std::fs::write(peft.join("adapter_config.json"), changed).unwrap();
        let error = error(&peft);
        assert!(error.contains(reason), "{error}");
    }
    std::fs::write(peft.join("adapter_config.json"), &config).unwrap();
    // Made for a model with other sizes.
    let mut other = TinyModel::new(Architecture::Llama);
    other.config.ffn = 64;
    let other = ModelSource::from_gguf(&other.gguf(), "other").unwrap();
    let error_text = Adapter::open(&peft, other.config()).unwrap_err().to_string();
    assert!(error_text.contains("made for another"), "{error_text}");
    let weights = std::fs::read(peft.join("adapter_model.safetensors")).unwrap();
    std::fs::write(
        peft.join("adapter_model.safetensors"),
        &weights[..weights.len() / 2],
    )
    .unwrap();
    assert!(error(&peft).contains("incomplete"), "{}", error(&peft));
    std::fs::remove_file(peft.join("adapter_model.safetensors")).unwrap();
    assert!(error(&peft).contains("adapter_model.safetensors"));
    // A model is not an adapter.
    std::fs::write(&file, model.gguf()).unwrap();
    assert!(error(&file).contains("adapter.type"), "{}", error(&file));
    assert!(error(&folder.path().join("nothing")).contains("nothing"));
}
