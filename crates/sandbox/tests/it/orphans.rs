//! Nothing a pool started outlives it, however it ends.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use strawberry_core::TestCase;
use strawberry_sandbox::{Against, CodeCheck, Language, Options, Outcome, Sandbox};

use crate::support::limits;

/// A program that leaves a daemon behind, and ends at once or never.
fn daemon(then: &str) -> CodeCheck {
    let code = format!(
        "import os, time\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n        time.sleep(77)\n    os._exit(0)\nprint(1, flush=True)\n{then}"
    );
    let cases = vec![TestCase {
        stdin: String::new(),
        stdout: "1".into(),
    }];
    CodeCheck {
        language: Language::Python,
        code,
        against: Against::Cases(cases),
    }
}

/// All processes below one, by the kernel's lists of children.
fn descendants(pid: u32) -> Vec<u32> {
    let mut found = vec![];
    let mut pending = vec![pid];
    while let Some(parent) = pending.pop() {
        let tasks = std::fs::read_dir(format!("/proc/{parent}/task"))
            .into_iter()
            .flatten()
            .flatten();
        for task in tasks {
            let text = std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
            let children: Vec<u32> = text.split_whitespace().filter_map(|w| w.parse().ok()).collect();
            found.extend(&children);
            pending.extend(children);
        }
    }
    found
}

/// Waits, for as long as a busy host may need, until none of the processes is left.
fn all_gone(pids: &[u32]) -> bool {
    let patience = Instant::now() + Duration::from_secs(20);
    while Instant::now() < patience {
        if !pids
            .iter()
            .any(|pid| std::fs::metadata(format!("/proc/{pid}")).is_ok())
        {
            return true;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    false
}

/// Not a test of its own: the process that the next test kills.
#[test]
#[ignore = "started and killed by another test"]
fn a_process_to_be_killed() {
    let sandbox = Sandbox::new(Options {
        limits: limits(),
        slots: Some(2),
        ..Options::default()
    })
    .unwrap();
    sandbox.check(&daemon("time.sleep(77)"));
}

#[test]
fn killing_the_host_process_ends_every_sandbox() {
    let mut host = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "orphans::a_process_to_be_killed"])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let patience = Instant::now() + Duration::from_secs(20);
    let mut seen = vec![];
    // The running program, its daemon, and interpreters of two slots.
    while seen.len() < 6 && Instant::now() < patience {
        std::thread::sleep(Duration::from_millis(50));
        seen = descendants(host.id());
    }
    host.kill().unwrap();
    host.wait().unwrap();
    assert!(seen.len() >= 6, "the pool never got going: {seen:?}");
    assert!(all_gone(&seen), "left behind: {seen:?}");
}

/// Not a test of its own: it needs a process whose only children are those of its pool.
#[test]
#[ignore = "started by another test"]
fn a_process_that_drops_its_pool() {
    let sandbox = Sandbox::new(Options {
        limits: limits(),
        slots: Some(2),
        ..Options::default()
    })
    .unwrap();
    assert_eq!(sandbox.check(&daemon("")).outcome, Outcome::Passed);
    assert!(!descendants(std::process::id()).is_empty());
    drop(sandbox);
    assert_eq!(descendants(std::process::id()), Vec::<u32>::new());
}

#[test]
fn dropping_the_pool_ends_every_sandbox() {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "orphans::a_process_that_drops_its_pool"])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}
