//! Background responses: jobs in the store, worked on by whichever process holds their lease.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::json;
use strawberry_store::{ResponseStatus, StoredResponse};
use strawberry_think::RunControl;
use tokio::task::AbortHandle;

use super::maker::Maker;
use super::object::ResponseObject;
use super::request::ResponseRequest;
use super::{earlier, status_of};
use crate::error::ApiError;
use crate::start::start;
use crate::state::{AppState, new_id, now_ms};

/// A job whose worker was not heard of for so long may be taken over.
const LEASE_MS: u64 = 10_000;
/// How often leases are renewed.
const RENEW: Duration = Duration::from_secs(3);
/// How often jobs of other processes are looked for.
const LOOK: Duration = Duration::from_secs(1);

/// The jobs of this process.
type Held = Arc<Mutex<HashMap<String, AbortHandle>>>;

/// Works on background jobs until `stop`; then gives those in flight back to the queue.
pub async fn work(state: AppState, stop: impl Future<Output = ()>) {
    let worker = new_id("worker-");
    let held = Held::default();
    let mut stop = std::pin::pin!(stop);
    let mut renew = tokio::time::interval(RENEW);
    loop {
        tokio::select! {
            () = &mut stop => break,
            () = state.new_job.notified() => {}
            () = tokio::time::sleep(LOOK) => {}
            _ = renew.tick() => keep(&state, &worker, &held).await,
        }
        if let Err(error) = take(&state, &worker, &held).await {
            tracing::warn!(
                error = error.error.message,
                "background jobs could not be looked for"
            );
        }
    }
    for (id, job) in lock(&held).drain() {
        job.abort();
        state.feeds.close(&id);
    }
    if let Err(error) = state.store.release_responses(&worker).await {
        tracing::warn!(%error, "background jobs could not be given back; they will be taken over");
    }
}

fn lock(held: &Held) -> std::sync::MutexGuard<'_, HashMap<String, AbortHandle>> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Renews the leases; stops jobs that are no longer ours (cancelled by another process, taken over).
async fn keep(state: &AppState, worker: &str, held: &Held) {
    let before: Vec<String> = lock(held).keys().cloned().collect();
    match state
        .store
        .renew_responses(worker, &before, now_ms() + LEASE_MS)
        .await
    {
        Ok(ours) => {
            let lost = before.iter().filter(|id| !ours.contains(id));
            let mut held = lock(held);
            for id in lost {
                if let Some(job) = held.remove(id) {
                    job.abort();
                    state.feeds.close(id);
                }
            }
        }
        Err(error) => tracing::warn!(%error, "the leases of background jobs could not be renewed"),
    }
}

async fn take(state: &AppState, worker: &str, held: &Held) -> Result<(), ApiError> {
    let free = state.settings.limits.jobs.saturating_sub(lock(held).len());
    if free == 0 {
        return Ok(());
    }
    let now = now_ms();
    let jobs = state
        .store
        .claim_responses(worker, now, now + LEASE_MS, u32::try_from(free).unwrap_or(1))
        .await?;
    for job in jobs {
        let (state, worker, all, id) = (state.clone(), worker.to_owned(), held.clone(), job.id.clone());
        // The job can't end before it is in the list: it takes itself out under the same lock.
        let mut list = lock(held);
        let task = tokio::spawn(async move {
            let id = job.id.clone();
            carry_out(&state, &worker, job).await;
            lock(&all).remove(&id);
            state.feeds.close(&id);
            state.new_job.notify_one();
        });
        list.insert(id, task.abort_handle());
    }
    Ok(())
}

async fn carry_out(state: &AppState, worker: &str, job: StoredResponse) {
    let feed = state.feeds.open(&job.id);
    let (id, created) = (job.id.clone(), job.time_ms);
    let request: Result<ResponseRequest, _> = serde_json::from_value(job.request.clone());
    let model = job.response["model"].as_str().unwrap_or("").to_owned();
    let (mut maker, made) = match request {
        Ok(request) => {
            let summarise = request.reasoning.as_ref().is_some_and(|r| r.summary.is_some());
            let mut maker = Maker::new(ResponseObject::new(&id, created, &model, &request), summarise);
            feed.add(maker.begin());
            let made = make(state, &job, &request, &mut maker, &feed).await;
            (maker, made)
        }
        Err(error) => {
            let request = ResponseRequest::default();
            let maker = Maker::new(ResponseObject::new(&id, created, &model, &request), false);
            (
                maker,
                Err(ApiError::internal(format!(
                    "the stored request can't be read: {error}"
                ))),
            )
        }
    };
    let last = made.unwrap_or_else(|error| maker.fail(&error));
    let status = status_of(&maker.response);
    let ended = state
        .store
        .finish_response(&id, worker, status, &json!(maker.response))
        .await;
    match ended {
        Ok(true) => feed.add(last),
        // It was cancelled or taken over in the meantime: what was made here does not count.
        Ok(false) => {}
        Err(error) => {
            tracing::warn!(%error, id, "a background job could not be ended; it will be made again")
        }
    }
}

/// Makes the response; returns the last events, which are told only once the response is stored.
async fn make(
    state: &AppState,
    job: &StoredResponse,
    request: &ResponseRequest,
    maker: &mut Maker,
    feed: &super::feed::Feed,
) -> Result<Vec<serde_json::Value>, ApiError> {
    let before = earlier(state, &job.caller, request.previous_response_id.as_deref()).await?;
    let ask = request.ask(state, before)?;
    let turn = state.queue.wait().await?;
    let mut running = start(state, &job.caller, &job.id, &ask, 1, turn)?;
    let mut last = Vec::new();
    while let Some((_, piece)) = running.next().await {
        feed.add(std::mem::take(&mut last));
        last = maker.take(piece?);
    }
    Ok(last)
}

/// Cancels a background response of `caller`.
///
/// # Errors
/// There is none, or it is not a background one.
pub async fn cancel(state: &AppState, caller: &str, id: &str) -> Result<serde_json::Value, ApiError> {
    let stored = super::load(state, caller, id).await?;
    if !stored.background {
        return Err(ApiError::invalid(
            "only a response that is made in the background can be cancelled; to stop another one, close its connection or use /v1/requests/{id}/cancel",
        ));
    }
    let mut response = stored.response;
    response["status"] = ResponseStatus::Cancelled.as_str().into();
    if state.store.cancel_response(id, caller, &response).await? {
        if let Some(flight) = state.in_flight.find(id, caller) {
            flight.controls.iter().for_each(RunControl::interrupt);
        }
        return Ok(response);
    }
    // It had ended already.
    Ok(super::load(state, caller, id).await?.response)
}
