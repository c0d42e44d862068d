//! OpenTelemetry traces, where an environment variable asks for them.
//!
//! `OTEL_EXPORTER_OTLP_ENDPOINT` (or `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`, with its path) is the address of a
//! collector that takes OTLP over plain HTTP as JSON (OpenTelemetry Protocol Specification 1.9, "OTLP/HTTP",
//! JSON Protobuf encoding); `OTEL_SERVICE_NAME` the name we go by. Each request is a span, each run another,
//! with its tokens by the semantic conventions for generative AI; `strawberry.request.id` ties them together.
//! No span has a word of a prompt or an answer.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Request, Uri, header};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

/// Spans that wait to be sent; more are dropped.
const WAITING: usize = 4096;
/// Spans in one request to the collector.
const BATCH: usize = 256;
/// How long spans wait for company.
const DELAY: Duration = Duration::from_secs(2);
/// Time for the collector to take a batch.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A span that has ended.
pub struct Span {
    /// What was done.
    pub name: String,
    /// OTLP's kind: 1 internal, 2 server.
    pub kind: u8,
    /// When it began.
    pub start: SystemTime,
    /// The `traceparent` header of the client, if it sent one (W3C Trace Context, section 3.2).
    pub parent: Option<String>,
    /// Whether it failed.
    pub failed: bool,
    /// Attributes by name.
    pub attributes: Vec<(&'static str, Value)>,
}

/// Where spans go: nowhere, unless an environment variable names a collector.
#[derive(Clone, Default)]
pub struct Tracer(Option<mpsc::Sender<Value>>);

impl Tracer {
    /// A tracer as the environment asks for it. With a collector, it must be made on tokio.
    pub fn from_env() -> Tracer {
        let var = |name| std::env::var(name).ok().filter(|v: &String| !v.is_empty());
        let base = || {
            let base = var("OTEL_EXPORTER_OTLP_ENDPOINT")?;
            Some(format!("{}/v1/traces", base.trim_end_matches('/')))
        };
        let Some(address) = var("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT").or_else(base) else {
            return Tracer::default();
        };
        let service = var("OTEL_SERVICE_NAME").unwrap_or_else(|| "strawberry".to_owned());
        Tracer::new(&address, service)
    }

    /// A tracer to the collector at `address`.
    pub fn new(address: &str, service: String) -> Tracer {
        let target = address
            .parse::<Uri>()
            .ok()
            .filter(|uri| uri.scheme_str() == Some("http") && uri.host().is_some());
        let Some(target) = target else {
            tracing::warn!(
                address,
                "no traces are sent: the collector's address must begin with http://"
            );
            return Tracer::default();
        };
        let (sender, spans) = mpsc::channel(WAITING);
        tokio::spawn(send_all(target, service, spans));
        Tracer(Some(sender))
    }

    /// Sends a span that ends now.
    pub fn end(&self, span: impl FnOnce() -> Span) {
        if let Some(sender) = &self.0 {
            // A collector that can't keep up loses spans; requests don't wait for it.
            let _ = sender.try_send(encode(&span(), SystemTime::now()));
        }
    }
}

fn hex(len: usize) -> String {
    let mut bytes = vec![0; len];
    // Without random numbers the id is invalid, and the collector drops the span.
    let _ = getrandom::fill(&mut bytes);
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn encode(span: &Span, end: SystemTime) -> Value {
    let nanos = |time: SystemTime| {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        since.as_nanos().to_string()
    };
    let is_hex = |text: &&str, len| text.len() == len && text.bytes().all(|b| b.is_ascii_hexdigit());
    let parent = span.parent.as_deref().and_then(|header| {
        let mut parts = header.split('-').skip(1);
        let trace = parts.next().filter(|t| is_hex(t, 32))?;
        let span = parts.next().filter(|s| is_hex(s, 16))?;
        Some((trace.to_owned(), span.to_owned()))
    });
    let (trace, parent) = parent.unwrap_or_else(|| (hex(16), String::new()));
    let attributes: Vec<Value> = span.attributes.iter().map(|(k, v)| attribute(k, v)).collect();
    json!({
        "traceId": trace,
        "spanId": hex(8),
        "parentSpanId": parent,
        "name": span.name,
        "kind": span.kind,
        "startTimeUnixNano": nanos(span.start),
        "endTimeUnixNano": nanos(end),
        "attributes": attributes,
        "status": {"code": if span.failed { 2 } else { 0 }},
    })
}

fn attribute(key: &str, value: &Value) -> Value {
    let value = match value {
        Value::Bool(_) => json!({"boolValue": value}),
        // The JSON encoding writes 64-bit integers as text.
        Value::Number(n) if n.is_u64() || n.is_i64() => json!({"intValue": n.to_string()}),
        Value::Number(_) => json!({"doubleValue": value}),
        Value::String(_) => json!({"stringValue": value}),
        other => json!({"stringValue": other.to_string()}),
    };
    json!({"key": key, "value": value})
}

async fn send_all(target: Uri, service: String, mut spans: mpsc::Receiver<Value>) {
    let mut batch = Vec::new();
    while spans.recv_many(&mut batch, BATCH).await > 0 {
        if batch.len() < BATCH {
            tokio::time::sleep(DELAY).await;
            while batch.len() < BATCH {
                let Ok(span) = spans.try_recv() else { break };
                batch.push(span);
            }
        }
        let body = json!({"resourceSpans": [{
            "resource": {"attributes": [attribute("service.name", &json!(service))]},
            "scopeSpans": [{"scope": {"name": "strawberry", "version": env!("CARGO_PKG_VERSION")},
                "spans": std::mem::take(&mut batch)}],
        }]});
        match tokio::time::timeout(TIMEOUT, post(&target, body.to_string())).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(error, "spans were lost"),
            Err(_) => tracing::warn!("spans were lost: the collector did not answer"),
        }
    }
}

async fn post(target: &Uri, body: String) -> Result<(), String> {
    let text = |e: &dyn std::fmt::Display| e.to_string();
    let host = target.host().unwrap_or_default();
    let stream = TcpStream::connect((host.trim_matches(['[', ']']), target.port_u16().unwrap_or(80)))
        .await
        .map_err(|e| text(&e))?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|e| text(&e))?;
    let connection = tokio::spawn(connection);
    let path = target.path_and_query().map_or("/", |p| p.as_str());
    let request = Request::post(path)
        .header(header::HOST, target.authority().map_or(host, |a| a.as_str()))
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::new(Bytes::from(body)))
        .map_err(|e| text(&e))?;
    let response = sender.send_request(request).await.map_err(|e| text(&e))?;
    connection.abort();
    let status = response.status();
    if status.is_success() {
        Ok(())
    } else {
        Err(format!("the collector answered {status}"))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn a_span_arrives_at_the_collector_within_its_clients_trace() {
        let collector = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/v1/traces", collector.local_addr().unwrap());
        let tracer = Tracer::new(&address, "test".to_owned());
        tracer.end(|| Span {
            name: "POST /v1/chat/completions".to_owned(),
            kind: 2,
            start: SystemTime::now(),
            parent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
            failed: false,
            attributes: vec![("http.response.status_code", 200.into())],
        });
        let (mut stream, _) = collector.accept().await.unwrap();
        let mut got = Vec::new();
        while !got.ends_with(b"}]}]}]}") {
            assert!(stream.read_buf(&mut got).await.unwrap() > 0);
        }
        stream
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            .await
            .unwrap();
        let got = String::from_utf8(got).unwrap();
        let (head, body) = got.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("POST /v1/traces HTTP/1.1"));
        let body: Value = serde_json::from_str(body).unwrap();
        let span = &body["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
        assert_eq!(span["traceId"], "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(span["parentSpanId"], "b7ad6b7169203331");
        assert_eq!(span["attributes"][0]["value"]["intValue"], "200");
    }

    #[test]
    fn an_address_that_is_none_sends_nothing() {
        assert!(Tracer::new("localhost:4318", "x".to_owned()).0.is_none());
    }
}
