use predicates::str::contains;

use crate::support::Home;

#[test]
fn efforts_and_schema_are_published() {
    let home = Home::new();
    let efforts = home.json(&["efforts", "--json"]);
    assert_eq!(efforts.as_array().unwrap().len(), 7);
    assert_eq!(efforts[0]["effort"], "none");
    assert!(home.json(&["schema"])["$defs"]["AskResult"].is_object());
}

#[test]
fn doctor_says_what_the_machine_can_do() {
    let home = Home::new();
    let report = home.json(&["doctor", "--json"]);
    assert!(
        report["cpu"]["supported_levels"]
            .as_array()
            .unwrap()
            .contains(&"portable".into())
    );
    assert!(report["sandbox"].is_object());
    home.strawberry()
        .args(["doctor"])
        .env("STRAWBERRY_CPU", "abacus")
        .assert()
        .code(2)
        .stderr(contains("abacus"));
}

#[test]
fn completions_come_for_the_usual_shells() {
    let home = Home::new();
    for shell in ["bash", "zsh", "fish"] {
        home.strawberry()
            .args(["completions", shell])
            .assert()
            .success()
            .stdout(contains("strawberry"));
    }
}
