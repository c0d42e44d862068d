//! Reading a JSON body: bounded in size and time, errors with the field that is wrong.

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::http::{StatusCode, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;

use crate::error::ApiError;
use crate::state::AppState;

/// The body of a request as JSON. (serde_json refuses more than 128 levels.)
pub struct JsonBody<T>(pub T);

impl<T: DeserializeOwned> FromRequest<AppState> for JsonBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, ApiError> {
        let content_type = request.headers().get(header::CONTENT_TYPE);
        let is_json = content_type.and_then(|v| v.to_str().ok()).is_some_and(|v| {
            let kind = v.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
            kind == "application/json" || kind.ends_with("+json")
        });
        if !is_json {
            return Err(ApiError::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "invalid_request_error",
                None,
                "the body must be JSON: send 'Content-Type: application/json'",
            ));
        }
        let bytes = read(request.into_body(), state).await?;
        parse(&bytes).map(JsonBody)
    }
}

async fn read(body: Body, state: &AppState) -> Result<bytes::Bytes, ApiError> {
    let limits = &state.settings.limits;
    let whole = Limited::new(body, limits.body_bytes).collect();
    match tokio::time::timeout(limits.read_timeout, whole).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(ApiError::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "invalid_request_error",
            None,
            format!("the body is larger than {} bytes", limits.body_bytes),
        )),
        Ok(Err(error)) => Err(ApiError::invalid(format!("the body can't be read: {error}"))),
        Err(_) => Err(ApiError::new(
            StatusCode::REQUEST_TIMEOUT,
            "invalid_request_error",
            None,
            format!(
                "the body did not arrive within {} s",
                limits.read_timeout.as_secs()
            ),
        )),
    }
}

/// Parses JSON, naming the field that is wrong.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.into_inner();
        if inner.is_data() && path != "." {
            ApiError::param(&path, format!("'{path}': {inner}"))
        } else {
            ApiError::invalid(format!("the body is not a valid request: {inner}"))
        }
    })?;
    reader
        .end()
        .map_err(|e| ApiError::invalid(format!("the body is not valid JSON: {e}")))?;
    Ok(value)
}
