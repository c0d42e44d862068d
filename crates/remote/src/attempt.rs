//! One attempt: requests, retries, time-outs, the thinking budget, "answer now" and cancelling.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::SinkExt;
use futures::channel::mpsc::Sender;
use reqwest::{Method, Response, StatusCode, header};
use serde_json::{Map, Value};
use strawberry_core::{
    Channel, Finish, Message, ModelError, ModelEvent, SampleRequest, ThinkSplitter, ToolCall, Usage,
};
use tokio::time::{sleep, timeout};

use crate::http::{self, Failure, Remedy};
use crate::model::Server;
use crate::request::Call;
use crate::response::{ReadError, ResponseReader};

/// How often the attempt's [`strawberry_core::Control`] is looked at while the server is silent.
const CONTROL_INTERVAL: Duration = Duration::from_millis(25);

/// Time allowed for the connection to end after `[DONE]`, so that it can be used again.
const DRAIN_TIMEOUT: Duration = Duration::from_millis(100);

/// Text of one attempt at most, in bytes.
const MAX_TEXT_BYTES: usize = 16 << 20;

/// What is asked after a thought was cut off.
const ANSWER_NOW: &str = "Time for thinking is up. Give the final answer now.";

type Events = Sender<Result<ModelEvent, ModelError>>;

/// Samples one attempt and reports it to `events`.
pub(crate) async fn run(server: Arc<Server>, request: SampleRequest, events: Events) {
    let mut attempt = Attempt {
        server: &server,
        request: &request,
        events,
        started: false,
        sampled: false,
        text: String::new(),
    };
    let last = match attempt.run().await {
        Ok((finish, usage)) => Ok(ModelEvent::Done { finish, usage }),
        Err(error) => Err(error),
    };
    attempt.report(last).await;
}

struct Attempt<'a> {
    server: &'a Server,
    request: &'a SampleRequest,
    events: Events,
    /// Whether `Started` was reported.
    started: bool,
    /// Whether the current exchange has sampled anything.
    sampled: bool,
    /// All text so far, thinking included.
    text: String,
}

/// How an exchange ended.
enum End {
    /// By itself.
    Finished(Finish, Vec<ToolCall>),
    /// On purpose: the attempt is over.
    Stopped(Finish),
    /// On purpose: the answer is to be asked for now. The text so far belongs to this channel.
    AskForAnswer(Channel),
}

impl Attempt<'_> {
    async fn run(&mut self) -> Result<(Finish, Usage), ModelError> {
        let request = self.request;
        request.sampling.validate()?;
        if request.max_tokens == 0 {
            return Err(ModelError::InvalidRequest("max_tokens must be at least 1".into()));
        }
        if request.messages.is_empty() {
            return Err(ModelError::InvalidRequest(
                "there are no messages to answer".into(),
            ));
        }
        let server = self.server;
        let _permit = tokio::select! {
            permit = server.permits.acquire() => permit,
            () = self.controlled(false) => return Ok((Finish::Cancelled, Usage::default())),
        };
        let call = Call {
            request,
            messages: request.messages.clone(),
            prefix: request.prefix.as_deref(),
            max_tokens: request.max_tokens,
            think: request.thinking.enabled,
        };
        let (end, mut usage) = self.exchange_with_retries(&call, true).await?;
        let end = match end {
            End::AskForAnswer(channel) => {
                // If that fails, the thought stands.
                let failed = (End::Stopped(Finish::Failed), Usage::default());
                let (end, more) = self.ask_for_answer(channel, usage).await.unwrap_or(failed);
                usage.add(&more);
                usage.samples = 1;
                end
            }
            end => end,
        };
        match end {
            End::Finished(finish, calls) => {
                if !calls.is_empty() {
                    self.report(Ok(ModelEvent::ToolCalls(calls))).await;
                }
                Ok((finish, usage))
            }
            End::Stopped(finish) => Ok((finish, usage)),
            End::AskForAnswer(_) => Err(ModelError::Internal("an answer was asked for twice".into())),
        }
    }

    /// The second request of an attempt whose thought was cut off: the text so far as an assistant
    /// message, and the question for the answer.
    async fn ask_for_answer(&mut self, channel: Channel, spent: Usage) -> Result<(End, Usage), ModelError> {
        let request = self.request;
        let left = u64::from(request.max_tokens).saturating_sub(spent.completion_tokens);
        let max_tokens = u32::try_from(left)
            .unwrap_or(u32::MAX)
            .min(request.thinking.answer_tokens);
        if max_tokens == 0 {
            return Ok((End::Stopped(Finish::Length), Usage::default()));
        }
        let close_text = request.thinking.close_text.as_deref().unwrap_or("");
        let mut closing = match channel {
            Channel::Thinking => ThinkSplitter::inside(),
            Channel::Answer => ThinkSplitter::new(),
        };
        // The closing tag means nothing here; what stands before it is a last thought.
        let mut pieces = closing.push(close_text);
        pieces.extend(closing.finish());
        for (i, (channel, text)) in pieces.into_iter().enumerate() {
            let text = if i == 0 { format!("\n{text}") } else { text };
            self.text.push_str(&text);
            self.report(Ok(ModelEvent::Text {
                channel,
                text,
                tokens: 0,
                logprobs: Vec::new(),
                alternatives: Vec::new(),
            }))
            .await;
        }
        let mut messages = request.messages.clone();
        let prefix = request.prefix.as_deref().unwrap_or("");
        messages.push(Message::assistant(format!("{prefix}{}", self.text)));
        messages.push(Message::user(ANSWER_NOW));
        let call = Call {
            request,
            messages,
            prefix: None,
            max_tokens,
            think: false,
        };
        self.exchange_with_retries(&call, false).await
    }

    /// Sends a request until it samples something or there is no hope. `closable` says whether a thought
    /// may be cut off.
    async fn exchange_with_retries(
        &mut self,
        call: &Call<'_>,
        closable: bool,
    ) -> Result<(End, Usage), ModelError> {
        let (server, options) = (self.server, &self.server.options);
        let mut retries = 0;
        loop {
            let dialect = server.dialect();
            let body = call.body(&server.model, &dialect)?;
            self.sampled = false;
            let failure = match self.exchange(&body, closable).await {
                Ok(end) => return Ok(end),
                Err(failure) => failure,
            };
            if let Some(refusal) = &failure.refusal
                && server.learn(refusal, &body, &dialect)
            {
                continue;
            }
            let wait = match failure.remedy {
                Remedy::OtherName => return Err(server.not_found(&failure.error).await),
                Remedy::Retry(asked) if retries < options.max_retries => {
                    // Exponential back-off with jitter over the upper half.
                    let wait = options
                        .retry_wait
                        .saturating_mul(1 << retries.min(20))
                        .min(options.retry_max_wait)
                        .mul_f64(0.5 + 0.5 * fastrand::f64());
                    asked.map_or(wait, |asked| asked.max(wait))
                }
                _ => return Err(failure.error),
            };
            if wait > options.retry_max_wait {
                return Err(failure.error);
            }
            retries += 1;
            tokio::select! {
                () = sleep(wait) => {}
                () = self.controlled(false) => return Ok((End::Stopped(Finish::Cancelled), Usage::default())),
            }
        }
    }

    /// One request and its response. An error means that nothing was sampled.
    async fn exchange(&mut self, body: &Map<String, Value>, closable: bool) -> Result<(End, Usage), Failure> {
        let server = self.server;
        let body = serde_json::to_vec(body).map_err(|e| ModelError::Internal(e.to_string()))?;
        let sent = server
            .request(Method::POST, "chat/completions")
            .header(header::CONTENT_TYPE, "application/json")
            .body(body)
            .send();
        let response = tokio::select! {
            response = timeout(server.options.first_byte_timeout, sent) => response,
            () = self.controlled(false) => return Ok((End::Stopped(Finish::Cancelled), Usage::default())),
        };
        let response = response
            .map_err(|_| self.silence())?
            .map_err(|e| http::transport_failure(&e, &server.address, &server.options))?;
        if !response.status().is_success() {
            return Err(http::status_failure(response, &server.address).await);
        }
        let mut reader = ResponseReader::new(http::is_event_stream(&response));
        let end = match self.read(response, &mut reader, closable).await {
            Ok(end) => end,
            // What was sampled stands.
            Err(_) if self.sampled => End::Finished(Finish::Failed, Vec::new()),
            Err(failure) => return Err(failure),
        };
        if !self.started {
            self.report_started(&reader).await;
        }
        Ok((end, reader.usage()))
    }

    async fn read(
        &mut self,
        mut response: Response,
        reader: &mut ResponseReader,
        closable: bool,
    ) -> Result<End, Failure> {
        let (server, options) = (self.server, &self.server.options);
        while !reader.is_done() {
            let limit = if self.sampled {
                options.idle_timeout
            } else {
                options.first_byte_timeout
            };
            let chunk = tokio::select! {
                chunk = timeout(limit, response.chunk()) => Some(chunk),
                () = self.controlled(closable && self.sampled) => None,
            };
            if let Some(chunk) = chunk {
                let chunk = chunk
                    .map_err(|_| self.silence())?
                    .map_err(|e| http::transport_failure(&e, &server.address, options))?;
                let Some(bytes) = chunk else { break };
                let mut events = Vec::new();
                let result = reader.push(&bytes, &mut events);
                self.report_text(reader, events).await;
                result.map_err(|e| self.unreadable(e))?;
            }
            if reader.finish().is_none()
                && let Some(end) = self.cut(reader, closable)
            {
                return Ok(end);
            }
        }
        let mut rest = Vec::new();
        let result = reader.end(&mut rest);
        self.report_text(reader, rest).await;
        result.map_err(|e| self.unreadable(e))?;
        let Some(finish) = reader.finish() else {
            return Err(Failure {
                error: ModelError::Server(format!(
                    "{} ended its response without an answer and without a reason; its log may hold one (an \
                     interruption, or a prompt longer than its context)",
                    server.address.shown()
                )),
                remedy: Remedy::Retry(None),
                refusal: None,
            });
        };
        // Reads the end of the body, which makes the connection reusable; a failure costs nothing.
        let _ = timeout(DRAIN_TIMEOUT, response.chunk()).await;
        Ok(End::Finished(finish, reader.take_tool_calls()))
    }

    /// Whether the response is to be cut off now.
    fn cut(&self, reader: &ResponseReader, closable: bool) -> Option<End> {
        let (control, thinking) = (&self.request.control, &self.request.thinking);
        if control.is_cancelled() {
            return Some(End::Stopped(Finish::Cancelled));
        }
        let counts = reader.counts();
        // A server that ignores the limit. Pieces are counted, so there is some room for odd pieces.
        let limit = 2 * u64::from(self.request.max_tokens) + 64;
        if counts.thinking + counts.answer > limit || self.text.len() > MAX_TEXT_BYTES {
            return Some(End::Stopped(Finish::Length));
        }
        let in_thought = reader.channel() == Channel::Thinking;
        let counted = if in_thought {
            counts.thinking
        } else if counts.thinking > 0 || self.server.thinks.load(Ordering::Relaxed) {
            return None; // It is answering.
        } else {
            counts.answer
        };
        let over = control.wants_answer() || thinking.budget.is_some_and(|b| counted >= u64::from(b));
        if !closable || counted == 0 || !over {
            None
        } else if in_thought || thinking.close_text.is_some() {
            Some(End::AskForAnswer(reader.channel()))
        } else {
            Some(End::Stopped(Finish::Length))
        }
    }

    /// Waits until the attempt is cancelled or, if `answer` may be asked for now, that it is.
    async fn controlled(&self, answer: bool) {
        let control = &self.request.control;
        while !(control.is_cancelled() || (answer && control.wants_answer())) {
            sleep(CONTROL_INTERVAL).await;
        }
    }

    async fn report_text(&mut self, reader: &ResponseReader, events: Vec<ModelEvent>) {
        for event in events {
            if !self.started {
                self.report_started(reader).await;
            }
            if let ModelEvent::Text { text, channel, .. } = &event {
                self.sampled = true;
                self.text.push_str(text);
                if *channel == Channel::Thinking {
                    self.server.thinks.store(true, Ordering::Relaxed);
                }
            }
            self.report(Ok(event)).await;
        }
    }

    async fn report_started(&mut self, reader: &ResponseReader) {
        self.started = true;
        let usage = reader.usage();
        self.report(Ok(ModelEvent::Started {
            prompt_tokens: usage.prompt_tokens,
            cached_tokens: usage.prompt_tokens - usage.prompt_evaluated,
        }))
        .await;
    }

    async fn report(&mut self, event: Result<ModelEvent, ModelError>) {
        // The receiver can't be gone: it is dropped together with this attempt.
        let _ = self.events.send(event).await;
    }

    fn silence(&self) -> Failure {
        let options = &self.server.options;
        let limit = if self.sampled {
            options.idle_timeout
        } else {
            options.first_byte_timeout
        };
        ModelError::TimedOut(format!(
            "{} took the request but sent nothing for {} s",
            self.server.address.shown(),
            limit.as_secs_f32()
        ))
        .into()
    }

    fn unreadable(&self, error: ReadError) -> Failure {
        let base = self.server.address.shown();
        match error {
            ReadError::Malformed(what) => ModelError::Server(format!("{base} sent {what}")).into(),
            ReadError::Reported { status, message } => {
                let status = status
                    .and_then(|s| StatusCode::from_u16(s).ok())
                    .filter(|s| s.is_client_error() || s.is_server_error())
                    .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                http::reported_failure(status, &message, &message, None, &base)
            }
        }
    }
}
