//! Traces, rationalisation and rewriting, with a model that follows a script.

use std::fs;

use futures::StreamExt;
use futures::stream::{self, BoxStream};
use strawberry_core::attempt::Attempt;
use strawberry_core::{
    Budget, Channel, Finish, Message, Model, ModelError, ModelEvent, ModelInfo, Problem, Reference,
    SampleRequest, TraceEvent, Usage,
};
use strawberry_synth::evolve::evolve;
use strawberry_synth::item::{Check, Facts};
use strawberry_synth::judge::RecordVerifier;
use strawberry_synth::quality::banlist::BanList;
use strawberry_synth::rationalise::rationalise;
use strawberry_synth::record::{Origin, Record};
use strawberry_synth::sample::Asking;
use strawberry_synth::sink::Journal;
use strawberry_synth::traces::from_traces;

/// Answers with what `reply` makes of the last message.
struct Scripted(fn(&str, u64) -> String);

impl Model for Scripted {
    fn info(&self) -> ModelInfo {
        ModelInfo::default()
    }

    fn sample(&self, request: SampleRequest) -> BoxStream<'static, Result<ModelEvent, ModelError>> {
        let text = (self.0)(&request.messages.last().unwrap().content, request.sampling.seed);
        let text = ModelEvent::Text {
            channel: Channel::Answer,
            text,
            tokens: 1,
            logprobs: vec![],
            alternatives: vec![],
        };
        stream::iter([
            Ok(text),
            Ok(ModelEvent::Done {
                finish: Finish::Stop,
                usage: Usage::default(),
            }),
        ])
        .boxed()
    }

    fn count_tokens(&self, _messages: &[Message]) -> Option<u64> {
        None
    }
}

fn record(question: &str, answer: &str) -> Record {
    let origin = Origin {
        family: "test".into(),
        source: "test".into(),
        license: "CC0-1.0".into(),
        ..Origin::default()
    };
    Record::new(
        question,
        String::new(),
        vec![],
        answer.into(),
        Check::Number,
        &Facts::new(),
        origin,
    )
}

#[tokio::test]
async fn rationalised_solutions_are_sound_and_without_the_hint() {
    let problems = [
        record("What is 3 + 4?", "7"),
        record("What is 5 + 6?", "11"),
        record("What is 8 + 9?", "17"),
    ];
    let model = Scripted(|prompt, _| {
        assert!(prompt.contains("the answer is"));
        match prompt {
            p if p.contains("3 + 4") => "3 + 4 = 7\n#### 7".into(),
            p if p.contains("5 + 6") => "By the hint, 5 + 6 = 11\n#### 11".into(),
            _ => "8 + 8 = 17\n#### 17".into(),
        }
    });
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("j.jsonl");
    let asking = Asking {
        samples: 2,
        ..Asking::default()
    };
    let verifier = RecordVerifier::new(&problems);
    let mut journal = Journal::open(&path).unwrap();
    let report = rationalise(&problems, &model, &verifier, &asking, &mut journal)
        .await
        .unwrap();
    assert_eq!(
        (report.tried, report.solved, report.told, report.unsound),
        (3, 1, 2, 2)
    );
    let kept: Vec<Record> = journal.results().unwrap();
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0].messages, problems[0].messages);
    assert!(
        !serde_json::to_string(&kept)
            .unwrap()
            .to_lowercase()
            .contains("hint")
    );
    // Going on does nothing twice.
    let report = rationalise(
        &problems,
        &model,
        &verifier,
        &asking,
        &mut Journal::open(&path).unwrap(),
    )
    .await
    .unwrap();
    assert_eq!(report.tried, 0);
}

#[tokio::test]
async fn only_rewritings_on_which_two_ways_agree_stay() {
    let problems = [
        record("Tom has 3 apples and gets 4. How many has he?", "7"),
        record("Ann has 9 pens and loses 2. How many are left?", "7"),
    ];
    let model = Scripted(|prompt, _| {
        let trams = prompt.contains("trams");
        match prompt {
            p if p.starts_with("Rewrite") && p.contains("Tom") => {
                "A depot has 30 trams and buys 12 more. How many trams are there?".into()
            }
            p if p.starts_with("Rewrite") => {
                "A hall seats 50 people and 20 chairs break. How many seats are left?".into()
            }
            p if p.contains("one arithmetic expression") => if trams { "30 + 12" } else { "50 + 20" }.into(),
            _ if trams => "30 + 12 = 42\n#### 42".into(),
            _ => "50 - 20 = 30\n#### 30".into(),
        }
    });
    let dir = tempfile::tempdir().unwrap();
    let mut journal = Journal::open(&dir.path().join("j.jsonl")).unwrap();
    let report = evolve(
        &problems,
        1,
        &model,
        &Asking::default(),
        &BanList::default(),
        &mut journal,
    )
    .await
    .unwrap();
    assert_eq!((report.tried, report.kept, report.disagreed), (2, 1, 1));
    let kept: Vec<Record> = journal.results().unwrap();
    assert_eq!(
        (kept[0].answer.as_str(), kept[0].license.as_str()),
        ("42", "CC0-1.0")
    );
    assert!(kept[0].question().contains("trams"));
}

fn attempt(trial: u64, text: &str) -> TraceEvent {
    TraceEvent::Sampled {
        attempt: Box::new(Attempt {
            trial,
            seed: trial,
            temperature: 1.0,
            thinking: None,
            text: text.into(),
            answer: None,
            finish: Finish::Stop,
            usage: Usage::default(),
            logprob: None,
            scores: Default::default(),
            feedback: None,
            judgement: None,
        }),
        at_ms: 1,
    }
}

#[test]
fn traces_give_distinct_right_paths_and_keep_failures() {
    let mut problem = Problem::question("Tom has 3 bags of 4 nuts and 2 more. How many nuts?");
    problem.reference = Some(Reference::Answer("14".into()));
    let started = TraceEvent::Started {
        time_ms: 0,
        version: "0".into(),
        problem: Box::new(problem),
        effort: None,
        budget: Budget::default(),
        strategy: "majority".into(),
        scorer: None,
        model: Box::default(),
        verifier: "synth".into(),
        seed: 1,
    };
    let events = [
        started,
        attempt(0, "3 * 4 = 12\n12 + 2 = 14\n#### 14"),
        attempt(1, "4 * 3 = 12\nso 2 + 12 = 14\n#### 14"),
        attempt(2, "4 + 4 + 4 = 12\n12 + 2 = 14\n#### 14"),
        attempt(3, "3 + 4 = 7\n7 + 2 = 9\n#### 9"),
        attempt(4, "3 * 4 = 13\n13 + 1 = 14\n#### 14"),
        attempt(5, "no idea"),
    ];
    let dir = tempfile::tempdir().unwrap();
    let input = dir.path().join("t.jsonl");
    let lines: Vec<String> = events
        .iter()
        .map(|e| {
            let mut row = serde_json::to_value(e).unwrap();
            row["run"] = "r1".into();
            row.to_string()
        })
        .collect();
    fs::write(&input, lines.join("\n")).unwrap();
    let mut journal = Journal::open(&dir.path().join("j.jsonl")).unwrap();
    let verifier = RecordVerifier::default();
    let report = from_traces(&input, &verifier, 4, &mut journal).unwrap();
    assert_eq!(
        (
            report.kept,
            report.repeated,
            report.negatives,
            report.right_by_accident,
            report.unscored
        ),
        (2, 1, 1, 1, 1)
    );
    let records: Vec<Record> = journal.results().unwrap();
    assert_eq!(
        records.iter().map(|r| r.reward).collect::<Vec<_>>(),
        [1, 1, -1, -1]
    );
    assert_eq!(
        from_traces(&input, &verifier, 4, &mut journal).unwrap().attempts,
        0
    );
    fs::write(&input, "{\"event\": \"nonsense\"}").unwrap();
    assert!(
        from_traces(&input, &verifier, 4, &mut journal)
            .unwrap_err()
            .to_string()
            .contains("line 1")
    );
}
