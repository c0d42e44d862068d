use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use strawberry_core::trace::RunStatus;
use strawberry_core::*;
use strawberry_think::{
    Plan, PlanOptions, Recorder, RunControl, RunReport, StrategyKind, ThinkError, Thinker, replay,
};

use crate::scripted::{MemoryStore, PlainVerifier, Script, ScriptedModel};

fn problem() -> Problem {
    Problem::question("What is 6 times 7?")
}

async fn run_with(
    model: Arc<ScriptedModel>,
    options: PlanOptions,
    control: &RunControl,
    recorder: Option<&Recorder>,
) -> Result<RunReport, ThinkError> {
    let plan = Plan::new(&problem(), &model.info(), &options).unwrap();
    let thinker = Thinker {
        model,
        verifier: Arc::new(PlainVerifier),
    };
    thinker.run(&problem(), plan, control, recorder, None).await
}

async fn run(model: Arc<ScriptedModel>, options: PlanOptions) -> Result<RunReport, ThinkError> {
    run_with(model, options, &RunControl::new(), None).await
}

fn effort(effort: Effort) -> PlanOptions {
    PlanOptions {
        effort: Some(effort),
        seed: 7,
        ..PlanOptions::default()
    }
}

fn budget(budget: Budget) -> PlanOptions {
    PlanOptions {
        budget,
        seed: 7,
        ..PlanOptions::default()
    }
}

#[tokio::test(start_paused = true)]
async fn an_easy_question_stops_after_one_unanimous_wave() {
    let report = run(
        ScriptedModel::new(|_, _| Script::says("42")),
        effort(Effort::High),
    )
    .await
    .unwrap();
    assert_eq!(report.usage.samples, 4);
    assert_eq!(report.answer().as_deref(), Some("42"));
    assert_eq!(
        (report.usage.prompt_tokens, report.usage.prompt_evaluated),
        (7, 7)
    );
    // Three losing attempts of ten tokens are thinking, the chosen one is not.
    assert_eq!(
        (report.usage.reasoning_tokens, report.usage.completion_tokens),
        (30, 40)
    );
    assert_eq!(report.selection.confidence, Some(1.0));
}

#[tokio::test(start_paused = true)]
async fn a_split_vote_uses_what_it_may() {
    let model = ScriptedModel::new(|call, _| Script::says(if call.is_multiple_of(2) { "42" } else { "41" }));
    let report = run(model, effort(Effort::Medium)).await.unwrap();
    assert_eq!(report.usage.samples, 8);
    let votes: Vec<_> = report
        .selection
        .votes
        .iter()
        .map(|v| (v.answer.text.as_str(), v.votes))
        .collect();
    assert_eq!(votes, [("42", 4), ("41", 4)]);
}

#[tokio::test(start_paused = true)]
async fn equal_answers_share_a_vote_and_unequal_ones_do_not() {
    let model = ScriptedModel::new(|call, _| Script::says(["042", "42", "7", "42"][call as usize % 4]));
    let report = run(model, effort(Effort::Low)).await.unwrap();
    assert_eq!(report.selection.votes[0].votes, 3);
    assert_eq!(report.selection.votes[0].trials, [0, 1, 3]);
    assert_eq!(report.answer().as_deref(), Some("042"));
}

#[tokio::test(start_paused = true)]
async fn the_order_of_completion_changes_nothing() {
    let model = |delays: [u64; 4]| {
        ScriptedModel::new(move |call, request| Script {
            step: Duration::from_millis(delays[call as usize % 4]),
            logprob: -1.0 - (request.sampling.seed % 97) as f32,
            ..Script::says(["1", "2", "3", "2"][call as usize % 4])
        })
    };
    let a = run(model([1, 2, 3, 4]), effort(Effort::High)).await.unwrap();
    let b = run(model([9, 3, 2, 1]), effort(Effort::High)).await.unwrap();
    let (mut a, mut b) = (a.to_result(), b.to_result());
    (a.wall_ms, b.wall_ms) = (0, 0);
    assert_eq!(a, b);
}

#[tokio::test(start_paused = true)]
async fn best_of_n_takes_the_likeliest() {
    let model = ScriptedModel::new(|call, _| Script {
        logprob: if call == 5 { -0.1 } else { -2.0 },
        ..Script::says(if call == 5 { "9" } else { "8" })
    });
    let options = PlanOptions {
        strategy: Some(StrategyKind::BestOfN),
        ..effort(Effort::Medium)
    };
    let report = run(model, options).await.unwrap();
    assert_eq!(
        (report.selection.trial, report.answer().as_deref()),
        (5, Some("9"))
    );
    assert_eq!(report.selection.votes[0].answer.text, "8");
}

#[tokio::test(start_paused = true)]
async fn likelier_attempts_outweigh_more_of_them() {
    // Three attempts at probability e^-3 a token against one at e^-0.1.
    let model = ScriptedModel::new(|call, _| Script {
        logprob: if call == 3 { -0.1 } else { -3.0 },
        ..Script::says(if call == 3 { "9" } else { "8" })
    });
    let weighted = PlanOptions {
        strategy: Some(StrategyKind::Weighted),
        ..effort(Effort::Low)
    };
    let report = run(model.clone(), weighted).await.unwrap();
    assert_eq!(
        (report.strategy.as_str(), report.answer().as_deref()),
        ("weighted", Some("9"))
    );
    let share = report.selection.votes[0].share;
    let (strong, weak) = ((-0.1f64).exp(), 3.0 * (-3.0f64).exp());
    assert!((share - strong / (strong + weak)).abs() < 1e-6, "{share}");
}

#[tokio::test(start_paused = true)]
async fn budget_forcing_goes_on_from_its_own_text_and_takes_the_last_answer() {
    let model = ScriptedModel::new(|call, _| Script::says(&call.to_string()));
    let options = PlanOptions {
        strategy: Some(StrategyKind::BudgetForcing),
        ..effort(Effort::High)
    };
    let report = run(model.clone(), options).await.unwrap();
    assert_eq!((report.usage.samples, report.answer().as_deref()), (3, Some("2")));
    let requests = model.requests.lock().unwrap();
    assert_eq!(requests[0].prefix, None);
    assert!(
        requests[1]
            .prefix
            .as_ref()
            .unwrap()
            .ends_with("The answer is 0.\nWait, let me check that again.")
    );
    assert!(requests[2].prefix.as_ref().unwrap().contains("The answer is 1."));
}

#[tokio::test(start_paused = true)]
async fn self_aggregation_shows_attempts_to_the_next_population() {
    let model = ScriptedModel::new(|call, request| {
        let seen = request
            .messages
            .last()
            .unwrap()
            .content
            .contains("The answer is 7.");
        Script::says(if call == 2 || seen { "7" } else { "6" })
    });
    let options = PlanOptions {
        strategy: Some(StrategyKind::Rsa),
        ..budget(Budget {
            samples: Some(12),
            ..Budget::default()
        })
    };
    let report = run(model.clone(), options).await.unwrap();
    // One of four knew; all who saw it took it over, and all of the last population did.
    assert_eq!(report.usage.samples, 12);
    assert_eq!(
        (report.answer().as_deref(), report.selection.votes[0].votes),
        (Some("7"), 4)
    );
    assert!(report.selection.trial >= 8);
}

#[tokio::test(start_paused = true)]
async fn time_up_means_answer_now_and_no_new_attempts() {
    let slow = |call: u64, _: &SampleRequest| Script {
        tokens: 1000,
        step: Duration::from_millis(50),
        ..Script::says(if call.is_multiple_of(2) { "1" } else { "2" })
    };
    let report = run(
        ScriptedModel::new(slow),
        budget(Budget {
            wall_ms: Some(10_000),
            ..Budget::default()
        }),
    )
    .await
    .unwrap();
    assert_eq!(report.status, RunStatus::Completed);
    assert_eq!(report.usage.samples, 4);
    assert!((8_000..=10_000).contains(&report.wall_ms), "{}", report.wall_ms);
    assert!(report.answer().is_some());
}

#[tokio::test(start_paused = true)]
async fn an_interruption_keeps_the_best_so_far() {
    let model = ScriptedModel::new(|call, _| Script {
        step: Duration::from_millis(if call < 4 { 10 } else { 10_000 }),
        ..Script::says(["1", "2", "1", "3"][call as usize % 4])
    });
    let control = RunControl::new();
    let stop = control.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(5)).await;
        stop.interrupt();
    });
    let report = run_with(model, effort(Effort::High), &control, None)
        .await
        .unwrap();
    assert_eq!(
        (report.status, report.answer().as_deref()),
        (RunStatus::Interrupted, Some("1"))
    );
    assert!(report.wall_ms < 8_000, "{}", report.wall_ms);
}

#[tokio::test(start_paused = true)]
async fn failures_are_survived_until_all_fail() {
    let some = ScriptedModel::new(|call, _| Script {
        answer: (call & 1 == 1).then(|| "5".into()),
        ..Script::says("")
    });
    assert_eq!(
        run(some, effort(Effort::Low)).await.unwrap().answer().as_deref(),
        Some("5")
    );
    let none = ScriptedModel::new(|_, _| Script {
        answer: None,
        ..Script::says("")
    });
    let error = run(none, effort(Effort::Low)).await.unwrap_err();
    assert_eq!(error.to_string(), "scripted failure");
}

#[tokio::test(start_paused = true)]
async fn a_recorded_run_replays_to_the_same_choice() {
    let store = Arc::new(MemoryStore::default());
    let recorder = Recorder {
        store: store.clone(),
        run: RunId("r".into()),
        time_ms: 0,
        version: "test".into(),
    };
    let model = ScriptedModel::new(|call, _| Script::says(["1", "2", "2", "3", "2"][call as usize % 5]));
    let report = run_with(model, effort(Effort::Medium), &RunControl::new(), Some(&recorder))
        .await
        .unwrap();
    let events = store.0.lock().unwrap().clone();
    assert!(matches!(events.first(), Some(TraceEvent::Started { .. })));
    assert!(matches!(
        events.last(),
        Some(TraceEvent::Finished {
            status: RunStatus::Completed,
            ..
        })
    ));
    let replayed = replay::replay(&events, &PlainVerifier).unwrap();
    assert!(replayed.same, "{replayed:?}");
    assert_eq!(replayed.attempts, report.attempts.len());
}

#[tokio::test(start_paused = true)]
async fn the_reference_gives_every_attempt_a_verdict() {
    let model = ScriptedModel::new(|call, _| Script::says(if call == 0 { "42" } else { "41" }));
    let mut problem = problem();
    problem.reference = Some(Reference::Answer("42".into()));
    let plan = Plan::new(&problem, &model.info(), &effort(Effort::Low)).unwrap();
    let thinker = Thinker {
        model,
        verifier: Arc::new(PlainVerifier),
    };
    let report = thinker
        .run(&problem, plan, &RunControl::new(), None, None)
        .await
        .unwrap();
    let result = report.to_result();
    assert_eq!(result.verdict, Some(Verdict::Incorrect));
    assert_eq!(result.attempts[0].verdict, Some(Verdict::Correct));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_budget_is_ever_exceeded(
        samples in 1u32..40,
        tokens in 16u64..3000,
        lengths in proptest::collection::vec(1u32..400, 7),
        options in 1u64..5,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let model = ScriptedModel::new(move |call, _| Script {
            tokens: lengths[call as usize % 7],
            ..Script::says(&(call % options).to_string())
        });
        let limits = Budget { samples: Some(samples), tokens: Some(tokens), ..Budget::default() };
        let report = runtime.block_on(run(model, budget(limits)));
        if let Ok(report) = report {
            prop_assert!(report.usage.samples <= samples);
            prop_assert!(report.usage.completion_tokens <= tokens);
            prop_assert!(report.usage.samples as usize == report.attempts.len());
        }
    }
}
