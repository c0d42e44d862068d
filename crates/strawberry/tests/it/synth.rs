use crate::support::Home;

#[test]
fn a_seed_reproduces_bytes_and_families_are_listed() {
    let home = Home::new();
    let families = home.json(&["synth", "list", "--json"]);
    assert!(families.as_array().unwrap().len() >= 25);
    let make = |name: &str, seed: &str| {
        let out = home.dir.path().join(name);
        let args = [
            "synth",
            "all",
            "--n",
            "200",
            "--seed",
            seed,
            "--out",
            out.to_str().unwrap(),
        ];
        home.strawberry().args(args).assert().success();
        std::fs::read_to_string(out).unwrap()
    };
    let first = make("a.jsonl", "5");
    assert_eq!(first.lines().count(), 200);
    assert_eq!(first, make("b.jsonl", "5"));
    assert_ne!(first, make("c.jsonl", "6"));
    home.strawberry()
        .args(["synth", "no-such-family"])
        .assert()
        .code(2);
}
