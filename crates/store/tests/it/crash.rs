//! Processes that are killed in the middle of writing, and processes that write at once.

use std::env;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use serde_json::json;
use sqlx::Connection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use strawberry_core::TraceStore;
use strawberry_store::{JobId, JobResult, Store};

use crate::{events, run};

const STORE: &str = "STRAWBERRY_TEST_STORE";
const PROBLEMS: &str = "STRAWBERRY_TEST_PROBLEMS";

fn job() -> JobId {
    JobId::new(b"problems", &json!({}))
}

/// The child: works through the job, and says after each problem that it is done.
#[tokio::test]
#[ignore = "the child process of the tests below"]
async fn child() {
    let (Some(path), Ok(problems)) = (env::var_os(STORE), env::var(PROBLEMS)) else {
        return;
    };
    let problems: u32 = problems.parse().unwrap();
    let store = Store::open(path).await.unwrap();
    let done = store.open_job(&job(), "p.jsonl", problems).await.unwrap();
    println!("ready");
    let open = (0..problems).filter(|n| done.iter().all(|r| r.problem != *n));
    for problem in open {
        let id = run(&format!("{problem:04}-{}", std::process::id()));
        for event in events() {
            store.append(&id, &event).await.unwrap();
        }
        let result = JobResult {
            problem,
            run: Some(id),
            result: json!(problem),
        };
        store.record_result(&job(), &result).await.unwrap();
        println!("done {problem}");
    }
    println!("finished");
}

fn spawn(path: &Path, problems: u32) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["--ignored", "--exact", "crash::child", "--nocapture"])
        .env(STORE, path)
        .env(PROBLEMS, problems.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Opens the store after a crash and checks it.
async fn check(path: &Path) -> Vec<JobResult> {
    let options = SqliteConnectOptions::new().filename(path);
    let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
    let verdict: String = sqlx::query_scalar("PRAGMA integrity_check")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
    assert_eq!(verdict, "ok");
    let store = Store::open(path).await.unwrap();
    let results = store.job_results(&job()).await.unwrap();
    for result in &results {
        // What has a result has its whole trace: it was appended before.
        let id = result.run.as_ref().unwrap();
        assert_eq!(store.load(&id.0).await.unwrap().1, events());
    }
    store.close().await;
    results
}

/// `STRAWBERRY_TEST_KILLS` sets the number of kills.
#[tokio::test]
async fn killed_at_any_moment_nothing_is_lost_and_nothing_is_twice() {
    let kills: u32 = env::var("STRAWBERRY_TEST_KILLS").map_or(30, |n| n.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("traces.db");
    // More than the children get done before the last kill.
    let problems = 40 * kills;
    let mut said_done = Vec::new();
    for kill in 0..kills {
        let mut child = spawn(&path, problems);
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        if kill % 4 != 3 {
            while line != "ready\n" && !line.starts_with("test ") && !line.ends_with("ready\n") {
                line.clear();
                assert!(
                    out.read_line(&mut line).unwrap() > 0,
                    "the child did not get ready"
                );
            }
        }
        // From "at once" to "after some problems", spread over the rounds in no regular order.
        sleep(Duration::from_micros(u64::from(kill) * 7919 % 20_000));
        child.kill().unwrap();
        child.wait().unwrap();
        let mut rest = String::new();
        out.read_to_string(&mut rest).unwrap();
        said_done.extend(done(&rest));
        if path.exists() {
            // Every result is looked at each time, so this grows with the square of the kills.
            let results = check(&path).await;
            assert!(said_done.iter().all(|n| results.iter().any(|r| r.problem == *n)));
        }
    }
    let out = spawn(&path, problems).wait_with_output().unwrap();
    assert!(String::from_utf8_lossy(&out.stdout).contains("finished"));
    let answered: Vec<u32> = check(&path).await.iter().map(|r| r.problem).collect();
    assert_eq!(answered, (0..problems).collect::<Vec<_>>());
    assert!(!said_done.is_empty(), "no child got anywhere");
    assert!(said_done.len() < problems as usize, "the kills came too late");
}

#[tokio::test]
async fn processes_write_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("traces.db");
    let children: Vec<Child> = (0..4).map(|_| spawn(&path, 200)).collect();
    for child in children {
        let out = child.wait_with_output().unwrap();
        let (text, errors) = (
            String::from_utf8_lossy(&out.stdout),
            String::from_utf8_lossy(&out.stderr),
        );
        assert!(text.contains("finished"), "{text}{errors}");
    }
    let answered: Vec<u32> = check(&path).await.iter().map(|r| r.problem).collect();
    assert_eq!(answered, (0..200).collect::<Vec<_>>());
}

/// The problems a child said were done (lines cut off by the kill left out).
fn done(out: &str) -> Vec<u32> {
    out.split_inclusive('\n')
        .filter_map(|l| l.strip_suffix('\n')?.strip_prefix("done ")?.parse().ok())
        .collect()
}
