use std::collections::BTreeMap;
use std::path::Path;

use proptest::prelude::*;
use strawberry_core::Effort;
use strawberry_eval::run::{self, Options};
use strawberry_eval::summary::{Summary, TaskSummary};
use strawberry_eval::task::Task;
use strawberry_eval::{EvalError, compare, source};
use strawberry_think::{RunControl, StrategyKind};

use crate::support::{Adder, data};

const FINAL: [&str; 3] = ["samples.jsonl", "results.jsonl", "summary.json"];

fn options(dir: &Path, out: &str) -> Options {
    let task = Task::find(&dir.join("sums.toml").display().to_string()).unwrap();
    Options {
        tasks: vec![source::load(task, dir, None).unwrap()],
        efforts: vec![Effort::High, Effort::None, Effort::Minimal, Effort::Low],
        strategies: vec![StrategyKind::Rsa],
        seeds: 2,
        at_once: 5,
        out: dir.join(out),
    }
}

fn measure(dir: &Path, out: &str, breaks_after: usize) -> Result<Summary, EvalError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let model = Adder::new(breaks_after);
    runtime.block_on(run::run(&options(dir, out), model, &RunControl::new(), |_| {}))
}

fn files(dir: &Path, out: &str) -> Vec<String> {
    FINAL
        .iter()
        .map(|f| std::fs::read_to_string(dir.join(out).join(f)).unwrap())
        .collect()
}

fn accuracy(task: &TaskSummary, strategy: &str, effort: Effort) -> f64 {
    let row = task
        .rows
        .iter()
        .find(|r| r.strategy == strategy && r.effort == effort);
    row.unwrap_or_else(|| panic!("{strategy} {effort} is missing"))
        .accuracy
}

#[test]
fn a_run_measures_what_the_model_was_made_to_do() {
    let dir = tempfile::tempdir().unwrap();
    data(dir.path());
    let summary = measure(dir.path(), "out", usize::MAX).unwrap();
    let task = &summary.tasks[0];
    // Of 27 problems that count, 12 are easy, 12 are hard, and 3 get no answer.
    assert_eq!(task.problems, 27);
    assert!((accuracy(task, "direct", Effort::None) - 12.0 / 27.0).abs() < 1e-9);
    // Three of four attempts at a hard one are right, and the wrong ones are spread: a vote of 16 finds it.
    assert!((accuracy(task, "majority", Effort::High) - 24.0 / 27.0).abs() < 0.02);
    assert!(accuracy(task, "majority", Effort::Minimal) < accuracy(task, "majority", Effort::High));
    // Right attempts are likelier here, so the likeliest is right.
    assert!((accuracy(task, "best by likelihood", Effort::High) - 24.0 / 27.0).abs() < 1e-9);
    assert!(
        task.rows
            .iter()
            .any(|r| r.strategy == "rsa" && r.effort == Effort::Low)
    );
    let majority = task
        .rows
        .iter()
        .find(|r| r.strategy == "majority" && r.effort == Effort::High)
        .unwrap();
    let full = task
        .rows
        .iter()
        .find(|r| r.strategy == "majority of all" && r.effort == Effort::High)
        .unwrap();
    assert!(majority.samples < full.samples && full.samples <= 16.0);
    assert!(majority.against_none.as_ref().unwrap().p < 0.01);
    // Nothing is dropped in silence.
    let reasons: Vec<&String> = task.unscored.keys().collect();
    assert_eq!(task.unscored.values().sum::<usize>(), 3);
    assert!(
        reasons.iter().any(|r| r.contains("field `a` is missing")),
        "{reasons:?}"
    );
    assert!(
        reasons.iter().any(|r| r.contains("field `q` is missing"))
            && reasons.iter().any(|r| r.contains("not JSON"))
    );
    let no_answer: BTreeMap<&str, usize> = task.no_answer.iter().map(|(k, v)| (k.as_str(), *v)).collect();
    assert_eq!(no_answer.get("the model returned nothing"), Some(&2));
    assert_eq!(no_answer.get("the response repeats itself"), Some(&2));
    assert!(
        no_answer.keys().any(|k| k.contains("9000 tokens")),
        "{no_answer:?}"
    );
    // pass@k never falls, and the oracle is at least as good as the vote.
    assert!(task.pass_at_k.windows(2).all(|w| w[0].1 <= w[1].1 + 1e-12));
    assert!(task.pass_at_k.last().unwrap().1 >= task.majority_at_k.last().unwrap().1);
    for page in ["report.html", "samples.html"] {
        let html = std::fs::read_to_string(dir.path().join("out").join(page)).unwrap();
        assert!(
            html.contains("</html>") && !html.contains("http://") || page == "report.html",
            "{page}"
        );
        assert!(
            !html.contains("src=") && !html.contains("NaN"),
            "{page} needs nothing else"
        );
    }
}

#[test]
fn a_run_that_breaks_again_and_again_ends_with_the_same_bytes() {
    let dir = tempfile::tempdir().unwrap();
    data(dir.path());
    measure(dir.path(), "whole", usize::MAX).unwrap();
    let mut breaks = 0;
    // Each round dies after some attempts and leaves a torn line, as a kill in the middle of a write does.
    while let Err(error) = measure(dir.path(), "broken", 160) {
        assert!(matches!(error, EvalError::Failed(_)), "{error}");
        breaks += 1;
        assert!(breaks < 100, "no progress");
        let journal = dir.path().join("broken/journal.jsonl");
        let mut text = std::fs::read_to_string(&journal).unwrap();
        text.push_str("{\"task\":\"sums\",\"id\":\"1");
        std::fs::write(&journal, text).unwrap();
    }
    assert!(breaks > 5, "{breaks}");
    assert_eq!(files(dir.path(), "whole"), files(dir.path(), "broken"));
    // A finished run is not sampled again.
    measure(dir.path(), "broken", 0).unwrap();
}

#[test]
fn another_runs_folder_is_refused_with_the_difference_named() {
    let dir = tempfile::tempdir().unwrap();
    data(dir.path());
    measure(dir.path(), "out", usize::MAX).unwrap();
    let other = Options {
        seeds: 3,
        ..options(dir.path(), "out")
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let error = runtime
        .block_on(run::run(&other, Adder::new(9), &RunControl::new(), |_| {}))
        .unwrap_err();
    assert!(error.to_string().contains("differs in seeds"), "{error}");
    assert!(matches!(compare::outcomes(dir.path()), Err(EvalError::File(_))));
}

#[test]
fn runs_are_compared_problem_by_problem() {
    let dir = tempfile::tempdir().unwrap();
    data(dir.path());
    measure(dir.path(), "out", usize::MAX).unwrap();
    let outcomes = compare::outcomes(&dir.path().join("out")).unwrap();
    let same = compare::compare(&outcomes, &outcomes);
    assert!(
        !same.is_empty()
            && same
                .iter()
                .all(|c| c.paired.difference == 0.0 && c.paired.p == 1.0)
    );
    let mut worse = outcomes.clone();
    worse.iter_mut().for_each(|o| o.correct = false);
    let all = compare::compare(&worse, &outcomes);
    let direct = all.iter().find(|c| c.strategy == "direct").unwrap();
    assert!((direct.paired.difference - 12.0 / 27.0).abs() < 1e-9 && direct.paired.p < 1e-3);
    assert_eq!(direct.first, 0.0);
}

#[test]
fn a_missing_file_says_where_to_put_it() {
    let dir = tempfile::tempdir().unwrap();
    let task = Task::find("gsm8k").unwrap();
    let error = source::load(task, dir.path(), None).err().unwrap().to_string();
    assert!(
        error.contains("gsm8k/train.jsonl") && error.contains("--data"),
        "{error}"
    );
}

#[test]
fn families_are_made_held_out_and_a_smaller_run_is_part_of_a_larger_one() {
    let load = |limit| {
        let task = Task::find("words").unwrap();
        source::load(task, Path::new("."), Some(limit)).unwrap()
    };
    let (small, large) = (load(10), load(40));
    assert_eq!(small.rows[..], large.rows[..10]);
    assert_eq!(large.rows.len(), 40);
    for row in &large.rows {
        let problem = row.problem.as_ref().unwrap();
        let hash = strawberry_synth::record::question_hash(problem.last_user_text());
        assert_ne!(strawberry_synth::record::split_of(hash), "train");
        let strawberry_core::Reference::Answer(answer) = problem.reference.as_ref().unwrap() else {
            panic!()
        };
        let judgement = large
            .checker
            .verifier()
            .judge(problem, &format!("The answer is {answer}."));
        assert_eq!(judgement.unwrap().verdict, strawberry_core::Verdict::Correct);
    }
}

proptest! {
    #[test]
    fn no_task_file_is_too_strange(text in "(source|question|answer|check|tests|families|\\{|\\}|\"|=|\\[|\\]|\n| |1|math){0,40}") {
        if let Err(error) = Task::parse("t", "t.toml", &text) {
            prop_assert!(error.to_string().starts_with("t.toml"), "{}", error);
        }
    }
}
