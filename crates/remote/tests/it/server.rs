//! A small HTTP server on a local port that plays a script, for the cases no real server shows on demand.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Request {
    pub path: String,
    pub headers: HashMap<String, String>,
    pub body: Value,
}

/// What the server does next on a connection.
#[derive(Clone, Debug)]
pub enum Step {
    Send(String),
    Wait(Duration),
    /// Sends nothing more until the client closes the connection.
    Hang,
}

pub type Script = Vec<Step>;

/// A running server.
pub struct Server {
    pub base: String,
    chats: Arc<Mutex<Vec<Request>>>,
    pub hung_up: Arc<AtomicUsize>,
    pub most_at_once: Arc<AtomicUsize>,
}

impl Server {
    /// Starts a server that answers the n-th chat completion request with `script(n, request)`, and lists `models`.
    pub async fn start(
        models: &[&str],
        script: impl Fn(usize, &Request) -> Script + Send + Sync + 'static,
    ) -> Server {
        Server::start_owned(models, "test", script).await
    }

    /// The same, with the owner of the models.
    pub async fn start_owned(
        models: &[&str],
        owner: &str,
        script: impl Fn(usize, &Request) -> Script + Send + Sync + 'static,
    ) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Server {
            base: format!("http://{}/v1", listener.local_addr().unwrap()),
            chats: Arc::default(),
            hung_up: Arc::default(),
            most_at_once: Arc::default(),
        };
        let models: Vec<Value> = models
            .iter()
            .map(|id| json!({"id": id, "owned_by": owner}))
            .collect();
        let models = json!({"object": "list", "data": models}).to_string();
        let (chats, hung_up, most) = (
            server.chats.clone(),
            server.hung_up.clone(),
            server.most_at_once.clone(),
        );
        let (script, now) = (Arc::new(script), Arc::new(AtomicUsize::new(0)));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (chats, hung_up, most) = (chats.clone(), hung_up.clone(), most.clone());
                let (script, models, now) = (script.clone(), models.clone(), now.clone());
                tokio::spawn(async move {
                    let Some(request) = read_request(&mut stream).await else {
                        return;
                    };
                    if request.path == "/v1/models" {
                        play(
                            &mut stream,
                            vec![Step::Send(http("200 OK", "application/json", &models))],
                        )
                        .await;
                        return;
                    }
                    most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    let steps = {
                        let mut chats = chats.lock().unwrap();
                        chats.push(request.clone());
                        script(chats.len() - 1, &request)
                    };
                    if !play(&mut stream, steps).await {
                        hung_up.fetch_add(1, Ordering::SeqCst);
                    }
                    now.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        server
    }

    /// The chat completion requests so far.
    pub fn chats(&self) -> Vec<Request> {
        self.chats.lock().unwrap().clone()
    }
}

/// Plays the steps; false when the client hung up during `Hang` or while being sent to.
async fn play(stream: &mut TcpStream, steps: Script) -> bool {
    for step in steps {
        match step {
            Step::Send(text) => {
                if stream.write_all(text.as_bytes()).await.is_err() {
                    return false;
                }
            }
            Step::Wait(time) => tokio::time::sleep(time).await,
            Step::Hang => {
                let mut rest = [0; 64];
                while !matches!(stream.read(&mut rest).await, Ok(0) | Err(_)) {}
                return false;
            }
        }
    }
    let _ = stream.shutdown().await;
    true
}

async fn read_request(stream: &mut TcpStream) -> Option<Request> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if bytes.first().is_some_and(|b: &u8| !b.is_ascii_uppercase()) {
            // Not HTTP (a TLS handshake, say): answered as most servers do.
            let answer = http("400 Bad Request", "text/plain", "not HTTP");
            play(stream, vec![Step::Send(answer)]).await;
            return None;
        }
        if let Some(at) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            break at;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&bytes[..head_end]).into_owned();
    let mut lines = head.split("\r\n");
    let path = lines.next()?.split(' ').nth(1)?.to_owned();
    let headers: HashMap<String, String> = lines
        .filter_map(|l| l.split_once(": "))
        .map(|(k, v)| (k.to_lowercase(), v.to_owned()))
        .collect();
    let length: usize = headers.get("content-length").map_or(0, |v| v.parse().unwrap());
    while bytes.len() < head_end + 4 + length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    let body = serde_json::from_slice(&bytes[head_end + 4..]).unwrap_or(Value::Null);
    Some(Request { path, headers, body })
}

/// A whole HTTP response.
pub fn http(status: &str, content_type: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

/// An error response in OpenAI's shape.
pub fn error(status: &str, message: &str) -> Script {
    let body = json!({"error": {"message": message}}).to_string();
    vec![Step::Send(http(status, "application/json", &body))]
}

/// The head of an event stream that ends with the connection.
pub fn stream_head() -> Step {
    Step::Send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n".into())
}

/// One event.
pub fn event(data: &Value) -> Step {
    Step::Send(format!("data: {data}\n\n"))
}

/// One event with a delta of the response.
pub fn delta(delta: Value) -> Step {
    event(&json!({"choices": [{"index": 0, "delta": delta, "finish_reason": null}]}))
}

/// The events that end a response properly, with usage.
pub fn ending(prompt: u64, completion: u64) -> Vec<Step> {
    vec![
        event(&json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})),
        event(&json!({"choices": [], "usage": {"prompt_tokens": prompt, "completion_tokens": completion}})),
        Step::Send("data: [DONE]\n\n".into()),
    ]
}

/// A whole response with one text.
pub fn answer(text: &str) -> Script {
    let mut steps = vec![stream_head(), delta(json!({"content": text}))];
    steps.extend(ending(10, 1));
    steps
}
