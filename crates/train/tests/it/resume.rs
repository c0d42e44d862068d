//! A run that was stopped, killed or refused.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use strawberry_core::Message;
use strawberry_train::TrainError;
use strawberry_train::data::{Example, Split};
use strawberry_train::network::{Network, Scope};
use strawberry_train::run::{Finished, Measured, Metrics, Place, Run, Settings};
use strawberry_train::sft::{Rows, train};

use crate::tiny;

const LORA: Scope = Scope::Lora { rank: 4, alpha: 8.0 };

fn examples() -> Vec<Example> {
    (0..40)
        .map(|i| Example {
            messages: vec![Message::user(format!("What is {i} + {}?", i * 2))],
            completion: format!("<<{i}+{0}={1}>>\n#### {1}", i * 2, i * 3),
            split: if i % 10 == 0 { Split::Dev } else { Split::Train },
        })
        .collect()
}

fn settings() -> Settings {
    Settings {
        step_tokens: 400,
        pack_tokens: 250,
        epochs: 2.0,
        rate: 3e-3,
        ..Settings::default()
    }
}

/// Trains until `watch` says no.
fn go(
    folder: &Path,
    scope: Scope,
    settings: &Settings,
    watch: &mut dyn FnMut(&Metrics) -> bool,
) -> Result<Finished, TrainError> {
    let source = tiny();
    let rows = Rows::new(&source, &examples(), settings.max_length)?;
    let mut network = Network::load(&source, scope, settings.seed)?;
    let place = Place {
        folder,
        checkpoint_seconds: 0.0,
        dev_steps: 3,
        watch,
    };
    train(&source, &mut network, &rows, settings, place)
}

fn bytes(finished: &Finished) -> [Vec<u8>; 2] {
    ["weights.safetensors", "moments.safetensors"]
        .map(|name| fs::read(finished.checkpoint.join(name)).unwrap())
}

fn metrics(folder: &Path) -> Vec<Metrics> {
    let text = fs::read_to_string(folder.join("metrics.jsonl")).unwrap();
    text.lines().map(|l| serde_json::from_str(l).unwrap()).collect()
}

#[test]
fn a_resumed_run_ends_with_the_same_bits() {
    for scope in [LORA, Scope::Full] {
        let (whole, parts) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let one = go(whole.path(), scope, &settings(), &mut |_| true).unwrap();
        let steps = one.last.clone().unwrap().steps;
        assert!(steps >= 8, "{steps} steps");

        // Asked to stop after the third step.
        let stopped = go(parts.path(), scope, &settings(), &mut |m| m.step < 3);
        assert!(matches!(stopped, Err(TrainError::Stopped { step: 3 })));
        // Killed after the sixth step was computed and before it was kept; a torn line and a torn checkpoint stay.
        let killed = catch_unwind(AssertUnwindSafe(|| {
            go(parts.path(), scope, &settings(), &mut |m| {
                assert!(m.step < 6, "killed");
                true
            })
        }));
        assert!(killed.is_err());
        fs::create_dir_all(parts.path().join("partial")).unwrap();
        fs::write(parts.path().join("partial/weights.safetensors"), b"torn").unwrap();
        let mut log = fs::read(parts.path().join("metrics.jsonl")).unwrap();
        log.extend(b"{\"step\":7,\"st");
        fs::write(parts.path().join("metrics.jsonl"), log).unwrap();
        let two = go(parts.path(), scope, &settings(), &mut |_| true).unwrap();

        assert!(
            bytes(&one) == bytes(&two),
            "other weights or moments after resuming"
        );
        let (a, b) = (metrics(whole.path()), metrics(parts.path()));
        assert_eq!(a.len(), steps);
        let losses = |m: &[Metrics]| m.iter().map(|m| (m.step, m.loss.to_bits())).collect::<Vec<_>>();
        assert_eq!(losses(&a), losses(&b));
        assert!(a[steps - 1].loss < a[0].loss && a[steps - 1].dev_loss < a[2].dev_loss);
        // Nothing is left to do.
        let again = go(parts.path(), scope, &settings(), &mut |_| {
            panic!("no step is left")
        })
        .unwrap();
        assert!(again.last.is_none() && bytes(&again) == bytes(&one));
    }
}

#[test]
fn another_run_is_not_resumed() {
    let dir = tempfile::tempdir().unwrap();
    let _ = go(dir.path(), LORA, &settings(), &mut |_| false);
    let other = Settings {
        rate: 1e-4,
        ..settings()
    };
    let error = go(dir.path(), LORA, &other, &mut |_| true)
        .unwrap_err()
        .to_string();
    assert!(error.contains("other settings"), "{error}");
}

#[test]
fn numbers_that_are_not_finite_stop_the_run_and_keep_the_last_good_state() {
    let dir = tempfile::tempdir().unwrap();
    let settings = settings();
    for (bad, what) in [(4, "the gradient of `blk.0.attn_q.lora_a`"), (6, "the loss")] {
        let run = Run {
            place: Place {
                folder: dir.path(),
                checkpoint_seconds: 0.0,
                dev_steps: 3,
                watch: &mut |_| true,
            },
            name: "a run".to_owned(),
            settings: &settings,
            steps: 10,
        };
        let mut network = Network::load(&tiny(), LORA, 1).unwrap();
        let error = run
            .go(
                &mut network,
                &mut |_, step, gradients| {
                    let value = if step == bad { f32::NAN } else { 0.1 };
                    gradients.parts_mut().for_each(|g| g.fill(0.1));
                    let mut measured = Measured::default();
                    if what == "the loss" {
                        measured.loss = f64::from(value);
                    } else {
                        gradients.parts_mut().next().unwrap()[0] = value;
                    }
                    Ok(measured)
                },
                &mut |_| Ok(None),
            )
            .unwrap_err();
        let message = error.to_string();
        assert!(matches!(error, TrainError::NotFinite { .. }), "{message}");
        let step = format!("step {}", bad + 1);
        let kept = dir.path().join(format!("step-{bad}"));
        assert!(message.contains(&step) && message.contains(what), "{message}");
        assert!(
            message.contains(&kept.display().to_string()) && kept.is_dir(),
            "{message}"
        );
        assert!(
            network
                .trainable()
                .iter()
                .all(|t| t.data.iter().all(|v| v.is_finite()))
        );
    }
}

#[test]
fn a_damaged_checkpoint_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let _ = go(dir.path(), LORA, &settings(), &mut |_| false);
    let file = dir.path().join("step-1/weights.safetensors");
    let data = fs::read(&file).unwrap();
    fs::write(&file, &data[..data.len() / 2]).unwrap();
    let error = go(dir.path(), LORA, &settings(), &mut |_| true).unwrap_err();
    assert!(error.to_string().contains("weights.safetensors"), "{error}");
}
