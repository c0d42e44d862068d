use predicates::str::contains;

use crate::support::Home;

#[test]
fn a_conversation_is_kept_and_taken_up_again() {
    let home = Home::new();
    let chat = |input: &str, more: &[&str]| {
        let args = [&["chat", "--json", "--samples", "1", "--tokens", "24"], more].concat();
        home.strawberry()
            .args(args)
            .write_stdin(input.to_owned())
            .assert()
            .success()
            .get_output()
            .clone()
    };
    let first = chat("Hello\nAnd again\n/list\n", &[]);
    assert_eq!(
        first.stdout.iter().filter(|&&b| b == b'\n').count(),
        2,
        "one object per answer"
    );
    let list = String::from_utf8(first.stderr).unwrap();
    let id = list
        .lines()
        .find(|l| l.contains("4 messages"))
        .and_then(|l| l.split_whitespace().next())
        .unwrap()
        .to_owned();
    let second = chat("More\n/list\n/quit\n", &["--resume", &id]);
    assert!(String::from_utf8(second.stderr).unwrap().contains("6 messages"));
}

#[test]
fn effort_changes_within_a_chat_and_mistakes_are_survived() {
    let home = Home::new();
    home.strawberry()
        .args(["chat", "--json"])
        .write_stdin("/effort none\n/effort lots\n/frobnicate\n/quit\n")
        .assert()
        .success()
        .stderr(contains("effort none"))
        .stderr(contains("unknown effort 'lots'"))
        .stderr(contains("unknown command /frobnicate"));
    home.strawberry()
        .args(["chat", "--resume", "nope"])
        .assert()
        .code(2)
        .stderr(contains("no conversation 'nope'"));
}
