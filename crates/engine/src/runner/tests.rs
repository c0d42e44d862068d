//! The promises of the runner on tiny models: agreement with another implementation, and bits that do not
//! depend on company, threads, instruction set or the way a prefix was cached.

use super::*;
use crate::config::{Architecture, RopeScaling};
use crate::quant::DType;
use crate::testing::TinyModel;

fn tokens(count: usize, seed: usize) -> Vec<u32> {
    (0..count)
        .map(|i| ((i * 37 + 11 + seed * 101) % 250) as u32)
        .collect()
}

fn source(model: &TinyModel) -> ModelSource {
    ModelSource::from_gguf(&model.gguf(), "tiny").unwrap()
}

fn runner(model: &TinyModel, threads: usize, level: Option<CpuLevel>) -> Runner {
    runner_with(model, threads, level, KvPrecision::Auto)
}

fn runner_with(model: &TinyModel, threads: usize, level: Option<CpuLevel>, kv: KvPrecision) -> Runner {
    let options = RunnerOptions {
        threads,
        kv_bytes: 16 << 20,
        level,
        kv_precision: kv,
    };
    Runner::load(&source(model), &options).unwrap()
}

/// Appends tokens and gives the bits of their logits.
fn append(runner: &mut Runner, seq: SeqId, tokens: &[u32]) -> Vec<Vec<u32>> {
    let mut logits = Logits::default();
    runner
        .step(
            &[StepItem {
                adapter: None,
                seq,
                tokens,
                logits: LogitsFor::All,
            }],
            &mut logits,
        )
        .unwrap();
    rows(&logits)
}

fn rows(logits: &Logits) -> Vec<Vec<u32>> {
    logits
        .iter()
        .map(|row| row.iter().map(|x| x.to_bits()).collect())
        .collect()
}

#[test]
fn logits_agree_with_llama_cpp() {
    // Written by `scripts/parity.py tiny`: the first logits of position 69.
    let llama = TinyModel::new(Architecture::Llama);
    let mut llama3 = llama.clone();
    llama3.config.rope.scaling = RopeScaling::Llama3 {
        factor: 8.0,
        low_freq_factor: 1.0,
        high_freq_factor: 4.0,
        original_context: 64,
    };
    let cases = [
        (
            llama,
            [
                -4.755_984,
                16.704_908,
                10.027_475,
                14.501_093,
                3.114_077,
                -12.937_949,
            ],
        ),
        (
            llama3,
            [
                -7.938_411,
                20.753_57,
                9.598_781,
                14.236_951,
                4.674_883,
                -12.851_587,
            ],
        ),
        (
            TinyModel::new(Architecture::Qwen2),
            [-0.798_847, 0.909_541, -0.304_655, 2.042_361, 1.669_749, 0.199_214],
        ),
        (
            TinyModel::new(Architecture::Qwen3),
            [
                -0.156_418, 1.274_374, -0.444_217, 2.236_324, 1.629_027, -0.262_810,
            ],
        ),
    ];
    for (model, expected) in cases {
        let mut runner = runner(&model, 1, None);
        let seq = runner.fork(None, 0);
        let logits = append(&mut runner, seq, &tokens(70, 0));
        for (got, expected) in logits[69].iter().zip(expected) {
            let got = f32::from_bits(*got);
            assert!(
                (got - expected).abs() < 1e-4,
                "{}: {got} for {expected}",
                model.config.name
            );
        }
    }
}

#[test]
fn company_threads_levels_and_caching_do_not_change_a_bit() {
    let half = [DType::F32, DType::Q4_1, DType::Q8_0, DType::Q6K].map(|dtype| (dtype, KvPrecision::Auto));
    for (dtype, kv) in half.into_iter().chain([(DType::Q4_1, KvPrecision::Int8)]) {
        let model = TinyModel::new(Architecture::Qwen3).with_dtype(dtype);
        let prompt = tokens(45, 1);
        let tails: Vec<Vec<u32>> = (0..7).map(|i| tokens(30, i)).collect();
        let mut reference = runner_with(&model, 1, Some(CpuLevel::Portable), kv);
        let expected: Vec<_> = tails
            .iter()
            .map(|tail| {
                let seq = reference.fork(None, 0);
                let whole: Vec<u32> = prompt.iter().chain(tail).copied().collect();
                append(&mut reference, seq, &whole)[prompt.len()..].to_vec()
            })
            .collect();
        for cpu in Cpu::all() {
            let mut runner = runner_with(&model, 3, Some(cpu.level()), kv);
            let root = runner.fork(None, 0);
            for chunk in prompt.chunks(13) {
                append(&mut runner, root, chunk);
            }
            let seqs: Vec<_> = tails
                .iter()
                .map(|_| runner.fork(Some(root), prompt.len()))
                .collect();
            // Sequence i joins at step i and then grows by one token a step, in a batch with the others.
            let mut logits = Logits::default();
            let mut done = [0; 7];
            for step in 0..40 {
                let joined: Vec<usize> = (0..7).filter(|&i| step >= i && done[i] < 30).collect();
                let batch: Vec<_> = joined
                    .iter()
                    .map(|&i| StepItem {
                        adapter: None,
                        seq: seqs[i],
                        tokens: &tails[i][done[i]..=done[i]],
                        logits: LogitsFor::Last,
                    })
                    .collect();
                runner.step(&batch, &mut logits).unwrap();
                for (row, i) in rows(&logits).iter().zip(joined) {
                    assert!(
                        *row == expected[i][done[i]],
                        "{dtype} at {}: attempt {i}",
                        cpu.level()
                    );
                    done[i] += 1;
                }
            }
            assert_eq!(done, [30; 7]);
        }
    }
}

#[test]
fn a_truncated_sequence_goes_on_as_if_never_longer() {
    let model = TinyModel::new(Architecture::Llama);
    let mut runner = runner(&model, 2, None);
    let (whole, other) = (tokens(50, 0), tokens(40, 5));
    let straight = runner.fork(None, 0);
    let expected = append(&mut runner, straight, &whole)[37..].to_vec();
    let detour = runner.fork(None, 0);
    append(&mut runner, detour, &whole[..37]);
    append(&mut runner, detour, &other);
    runner.truncate(detour, 37);
    assert!(append(&mut runner, detour, &whole[37..]) == expected);
}

#[test]
fn a_window_hides_what_is_before_it() {
    let mut model = TinyModel::new(Architecture::Llama);
    model.config.layers = 1;
    model.config.sliding_window = Some(40);
    let mut runner = runner(&model, 2, None);
    let tail = tokens(39, 2);
    let ends: Vec<_> = [1, 3]
        .map(|seed| {
            let seq = runner.fork(None, 0);
            append(&mut runner, seq, &tokens(50, seed));
            append(&mut runner, seq, &tail).pop().unwrap()
        })
        .to_vec();
    // With one layer the last token sees itself and 39 before it: one of the differing 50.
    assert!(ends[0] != ends[1]);
    let seqs = [1, 3].map(|seed| {
        let seq = runner.fork(None, 0);
        append(&mut runner, seq, &tokens(50, seed));
        append(&mut runner, seq, &tail);
        append(&mut runner, seq, &[7]).pop().unwrap()
    });
    assert!(seqs[0] == seqs[1]);
}

#[test]
fn quantised_models_stay_near_their_dequantised_selves() {
    for dtype in DType::ALL {
        let model = TinyModel::new(Architecture::Qwen2).with_dtype(dtype);
        let options = RunnerOptions {
            threads: 1,
            kv_bytes: 16 << 20,
            ..RunnerOptions::default()
        };
        let mut exact = Runner::load_dequantised(&source(&model), &options).unwrap();
        let mut runner = runner(&model, 1, None);
        let both = [&mut exact, &mut runner].map(|runner| {
            let seq = runner.fork(None, 0);
            let bits = append(runner, seq, &tokens(60, 0)).concat();
            bits.into_iter()
                .map(|bits| f64::from(f32::from_bits(bits)))
                .collect::<Vec<f64>>()
        });
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let cosine = dot(&both[0], &both[1]) / (dot(&both[0], &both[0]) * dot(&both[1], &both[1])).sqrt();
        assert!(cosine > 0.999, "{dtype}: cosine {cosine}");
    }
}

#[test]
fn keys_and_values_in_eight_bits_stay_near_exact_ones() {
    let mut model = TinyModel::new(Architecture::Llama);
    model.config.head_dim = 48;
    model.config.rope.dims = 48;
    let both = [KvPrecision::Single, KvPrecision::Int8].map(|kv| {
        let mut runner = runner_with(&model, 1, None, kv);
        let seq = runner.fork(None, 0);
        let bits = append(&mut runner, seq, &tokens(150, 0)).concat();
        (
            runner.kv_bytes_per_token(),
            bits.into_iter()
                .map(|bits| f64::from(f32::from_bits(bits)))
                .collect::<Vec<f64>>(),
        )
    });
    assert!(3 * both[1].0 < both[0].0, "{} bytes for {}", both[1].0, both[0].0);
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let [(_, exact), (_, near)] = &both;
    let cosine = dot(exact, near) / (dot(exact, exact) * dot(near, near)).sqrt();
    assert!(cosine > 0.9995, "cosine {cosine}");
}

#[test]
fn refused_batches_change_nothing() {
    let model = TinyModel::new(Architecture::Llama);
    let page = runner(&model, 1, None).kv_bytes_per_token() * 32;
    let options = RunnerOptions {
        threads: 1,
        kv_bytes: 2 * page,
        ..RunnerOptions::default()
    };
    let mut runner = Runner::load(&source(&model), &options).unwrap();
    let mut logits = Logits::default();
    let seq = runner.fork(None, 0);
    let item = |tokens| StepItem {
        adapter: None,
        seq,
        tokens,
        logits: LogitsFor::None,
    };
    let long = tokens(65, 0);
    let full = runner.step(&[item(&long)], &mut logits).unwrap_err();
    assert_eq!(
        full,
        StepError::KvFull(KvFull {
            needed: 3,
            free: 2,
            total: 2
        })
    );
    let endless = tokens(513, 0);
    let error = runner.step(&[item(&endless)], &mut logits).unwrap_err();
    assert_eq!(error, StepError::ContextFull { len: 513, limit: 512 });
    let error = runner.step(&[item(&[100_000])], &mut logits).unwrap_err();
    assert!(matches!(error, StepError::UnknownToken { token: 100_000, .. }));
    for batch in [vec![item(&[])], vec![item(&[1]), item(&[2])]] {
        let error = runner.step(&batch, &mut logits).unwrap_err();
        assert!(matches!(error, StepError::BadItem { .. }), "{error}");
    }
    assert_eq!((runner.len(seq), runner.kv_usage().pages_free), (0, 2));
    runner.step(&[item(&long[..64])], &mut logits).unwrap();
    runner.free(seq);
    assert_eq!(runner.kv_usage().pages_free, 2);
    let error = runner.step(&[item(&[1])], &mut logits).unwrap_err();
    assert_eq!(
        error,
        StepError::BadItem {
            index: 0,
            what: "is of a sequence that was freed"
        }
    );
}

#[test]
fn a_crowd_on_one_prompt_takes_one_prompt_and_its_tails() {
    let mut model = TinyModel::new(Architecture::Llama);
    model.config.context_length = 8192;
    let mut runner = runner(&model, 1, None);
    let mut logits = Logits::default();
    let root = runner.fork(None, 0);
    let prompt = tokens(1024, 0);
    runner
        .step(
            &[StepItem {
                adapter: None,
                seq: root,
                tokens: &prompt,
                logits: LogitsFor::None,
            }],
            &mut logits,
        )
        .unwrap();
    let one = runner.kv_usage().bytes;
    let seqs: Vec<_> = (0..64).map(|_| runner.fork(Some(root), 1024)).collect();
    let tail = tokens(32, 1);
    for &seq in &seqs {
        runner
            .step(
                &[StepItem {
                    adapter: None,
                    seq,
                    tokens: &tail,
                    logits: LogitsFor::None,
                }],
                &mut logits,
            )
            .unwrap();
    }
    assert_eq!(
        runner.kv_usage().bytes,
        one + 64 * 32 * runner.kv_bytes_per_token()
    );
}
