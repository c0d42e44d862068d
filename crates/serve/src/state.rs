//! What all handlers share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use strawberry_core::{Effort, Model, RunId, Verifier};
use strawberry_store::Store;
use strawberry_think::{Recorder, Thinker};
use tokio::sync::Notify;

use crate::error::ApiError;
use crate::inflight::InFlight;
use crate::metrics::Metrics;
use crate::otel::Tracer;
use crate::queue::Queue;
use crate::quota::Quotas;
use crate::responses::feed::Feeds;

/// A model on offer.
pub struct ModelEntry {
    /// The name by which clients ask for it.
    pub id: String,
    /// The model.
    pub model: Arc<dyn Model>,
    /// Whether it is told about tools by its own template or server; otherwise they are described to it in
    /// the system message.
    pub native_tools: bool,
}

/// Limits on what clients may ask of the server.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of a request's body.
    pub body_bytes: usize,
    /// Time for a request's head and body to arrive.
    pub read_timeout: Duration,
    /// Messages of a conversation.
    pub messages: usize,
    /// Choices of one request (`n`).
    pub choices: u32,
    /// Requests that are worked on at once.
    pub running: usize,
    /// Requests that wait for their turn; one more gets 429.
    pub waiting: usize,
    /// Time that one request may take, waiting included.
    pub request_time: Duration,
    /// Background jobs that this process works on at once.
    pub jobs: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            body_bytes: 16 << 20,
            read_timeout: Duration::from_secs(30),
            messages: 100_000,
            choices: 16,
            running: 256,
            waiting: 256,
            request_time: Duration::from_secs(3600),
            jobs: 8,
        }
    }
}

/// How the server behaves where a request does not say.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The effort of a request that names none.
    pub effort: Effort,
    /// Whether every request needs a key or a session, even while there is no key yet.
    pub require_key: bool,
    /// Whether runs are recorded as traces (a request can opt out with `store: false`).
    pub traces: bool,
    /// Whether only names of this machine itself are answered to (a server on loopback).
    pub local_only: bool,
    /// Web pages of these origins may use the API.
    pub cors_origins: Vec<String>,
    /// Limits on what clients may ask.
    pub limits: Limits,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            effort: Effort::default(),
            require_key: false,
            traces: true,
            local_only: true,
            cors_origins: Vec::new(),
            limits: Limits::default(),
        }
    }
}

/// What all handlers share. Cloning is cheap.
#[derive(Clone)]
pub struct AppState(Arc<Shared>);

/// The parts of [`AppState`].
pub struct Shared {
    /// The models on offer; the first one is the default.
    pub models: Vec<ModelEntry>,
    /// Extracts and compares answers.
    pub verifier: Arc<dyn Verifier>,
    /// Traces, keys, responses, conversations.
    pub store: Arc<Store>,
    /// How the server behaves.
    pub settings: Settings,
    /// Who may start working.
    pub queue: Queue,
    /// Requests in flight.
    pub in_flight: InFlight,
    /// What is counted and timed.
    pub metrics: Metrics,
    /// Where spans go.
    pub tracer: Tracer,
    /// The events of background responses in the making.
    pub feeds: Feeds,
    /// Tells that there is a background job to do.
    pub new_job: Notify,
    /// What callers may still spend.
    pub quotas: Quotas,
    /// Set when the server was told to stop.
    draining: AtomicBool,
    /// When the server started, in milliseconds since the Unix epoch.
    pub started_ms: u64,
}

impl std::ops::Deref for AppState {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl AppState {
    /// The state of a server that offers `models`, of which there must be at least one. Made on tokio.
    ///
    /// # Errors
    /// There is no model.
    pub fn new(
        models: Vec<ModelEntry>,
        verifier: Arc<dyn Verifier>,
        store: Arc<Store>,
        settings: Settings,
    ) -> Result<AppState, ApiError> {
        if models.is_empty() {
            return Err(ApiError::invalid(
                "there is no model to serve: give one with --model",
            ));
        }
        let limits = &settings.limits;
        Ok(AppState(Arc::new(Shared {
            queue: Queue::new(limits.running, limits.waiting),
            in_flight: InFlight::default(),
            metrics: Metrics::default(),
            tracer: Tracer::from_env(),
            feeds: Feeds::default(),
            new_job: Notify::new(),
            quotas: Quotas::default(),
            draining: AtomicBool::new(false),
            models,
            verifier,
            store,
            settings,
            started_ms: now_ms(),
        })))
    }

    /// The index in [`Shared::models`] of the model called `name`; `None` and `default` are the first one.
    ///
    /// # Errors
    /// 404 with the names there are.
    pub fn model_index(&self, name: Option<&str>) -> Result<usize, ApiError> {
        let Some(name) = name.filter(|n| *n != "default") else {
            return Ok(0);
        };
        self.models.iter().position(|m| m.id == name).ok_or_else(|| {
            let names: Vec<_> = self.models.iter().map(|m| format!("'{}'", m.id)).collect();
            let shown: String = name.chars().take(100).collect();
            ApiError::not_found(
                "model_not_found",
                format!(
                    "there is no model '{shown}'; this server has {}",
                    names.join(", ")
                ),
            )
            .with_param("model")
        })
    }

    /// The server takes no more requests.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Whether the server takes no more requests.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// The model at `index` with a verifier: all that is needed to think.
    pub fn thinker(&self, index: usize) -> Thinker {
        Thinker {
            model: self.models[index].model.clone(),
            verifier: self.verifier.clone(),
        }
    }

    /// A recorder of a new run.
    pub fn recorder(&self) -> Recorder {
        Recorder {
            store: self.store.clone(),
            run: RunId(new_id("")),
            time_ms: now_ms(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}

/// Milliseconds since the Unix epoch.
pub fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// A new id that begins with `prefix`: unique, sortable by time.
pub fn new_id(prefix: &str) -> String {
    format!("{prefix}{}", uuid::Uuid::now_v7().simple())
}
