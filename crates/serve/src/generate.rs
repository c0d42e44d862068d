//! One request of any endpoint: a plan, a run for each choice, and a stream of pieces.

use std::sync::Arc;

use strawberry_core::{Budget, Effort, Grammar, Message, ModelError, Problem, ToolCall};
use strawberry_think::{Plan, PlanOptions, RunControl, RunReport, StrategyKind, ThinkEvent, Thinker};
use tokio::sync::mpsc;

use crate::error::ApiError;
use crate::narrate::{Narrator, Shown};
use crate::shape::{Scored, Shape, ShapedModel, StructuredVerifier};
use crate::state::AppState;
use crate::tools::{self, Choice, Gate};

/// What is asked for, whatever the endpoint.
#[derive(Clone, Default)]
pub struct Ask {
    /// Index of the model in [`Shared::models`](crate::state::Shared::models).
    pub model: usize,
    /// The conversation.
    pub messages: Vec<Message>,
    /// Tools on offer.
    pub tools: Vec<serde_json::Value>,
    /// Which of them may or must be called.
    pub choice: Choice,
    /// Whether at most one call is wanted.
    pub single_call: bool,
    /// A JSON Schema that the answer must satisfy.
    pub schema: Option<serde_json::Value>,
    /// How every attempt is sampled.
    pub shape: Shape,
    /// The effort.
    pub effort: Option<Effort>,
    /// Limits beside the effort's.
    pub budget: Budget,
    /// Sampled tokens at most, thinking included.
    pub max_tokens: Option<u64>,
    /// The search.
    pub strategy: Option<StrategyKind>,
    /// The temperature.
    pub temperature: Option<f32>,
    /// The seed; choice i of several has seed + i.
    pub seed: u64,
    /// Whether the run is recorded.
    pub record: bool,
}

/// A piece of one choice.
pub enum Piece {
    /// Thinking.
    Reasoning(String),
    /// The answer, with its tokens when they were asked for.
    Content(String, Vec<Scored>),
    /// An event of the search.
    Search(ThinkEvent),
    /// The end.
    Done(Box<Finished>),
}

/// A choice at its end.
pub struct Finished {
    /// The answer in words; empty where tools are called instead.
    pub content: String,
    /// The tools to be called.
    pub calls: Vec<ToolCall>,
    /// The tokens of the answer, when asked for.
    pub logprobs: Vec<Scored>,
    /// All about the run.
    pub report: RunReport,
}

/// A run that was planned and not started.
pub struct Prepared {
    thinker: Thinker,
    model: Arc<ShapedModel>,
    problem: Problem,
    plan: Plan,
    structured: bool,
    forced_call: bool,
    offers_tools: bool,
    single_call: bool,
    record: bool,
}

/// Plans the run of choice number `index`.
///
/// # Errors
/// 400 with the field that is wrong.
pub fn prepare(state: &AppState, ask: &Ask, index: u32) -> Result<Prepared, ApiError> {
    let entry = &state.models[ask.model];
    let info = entry.model.info();
    let mut shape = ask.shape.clone();
    let offered: Vec<_> = if ask.choice == Choice::None {
        Vec::new()
    } else {
        ask.tools.iter().map(tools::normal).collect()
    };
    let forced = tools::forced(&offered, &ask.choice)?;
    let has_calls = ask
        .messages
        .iter()
        .any(|m| !m.tool_calls.is_empty() || m.tool_call_id.is_some());
    let mut messages = if entry.native_tools || (offered.is_empty() && !has_calls) {
        ask.messages.clone()
    } else {
        tools::describe(&ask.messages, &offered)
    };
    shape.forced_call = forced.is_some();
    let schema = forced.is_none().then_some(ask.schema.as_ref()).flatten();
    if let Some(schema) = schema {
        tools::instruct(
            &mut messages,
            &format!("Answer with JSON only, of this JSON Schema:\n{schema}"),
        );
    }
    let local = info.architecture != "remote";
    shape.grammar = forced
        .or_else(|| schema.map(|s| Grammar::JsonSchema(s.clone())))
        .map(|grammar| if local { compact(grammar) } else { grammar });
    shape.tools = offered;
    let structured = shape.is_structured();
    let mut options = plan_options(state, ask);
    options.seed = ask.seed.wrapping_add(u64::from(index));
    if structured {
        shape.exact = Some(messages.clone());
        options.strategy = Some(structured_strategy(&options)?);
    }
    let problem = Problem::chat(messages);
    let plan = Plan::new(&problem, &info, &options)?;
    let (forced_call, offers_tools) = (shape.forced_call, !shape.tools.is_empty());
    let model = Arc::new(ShapedModel::new(entry.model.clone(), shape));
    let mut thinker = state.thinker(ask.model);
    thinker.model = model.clone();
    if structured {
        thinker.verifier = Arc::new(StructuredVerifier(thinker.verifier));
    }
    Ok(Prepared {
        thinker,
        model,
        problem,
        plan,
        structured,
        forced_call,
        offers_tools,
        single_call: ask.single_call,
        record: ask.record && state.settings.traces,
    })
}

/// A weak model asked for JSON with free white space may write white space for ever.
fn compact(grammar: Grammar) -> Grammar {
    let Grammar::JsonSchema(serde_json::Value::Object(mut schema)) = grammar else {
        return grammar;
    };
    let layout =
        serde_json::json!({"whitespace_flexible": false, "item_separator": ", ", "key_separator": ": "});
    schema.insert("x-guidance".to_owned(), layout);
    Grammar::JsonSchema(schema.into())
}

/// A search that can vote on JSON and tool calls.
fn structured_strategy(options: &PlanOptions) -> Result<StrategyKind, ApiError> {
    match options.strategy {
        None if options.answers_at_once() => Ok(StrategyKind::Direct),
        None => Ok(StrategyKind::Majority),
        Some(kind @ (StrategyKind::Direct | StrategyKind::Majority | StrategyKind::BestOfN)) => Ok(kind),
        Some(kind) => Err(ApiError::param(
            "thinking.strategy",
            format!(
                "strategy '{kind}' can't be used with tools or response_format: use direct, majority or best-of-n"
            ),
        )),
    }
}

fn plan_options(state: &AppState, ask: &Ask) -> PlanOptions {
    let mut budget = ask.budget;
    // Without a limit of their own, requests get the server's effort; a limit alone names no effort.
    let effort = ask
        .effort
        .or((budget == Budget::default()).then_some(state.settings.effort));
    if let Some(most) = ask.max_tokens {
        if budget.samples.is_none() && budget.wall_ms.is_none() && budget.tokens.is_none() {
            budget.samples = effort.unwrap_or(state.settings.effort).budget().samples;
        }
        let tokens = budget
            .tokens
            .or_else(|| effort.and_then(|e| e.budget().tokens))
            .unwrap_or(u64::MAX);
        budget.tokens = Some(tokens.min(most));
    }
    PlanOptions {
        effort,
        budget,
        strategy: ask.strategy,
        temperature: ask.temperature,
        seed: ask.seed,
        ..PlanOptions::default()
    }
}

/// Runs a choice; its pieces go to `pieces` as they come. When nobody takes them any more, the run stops.
///
/// # Errors
/// The model failed, or the run was stopped before there was anything.
pub async fn run(
    state: &AppState,
    prepared: Prepared,
    control: &RunControl,
    pieces: &mpsc::UnboundedSender<Piece>,
) -> Result<(), ApiError> {
    let Prepared {
        thinker,
        model,
        problem,
        plan,
        structured,
        forced_call,
        offers_tools,
        single_call,
        record,
    } = prepared;
    let live = plan.budget.samples == Some(1) && !forced_call;
    let recorder = record.then(|| state.recorder());
    let (events, mut received) = mpsc::unbounded_channel();
    let running = thinker.run(&problem, plan, control, recorder.as_ref(), Some(events));
    let telling = async {
        let mut narrator = Narrator::new(live);
        let mut gate = offers_tools.then(Gate::default);
        while let Some(event) = received.recv().await {
            let shown = narrator.take(&event);
            let piece = shown.map(|s| piece(s, &mut gate, &model));
            let gone =
                pieces.send(Piece::Search(event)).is_err() || piece.is_some_and(|p| pieces.send(p).is_err());
            if gone {
                control.interrupt();
            }
        }
        if let Some(shown) = narrator.finish() {
            let _ = pieces.send(piece(shown, &mut gate, &model));
        }
        gate.map_or(String::new(), Gate::finish)
    };
    let (report, held) = tokio::join!(running, telling);
    let report = report?;
    let chosen = report.chosen();
    let mut aside = model.aside(chosen.seed);
    // The token that ends a response has no text in it.
    let stopped = chosen.finish == strawberry_core::Finish::Stop;
    let end = aside
        .logprobs
        .pop_if(|last| stopped && !chosen.text.ends_with(last.token.token.as_str()));
    if chosen.finish == strawberry_core::Finish::Failed {
        // A grammar can turn out too complex, or leave nothing to write, only while it is followed.
        return Err(if structured {
            ApiError::invalid(
                "the answer could not be completed in this format: the JSON Schema is too complex, or leaves nothing to write",
            )
        } else {
            ModelError::Internal("the model failed in the middle of its answer".to_owned()).into()
        });
    }
    let mut calls: Vec<ToolCall> = if forced_call {
        tools::forced_call(&chosen.text).into_iter().collect()
    } else {
        aside.calls
    };
    if single_call {
        calls.truncate(1);
    }
    let content = content(&chosen.text, &calls);
    if !live {
        let _ = pieces.send(Piece::Content(content.clone(), aside.logprobs.clone()));
    } else if calls.is_empty() {
        // Tokens without text of their own, and text that might have become a call.
        let mut rest = model.new_logprobs();
        rest.truncate(rest.len().saturating_sub(usize::from(end.is_some())));
        let _ = pieces.send(Piece::Content(held, rest));
    }
    let _ = pieces.send(Piece::Done(Box::new(Finished {
        content,
        calls: tools::with_ids(calls),
        logprobs: aside.logprobs,
        report,
    })));
    Ok(())
}

fn piece(shown: Shown, gate: &mut Option<Gate>, model: &ShapedModel) -> Piece {
    match (shown, gate) {
        (Shown::Reasoning(text), _) => Piece::Reasoning(text),
        (Shown::Content(text), None) => Piece::Content(text, model.new_logprobs()),
        (Shown::Content(text), Some(gate)) => match gate.push(&text) {
            passed if passed.is_empty() => Piece::Content(passed, Vec::new()),
            passed => Piece::Content(passed, model.new_logprobs()),
        },
    }
}

/// The words around tool calls; the whole text where there are none.
fn content(text: &str, calls: &[ToolCall]) -> String {
    if calls.is_empty() {
        return text.trim_end().to_owned();
    }
    let words = ["<tool_call>", "[TOOL_CALLS]"]
        .iter()
        .find_map(|mark| text.split_once(mark));
    words.map_or("", |(before, _)| before.trim()).to_owned()
}
