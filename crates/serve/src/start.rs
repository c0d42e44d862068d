//! Starts the runs of a request as a task of their own, which ends when the client goes away.

use std::time::{Instant, SystemTime};

use futures::future::join_all;
use strawberry_core::Usage;
use strawberry_think::{RunControl, ThinkEvent};
use tokio::sync::mpsc;

use crate::error::ApiError;
use crate::generate::{self, Ask, Piece};
use crate::inflight::{Boarded, Flight};
use crate::otel::Span;
use crate::queue::Turn;
use crate::state::{AppState, now_ms};

/// A piece of choice number `.0`, or the error that ended it.
pub type ChoicePiece = (u32, Result<Piece, ApiError>);

/// A request that is being worked on. Dropping it stops the work.
pub struct Running {
    pieces: mpsc::UnboundedReceiver<ChoicePiece>,
    /// Pieces looked at before their turn.
    ahead: std::collections::VecDeque<ChoicePiece>,
    boarded: Option<Boarded>,
}

impl Running {
    /// The next piece; `None` at the end.
    pub async fn next(&mut self) -> Option<ChoicePiece> {
        let piece = match self.ahead.pop_front() {
            Some(piece) => Some(piece),
            None => self.pieces.recv().await,
        };
        if piece.is_none()
            && let Some(boarded) = self.boarded.take()
        {
            boarded.finish();
        }
        piece
    }

    /// Waits until something was sampled or went wrong, so that an early error can still become a status.
    ///
    /// # Errors
    /// The error of the first choice that failed before anything was sampled.
    pub async fn begin(&mut self) -> Result<(), ApiError> {
        while let Some(piece) = self.pieces.recv().await {
            if let (_, Err(error)) = &piece {
                return Err(error.clone());
            }
            let only_started = matches!(&piece.1, Ok(Piece::Search(ThinkEvent::Started { .. })));
            self.ahead.push_back(piece);
            if !only_started {
                break;
            }
        }
        Ok(())
    }
}

/// Starts `choices` runs of `ask` for the request `id` of `caller`, who has its `turn`.
///
/// # Errors
/// 400 with the field that is wrong; 409 when a request with this id is in flight.
pub fn start(
    state: &AppState,
    caller: &str,
    id: &str,
    ask: &Ask,
    choices: u32,
    turn: Turn,
) -> Result<Running, ApiError> {
    let prepared = (0..choices)
        .map(|i| generate::prepare(state, ask, i))
        .collect::<Result<Vec<_>, _>>()?;
    let controls: Vec<RunControl> = prepared.iter().map(|_| RunControl::new()).collect();
    let model = state.models[ask.model].id.clone();
    let flight = Flight {
        caller: caller.to_owned(),
        controls: controls.clone(),
        model: model.clone(),
        time_ms: now_ms(),
    };
    let boarded = state.in_flight.board(id, flight).ok_or_else(|| {
        ApiError::new(
            axum::http::StatusCode::CONFLICT,
            "invalid_request_error",
            Some("duplicate_id"),
            format!("a request with the id '{id}' is in flight: give every request an id of its own"),
        )
    })?;
    let (sender, pieces) = mpsc::unbounded_channel();
    let work = Work {
        state: state.clone(),
        caller: caller.to_owned(),
        id: id.to_owned(),
        model,
    };
    tokio::spawn(async move {
        let _turn = turn;
        let runs = prepared.into_iter().zip(&controls).zip(0..);
        let runs = runs.map(|((prepared, control), i)| work.choice(prepared, control, i, sender.clone()));
        let mut runs = std::pin::pin!(join_all(runs));
        tokio::select! {
            _ = &mut runs => {}
            () = tokio::time::sleep(work.state.settings.limits.request_time) => {
                controls.iter().for_each(RunControl::interrupt);
                runs.await;
            }
        }
    });
    Ok(Running {
        pieces,
        ahead: std::collections::VecDeque::new(),
        boarded: Some(boarded),
    })
}

/// A request that is worked on.
struct Work {
    state: AppState,
    caller: String,
    id: String,
    model: String,
}

impl Work {
    /// Carries out one choice; its pieces go to `out`.
    async fn choice(
        &self,
        prepared: generate::Prepared,
        control: &RunControl,
        index: u32,
        out: mpsc::UnboundedSender<ChoicePiece>,
    ) {
        let (sender, mut pieces) = mpsc::unbounded_channel();
        let run = generate::run(&self.state, prepared, control, &sender);
        let (begun, start) = (Instant::now(), SystemTime::now());
        let pass = async {
            let (mut usage, mut first) = (Usage::default(), true);
            while let Some(piece) = pieces.recv().await {
                if first && matches!(piece, Piece::Search(ThinkEvent::Text { .. })) {
                    first = false;
                    self.state.metrics.first_token(begun.elapsed().as_secs_f64());
                }
                if let Piece::Done(done) = &piece {
                    usage = done.report.usage;
                }
                let last = matches!(piece, Piece::Done(_));
                if out.send((index, Ok(piece))).is_err() {
                    control.interrupt();
                }
                if last {
                    break;
                }
            }
            usage
        };
        let mut pass = std::pin::pin!(pass);
        let result = tokio::select! {
            result = run => result,
            usage = &mut pass => return self.count(usage, start, false).await,
        };
        match result {
            Ok(()) => self.count(pass.await, start, false).await,
            Err(error) => {
                let _ = out.send((index, Err(error)));
                self.count(Usage::default(), start, true).await;
            }
        }
    }

    /// Counts what a run cost: for the caller, for the metrics, for whoever traces.
    async fn count(&self, usage: Usage, start: SystemTime, failed: bool) {
        self.state.metrics.usage(&self.model, &usage);
        self.state.tracer.end(|| Span {
            name: format!("chat {}", self.model),
            kind: 1,
            start,
            parent: None,
            failed,
            attributes: vec![
                ("gen_ai.operation.name", "chat".into()),
                ("gen_ai.request.model", self.model.clone().into()),
                ("gen_ai.usage.input_tokens", usage.prompt_tokens.into()),
                ("gen_ai.usage.output_tokens", usage.completion_tokens.into()),
                ("strawberry.usage.reasoning_tokens", usage.reasoning_tokens.into()),
                ("strawberry.request.id", self.id.clone().into()),
            ],
        });
        if failed {
            return;
        }
        let store = &self.state.store;
        let counted = store
            .add_api_usage(&self.caller, &self.model, now_ms(), &usage)
            .await;
        if let Err(error) = counted {
            tracing::warn!(%error, "usage could not be counted");
        }
    }
}
