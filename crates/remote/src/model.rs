//! Connecting to a server, choosing one of its models, and the `Model` trait.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::channel::mpsc;
use futures::stream::{self, BoxStream, StreamExt};
use reqwest::{Client, RequestBuilder};
use serde_json::Value;
use strawberry_core::{Message, Model, ModelError, ModelEvent, ModelInfo, SampleRequest};
use tokio::sync::Semaphore;

use crate::address::Address;
use crate::attempt;
use crate::dialect::Dialect;
use crate::http::{self, Failure, Remedy};
use crate::options::RemoteOptions;
use crate::response::excerpt;

/// Time allowed for listing the models, connection included.
const LIST_TIMEOUT: Duration = Duration::from_secs(30);

/// The owner that llama-cpp-python's server gives its models. By default that server stops the request
/// it works on as soon as another one comes, so it gets them one by one. It works on one at a time anyway.
const INTERRUPTING_OWNER: &str = "me";

/// Names shown in an error message at most.
const SHOWN_NAMES: usize = 20;

/// A model served by an OpenAI-compatible server. Cloning is cheap and shares the connections.
///
/// Its methods and the streams of [`Model::sample`] run on tokio.
#[derive(Clone)]
pub struct RemoteModel {
    server: Arc<Server>,
}

/// A model in the list of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedModel {
    /// The name by which it is asked for.
    pub id: String,
    /// Context length in tokens, where the server says.
    pub context_length: Option<u64>,
    /// Who owns it, as far as the server says.
    pub owned_by: Option<String>,
}

/// What the attempts on one model share.
pub(crate) struct Server {
    pub address: Address,
    pub options: RemoteOptions,
    /// The model's name.
    pub model: String,
    context_length: Option<u64>,
    client: Client,
    /// One permit for each request that may be in flight.
    pub permits: Semaphore,
    dialect: Mutex<Dialect>,
    /// Whether the model has been seen to think.
    pub thinks: AtomicBool,
}

impl RemoteModel {
    /// Connects to the server at `spec`, `http(s)://host[:port]/v1#name`, and looks the model up.
    ///
    /// Without a path, `/v1` is meant. Without `#name`, the server's only model is taken. A name that
    /// the server does not list is used all the same: many servers accept more names than they list.
    ///
    /// # Errors
    /// When the address is malformed, no server answers there, it refuses the credentials, or no
    /// `#name` is given and it does not have exactly one model.
    pub async fn connect(spec: &str, options: RemoteOptions) -> Result<RemoteModel, ModelError> {
        let address = Address::parse(spec)?;
        let client = http::client(&address, &options)?;
        let mut server = Server {
            permits: Semaphore::new(options.concurrency.clamp(1, Semaphore::MAX_PERMITS)),
            model: address.model.clone().unwrap_or_default(),
            address,
            options,
            context_length: None,
            client,
            dialect: Mutex::default(),
            thinks: AtomicBool::new(false),
        };
        let listed = match server.list().await {
            Ok(listed) => listed,
            // A server may have no such list; the first attempt will tell whether the name is right.
            Err(failure) if server.address.model.is_some() && !is_fatal(&failure.error) => Vec::new(),
            Err(failure) => return Err(failure.error),
        };
        if server.address.model.is_none() {
            server.model = only_model(&listed, &server.address)?;
        }
        if listed
            .iter()
            .any(|m| m.owned_by.as_deref() == Some(INTERRUPTING_OWNER))
        {
            server.permits = Semaphore::new(1);
        }
        server.context_length = listed
            .iter()
            .find(|m| m.id == server.model)
            .and_then(|m| m.context_length);
        Ok(RemoteModel {
            server: Arc::new(server),
        })
    }

    /// The models the server lists.
    pub async fn models(&self) -> Result<Vec<ListedModel>, ModelError> {
        self.server.list().await.map_err(|f| f.error)
    }

    /// The request parameters that the server was found to refuse, so that they have no effect.
    pub fn refused_parameters(&self) -> Vec<&'static str> {
        self.server.dialect().dropped.into_iter().collect()
    }
}

/// Whether an error while listing models means that attempts would fail too.
fn is_fatal(error: &ModelError) -> bool {
    matches!(
        error,
        ModelError::Unreachable(_) | ModelError::TimedOut(_) | ModelError::Unauthorised(_)
    )
}

fn only_model(listed: &[ListedModel], address: &Address) -> Result<String, ModelError> {
    let base = address.shown();
    match listed {
        [one] => Ok(one.id.clone()),
        [] => Err(ModelError::InvalidRequest(format!(
            "{base} lists no models: name one, as in {base}#name"
        ))),
        [first, ..] => Err(ModelError::InvalidRequest(format!(
            "{base} has several models: name one, as in {base}#{}; it has: {}",
            first.id,
            names(listed)
        ))),
    }
}

fn names(listed: &[ListedModel]) -> String {
    let mut names: Vec<&str> = listed.iter().take(SHOWN_NAMES).map(|m| m.id.as_str()).collect();
    if listed.len() > SHOWN_NAMES {
        names.push("…");
    }
    names.join(", ")
}

impl Server {
    /// A request to `{base}/{path}`, with the credentials.
    pub fn request(&self, method: reqwest::Method, path: &str) -> RequestBuilder {
        let request = self
            .client
            .request(method, format!("{}/{path}", self.address.base));
        match &self.options.api_key {
            Some(key) => request.bearer_auth(key),
            None => request,
        }
    }

    /// How this server is spoken to, as far as is known.
    pub fn dialect(&self) -> Dialect {
        self.dialect
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Learns from a refusal of the request `sent` in the dialect `used`. Whether another request has a chance.
    pub fn learn(&self, refusal: &str, sent: &serde_json::Map<String, Value>, used: &Dialect) -> bool {
        let mut dialect = self.dialect.lock().unwrap_or_else(PoisonError::into_inner);
        // Another attempt may have learned something a moment ago.
        *dialect != *used || dialect.learn(refusal, sent)
    }

    /// Lists the models. One try: a server that is down should be known at once.
    async fn list(&self) -> Result<Vec<ListedModel>, Failure> {
        let base = self.address.shown();
        let exchange = async {
            let response = self
                .request(reqwest::Method::GET, "models")
                .send()
                .await
                .map_err(|e| http::transport_failure(&e, &self.address, &self.options))?;
            if !response.status().is_success() {
                let mut failure = http::status_failure(response, &self.address).await;
                if failure.remedy == Remedy::OtherName {
                    failure.error = no_api(&base, &failure.error);
                }
                return Err(failure);
            }
            http::read_body(response)
                .await
                .map_err(|e| http::transport_failure(&e, &self.address, &self.options))
        };
        let body = tokio::time::timeout(LIST_TIMEOUT, exchange).await.map_err(|_| {
            let limit = LIST_TIMEOUT.as_secs();
            ModelError::TimedOut(format!(
                "{base} accepts connections but does not list its models within {limit} s"
            ))
        })??;
        read_list(&body).ok_or_else(|| {
            ModelError::Server(format!(
                "{base}/models answers something that is no list of models: '{}'; is {base} the address of an \
                 OpenAI-compatible API?",
                excerpt(body.trim())
            ))
            .into()
        })
    }

    /// The error for a chat completion that the server does not know (404): the model or the path is wrong.
    pub async fn not_found(&self, answer: &ModelError) -> ModelError {
        let base = self.address.shown();
        match self.list().await {
            Ok(listed) if !listed.iter().any(|m| m.id == self.model) => ModelError::InvalidRequest(format!(
                "{base} has no model '{}'; it has: {}",
                self.model,
                names(&listed)
            )),
            _ => no_api(&base, answer),
        }
    }
}

fn no_api(base: &str, answer: &ModelError) -> ModelError {
    ModelError::Server(format!(
        "no OpenAI-compatible API at {base} ({answer}); its address usually ends in /v1"
    ))
}

/// Reads a list of models: OpenAI's shape with the context lengths of vLLM and llama-server.
fn read_list(body: &str) -> Option<Vec<ListedModel>> {
    let body: Value = serde_json::from_str(body).ok()?;
    let models = body.get("data").unwrap_or(&body).as_array()?;
    Some(
        models
            .iter()
            .filter_map(|m| {
                Some(ListedModel {
                    id: m.get("id")?.as_str()?.to_owned(),
                    context_length: [
                        "/max_model_len",
                        "/context_length",
                        "/meta/n_ctx",
                        "/meta/n_ctx_train",
                    ]
                    .iter()
                    .find_map(|p| m.pointer(p)?.as_u64()),
                    owned_by: m.get("owned_by").and_then(Value::as_str).map(str::to_owned),
                })
            })
            .collect(),
    )
}

impl Model for RemoteModel {
    /// `reasoning` becomes true once the model was seen to think.
    fn info(&self) -> ModelInfo {
        ModelInfo {
            name: format!("{}#{}", self.server.address.shown(), self.server.model),
            architecture: "remote".into(),
            context_length: self.server.context_length,
            reasoning: self.server.thinks.load(Ordering::Relaxed),
            ..ModelInfo::default()
        }
    }

    fn sample(&self, request: SampleRequest) -> BoxStream<'static, Result<ModelEvent, ModelError>> {
        // The attempt runs inside the stream's own polling, not as a task: dropping the stream drops the
        // attempt and closes its connection.
        let (sender, events) = mpsc::channel(0);
        let attempt = attempt::run(self.server.clone(), request, sender);
        let attempt = stream::once(attempt).filter_map(|()| async { None });
        stream::select(events, attempt).boxed()
    }

    /// Not known: the tokenizer is the server's.
    fn count_tokens(&self, _messages: &[Message]) -> Option<u64> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_lists_of_several_servers() {
        let vllm = r#"{"object":"list","data":[{"id":"a","max_model_len":4096},{"id":"b"},{"x":1}]}"#;
        let expected = |id: &str, context_length| ListedModel {
            id: id.into(),
            context_length,
            owned_by: None,
        };
        assert_eq!(
            read_list(vllm),
            Some(vec![expected("a", Some(4096)), expected("b", None)])
        );
        let llama = r#"{"data":[{"id":"c","meta":{"n_ctx_train":2048}}]}"#;
        assert_eq!(read_list(llama), Some(vec![expected("c", Some(2048))]));
        assert_eq!(read_list("<html>"), None);
        assert_eq!(read_list(r#"{"data":3}"#), None);
    }
}
