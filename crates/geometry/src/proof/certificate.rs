//! The certificate: JSON lines that state a problem, its figures and a proof, for anyone to check.
//!
//! The first line is a [`Header`]; then one [`Auxiliary`] line for each added point, [`Step`] lines in order,
//! and one [`GoalLine`] for each goal. `docs/geometry.md` defines the meaning; [`crate::checker`] checks it.

use serde::{Deserialize, Serialize};

/// The name in every header.
pub const FORMAT: &str = "strawberry-geometry-certificate";
/// The version this crate writes and checks.
pub const VERSION: u32 = 1;

/// Statement and figures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// [`FORMAT`].
    pub format: String,
    /// [`VERSION`].
    pub version: u32,
    /// Name of the problem.
    pub name: String,
    /// The statement as it was given.
    pub source: String,
    /// Point names: those of the statement, then the auxiliary ones in order.
    pub points: Vec<String>,
    /// How many of the points belong to the statement.
    pub given_points: usize,
    /// One or more figures: coordinates for every point.
    pub figures: Vec<Vec<[f64; 2]>>,
    /// The hypotheses, as predicates.
    pub hypotheses: Vec<String>,
    /// The goals, as predicates.
    pub goals: Vec<String>,
}

/// An added point and the facts that define it: two independent equations at a transversal intersection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Auxiliary {
    /// Its name.
    pub point: String,
    /// Its defining facts, as predicates. Facts are numbered on from the hypotheses.
    pub facts: Vec<String>,
    /// The construction in words (not checked).
    pub construction: String,
}

/// A linear relation. Terms are `[point, point, coefficient]` or `[constant, coefficient]` with the constants
/// `pi`, `log2`, `log3`, …, `unit`, `unit2`; the sum of the terms is zero. In table D the multiple of `pi`
/// is meant modulo 1.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RowText {
    /// `D` directions, `M` log lengths, `L` lengths, `S` squared lengths.
    pub table: String,
    /// The terms.
    pub terms: Vec<Vec<String>>,
}

/// A premise as a sum of earlier rows: `(step id, row index, coefficient)`.
pub type Combination = Vec<(usize, usize, String)>;

/// One step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Number of the step, increasing.
    pub id: usize,
    /// `given`, or the rule's name.
    pub rule: String,
    /// For `given`: which fact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fact: Option<usize>,
    /// The points of the rule's instance.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub points: Vec<String>,
    /// The number of the instance, where the rule takes one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// How each premise of the rule follows, in the rule's order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub premises: Vec<Combination>,
    /// The rows concluded (those used later).
    pub rows: Vec<RowText>,
}

/// How a goal follows: one combination for each row the goal stands for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GoalLine {
    /// Which goal.
    pub goal: usize,
    /// One combination a row.
    pub premises: Vec<Combination>,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Line {
    /// First line.
    Header(Header),
    /// Added points.
    Auxiliary(Auxiliary),
    /// Steps.
    Step(Step),
    /// Goals.
    Goal(GoalLine),
}

/// A whole certificate.
#[derive(Clone, Debug, PartialEq)]
pub struct Certificate {
    /// Statement and figures.
    pub header: Header,
    /// Added points.
    pub auxiliary: Vec<Auxiliary>,
    /// Steps.
    pub steps: Vec<Step>,
    /// Goals.
    pub goals: Vec<GoalLine>,
}

impl Certificate {
    /// As JSON lines.
    pub fn to_jsonl(&self) -> String {
        let mut out = String::new();
        let lines = std::iter::once(Line::Header(self.header.clone()))
            .chain(self.auxiliary.iter().cloned().map(Line::Auxiliary))
            .chain(self.steps.iter().cloned().map(Line::Step))
            .chain(self.goals.iter().cloned().map(Line::Goal));
        for line in lines {
            // these types hold strings, numbers and lists only: serialising cannot fail
            out.push_str(&serde_json::to_string(&line).unwrap_or_default());
            out.push('\n');
        }
        out
    }

    /// From JSON lines. The error names the line.
    pub fn from_jsonl(text: &str) -> Result<Self, String> {
        let mut header = None;
        let (mut auxiliary, mut steps, mut goals) = (vec![], vec![], vec![]);
        for (i, l) in text.lines().enumerate().filter(|(_, l)| !l.trim().is_empty()) {
            let line: Line = serde_json::from_str(l).map_err(|e| format!("line {}: {e}", i + 1))?;
            match line {
                Line::Header(h) if header.is_none() => header = Some(h),
                Line::Header(_) => return Err(format!("line {}: a second header", i + 1)),
                Line::Auxiliary(a) => auxiliary.push(a),
                Line::Step(s) => steps.push(s),
                Line::Goal(g) => goals.push(g),
            }
        }
        let header = header.ok_or("the certificate has no header line")?;
        Ok(Certificate {
            header,
            auxiliary,
            steps,
            goals,
        })
    }
}
