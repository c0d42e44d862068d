//! The page on which every sample can be opened down to its attempts.

use serde_json::json;

use crate::EvalError;
use crate::ladder::Outcome;
use crate::sample::Sample;

/// The characters of a text that are shown.
const SHOWN: usize = 3000;

/// The page, with its data inside.
///
/// # Errors
/// A value can't be written as JSON.
pub fn page(samples: &[Sample], outcomes: &[Outcome]) -> Result<String, EvalError> {
    let cut = |text: &str| -> String { text.chars().take(SHOWN).collect() };
    let samples: Vec<Sample> = samples
        .iter()
        .map(|s| {
            let mut s = s.clone();
            for attempt in &mut s.attempts {
                attempt.text = cut(&attempt.text);
                attempt.thinking = attempt.thinking.as_deref().map(cut);
            }
            s
        })
        .collect();
    let data = serde_json::to_string(&json!({ "samples": samples, "results": outcomes }))
        .map_err(|e| EvalError::File(e.to_string()))?;
    // A `</script>` or `<!--` in a response must not end the element it stands in.
    let data = data.replace('<', "\\u003c");
    Ok(include_str!("viewer.html").replace("/*DATA*/", &data))
}
