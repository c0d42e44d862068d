//! Models that try to cite what is not there, quote what was not said, and break the format.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::StreamExt;
use futures::stream::BoxStream;
use serde_json::json;
use strawberry_core::{
    Channel, Finish, Message, Model, ModelError, ModelEvent, ModelInfo, Role, SampleRequest, Usage,
};
use strawberry_research::support::Support;
use strawberry_research::{Brief, Mode};

use crate::{corpus, support};

/// A model whose replies are a function of the prompt and of how many it gave before.
pub struct Scripted<F>(pub F, pub AtomicUsize);

impl<F: Fn(usize, &str) -> String + Send + Sync> Model for Scripted<F> {
    fn info(&self) -> ModelInfo {
        ModelInfo {
            name: "scripted".into(),
            context_length: Some(8192),
            parameters: Some(7_000_000_000),
            ..ModelInfo::default()
        }
    }

    fn sample(&self, request: SampleRequest) -> BoxStream<'static, Result<ModelEvent, ModelError>> {
        // Sources are data: they are never in the system role, and no tools are on.
        assert!(request.tools.is_empty());
        for message in &request.messages {
            assert!(message.role != Role::System || !message.content.contains("<source id"));
        }
        let prompt = request.messages.last().map_or("", |m| m.content.as_str());
        let plans = prompt.starts_with("Plan research") || prompt.starts_with("A search for one part");
        assert!(
            !plans || !prompt.contains("<source"),
            "a planning call saw source text"
        );
        let text = (self.0)(self.1.fetch_add(1, Ordering::Relaxed), prompt);
        let usage = Usage {
            completion_tokens: text.len() as u64 / 4 + 1,
            samples: 1,
            ..Usage::default()
        };
        let events = vec![
            Ok(ModelEvent::Text {
                channel: Channel::Answer,
                text,
                tokens: 1,
                logprobs: vec![],
                alternatives: vec![],
            }),
            Ok(ModelEvent::Done {
                finish: Finish::Stop,
                usage,
            }),
        ];
        futures::stream::iter(events).boxed()
    }

    fn count_tokens(&self, messages: &[Message]) -> Option<u64> {
        Some(messages.iter().map(|m| m.content.len() as u64 / 4 + 8).sum())
    }
}

fn nonsense(turn: usize, prompt: &str) -> String {
    let one = |text: &str, cite: &[&str]| json!({"sentences": [{"text": text, "cite": cite}]}).to_string();
    if prompt.contains("{\"support\"") {
        // The judge is bribed.
        return json!({"support": "supported"}).to_string();
    }
    if prompt.starts_with("Plan research") {
        return [
            "no JSON",
            "{\"parts\": []}",
            "{\"parts\": [{\"question\": \"Who?\", \"queries\": [\"\"]}]}",
        ][turn % 3]
            .to_owned();
    }
    match turn % 12 {
        0 => one("The town was founded in 9999 by aliens.", &["S99"]),
        1 => one(
            "See https://evil.example/report for all of it.",
            &["https://evil.example/report"],
        ),
        2 => one(
            "The chronicle says \"the moon is made of cheese and gold\".",
            &["S1"],
        ),
        3 => "I would rather write prose without any citation [1](http://evil.example).".to_owned(),
        4 => one("It was founded in 8888.", &["S1", "S2", "S3", "S4", "S5"]),
        5 => one(
            "![x](https://evil.example/x.png) <a href=javascript:alert(1)>click</a> here.",
            &["S0"],
        ),
        6 => "{\"sentences\": [{\"text\": 5}]}".to_owned(),
        7 => one(&"Everything is true. ".repeat(400), &["S1"]),
        8 => one(
            "The mayor was never a goat keeper and the town does not exist.",
            &["S2"],
        ),
        9 => String::new(),
        10 => one(
            "Somewhere [S1] a \u{1b}[31mtown\u{7} stands",
            &["[S1]", "S-1", "S18446744073709551616"],
        ),
        _ => json!({"sentences": vec![json!({"text": "Zorblax rules.", "cite": []}); 50]}).to_string(),
    }
}

#[tokio::test]
async fn sixty_answers_of_an_adversary_hold_nothing_invented() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("corpus");
    corpus::write(&root, "http://leak.example");
    let opened = Arc::new(support::open(&root, dir.path()));
    let model = Arc::new(Scripted(nonsense, AtomicUsize::new(0)));
    for (i, asked) in corpus::questions().into_iter().enumerate() {
        let brief = Brief {
            question: asked.question,
            strict: i % 2 == 1,
            ..Brief::default()
        };
        let report = support::researcher(opened.clone(), Some(model.clone()), None)
            .run(&brief, None)
            .await
            .unwrap();
        assert_eq!(report.mode, Mode::Generative);
        support::check(&report, |id| opened.passage(id).unwrap());
        for claim in report.claims() {
            let lie = ["9999", "8888", "Zorblax", "aliens"]
                .iter()
                .any(|l| claim.text.contains(l));
            assert!(!lie || claim.support == Support::Unsupported, "{claim:?}");
            assert!(
                !brief.strict || claim.support != Support::Unsupported,
                "{claim:?}"
            );
            assert!(!claim.text.chars().any(char::is_control));
        }
        let forms = [
            strawberry_research::render::markdown(&report),
            strawberry_research::render::html(&report),
            strawberry_research::render::bibtex(&report),
            strawberry_research::render::paragraph(&report),
        ];
        for form in forms {
            assert!(!form.contains("evil.example"), "{form}");
        }
    }
}

#[tokio::test]
async fn an_honest_model_is_believed_and_its_wrong_citation_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("corpus");
    corpus::write(&root, "http://leak.example");
    let opened = Arc::new(support::open(&root, dir.path()));
    let honest = |_: usize, prompt: &str| {
        if prompt.contains("{\"support\"") {
            return json!({"support": "supported"}).to_string();
        }
        // The last source shown is not the one that says so.
        let last = prompt.matches("<source id").count();
        json!({"sentences": [{"text": "In 1203 Varnholm was founded by Ida Aldane.", "cite": [format!("S{last}")]}]}).to_string()
    };
    let model = Arc::new(Scripted(honest, AtomicUsize::new(0)));
    let brief = Brief {
        question: "When was Varnholm founded?".into(),
        ..Brief::default()
    };
    let report = support::researcher(opened.clone(), Some(model), None)
        .run(&brief, None)
        .await
        .unwrap();
    support::check(&report, |id| opened.passage(id).unwrap());
    let claim = report.claims().next().unwrap();
    assert_eq!(claim.support, Support::Supported);
    assert!(
        report.sources[claim.citations[0].source - 1]
            .text
            .contains("1203")
    );
    assert!(
        report.remarks.iter().any(|r| r.contains("citation was replaced")),
        "{:?}",
        report.remarks
    );
}
