//! The columns of each view, and its rows.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::export::{View, negatives};
use crate::record::{Record, Turn};

/// The type of a column.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// Text.
    Text,
    /// A whole number of 64 bits.
    Int,
    /// True or false.
    Bool,
    /// A list.
    List(Box<Kind>),
    /// Named fields.
    Struct(Vec<(&'static str, Kind)>),
}

fn turns() -> Kind {
    Kind::List(Box::new(Kind::Struct(vec![
        ("role", Kind::Text),
        ("content", Kind::Text),
    ])))
}

/// The columns of a view. Every row has all of them.
pub fn columns(view: View) -> Vec<(&'static str, Kind)> {
    use Kind::{Bool, Int, List, Struct, Text};
    match view {
        View::Records => vec![
            ("id", Text),
            ("problem", Text),
            ("family", Text),
            ("difficulty", Int),
            ("seed", Int),
            ("messages", turns()),
            ("completion", Text),
            (
                "steps",
                List(Box::new(Struct(vec![
                    ("text", Text),
                    ("expr", Text),
                    ("value", Text),
                    ("ok", Bool),
                ]))),
            ),
            ("answer", Text),
            ("answerable", Bool),
            ("reward", Int),
            (
                "verifier",
                Struct(vec![("kind", Text), ("version", Int), ("args", Text)]),
            ),
            ("source", Text),
            ("license", Text),
            ("split", Text),
        ],
        View::Messages => vec![("messages", turns())],
        View::PromptCompletion => vec![("prompt", turns()), ("completion", turns())],
        View::Preference => vec![("prompt", turns()), ("chosen", turns()), ("rejected", turns())],
        View::Stepwise => vec![
            ("prompt", Text),
            ("completions", List(Box::new(Text))),
            ("labels", List(Box::new(Bool))),
        ],
        View::Verl => vec![
            ("data_source", Text),
            ("prompt", turns()),
            ("ability", Text),
            (
                "reward_model",
                Struct(vec![("style", Text), ("ground_truth", Text)]),
            ),
            (
                "extra_info",
                Struct(vec![
                    ("split", Text),
                    ("index", Int),
                    ("answer", Text),
                    ("verifier", Text),
                    ("args", Text),
                ]),
            ),
        ],
        View::OpenRlhf => vec![("input", Text), ("output", Text), ("label", Text)],
    }
}

fn answer(text: &str) -> Vec<Turn> {
    vec![Turn {
        role: "assistant".to_owned(),
        content: text.to_owned(),
    }]
}

/// The rows of a view. `messages`, `prompt-completion` and `openrlhf` have one row for each right record; `verl` one for each problem;
/// `preference` pairs right records with wrong ones of the same problem, or with a spoiled solution where there is none; `stepwise` has
/// right, wrong and spoiled solutions, except those without steps.
pub fn rows(view: View, records: &[Record]) -> Vec<Value> {
    let right = records.iter().filter(|r| r.reward > 0);
    match view {
        View::Records => records
            .iter()
            .filter_map(|r| serde_json::to_value(r).ok())
            .collect(),
        View::Messages => right
            .map(|r| {
                let turns = [r.messages.as_slice(), &answer(&r.completion)].concat();
                json!({ "messages": turns })
            })
            .collect(),
        View::PromptCompletion => right
            .map(|r| json!({ "prompt": r.messages, "completion": answer(&r.completion) }))
            .collect(),
        View::OpenRlhf => right
            .map(|r| json!({ "input": r.question(), "output": r.completion, "label": r.answer }))
            .collect(),
        View::Preference => preference(records),
        View::Stepwise => records.iter().flat_map(stepwise).collect(),
        View::Verl => {
            let mut seen = std::collections::HashSet::new();
            records
                .iter()
                .filter(|r| seen.insert(r.problem.as_str()))
                .enumerate()
                .map(|(index, r)| {
                    json!({
                        "data_source": format!("strawberry/{}", r.stem()),
                        "prompt": r.messages,
                        "ability": "math",
                        "reward_model": { "style": "rule", "ground_truth": r.answer },
                        "extra_info": { "split": r.split, "index": index, "answer": r.completion, "verifier": r.verifier.kind, "args": r.verifier.args },
                    })
                })
                .collect()
        }
    }
}

fn preference(records: &[Record]) -> Vec<Value> {
    let mut wrong: BTreeMap<&str, Vec<&Record>> = BTreeMap::new();
    for record in records.iter().filter(|r| r.reward < 1) {
        wrong.entry(&record.problem).or_default().push(record);
    }
    let mut used: BTreeMap<&str, usize> = BTreeMap::new();
    let mut rows = Vec::new();
    for record in records.iter().filter(|r| r.reward > 0) {
        let rejected = match wrong.get(record.problem.as_str()) {
            Some(all) => {
                let next = used.entry(&record.problem).or_default();
                let text = all[*next % all.len()].completion.clone();
                *next += 1;
                Some(text)
            }
            None => negatives::spoiled(record).map(|(text, _)| text),
        };
        if let Some(rejected) = rejected {
            rows.push(json!({ "prompt": record.messages, "chosen": answer(&record.completion), "rejected": answer(&rejected) }));
        }
    }
    rows
}

fn stepwise(record: &Record) -> Vec<Value> {
    let mut all = Vec::new();
    let mut push = |steps: &[crate::item::Step]| {
        if !steps.is_empty() {
            let texts: Vec<&str> = steps.iter().map(|s| s.text.as_str()).collect();
            let labels: Vec<bool> = steps.iter().map(|s| s.ok).collect();
            all.push(json!({ "prompt": record.question(), "completions": texts, "labels": labels }));
        }
    };
    push(&record.steps);
    if let Some((_, steps)) = negatives::spoiled(record) {
        push(&steps);
    }
    all
}
