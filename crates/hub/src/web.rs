//! Files of a Hugging Face repository, resumable and hash-checked.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::Once;
use std::time::Duration;

use futures::StreamExt;
use reqwest::header::{ETAG, HeaderMap, LOCATION, RANGE};
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode, Url};
use serde::Deserialize;

use crate::error::HubError;
use crate::package::put_in_place;
use crate::store::Progress;

/// The hub, unless `HF_ENDPOINT` names another.
const ENDPOINT: &str = "https://huggingface.co";
/// Time for a connection; an unreachable hub is noticed soon.
const CONNECT: Duration = Duration::from_secs(5);
/// Longest silence within a download.
const IDLE: Duration = Duration::from_secs(30);
/// Redirects followed for one file.
const REDIRECTS: usize = 8;
/// Quantisations in order of preference, when a repository has several GGUF files.
const PREFERRED: [&str; 6] = ["q4_k_m", "q4_k_s", "q4_0", "q5_k_m", "q8_0", "f16"];
/// Files of a safetensors model that are wanted beside the weights.
const COMPANIONS: [&str; 6] = [
    "config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "chat_template.jinja",
    "generation_config.json",
    "model.safetensors.index.json",
];

/// A repository on the hub.
pub(crate) struct Repository<'a> {
    client: Client,
    endpoint: String,
    name: &'a str,
}

#[derive(Deserialize)]
struct Listing {
    siblings: Vec<Sibling>,
}

#[derive(Deserialize)]
struct Sibling {
    rfilename: String,
}

impl<'a> Repository<'a> {
    /// The repository `owner/name` on the hub of the environment.
    pub(crate) fn new(name: &'a str) -> Result<Self, HubError> {
        let endpoint = std::env::var("HF_ENDPOINT")
            .ok()
            .filter(|e| !e.is_empty())
            .unwrap_or_else(|| ENDPOINT.to_owned());
        Repository::at(&endpoint, name)
    }

    /// The repository `owner/name` on the hub at `endpoint`.
    fn at(endpoint: &str, name: &'a str) -> Result<Self, HubError> {
        static CRYPTO: Once = Once::new();
        CRYPTO.call_once(|| {
            // An error only means that a provider is installed already.
            let _ = rustls::crypto::ring::default_provider().install_default();
        });
        let client = Client::builder()
            .connect_timeout(CONNECT)
            .read_timeout(IDLE)
            .redirect(Policy::none())
            .user_agent("strawberry")
            .build();
        let client = client.map_err(|e| HubError::NoSource(format!("no HTTPS on this machine: {e}")))?;
        Ok(Repository {
            client,
            endpoint: endpoint.trim_end_matches('/').to_owned(),
            name,
        })
    }

    /// The files to fetch: the one asked for, or the best GGUF file, or a whole safetensors model.
    pub(crate) async fn choose(&self, wanted: Option<&str>) -> Result<Vec<String>, HubError> {
        let url = format!("{}/api/models/{}", self.endpoint, self.name);
        let (response, _) = self.get(&url, HeaderMap::new()).await?;
        let listing: Listing = response.json().await.map_err(|e| self.failed(&e))?;
        let names: Vec<String> = listing
            .siblings
            .into_iter()
            .map(|s| s.rfilename)
            .filter(|n| is_plain(n))
            .collect();
        if let Some(wanted) = wanted {
            let low = wanted.to_lowercase();
            let matches =
                |n: &&String| **n == wanted || (n.ends_with(".gguf") && n.to_lowercase().contains(&low));
            let found = names.iter().find(matches).cloned();
            return found.map(|n| vec![n]).ok_or_else(|| {
                HubError::NotHere(format!(
                    "{} has no file '{wanted}'; it has {}",
                    self.name,
                    names.join(", ")
                ))
            });
        }
        let ggufs: Vec<&String> = names
            .iter()
            .filter(|n| n.ends_with(".gguf") && !n.contains('/'))
            .collect();
        let best = PREFERRED
            .iter()
            .find_map(|q| ggufs.iter().find(|n| n.to_lowercase().contains(q)));
        if let Some(best) = best.or(ggufs.first()) {
            return Ok(vec![(*best).clone()]);
        }
        let wanted = |n: &&String| {
            COMPANIONS.contains(&n.as_str()) || (n.ends_with(".safetensors") && !n.contains('/'))
        };
        let files: Vec<String> = names.iter().filter(wanted).cloned().collect();
        if files.iter().any(|n| n.ends_with(".safetensors")) {
            return Ok(files);
        }
        Err(HubError::NotHere(format!(
            "{} has neither GGUF nor safetensors files",
            self.name
        )))
    }

    /// Fetches one file to `target`, going on where an earlier try stopped.
    pub(crate) async fn fetch(
        &self,
        file: &str,
        target: &Path,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(), HubError> {
        let url = format!("{}/{}/resolve/main/{file}", self.endpoint, self.name);
        let part = target.with_extension("part");
        let have = fs::metadata(&part).map_or(0, |m| m.len());
        let mut headers = HeaderMap::new();
        if have > 0
            && let Ok(range) = format!("bytes={have}-").parse()
        {
            headers.insert(RANGE, range);
        }
        let (response, sha256) = self.get(&url, headers).await?;
        let resumed = response.status() == StatusCode::PARTIAL_CONTENT;
        if response.status() == StatusCode::RANGE_NOT_SATISFIABLE {
            // The part is the whole file (or longer than it): its hash decides.
            return put_in_place(&part, target, sha256.as_deref());
        }
        let mut done = if resumed { have } else { 0 };
        let total = response.content_length().map(|rest| done + rest);
        let mut out = OpenOptions::new()
            .create(true)
            .write(true)
            .append(resumed)
            .truncate(!resumed)
            .open(&part)
            .map_err(|e| HubError::io("can't write", &part, e))?;
        let mut body = response.bytes_stream();
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(|e| self.failed(&e))?;
            out.write_all(&chunk)
                .map_err(|e| HubError::io("can't write", &part, e))?;
            done += chunk.len() as u64;
            progress(Progress::Bytes {
                file: file.to_owned(),
                done,
                total,
            });
        }
        out.sync_all()
            .map_err(|e| HubError::io("can't write", &part, e))?;
        if total.is_some_and(|total| done != total) {
            return Err(HubError::NoSource(format!(
                "{file} ended early: run the command again, it goes on from here"
            )));
        }
        put_in_place(&part, target, sha256.as_deref())
    }

    /// The response at the end of the redirects, and the hash of its content if any of the servers on the way
    /// told it: the hub does so before it redirects to where large files lie. The token goes to the hub only.
    async fn get(
        &self,
        url: &str,
        headers: HeaderMap,
    ) -> Result<(reqwest::Response, Option<String>), HubError> {
        let mut url = Url::parse(url)
            .map_err(|e| HubError::NoSource(format!("'{url}' is no address ({e}): check HF_ENDPOINT")))?;
        let home = url.origin();
        let mut sha256 = None;
        for _ in 0..=REDIRECTS {
            let mut request = self.client.get(url.clone()).headers(headers.clone());
            if url.origin() == home
                && let Ok(token) = std::env::var("HF_TOKEN")
            {
                request = request.bearer_auth(token.trim());
            }
            let response = request.send().await.map_err(|e| self.failed(&e))?;
            sha256 = sha256.or_else(|| sha256_of(response.headers()));
            let status = response.status();
            if status.is_redirection() {
                let target = response.headers().get(LOCATION).and_then(|l| l.to_str().ok());
                let next = target.and_then(|t| url.join(t).ok());
                url = next.ok_or_else(|| {
                    HubError::NoSource(format!("{} redirects to nowhere: try again later", self.endpoint))
                })?;
                continue;
            }
            return match status {
                StatusCode::RANGE_NOT_SATISFIABLE => Ok((response, sha256)),
                status if status.is_success() => Ok((response, sha256)),
                StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND => {
                    Err(HubError::NotHere(format!(
                        "{} has no open repository '{}': check the name, or set HF_TOKEN if it is gated",
                        self.endpoint, self.name
                    )))
                }
                status => Err(HubError::NoSource(format!(
                    "{} answered {status}: try again later",
                    self.endpoint
                ))),
            };
        }
        Err(HubError::NoSource(format!(
            "{} redirects in a circle: try again later",
            self.endpoint
        )))
    }

    fn failed(&self, error: &reqwest::Error) -> HubError {
        let mut why: &dyn std::error::Error = error;
        while let Some(source) = why.source() {
            why = source;
        }
        HubError::NoSource(format!("{}: {why}", self.endpoint))
    }
}

/// A file name that stays inside its folder.
fn is_plain(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with('/')
        && !name.contains('\\')
        && name.split('/').all(|p| !matches!(p, "" | "." | ".."))
}

/// The SHA-256 of a large file, which the hub gives as its entity tag.
fn sha256_of(headers: &HeaderMap) -> Option<String> {
    let tag = headers.get("x-linked-etag").or_else(|| headers.get(ETAG))?;
    let tag = tag
        .to_str()
        .ok()?
        .trim_start_matches("W/")
        .trim_matches('"')
        .to_lowercase();
    (tag.len() == 64 && tag.bytes().all(|b| b.is_ascii_hexdigit())).then_some(tag)
}

#[cfg(test)]
#[path = "web_tests.rs"]
mod tests;
