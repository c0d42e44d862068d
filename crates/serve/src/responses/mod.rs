//! `/v1/responses`: items in, items out, kept for the next turn; in the background as durable jobs.

pub mod feed;
pub mod jobs;
mod maker;
pub mod object;
pub mod request;

use std::collections::HashSet;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::{StreamExt, stream};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use strawberry_store::{ResponseStatus, StoredResponse};
use strawberry_think::RunControl;

use crate::auth::Caller;
use crate::body::JsonBody;
use crate::chat::{REQUEST_ID, request_id};
use crate::error::ApiError;
use crate::generate;
use crate::start::{Running, start};
use crate::state::{AppState, new_id, now_ms};
use feed::Feed;
use maker::Maker;
use object::ResponseObject;
use request::{Item, ResponseRequest};

/// A comment is sent after this silence.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How often it is looked whether another process has made a response that is watched here.
const LOOK_ELSEWHERE: Duration = Duration::from_secs(2);
/// Responses of one conversation at most.
const LONGEST_CHAIN: usize = 1000;

/// Makes a response.
pub async fn create(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    JsonBody(mut request): JsonBody<ResponseRequest>,
) -> Result<Response, ApiError> {
    request.settle();
    let before = earlier(&state, &caller.0, request.previous_response_id.as_deref()).await?;
    let ask = request.ask(&state, before)?;
    let created = now_ms();
    let model = state.models[ask.model].id.clone();
    let streams = request.stream.unwrap_or(false);
    let keeps = request.store.unwrap_or(true);
    if request.background.unwrap_or(false) {
        if !keeps {
            return Err(ApiError::param(
                "background",
                "a background response must be stored: leave out 'store': false",
            ));
        }
        // What is wrong with it is said now, not later.
        generate::prepare(&state, &ask, 0)?;
        let id = new_id("resp_");
        return enqueue(&state, caller.0, id, created, &model, &request, streams).await;
    }
    let id = request_id(&headers, "resp_")?;
    let turn = state.queue.turn().await?;
    let mut running = start(&state, &caller.0, &id, &ask, 1, turn)?;
    running.begin().await?;
    let summarise = request.reasoning.as_ref().is_some_and(|r| r.summary.is_some());
    let maker = Maker::new(ResponseObject::new(&id, created, &model, &request), summarise);
    let keep = keeps.then(|| Keep {
        state: state.clone(),
        caller: caller.0,
        created,
        request: json!(request),
    });
    let mut response = if streams {
        live(running, maker, keep).into_response()
    } else {
        let mut maker = maker;
        while let Some((_, piece)) = running.next().await {
            maker.take(piece?);
        }
        if let Some(keep) = &keep {
            keep.keep(&maker.response).await?;
        }
        Json(maker.response).into_response()
    };
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    Ok(response)
}

/// Keeps a response when it is whole.
struct Keep {
    state: AppState,
    caller: String,
    created: u64,
    request: Value,
}

impl Keep {
    async fn keep(&self, response: &ResponseObject) -> Result<(), ApiError> {
        let stored = StoredResponse {
            id: response.id.clone(),
            caller: self.caller.clone(),
            time_ms: self.created,
            status: status_of(response),
            background: false,
            request: self.request.clone(),
            response: json!(response),
        };
        Ok(self.state.store.add_response(&stored).await?)
    }
}

/// Streams a response that ends with its client.
fn live(running: Running, mut maker: Maker, keep: Option<Keep>) -> Response {
    let first = maker.begin();
    let state = (running, maker, keep, false);
    let rest = stream::unfold(state, |(mut running, mut maker, keep, ended)| async move {
        if ended {
            return None;
        }
        loop {
            let (mut events, failed) = match running.next().await {
                None => return None,
                Some((_, Ok(piece))) => (maker.take(piece), false),
                Some((_, Err(error))) => (maker.fail(&error), true),
            };
            if events.is_empty() {
                continue;
            }
            let over = failed || maker.response.status != "in_progress";
            // It is kept before its end is told, so that whoever goes on from it finds it.
            if over
                && let Some(keep) = &keep
                && let Err(error) = keep.keep(&maker.response).await
            {
                events.pop();
                events.extend(maker.fail(&error));
            }
            return Some((events, (running, maker, keep, failed)));
        }
    });
    sse(stream::once(std::future::ready(first)).chain(rest))
}

fn sse(events: impl stream::Stream<Item = Vec<Value>> + Send + 'static) -> Response {
    let last = stream::once(async { vec![Value::from("[DONE]")] });
    let events = events.chain(last).flat_map(|events| {
        stream::iter(events.into_iter().map(|event| {
            let named = event["type"].as_str().map(|name| Event::default().event(name));
            let data = event.as_str().map_or_else(|| event.to_string(), str::to_owned);
            Ok::<_, Infallible>(named.unwrap_or_default().data(data))
        }))
    });
    Sse::new(events)
        .keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
        .into_response()
}

async fn enqueue(
    state: &AppState,
    caller: String,
    id: String,
    created: u64,
    model: &str,
    request: &ResponseRequest,
    streams: bool,
) -> Result<Response, ApiError> {
    let mut response = ResponseObject::new(&id, created, model, request);
    response.status = "queued";
    let stored = StoredResponse {
        id: id.clone(),
        caller,
        time_ms: created,
        status: ResponseStatus::Queued,
        background: true,
        request: json!(request),
        response: json!(response),
    };
    let feed = streams.then(|| state.feeds.open(&id));
    state.store.add_response(&stored).await?;
    state.new_job.notify_one();
    Ok(match feed {
        Some(feed) => watch(state, stored.caller, id, feed, 0),
        None => Json(response).into_response(),
    })
}

/// Streams the events of a background response from number `from` on. When another process makes it, only its
/// end is told.
fn watch(state: &AppState, caller: String, id: String, feed: Arc<Feed>, from: usize) -> Response {
    let state = state.clone();
    sse(stream::unfold(Some(from), move |from| {
        let (state, caller, id, feed) = (state.clone(), caller.clone(), id.clone(), feed.clone());
        async move {
            let from = from?;
            loop {
                tokio::select! {
                    events = feed.after(from) => {
                        let events = events?;
                        let next = from + events.len();
                        return Some((events, Some(next)));
                    }
                    () = tokio::time::sleep(LOOK_ELSEWHERE) => {}
                }
                let stored = state.store.load_response(&id, &caller).await.ok()??;
                if !matches!(stored.status, ResponseStatus::Queued | ResponseStatus::InProgress) {
                    return Some((vec![end_of(&stored, from as u64)], None));
                }
            }
        }
    }))
}

/// The event that tells of the end of a stored response.
fn end_of(stored: &StoredResponse, number: u64) -> Value {
    let kind = format!("response.{}", stored.status.as_str());
    json!({"type": kind, "sequence_number": number, "response": stored.response})
}

/// How far a response is.
fn status_of(response: &ResponseObject) -> ResponseStatus {
    response.status.parse().unwrap_or(ResponseStatus::Failed)
}

async fn load(state: &AppState, caller: &str, id: &str) -> Result<StoredResponse, ApiError> {
    let stored = state.store.load_response(id, caller).await?;
    stored.ok_or_else(|| {
        let shown: String = id.chars().take(80).collect();
        ApiError::not_found("response_not_found", format!("there is no response '{shown}'"))
    })
}

/// The items of a response and of all before it, oldest first.
async fn earlier(state: &AppState, caller: &str, id: Option<&str>) -> Result<Vec<Item>, ApiError> {
    let mut turns: Vec<Vec<Item>> = Vec::new();
    let mut seen = HashSet::new();
    let mut next = id.map(str::to_owned);
    while let Some(id) = next {
        let stored = load(state, caller, &id).await.map_err(|error| {
            let mut error = error.with_param("previous_response_id");
            error.error.code = Some("previous_response_not_found".to_owned());
            error
        })?;
        if !matches!(
            stored.status,
            ResponseStatus::Completed | ResponseStatus::Incomplete
        ) {
            return Err(ApiError::param(
                "previous_response_id",
                format!(
                    "response '{id}' is {}: it can't be gone on from",
                    stored.status.as_str()
                ),
            ));
        }
        let request: ResponseRequest = serde_json::from_value(stored.request)
            .map_err(|e| ApiError::internal(format!("the request of response {id} can't be read: {e}")))?;
        let output: Vec<Item> = serde_json::from_value(stored.response["output"].clone())
            .map_err(|e| ApiError::internal(format!("response {id} can't be read: {e}")))?;
        turns.push(output);
        turns.push(request.items()?);
        seen.insert(id);
        next = request.previous_response_id;
        if seen.len() > LONGEST_CHAIN {
            return Err(ApiError::param(
                "previous_response_id",
                "the conversation has too many turns: begin a new one",
            ));
        }
    }
    Ok(turns.into_iter().rev().flatten().collect())
}

/// How a response is fetched.
#[derive(Debug, Default, Deserialize, JsonSchema)]
pub struct GetQuery {
    /// Whether its events are streamed, while it is made in the background.
    #[serde(default)]
    pub stream: bool,
    /// The number of the last event that is known already.
    #[serde(default)]
    pub starting_after: Option<u64>,
}

/// Fetches a response.
pub async fn get(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    query: Result<Query<GetQuery>, axum::extract::rejection::QueryRejection>,
) -> Result<Response, ApiError> {
    let Query(query) = query.map_err(|e| ApiError::invalid(e.body_text()))?;
    // Looked for first: a job that ends in between is then found in the store as ended.
    let feed = state.feeds.find(&id);
    let mut stored = load(&state, &caller.0, &id).await?;
    if query.stream {
        let from = query.starting_after.map_or(0, |n| n.saturating_add(1));
        if let Some(feed) = feed {
            let from = usize::try_from(from).unwrap_or(usize::MAX);
            return Ok(watch(&state, caller.0, id, feed, from));
        }
        let event = end_of(&stored, from);
        return Ok(sse(stream::once(std::future::ready(vec![event]))));
    }
    stored.response["status"] = stored.status.as_str().into();
    Ok(Json(stored.response).into_response())
}

/// Forgets a response; one that is being made is stopped.
pub async fn delete(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    load(&state, &caller.0, &id).await?;
    state.store.remove_response(&id, &caller.0).await?;
    if let Some(flight) = state.in_flight.find(&id, &caller.0) {
        flight.controls.iter().for_each(RunControl::interrupt);
    }
    Ok(Json(json!({"id": id, "object": "response", "deleted": true})))
}

/// Cancels a background response.
pub async fn cancel(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    jobs::cancel(&state, &caller.0, &id).await.map(Json)
}

/// The items a response was made from.
pub async fn input_items(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let stored = load(&state, &caller.0, &id).await?;
    let request: ResponseRequest = serde_json::from_value(stored.request)
        .map_err(|e| ApiError::internal(format!("the request of response {id} can't be read: {e}")))?;
    let items: Vec<Value> = request
        .items()?
        .iter()
        .enumerate()
        .map(|(i, item)| {
            let mut value = json!(item);
            if item.id.is_none() {
                value["id"] = format!("{id}-{i}").into();
            }
            if item.kind.is_none() {
                value["type"] = "message".into();
            }
            value
        })
        .collect();
    Ok(Json(json!({
        "object": "list", "has_more": false,
        "first_id": items.first().map(|i| &i["id"]), "last_id": items.last().map(|i| &i["id"]), "data": items,
    })))
}
