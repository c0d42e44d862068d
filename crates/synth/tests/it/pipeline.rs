use std::fs;

use proptest::prelude::*;
use strawberry_core::{Verdict, Verifier};
use strawberry_synth::dataset::{self, Outside, Request};
use strawberry_synth::export::{View, export, views};
use strawberry_synth::generate::{Options, generate, make, parse_mix};
use strawberry_synth::judge::{RecordVerifier, declines};
use strawberry_synth::quality::banlist::BanList;
use strawberry_synth::record::{Record, Style};
use strawberry_synth::sink::read_records;
use strawberry_synth::{SynthError, families};

fn some(options: &Options, banned: &BanList) -> Vec<Record> {
    let mut all = Vec::new();
    generate(options, banned, &mut |r| {
        all.push(r);
        Ok(())
    })
    .unwrap();
    all
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, seed| {
        let options = Options {
            rows: 600,
            seed,
            ..Options::default()
        };
        let path = dir.path().join(name);
        dataset::write(
            &Request {
                options,
                outside: Outside::default(),
                command: "test".into(),
            },
            &BanList::default(),
            &path,
        )
        .unwrap();
        fs::read(path).unwrap()
    };
    let one = write("a.jsonl", 7);
    assert!(one == write("b.jsonl", 7));
    assert!(one != write("c.jsonl", 8));
    // A reader finds the same records, and the card tells of them.
    let records = read_records(&dir.path().join("a.jsonl")).unwrap();
    assert_eq!(records.len(), 600);
    assert!(
        fs::read_to_string(dir.path().join("a.md"))
            .unwrap()
            .contains("600 rows")
    );
}

#[test]
fn records_verify_in_both_styles_and_are_distinct() {
    for style in [Style::Marked, Style::Natural] {
        let records = some(
            &Options {
                rows: 1500,
                seed: 3,
                style,
                ..Options::default()
            },
            &BanList::default(),
        );
        let verifier = RecordVerifier::new(&records);
        let mut questions = std::collections::HashSet::new();
        for r in &records {
            let judgement = verifier.judge(&r.problem(), &r.completion).unwrap();
            assert_eq!(judgement.verdict, Verdict::Correct, "{judgement:?} {r:#?}");
            assert!(questions.insert(r.question().to_lowercase()));
            assert_eq!(r.answerable, !declines(&r.answer), "{r:#?}");
            assert_eq!(r.completion.contains("####"), style == Style::Marked);
            assert!(
                r.completion.contains("<<")
                    == (style == Style::Marked && r.steps.iter().any(|s| !s.expr.is_empty()))
            );
            // Each record can be made again from what it says about itself.
            let again = make(families::find(r.stem()).unwrap(), r.difficulty, r.seed, style);
            assert_eq!(&again, r);
        }
    }
}

#[test]
fn banned_questions_never_come_back() {
    let options = Options {
        rows: 400,
        seed: 5,
        ..Options::default()
    };
    let before = some(&options, &BanList::default());
    let mut banned = BanList::default();
    let long: Vec<&Record> = before
        .iter()
        .filter(|r| r.question().split_whitespace().count() > 25)
        .collect();
    assert!(long.len() > 50);
    for r in &long {
        banned.add(r.question());
    }
    let mut after = Vec::new();
    let report = generate(&options, &banned, &mut |r| {
        after.push(r);
        Ok(())
    })
    .unwrap();
    assert!(report.banned >= long.len());
    assert_eq!(after.len(), 400);
    for r in &after {
        assert_ne!(
            banned.overlap(r.question()),
            strawberry_synth::quality::banlist::Overlap::Banned
        );
    }
}

#[test]
fn options_that_make_no_sense_are_refused_in_words() {
    let error = |names: &[&str]| {
        parse_mix(&names.iter().map(|s| s.to_string()).collect::<Vec<_>>())
            .unwrap_err()
            .to_string()
    };
    assert!(error(&["wrds"]).contains("'wrds'"));
    assert!(error(&["words=x"]).contains("weight"));
    assert!(error(&[]).contains("at least one"));
    assert!(
        dataset::parse_difficulty("0-9")
            .unwrap_err()
            .to_string()
            .contains("1 to 5")
    );
    let options = Options {
        difficulty: (3, 2),
        ..Options::default()
    };
    assert!(matches!(
        generate(&options, &BanList::default(), &mut |_| Ok(())),
        Err(SynthError::Option(_))
    ));
    // A family with too few problems says so instead of repeating itself.
    let options = Options {
        mix: vec![("roman".into(), 1)],
        rows: 300,
        difficulty: (1, 1),
        ..Options::default()
    };
    let report = generate(&options, &BanList::default(), &mut |_| Ok(())).unwrap();
    assert!(report.missing > 0 && report.rows + report.missing == 300);
}

#[test]
fn every_view_has_all_its_columns_in_every_row() {
    let records = some(
        &Options {
            rows: 300,
            seed: 9,
            ..Options::default()
        },
        &BanList::default(),
    );
    let dir = tempfile::tempdir().unwrap();
    for view in View::ALL {
        let rows = views::rows(view, &records);
        assert!(rows.len() >= 150, "{}", view.name());
        for row in &rows {
            for (name, _) in views::columns(view) {
                assert!(row.get(name).is_some(), "{}: {name}", view.name());
            }
            assert_eq!(row.as_object().unwrap().len(), views::columns(view).len());
        }
        let path = dir.path().join(view.name()).with_extension("jsonl");
        assert_eq!(export(view, &records, &path).unwrap(), rows.len());
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), rows.len());
    }
    for row in views::rows(View::Stepwise, &records) {
        assert_eq!(
            row["completions"].as_array().unwrap().len(),
            row["labels"].as_array().unwrap().len()
        );
    }
    for row in views::rows(View::Preference, &records) {
        assert_ne!(row["chosen"], row["rejected"]);
    }
}

#[test]
fn spoiled_solutions_are_wrong() {
    let records = some(
        &Options {
            rows: 400,
            seed: 2,
            ..Options::default()
        },
        &BanList::default(),
    );
    let verifier = RecordVerifier::new(&records);
    let mut checked = 0;
    for r in records.iter().filter(|r| r.verifier.kind == "number") {
        if let Some((text, steps)) = strawberry_synth::export::negatives::spoiled(r) {
            // Stopping early with a wrong value can hit the answer only by chance; the step is wrong in any case.
            let last = steps.last().unwrap();
            assert!(
                !last.ok && !strawberry_synth::item::step_holds(&last.expr, &last.value),
                "{last:?}"
            );
            checked +=
                usize::from(verifier.judge(&r.problem(), &text).unwrap().verdict == Verdict::Incorrect);
        }
    }
    assert!(checked > 150, "{checked}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn any_response_is_judged_without_panic(text in "\\PC{0,200}", kind in 0usize..5) {
        use strawberry_synth::item::{Check, Facts};
        let check = [Check::Number, Check::Text, Check::List, Check::Countdown, Check::Abstain][kind];
        let _ = strawberry_synth::judge::judge(check, "12", &Facts::new(), &text);
        let _ = strawberry_synth::steps::marked(&text);
        let _ = strawberry_synth::steps::equations(&text);
    }
}
