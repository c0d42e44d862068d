//! Each kind of training, whole, on a tiny model.

use std::path::Path;

use strawberry_core::Message;
use strawberry_engine::source::ModelSource;
use strawberry_synth::item::{Check, Facts};
use strawberry_synth::record::{Origin, Record};
use strawberry_train::data::{Example, Preference, Split};
use strawberry_train::distill;
use strawberry_train::dpo;
use strawberry_train::grpo::{self, Groups};
use strawberry_train::network::{Network, Scope};
use strawberry_train::ops::loss::Divergence;
use strawberry_train::rollout::Drawing;
use strawberry_train::run::{Metrics, Place, Settings};
use strawberry_train::sft::{self, Rows};
use strawberry_train::star::{self, Round};
use strawberry_train::verifier;

use crate::tiny_file;

const LORA: Scope = Scope::Lora { rank: 8, alpha: 16.0 };

/// The tiny model in a file, as rollouts need it.
fn on_disk(dir: &Path) -> ModelSource {
    let path = dir.join("tiny.gguf");
    std::fs::write(&path, tiny_file()).unwrap();
    ModelSource::open(&path).unwrap()
}

fn problems() -> Vec<Record> {
    (2..6)
        .map(|i| {
            Record::new(
                &format!("{i}+{i}?"),
                format!("#### {}", i * 2),
                Vec::new(),
                format!("{}", i * 2),
                Check::Number,
                &Facts::new(),
                Origin::default(),
            )
        })
        .collect()
}

fn examples(problems: &[Record]) -> Vec<Example> {
    problems
        .iter()
        .map(|r| Example {
            messages: r.problem().messages,
            completion: r.completion.clone(),
            split: Split::Train,
        })
        .collect()
}

fn settings(epochs: f32) -> Settings {
    Settings {
        rate: 1e-2,
        step_tokens: 200,
        epochs,
        ..Settings::default()
    }
}

fn place<'a>(folder: &'a Path, watch: &'a mut dyn FnMut(&Metrics) -> bool) -> Place<'a> {
    Place {
        folder,
        checkpoint_seconds: 1e9,
        dev_steps: 1000,
        watch,
    }
}

/// A model that often, not always, gives the right answers.
fn half_taught(source: &ModelSource, dir: &Path) -> Network {
    let rows = Rows::new(source, &examples(&problems()), 200).unwrap();
    let mut network = Network::load(source, LORA, 1).unwrap();
    let folder = dir.join("taught");
    let mut last = f64::INFINITY;
    let result = sft::train(
        source,
        &mut network,
        &rows,
        &settings(400.0),
        place(&folder, &mut |m| {
            last = m.loss;
            m.loss > 0.12
        }),
    );
    assert!(last < 0.2, "{result:?}: the loss is still {last}");
    network
}

fn drawing() -> Drawing {
    Drawing {
        samples: 8,
        temperature: 1.0,
        max_tokens: 12,
        seed: 3,
        calculator: None,
        threads: Some(1),
    }
}

#[test]
fn star_keeps_what_verifies_exactly_once_and_learns_it() {
    let dir = tempfile::tempdir().unwrap();
    let source = on_disk(dir.path());
    let policy = half_taught(&source, dir.path());
    let (all, folder, drawing) = (problems(), dir.path().join("round-1"), drawing());
    let settings = settings(100.0);
    let round = Round {
        folder: &folder,
        problems: &all,
        always: &[],
        earlier: &[],
        drawing: &drawing,
        paths: 4,
        settings: &settings,
        checkpoint_seconds: 1e9,
    };
    let (outcome, kept) = star::sample(&policy, &source, &round).unwrap();
    assert_eq!(outcome.samples, 32);
    assert!(outcome.right > 0 && outcome.solved > 0, "{outcome:?}");
    assert_eq!(outcome.kept, kept.len());
    // Equal texts count once.
    assert!(outcome.kept <= outcome.right && outcome.kept >= outcome.solved);
    let (_, trained, again) = {
        let (network, outcome, again) = star::round(&policy, &source, LORA, &round, &mut |_| true).unwrap();
        let start = Network::load(&source, LORA, 0).unwrap();
        let rows = Rows::new(&source, &examples(&again), 200).unwrap();
        let before = sft::likelihood(&start, &rows.train, 512).unwrap().unwrap();
        let after = sft::likelihood(&network, &rows.train, 512).unwrap().unwrap();
        assert!(after < 0.5 * before, "{before} {after}");
        (network, outcome, again)
    };
    assert_eq!(outcome, trained);
    assert_eq!(kept, again);
    assert!(folder.join("adapter/adapter_config.json").is_file());
}

#[test]
fn grpo_raises_the_reward_and_resumes_exactly() {
    let dir = tempfile::tempdir().unwrap();
    let source = on_disk(dir.path());
    let start = half_taught(&source, dir.path());
    let problems = problems();
    let groups = Groups {
        prompts: 4,
        tries: 3,
        steps: 12,
    };
    let settings = Settings {
        rate: 3e-3,
        ..settings(1.0)
    };
    let go = |folder: &Path, watch: &mut dyn FnMut(&Metrics) -> bool| {
        let mut network = start.clone();
        let result = grpo::train(
            &source,
            &mut network,
            &problems,
            &groups,
            &drawing(),
            &settings,
            place(folder, watch),
        );
        result.map(|_| network)
    };
    let mut rewards = Vec::new();
    let whole = go(&dir.path().join("whole"), &mut |m| {
        rewards.push(m.more["reward"].as_f64().unwrap());
        for share in ["flat", "cut", "rollout_share"] {
            assert!((0.0..=1.0).contains(&m.more[share].as_f64().unwrap()), "{share}");
        }
        true
    })
    .unwrap();
    let mean = |r: &[f64]| r.iter().sum::<f64>() / r.len() as f64;
    assert!(mean(&rewards[8..]) > mean(&rewards[..4]), "{rewards:?}");
    let parts = dir.path().join("parts");
    assert!(go(&parts, &mut |m| m.step < 5).is_err());
    let resumed = go(&parts, &mut |_| true).unwrap();
    for (a, b) in whole.trainable().iter().zip(resumed.trainable()) {
        assert_eq!(a.data, b.data, "{}", a.name);
    }
}

#[test]
fn dpo_learns_to_prefer() {
    let dir = tempfile::tempdir().unwrap();
    let source = on_disk(dir.path());
    let preferences: Vec<Preference> = (0..12)
        .map(|i| Preference {
            messages: vec![Message::user(format!("{i}?"))],
            chosen: format!("yes {i}"),
            rejected: format!("no {i}"),
        })
        .collect();
    let mut network = Network::load(&source, LORA, 1).unwrap();
    let mut all = Vec::new();
    dpo::train(
        &source,
        &mut network,
        &preferences,
        0.1,
        &settings(10.0),
        place(&dir.path().join("dpo"), &mut |m| {
            all.push((m.loss, m.more["accuracy"].as_f64().unwrap()));
            true
        }),
    )
    .unwrap();
    // At the reference itself the loss is ln 2.
    assert!((all[0].0 - std::f64::consts::LN_2).abs() < 1e-4, "{all:?}");
    let last = all.last().unwrap();
    assert!(last.0 < 0.2 && last.1 == 1.0, "{all:?}");
}

#[test]
fn a_student_with_half_the_layers_comes_closer_to_its_teacher() {
    let dir = tempfile::tempdir().unwrap();
    let source = on_disk(dir.path());
    let teacher = {
        let mut taught = half_taught(&source, dir.path());
        taught.merge();
        taught
    };
    for (kind, goal) in [(Divergence::Forward, 0.3), (Divergence::Reverse, 0.8)] {
        let mut student = Network::load(&source, Scope::Full, 0).unwrap();
        student.keep_layers(&[0]);
        let mut rows = Rows::new(&source, &examples(&problems()), 200).unwrap();
        rows.dev = rows.train.clone();
        let mut losses = Vec::new();
        let settings = Settings {
            rate: 3e-3,
            ..settings(80.0)
        };
        let finished = distill::train(
            &source,
            &mut student,
            &teacher,
            &rows,
            kind,
            &settings,
            place(&dir.path().join(format!("{kind:?}")), &mut |m| {
                losses.push(m.loss);
                true
            }),
        )
        .unwrap();
        let dev = finished.last.unwrap().dev_loss.unwrap();
        assert!(dev < goal * losses[0], "{kind:?}: {dev} after {}", losses[0]);
        assert_eq!(
            strawberry_train::checkpoint::layers(&finished.checkpoint),
            Some(1)
        );
    }
}

#[test]
fn a_verifier_tells_right_from_wrong_and_comes_back() {
    let dir = tempfile::tempdir().unwrap();
    let source = on_disk(dir.path());
    let mut records = Vec::new();
    for mut record in problems() {
        records.push(record.clone());
        record.reward = -1;
        record.completion = "#### 99".to_owned();
        records.push(record);
    }
    for record in &mut records {
        record.split = "train".to_owned();
    }
    let rows = verifier::Rows::new(&source, &records, 200).unwrap();
    let mut network = Network::load(&source, LORA, 1).unwrap();
    let mut first = None;
    let finished = verifier::train(
        &source,
        &mut network,
        &rows,
        &settings(40.0),
        place(&dir.path().join("verifier"), &mut |m| {
            first.get_or_insert(m.loss);
            true
        }),
    )
    .unwrap();
    assert!((first.unwrap() - std::f64::consts::LN_2).abs() < 1e-5);
    // What right and wrong solutions begin with alike can't be told apart, but their ends can.
    let last = finished.last.unwrap();
    assert_eq!(last.more["accuracy"], 1.0, "{last:?}");
    let pairs: Vec<_> = records
        .iter()
        .map(|r| (r.problem().messages, r.completion.clone()))
        .collect();
    let scores = verifier::score(&network, &source, &pairs).unwrap();
    for (record, score) in records.iter().zip(&scores) {
        assert_eq!(record.reward > 0, *score > 0.5, "{} {score}", record.completion);
    }
    let folder = dir.path().join("adapter");
    verifier::write(&folder, &network, "tiny").unwrap();
    let mut back = Network::load(&source, Scope::Full, 0).unwrap();
    verifier::read(&folder, &mut back).unwrap();
    for (a, b) in scores
        .iter()
        .zip(verifier::score(&back, &source, &pairs).unwrap())
    {
        assert!((a - b).abs() < 0.02, "{a} {b}");
    }
    records.iter_mut().for_each(|r| r.reward = 1);
    let error = verifier::Rows::new(&source, &records, 200).err().unwrap();
    assert!(error.to_string().contains("right and wrong"), "{error}");
}
