use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::support::Home;

/// How often the run is killed; `STRAWBERRY_KILLS=100` for the long version.
fn kills() -> u64 {
    std::env::var("STRAWBERRY_KILLS")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(12)
}

fn process(home: &Home, file: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_strawberry"));
    command
        .args([
            "ask",
            "--file",
            file,
            "--samples",
            "2",
            "--tokens",
            "120",
            "--seed",
            "3",
        ])
        .env("STRAWBERRY_HOME", home.dir.path())
        .env("STRAWBERRY_MODEL", &home.model);
    command
}

#[test]
fn killed_at_any_moment_every_problem_still_gets_exactly_one_result() {
    let home = Home::new();
    let problems: String = (0..40)
        .map(|i| format!("{{\"question\": \"What is {i} + {i}?\", \"id\": {i}}}\n"))
        .collect();
    let file = home.write("p.jsonl", problems);
    let file = file.to_str().unwrap();
    // Moments spread by a fixed sequence from "just started" to "well under way".
    let mut moment = 0x2545_f491_4f6c_dd1du64;
    for _ in 0..kills() {
        moment ^= moment << 13;
        moment ^= moment >> 7;
        moment ^= moment << 17;
        let mut child = process(&home, file)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(moment % 400));
        child.kill().unwrap();
        child.wait().unwrap();
        // The store opens every time.
        home.json(&["trace", "list", "--json"]);
    }
    let done = process(&home, file).stderr(Stdio::null()).output().unwrap();
    assert!(done.status.success());
    let rows: Vec<Value> = done
        .stdout
        .split(|&b| b == b'\n')
        .filter(|l| !l.is_empty())
        .map(|l| serde_json::from_slice(l).unwrap())
        .collect();
    let ids: Vec<&str> = rows.iter().map(|r| r["id"].as_str().unwrap()).collect();
    let expected: Vec<String> = (0..40).map(|i| i.to_string()).collect();
    assert_eq!(ids, expected);
}

#[cfg(unix)]
#[test]
fn ctrl_c_gives_the_best_answer_so_far_and_exit_code_130() {
    let home = Home::new();
    let child = Command::new(env!("CARGO_BIN_EXE_strawberry"))
        .args([
            "ask",
            "What is 6 times 7?",
            "--json",
            "--samples",
            "5000",
            "--strategy",
            "best-of-n",
        ])
        .env("STRAWBERRY_HOME", home.dir.path())
        .env("STRAWBERRY_MODEL", &home.model)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // Long enough to be sampling, far too short to be done.
    std::thread::sleep(Duration::from_secs(2));
    let killed = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(killed.success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(!result["attempts"].as_array().unwrap().is_empty());
    let list = home.json(&["trace", "list", "--json"]);
    assert_eq!(list[0]["status"], "interrupted");
}
