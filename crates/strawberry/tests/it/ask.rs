use predicates::prelude::*;
use serde_json::{Value, json};

use crate::support::Home;

const SMALL: [&str; 6] = ["--samples", "6", "--tokens", "240", "--seed", "7"];

fn ask(home: &Home, more: &[&str]) -> Value {
    home.json(&[&["ask", "What is 6 times 7?", "--json"], &SMALL[..], more].concat())
}

#[test]
fn the_json_object_holds_what_is_promised() {
    let home = Home::new();
    let result = ask(&home, &["--reference", "42"]);
    for key in [
        "answer",
        "confidence",
        "verdict",
        "abstained",
        "effort",
        "strategy",
        "attempts",
        "usage",
        "model",
        "seed",
        "trace_id",
        "wall_ms",
    ] {
        assert!(result.get(key).is_some(), "{key} is missing");
    }
    let usage = &result["usage"];
    // The shared prompt is evaluated once, whatever the number of attempts.
    assert_eq!(usage["prompt_evaluated"], usage["prompt_tokens"]);
    let tokens: u64 = result["attempts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|a| a["tokens"].as_u64().unwrap())
        .sum();
    assert_eq!(usage["completion_tokens"], tokens);
    assert!(tokens <= 240);
    assert_eq!(usage["samples"], result["attempts"].as_array().unwrap().len());
}

#[test]
fn the_same_seed_gives_the_same_bytes_with_any_number_of_threads() {
    let home = Home::new();
    let plain = |mut v: Value| {
        v["trace_id"] = Value::Null;
        v["wall_ms"] = Value::Null;
        serde_json::to_string(&v).unwrap()
    };
    let one = plain(ask(&home, &["--threads", "1"]));
    assert_eq!(one, plain(ask(&home, &["--threads", "1"])));
    assert_eq!(one, plain(ask(&home, &["--threads", "2"])));
    let other = ask(&home, &["--seed", "8"]);
    assert_ne!(one, plain(other));
}

#[test]
fn a_run_is_recorded_shown_replayed_exported_and_removed() {
    let home = Home::new();
    let id = ask(&home, &[])["trace_id"].as_str().unwrap().to_owned();
    let list = home.json(&["trace", "list", "--json"]);
    assert_eq!(
        (list[0]["id"].as_str(), list[0]["status"].as_str()),
        (Some(id.as_str()), Some("completed"))
    );
    home.strawberry()
        .args(["trace", "show", &id])
        .assert()
        .success()
        .stdout(predicate::str::contains("6 times 7"));
    assert_eq!(home.json(&["trace", "replay", &id, "--json"])["same"], true);
    let export = home
        .strawberry()
        .args(["trace", "export", &id])
        .assert()
        .success()
        .get_output()
        .stdout
        .clone();
    let lines: Vec<Value> = export
        .split(|&b| b == b'\n')
        .filter(|l| !l.is_empty())
        .map(|l| serde_json::from_slice(l).unwrap())
        .collect();
    assert!(lines.len() >= 4, "{} events", lines.len());
    home.strawberry().args(["trace", "rm", &id]).assert().success();
    assert_eq!(home.json(&["trace", "list", "--json"]), json!([]));
    home.strawberry()
        .args(["trace", "show", &id])
        .assert()
        .code(1)
        .stderr(predicate::str::contains("no run"));
}

#[test]
fn without_trace_nothing_is_recorded() {
    let home = Home::new();
    assert_eq!(ask(&home, &["--no-trace"])["trace_id"], Value::Null);
    assert!(!home.dir.path().join("traces.db").exists());
}

#[test]
fn standard_input_and_pipes_work() {
    let home = Home::new();
    let output = home
        .strawberry()
        .args(["ask", "-", "--effort", "none", "--tokens", "20"])
        .write_stdin("2+2?\n")
        .assert()
        .success();
    let stderr = String::from_utf8_lossy(&output.get_output().stderr).into_owned();
    assert!(
        stderr.contains("direct · ") && stderr.contains("tok/s"),
        "{stderr}"
    );
    assert!(!stderr.contains('\u{1b}'), "escape codes in a pipe: {stderr:?}");
}

#[test]
fn a_file_of_problems_gets_one_result_each_and_is_not_asked_twice() {
    let home = Home::new();
    let file = home.write(
        "p.jsonl",
        "{\"question\": \"1+1?\", \"answer\": \"2\", \"id\": \"a\"}\n{\"problem\": \"2+2?\"}\n",
    );
    let run = || {
        let args = [
            "ask",
            "--file",
            file.to_str().unwrap(),
            "--samples",
            "2",
            "--tokens",
            "40",
        ];
        home.strawberry()
            .args(args)
            .assert()
            .success()
            .get_output()
            .stdout
            .clone()
    };
    let first = run();
    let rows: Vec<Value> = first
        .split(|&b| b == b'\n')
        .filter(|l| !l.is_empty())
        .map(|l| serde_json::from_slice(l).unwrap())
        .collect();
    assert_eq!(rows.len(), 2);
    assert_eq!(
        (rows[0]["id"].as_str(), rows[1]["index"].as_u64()),
        (Some("a"), Some(1))
    );
    assert!(rows[0]["verdict"].is_string());
    // The second time the results come from the store, with the same ids and times.
    assert_eq!(first, run());
}
