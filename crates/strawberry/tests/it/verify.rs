use serde_json::Value;

use crate::support::Home;

fn verdicts(kind: &str, input: &str) -> Vec<String> {
    let home = Home::new();
    let output = home
        .strawberry()
        .args(["verify", kind, "--json"])
        .write_stdin(input.to_owned())
        .assert()
        .success()
        .get_output()
        .stdout
        .clone();
    output
        .split(|&b| b == b'\n')
        .filter(|l| !l.is_empty())
        .map(|l| {
            serde_json::from_slice::<Value>(l).unwrap()["verdict"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect()
}

#[test]
fn mathematics_is_judged_line_by_line() {
    let input = concat!(
        "{\"reference\": \"\\\\frac{1}{2}\", \"response\": \"So the answer is 0.5.\"}\n",
        "{\"reference\": \"3x-y+13=0\", \"response\": \"\\\\boxed{3x+4y+14=0}\"}\n",
        "{\"reference\": \"7\", \"response\": \"I do not know the answer to this.\"}\n",
    );
    assert_eq!(verdicts("math", input), ["correct", "incorrect", "no_answer"]);
}

#[test]
fn programs_are_judged_line_by_line() {
    let input = concat!(
        "{\"code\": \"def f(x):\\n    return x + 1\", \"tests\": [\"assert f(1) == 2\"]}\n",
        "{\"code\": \"def f(x):\\n    return x\", \"tests\": [\"assert f(1) == 2\"]}\n",
    );
    assert_eq!(verdicts("code", input), ["correct", "incorrect"]);
}
