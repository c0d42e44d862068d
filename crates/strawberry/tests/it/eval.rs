use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use predicates::prelude::*;
use serde_json::Value;

use crate::support::Home;

/// How often the run is killed.
const KILLS: u64 = 20;
/// The final files that depend on the settings alone.
const FINAL: [&str; 3] = ["samples.jsonl", "results.jsonl", "summary.json"];

fn task(home: &Home) -> String {
    let rows: String = (0..30)
        .map(|i| format!("{{\"q\": \"What is {i} + {i}?\", \"a\": {}}}\n", 2 * i))
        .collect();
    home.write("sums.jsonl", rows);
    let file = home.write(
        "sums.toml",
        "source = \"sums.jsonl\"\nquestion = \"{q}\"\nanswer = \"{a}\"\n",
    );
    file.display().to_string()
}

fn eval(home: &Home, task: &str, out: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_strawberry"));
    command
        .args([
            "eval", task, "--effort", "none,low", "--seeds", "2", "--limit", "12", "--json", "--out",
        ])
        .arg(home.dir.path().join(out))
        .arg("--data")
        .arg(home.dir.path())
        .env("STRAWBERRY_HOME", home.dir.path())
        .env("STRAWBERRY_MODEL", &home.model)
        .stderr(Stdio::null());
    command
}

fn read(dir: &Path) -> Vec<String> {
    FINAL
        .iter()
        .map(|f| std::fs::read_to_string(dir.join(f)).unwrap())
        .collect()
}

#[test]
fn killed_twenty_times_an_eval_ends_with_the_same_files() {
    let home = Home::new();
    let task = task(&home);
    let whole = eval(&home, &task, "whole").output().unwrap();
    assert!(whole.status.success());
    let summary: Value = serde_json::from_slice(&whole.stdout).unwrap();
    assert_eq!(summary["tasks"][0]["problems"], 12);
    let lines = || {
        let journal = std::fs::read_to_string(home.dir.path().join("killed/journal.jsonl"));
        journal.map_or(0, |j| j.lines().count())
    };
    let (mut moment, mut last, mut torn) = (0x9e37_79b9_7f4a_7c15u64, 0, 0);
    for _ in 0..KILLS {
        moment ^= moment << 13;
        moment ^= moment >> 7;
        moment ^= moment << 17;
        let mut child = eval(&home, &task, "killed")
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(20 + moment % 150));
        child.kill().unwrap();
        torn += u32::from(!child.wait().unwrap().success());
        assert!(lines() >= last, "no line is lost");
        last = lines();
    }
    assert!(torn > 0, "no kill hit a run");
    assert!(eval(&home, &task, "killed").output().unwrap().status.success());
    assert_eq!(
        read(&home.dir.path().join("whole")),
        read(&home.dir.path().join("killed"))
    );
    // Finished runs are compared, viewed and learned from.
    let dir = |name: &str| home.dir.path().join(name).display().to_string();
    let all = home.json(&["eval", "compare", &dir("whole"), &dir("killed"), "--json"]);
    assert!(
        all.as_array()
            .unwrap()
            .iter()
            .all(|c| c["paired"]["difference"] == 0.0)
    );
    home.strawberry()
        .args(["eval", "view", &dir("whole")])
        .assert()
        .success()
        .stdout(predicate::str::contains("report.html"));
    let calibration = home.json(&["eval", "calibrate", &dir("whole"), "--json"]);
    assert!(calibration["curves"].is_object());
    let sure = home.json(&[
        "ask",
        "What is 2 + 2?",
        "--json",
        "--effort",
        "low",
        "--tokens",
        "200",
        "--min-confidence",
        "1",
    ]);
    assert_eq!(
        (&sure["abstained"], &sure["answer"]),
        (&true.into(), &"I don't know".into())
    );
}

#[test]
fn bad_tasks_are_refused_with_the_place_named() {
    let home = Home::new();
    let out = home.dir.path().join("out").display().to_string();
    let file = home
        .write("bad.toml", "source = \"x.jsonl\"\nquestoin = \"{q}\"\n")
        .display()
        .to_string();
    for (task, message) in [
        (file.as_str(), "line 2"),
        ("gsm9k", "unknown task 'gsm9k'"),
        ("gsm8k", "gsm8k/train.jsonl"),
    ] {
        home.strawberry()
            .args(["eval", task, "--out", &out])
            .assert()
            .failure()
            .stderr(predicate::str::contains(message));
    }
    home.strawberry()
        .args(["eval", "gsm8k"])
        .assert()
        .code(2)
        .stderr(predicate::str::contains("--out"));
}

#[test]
fn every_strategy_is_accepted_and_a_trace_is_revoted() {
    let home = Home::new();
    for strategy in [
        "auto",
        "weighted",
        "deepconf",
        "beam",
        "dvts",
        "ab-mcts",
        "budget-forcing",
        "program",
    ] {
        let args = [
            "ask",
            "What is 6 * 7?",
            "--json",
            "--strategy",
            strategy,
            "--samples",
            "6",
            "--tokens",
            "200",
            "--no-trace",
        ];
        let result = home.json(&args);
        let name = if strategy == "auto" { "majority" } else { strategy };
        assert_eq!(result["strategy"], name);
        assert!(
            result["usage"]["completion_tokens"].as_u64().unwrap() <= 200,
            "{strategy}"
        );
    }
    home.strawberry()
        .args(["ask", "What is 6 * 7?", "--strategy", "repair"])
        .assert()
        .code(2)
        .stderr(predicate::str::contains("assert lines"));
    let asked = home.json(&[
        "ask",
        "What is 6 * 7?",
        "--json",
        "--effort",
        "low",
        "--tokens",
        "300",
        "--reference",
        "42",
    ]);
    let revote = home.json(&["trace", "revote", asked["trace_id"].as_str().unwrap(), "--json"]);
    assert_eq!(
        revote["attempts"].as_u64().unwrap() as usize,
        asked["attempts"].as_array().unwrap().len()
    );
    let names: Vec<&str> = revote["aggregates"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|a| a["name"].as_str())
        .collect();
    for name in [
        "majority",
        "weighted by likelihood",
        "best by likelihood",
        "best by confidence",
    ] {
        assert!(names.contains(&name), "{names:?}");
    }
    home.strawberry()
        .args([
            "ask",
            "What is 6 * 7?",
            "--explain",
            "--no-trace",
            "--tokens",
            "100",
        ])
        .assert()
        .success()
        .stderr(predicate::str::contains(
            "majority: a question whose answers can be compared",
        ));
}
