//! The server under test, and a small HTTP client.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use strawberry_engine::config::Architecture;
use strawberry_engine::engine::{Engine, EngineOptions};
use strawberry_engine::testing::TinyModel;
use strawberry_serve::{AppState, ModelEntry, Server, Settings};
use strawberry_store::Store;
use strawberry_verify::MathVerifier;
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::sync::oneshot;

/// Speaks to a server.
pub struct Client {
    pub address: SocketAddr,
}

/// A running server, and a client of it.
pub struct Running {
    client: Client,
    pub state: AppState,
    pub stop: Option<oneshot::Sender<()>>,
    pub ended: tokio::task::JoinHandle<()>,
    pub folder: Option<Arc<TempDir>>,
}

/// A model whose attempts are long enough to be stopped in the middle.
pub fn tiny() -> Arc<Engine> {
    let mut tiny = TinyModel::new(Architecture::Qwen2);
    tiny.config.context_length = 4096;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tiny.gguf");
    std::fs::write(&path, tiny.gguf()).unwrap();
    let options = EngineOptions {
        threads: Some(1),
        kv_bytes: Some(64 << 20),
        ..EngineOptions::default()
    };
    Arc::new(Engine::load(&path, &options).unwrap())
}

impl Running {
    pub async fn new() -> Running {
        Running::with(Settings::default()).await
    }

    pub async fn with(settings: Settings) -> Running {
        Running::on(Arc::new(tempfile::tempdir().unwrap()), settings).await
    }

    /// A server on the store in `folder`.
    pub async fn on(folder: Arc<TempDir>, settings: Settings) -> Running {
        let mut running = Running::at(folder.path(), settings).await;
        running.folder = Some(folder);
        running
    }

    /// A server on the store in the folder at `path`.
    pub async fn at(path: &Path, settings: Settings) -> Running {
        let store = Store::open(path.join("traces.db")).await.unwrap();
        let entry = ModelEntry {
            id: "tiny".into(),
            model: tiny(),
            native_tools: false,
        };
        let verifier = Arc::new(MathVerifier::default());
        let state = AppState::new(vec![entry], verifier, Arc::new(store), settings).unwrap();
        let server = Server::bind(([127, 0, 0, 1], 0).into(), state.clone())
            .await
            .unwrap();
        let address = server.address().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let ended = tokio::spawn(server.run(async {
            let _ = stopped.await;
        }));
        Running {
            client: Client { address },
            state,
            stop: Some(stop),
            ended,
            folder: None,
        }
    }

    /// A client of another server.
    pub fn client(address: SocketAddr) -> Client {
        Client { address }
    }
}

impl std::ops::Deref for Running {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl Client {
    /// Sends a request with these headers; the body as it comes.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Response<Incoming> {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .unwrap();
        tokio::spawn(connection);
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("Host", self.address.to_string());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(body.into())).unwrap();
        sender.send_request(request).await.unwrap()
    }

    pub async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        self.post_as(path, &[], body).await
    }

    pub async fn post_as(&self, path: &str, headers: &[(&str, &str)], body: &Value) -> (u16, Value) {
        let mut all = vec![("Content-Type", "application/json")];
        all.extend(headers);
        whole(self.send(Method::POST, path, &all, body.to_string()).await).await
    }

    pub async fn get(&self, path: &str) -> (u16, Value) {
        whole(self.send(Method::GET, path, &[], "").await).await
    }

    pub async fn chat(&self, body: Value) -> (u16, Value) {
        self.post("/v1/chat/completions", &chat(body)).await
    }

    /// The chunks of a stream, and whether it ended as it should.
    pub async fn stream(&self, path: &str, mut body: Value) -> Vec<Value> {
        body["stream"] = true.into();
        let json = [("Content-Type", "application/json")];
        let response = self.send(Method::POST, path, &json, body.to_string()).await;
        assert_eq!(response.status(), 200, "{:?}", whole(response).await);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let text = response.into_body().collect().await.unwrap().to_bytes();
        events(std::str::from_utf8(&text).unwrap())
    }
}

/// A question with the given fields.
pub fn chat(fields: Value) -> Value {
    let mut body = json!({
        "model": "tiny", "messages": [{"role": "user", "content": "hello"}], "seed": 1,
        "reasoning_effort": "none", "max_completion_tokens": 24,
    });
    body.as_object_mut()
        .unwrap()
        .extend(fields.as_object().unwrap().clone());
    body
}

/// What makes a question take long: hundreds of attempts that never end by themselves (266 is the end token).
pub fn endless() -> Value {
    json!({"messages": [{"role": "user", "content": "What is 2+2?"}], "reasoning_effort": null, "temperature": 1.0,
        "max_completion_tokens": 1_000_000, "logit_bias": {"266": -100.0},
        "thinking": {"samples": 512, "strategy": "majority"}})
}

/// The data of every event; `[DONE]` as a string.
pub fn events(text: &str) -> Vec<Value> {
    text.lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .map(|data| serde_json::from_str(data).unwrap_or_else(|_| data.into()))
        .collect()
}

pub async fn whole(response: Response<Incoming>) -> (u16, Value) {
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let value = serde_json::from_slice(&body);
    let text = || String::from_utf8_lossy(&body).into_owned().into();
    (status, value.unwrap_or_else(|_| text()))
}

/// Waits until `done`, at most ten seconds.
pub async fn until(mut done: impl AsyncFnMut() -> bool) {
    for _ in 0..1000 {
        if done().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it did not come to pass within ten seconds");
}
