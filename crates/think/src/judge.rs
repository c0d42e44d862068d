//! What happens to an attempt when it has been sampled: its program is run, its answer found, its scores and
//! its verdict given, and where there is no answer, the reason.

use strawberry_core::{Attempt, Finish, Judgement, Problem, Verdict, Verifier};

use crate::programs::{self, Run};
use crate::scorer::Scorer;

/// Text that repeats for this many characters at the end of a response is a loop.
const LOOP: usize = 160;
/// The fewest repetitions that make a loop.
const REPEATS: usize = 4;

/// Judges an attempt. Blocks: programs may run.
pub(crate) fn judge(
    mut attempt: Attempt,
    problem: &Problem,
    verifier: &dyn Verifier,
    scorer: Option<&dyn Scorer>,
    program: bool,
) -> Attempt {
    if program {
        run(&mut attempt);
    }
    let whole = attempt.finish != Finish::Cancelled;
    // The number that a cut-off sentence happens to end with is no answer.
    attempt.answer = verifier
        .extract(problem, &attempt.text)
        .filter(|a| whole || a.marked);
    attempt.judgement = verifier.judge(problem, &attempt.text);
    if let Some(score) = scorer.and_then(|s| Some((s.name().to_owned(), s.score(problem, &attempt)?))) {
        let (name, score) = score;
        attempt.scores.insert(name, score.value);
        attempt.feedback = attempt.feedback.or(score.feedback);
    }
    if attempt.answer.is_none()
        && let Some(judgement) = &mut attempt.judgement
        && matches!(judgement.verdict, Verdict::NoAnswer | Verdict::Incorrect)
    {
        let reason = no_answer(&attempt.text, attempt.finish);
        *judgement = Judgement::new(Verdict::NoAnswer, "extraction", reason);
    }
    attempt
}

/// Runs the program in the response; what it prints is the answer that the response then states.
fn run(attempt: &mut Attempt) {
    attempt.usage.tool_calls += 1;
    match programs::run(&attempt.text) {
        Run::Printed(output) => {
            let answer = output.lines().last().unwrap_or_default().trim().to_owned();
            let text = attempt.text.trim_end();
            attempt.text = format!("{text}\n\n```output\n{output}\n```\nThe answer is {answer}");
        }
        Run::Nothing(why) => attempt.feedback = Some(why),
    }
}

/// Why a response holds no answer.
pub fn no_answer(text: &str, finish: Finish) -> String {
    if text.trim().is_empty() {
        return "the model returned nothing".to_owned();
    }
    if let Some(unit) = repeated(text) {
        return format!("the response repeats itself: “{}”", unit.trim());
    }
    match finish {
        Finish::Length => "the response was cut off before it gave an answer".to_owned(),
        Finish::Cancelled => "the attempt was given up before it gave an answer".to_owned(),
        Finish::Failed => "the model failed in the middle of the response".to_owned(),
        Finish::Stop | Finish::ToolCalls => "the response holds no answer".to_owned(),
    }
}

/// The text that is repeated at the end of a response, if it ends in a loop.
pub fn repeated(text: &str) -> Option<String> {
    let chars: Vec<char> = text.trim_end().chars().rev().take(LOOP * REPEATS).collect();
    let longest = chars.len() / REPEATS;
    (1..=longest).find_map(|period| {
        let span = LOOP.max(period * REPEATS);
        let loops = chars.len() >= span && (period..span).all(|i| chars[i] == chars[i - period]);
        loops.then(|| chars[..period].iter().rev().collect())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loops_are_recognised_and_ordinary_text_is_not() {
        let text = format!("So we add. {}", "He has 3 apples. ".repeat(20));
        assert!(repeated(&text).unwrap().contains("He has 3 apples."));
        assert!(repeated(&"0".repeat(200)).is_some());
        assert_eq!(repeated("The answer is 12 12 12 12."), None);
        assert_eq!(repeated(""), None);
    }

    #[test]
    fn the_reason_says_what_went_wrong() {
        assert_eq!(no_answer("  ", Finish::Stop), "the model returned nothing");
        assert!(no_answer("Let me think", Finish::Length).contains("cut off"));
        assert!(no_answer(&"ab ".repeat(100), Finish::Length).contains("repeats itself"));
    }
}
