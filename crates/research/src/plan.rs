//! The plan: the parts of a question and what is searched for each; and how deep an effort goes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strawberry_core::{Budget, Effort};

use crate::sentence::on_one_line;

/// The longest question, in bytes.
pub const MOST_QUESTION: usize = 8 << 10;
/// The longest query, in bytes.
const MOST_QUERY: usize = 400;

/// One part of the question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Part {
    /// What is asked.
    pub question: String,
    /// What is searched for.
    pub queries: Vec<String>,
}

/// What will be looked for, before anything is read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Plan {
    /// The parts, in the order of the report.
    pub parts: Vec<Part>,
}

impl Plan {
    /// The plan that needs no model: each question of the text is a part, and its own query.
    pub fn lexical(question: &str, most_parts: usize) -> Plan {
        let mut parts: Vec<String> = Vec::new();
        for sentence in split(question) {
            if parts.len() < most_parts.max(1) {
                parts.push(sentence);
            } else if let Some(last) = parts.last_mut() {
                last.push(' ');
                last.push_str(&sentence);
            }
        }
        Plan {
            parts: parts
                .into_iter()
                .map(|question| Part {
                    queries: vec![cut(&question)],
                    question,
                })
                .collect(),
        }
    }

    /// The plan as lines that a person can edit: `question | query | query`.
    pub fn to_lines(&self) -> String {
        let line = |p: &Part| format!("{} | {}\n", p.question, p.queries.join(" | "));
        self.parts.iter().map(line).collect()
    }

    /// Reads what [`Plan::to_lines`] writes. A part without a query is its own query.
    ///
    /// # Errors
    /// There is no part, or more than 32.
    pub fn from_lines(text: &str) -> Result<Plan, String> {
        let mut plan = Plan::default();
        for line in text
            .lines()
            .map(str::trim)
            .filter(|l| !l.is_empty() && !l.starts_with('#'))
        {
            let mut fields = line.split('|').map(on_one_line).filter(|f| !f.is_empty());
            let Some(question) = fields.next() else { continue };
            let mut queries: Vec<String> = fields.map(|q| cut(&q)).collect();
            if queries.is_empty() {
                queries.push(cut(&question));
            }
            plan.parts.push(Part { question, queries });
        }
        match plan.parts.len() {
            0 => Err("the plan has no part: write one line per part, `question | query | query`".to_owned()),
            1..=32 => Ok(plan),
            n => Err(format!("the plan has {n} parts; at most 32 are carried out")),
        }
    }
}

/// A query of bearable length.
pub(crate) fn cut(query: &str) -> String {
    let query = on_one_line(query);
    query[..query.floor_char_boundary(MOST_QUERY)].to_owned()
}

/// The questions in a text: its sentences, and "… and how …".
fn split(text: &str) -> Vec<String> {
    let mut questions: Vec<String> = Vec::new();
    for (start, end) in crate::sentence::sentences(text) {
        let sentence = on_one_line(&text[start..end]);
        let mut rest = sentence.as_str();
        let asks = ["what", "how", "why", "when", "where", "who", "which"];
        while let Some(at) = asks
            .iter()
            .flat_map(|ask| {
                [
                    format!(", and {ask} "),
                    format!(" and {ask} "),
                    format!("; {ask} "),
                ]
            })
            .filter_map(|mark| rest.find(&mark).map(|at| (at, mark)))
            .min_by_key(|(at, _)| *at)
        {
            let (at, mark) = at;
            questions.push(rest[..at].to_owned());
            let word = mark.rsplit(' ').nth(1).map_or(0, str::len);
            rest = &rest[at + mark.len() - word - 1..];
        }
        questions.push(rest.to_owned());
    }
    questions.retain(|q| q.chars().any(char::is_alphanumeric));
    questions
}

/// How deep an effort goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Depth {
    /// Parts of the question at most.
    pub parts: usize,
    /// Rounds of searching; from the second on for parts that found too little.
    pub rounds: usize,
    /// Passages taken for each part.
    pub passages: usize,
    /// Sentences written for each part at most.
    pub sentences: usize,
    /// Searches and pages read at most (`tool_calls`), model calls at most (`samples`), sampled tokens at most.
    pub budget: Budget,
}

impl Depth {
    /// The depth of an effort.
    pub fn of(effort: Effort) -> Depth {
        let (parts, rounds, passages, sentences, tool_calls, samples) = match effort {
            Effort::None => (1, 1, 6, 2, 4, 2),
            Effort::Minimal => (1, 1, 8, 3, 8, 4),
            Effort::Low => (2, 1, 8, 3, 16, 8),
            Effort::Medium => (4, 2, 10, 4, 40, 24),
            Effort::High => (6, 3, 12, 5, 80, 48),
            Effort::Xhigh => (8, 3, 16, 6, 160, 96),
            Effort::Max => (12, 4, 20, 8, 320, 192),
        };
        Depth {
            parts,
            rounds,
            passages,
            sentences,
            budget: Budget {
                samples: Some(samples),
                tokens: Some(u64::from(samples) * 1024),
                attempt_tokens: Some(1024),
                wall_ms: None,
                tool_calls: Some(tool_calls),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_are_split_into_parts() {
        let plan = Plan::lexical("Who built Varn and when was it closed? How high is it?", 4);
        let questions: Vec<&str> = plan.parts.iter().map(|p| p.question.as_str()).collect();
        assert_eq!(
            questions,
            ["Who built Varn", "when was it closed?", "How high is it?"]
        );
        assert_eq!(Plan::lexical("A? B? C?", 2).parts[1].question, "B? C?");
    }

    #[test]
    fn plans_survive_editing() {
        let plan = Plan::from_lines("# mine\nWhat is x? | x | x y\n\nWhy z?\n").unwrap();
        assert_eq!(plan.parts[0].queries, ["x", "x y"]);
        assert_eq!(plan.parts[1].queries, ["Why z?"]);
        assert_eq!(Plan::from_lines(&plan.to_lines()).unwrap(), plan);
        assert!(Plan::from_lines("\n").is_err());
    }

    #[test]
    fn more_effort_never_goes_less_deep() {
        for pair in Effort::ALL.windows(2) {
            let (a, b) = (Depth::of(pair[0]), Depth::of(pair[1]));
            assert!(
                a.parts <= b.parts && a.passages <= b.passages && a.budget.tool_calls < b.budget.tool_calls
            );
        }
    }
}
