//! Who may start working: a bounded number at once, a bounded number waiting, the rest comes back later.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::ApiError;

/// Requests at work and waiting. Turns are taken in order of arrival.
pub struct Queue {
    turns: Arc<Semaphore>,
    running: usize,
    waiting: AtomicUsize,
    most_waiting: usize,
}

/// The right to work; dropping it lets the next one in.
pub struct Turn(#[expect(dead_code, reason = "held for its drop")] OwnedSemaphorePermit);

struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Queue {
    /// Lets `running` requests work at once, and as many as `waiting` wait.
    pub fn new(running: usize, waiting: usize) -> Self {
        let running = running.clamp(1, Semaphore::MAX_PERMITS);
        Queue {
            turns: Arc::new(Semaphore::new(running)),
            running,
            waiting: AtomicUsize::new(0),
            most_waiting: waiting,
        }
    }

    /// Waits for a turn.
    ///
    /// # Errors
    /// 429 when too many wait already.
    pub async fn turn(&self) -> Result<Turn, ApiError> {
        if let Ok(permit) = self.turns.clone().try_acquire_owned() {
            return Ok(Turn(permit));
        }
        let before = self.waiting.fetch_add(1, Ordering::Relaxed);
        let _waiting = Waiting(&self.waiting);
        if before >= self.most_waiting {
            let seconds = 1 + (before / self.running) as u64;
            return Err(ApiError::too_many(
                "server_busy",
                format!("the server is busy ({before} requests are waiting): try again in {seconds} s"),
                seconds,
            ));
        }
        self.wait().await
    }

    /// Waits for a turn, however many wait: for work that is in no hurry.
    ///
    /// # Errors
    /// The server is shutting down.
    pub async fn wait(&self) -> Result<Turn, ApiError> {
        let permit = self.turns.clone().acquire_owned().await;
        permit
            .map(Turn)
            .map_err(|_| ApiError::internal("the server is shutting down"))
    }

    /// Requests at work.
    pub fn at_work(&self) -> usize {
        self.running - self.turns.available_permits()
    }

    /// Requests waiting.
    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }
}
