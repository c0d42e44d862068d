//! One HTTP exchange with the server, and what went wrong with it, in words.

use std::error::Error;
use std::time::{Duration, SystemTime};

use reqwest::header::{CONTENT_TYPE, LOCATION, RETRY_AFTER};
use reqwest::{Client, Response, StatusCode};
use serde_json::Value;
use strawberry_core::ModelError;

use crate::address::Address;
use crate::options::RemoteOptions;
use crate::response::{error_message, excerpt};

/// Bytes read of a body that is not streamed (errors, model lists) at most.
const MAX_BODY_BYTES: usize = 4 << 20;

/// A failed exchange, before anything was sampled.
#[derive(Debug)]
pub(crate) struct Failure {
    /// What to report if nothing helps.
    pub error: ModelError,
    /// What may help.
    pub remedy: Remedy,
    /// The server's words, where they may name a parameter that it does not take.
    pub refusal: Option<String>,
}

/// What may help against a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Remedy {
    /// Nothing, or other parameters.
    None,
    /// The same again, after the wait the server asked for, if it did.
    Retry(Option<Duration>),
    /// Another model's name, or another path.
    OtherName,
}

impl From<ModelError> for Failure {
    fn from(error: ModelError) -> Self {
        Failure {
            error,
            remedy: Remedy::None,
            refusal: None,
        }
    }
}

/// Makes the HTTP client for a server.
pub(crate) fn client(address: &Address, options: &RemoteOptions) -> Result<Client, ModelError> {
    // Fails only if a provider is installed already, which then serves as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = Client::builder()
        .user_agent(concat!("strawberry/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(options.connect_timeout)
        .redirect(reqwest::redirect::Policy::none());
    if !address.https {
        // Without this, a machine that has no root certificates could not even speak plain HTTP.
        builder = builder.tls_certs_only(std::iter::empty());
    }
    if address.loopback {
        builder = builder.no_proxy();
    }
    builder.build().map_err(|e| {
        ModelError::Unreachable(format!(
            "can't set up TLS for {}: {}; on Debian and Ubuntu the package `ca-certificates` brings root certificates",
            address.shown(),
            root_cause(&e)
        ))
    })
}

/// An exchange that got no HTTP response, or lost it half-way.
pub(crate) fn transport_failure(
    error: &reqwest::Error,
    address: &Address,
    options: &RemoteOptions,
) -> Failure {
    let (base, cause) = (address.shown(), root_cause(error));
    if let Some(tls) = tls_error(error) {
        return ModelError::Unreachable(format!(
            "no secure connection to {base}: {tls}; check the address and the server's certificate \
             (a server without TLS is addressed by http://)"
        ))
        .into();
    }
    let error = if error.is_timeout() && error.is_connect() {
        let limit = options.connect_timeout.as_secs_f32();
        ModelError::TimedOut(format!(
            "no connection to {base} within {limit} s: check the address, and that nothing blocks the way"
        ))
    } else if error.is_connect() {
        ModelError::Unreachable(format!(
            "can't reach a server at {base}: {cause}; check the address, and that the server is running"
        ))
    } else {
        ModelError::Unreachable(format!("the connection to {base} broke: {cause}"))
    };
    Failure {
        error,
        remedy: Remedy::Retry(None),
        refusal: None,
    }
}

/// An HTTP response that is no success. Reads its body.
pub(crate) async fn status_failure(response: Response, address: &Address) -> Failure {
    let status = response.status();
    let header = |name| {
        response
            .headers()
            .get(name)
            .and_then(|v| v.to_str().ok())
            .map(str::to_owned)
    };
    let retry_after = header(RETRY_AFTER).and_then(|v| parse_retry_after(&v, SystemTime::now()));
    let location = header(LOCATION);
    let body = read_body(response).await.unwrap_or_default();
    let base = address.shown();
    if status.is_redirection() {
        return ModelError::Server(format!(
            "{base} redirects ({status}) to '{}': use the address it means",
            location.unwrap_or_default()
        ))
        .into();
    }
    let message = serde_json::from_str::<Value>(&body)
        .ok()
        .and_then(|v| error_message(&v))
        .unwrap_or_else(|| excerpt(body.trim()));
    reported_failure(status, &message, &body, retry_after, &base)
}

/// A failure that the server reports: by an HTTP status, or within the stream.
pub(crate) fn reported_failure(
    status: StatusCode,
    message: &str,
    body: &str,
    retry_after: Option<Duration>,
    base: &str,
) -> Failure {
    let said = if message.is_empty() {
        "it gives no reason".to_owned()
    } else {
        format!("it says: {message}")
    };
    let (error, remedy, may_name_a_parameter) = match status.as_u16() {
        401 | 403 => (
            ModelError::Unauthorised(format!(
                "{base} refuses the credentials ({status}); {said}; set STRAWBERRY_API_KEY or OPENAI_API_KEY \
                 to a key it knows"
            )),
            Remedy::None,
            false,
        ),
        404 => (
            ModelError::Server(format!("{base} answers {status}; {said}")),
            Remedy::OtherName,
            false,
        ),
        429 => (
            ModelError::RateLimited(format!(
                "{base} is too busy or a quota is used up ({status}); {said}; try later or with fewer attempts at once"
            )),
            Remedy::Retry(retry_after),
            false,
        ),
        408 | 425 => (
            ModelError::TimedOut(format!("{base} answers {status}; {said}")),
            Remedy::Retry(retry_after),
            false,
        ),
        400..500 => (
            context_overflow(body).unwrap_or_else(|| {
                ModelError::InvalidRequest(format!("{base} refuses the request ({status}); {said}"))
            }),
            Remedy::None,
            true,
        ),
        _ => (
            ModelError::Server(format!("{base} failed ({status}); {said}")),
            Remedy::Retry(retry_after),
            true,
        ),
    };
    Failure {
        error,
        remedy,
        refusal: may_name_a_parameter.then(|| body.to_owned()),
    }
}

/// The overflow of the context that llama.cpp's server reports with numbers.
fn context_overflow(body: &str) -> Option<ModelError> {
    let body: Value = serde_json::from_str(body).ok()?;
    let number = |name| body.get("error")?.get(name)?.as_u64();
    Some(ModelError::ContextOverflow {
        prompt: number("n_prompt_tokens")?,
        limit: number("n_ctx")?,
    })
}

/// Reads a body that is not streamed, up to a limit.
pub(crate) async fn read_body(mut response: Response) -> Result<String, reqwest::Error> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        let room = MAX_BODY_BYTES - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if body.len() == MAX_BODY_BYTES {
            break;
        }
    }
    Ok(String::from_utf8_lossy(&body).into_owned())
}

/// Whether the response is an event stream. Servers that forget to say so are believed to stream.
pub(crate) fn is_event_stream(response: &Response) -> bool {
    !response
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
        .is_some_and(|v| v.trim_start().starts_with("application/json"))
}

/// `Retry-After`: seconds or a date (RFC 9110, section 10.2.3).
fn parse_retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    match value.parse::<f64>() {
        Ok(seconds) => Duration::try_from_secs_f64(seconds).ok(),
        Err(_) => Some(
            httpdate::parse_http_date(value)
                .ok()?
                .duration_since(now)
                .unwrap_or_default(),
        ),
    }
}

/// The innermost cause of an error: the part that says something.
fn root_cause(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

/// The TLS error behind an error, if there is one.
fn tls_error(error: &(dyn Error + 'static)) -> Option<String> {
    let mut next = Some(error);
    while let Some(cause) = next {
        if let Some(tls) = cause.downcast_ref::<rustls::Error>() {
            return Some(tls.to_string());
        }
        // An io::Error's source skips the error it wraps.
        next = match cause.downcast_ref::<std::io::Error>().and_then(|io| io.get_ref()) {
            Some(wrapped) => Some(wrapped),
            None => cause.source(),
        };
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_retry_after_as_seconds_and_as_a_date() {
        let now = httpdate::parse_http_date("Fri, 31 Dec 1999 23:59:50 GMT").unwrap();
        let wait = |v| parse_retry_after(v, now);
        assert_eq!(wait(" 7 "), Some(Duration::from_secs(7)));
        assert_eq!(wait("0.5"), Some(Duration::from_millis(500)));
        assert_eq!(
            wait("Fri, 31 Dec 1999 23:59:59 GMT"),
            Some(Duration::from_secs(9))
        );
        assert_eq!(wait("Fri, 31 Dec 1999 23:59:00 GMT"), Some(Duration::ZERO));
        for nonsense in ["-1", "soon", "inf", "1e300", ""] {
            assert_eq!(wait(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn an_overflow_with_numbers_is_recognised() {
        let body = r#"{"error":{"code":400,"message":"too long","n_prompt_tokens":5000,"n_ctx":4096}}"#;
        let failure = reported_failure(StatusCode::BAD_REQUEST, "too long", body, None, "http://x/v1");
        assert!(matches!(
            failure.error,
            ModelError::ContextOverflow {
                prompt: 5000,
                limit: 4096
            }
        ));
    }
}
