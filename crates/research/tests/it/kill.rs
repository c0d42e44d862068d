//! A run that is killed at any moment goes on where it was, does nothing twice, and ends with the same report.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use futures::future::BoxFuture;
use serde_json::json;
use strawberry_core::Effort;
use strawberry_research::corpus::Corpus;
use strawberry_research::source::{Found, Source, SourceError};
use strawberry_research::{Brief, ResearchEvent};
use strawberry_store::Store;
use tokio::sync::mpsc::unbounded_channel;

use crate::adversary::Scripted;
use crate::{corpus, support};

/// A corpus that takes its time, so that there is something to kill.
struct Slow(Corpus);

impl Source for Slow {
    fn name(&self) -> String {
        "slow".into()
    }

    fn fingerprint(&self) -> String {
        self.0.fingerprint()
    }

    fn search<'a>(&'a self, query: &'a str, most: usize) -> BoxFuture<'a, Result<Found, SourceError>> {
        Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(6)).await;
            self.0.search(query, most).await
        })
    }
}

/// The run that is killed: this very test, in a process of its own, with the folder in the environment.
#[tokio::test]
async fn child() {
    let Some(dir) = std::env::var_os("STRAWBERRY_RESEARCH_CHILD").map(PathBuf::from) else {
        return;
    };
    let store = Arc::new(
        Store::open(dir.join(std::env::var("STRAWBERRY_RESEARCH_STORE").unwrap()))
            .await
            .unwrap(),
    );
    let source = Arc::new(Slow(support::open(&dir.join("corpus"), &dir)));
    let model = Arc::new(Scripted(
        |_, prompt: &str| {
            std::thread::sleep(Duration::from_millis(4));
            if prompt.contains("{\"support\"") {
                return json!({"support": "partly"}).to_string();
            }
            let sentences: Vec<_> = (1..4)
                .map(|i| json!({"text": "The tower stands in the town.", "cite": [format!("S{i}")]}))
                .collect();
            json!({"sentences": sentences, "queries": ["clock tower architect", "walls"]}).to_string()
        },
        AtomicUsize::new(0),
    ));
    let brief = Brief {
        question: "When was Telnholm founded? How high is the tower of Morwestra? Who is the mayor of Quindovik? What is the \
                   export of Belmardo?"
            .into(),
        effort: Effort::High,
        seed: 5,
        ..Brief::default()
    };
    let (send, mut receive) = unbounded_channel();
    let path = dir.join("steps.log");
    let log = tokio::spawn(async move {
        let mut file = std::fs::OpenOptions::new()
            .append(true)
            .create(true)
            .open(path)
            .unwrap();
        while let Some(event) = receive.recv().await {
            match event {
                ResearchEvent::Started { number, .. } => writeln!(file, "started {number}").unwrap(),
                ResearchEvent::Finished {
                    number,
                    reused: false,
                    ..
                } => writeln!(file, "finished {number}").unwrap(),
                _ => {}
            }
        }
    });
    let report = support::researcher(source, Some(model), Some(store))
        .run(&brief, Some(send))
        .await
        .unwrap();
    log.await.unwrap();
    std::fs::write(dir.join("report.json"), serde_json::to_string(&report).unwrap()).unwrap();
}

fn spawn(dir: &Path, store: &str) -> std::process::Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["kill::child", "--exact", "--test-threads=1"])
        .env("STRAWBERRY_RESEARCH_CHILD", dir)
        .env("STRAWBERRY_RESEARCH_STORE", store)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn killed_at_fifty_moments_the_report_is_the_same_and_no_step_is_done_twice() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("corpus");
    corpus::write(&root, "http://leak.example");
    drop(support::open(&root, dir.path()));
    assert!(spawn(dir.path(), "whole.db").wait().unwrap().success());
    let whole = std::fs::read_to_string(dir.path().join("report.json")).unwrap();
    let steps = std::fs::read_to_string(dir.path().join("steps.log"))
        .unwrap()
        .matches("finished")
        .count();
    assert!(steps > 15, "{steps} steps");

    let (mut kills, mut job) = (0, 0);
    let mut moment = 0x2545_f491_4f6c_dd1du64;
    while kills < 50 {
        // Each job is killed until it comes to its end, then the next one begins.
        let store = format!("job-{job}.db");
        let _ = std::fs::remove_file(dir.path().join("steps.log"));
        let _ = std::fs::remove_file(dir.path().join("report.json"));
        loop {
            moment ^= moment << 13;
            moment ^= moment >> 7;
            moment ^= moment << 17;
            let mut child = spawn(dir.path(), &store);
            std::thread::sleep(Duration::from_millis(20 + moment % 160));
            if child.try_wait().unwrap().is_some() {
                break;
            }
            child.kill().unwrap();
            child.wait().unwrap();
            kills += 1;
            if kills % 10 == 0 {
                assert!(spawn(dir.path(), &store).wait().unwrap().success());
                break;
            }
        }
        let resumed = std::fs::read_to_string(dir.path().join("report.json")).unwrap();
        assert_eq!(resumed, whole, "after {kills} kills");
        let log = std::fs::read_to_string(dir.path().join("steps.log")).unwrap();
        let mut finished = std::collections::BTreeSet::new();
        for line in log.lines() {
            match line.split_once(' ') {
                Some(("finished", number)) => {
                    assert!(finished.insert(number.to_owned()), "step {number} was done twice")
                }
                Some(("started", number)) => {
                    assert!(!finished.contains(number), "step {number} was begun again")
                }
                _ => {}
            }
        }
        job += 1;
    }
    println!("{kills} kills over {job} jobs of {steps} steps");
}
