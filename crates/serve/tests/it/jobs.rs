//! Background responses survive `kill -9`, each with exactly one result.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use strawberry_serve::Settings;
use strawberry_store::Store;

use crate::support::Running;

const HOME: &str = "STRAWBERRY_TEST_SERVE_HOME";
const JOBS: usize = 50;

/// The server that is killed: runs until then.
#[tokio::test]
#[ignore = "the child process of the test below"]
async fn child() {
    let Ok(home) = std::env::var(HOME) else { return };
    let server = Running::at(home.as_ref(), Settings::default()).await;
    println!("\nlistening {}", server.address);
    std::future::pending::<()>().await;
}

struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        // SIGKILL: nothing is put in order.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn spawn(home: &std::path::Path) -> (Killed, std::net::SocketAddr) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["jobs::child", "--exact", "--ignored", "--nocapture"])
        .env(HOME, home)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let address = lines
        .map_while(Result::ok)
        .find_map(|l| l.strip_prefix("listening ")?.parse().ok());
    (Killed(child), address.unwrap())
}

#[tokio::test]
async fn killed_again_and_again_every_job_has_one_result() {
    let home = tempfile::tempdir().unwrap();
    let (mut server, mut address) = spawn(home.path());
    let mut ids = Vec::new();
    for i in 0..JOBS {
        let body = json!({"input": format!("question {i}"), "background": true, "seed": i, "max_output_tokens": 600,
            "reasoning": {"effort": "low"}, "metadata": {"n": i.to_string()}});
        let (status, queued) = Running::client(address).post("/v1/responses", &body).await;
        assert_eq!(status, 200, "{queued}");
        ids.push(queued["id"].as_str().unwrap().to_owned());
    }
    let mut kills = 0;
    let store = Store::open(home.path().join("traces.db")).await.unwrap();
    let ended = async || {
        let mut ended = Vec::new();
        for id in &ids {
            let stored = store.load_response(id, "").await.unwrap().unwrap();
            if !matches!(stored.status.as_str(), "queued" | "in_progress") {
                ended.push(stored.response);
            }
        }
        ended
    };
    let mut first: Vec<Value> = Vec::new();
    loop {
        let now = ended().await;
        // What has ended once is never made again.
        for earlier in &first {
            assert!(now.contains(earlier));
        }
        if now.len() == JOBS {
            break;
        }
        first = now;
        if kills < 3 {
            tokio::time::sleep(Duration::from_millis(300)).await;
            drop(server);
            // The lease of the dead worker must run out; in the test we don't wait for that.
            store
                .claim_responses("nobody", u64::MAX >> 1, 0, 1000)
                .await
                .unwrap();
            (server, address) = spawn(home.path());
            kills += 1;
        } else {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
    assert!(kills > 0, "the jobs were too quick to be killed");
    let all = ended().await;
    for (i, response) in all.iter().enumerate() {
        assert_eq!(response["metadata"]["n"], i.to_string());
        assert!(
            ["completed", "incomplete"].contains(&response["status"].as_str().unwrap()),
            "{response}"
        );
        assert!(response["usage"]["output_tokens"].as_u64().unwrap() > 0);
    }
    let again = Running::client(address);
    for id in &ids {
        assert_eq!(again.get(&format!("/v1/responses/{id}")).await.0, 200);
    }
    drop(server);
}

#[tokio::test]
async fn a_server_that_is_told_to_stop_gives_its_jobs_to_the_next() {
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let mut one = Running::on(folder.clone(), Settings::default()).await;
    let body = json!({"input": "What is 2+2?", "background": true, "seed": 1, "max_output_tokens": 2000,
        "temperature": 1.0, "thinking": {"samples": 4}});
    let (_, queued) = one.post("/v1/responses", &body).await;
    let path = format!("/v1/responses/{}", queued["id"].as_str().unwrap());
    crate::support::until(async || !one.state.in_flight.is_empty()).await;
    one.stop.take().unwrap().send(()).unwrap();
    (&mut one.ended).await.unwrap();
    let two = Running::on(folder, Settings::default()).await;
    crate::support::until(async || {
        let status = two.get(&path).await.1["status"].clone();
        status == "completed" || status == "incomplete"
    })
    .await;
}
