//! Reading problems from JSONL.

use std::path::Path;

use serde_json::Value;
use strawberry_core::{Message, Problem, Reference};

use crate::error::CliError;

/// Names under which a row may hold the question, first match wins.
const QUESTION: [&str; 4] = ["question", "problem", "prompt", "input"];
/// Names under which a row may hold the reference answer.
const ANSWER: [&str; 3] = ["answer", "reference", "target"];

/// The problems of a JSONL text: per line an object with `question` (or `problem`, `prompt`, `input`, or
/// `messages`), and optionally `answer` (or `reference`, `target`) and `id`. Blank lines are skipped.
///
/// # Errors
/// The first line that is no such object, by number.
pub fn parse(content: &[u8], path: &Path) -> Result<Vec<Problem>, CliError> {
    let shown = path.display();
    let mut problems = Vec::new();
    for (i, line) in content.split(|&b| b == b'\n').enumerate() {
        let at = |what: &str| CliError::usage(format!("{shown}, line {}: {what}", i + 1));
        let text = std::str::from_utf8(line)
            .map_err(|_| at("not UTF-8 text"))?
            .trim();
        if text.is_empty() {
            continue;
        }
        let row: Value = serde_json::from_str(text).map_err(|e| at(&format!("not JSON ({e})")))?;
        problems.push(problem(&row).map_err(|what| at(&what))?);
    }
    if problems.is_empty() {
        return Err(CliError::usage(format!(
            "{shown} holds no problems: write one {{\"question\": …}} per line"
        )));
    }
    Ok(problems)
}

fn problem(row: &Value) -> Result<Problem, String> {
    let row = row.as_object().ok_or("not a JSON object")?;
    let mut problem = if let Some(messages) = row.get("messages") {
        let messages: Vec<Message> = serde_json::from_value(messages.clone())
            .map_err(|e| format!("\"messages\" is no list of messages ({e})"))?;
        if messages.is_empty() {
            return Err("\"messages\" is empty".to_owned());
        }
        Problem::chat(messages)
    } else {
        let (name, question) = QUESTION
            .iter()
            .find_map(|&name| Some((name, row.get(name)?)))
            .ok_or("no \"question\" (nor \"problem\", \"prompt\", \"input\" or \"messages\")")?;
        let question = question
            .as_str()
            .ok_or_else(|| format!("\"{name}\" is not a string"))?;
        if question.trim().is_empty() {
            return Err(format!("\"{name}\" is empty"));
        }
        Problem::question(question)
    };
    let text = |value: &Value| match value {
        Value::String(s) => Some(s.clone()),
        Value::Number(n) => Some(n.to_string()),
        _ => None,
    };
    problem.id = row.get("id").and_then(text).unwrap_or_default();
    if let Some((name, value)) = ANSWER
        .iter()
        .find_map(|&name| Some((name, row.get(name)?)))
        .filter(|(_, v)| !v.is_null())
    {
        let answer = text(value).ok_or_else(|| format!("\"{name}\" is neither a string nor a number"))?;
        problem.reference = Some(Reference::Answer(answer));
    }
    Ok(problem)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Vec<Problem>, String> {
        parse(text.as_bytes(), Path::new("p.jsonl")).map_err(|e| match e {
            CliError::Usage(message) => message,
            other => format!("{other:?}"),
        })
    }

    #[test]
    fn reads_the_usual_names() {
        let text = "{\"question\": \"2+2?\", \"answer\": 4, \"id\": \"a\"}\n\n{\"problem\": \"x\"}\n";
        let problems = parsed(text).unwrap();
        assert_eq!(problems.len(), 2);
        assert_eq!(problems[0].reference, Some(Reference::Answer("4".into())));
        assert_eq!(
            (problems[0].id.as_str(), problems[1].last_user_text()),
            ("a", "x")
        );
    }

    #[test]
    fn names_the_line_that_is_wrong() {
        assert!(
            parsed("{\"question\": \"x\"}\n{")
                .unwrap_err()
                .contains("line 2: not JSON")
        );
        assert!(
            parsed("{\"question\": 3}")
                .unwrap_err()
                .contains("\"question\" is not a string")
        );
        assert!(parsed("[1]").unwrap_err().contains("not a JSON object"));
        assert!(parsed("\n").unwrap_err().contains("holds no problems"));
    }
}
