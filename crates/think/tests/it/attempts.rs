//! What the driver does with single attempts: scores, early ends, programs, reasons, abstention, revotes.

use std::sync::Arc;

use strawberry_core::*;
use strawberry_think::confidence::{GROUP, LOWEST_GROUP, MEAN};
use strawberry_think::revote::revote;
use strawberry_think::{
    Calibration, Plan, PlanOptions, Recorder, RunControl, RunReport, Score, ScoredBy, Scorer, StrategyKind,
    Thinker, calibration::Curve,
};

use crate::scripted::{MemoryStore, PlainVerifier, Script, ScriptedModel};

async fn run(
    model: Arc<ScriptedModel>,
    problem: &Problem,
    options: PlanOptions,
) -> (RunReport, Vec<TraceEvent>) {
    let store = Arc::new(MemoryStore::default());
    let recorder = Recorder {
        store: store.clone(),
        run: RunId("r".into()),
        time_ms: 0,
        version: "test".into(),
    };
    let plan = Plan::new(problem, &model.info(), &options).unwrap();
    let thinker = Thinker {
        model,
        verifier: Arc::new(PlainVerifier),
    };
    let report = thinker
        .run(problem, plan, &RunControl::new(), Some(&recorder), None)
        .await
        .unwrap();
    let events = store.0.lock().unwrap().clone();
    (report, events)
}

fn question() -> Problem {
    Problem::question("What is 6 times 7?")
}

fn options(strategy: StrategyKind, samples: u32) -> PlanOptions {
    PlanOptions {
        strategy: Some(strategy),
        budget: Budget {
            samples: Some(samples),
            ..Budget::default()
        },
        ..PlanOptions::default()
    }
}

/// Rates the answer 7 best.
struct Sevens;

impl Scorer for Sevens {
    fn name(&self) -> &str {
        "sevens"
    }

    fn score(&self, _: &Problem, attempt: &Attempt) -> Option<Score> {
        let seven = attempt.answer.as_ref()?.text == "7";
        Some(Score {
            value: if seven { 0.9 } else { 0.1 },
            feedback: Some("seen".into()),
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_scorer_runs_once_for_each_attempt_and_its_scores_are_in_the_trace() {
    let model = ScriptedModel::new(|call, _| Script::says(if call == 3 { "7" } else { "6" }));
    let scorer: Arc<dyn Scorer> = Arc::new(Sevens);
    let options = PlanOptions {
        scorer: Some(scorer.into()),
        ..options(StrategyKind::BestOfN, 6)
    };
    let (report, events) = run(model, &question(), options).await;
    assert_eq!(
        (report.selection.trial, report.answer().as_deref()),
        (3, Some("7"))
    );
    assert_eq!(report.to_result().attempts[3].score, Some(0.9));
    let recorded: Vec<f64> = events
        .iter()
        .filter_map(|e| match e {
            TraceEvent::Sampled { attempt, .. } => attempt.scores.get("sevens").copied(),
            _ => None,
        })
        .collect();
    assert_eq!(recorded, [0.1, 0.1, 0.1, 0.9, 0.1, 0.1]);
    // The same choice, and every other one, from the trace alone; without the scorer.
    let again = strawberry_think::replay::replay(&events, &PlainVerifier).unwrap();
    assert!(again.same, "{again:?}");
    let all = revote(&events, &PlainVerifier).unwrap();
    let answer = |name: &str| {
        let found = all.aggregates.iter().find(|a| a.name == name);
        found
            .unwrap_or_else(|| panic!("{name} is missing: {all:?}"))
            .answer
            .clone()
            .unwrap()
    };
    assert_eq!(all.attempts, 6);
    assert_eq!(answer("majority"), "6");
    assert_eq!(answer("best by sevens"), "7");
    assert_eq!(answer("weighted by sevens"), "7");
    assert_eq!(answer("first"), "6");
    // Log-probabilities weigh too: every token has -1 here, so six attempts share evenly.
    let by_logprob = all
        .aggregates
        .iter()
        .find(|a| a.name == "weighted by min-logprob")
        .unwrap();
    assert!(
        (by_logprob.share.unwrap() - 5.0 / 6.0).abs() < 1e-9,
        "{by_logprob:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_loses_confidence_ends_early_and_costs_what_it_sampled() {
    // Warm-up attempts are sure; the later ones are not, and would go on for 400 tokens.
    let model = ScriptedModel::new(|call, _| Script {
        tokens: if call < 4 { 40 } else { 400 },
        logprob: if call < 4 { -0.1 } else { -3.0 },
        ..Script::says(if call < 4 { "1" } else { "2" })
    });
    // Two answers in the warm-up keep the vote open.
    let model = ScriptedModel::new({
        let inner = model;
        move |call, request| {
            let mut script = (inner.script)(call, request);
            if call == 1 {
                script.answer = Some("2".into());
            }
            script
        }
    });
    let (report, _) = run(model, &question(), options(StrategyKind::Deepconf, 8)).await;
    assert_eq!(report.answer().as_deref(), Some("1"));
    for attempt in &report.attempts {
        if attempt.trial >= 4 {
            assert_eq!(
                (attempt.finish, attempt.usage.completion_tokens),
                (Finish::Cancelled, GROUP as u64)
            );
            assert_eq!(attempt.usage.prompt_tokens, 7);
        } else {
            assert!((attempt.scores[LOWEST_GROUP] + 0.1).abs() < 1e-6 && attempt.scores.contains_key(MEAN));
        }
    }
    assert_eq!(report.usage.completion_tokens, 4 * 40 + 4 * GROUP as u64);
}

#[tokio::test]
async fn a_program_is_run_and_what_it_prints_is_the_answer() {
    let model = ScriptedModel::new(|call, _| {
        Script::writes(
            [
                "```python\nprint(6 * 7)\n```",
                "```python\nprint(6 * 7 + oops)\n```",
                "no program",
            ][call as usize % 3],
        )
    });
    let (report, _) = run(model.clone(), &question(), options(StrategyKind::Program, 3)).await;
    assert_eq!(
        (report.strategy.as_str(), report.answer().as_deref()),
        ("program", Some("42"))
    );
    assert_eq!(report.usage.tool_calls, 3);
    assert_eq!(report.selection.votes.len(), 1, "failed programs do not vote");
    assert!(
        report.attempts[1]
            .feedback
            .as_ref()
            .unwrap()
            .contains("NameError")
    );
    assert!(
        model.requests.lock().unwrap()[0].messages[0]
            .content
            .contains("Python program")
    );
}

#[tokio::test]
async fn a_program_is_repaired_with_what_its_failing_test_said() {
    let problem = Problem::question("Write f, which doubles.\nassert f(2) == 4\nassert f(3) == 6");
    let model = ScriptedModel::new(|_, request| {
        let told = request
            .messages
            .last()
            .unwrap()
            .content
            .contains("assert f(3) == 6`:");
        Script::writes(if told {
            "```python\ndef f(x): return 2 * x\n```"
        } else {
            "```python\ndef f(x): return x ** 2\n```"
        })
    });
    let options = PlanOptions {
        strategy: None,
        ..options(StrategyKind::Auto, 4)
    };
    let (report, _) = run(model, &problem, options).await;
    assert_eq!(report.strategy, "repair");
    assert!(report.why.contains("tests"));
    assert!(report.chosen().text.contains("2 * x"));
    assert_eq!(report.chosen().scores["tests"], 1.0);
    assert_eq!(report.attempts[0].scores["tests"], 0.5);
}

#[tokio::test(start_paused = true)]
async fn nothing_loops_and_cuts_are_no_answers_with_their_reason() {
    let mut problem = question();
    problem.reference = Some(Reference::Answer("42".into()));
    let model = ScriptedModel::new(|call, _| match call {
        0 => Script::writes(""),
        1 => Script::writes(&"I think about it. ".repeat(30)),
        2 => Script {
            tokens: 5000,
            ..Script::says("42")
        },
        _ => Script::says("42"),
    });
    let (report, _) = run(model, &problem, options(StrategyKind::BestOfN, 4)).await;
    let why = |i: usize| {
        let judgement = report.attempts[i].judgement.as_ref().unwrap();
        (judgement.verdict, judgement.evidence.clone())
    };
    assert_eq!(why(0), (Verdict::NoAnswer, "the model returned nothing".into()));
    assert!(why(1).1.contains("repeats itself"), "{:?}", why(1));
    assert!(why(2).1.contains("cut off"), "{:?}", why(2));
    assert_eq!(why(3).0, Verdict::Correct);
}

#[tokio::test(start_paused = true)]
async fn too_little_confidence_is_an_abstention_and_calibration_decides_what_is_little() {
    let model = || ScriptedModel::new(|call, _| Script::says(if call < 3 { "1" } else { "2" }));
    let at = |least: f64, calibration: Option<Calibration>| PlanOptions {
        min_confidence: Some(least),
        calibration,
        ..options(StrategyKind::BestOfN, 4)
    };
    let (report, _) = run(model(), &question(), at(0.7, None)).await;
    assert_eq!(
        (report.abstained, report.answer().as_deref(), report.confidence),
        (false, Some("1"), Some(0.75))
    );
    let (report, _) = run(model(), &question(), at(0.8, None)).await;
    assert_eq!(
        (report.abstained, report.answer().as_deref()),
        (true, Some("I don't know"))
    );
    assert!(report.to_result().abstained);
    // Votes of three in four have been right one time in five.
    let mut calibration = Calibration::new("scripted", "a test");
    let curve = Curve {
        points: vec![(0.5, 0.1), (1.0, 0.3)],
        problems: 100,
    };
    calibration.curves.insert("best-of-n".into(), curve);
    let (report, _) = run(model(), &question(), at(0.7, Some(calibration))).await;
    assert!(report.abstained && (report.confidence.unwrap() - 0.2).abs() < 1e-12);
    assert!(Plan::new(&question(), &ModelInfo::default(), &at(1.5, None)).is_err());
}

#[test]
fn scorers_are_known_by_name() {
    for name in [
        "likelihood",
        "confidence",
        "group-confidence",
        "min-logprob",
        "tests",
        "judge",
    ] {
        assert_eq!(name.parse::<ScoredBy>().unwrap().name(), name);
    }
    assert!("vibes".parse::<ScoredBy>().unwrap_err().contains("likelihood"));
    let judged = PlanOptions {
        scorer: Some("judge".parse().unwrap()),
        ..options(StrategyKind::Weighted, 4)
    };
    let error = Plan::new(&question(), &ModelInfo::default(), &judged)
        .err()
        .unwrap();
    assert!(error.to_string().contains("best-of-n"), "{error}");
}
