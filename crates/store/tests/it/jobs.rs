//! Batch jobs.

use serde_json::json;
use strawberry_store::{JobId, JobResult};

use crate::{run, store};

fn result(problem: u32, answer: &str) -> JobResult {
    JobResult {
        problem,
        run: Some(run(answer)),
        result: json!({"answer": answer}),
    }
}

#[tokio::test]
async fn a_problem_has_one_result_the_first() {
    let (_folder, store) = store().await;
    let job = JobId::new(b"problems", &json!({"seed": 1}));
    assert_eq!(store.open_job(&job, "p.jsonl", 3).await.unwrap(), []);
    assert!(store.record_result(&job, &result(2, "c")).await.unwrap());
    assert!(store.record_result(&job, &result(0, "a")).await.unwrap());
    assert!(!store.record_result(&job, &result(2, "other")).await.unwrap());
    let expected = [result(0, "a"), result(2, "c")];
    assert_eq!(store.open_job(&job, "p.jsonl", 3).await.unwrap(), expected);
    store.remove_job(&job).await.unwrap();
    assert!(store.record_result(&job, &result(1, "b")).await.is_err());
    assert_eq!(store.open_job(&job, "p.jsonl", 3).await.unwrap(), []);
}

#[test]
fn a_job_is_its_content_and_its_settings() {
    let id = |content: &[u8], settings: &str| JobId::new(content, &serde_json::from_str(settings).unwrap());
    let one = id(b"x", r#"{"a": 1, "b": {"c": 2, "d": 3}}"#);
    assert_eq!(one, id(b"x", r#"{"b": {"d": 3, "c": 2}, "a": 1}"#));
    assert_ne!(one, id(b"y", r#"{"a": 1, "b": {"c": 2, "d": 3}}"#));
    assert_ne!(one, id(b"x", r#"{"a": 1, "b": {"c": 2, "d": 4}}"#));
    assert_eq!(one.as_str().len(), 64);
}
