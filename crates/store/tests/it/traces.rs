//! Runs and their events.

use sqlx::Connection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use strawberry_core::trace::RunStatus;
use strawberry_core::{Effort, RunId, RunSummary, StoreError, TraceStore};

use crate::{events, run, sampled, started, store};

#[tokio::test]
async fn what_was_appended_comes_back_after_reopening() {
    let (_folder, store) = store().await;
    for event in events() {
        store.append(&run("r1"), &event).await.unwrap();
    }
    let path = store.path().to_owned();
    store.close().await;
    let store = strawberry_store::Store::open(path).await.unwrap();
    assert_eq!(store.load("r1").await.unwrap(), (run("r1"), events()));
    assert_eq!(
        store.list(10).await.unwrap(),
        [RunSummary {
            id: run("r1"),
            time_ms: 1,
            model: "tiny".into(),
            strategy: "majority".into(),
            effort: Some(Effort::High),
            question: "What is 6*7?".into(),
            answer: Some("42".into()),
            status: RunStatus::Completed,
            attempts: 2,
            tokens: 25,
        }]
    );
}

#[tokio::test]
async fn a_run_in_flight_is_listed_as_running() {
    let (_folder, store) = store().await;
    let long = format!("Why?\n\n{}", "long ".repeat(100));
    for event in [started(5, &long), sampled(0)] {
        store.append(&run("r"), &event).await.unwrap();
    }
    let listed = store.list(1).await.unwrap().remove(0);
    assert_eq!(listed.status, RunStatus::Running);
    assert_eq!((listed.attempts, listed.tokens, listed.answer), (1, 10, None));
    assert!(listed.question.starts_with("Why? long long") && listed.question.ends_with('…'));
    assert_eq!(listed.question.chars().count(), 201);
}

#[tokio::test]
async fn newest_first_and_no_more_than_asked_for() {
    let (_folder, store) = store().await;
    for (id, time) in [("a", 2), ("b", 3), ("c", 1), ("d", 3)] {
        store.append(&run(id), &started(time, "?")).await.unwrap();
    }
    let ids: Vec<String> = store.list(3).await.unwrap().into_iter().map(|r| r.id.0).collect();
    assert_eq!(ids, ["d", "b", "a"]);
}

#[tokio::test]
async fn runs_are_found_by_the_beginning_of_their_ids() {
    let (_folder, store) = store().await;
    for id in ["01ab", "01abc", "01_", "02"] {
        store.append(&run(id), &started(1, "?")).await.unwrap();
    }
    let id = async |prefix: &str| store.load(prefix).await.map(|(RunId(id), _)| id);
    assert_eq!(id("02").await.unwrap(), "02");
    assert_eq!(
        id("0").await.unwrap_err().to_string(),
        StoreError::Ambiguous("0".into()).to_string()
    );
    assert_eq!(id("01ab").await.unwrap(), "01ab");
    assert_eq!(id("01abc").await.unwrap(), "01abc");
    // No character of a prefix is a wildcard.
    for none in ["3", "", "%", "_", "01?"] {
        assert!(matches!(id(none).await, Err(StoreError::NoSuchRun(_))), "{none}");
    }
    assert_eq!(store.remove("02").await.unwrap(), run("02"));
    assert!(matches!(id("02").await, Err(StoreError::NoSuchRun(_))));
    assert!(matches!(store.remove("02").await, Err(StoreError::NoSuchRun(_))));
}

#[tokio::test]
async fn events_out_of_order_are_refused_and_leave_nothing() {
    let (_folder, store) = store().await;
    let error = store.append(&run("r"), &sampled(0)).await.unwrap_err();
    assert!(error.to_string().contains("has not begun"), "{error}");
    assert!(store.list(10).await.unwrap().is_empty());
    store.append(&run("r"), &started(1, "?")).await.unwrap();
    let error = store.append(&run("r"), &started(2, "??")).await.unwrap_err();
    assert!(error.to_string().contains("begun already"), "{error}");
    assert_eq!(store.load("r").await.unwrap().1, [started(1, "?")]);
}

#[tokio::test]
async fn a_removed_run_takes_its_events_along() {
    let (_folder, store) = store().await;
    for id in ["a", "b"] {
        store.append(&run(id), &started(1, "?")).await.unwrap();
    }
    store.remove("a").await.unwrap();
    let mut connection = SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(store.path()))
        .await
        .unwrap();
    let events: i64 = sqlx::query_scalar("SELECT count(*) FROM events")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert_eq!(events, 1);
}
