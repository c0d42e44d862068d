//! What a family makes: a question, the steps of a solution, the answer, and the structured problem behind them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::expr::{Expr, ExprError};
use crate::rational::{self, Rat};

/// The reference answer of a problem that can't be answered.
pub const ABSTENTION: &str = "I don't know";

/// How an answer is held against the reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// Equal as exact numbers (integers, decimals, fractions, mixed with `$`, `%` and commas).
    Number,
    /// Equal as text, apart from case, spacing and outer punctuation.
    Text,
    /// Equal as lists of items separated by commas, in the same order.
    List,
    /// An expression that uses each given number exactly once and has the target value.
    Countdown,
    /// The right response is to say that the problem can't be answered.
    Abstain,
}

impl Check {
    /// The snake-case name used in records.
    pub fn as_str(self) -> &'static str {
        match self {
            Check::Number => "number",
            Check::Text => "text",
            Check::List => "list",
            Check::Countdown => "countdown",
            Check::Abstain => "abstain",
        }
    }

    /// The check of this name.
    pub fn from_name(name: &str) -> Option<Check> {
        [
            Check::Number,
            Check::Text,
            Check::List,
            Check::Countdown,
            Check::Abstain,
        ]
        .into_iter()
        .find(|c| c.as_str() == name)
    }
}

/// One step of a solution.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// The step as a person would write it.
    pub text: String,
    /// The arithmetic in it; empty for a step without arithmetic.
    pub expr: String,
    /// The value stated for the arithmetic; empty for a step without arithmetic.
    pub value: String,
    /// Whether the step is right. Arithmetic: the exact value equals the stated one (see [`step_holds`]).
    pub ok: bool,
    /// The step in the step language: with a `<<expr=value>>` mark where there is arithmetic.
    #[serde(skip)]
    pub marked: String,
}

/// Whether `expr` has `value`: exactly, or rounded or cut to the decimals which `value` shows.
pub fn step_holds(expr: &str, value: &str) -> bool {
    let (Ok(exact), Some(stated)) = (
        Expr::parse(expr).and_then(|e| e.eval(&[])),
        rational::parse(value),
    ) else {
        return false;
    };
    if exact == stated {
        return true;
    }
    let value = value.trim().trim_end_matches('%');
    let places = value.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    if places == 0 || places > 9 || value.contains('/') {
        return false;
    }
    let unit = Rat::new(1, 10i128.pow(places as u32));
    let distance = exact - stated;
    -unit < distance && distance < unit
}

/// Collects the steps of a solution, computing each exactly.
#[derive(Debug, Default)]
pub struct Steps(pub Vec<Step>);

impl Steps {
    /// No steps yet.
    pub fn new() -> Self {
        Steps::default()
    }

    /// Adds a step that computes `expr` under a label, and gives its value.
    ///
    /// # Panics
    /// When `expr` has no value: a fault of the family that wrote it, never of a user.
    pub fn calc(&mut self, label: &str, expr: impl AsRef<str>) -> Rat {
        let expr = expr.as_ref();
        match self.try_calc(label, expr) {
            Ok(value) => value,
            Err(e) => panic!("step '{label}': {expr}: {e}"),
        }
    }

    /// Adds a step that computes `expr` under a label, and gives its value.
    pub fn try_calc(&mut self, label: &str, expr: &str) -> Result<Rat, ExprError> {
        let value = Expr::parse(expr)?.eval(&[])?;
        let shown = rational::show(value);
        let start = if label.is_empty() {
            String::new()
        } else {
            format!("{label}: ")
        };
        self.0.push(Step {
            text: format!("{start}{} = {shown}", spaced(expr)),
            marked: format!("{start}<<{expr}={shown}>>{shown}"),
            expr: expr.to_owned(),
            value: shown,
            ok: true,
        });
        Ok(value)
    }

    /// Adds a step in words.
    pub fn note(&mut self, text: impl Into<String>) {
        let text = text.into();
        self.0.push(Step {
            marked: text.clone(),
            text,
            ok: true,
            ..Step::default()
        });
    }
}

/// Puts spaces around the binary operators of an expression: `3*(4-1)` becomes `3 * (4 - 1)`.
pub fn spaced(expr: &str) -> String {
    let mut out = String::with_capacity(expr.len() + 8);
    let chars: Vec<char> = expr.chars().filter(|c| !c.is_whitespace()).collect();
    for (i, &c) in chars.iter().enumerate() {
        let after_operand = i > 0 && (chars[i - 1].is_alphanumeric() || matches!(chars[i - 1], ')' | '%'));
        match c {
            '+' | '-' | '*' if after_operand => {
                out.push(' ');
                out.push(c);
                out.push(' ');
            }
            '/' if chars.get(i + 1) == Some(&'/') => out.push_str(" /"),
            '/' if i > 0 && chars[i - 1] == '/' => out.push_str("/ "),
            '/' if after_operand => out.push_str(" / "),
            _ => out.push(c),
        }
    }
    out
}

/// A problem made by a family.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// Which of the family's kinds of problem this is (a template's name, for example).
    pub kind: String,
    /// The question, as the user would write it.
    pub question: String,
    /// The steps of a solution; empty when the problem can't be answered.
    pub steps: Vec<Step>,
    /// The reference answer; [`ABSTENTION`] when the problem can't be answered.
    pub answer: String,
    /// How an answer is checked.
    pub check: Check,
    /// Why the problem can't be answered; empty when it can.
    pub reason: String,
    /// The structured problem: enough to solve it without reading the question or the steps.
    pub facts: Facts,
    /// Texts which the question must contain to be answerable, for example its numbers.
    pub needed: Vec<String>,
}

/// The structured problem behind a question, by name.
pub type Facts = BTreeMap<String, Value>;

impl Item {
    /// An answerable problem whose answer is checked as `check` says.
    pub fn new(
        kind: &str,
        question: String,
        steps: Steps,
        answer: String,
        check: Check,
        facts: Facts,
    ) -> Self {
        Item {
            kind: kind.to_owned(),
            question,
            steps: steps.0,
            answer,
            check,
            reason: String::new(),
            facts,
            needed: Vec::new(),
        }
    }

    /// An answerable problem whose answer is a number.
    pub fn number(kind: &str, question: String, steps: Steps, answer: Rat, facts: Facts) -> Self {
        Item::new(
            kind,
            question,
            steps,
            rational::show(answer),
            Check::Number,
            facts,
        )
    }

    /// States texts which the question must contain.
    pub fn needing<T: ToString>(mut self, needed: impl IntoIterator<Item = T>) -> Self {
        self.needed.extend(needed.into_iter().map(|t| t.to_string()));
        self
    }

    /// Whether the problem can be answered.
    pub fn answerable(&self) -> bool {
        self.check != Check::Abstain
    }
}

/// Builds [`Facts`]: `facts! { "a" => 3, "words" => ["x", "y"] }`.
#[macro_export]
macro_rules! facts {
    ($($name:expr => $value:expr),* $(,)?) => {{
        let mut facts = $crate::item::Facts::new();
        $(facts.insert($name.to_string(), ::serde_json::json!($value));)*
        facts
    }};
}

/// Reading [`Facts`] back, for solvers.
pub trait ReadFacts {
    /// A whole number.
    fn int(&self, name: &str) -> Option<i64>;
    /// A list of whole numbers.
    fn ints(&self, name: &str) -> Option<Vec<i64>>;
    /// A text.
    fn text(&self, name: &str) -> Option<&str>;
    /// A list of texts.
    fn texts(&self, name: &str) -> Option<Vec<String>>;
    /// A list of lists of whole numbers.
    fn rows(&self, name: &str) -> Option<Vec<Vec<i64>>>;
    /// An exact number, stored as text.
    fn rat(&self, name: &str) -> Option<Rat>;
}

impl ReadFacts for Facts {
    fn int(&self, name: &str) -> Option<i64> {
        self.get(name)?.as_i64()
    }

    fn ints(&self, name: &str) -> Option<Vec<i64>> {
        self.get(name)?.as_array()?.iter().map(Value::as_i64).collect()
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_str()
    }

    fn texts(&self, name: &str) -> Option<Vec<String>> {
        let list = self.get(name)?.as_array()?;
        list.iter().map(|v| v.as_str().map(str::to_owned)).collect()
    }

    fn rows(&self, name: &str) -> Option<Vec<Vec<i64>>> {
        let list = self.get(name)?.as_array()?;
        list.iter()
            .map(|row| row.as_array()?.iter().map(Value::as_i64).collect())
            .collect()
    }

    fn rat(&self, name: &str) -> Option<Rat> {
        rational::parse(self.get(name)?.as_str()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_holds_exactly_or_to_the_decimals_it_shows() {
        assert!(step_holds("48/2", "24") && step_holds("5/6", ".83") && step_holds("200*15%", "30"));
        assert!(!step_holds("48/2", "25") && !step_holds("5/6", "0.85") && !step_holds("7/2", "3"));
        assert!(!step_holds("7/0", "3") && !step_holds("", "") && !step_holds("x", "3"));
    }

    #[test]
    fn steps_carry_both_styles() {
        let mut steps = Steps::new();
        steps.calc("Eggs", "3*(12-2)");
        assert_eq!(steps.0[0].text, "Eggs: 3 * (12 - 2) = 30");
        assert_eq!(steps.0[0].marked, "Eggs: <<3*(12-2)=30>>30");
        assert_eq!(spaced("-3*(-2)+17//5"), "-3 * (-2) + 17 // 5");
    }
}
