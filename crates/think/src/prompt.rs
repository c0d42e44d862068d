//! How a question is put to a model so that it thinks and marks its answer.

use strawberry_core::{Message, ModelInfo, Problem, Reference, Role};

/// What makes a chat model think aloud and end with an answer that can be found.
const CHAIN_OF_THOUGHT: &str = "Think step by step. End with a line that begins \"The answer is\".";
/// The same for a model that thinks in a block of its own and only has to mark the answer.
const MARK_ANSWER: &str = "End with a line that begins \"The answer is\".";
/// A model with fewer parameters than this follows examples better than instructions.
pub const SMALL: u64 = 1_000_000_000;
/// The examples are left out where they would take a large part of the context.
const ROOMY: u64 = 2048;
/// Worked examples for small models: question, answer.
const EXAMPLES: [(&str, &str); 4] = [
    (
        "Mia has 14 pencils. She buys 3 boxes with 6 pencils each. How many pencils does she have now?",
        "The 3 boxes hold 3 * 6 = 18 pencils. With the 14 she had, that makes 14 + 18 = 32.\nThe answer is 32.",
    ),
    (
        "There are 45 marbles in a bag. 17 of them are red and the others are blue. How many are blue?",
        "Of the 45 marbles 17 are red, so 45 - 17 = 28 are blue.\nThe answer is 28.",
    ),
    (
        "What is 15% of 80?",
        "15% of 80 is 80 * 15 / 100 = 12.\nThe answer is 12.",
    ),
    (
        "A hall has 96 seats in 8 equal rows, and 5 seats of each row are taken. How many seats are free?",
        "Each row has 96 / 8 = 12 seats, so 12 - 5 = 7 of a row are free. In 8 rows that makes 8 * 7 = 56.\nThe answer is 56.",
    ),
];
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

/// Whether a question is a short calculation in words: one question in English with two numbers or more, and no
/// choices, such as the step language is made for. A heuristic like [`is_closed`].
pub fn is_calculation(problem: &Problem) -> bool {
    let [
        Message {
            role: Role::User,
            content,
            ..
        },
    ] = &problem.messages[..]
    else {
        return false;
    };
    let numbers = content
        .split(|c: char| !c.is_ascii_digit())
        .filter(|n| !n.is_empty())
        .count();
    let words = content.split_whitespace().count();
    let choices = ["(a)", "(b)", "a)", "\\"]
        .iter()
        .any(|c| content.to_lowercase().contains(c));
    let no_code = !matches!(problem.reference, Some(Reference::Tests(_) | Reference::Cases(_)));
    no_code
        && is_closed(problem)
        && numbers >= 2
        && (8..=120).contains(&words)
        && content.is_ascii()
        && !choices
}

/// The conversation, put so that the model thinks aloud and marks its answer.
///
/// A small model with an adapter gets the bare question; one without gets worked examples before a single question; any other gets an instruction after it (one
/// that thinks in a block of its own is only asked to mark the answer). An open question is left as it is.
pub fn chain_of_thought(problem: &Problem, info: &ModelInfo) -> Vec<Message> {
    let mut messages = problem.messages.clone();
    if !is_closed(problem) {
        return messages;
    }
    let small = is_small(info);
    if small && info.adapter.is_some() {
        // It was taught what to do with a question.
        return messages;
    }
    let single = messages.iter().filter(|m| m.role != Role::System).count() == 1;
    let Some(last) = messages.iter().rposition(|m| m.role == Role::User) else {
        return messages;
    };
    if small && single {
        let examples = EXAMPLES
            .iter()
            .flat_map(|(q, a)| [Message::user(*q), Message::assistant(*a)]);
        messages.splice(last..last, examples);
    } else {
        let question = &mut messages[last].content;
        let ask = if info.reasoning {
            MARK_ANSWER
        } else {
            CHAIN_OF_THOUGHT
        };
        *question = format!("{}\n\n{ask}", question.trim_end());
    }
    messages
}

/// What makes a model write a program that prints the answer (program of thoughts, Chen et al. 2022, arXiv
/// 2211.12588; PAL, Gao et al. 2022, arXiv 2211.10435).
const PROGRAM: &str =
    "Write a short Python program that computes the answer and prints it. Put it into a ```python block.";
/// Worked programs for small models: question, response.
const PROGRAMS: [(&str, &str); 3] = [
    (
        "Mia has 14 pencils. She buys 3 boxes with 6 pencils each. How many pencils does she have now?",
        "```python\npencils = 14\nbought = 3 * 6\nprint(pencils + bought)\n```",
    ),
    (
        "There are 45 marbles in a bag. 17 of them are red and the others are blue. How many are blue?",
        "```python\nmarbles = 45\nred = 17\nprint(marbles - red)\n```",
    ),
    (
        "A hall has 96 seats in 8 equal rows, and 5 seats of each row are taken. How many seats are free?",
        "```python\nrows = 8\nseats = 96 // rows\nfree = seats - 5\nprint(rows * free)\n```",
    ),
];

/// The conversation, put so that the model writes a program that prints the answer.
pub fn program(problem: &Problem, info: &ModelInfo) -> Vec<Message> {
    let mut messages = problem.messages.clone();
    let Some(last) = messages.iter().rposition(|m| m.role == Role::User) else {
        return messages;
    };
    let single = messages.iter().filter(|m| m.role != Role::System).count() == 1;
    if is_small(info) && single {
        let examples = PROGRAMS
            .iter()
            .flat_map(|(q, a)| [Message::user(*q), Message::assistant(*a)]);
        messages.splice(last..last, examples);
    } else {
        let question = &mut messages[last].content;
        *question = format!("{}\n\n{PROGRAM}", question.trim_end());
    }
    messages
}

/// Whether a model follows examples better than instructions, and has room for them.
fn is_small(info: &ModelInfo) -> bool {
    !info.reasoning
        && info.parameters.is_some_and(|n| n < SMALL)
        && info.context_length.is_none_or(|n| n >= ROOMY)
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
        let out = chain_of_thought(&chat, &ModelInfo::default());
        assert_eq!(out[..2], chat.messages[..2]);
        assert!(out[2].content.starts_with("2+2=?\n\nThink step by step."));
        let open = Problem::question("Write a poem.");
        assert_eq!(chain_of_thought(&open, &ModelInfo::default()), open.messages);
    }

    #[test]
    fn a_small_model_gets_examples_before_the_question() {
        let small = ModelInfo {
            parameters: Some(135_000_000),
            ..ModelInfo::default()
        };
        let problem = Problem::chat(vec![Message::system("Be brief."), Message::user("2+2=?")]);
        let out = chain_of_thought(&problem, &small);
        assert_eq!(out.len(), 2 + 2 * EXAMPLES.len());
        assert_eq!(
            (&out[0], out.last()),
            (&problem.messages[0], problem.messages.last())
        );
    }

    #[test]
    fn a_small_model_with_an_adapter_gets_the_bare_question() {
        let taught = ModelInfo {
            parameters: Some(135_000_000),
            adapter: Some("steps".to_owned()),
            ..ModelInfo::default()
        };
        let problem = Problem::question("2+2=?");
        assert_eq!(chain_of_thought(&problem, &taught), problem.messages);
    }

    #[test]
    fn calculations_in_words_are_told_from_other_questions() {
        let asked = |text: &str| is_calculation(&Problem::question(text));
        assert!(asked(
            "Tom has 3 boxes with 12 apples each. He eats 5 apples. How many apples are left?"
        ));
        for other in [
            "What is the capital of France?",
            "What is 6*7?",
            "Who won the World Cup of 1998, and who had won the one of 1994 before?\n(A) France (B) Brazil",
            "Write a poem about 3 cats and 4 dogs that are friends for life.",
            "Find all real $x$ with $\\sqrt{x+3} = x - 3$, and give their sum as well as their 2 signs.",
        ] {
            assert!(!asked(other), "{other}");
        }
    }
}
