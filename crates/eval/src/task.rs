//! Task files: what is asked, where the rows come from, how answers are judged.
//!
//! A task is a TOML file. Three lines are enough for any JSONL:
//!
//! ```toml
//! source = "my/rows.jsonl"
//! question = "{question}"
//! answer = "{answer}"
//! ```
//!
//! `{field}` and `{field.inner.0}` stand for values of a row.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::EvalError;

/// How answers are found and judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Check {
    /// Mathematical equivalence.
    #[default]
    Math,
    /// The letter of an option.
    Choice,
    /// Equal words, whatever their case and punctuation.
    Text,
    /// A Python program that passes tests.
    Code,
}

/// How the source file is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// By the file's extension: `.jsonl`, or `.json` (a list, or an object that holds one under `rows`).
    #[default]
    Auto,
    /// SVAMP's training file: CSV with masked numbers.
    Svamp,
}

/// Which rows count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Split {
    /// All of them.
    #[default]
    All,
    /// The nine tenths that `strawberry synth` may train on, by hash of the question.
    Train,
    /// The tenth that it never trains on.
    HeldOut,
}

/// A task.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Task {
    /// Its name; by default the file's.
    pub name: String,
    /// What it is, in one line.
    pub about: String,
    /// Raised whenever the task's results would change.
    pub version: u32,
    /// The licence of its problems.
    pub licence: Option<String>,
    /// The file of rows, below the data folder unless absolute.
    pub source: Option<PathBuf>,
    /// How the file is written.
    pub format: Format,
    /// For a `.json` file that is an object: the name of the list in it.
    pub rows: Option<String>,
    /// Which rows count.
    pub split: Split,
    /// The row's identity; by default its number in the file.
    pub id: Option<String>,
    /// The question.
    pub question: Option<String>,
    /// A system message.
    pub system: Option<String>,
    /// Worked examples that come before the question: question and response.
    pub examples: Vec<(String, String)>,
    /// The reference answer.
    pub answer: Option<String>,
    /// The field with the options: a list of texts, of `{label, text}`, or an object of text and 1 (right) or 0.
    pub options: Option<String>,
    /// The field with the tests: a list of Python statements.
    pub tests: Option<String>,
    /// Python code run before the tests.
    pub tests_setup: Option<String>,
    /// A single test, as a template.
    pub tests_call: Option<String>,
    /// How many of the tests the question shows; all of them decide.
    pub shown_tests: usize,
    /// How answers are judged.
    pub check: Check,
    /// Instead of a source: families of `strawberry synth`.
    pub families: Vec<String>,
    /// For families: how many problems are made.
    pub count: usize,
    /// For families: the seed.
    pub seed: u64,
    /// For families: least and greatest difficulty, from 1 to 5.
    pub difficulty: Option<(u8, u8)>,
}

macro_rules! built_in {
    ($($name:literal),* $(,)?) => {
        /// The tasks that are built in: name, text.
        pub const BUILT_IN: &[(&str, &str)] = &[$(($name, include_str!(concat!("../tasks/", $name, ".toml")))),*];
    };
}

built_in![
    "gsm8k",
    "svamp",
    "math",
    "mbpp",
    "humaneval",
    "aqua",
    "csqa",
    "truthfulqa",
    "aime",
    "bbh-boolean-expressions",
    "bbh-date-understanding",
    "bbh-logical-deduction-three-objects",
    "bbh-multistep-arithmetic-two",
    "bbh-web-of-lies",
    "bbh-word-sorting",
    "families",
    "words",
];

impl Task {
    /// The task of this name, or in this `.toml` file. `bbh` is not one task but six; see [`Task::find_all`].
    ///
    /// # Errors
    /// There is no such task, or its file says something wrong; the message names line and field.
    pub fn find(name: &str) -> Result<Task, EvalError> {
        if name.ends_with(".toml") {
            let path = Path::new(name);
            let text = std::fs::read_to_string(path).map_err(|e| EvalError::file(path, e))?;
            let stem = path.file_stem().map_or(name.into(), |s| s.to_string_lossy());
            return Task::parse(&stem, name, &text);
        }
        if let Some((name, text)) = BUILT_IN.iter().find(|(n, _)| *n == name) {
            return Task::parse(name, &format!("task {name}"), text);
        }
        if strawberry_synth::families::find(name).is_some() {
            return Ok(Task {
                name: name.to_owned(),
                about: format!("the family '{name}' of strawberry synth"),
                version: 1,
                families: vec![name.to_owned()],
                count: 1000,
                seed: 20_260_403,
                split: Split::HeldOut,
                ..Task::default()
            });
        }
        let names: Vec<&str> = BUILT_IN.iter().map(|(n, _)| *n).collect();
        Err(EvalError::Task(format!(
            "unknown task '{name}': use one of {}, bbh, a family of `strawberry synth list`, or a .toml file",
            names.join(", ")
        )))
    }

    /// The tasks these names stand for.
    ///
    /// # Errors
    /// As [`Task::find`]; two tasks of one name.
    pub fn find_all(names: &[String]) -> Result<Vec<Task>, EvalError> {
        let mut tasks: Vec<Task> = Vec::new();
        for name in names {
            let expanded: Vec<&str> = match name.as_str() {
                "bbh" => BUILT_IN
                    .iter()
                    .map(|(n, _)| *n)
                    .filter(|n| n.starts_with("bbh-"))
                    .collect(),
                one => vec![one],
            };
            for name in expanded {
                let task = Task::find(name)?;
                if tasks.iter().any(|t| t.name == task.name) {
                    return Err(EvalError::Task(format!(
                        "the task '{}' is named twice",
                        task.name
                    )));
                }
                tasks.push(task);
            }
        }
        Ok(tasks)
    }

    /// Reads a task. `place` is what messages call the file.
    ///
    /// # Errors
    /// Line, column and field of what is wrong.
    pub fn parse(name: &str, place: &str, text: &str) -> Result<Task, EvalError> {
        let mut task: Task = toml::from_str(text)
            .map_err(|e| EvalError::Task(format!("{place}: {}", e.to_string().trim_end())))?;
        if task.name.is_empty() {
            name.clone_into(&mut task.name);
        }
        let wrong = |field: &str, what: &str| {
            let line = text
                .lines()
                .position(|l| l.trim_start().starts_with(field))
                .map_or(String::new(), |l| format!(", line {}", l + 1));
            Err(EvalError::Task(format!("{place}{line}: field `{field}`: {what}")))
        };
        if !task
            .name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        {
            return wrong("name", "only letters, digits, '-', '_' and '.'");
        }
        if task.source.is_some() != task.families.is_empty() {
            return wrong(
                "source",
                "give either `source` (a file) or `families` (of strawberry synth)",
            );
        }
        if !task.families.is_empty() {
            if let Some(unknown) = task
                .families
                .iter()
                .find(|f| *f != "all" && strawberry_synth::families::find(f).is_none())
            {
                return wrong(
                    "families",
                    &format!("unknown family '{unknown}'; `strawberry synth list` names them"),
                );
            }
            if task.difficulty.is_some_and(|(a, b)| a < 1 || b > 5 || a > b) {
                return wrong("difficulty", "two numbers from 1 to 5, the least first");
            }
            if !(1..=100_000).contains(&task.count) {
                return wrong("count", "how many problems, from 1 to 100000");
            }
            return Ok(task);
        }
        if task.format == Format::Svamp {
            return Ok(task);
        }
        if task.question.is_none() {
            return wrong("question", "a template such as \"{question}\" is needed");
        }
        match task.check {
            Check::Code if task.tests.is_none() && task.tests_call.is_none() => wrong(
                "tests",
                "code is judged by `tests` (a field with a list) or `tests_call` (a template)",
            ),
            Check::Choice if task.options.is_none() => {
                wrong("options", "a choice needs `options`, the field that lists them")
            }
            Check::Math | Check::Text if task.answer.is_none() => {
                wrong("answer", "a template such as \"{answer}\" is needed")
            }
            _ => Ok(task),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        Task::parse("t", "t.toml", text).unwrap_err().to_string()
    }

    #[test]
    fn every_built_in_task_is_well_formed() {
        for (name, _) in BUILT_IN {
            let task = Task::find(name).unwrap();
            assert!(task.version >= 1 && !task.about.is_empty(), "{name}");
        }
        let files = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tasks"))
            .unwrap()
            .count();
        assert_eq!(files, BUILT_IN.len(), "every file of tasks/ is built in");
        assert_eq!(Task::find_all(&["bbh".into(), "aqua".into()]).unwrap().len(), 7);
    }

    #[test]
    fn three_lines_make_a_task() {
        let task = Task::parse(
            "t",
            "t.toml",
            "source = \"a.jsonl\"\nquestion = \"{q}\"\nanswer = \"{a}\"",
        )
        .unwrap();
        assert_eq!((task.name.as_str(), task.check), ("t", Check::Math));
    }

    #[test]
    fn errors_name_line_and_field() {
        let unknown = error("source = \"a.jsonl\"\nquestions = \"{q}\"\nanswer = \"{a}\"");
        assert!(
            unknown.contains("line 2") && unknown.contains("questions"),
            "{unknown}"
        );
        let kind = error("source = \"a\"\nquestion = \"{q}\"\nanswer = \"{a}\"\ncheck = \"guess\"");
        assert!(kind.contains("line 4") && kind.contains("guess"), "{kind}");
        let missing = error("source = \"a\"\nquestion = \"{q}\"\ncheck = \"code\"");
        assert!(missing.contains("`tests`"), "{missing}");
        let family = error("families = [\"nope\"]\ncount = 3");
        assert!(family.contains("line 1") && family.contains("nope"), "{family}");
        assert!(error("x").contains("line 1"));
        assert!(Task::find("gsm9k").unwrap_err().to_string().contains("gsm8k"));
    }
}
