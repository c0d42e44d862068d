//! One attempt: its tokens, its text, when its thought is closed, and when it ends.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use strawberry_core::{Calculator, Channel, Control, Finish, ModelEvent, Thinking, TokenLogprob, Usage};

use super::events::EventSender;
use super::prompts::PromptId;
use super::response::Response;
use super::tools;
use crate::adapter::Adapter;
use crate::runner::SeqId;
use crate::sampler::grammar::Matcher;
use crate::sampler::{Draw, Sampler};
use crate::tokenizer::{Special, Tokenizer};

/// What closes an open thinking block.
const CLOSE: &str = "\n</think>\n\n";
/// An empty thinking block, for a response that has not begun.
const SKIP: &str = "<think>\n\n</think>\n\n";
/// Opens a thinking block.
const OPEN: &str = "<think>\n";

/// An attempt as it is handed to the scheduler. Everything in it has been checked.
pub struct Job {
    /// The whole prompt; at least one token and shorter than the context.
    pub prompt: Arc<[u32]>,
    /// What adapts the model.
    pub adapter: Option<Arc<Adapter>>,
    /// Draws the tokens.
    pub sampler: Sampler,
    /// Takes their text.
    pub response: Response,
    /// Constrains the answer.
    pub grammar: Option<Matcher>,
    /// Completes calculations; where there is one, `response` keeps its text.
    pub calculator: Option<Calculator>,
    /// Sampled tokens at most; at least 1.
    pub max_tokens: u32,
    /// What happens to thinking.
    pub thinking: Thinking,
    /// Whether the model writes thinking blocks.
    pub reasoning: bool,
    /// Whether tools are on offer, so that the answer may be a call.
    pub tools: bool,
    /// The handle by which the attempt can be hurried or cancelled.
    pub control: Control,
    /// Where the events go.
    pub events: EventSender,
}

/// Where an attempt stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum State {
    /// Not let in yet, or sent back for lack of memory.
    Queued,
    /// Its prompt is being evaluated, perhaps for others too.
    Waiting(PromptId),
    /// It has a sequence of its own.
    Running(SeqId, PromptId),
}

/// What the next token is part of, for the control of thinking.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    /// The response of a reasoning model that has not begun.
    Unbegun,
    /// In a thinking block.
    Block,
    /// In a thought without a block: a chain of thought in plain text.
    Plain,
    /// In the answer.
    Answer,
}

/// An attempt in flight.
pub struct Attempt {
    /// Its place in the order of arrival.
    pub arrival: u64,
    /// The same for all attempts with the same prompt; they share fairly with other groups.
    pub group: u64,
    /// Where it stands.
    pub state: State,
    /// Tokens after the prompt, sampled and forced.
    pub tokens: Vec<u32>,
    /// How many of `tokens` the network has seen.
    pub fed: usize,
    /// Tokens after `tokens` that the last step tried.
    pub draft: Vec<u32>,
    /// The last step has a row of logits for it, from which no token was drawn yet.
    pub in_step: bool,
    /// What it has cost.
    pub usage: Usage,
    /// `Some` once it has ended.
    pub finish: Option<Finish>,
    /// The attempt as it came.
    pub job: Job,
    /// Tokens that the network can see, the prompt's included.
    context: usize,
    /// Sampled tokens at which the answer must end, once the thought was closed.
    answer_end: Option<u64>,
    started: bool,
    /// The answer so far, kept only where tools are on offer.
    answer: String,
}

impl Attempt {
    /// An attempt that has just arrived, at a network that can see `context` tokens.
    pub fn new(job: Job, arrival: u64, context: usize) -> Self {
        let mut hasher = DefaultHasher::new();
        job.prompt.hash(&mut hasher);
        job.adapter.as_ref().map(|a| a.id()).hash(&mut hasher);
        Attempt {
            arrival,
            group: hasher.finish(),
            state: State::Queued,
            tokens: Vec::new(),
            fed: 0,
            draft: Vec::new(),
            in_step: false,
            usage: Usage {
                prompt_tokens: job.prompt.len() as u64,
                samples: 1,
                ..Usage::default()
            },
            finish: None,
            job,
            context,
            answer_end: None,
            started: false,
            answer: String::new(),
        }
    }

    /// All tokens the network must have seen before the next one is drawn.
    pub fn all_tokens(&self) -> Arc<[u32]> {
        if self.tokens.is_empty() {
            Arc::clone(&self.job.prompt)
        } else {
            self.job.prompt.iter().chain(&self.tokens).copied().collect()
        }
    }

    /// Tokens that the network has not seen.
    pub fn unfed(&self) -> &[u32] {
        &self.tokens[self.fed..]
    }

    /// The prompt is evaluated, `evaluated` tokens of it for this attempt.
    pub fn start(&mut self, evaluated: u64, tokenizer: &Tokenizer) {
        self.usage.prompt_evaluated += evaluated;
        if self.started {
            return;
        }
        self.started = true;
        self.job.events.send(ModelEvent::Started {
            prompt_tokens: self.usage.prompt_tokens,
            cached_tokens: self.usage.prompt_tokens.saturating_sub(evaluated),
        });
        if !self.job.thinking.enabled && self.job.reasoning {
            self.close(tokenizer);
        } else if self.job.grammar.is_some() && self.phase() == Phase::Unbegun {
            // Open the block, so that it is known from the first token on whether the grammar holds.
            self.force(OPEN, Special::Parse, tokenizer);
        }
        self.check_control(tokenizer);
    }

    /// Obeys the handle: ends a cancelled attempt, closes the thought of one that shall answer now.
    pub fn check_control(&mut self, tokenizer: &Tokenizer) {
        if self.finish.is_some() {
            return;
        }
        if self.job.control.is_cancelled() || self.job.events.is_dropped() {
            self.finish = Some(Finish::Cancelled);
        } else if self.started && self.answer_end.is_none() {
            let phase = self.phase();
            let thought = match phase {
                Phase::Plain => self.usage.completion_tokens,
                _ => self.usage.reasoning_tokens,
            };
            let spent = self.job.thinking.budget.is_some_and(|b| thought >= u64::from(b));
            if self.job.control.wants_answer() || (spent && phase != Phase::Answer) {
                self.close(tokenizer);
            }
        }
    }

    /// The sampler with the grammar that holds for the next token.
    pub fn drawing(&mut self) -> (&mut Sampler, Option<&mut Matcher>) {
        let constrained = self.constrained();
        let grammar = self.job.grammar.as_mut().filter(|_| constrained);
        (&mut self.job.sampler, grammar)
    }

    /// Takes a drawn token: its text goes out, and the attempt ends or goes on.
    pub fn accept(&mut self, draw: Draw, tokenizer: &Tokenizer) {
        let constrained = self.constrained();
        let before = self.job.response.channel();
        let end = tokenizer.is_end(draw.token);
        self.tokens.push(draw.token);
        let pieces = if end {
            Vec::new()
        } else {
            self.job.response.push(draw.token, tokenizer)
        };
        let thinking = Some(Channel::Thinking);
        let channel = if before == thinking || self.job.response.channel() == thinking {
            self.usage.reasoning_tokens += 1;
            Channel::Thinking
        } else {
            Channel::Answer
        };
        self.usage.completion_tokens += 1;
        let (logprobs, alternatives) = self.logprobs(draw, tokenizer);
        self.send(channel, 1, logprobs, alternatives, pieces);

        let sampled = self.usage.completion_tokens;
        let last = self
            .answer_end
            .unwrap_or(u64::MAX)
            .min(u64::from(self.job.max_tokens));
        let mut complete = end || self.job.response.stopped();
        if constrained && let Some(grammar) = &mut self.job.grammar {
            match grammar.accept(draw.token) {
                Ok(stopped) => complete |= stopped,
                Err(_) => self.finish = Some(Finish::Failed),
            }
        }
        if complete {
            self.finish = Some(Finish::Stop);
        } else if sampled >= last || self.job.prompt.len() + self.tokens.len() >= self.context {
            self.finish = Some(Finish::Length);
        } else {
            if !constrained {
                self.calculate(tokenizer);
            }
            self.check_control(tokenizer);
        }
    }

    /// Writes what the calculator has to say.
    fn calculate(&mut self, tokenizer: &Tokenizer) {
        let (Some(calculator), Some(text)) = (&self.job.calculator, self.job.response.text()) else {
            return;
        };
        if let Some(text) = calculator.complete(text) {
            self.force(&text, Special::AsText, tokenizer);
            if self.finish.is_none() && self.job.response.stopped() {
                self.finish = Some(Finish::Stop);
            }
        }
    }

    /// Sends what was held back, and the end.
    pub fn end(mut self) {
        let pieces = self.job.response.finish();
        for (channel, text) in pieces {
            self.send(channel, 0, Vec::new(), Vec::new(), vec![(channel, text)]);
        }
        let mut finish = self.finish.unwrap_or(Finish::Failed);
        let calls = if finish == Finish::Stop {
            tools::parse(&self.answer)
        } else {
            Vec::new()
        };
        if !calls.is_empty() {
            finish = Finish::ToolCalls;
            self.job.events.send(ModelEvent::ToolCalls(calls));
        }
        self.job.events.send(ModelEvent::Done {
            finish,
            usage: self.usage,
        });
    }

    fn phase(&self) -> Phase {
        match self.job.response.channel() {
            Some(Channel::Thinking) => Phase::Block,
            _ if self.answer_end.is_some() => Phase::Answer,
            None if self.job.reasoning => Phase::Unbegun,
            _ if self.job.reasoning => Phase::Answer,
            _ => Phase::Plain,
        }
    }

    fn constrained(&self) -> bool {
        self.job.grammar.is_some()
            && match self.phase() {
                Phase::Answer => true,
                Phase::Unbegun | Phase::Block => false,
                // A plain thought is free only if it will be closed.
                Phase::Plain => self.job.thinking.budget.is_none() || self.job.thinking.close_text.is_none(),
            }
    }

    /// Closes the thought and lets the attempt answer.
    fn close(&mut self, tokenizer: &Tokenizer) {
        let own = self.job.thinking.close_text.clone();
        let text = match self.phase() {
            Phase::Answer => None,
            Phase::Plain => match own {
                Some(text) => Some(text),
                None => {
                    self.finish = Some(Finish::Length);
                    return;
                }
            },
            Phase::Block => Some(match own {
                Some(text) if text.contains("</") => text,
                Some(text) => CLOSE.to_owned() + text.trim_start(),
                None => CLOSE.to_owned(),
            }),
            Phase::Unbegun => Some(match own {
                Some(text) if !text.contains("</") => SKIP.to_owned() + text.trim_start(),
                _ => SKIP.to_owned(),
            }),
        };
        if let Some(text) = text {
            self.force(&text, Special::Parse, tokenizer);
        }
        let answer = u64::from(self.job.thinking.answer_tokens.max(1));
        self.answer_end = Some(self.usage.completion_tokens + answer);
    }

    /// Puts text into the response without sampling it; ends the attempt if there is no room for it.
    fn force(&mut self, text: &str, special: Special, tokenizer: &Tokenizer) {
        let Ok(tokens) = tokenizer.encode(text, special) else {
            self.finish = Some(Finish::Failed);
            return;
        };
        if self.job.prompt.len() + self.tokens.len() + tokens.len() >= self.context {
            self.finish = Some(Finish::Length);
            return;
        }
        self.usage.forced_tokens += tokens.len() as u64;
        for &token in &tokens {
            self.job.sampler.force(token);
        }
        self.tokens.extend(tokens);
        for (channel, text) in self.job.response.force(text) {
            self.send(channel, 0, Vec::new(), Vec::new(), vec![(channel, text)]);
        }
    }

    /// Sends `pieces` as events. The token counts as one of `channel`, whatever its text is part of.
    fn send(
        &mut self,
        channel: Channel,
        tokens: u32,
        logprobs: Vec<TokenLogprob>,
        alternatives: Vec<Vec<TokenLogprob>>,
        pieces: Vec<(Channel, String)>,
    ) {
        if self.job.tools {
            let answer = pieces.iter().filter(|p| p.0 == Channel::Answer);
            self.answer.extend(answer.map(|p| p.1.as_str()));
        }
        let mut pieces = pieces.into_iter().peekable();
        let first = pieces.next_if(|p| p.0 == channel).map_or(String::new(), |p| p.1);
        self.job.events.send(ModelEvent::Text {
            channel,
            text: first,
            tokens,
            logprobs,
            alternatives,
        });
        for (channel, text) in pieces {
            self.job.events.send(ModelEvent::Text {
                channel,
                text,
                tokens: 0,
                logprobs: Vec::new(),
                alternatives: Vec::new(),
            });
        }
    }

    fn logprobs(&self, draw: Draw, tokenizer: &Tokenizer) -> (Vec<TokenLogprob>, Vec<Vec<TokenLogprob>>) {
        let Some(logprob) = draw.logprob else {
            return (Vec::new(), Vec::new());
        };
        let named = |token: u32, logprob: f32| TokenLogprob {
            token: String::from_utf8_lossy(tokenizer.token_bytes(token)).into_owned(),
            logprob,
        };
        let others = self.job.sampler.alternatives();
        (
            vec![named(draw.token, logprob)],
            vec![others.iter().map(|&(t, lp)| named(t, lp)).collect()],
        )
    }
}
