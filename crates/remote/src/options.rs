//! The settings of a remote model.

use std::fmt;
use std::time::Duration;

/// How a server is talked to.
#[derive(Clone)]
pub struct RemoteOptions {
    /// Sent as `Authorization: Bearer …`; `None` sends no such header.
    pub api_key: Option<String>,
    /// Time allowed for establishing a connection.
    pub connect_timeout: Duration,
    /// Time allowed from sending a request to the first byte of the streamed response. Long, because a
    /// busy server queues requests and a long prompt takes time.
    pub first_byte_timeout: Duration,
    /// Longest silence allowed within a streamed response.
    pub idle_timeout: Duration,
    /// How often a request is repeated after 429, 5xx or a connection failure, as long as nothing was sampled.
    pub max_retries: u32,
    /// Wait before the first repetition; doubles each time, up to `retry_max_wait`, less a random part.
    pub retry_wait: Duration,
    /// Longest wait before a repetition. A server that asks (`Retry-After`) for a longer one is not asked again.
    pub retry_max_wait: Duration,
    /// Requests in flight at most; further attempts wait for one to end.
    pub concurrency: usize,
}

impl Default for RemoteOptions {
    fn default() -> Self {
        RemoteOptions {
            api_key: None,
            connect_timeout: Duration::from_secs(10),
            first_byte_timeout: Duration::from_secs(600),
            idle_timeout: Duration::from_secs(120),
            max_retries: 4,
            retry_wait: Duration::from_millis(500),
            retry_max_wait: Duration::from_secs(30),
            concurrency: 32,
        }
    }
}

impl RemoteOptions {
    /// The defaults, with the API key from `STRAWBERRY_API_KEY` or, without that, `OPENAI_API_KEY`.
    pub fn from_env() -> Self {
        let key = |name| {
            std::env::var(name)
                .ok()
                .map(|k| k.trim().to_owned())
                .filter(|k| !k.is_empty())
        };
        RemoteOptions {
            api_key: key("STRAWBERRY_API_KEY").or_else(|| key("OPENAI_API_KEY")),
            ..RemoteOptions::default()
        }
    }
}

impl fmt::Debug for RemoteOptions {
    /// All settings but the key itself.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteOptions")
            .field("api_key", &self.api_key.as_ref().map(|_| "…"))
            .field("connect_timeout", &self.connect_timeout)
            .field("first_byte_timeout", &self.first_byte_timeout)
            .field("idle_timeout", &self.idle_timeout)
            .field("max_retries", &self.max_retries)
            .field("retry_wait", &self.retry_wait)
            .field("retry_max_wait", &self.retry_max_wait)
            .field("concurrency", &self.concurrency)
            .finish()
    }
}
