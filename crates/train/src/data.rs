//! Reading training rows, and writing them down as tokens.

use std::path::Path;

use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use strawberry_core::Message;
use strawberry_engine::source::ModelSource;
use strawberry_engine::template::Conversation;
use strawberry_engine::tokenizer::Special;
use strawberry_synth::sink::read_lines;

use crate::error::TrainError;
use crate::network::batch::Sequence;

/// How much of a solution is learned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Steps {
    /// The completion as it is.
    #[default]
    Whole,
    /// Of a record with arithmetic: its marks `<<expr=value>>` and the last line, nothing else. At 135M
    /// parameters short equations are learned best (Hao et al. 2024, arXiv 2412.06769, train GPT-2 on them).
    Equations,
}

/// A prompt with its response.
#[derive(Clone, Debug, PartialEq)]
pub struct Example {
    /// What was said before.
    pub messages: Vec<Message>,
    /// The response to be learned.
    pub completion: String,
    /// `train`, `dev` or `test`.
    pub split: Split,
}

/// What a row is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// Learning.
    Train,
    /// Measuring during training.
    Dev,
    /// Neither.
    Test,
}

/// A preference: two responses to one prompt.
#[derive(Clone, Debug, PartialEq)]
pub struct Preference {
    /// What was said before.
    pub messages: Vec<Message>,
    /// The better response.
    pub chosen: String,
    /// The worse response.
    pub rejected: String,
}

#[derive(Deserialize)]
struct Turn {
    role: String,
    content: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Text {
    Plain(String),
    Turns(Vec<Turn>),
}

#[derive(Deserialize)]
struct Row {
    messages: Option<Vec<Turn>>,
    prompt: Option<Text>,
    completion: Option<Text>,
    chosen: Option<Text>,
    rejected: Option<Text>,
    #[serde(default)]
    steps: Vec<Value>,
    reward: Option<f32>,
    split: Option<String>,
}

impl Text {
    /// The content of the last turn, or the text.
    fn last(self) -> String {
        match self {
            Text::Plain(text) => text,
            Text::Turns(mut turns) => turns.pop().map(|t| t.content).unwrap_or_default(),
        }
    }
}

fn message(turn: Turn) -> Result<Message, String> {
    match turn.role.as_str() {
        "system" => Ok(Message::system(turn.content)),
        "user" => Ok(Message::user(turn.content)),
        "assistant" => Ok(Message::assistant(turn.content)),
        other => Err(format!("unknown role '{other}': use system, user or assistant")),
    }
}

impl Row {
    fn prompt(&mut self) -> Result<Vec<Message>, String> {
        let turns = match (self.prompt.take(), self.messages.take()) {
            (Some(Text::Plain(text)), _) => return Ok(vec![Message::user(text)]),
            (Some(Text::Turns(turns)), _) | (None, Some(turns)) => turns,
            (None, None) => return Err("it has neither 'messages' nor 'prompt'".to_owned()),
        };
        turns.into_iter().map(message).collect()
    }

    fn split(&self) -> Split {
        match self.split.as_deref() {
            Some("dev") => Split::Dev,
            Some("test") => Split::Test,
            _ => Split::Train,
        }
    }

    fn example(mut self, steps: Steps) -> Result<Option<Example>, String> {
        if self.reward.is_some_and(|r| r < 1.0) {
            return Ok(None);
        }
        let split = self.split();
        let marks = std::mem::take(&mut self.steps);
        let mut messages = self.prompt()?;
        let mut completion = match self.completion.take() {
            Some(text) => text.last(),
            None => match messages.pop() {
                Some(m) if m.role == strawberry_core::Role::Assistant => m.content,
                _ => {
                    return Err(
                        "it has no 'completion', and its last message is not the assistant's".to_owned(),
                    );
                }
            },
        };
        if steps == Steps::Equations {
            completion = equations(&completion, &marks);
        }
        if messages.is_empty() || completion.trim().is_empty() {
            return Err("its prompt or its completion is empty".to_owned());
        }
        Ok(Some(Example {
            messages,
            completion,
            split,
        }))
    }
}

/// The marks and the last line of a completion whose every step is arithmetic; any other as it is.
fn equations(completion: &str, steps: &[Value]) -> String {
    let field = |step: &Value, name: &str| step.get(name).and_then(Value::as_str).unwrap_or("").to_owned();
    let mut lines = Vec::new();
    for step in steps {
        let (expr, value) = (field(step, "expr"), field(step, "value"));
        if expr.is_empty() || value.is_empty() {
            return completion.to_owned();
        }
        lines.push(format!("<<{}={value}>>", expr.replace(' ', "")));
    }
    match completion.lines().last() {
        Some(last) if !lines.is_empty() && last.starts_with("####") => {
            lines.push(last.to_owned());
            lines.join("\n")
        }
        _ => completion.to_owned(),
    }
}

fn each_row(path: &Path, mut row: impl FnMut(Row) -> Result<(), String>) -> Result<(), TrainError> {
    let mut failed = None;
    let read = read_lines(path, &mut |line, text| {
        let result = serde_json::from_str::<Row>(text)
            .map_err(|e| format!("not a row of training data: {e}"))
            .and_then(&mut row);
        result.map_err(|reason| {
            failed = Some(TrainError::Row {
                path: path.to_owned(),
                line,
                reason: reason.clone(),
            });
            strawberry_synth::SynthError::Option(reason)
        })
    });
    match failed {
        Some(error) => Err(error),
        None => Ok(read?),
    }
}

/// Reads JSONL rows: records of `synth`, or rows with `messages`, or with `prompt` and `completion`, as
/// other trainers read them. Rows with a reward below 1 are left out.
///
/// # Errors
/// [`TrainError::Row`] names the first broken row by its line.
pub fn read_examples(path: &Path, steps: Steps) -> Result<Vec<Example>, TrainError> {
    let mut all = Vec::new();
    each_row(path, |row| {
        all.extend(row.example(steps)?);
        Ok(())
    })?;
    Ok(all)
}

/// Reads JSONL rows with `prompt` (or `messages`), `chosen` and `rejected`.
///
/// # Errors
/// [`TrainError::Row`] names the first broken row by its line.
pub fn read_preferences(path: &Path) -> Result<Vec<Preference>, TrainError> {
    let mut all = Vec::new();
    each_row(path, |mut row| {
        let (Some(chosen), Some(rejected)) = (row.chosen.take(), row.rejected.take()) else {
            return Err("it lacks 'chosen' or 'rejected'".to_owned());
        };
        all.push(Preference {
            messages: row.prompt()?,
            chosen: chosen.last(),
            rejected: rejected.last(),
        });
        Ok(())
    })?;
    Ok(all)
}

/// A prompt in the model's own form.
///
/// # Errors
/// When the template refuses it.
pub fn prompt_tokens(source: &ModelSource, messages: &[Message]) -> Result<Vec<u32>, TrainError> {
    let prompt = source.prompt(&Conversation::new(messages));
    Ok(prompt.map_err(|e| TrainError::Option(e.to_string()))?.tokens)
}

/// A prompt and its response as the model sees them when it answers, with the end of its turn.
///
/// # Errors
/// When the template refuses the prompt or the model has no token that ends a turn.
pub fn sequence(
    source: &ModelSource,
    messages: &[Message],
    completion: &str,
) -> Result<Sequence, TrainError> {
    let mut tokens = prompt_tokens(source, messages)?;
    let prompt = tokens.len();
    let tokenizer = source.tokenizer();
    let encoded = tokenizer.encode(completion, Special::AsText);
    tokens.extend(encoded.map_err(|e| TrainError::Option(e.to_string()))?);
    let end = tokenizer.eos().or(tokenizer.end_tokens().first().copied());
    tokens.push(
        end.ok_or_else(|| TrainError::Unsupported("the model has no token that ends a turn".to_owned()))?,
    );
    Ok(Sequence { tokens, prompt })
}

/// SHA-256 over sequences, in hex: names the data of a run, so that a resumed run notices another.
pub fn fingerprint<'a>(all: impl IntoIterator<Item = &'a Sequence>) -> String {
    let mut hasher = Sha256::new();
    for s in all {
        hasher.update((s.prompt as u64).to_le_bytes());
        hasher.update((s.tokens.len() as u64).to_le_bytes());
        s.tokens.iter().for_each(|t| hasher.update(t.to_le_bytes()));
    }
    hasher
        .finalize()
        .iter()
        .take(16)
        .fold(String::new(), |hex, b| hex + &format!("{b:02x}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, steps: Steps) -> Result<Vec<Example>, TrainError> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        read_examples(file.path(), steps)
    }

    #[test]
    fn rows_of_all_forms_are_read() {
        let text = r###"{"messages":[{"role":"user","content":"q"}],"completion":"a: <<1+2=3>>3\n#### 3","steps":[{"expr":"1 + 2","value":"3"}],"reward":1,"split":"dev"}

{"messages":[{"role":"system","content":"s"},{"role":"user","content":"q"},{"role":"assistant","content":"a"}]}
{"prompt":"q","completion":"a"}
{"prompt":[{"role":"user","content":"q"}],"completion":[{"role":"assistant","content":"a"}]}
{"prompt":"q","completion":"wrong","reward":-1}"###;
        let rows = read(text, Steps::Equations).unwrap();
        assert_eq!(rows.len(), 4);
        assert_eq!(rows[0].completion, "<<1+2=3>>\n#### 3");
        assert_eq!(rows[0].split, Split::Dev);
        assert_eq!(rows[1].messages.len(), 2);
        assert!(
            rows[1..]
                .iter()
                .all(|r| r.completion == "a" && r.split == Split::Train)
        );
        assert_eq!(
            read(text, Steps::Whole).unwrap()[0].completion,
            "a: <<1+2=3>>3\n#### 3"
        );
    }

    #[test]
    fn a_broken_row_is_named_by_its_line() {
        for (text, reason) in [
            (
                "{\"prompt\":\"q\",\"completion\":\"a\"}\n{\"prompt\":",
                "not a row",
            ),
            ("\n{\"completion\":\"a\"}", "neither 'messages' nor 'prompt'"),
            ("\n{\"prompt\":\"q\"}", "no 'completion'"),
            (
                "\n{\"messages\":[{\"role\":\"robot\",\"content\":\"\"}],\"completion\":\"a\"}",
                "robot",
            ),
            ("\n{\"prompt\":\"q\",\"completion\":\" \"}", "empty"),
        ] {
            let message = read(text, Steps::Whole).unwrap_err().to_string();
            assert!(
                message.contains("line 2") && message.contains(reason),
                "{message}"
            );
        }
    }
}
