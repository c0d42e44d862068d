//! How a question is put to a model so that it thinks and marks its answer.

use strawberry_core::{Message, Problem, Role};

/// What makes a chat model think aloud and end with an answer that can be found.
const CHAIN_OF_THOUGHT: &str = "Think step by step. End with one line: \"The answer is X.\"";
/// The same for a model that thinks in a block of its own and only has to mark the answer.
const MARK_ANSWER: &str = "End with one line: \"The answer is X.\"";
/// What closes a chain of thought that used up its budget, in a model without thinking blocks.
pub const CLOSE_CHAIN_OF_THOUGHT: &str = "\n\nThe answer is";

/// Whether the question asks for an answer that can be compared (a number, a choice, a word), as opposed
/// to an explanation, a text or a plan.
///
/// A heuristic on the words of the question: it decides only how the question is put and whether votes
/// are counted, never whether an answer is right.
pub fn is_closed(problem: &Problem) -> bool {
    if problem.reference.is_some() {
        return true;
    }
    let text = problem.last_user_text().to_lowercase();
    let open = [
        "explain",
        "why ",
        "write ",
        "describe",
        "essay",
        "poem",
        "story",
        "summar",
        "translate",
        "plan ",
        "draft",
    ];
    if open
        .iter()
        .any(|w| text.starts_with(w) || text.contains(&format!(". {w}")))
    {
        return false;
    }
    let asks = [
        "how many",
        "how much",
        "how long",
        "how far",
        "how old",
        "how fast",
        "what is",
        "what's",
        "what are",
        "which ",
        "when ",
        "who ",
        "find ",
        "solve",
        "compute",
        "calculate",
        "evaluate",
        "simplify",
        "determine",
        "true or false",
        "yes or no",
        "多少",
        "几",
        "求",
        "计算",
    ];
    let has_number = text.chars().any(|c| c.is_ascii_digit());
    let has_choices = ["(a)", "a)", "a."].iter().any(|a| text.contains(a))
        && ["(b)", "b)", "b."].iter().any(|b| text.contains(b));
    has_choices
        || (has_number && (text.contains('?') || text.contains('？') || text.contains('=')))
        || asks.iter().any(|w| text.contains(w))
}

/// The conversation with the last user message extended so that the model thinks aloud (`reasoning`
/// false) or merely marks its answer (`reasoning` true). An open question is left as it is.
pub fn chain_of_thought(problem: &Problem, reasoning: bool) -> Vec<Message> {
    let mut messages = problem.messages.clone();
    if !is_closed(problem) {
        return messages;
    }
    if let Some(last) = messages.iter_mut().rev().find(|m| m.role == Role::User) {
        last.content = format!(
            "{}\n\n{}",
            last.content.trim_end(),
            if reasoning { MARK_ANSWER } else { CHAIN_OF_THOUGHT }
        );
    }
    messages
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closed_and_open_questions_are_told_apart() {
        for q in [
            "What is 17 * 24?",
            "Tom has 3 apples and buys 4. How many has he?",
            "Pick: (A) red (B) blue",
            "求 3+4 的值",
        ] {
            assert!(is_closed(&Problem::question(q)), "{q}");
        }
        for q in [
            "Write a poem about 3 cats.",
            "Explain why the sky is blue.",
            "Tell me about Rust",
            "hello",
        ] {
            assert!(!is_closed(&Problem::question(q)), "{q}");
        }
    }

    #[test]
    fn only_the_last_user_message_of_a_closed_question_changes() {
        let chat = Problem::chat(vec![
            Message::user("Hi"),
            Message::assistant("Hello"),
            Message::user("2+2=?"),
        ]);
        let out = chain_of_thought(&chat, false);
        assert_eq!(out[..2], chat.messages[..2]);
        assert!(out[2].content.starts_with("2+2=?\n\nThink step by step."));
        let open = Problem::question("Write a poem.");
        assert_eq!(chain_of_thought(&open, false), open.messages);
    }
}
