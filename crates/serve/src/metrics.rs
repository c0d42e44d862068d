//! `/metrics`, in the text format of Prometheus.

use std::sync::atomic::{AtomicI64, AtomicU64};

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;
use strawberry_core::Usage;

use crate::error::ApiError;
use crate::state::AppState;

/// A request by route and outcome.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct RequestLabels {
    /// The route, not the path.
    pub route: String,
    /// The HTTP status.
    pub status: u16,
}

/// A route.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct RouteLabels {
    /// The route.
    pub route: String,
}

/// Tokens by model and kind.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct TokenLabels {
    /// The model's name.
    pub model: String,
    /// `prompt`, `reasoning` or `answer`.
    pub kind: &'static str,
}

/// What is counted and timed.
pub struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter<u64, AtomicU64>>,
    seconds: Family<RouteLabels, Histogram, fn() -> Histogram>,
    tokens: Family<TokenLabels, Counter<u64, AtomicU64>>,
    first_token: Histogram,
    running: Gauge<i64, AtomicI64>,
    waiting: Gauge<i64, AtomicI64>,
    in_flight: Gauge<i64, AtomicI64>,
}

fn times() -> Histogram {
    // From 1 ms to about half an hour.
    Histogram::new(exponential_buckets(0.001, 2.0, 21))
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("strawberry");
        let metrics = Metrics {
            requests: Family::default(),
            seconds: Family::new_with_constructor(times),
            tokens: Family::default(),
            first_token: times(),
            running: Gauge::default(),
            waiting: Gauge::default(),
            in_flight: Gauge::default(),
            registry: Registry::default(),
        };
        registry.register(
            "requests",
            "Requests by route and status",
            metrics.requests.clone(),
        );
        registry.register(
            "request_seconds",
            "Time until a request was answered, for a stream until it began",
            metrics.seconds.clone(),
        );
        registry.register(
            "tokens",
            "Tokens by model and kind; reasoning includes attempts that were not chosen",
            metrics.tokens.clone(),
        );
        registry.register(
            "first_token_seconds",
            "Time from the start of a run to its first token",
            metrics.first_token.clone(),
        );
        registry.register("running", "Requests at work", metrics.running.clone());
        registry.register(
            "waiting",
            "Requests waiting for their turn",
            metrics.waiting.clone(),
        );
        registry.register(
            "in_flight",
            "Requests in flight, background jobs too",
            metrics.in_flight.clone(),
        );
        Metrics { registry, ..metrics }
    }
}

impl Metrics {
    /// Counts a request.
    pub fn request(&self, route: &str, status: u16, seconds: f64) {
        let route = route.to_owned();
        let labels = RequestLabels {
            route: route.clone(),
            status,
        };
        self.requests.get_or_create(&labels).inc();
        self.seconds
            .get_or_create(&RouteLabels { route })
            .observe(seconds);
    }

    /// Counts the tokens of a run.
    pub fn usage(&self, model: &str, usage: &Usage) {
        let answer = usage.completion_tokens.saturating_sub(usage.reasoning_tokens);
        for (kind, tokens) in [
            ("prompt", usage.prompt_tokens),
            ("reasoning", usage.reasoning_tokens),
            ("answer", answer),
        ] {
            let labels = TokenLabels {
                model: model.to_owned(),
                kind,
            };
            self.tokens.get_or_create(&labels).inc_by(tokens);
        }
    }

    /// Notes how long a run took to its first token.
    pub fn first_token(&self, seconds: f64) {
        self.first_token.observe(seconds);
    }
}

/// All metrics as text.
pub async fn text(State(state): State<AppState>) -> Result<Response, ApiError> {
    let metrics = &state.metrics;
    let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    metrics.running.set(count(state.queue.at_work()));
    metrics.waiting.set(count(state.queue.waiting()));
    metrics.in_flight.set(count(state.in_flight.len()));
    let mut text = String::new();
    encode(&mut text, &metrics.registry).map_err(|e| ApiError::internal(e.to_string()))?;
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, kind)], text).into_response())
}
