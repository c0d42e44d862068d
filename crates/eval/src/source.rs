//! Reading a task's rows and making problems of them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;
use strawberry_core::{Message, Problem, Reference};
use strawberry_synth::record::{Record, Style, question_hash, split_of};
use strawberry_synth::rng::Rng;
use strawberry_synth::{convert, families, generate};

use crate::EvalError;
use crate::check::Checker;
use crate::task::{Check, Format, Split, Task};

/// The largest source file that is read.
const LARGEST: u64 = 2 << 30;

/// One problem of a task, ready to be asked; or why its row can't be.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Identifies the row within the task.
    pub id: String,
    /// The problem, or why the row is unscored.
    pub problem: Result<Problem, String>,
    /// The labels of the options, where it has some.
    pub labels: Vec<(String, String)>,
}

/// A task with its problems.
pub struct Loaded {
    /// The task.
    pub task: Task,
    /// The problems that are asked, in an order that depends on the questions alone.
    pub rows: Vec<Row>,
    /// What judges their answers.
    pub checker: Checker,
}

/// Loads a task's problems: the first `limit` of a fixed random order, so that a smaller run is a part of a larger
/// one. `data` is the folder that relative sources lie in.
///
/// # Errors
/// The source can't be found or read; the message says where to put it.
pub fn load(task: Task, data: &Path, limit: Option<usize>) -> Result<Loaded, EvalError> {
    let mut records: Vec<Record> = Vec::new();
    let mut rows = if !task.families.is_empty() {
        records = made(&task)?;
        records.iter().map(of_record).collect()
    } else {
        let path = path(&task, data)?;
        match task.format {
            Format::Svamp => {
                let mut sink = |record| {
                    records.push(record);
                    Ok(())
                };
                convert::svamp::convert(&path, Style::Natural, 0, 0, &mut sink)
                    .map_err(|e| EvalError::File(e.to_string()))?;
                records.iter().map(of_record).collect()
            }
            Format::Auto => read(&task, &path)?,
        }
    };
    rows.retain(|row| {
        let text = row.problem.as_ref().map_or("", |p| p.last_user_text());
        let held_out = split_of(question_hash(text)) != "train";
        match task.split {
            Split::All => true,
            // A row that is no problem is reported in either case.
            _ if row.problem.is_err() => true,
            Split::Train => !held_out,
            Split::HeldOut => held_out,
        }
    });
    rows.sort_by_key(|row| {
        let text = row
            .problem
            .as_ref()
            .map_or(row.id.as_str(), |p| p.last_user_text());
        (Rng::derive(question_hash(text), &[17]), row.id.clone())
    });
    rows.dedup_by(|a, b| a.id == b.id && a.problem == b.problem);
    rows.truncate(limit.unwrap_or(usize::MAX));
    if rows.is_empty() {
        return Err(EvalError::Task(format!(
            "the task '{}' has no problems",
            task.name
        )));
    }
    let checker = Checker::new(&task, &records, &rows)?;
    Ok(Loaded { task, rows, checker })
}

/// Where the source lies.
fn path(task: &Task, data: &Path) -> Result<PathBuf, EvalError> {
    let source = task.source.as_deref().unwrap_or(Path::new(""));
    let path = data.join(source);
    let size = std::fs::metadata(&path).map_err(|e| {
        EvalError::File(format!(
            "the task '{}' needs {} ({e}): put the file there, or give the folder that holds {} by --data DIR",
            task.name,
            path.display(),
            source.display()
        ))
    })?;
    if size.len() > LARGEST {
        return Err(EvalError::file(
            &path,
            format!("{} bytes are more than the {LARGEST} that are read", size.len()),
        ));
    }
    Ok(path)
}

fn made(task: &Task) -> Result<Vec<Record>, EvalError> {
    let mix = generate::parse_mix(&task.families).map_err(|e| EvalError::Task(e.to_string()))?;
    let total: u64 = mix.iter().map(|(_, w)| u64::from(*w)).sum();
    let (least, most) = task.difficulty.unwrap_or((1, 5));
    let mut records = Vec::new();
    let mut seen = BTreeSet::new();
    // A tenth of all questions is held out, so more are made than asked for.
    let rounds = if task.split == Split::HeldOut { 10 } else { 1 };
    for slot in 0..(task.count * rounds) as u64 {
        let seed = Rng::derive(task.seed, &[slot]) >> 11;
        let mut rng = Rng::new(Rng::derive(seed, &[1]));
        let mut at = rng.below(total as usize) as u64;
        let name = mix.iter().find(|(_, w)| {
            let found = at < u64::from(*w);
            at = at.wrapping_sub(u64::from(*w));
            found
        });
        let Some(family) = name.and_then(|(n, _)| families::find(n)) else {
            continue;
        };
        let difficulty = rng.range(i64::from(least), i64::from(most)) as u8;
        let record = generate::make(family, difficulty, seed, Style::Natural);
        if seen.insert(record.id.clone()) {
            records.push(record);
        }
    }
    Ok(records)
}

fn of_record(record: &Record) -> Row {
    Row {
        id: record.id.clone(),
        problem: Ok(record.problem()),
        labels: Vec::new(),
    }
}

fn read(task: &Task, path: &Path) -> Result<Vec<Row>, EvalError> {
    let bytes = std::fs::read(path).map_err(|e| EvalError::file(path, e))?;
    let text = String::from_utf8(bytes).map_err(|_| EvalError::file(path, "not UTF-8 text"))?;
    let whole = path.extension().is_some_and(|e| e == "json");
    let values: Vec<Result<Value, String>> = if whole {
        let value: Value = serde_json::from_str(&text).map_err(|e| EvalError::file(path, e))?;
        let list = match &task.rows {
            Some(name) => value.get(name),
            None => Some(&value),
        };
        let list = list.and_then(Value::as_array).ok_or_else(|| {
            EvalError::file(
                path,
                "holds no list of rows: name the list by `rows = \"…\"` in the task",
            )
        })?;
        list.iter().cloned().map(Ok).collect()
    } else {
        text.lines()
            .enumerate()
            .filter(|(_, line)| !line.trim().is_empty())
            .map(|(i, line)| {
                serde_json::from_str(line).map_err(|e| format!("line {}: not JSON ({e})", i + 1))
            })
            .collect()
    };
    Ok(values
        .into_iter()
        .enumerate()
        .map(|(i, value)| {
            let number = (i + 1).to_string();
            value
                .and_then(|v| row(task, &v, &number))
                .unwrap_or_else(|why| Row {
                    id: number.clone(),
                    problem: Err(why),
                    labels: Vec::new(),
                })
        })
        .collect())
}

/// Makes a problem of a row; the error says which field is missing or wrong.
fn row(task: &Task, value: &Value, number: &str) -> Result<Row, String> {
    let id = task
        .id
        .as_ref()
        .map_or(Ok(number.to_owned()), |t| fill(t, value))?;
    let question = fill(task.question.as_deref().unwrap_or_default(), value)?;
    let mut messages = Vec::new();
    if let Some(system) = &task.system {
        messages.push(Message::system(system));
    }
    for (question, response) in &task.examples {
        messages.extend([Message::user(question), Message::assistant(response)]);
    }
    let (mut text, mut labels) = (question.trim().to_owned(), Vec::new());
    let reference = match task.check {
        Check::Code => {
            let tests = tests(task, value)?;
            let shown: Vec<&String> = tests.1.iter().take(task.shown_tests).collect();
            if !shown.is_empty() {
                text.push_str("\nYour code should pass:");
                for test in shown {
                    text.push('\n');
                    text.push_str(test.trim());
                }
            }
            // Setup and tests travel together; [`Checker`] takes them apart again.
            let mut all = vec![tests.0];
            all.extend(tests.1);
            Reference::Tests(all)
        }
        Check::Choice => {
            let name = task.options.as_deref().unwrap_or_default();
            let (options, right) = options(name, at(value, name)?, &question)?;
            text.push_str("\nOptions:");
            for (label, option) in &options {
                text.push_str(&format!("\n({label}) {option}"));
            }
            let answer = match (right, &task.answer) {
                (Some(label), _) => label,
                (None, Some(template)) => fill(template, value)?,
                (None, None) => return Err(format!("the options in `{name}` do not say which is right")),
            };
            let answer = answer.trim().to_owned();
            if !options.iter().any(|(l, _)| *l == answer) {
                return Err(format!("the answer '{answer}' is the label of no option"));
            }
            labels = options;
            Reference::Answer(answer)
        }
        Check::Math | Check::Text => {
            let answer = fill(task.answer.as_deref().unwrap_or_default(), value)?;
            if answer.trim().is_empty() {
                return Err("the answer is empty".to_owned());
            }
            Reference::Answer(answer)
        }
    };
    if text.is_empty() {
        return Err("the question is empty".to_owned());
    }
    messages.push(Message::user(text));
    let mut problem = Problem::chat(messages);
    problem.id.clone_from(&id);
    problem.reference = Some(reference);
    problem.source = Some(task.name.clone());
    problem.licence.clone_from(&task.licence);
    Ok(Row {
        id,
        problem: Ok(problem),
        labels,
    })
}

fn tests(task: &Task, value: &Value) -> Result<(String, Vec<String>), String> {
    let setup = task
        .tests_setup
        .as_ref()
        .map_or(Ok(String::new()), |t| fill(t, value))?;
    let mut tests = Vec::new();
    if let Some(name) = &task.tests {
        let list = at(value, name)?
            .as_array()
            .ok_or_else(|| format!("field `{name}` is no list"))?;
        for test in list {
            let test = test
                .as_str()
                .ok_or_else(|| format!("field `{name}` holds a test that is no text"))?;
            tests.push(test.to_owned());
        }
    }
    if let Some(call) = &task.tests_call {
        tests.push(fill(call, value)?);
    }
    if tests.is_empty() {
        return Err("there are no tests".to_owned());
    }
    Ok((setup, tests))
}

/// (label, text) of each option, and the label of the right one where the options say so.
type Options = (Vec<(String, String)>, Option<String>);

fn options(name: &str, value: &Value, question: &str) -> Result<Options, String> {
    let letter = |i: usize| char::from(b'A' + (i % 26) as u8).to_string();
    if let Some(map) = value.as_object() {
        // The right one often comes first; the order is drawn anew from the question.
        let mut all: Vec<(&String, bool)> = map
            .iter()
            .map(|(text, v)| (text, v.as_i64() == Some(1)))
            .collect();
        all.sort();
        Rng::new(question_hash(question)).shuffle(&mut all);
        let right = all.iter().position(|(_, right)| *right).map(letter);
        let options = all
            .iter()
            .enumerate()
            .map(|(i, (text, _))| (letter(i), (*text).clone()))
            .collect();
        return Ok((options, right));
    }
    let list = value
        .as_array()
        .filter(|l| (2..=26).contains(&l.len()))
        .ok_or_else(|| format!("field `{name}` is no list of 2 to 26 options"))?;
    let mut options = Vec::new();
    for (i, option) in list.iter().enumerate() {
        let (label, text) = match option {
            // "A)32400" and the like carry their label.
            Value::String(s) => match s.split_once(')').filter(|(l, _)| *l == letter(i)) {
                Some((label, text)) => (label.to_owned(), text.trim().to_owned()),
                None => (letter(i), s.trim().to_owned()),
            },
            Value::Object(o) => {
                let part = |key: &str| o.get(key).and_then(Value::as_str).map(str::to_owned);
                let text =
                    part("text").ok_or_else(|| format!("field `{name}` holds an option without `text`"))?;
                (part("label").unwrap_or_else(|| letter(i)), text)
            }
            other => (letter(i), other.to_string()),
        };
        options.push((label, text));
    }
    Ok((options, None))
}

/// The value at `field.inner.0`.
fn at<'a>(row: &'a Value, path: &str) -> Result<&'a Value, String> {
    let mut value = row;
    for part in path.split('.') {
        let next = match value {
            Value::Array(list) => part.parse::<usize>().ok().and_then(|i| list.get(i)),
            other => other.get(part),
        };
        value = next.ok_or_else(|| format!("field `{path}` is missing"))?;
    }
    Ok(value)
}

/// Puts a row's values into a template.
fn fill(template: &str, row: &Value) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = template;
    while let Some(open) = rest.find('{') {
        let Some(close) = rest[open..].find('}').map(|c| open + c) else {
            break;
        };
        out.push_str(&rest[..open]);
        let name = &rest[open + 1..close];
        match at(row, name)? {
            Value::String(s) => out.push_str(s),
            Value::Null => return Err(format!("field `{name}` is null")),
            other => out.push_str(&other.to_string()),
        }
        rest = &rest[close + 1..];
    }
    out.push_str(rest);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn templates_reach_into_rows_and_name_what_is_missing() {
        let value = json!({"q": {"stem": "Why?", "list": [1, "x"]}, "n": null});
        assert_eq!(
            fill("{q.stem} {q.list.1} {q.list.0}", &value).unwrap(),
            "Why? x 1"
        );
        assert!(
            fill("{q.body}", &value)
                .unwrap_err()
                .contains("`q.body` is missing")
        );
        assert!(fill("{n}", &value).unwrap_err().contains("null"));
    }

    #[test]
    fn options_of_three_kinds_are_read() {
        let texts = options("o", &json!(["A)3", "B)4"]), "q").unwrap();
        assert_eq!(texts.0, [("A".into(), "3".into()), ("B".into(), "4".into())]);
        let objects = options("o", &json!([{"label": "X", "text": "a"}, {"text": "b"}]), "q").unwrap();
        assert_eq!(objects.0[0].0, "X");
        let (all, right) = options("o", &json!({"yes": 1, "no": 0, "maybe": 0}), "q").unwrap();
        let right = right.unwrap();
        assert_eq!(all.iter().find(|(l, _)| *l == right).unwrap().1, "yes");
        assert!(options("o", &json!(["one"]), "q").unwrap_err().contains("`o`"));
    }
}
