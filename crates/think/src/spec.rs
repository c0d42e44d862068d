//! How single attempts are put and sampled, by kind of strategy.

use strawberry_core::{Budget, Message, ModelInfo, Problem, Reference, Sampling, Thinking};

use crate::confidence;
use crate::kind::StrategyKind;
use crate::plan::PlanOptions;
use crate::prompt;
use crate::strategy::AttemptSpec;

/// A model without thinking blocks has said what it has to say after this many tokens; longer chains of
/// thought of such models are loops.
const CHAIN_OF_THOUGHT_TOKENS: u32 = 1024;
/// Kept for the answer when a thought is cut off.
const ANSWER_TOKENS: u32 = 64;

/// How attempts at `problem` are sampled by a strategy of this kind.
pub(crate) fn attempt_spec(
    problem: &Problem,
    info: &ModelInfo,
    kind: StrategyKind,
    budget: &Budget,
    options: &PlanOptions,
) -> AttemptSpec {
    let most = budget.attempt_tokens.unwrap_or(CHAIN_OF_THOUGHT_TOKENS);
    let code = matches!(problem.reference, Some(Reference::Tests(_) | Reference::Cases(_)))
        || kind == StrategyKind::Repair;
    // The tokens' own log-probabilities are always wanted, their alternatives only where something goes by them.
    let by_confidence = kind == StrategyKind::Deepconf
        || options
            .scorer
            .as_ref()
            .is_some_and(|s| [confidence::MEAN, confidence::LOWEST_GROUP].contains(&s.name()));
    let top_logprobs = Some(if by_confidence {
        confidence::ALTERNATIVES
    } else {
        0
    });
    if kind == StrategyKind::Direct {
        return AttemptSpec {
            messages: problem.messages.clone(),
            sampling: Sampling {
                temperature: options.temperature.unwrap_or(0.0),
                seed: options.seed,
                top_logprobs,
                ..Sampling::default()
            },
            max_tokens: most,
            thinking: Thinking {
                enabled: false,
                ..Thinking::default()
            },
            first_greedy: false,
            // A model taught the step language writes it at every effort.
            calculator: info.adapter.is_some() && prompt::is_closed(problem),
            program: false,
        };
    }
    let program = kind == StrategyKind::Program;
    // A question that has an answer to be found in words, as opposed to a program or a text.
    let closed = prompt::is_closed(problem) && !code && !program;
    let bounded = info.reasoning || !(closed || code || program);
    let max_tokens = if bounded {
        most
    } else {
        most.min(CHAIN_OF_THOUGHT_TOKENS)
    };
    let answer_tokens = ANSWER_TOKENS.min(max_tokens / 4).max(1);
    let thinking = Thinking {
        enabled: true,
        budget: (info.reasoning || closed).then(|| max_tokens - answer_tokens),
        close_text: (!info.reasoning && closed).then(|| prompt::CLOSE_CHAIN_OF_THOUGHT.to_owned()),
        answer_tokens,
    };
    let messages: Vec<Message> = if program {
        prompt::program(problem, info)
    } else if code {
        problem.messages.clone()
    } else {
        prompt::chain_of_thought(problem, info)
    };
    AttemptSpec {
        messages,
        sampling: Sampling {
            temperature: options.temperature.unwrap_or(0.7),
            top_p: 0.95,
            seed: options.seed,
            top_logprobs,
            ..Sampling::default()
        },
        max_tokens,
        thinking,
        first_greedy: !info.reasoning && options.temperature.is_none(),
        calculator: closed,
        program,
    }
}
