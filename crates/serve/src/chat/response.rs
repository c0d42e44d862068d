//! The answer of a chat completion: whole, and what the stream shares with it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use strawberry_core::trace::RunStatus;
use strawberry_core::{Effort, Finish, TrialId, Usage, Verdict, Vote};
use strawberry_think::RunReport;

use super::messages::ChatToolCall;
use crate::generate::{Finished, Piece};
use crate::shape::Scored;

/// What an answer and the chunks of a stream begin with.
#[derive(Clone, Debug)]
pub struct Head {
    /// The request's id.
    pub id: String,
    /// When it was made, in seconds since the Unix epoch.
    pub created: u64,
    /// The model's name.
    pub model: String,
}

/// An answer to a conversation.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ChatCompletion {
    /// Identifies the request.
    pub id: String,
    /// `chat.completion`.
    pub object: &'static str,
    /// When, in seconds since the Unix epoch.
    pub created: u64,
    /// The model's name.
    pub model: String,
    /// The answers.
    pub choices: Vec<Choice>,
    /// What they cost together.
    pub usage: ApiUsage,
    #[serde(skip)]
    parts: BTreeMap<u32, Choice>,
    #[serde(skip)]
    spent: Usage,
}

/// One answer.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct Choice {
    /// Its number.
    pub index: u32,
    /// The answer.
    pub message: AnswerMessage,
    /// The tokens of its text.
    pub logprobs: Option<Logprobs>,
    /// `stop`, `length` or `tool_calls`.
    pub finish_reason: &'static str,
    /// How it was found.
    pub search: Option<Search>,
}

/// The text of an answer.
#[derive(Debug, Serialize, JsonSchema)]
pub struct AnswerMessage {
    /// `assistant`.
    pub role: &'static str,
    /// The answer; `null` where tools are called instead.
    pub content: Option<String>,
    /// Always `null`: nothing is refused.
    pub refusal: Option<String>,
    /// The thinking: every attempt in turn.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning_content: Option<String>,
    /// The same under its other name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<String>,
    /// The tools to be called.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<ChatToolCall>,
}

impl Default for AnswerMessage {
    fn default() -> Self {
        AnswerMessage {
            role: "assistant",
            content: None,
            refusal: None,
            reasoning_content: None,
            reasoning: None,
            tool_calls: Vec::new(),
        }
    }
}

/// The tokens of an answer.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Logprobs {
    /// In order.
    pub content: Vec<TokenInfo>,
}

/// A token with its likeliest alternatives.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct TokenInfo {
    /// Its text.
    pub token: String,
    /// Natural log-probability.
    pub logprob: f64,
    /// Its text as UTF-8.
    pub bytes: Vec<u8>,
    /// The likeliest alternatives.
    pub top_logprobs: Vec<TopToken>,
}

/// An alternative to a token.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct TopToken {
    /// Its text.
    pub token: String,
    /// Natural log-probability.
    pub logprob: f64,
    /// Its text as UTF-8.
    pub bytes: Vec<u8>,
}

impl Logprobs {
    /// From what the model reported.
    pub fn new(tokens: &[Scored]) -> Self {
        let info = |scored: &Scored| TokenInfo {
            token: scored.token.token.clone(),
            logprob: f64::from(scored.token.logprob),
            bytes: scored.token.token.clone().into_bytes(),
            top_logprobs: scored
                .top
                .iter()
                .map(|t| TopToken {
                    token: t.token.clone(),
                    logprob: f64::from(t.logprob),
                    bytes: t.token.clone().into_bytes(),
                })
                .collect(),
        };
        Logprobs {
            content: tokens.iter().map(info).collect(),
        }
    }
}

/// What a request cost. Every token is counted.
#[derive(Clone, Copy, Debug, Default, Serialize, JsonSchema)]
pub struct ApiUsage {
    /// Tokens of the prompt.
    pub prompt_tokens: u64,
    /// Sampled tokens, of thinking and of attempts that lost, too.
    pub completion_tokens: u64,
    /// Both.
    pub total_tokens: u64,
    /// The prompt in detail.
    pub prompt_tokens_details: PromptDetails,
    /// The sampled tokens in detail.
    pub completion_tokens_details: CompletionDetails,
}

/// The prompt in detail.
#[derive(Clone, Copy, Debug, Default, Serialize, JsonSchema)]
pub struct PromptDetails {
    /// Tokens that were not computed anew.
    pub cached_tokens: u64,
}

/// The sampled tokens in detail.
#[derive(Clone, Copy, Debug, Default, Serialize, JsonSchema)]
pub struct CompletionDetails {
    /// Tokens of thinking, and of attempts that were not chosen.
    pub reasoning_tokens: u64,
}

impl From<Usage> for ApiUsage {
    fn from(usage: Usage) -> Self {
        ApiUsage {
            prompt_tokens: usage.prompt_tokens,
            completion_tokens: usage.completion_tokens,
            total_tokens: usage.prompt_tokens + usage.completion_tokens,
            prompt_tokens_details: PromptDetails {
                cached_tokens: usage.prompt_tokens.saturating_sub(usage.prompt_evaluated),
            },
            completion_tokens_details: CompletionDetails {
                reasoning_tokens: usage.reasoning_tokens,
            },
        }
    }
}

/// How an answer was found.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Search {
    /// The search's name.
    pub strategy: String,
    /// The effort, if the budget was an effort's.
    pub effort: Option<Effort>,
    /// The seed.
    pub seed: u64,
    /// `completed`, or `interrupted` when it was stopped with the best so far.
    pub status: RunStatus,
    /// The answer that was extracted, voted on and chosen.
    pub answer: Option<String>,
    /// How sure the search is, from 0 to 1.
    pub confidence: Option<f64>,
    /// The verdict on the chosen attempt, where it could be checked.
    pub verdict: Option<Verdict>,
    /// The different answers, best first.
    pub votes: Vec<Vote>,
    /// Every attempt.
    pub candidates: Vec<Candidate>,
    /// The recorded run: `strawberry trace show ID`.
    pub trace_id: Option<String>,
    /// Wall time in milliseconds.
    pub wall_ms: u64,
}

/// One attempt.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Candidate {
    /// Its number.
    pub trial: TrialId,
    /// Whether it was chosen.
    pub chosen: bool,
    /// Its answer.
    pub answer: Option<String>,
    /// What it said.
    pub text: String,
    /// What it thought before.
    pub thinking: Option<String>,
    /// Sampled tokens.
    pub tokens: u64,
    /// Sum of the natural log-probabilities of its tokens.
    pub logprob: Option<f64>,
    /// Scores by scorer.
    pub scores: BTreeMap<String, f64>,
    /// Why it ended.
    pub finish: Finish,
    /// The verdict on it, where it could be checked.
    pub verdict: Option<Verdict>,
}

impl Search {
    /// From a run.
    pub fn new(report: &RunReport) -> Self {
        Search {
            strategy: report.strategy.clone(),
            effort: report.effort,
            seed: report.seed,
            status: report.status,
            answer: report.selection.answer.as_ref().map(|a| a.text.clone()),
            confidence: report.selection.confidence,
            verdict: report.judgement.as_ref().map(|j| j.verdict),
            votes: report.selection.votes.clone(),
            candidates: report
                .attempts
                .iter()
                .map(|a| Candidate {
                    trial: a.trial,
                    chosen: a.trial == report.selection.trial,
                    answer: a.answer.as_ref().map(|answer| answer.text.clone()),
                    text: a.text.clone(),
                    thinking: a.thinking.clone(),
                    tokens: a.usage.completion_tokens,
                    logprob: a.logprob,
                    scores: a.scores.clone(),
                    finish: a.finish,
                    verdict: a.judgement.as_ref().map(|j| j.verdict),
                })
                .collect(),
            trace_id: report.run.as_ref().map(|run| run.0.clone()),
            wall_ms: report.wall_ms,
        }
    }
}

/// Why an answer ended, in OpenAI's words.
pub fn finish_reason(finished: &Finished) -> &'static str {
    match finished.report.chosen().finish {
        _ if !finished.calls.is_empty() => "tool_calls",
        Finish::Length => "length",
        // An answer that was hurried or stopped is the answer.
        Finish::Stop | Finish::ToolCalls | Finish::Cancelled | Finish::Failed => "stop",
    }
}

impl ChatCompletion {
    /// An answer without choices yet.
    pub fn new(head: Head) -> Self {
        ChatCompletion {
            id: head.id,
            object: "chat.completion",
            created: head.created,
            model: head.model,
            choices: Vec::new(),
            usage: ApiUsage::default(),
            parts: BTreeMap::new(),
            spent: Usage::default(),
        }
    }

    /// Takes a piece of a choice.
    pub fn take(&mut self, index: u32, piece: Piece, logprobs: bool) {
        let choice = self.parts.entry(index).or_default();
        choice.index = index;
        match piece {
            Piece::Search(_) | Piece::Content(..) => {}
            Piece::Reasoning(text) => choice
                .message
                .reasoning_content
                .get_or_insert_default()
                .push_str(&text),
            Piece::Done(done) => {
                choice.finish_reason = finish_reason(&done);
                choice.search = Some(Search::new(&done.report));
                choice.logprobs = logprobs.then(|| Logprobs::new(&done.logprobs));
                self.spent.add(&done.report.usage);
                let message = &mut choice.message;
                message.reasoning.clone_from(&message.reasoning_content);
                message.content = (done.calls.is_empty() || !done.content.is_empty()).then_some(done.content);
                message.tool_calls = done.calls.into_iter().map(ChatToolCall::from).collect();
            }
        }
    }

    /// All pieces were taken.
    pub fn finish(&mut self) {
        self.choices = std::mem::take(&mut self.parts).into_values().collect();
        self.usage = self.spent.into();
    }
}
