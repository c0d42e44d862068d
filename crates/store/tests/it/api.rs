//! Keys, usage, and the exactly-once life of background responses.

use serde_json::json;
use strawberry_core::Usage;
use strawberry_store::{ApiKey, ResponseStatus, StoredResponse};

use crate::store;

fn response(id: &str) -> StoredResponse {
    StoredResponse {
        id: id.into(),
        caller: "key:a".into(),
        time_ms: 1,
        status: ResponseStatus::Queued,
        background: true,
        request: json!({"input": "hi"}),
        response: json!({"id": id}),
    }
}

#[tokio::test]
async fn keys_are_found_by_secret_and_usage_adds_up() {
    let (_folder, store) = store().await;
    let key = ApiKey {
        id: "a".into(),
        name: "laptop".into(),
        time_ms: 5,
        requests_per_minute: Some(3),
        tokens_per_day: None,
    };
    store.add_api_key(&key, "sb-secret").await.unwrap();
    assert_eq!(
        store.find_api_key("sb-secret").await.unwrap().as_ref(),
        Some(&key)
    );
    assert_eq!(store.find_api_key("sb-other").await.unwrap(), None);
    let usage = Usage {
        prompt_tokens: 10,
        completion_tokens: 5,
        reasoning_tokens: 2,
        ..Usage::default()
    };
    let day = 86_400_000;
    for time in [day, day + 1, 2 * day] {
        store.add_api_usage("key:a", "m", time, &usage).await.unwrap();
    }
    assert_eq!(store.api_tokens_of_day("key:a", day).await.unwrap(), 30);
    let listed = store.list_api_usage(0).await.unwrap();
    assert_eq!((listed.len(), listed[1].requests, listed[1].day), (2, 2, 1));
    assert!(store.remove_api_key("a").await.unwrap());
    assert!(!store.remove_api_key("a").await.unwrap());
}

#[tokio::test]
async fn a_job_is_ended_once_and_by_its_holder() {
    let (_folder, store) = store().await;
    for id in ["r1", "r2", "r3"] {
        store.add_response(&response(id)).await.unwrap();
    }
    let claimed = store.claim_responses("one", 100, 200, 2).await.unwrap();
    assert_eq!(claimed.len(), 2);
    assert_eq!(
        store.claim_responses("two", 150, 300, 9).await.unwrap()[0].id,
        "r3"
    );
    // The first worker's lease has run out: the second takes its jobs, and the first can't end them.
    let taken = store.claim_responses("two", 201, 400, 9).await.unwrap();
    assert_eq!(taken.len(), 2);
    let done = json!({"id": "r1", "text": "x"});
    let finish = async |worker| {
        store
            .finish_response("r1", worker, ResponseStatus::Completed, &done)
            .await
            .unwrap()
    };
    assert!(!finish("one").await);
    assert!(finish("two").await);
    assert!(!finish("two").await);
    // A cancelled job is no longer held, and can't be ended.
    assert!(!store.cancel_response("r2", "key:b", &json!({})).await.unwrap());
    assert!(store.cancel_response("r2", "key:a", &json!({})).await.unwrap());
    assert_eq!(
        store
            .renew_responses("two", &["r2".into(), "r3".into()], 500)
            .await
            .unwrap(),
        ["r3"]
    );
    store.release_responses("two").await.unwrap();
    assert_eq!(
        store.claim_responses("one", 202, 300, 9).await.unwrap()[0].id,
        "r3"
    );
    let stored = store.load_response("r1", "key:a").await.unwrap().unwrap();
    assert_eq!(
        (stored.status, stored.response),
        (ResponseStatus::Completed, done)
    );
    assert!(store.load_response("r1", "").await.unwrap().is_none());
}
