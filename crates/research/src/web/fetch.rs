//! One page, fetched politely: robots.txt is kept, a site is asked once a second, sizes and times are bounded, every
//! redirect is checked like a new address.

use std::collections::{BTreeSet, HashMap};
use std::sync::Mutex;
use std::time::Duration;

use futures::StreamExt;
use reqwest::header::{ACCEPT, ACCEPT_LANGUAGE, CONTENT_TYPE, LOCATION};
use reqwest::{Client, Response, Url};
use tokio::time::Instant;

use super::guard::Guard;
use super::robots::{NAME, Robots};
use crate::passage::Document;
use crate::source::SourceError;
use crate::text::{decode, html};

/// Redirects followed at most.
const REDIRECTS: usize = 5;
/// Bytes read of robots.txt (RFC 9309, section 2.5, asks for at least this much).
const ROBOTS_BYTES: usize = 500 << 10;

/// What a fetcher may cost.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of a page at most.
    pub bytes: usize,
    /// How long a page may take, redirects included.
    pub time: Duration,
    /// How long to wait between two requests to one host.
    pub pause: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            bytes: 4 << 20,
            time: Duration::from_secs(20),
            pause: Duration::from_secs(1),
        }
    }
}

/// Fetches pages.
pub struct Fetcher {
    client: Client,
    guard: Guard,
    limits: Limits,
    robots: Mutex<HashMap<String, Robots>>,
    next: Mutex<HashMap<String, Instant>>,
}

impl Fetcher {
    /// A fetcher that reaches what `guard` lets it.
    ///
    /// # Errors
    /// TLS can't be set up.
    pub fn new(guard: Guard, limits: Limits) -> Result<Fetcher, SourceError> {
        // Fails only if a provider is installed already, which then serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .user_agent(format!(
                "{NAME}/{} (research; keeps robots.txt)",
                env!("CARGO_PKG_VERSION")
            ))
            .redirect(reqwest::redirect::Policy::none())
            // A proxy would resolve names where the guard can't see it.
            .no_proxy()
            .referer(false)
            .connect_timeout(Duration::from_secs(10))
            .dns_resolver(guard.clone())
            .build()
            .map_err(|e| SourceError(format!("can't set up the web client: {e}")))?;
        Ok(Fetcher {
            client,
            guard,
            limits,
            robots: Mutex::default(),
            next: Mutex::default(),
        })
    }

    /// The page at `address` as a document, named by the address it was found at in the end.
    ///
    /// # Errors
    /// It can't be reached or may not be, is too slow, is no text, or has none. The message names the address.
    pub async fn fetch(&self, address: &str) -> Result<Document, SourceError> {
        let shown: String = address.chars().filter(|c| !c.is_control()).take(200).collect();
        let result = tokio::time::timeout(self.limits.time, self.follow(address)).await;
        result
            .unwrap_or_else(|_| Err("took too long".to_owned()))
            .map_err(|why| SourceError(format!("{shown}: {why}")))
    }

    async fn follow(&self, address: &str) -> Result<Document, String> {
        let mut url = Url::parse(address).map_err(|_| "is no address")?;
        let mut seen = BTreeSet::new();
        for _ in 0..=REDIRECTS {
            url.set_fragment(None);
            self.guard.check(&url)?;
            if !seen.insert(url.to_string()) {
                return Err("redirects in a circle".to_owned());
            }
            if !self.allowed(&url).await? {
                return Err("its robots.txt asks not to read it".to_owned());
            }
            let response = self.get(&url).await?;
            if response.status().is_redirection()
                && let Some(to) = response.headers().get(LOCATION)
            {
                let to = to.to_str().map_err(|_| "redirects to nowhere")?;
                url = url.join(to).map_err(|_| "redirects to nowhere")?;
                continue;
            }
            if !response.status().is_success() {
                return Err(format!("answered {}", response.status()));
            }
            return self.read(url, response).await;
        }
        Err("redirects too often".to_owned())
    }

    async fn read(&self, url: Url, response: Response) -> Result<Document, String> {
        let kind = response
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|v| v.to_str().ok())
            .unwrap_or("text/html")
            .to_ascii_lowercase();
        let page = kind.contains("html");
        if !page && !kind.starts_with("text/") && !kind.starts_with("application/json") {
            return Err(format!(
                "is {}, which is not read",
                kind.split(';').next().unwrap_or("")
            ));
        }
        let bytes = body(response, self.limits.bytes).await?;
        let text = decode::text(bytes).ok_or("is no text")?;
        let (title, text) = if page {
            html::text(&text)
        } else {
            (String::new(), text)
        };
        if text.trim().is_empty() {
            return Err("has no text".to_owned());
        }
        let name = url.to_string();
        Ok(Document {
            title: if title.is_empty() {
                name.clone()
            } else {
                title.chars().take(200).collect()
            },
            name,
            text,
        })
    }

    /// Whether the site's robots.txt lets the page be read.
    async fn allowed(&self, url: &Url) -> Result<bool, String> {
        let site = url.origin().ascii_serialization();
        let path = url
            .query()
            .map_or_else(|| url.path().to_owned(), |q| format!("{}?{q}", url.path()));
        let known = self.robots.lock().ok().and_then(|r| r.get(&site).cloned());
        let robots = match known {
            Some(robots) => robots,
            None => {
                let robots = self.site_rules(url).await?;
                if let Ok(mut all) = self.robots.lock() {
                    all.insert(site, robots.clone());
                }
                robots
            }
        };
        Ok(robots.allows(&path))
    }

    async fn site_rules(&self, url: &Url) -> Result<Robots, String> {
        let mut at = url.join("/robots.txt").map_err(|e| e.to_string())?;
        for _ in 0..=REDIRECTS {
            self.guard.check(&at)?;
            let response = self.get(&at).await?;
            let status = response.status();
            if status.is_redirection() {
                let to = response
                    .headers()
                    .get(LOCATION)
                    .and_then(|v| v.to_str().ok())
                    .and_then(|to| at.join(to).ok());
                match to {
                    Some(to) => at = to,
                    None => return Ok(Robots::default()),
                }
            } else if status.is_client_error() {
                return Ok(Robots::default());
            } else if status.is_success() {
                let text = body(response, ROBOTS_BYTES).await.unwrap_or_default();
                return Ok(Robots::parse(&String::from_utf8_lossy(&text)));
            } else {
                return Ok(Robots::forbidding());
            }
        }
        Ok(Robots::default())
    }

    /// One request, after the pause that the host is due.
    async fn get(&self, url: &Url) -> Result<Response, String> {
        let host = url.host_str().unwrap_or("").to_owned();
        let at = {
            let mut next = self.next.lock().map_err(|e| e.to_string())?;
            let now = Instant::now();
            let at = next.get(&host).copied().unwrap_or(now).max(now);
            next.insert(host, at + self.limits.pause);
            at
        };
        tokio::time::sleep_until(at).await;
        self.client
            .get(url.clone())
            .header(ACCEPT, "text/html,text/plain;q=0.9,*/*;q=0.1")
            .header(ACCEPT_LANGUAGE, "en,*;q=0.5")
            .send()
            .await
            .map_err(|e| root_cause(&e))
    }
}

/// The body, up to `most` bytes; a longer one is cut.
pub(super) async fn body(response: Response, most: usize) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let mut stream = response.bytes_stream();
    while let Some(piece) = stream.next().await {
        bytes.extend_from_slice(&piece.map_err(|e| root_cause(&e))?);
        if bytes.len() >= most {
            bytes.truncate(most);
            break;
        }
    }
    Ok(bytes)
}

/// The innermost reason of an error, without the address.
pub(super) fn root_cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
