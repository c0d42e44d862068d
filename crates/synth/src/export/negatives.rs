//! Wrong solutions made from right ones, for preference and step data where no model's mistakes are at hand.

use crate::item::Step;
use crate::rational::{self, Rat, int};
use crate::record::{Record, Style, final_line};
use crate::rng::Rng;

/// A right solution with one step's value changed, and everything after it left out: the wrong value is given as the answer. The
/// steps' labels are in `ok`. `None` for records without arithmetic.
pub fn spoiled(record: &Record) -> Option<(String, Vec<Step>)> {
    let mut rng = Rng::new(crate::record::question_hash(record.question()));
    let candidates: Vec<usize> = (0..record.steps.len())
        .filter(|i| !record.steps[*i].expr.is_empty())
        .collect();
    if candidates.is_empty() || !record.answerable || record.reward < 1 {
        return None;
    }
    let at = *rng.pick(&candidates);
    let value = rational::parse(&record.steps[at].value)?;
    let wrong = slip(value, &mut rng);
    let mut steps = record.steps[..=at].to_vec();
    let step = steps.last_mut()?;
    let shown = rational::show(wrong);
    step.text = replace_last(&step.text, &step.value, &shown);
    step.value = shown.clone();
    step.ok = false;
    let style = if record.completion.contains("####") {
        Style::Marked
    } else {
        Style::Natural
    };
    let mut text = String::new();
    for step in &steps {
        text.push_str(&step.text);
        text.push('\n');
    }
    text.push_str(&final_line(&shown, style));
    Some((text, steps))
}

/// A value as a slip in calculation would give it: off by one, two or ten, or with one digit too many.
fn slip(value: Rat, rng: &mut Rng) -> Rat {
    let changed = match rng.below(5) {
        0 => value + int(1),
        1 => value - int(1),
        2 => value + int(10),
        3 => value * int(10),
        _ => value + int(2),
    };
    if changed == value { value + int(1) } else { changed }
}

/// Replaces the last occurrence of `old`; adds `new` at the end if there is none.
fn replace_last(text: &str, old: &str, new: &str) -> String {
    match text.rfind(old) {
        Some(at) if !old.is_empty() => format!("{}{new}{}", &text[..at], &text[at + old.len()..]),
        _ => format!("{text} {new}"),
    }
}
