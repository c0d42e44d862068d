//! Sixty questions over the corpus written for the tests, without a model.

use std::sync::Arc;

use strawberry_research::Brief;
use strawberry_research::support::Support;

use crate::{corpus, support};

#[tokio::test]
async fn sixty_questions_are_answered_with_real_citations() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("corpus");
    let documents = corpus::write(&root, "http://leak.example");
    assert!(documents >= 200, "{documents}");
    let opened = Arc::new(support::open(&root, dir.path()));
    let asked = corpus::questions();
    assert_eq!(asked.len(), 60);
    let (mut found, mut right) = (0, 0);
    for asked in &asked {
        let top = opened.find(&asked.question, 10).unwrap();
        found += usize::from(top.iter().any(|p| p.document.starts_with(&asked.gold)));
        let brief = Brief {
            question: asked.question.clone(),
            ..Brief::default()
        };
        let report = support::researcher(opened.clone(), None, None)
            .run(&brief, None)
            .await
            .unwrap();
        support::check(&report, |id| opened.passage(id).unwrap());
        assert!(report.claims().all(|c| c.support == Support::Quoted));
        right += usize::from(
            report
                .claims()
                .next()
                .is_some_and(|c| c.text.contains(&asked.answer)),
        );
    }
    println!("gold passage among the first 10: {found} of 60; first sentence right: {right} of 60");
    assert!(found >= 54, "gold passage among the first 10: {found} of 60");
    assert!(right >= 54, "first sentence right: {right} of 60");
}

#[tokio::test]
async fn contradictions_are_shown_and_what_is_not_there_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("corpus");
    corpus::write(&root, "http://leak.example");
    let opened = Arc::new(support::open(&root, dir.path()));
    let ask = |question: &str| Brief {
        question: question.into(),
        ..Brief::default()
    };
    let researcher = support::researcher(opened.clone(), None, None);
    // Varnholm has a gazette that gives another year, and a copy of its history.
    let report = researcher
        .run(&ask("When was Varnholm founded?"), None)
        .await
        .unwrap();
    let years = |year: &str| report.claims().any(|c| c.text.contains(year));
    assert!(years("1203") && years("1243"));
    assert_eq!(report.disagreements.len(), 1, "{:?}", report.disagreements);
    let report = researcher
        .run(&ask("Which submarine sank near Zanzibar?"), None)
        .await
        .unwrap();
    assert_eq!(report.claims().count(), 0);
    assert!(
        report.remarks.iter().any(|r| r.contains("Nothing was found")),
        "{:?}",
        report.remarks
    );
}

/// The machine's own documentation as a corpus. Set `STRAWBERRY_DOC_QUESTIONS=1`; takes a minute to index.
#[tokio::test]
async fn sixty_questions_about_the_machines_own_manuals() {
    if std::env::var_os("STRAWBERRY_DOC_QUESTIONS").is_none() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let home = std::env::var_os("STRAWBERRY_DOC_HOME").map_or(dir.path().to_owned(), Into::into);
    let manuals = Arc::new(support::open("/usr/share/man".as_ref(), &home));
    let documents = Arc::new(support::open("/usr/share/doc".as_ref(), &home));
    let (mut asked, mut found, mut said) = (0, 0, 0);
    for line in include_str!("manuals.txt")
        .lines()
        .filter(|l| !l.starts_with('#') && !l.is_empty())
    {
        let mut fields = line.split(" | ");
        let (question, gold, phrase) = (
            fields.next().unwrap(),
            fields.next().unwrap(),
            fields.next().unwrap(),
        );
        let corpus = if gold.starts_with("man") {
            &manuals
        } else {
            &documents
        };
        let top = corpus.find(question, 10).unwrap();
        let spaced = |text: &str| {
            text.split_whitespace()
                .collect::<Vec<_>>()
                .join(" ")
                .to_lowercase()
        };
        let hit = top
            .iter()
            .any(|p| p.document.starts_with(gold) && spaced(&p.text).contains(phrase));
        let brief = Brief {
            question: question.into(),
            ..Brief::default()
        };
        let report = support::researcher(corpus.clone(), None, None)
            .run(&brief, None)
            .await
            .unwrap();
        support::check(&report, |id| corpus.passage(id).unwrap());
        let says = report.claims().any(|c| c.text.to_lowercase().contains(phrase));
        if !hit || !says {
            println!(
                "{} {} {question}",
                if hit { "found" } else { "MISSED" },
                if says { "said" } else { "not said" }
            );
        }
        asked += 1;
        found += usize::from(hit);
        said += usize::from(says);
    }
    println!(
        "{asked} questions: gold passage among the first 10 for {found}; its phrase in the report for {said}"
    );
    assert!(asked >= 60 && found * 10 >= asked * 9, "{found} of {asked}");
}
