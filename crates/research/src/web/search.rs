//! Search servers that answer in JSON: SearXNG (self-hosted), Brave and Tavily (by key).

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures::future::BoxFuture;
use reqwest::header::{AUTHORIZATION, HeaderValue, RETRY_AFTER};
use reqwest::{Client, StatusCode, Url};
use serde_json::{Value, json};

use super::fetch::{Fetcher, body, root_cause};
use crate::passage::Passage;
use crate::source::{Found, Page, Source, SourceError};

/// Bytes of an answer at most.
const MOST_BYTES: usize = 4 << 20;
/// How long a search may take.
const TIME: Duration = Duration::from_secs(20);
/// The longest wait that a busy server is granted, once.
const WAIT: Duration = Duration::from_secs(10);

/// Whose server it is.
#[derive(Clone, PartialEq, Eq)]
pub enum Engine {
    /// SearXNG, with its JSON format switched on (`search.formats` in settings.yml).
    Searxng,
    /// Brave's web search API, with a key.
    Brave(String),
    /// Tavily's search API, with a key.
    Tavily(String),
}

/// A search server. It names pages; the fetcher reads them. The server's own address is the user's choice and may be
/// private; the pages may not.
pub struct SearchServer {
    engine: Engine,
    url: Url,
    client: Client,
    fetcher: Arc<Fetcher>,
}

impl SearchServer {
    /// The server at `url`; `None` for the engine's public one.
    ///
    /// # Errors
    /// The address is none, or TLS can't be set up.
    pub fn new(
        engine: Engine,
        url: Option<&str>,
        fetcher: Arc<Fetcher>,
    ) -> Result<SearchServer, SourceError> {
        let default = match engine {
            Engine::Searxng => "http://localhost:8888",
            Engine::Brave(_) => "https://api.search.brave.com/res/v1/web/search",
            Engine::Tavily(_) => "https://api.tavily.com/search",
        };
        let address = url.unwrap_or(default);
        let wrong = || {
            SourceError(format!(
                "'{address}' is no address of a search server: give http(s)://host[:port]"
            ))
        };
        let mut url = Url::parse(address).map_err(|_| wrong())?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(wrong());
        }
        if engine == Engine::Searxng && !url.path().ends_with("/search") {
            url.set_path(&format!("{}/search", url.path().trim_end_matches('/')));
        }
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .user_agent(concat!("strawberry/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .timeout(TIME)
            .build()
            .map_err(|e| SourceError(format!("can't set up the web client: {e}")))?;
        Ok(SearchServer {
            engine,
            url,
            client,
            fetcher,
        })
    }

    async fn ask(&self, query: &str, most: usize) -> Result<Value, String> {
        let mut patient = true;
        loop {
            let mut url = self.url.clone();
            let request = match &self.engine {
                Engine::Searxng => {
                    url.query_pairs_mut()
                        .append_pair("q", query)
                        .append_pair("format", "json");
                    self.client.get(url)
                }
                Engine::Brave(key) => {
                    url.query_pairs_mut()
                        .append_pair("q", query)
                        .append_pair("count", &most.clamp(1, 20).to_string());
                    self.client.get(url).header("X-Subscription-Token", secret(key)?)
                }
                Engine::Tavily(key) => self
                    .client
                    .post(url)
                    .header(AUTHORIZATION, secret(&format!("Bearer {key}"))?)
                    .header("Content-Type", "application/json")
                    .body(json!({"query": query, "max_results": most.clamp(1, 20)}).to_string()),
            };
            let response = request.send().await.map_err(|e| root_cause(&e))?;
            let status = response.status();
            if status == StatusCode::TOO_MANY_REQUESTS && patient {
                let wait = response
                    .headers()
                    .get(RETRY_AFTER)
                    .and_then(|v| v.to_str().ok()?.parse::<u64>().ok());
                tokio::time::sleep(Duration::from_secs(wait.unwrap_or(1)).min(WAIT)).await;
                patient = false;
                continue;
            }
            let text = body(response, MOST_BYTES).await?;
            return match status {
                s if s.is_success() => serde_json::from_slice(&text).map_err(|_| self.no_json()),
                StatusCode::TOO_MANY_REQUESTS => Err("asks for fewer requests (429)".to_owned()),
                StatusCode::UNAUTHORIZED => Err("refused the key (401)".to_owned()),
                StatusCode::FORBIDDEN if self.engine == Engine::Searxng => Err(self.no_json()),
                s => Err(format!("answered {s}")),
            };
        }
    }

    fn no_json(&self) -> String {
        if self.engine == Engine::Searxng {
            "gives no JSON: add `json` to `search.formats` in its settings.yml".to_owned()
        } else {
            "gives no JSON".to_owned()
        }
    }
}

fn secret(text: &str) -> Result<HeaderValue, String> {
    let mut value = HeaderValue::from_str(text).map_err(|_| "the key holds characters that no key has")?;
    value.set_sensitive(true);
    Ok(value)
}

impl Source for SearchServer {
    fn name(&self) -> String {
        format!(
            "{}{}",
            self.url.host_str().unwrap_or(""),
            self.url.port().map_or(String::new(), |p| format!(":{p}"))
        )
    }

    fn fingerprint(&self) -> String {
        self.url.to_string()
    }

    fn search<'a>(&'a self, query: &'a str, most: usize) -> BoxFuture<'a, Result<Found, SourceError>> {
        Box::pin(async move {
            let answer = self
                .ask(query, most)
                .await
                .map_err(|why| SourceError(format!("The search server {}: {why}.", self.name())))?;
            let results = match self.engine {
                Engine::Brave(_) => &answer["web"]["results"],
                _ => &answer["results"],
            };
            let text = |value: &Value| value.as_str().map(|s| s.chars().take(2000).collect::<String>());
            let pages = results.as_array().into_iter().flatten().filter_map(|row| {
                Some(Page {
                    address: text(&row["url"])?,
                    title: text(&row["title"]).unwrap_or_default(),
                })
            });
            Ok(Found {
                passages: Vec::new(),
                pages: pages.take(most).collect(),
            })
        })
    }

    fn read<'a>(&'a self, page: &'a Page) -> BoxFuture<'a, Result<Vec<Passage>, SourceError>> {
        Box::pin(async move {
            let document = self.fetcher.fetch(&page.address).await?;
            let now = SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |d| d.as_millis() as u64);
            Ok(document.passages(now))
        })
    }
}
