use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use predicates::str::contains;

use crate::support::Home;

fn data(home: &Home) -> String {
    let out = home.dir.path().join("data.jsonl");
    let out = out.to_str().unwrap();
    home.strawberry()
        .args([
            "synth",
            "chain-sum",
            "--n",
            "60",
            "--difficulty",
            "1",
            "--out",
            out,
        ])
        .assert()
        .success();
    out.to_owned()
}

fn sft<'a>(data: &'a str, out: &'a str) -> [&'a str; 13] {
    [
        "train",
        "sft",
        data,
        "--equations",
        "--out",
        out,
        "--step-tokens",
        "300",
        "--checkpoint-seconds",
        "0",
        "--rank",
        "2",
        "--json",
    ]
}

#[test]
fn a_run_killed_at_any_moment_ends_with_the_same_adapter() {
    let home = Home::new();
    let data = data(&home);
    let folder = |name: &str| home.dir.path().join(name).to_str().unwrap().to_owned();
    let (whole, parts) = (folder("whole"), folder("parts"));
    let printed = home.json(&sft(&data, &whole));
    assert!(printed["last"]["steps"].as_u64().unwrap() >= 3, "{printed}");
    for moment in [40, 130, 90, 200] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_strawberry"))
            .args(sft(&data, &parts))
            .env("STRAWBERRY_HOME", home.dir.path())
            .env("STRAWBERRY_MODEL", &home.model)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(moment));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    home.json(&sft(&data, &parts));
    let adapter =
        |run: &str| std::fs::read(Path::new(run).join("adapter/adapter_model.safetensors")).unwrap();
    assert!(adapter(&whole) == adapter(&parts));
    let lines = |run: &str| {
        std::fs::read_to_string(Path::new(run).join("metrics.jsonl"))
            .unwrap()
            .lines()
            .count()
    };
    assert_eq!(lines(&whole), lines(&parts));
    assert!(Path::new(&whole).join("report.html").is_file());

    // What was trained can be asked.
    let gguf = folder("trained.gguf");
    let adapter = Path::new(&whole).join("adapter");
    home.strawberry()
        .args([
            "train",
            "export",
            adapter.to_str().unwrap(),
            "--format",
            "Q8_0",
            "--out",
            &gguf,
        ])
        .assert()
        .success();
    home.json(&[
        "ask", "2 + 3?", "--model", &gguf, "--effort", "none", "--tokens", "20", "--json",
    ]);
}

#[test]
fn bad_rows_and_other_settings_are_named() {
    let home = Home::new();
    let data = data(&home);
    let run = home.dir.path().join("run");
    let run = run.to_str().unwrap();
    let broken = home.write(
        "broken.jsonl",
        "{\"prompt\":\"q\",\"completion\":\"a\"}\n{\"prompt\":\n",
    );
    home.strawberry()
        .args(["train", "sft", broken.to_str().unwrap(), "--out", run])
        .assert()
        .failure()
        .stderr(contains("line 2"));
    home.json(&sft(&data, run));
    home.strawberry()
        .args(["train", "sft", &data, "--out", run, "--rank", "2"])
        .assert()
        .failure()
        .stderr(contains("other settings"));
    home.strawberry()
        .args(["train", "sft", &data, "--out", run, "--rank", "0"])
        .assert()
        .code(2)
        .stderr(contains("rank"));
}

#[test]
fn the_whole_circle_is_one_job() {
    let home = Home::new();
    let recipe = home.write(
        "recipe.toml",
        "model = \"MODEL\"\n[data]\nfamilies = [\"chain-sum\"]\nrows = 120\ndifficulty = \"1\"\n[train]\nrank = 2\nstep_tokens = \
         2000\n[star]\nproblems = 4\nsamples = 2\n[measure]\nproblems = 5\nsamples = 2\nmax_tokens = 12\n"
            .replace("MODEL", home.model.to_str().unwrap()),
    );
    let out = home.dir.path().join("wheel");
    let args = [
        "flywheel",
        "run",
        recipe.to_str().unwrap(),
        "--out",
        out.to_str().unwrap(),
    ];
    home.strawberry()
        .args(args)
        .assert()
        .success()
        .stdout(contains("| other families of synth |"));
    for name in [
        "adapter/adapter_config.json",
        "model.gguf",
        "curves.html",
        "star-1/outcome.json",
        "data.md",
    ] {
        assert!(out.join(name).is_file(), "{name}");
    }
    // Everything is there: nothing is measured or trained again.
    let before = std::fs::read(out.join("before.jsonl")).unwrap();
    home.strawberry().args(args).assert().success();
    assert_eq!(before, std::fs::read(out.join("before.jsonl")).unwrap());
    let other = std::fs::read_to_string(&recipe)
        .unwrap()
        .replace("rows = 120", "rows = 121");
    std::fs::write(&recipe, other).unwrap();
    home.strawberry()
        .args(args)
        .assert()
        .failure()
        .stderr(contains("another recipe"));
    std::fs::write(&recipe, "sede = 2\n").unwrap();
    home.strawberry()
        .args(args)
        .assert()
        .failure()
        .stderr(contains("sede"));
}
